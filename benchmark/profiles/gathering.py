"""From a run's files to evidence: what is wanted of each file, what failed, and what the profile makes of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmark.choices import FrameRule, ReferenceVideo
from benchmark.evidence import Evidence, Whose, taken
from benchmark.features import Extracted, FeatureStore, Wanted, extract
from benchmark.profiles import Features, Profile, Question, filling, judged
from benchmark.profiles.direct import wanted_features
from benchmark.runs import FailureRecord, RunDirectory, UnusableRun
from foundation.work import Progress
from vgg_monoaudio.dataset import Benchmark, Sample, Source

SYNC_SECONDS = 4.8  # the window of the offset head


@dataclass(frozen=True)
class Gathered:
    """What the samples of a run are scored from.

    Attributes:
        questions: the samples that can be scored, in the order given.
        evidence: of these samples, row by row; empty if there is none.
        failures: the samples whose generated file cannot be used, with the reason of each.
        dropped: the samples whose reference video cannot be used, where the frame rule says to do without them.
        absent: why evidence is not there, by its name, where the benchmark has nothing that it could be made of.
    """

    questions: list[Question]
    evidence: Evidence
    failures: list[FailureRecord]
    dropped: list[FailureRecord] = field(default_factory=list)
    absent: Mapping[str, str] = field(default_factory=dict)


def evidence_of(
    run: RunDirectory,
    built: Benchmark,
    samples: Sequence[Sample],
    profile: Profile,
    store: FeatureStore,
    *,
    reference_video: ReferenceVideo,
    frame_rule: FrameRule = "refuse",
    workers: int | None = None,
    progress: Progress | None = None,
) -> Gathered:
    """Return the evidence of a run's samples; features that are not in the store are computed.

    Args:
        run: where the generated files are.
        built: the benchmark that the run answers.
        samples: those of it that have a generated file.
        profile: which backbones score.
        store: where features are kept.
        reference_video: compare with the target's own clip or with the composed scene.
        frame_rule: what to do where that is short, see `benchmark.choices.Choices`.
        workers: processes that decode; None takes one per core.
        progress: called as files are done.

    Raises:
        UnusableRun: a file of the benchmark itself cannot be used.
        ValueError: the benchmark's clips are too short for a wanted metric.
        vgg_monoaudio.dataset.BenchmarkError: a file of the benchmark is not the one that was built.
        benchmark.features.WorkerDied: worker processes cannot begin.
    """
    _check_length(built, profile)
    questions = _questions(run, samples, reference_video)
    check_references(built, samples, reference_video)
    wanted, seconds = _wanted(questions, built, profile), built.duration_seconds
    extracted = extract(wanted, store, seconds=seconds, workers=workers, progress=progress)
    filled: frozenset[Path] = frozenset()
    if frame_rule == "repeat":
        filled = _filled(wanted, extracted, store, seconds=seconds, workers=workers)
    questions, failures, dropped = _usable(questions, extracted, filled, drop=frame_rule != "refuse")
    features = Features(store, extracted.sha256, extracted.timed, filled)
    evidence = profile.evidence(questions, built.sources, features) if questions else {}
    said = judged.opinions(questions, built, features, profile.wanted, progress)
    absent = _absent(questions, built.sources, profile)
    return Gathered(questions, {**evidence, **said.evidence}, failures, dropped, {**absent, **said.absent})


def _check_length(built: Benchmark, profile: Profile) -> None:
    """Refuse to judge synchrony on clips that are shorter than what it is judged on."""
    if built.duration_seconds >= SYNC_SECONDS:
        return
    for metric in profile.wanted:
        if "pair.offset_logits" in metric.takes:
            raise ValueError(
                f"{built.path}: clips of {built.duration_seconds:g} s, {metric.label} is judged on {SYNC_SECONDS:g} s; "
                f"name the other metrics with --metrics, or score a benchmark of clips of at least {SYNC_SECONDS:g} s"
            )


def _absent(questions: Sequence[Question], sources: Sequence[Source], profile: Profile) -> dict[str, str]:
    """Return why evidence cannot be there, by its name; what the benchmark lacks goes before what the profile does."""
    names, samples = taken(profile.wanted), [question.sample for question in questions]
    lacking: dict[str, str] = {}
    if any(sample.target_audio is None for sample in samples):
        lacking["target"] = "this benchmark has no reference sounds"
    if any(sample.paired_audio is None for sample in samples):
        lacking["paired"] = "this benchmark has no paired clips"
    if not all(sample.paired_label for sample in samples):
        lacking["paired_label"] = "this benchmark has no paired labels"
    return absent_by_profile(questions, sources, profile) | {
        name: lacking[who] for name in names if (who := name.partition(".")[0]) in lacking
    }


def absent_by_profile(questions: Sequence[Question], sources: Sequence[Source], profile: Profile) -> dict[str, str]:
    """Return why evidence is not there, by its name, where a profile learns from reference sounds and cannot.

    Args:
        questions: the samples to be scored.
        sources: the reference sounds and their labels.
        profile: which backbones score.
    """
    of_profile = getattr(profile, "absent", None)
    return dict(of_profile(questions, sources)) if of_profile else {}


def wanted_of(
    run: RunDirectory, built: Benchmark, samples: Sequence[Sample], profile: Profile, reference_video: ReferenceVideo
) -> list[Wanted]:
    """Return the files and extractors that the evidence of a run's samples is made of; see `evidence_of`."""
    return _wanted(_questions(run, samples, reference_video), built, profile)


def check_references(built: Benchmark, samples: Sequence[Sample], reference_video: ReferenceVideo) -> None:
    """Refuse sounds and videos of the benchmark that are not those which were built: the numbers would be of others.

    Args:
        built: a benchmark.
        samples: those that are scored.
        reference_video: what they are compared with.

    Raises:
        vgg_monoaudio.dataset.BenchmarkError: names the first.
    """
    videos = dict.fromkeys(_reference(sample, reference_video) for sample in samples)
    built.check_files([*(source.audio for source in built.sources if source.audio is not None), *videos])


def _questions(run: RunDirectory, samples: Sequence[Sample], reference_video: ReferenceVideo) -> list[Question]:
    return [Question(s, run.audio(s.sample_id), _reference(s, reference_video)) for s in samples]


def _reference(sample: Sample, reference_video: ReferenceVideo) -> Path:
    return sample.target_video if reference_video == "target" else sample.video


def _wanted(questions: Sequence[Question], built: Benchmark, profile: Profile) -> list[Wanted]:
    made_by_build = built.record.inputs != ""  # whose films begin at zero, in every version
    return wanted_files(questions, built.sources, profile, from_zero=made_by_build)


def wanted_files(
    questions: Sequence[Question], sources: Sequence[Source], profile: Profile, *, from_zero: bool = False
) -> list[Wanted]:
    """Return the files and extractors that the evidence of these samples is made of.

    Args:
        questions: the samples to be scored.
        sources: the reference sounds that a profile may learn from.
        profile: which backbones score.
        from_zero: of the reference videos, see `benchmark.features.Wanted`.
    """
    read, samples = wanted_features(profile), [question.sample for question in questions]
    sounds: Mapping[Whose, list[Path]] = {
        "source": [source.audio for source in sources if source.audio is not None],
        "target": [sample.target_audio for sample in samples if sample.target_audio is not None],
        "paired": [sample.paired_audio for sample in samples if sample.paired_audio is not None],
        "generated": [question.generated for question in questions],
    }
    wanted: dict[Path, set[str]] = {}  # of whichever a file is, and it may be several
    for who, paths in sounds.items():
        for path in paths:
            wanted.setdefault(path, set()).update(extractor.name for extractor in read[who])
    videos = dict.fromkeys(question.reference_video for question in questions)
    return [
        *(Wanted(path, "audio", tuple(e for e in profile.audio if e.name in names)) for path, names in wanted.items()),
        *(Wanted(path, "video", read["video"], from_zero=from_zero) for path in videos),
    ]


def _filled(
    wanted: Sequence[Wanted], extracted: Extracted, store: FeatureStore, *, seconds: float, workers: int | None
) -> frozenset[Path]:
    """Read the videos that failed once more, repeating their last frame; return those that so have features."""
    short = [item for item in wanted if item.medium == "video" and item.path in extracted.failures]
    again = [replace(item, extractors=tuple(filling(extractor) for extractor in item.extractors)) for item in short]
    failures = extract(again, store, seconds=seconds, workers=workers).failures if again else {}
    return frozenset(item.path for item in again if item.path not in failures)


def _usable(
    questions: Sequence[Question], extracted: Extracted, filled: frozenset[Path], *, drop: bool
) -> tuple[list[Question], list[FailureRecord], list[FailureRecord]]:
    """Return the samples that can be scored, those whose generated file failed, and those whose video is dropped.

    Any other source that failed is a broken benchmark.
    """
    reasons = {path: reason for path, reason in extracted.failures.items() if path not in filled}
    videos = {question.reference_video for question in questions} if drop else set()
    dropped_for = {path: reasons.pop(path) for path in videos & set(reasons)}
    usable: list[Question] = []
    failures: list[FailureRecord] = []
    dropped: list[FailureRecord] = []
    for question in questions:
        generated, video = reasons.pop(question.generated, None), dropped_for.get(question.reference_video)
        reason = generated or video
        if reason is None:
            usable.append(question)
            continue
        failed = FailureRecord(sample=question.sample.sample_id, stage="evaluate", reason=reason)
        (failures if generated else dropped).append(failed)
    if reasons:
        raise UnusableRun(f"the benchmark's own files cannot be used: {next(iter(reasons.values()))}; build it again")
    return usable, failures, dropped
