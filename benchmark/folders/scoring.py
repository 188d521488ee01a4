"""From two folders to numbers, by the road that runs take: features, evidence, metrics.

What a benchmark says of a sample is made of what the folders hold: the reference sound is the target's, the film the
reference video, the prompt the label. Every sample is drawn by itself in resamples, as nothing says what they share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Unpack

from benchmark.choices import BandwidthFrom, Choices, ProfileName, ScoringRecord
from benchmark.evidence import Evidence
from benchmark.features import DEFAULT_CACHE, Extracted, FeatureStore, Wanted, extract
from benchmark.folders.asking import Asked, asked
from benchmark.folders.matching import Sides, match
from benchmark.folders.record import FolderCounts, FoldersRecord
from benchmark.profiles import Features, Profile, Question, load_profile
from benchmark.profiles.direct import direct_evidence, wanted_features
from benchmark.profiles.gathering import absent_by_profile, wanted_files
from benchmark.runs import MetricValue
from benchmark.scoring import Scores, score, unpaired_value
from foundation.checkpoints import WeightOptions
from foundation.files import PathLike
from foundation.names import check_known, options_of
from foundation.work import Progress
from metrics.placement import computing_on
from metrics.registry import Metric
from vgg_monoaudio.dataset import Sample, Source

SECONDS = 8.0  # that the benchmark's scenes last, and the field scores


class FolderOptions(WeightOptions, total=False):
    """The options of `record_of_folders`, for functions that hand them on."""

    video: PathLike | None
    prompts: PathLike | Mapping[str, str] | None
    profile: ProfileName
    metrics: Sequence[str]
    extended: bool
    seconds: float
    unpaired: bool
    bandwidth_from: BandwidthFrom
    resamples: int
    cache: PathLike
    workers: int | None
    progress: Progress | None


class NothingLeft(Exception):
    """No file of two folders could be scored; the message says why of the first."""


def record_of_folders(
    generated: PathLike,
    reference: PathLike,
    *,
    video: PathLike | None = None,
    prompts: PathLike | Mapping[str, str] | None = None,
    profile: ProfileName = "paper",
    metrics: Sequence[str] = (),
    extended: bool = False,
    seconds: float = SECONDS,
    unpaired: bool = False,
    bandwidth_from: BandwidthFrom = "generated",
    resamples: int = 1000,
    cache: PathLike = DEFAULT_CACHE,
    workers: int | None = None,
    progress: Progress | None = None,
    **weights: Unpack[WeightOptions],
) -> FoldersRecord:
    """Return the metrics of a folder of generated sounds against a folder of reference sounds.

    Files are paired by their names without ending, and one that lacks its counterpart, or cannot be read, is left out
    of every metric, so that all are of the same samples; it is named among the failures. Where no name is in both
    folders they are compared as sets, and metrics that compare sounds of one name have a reason in place of a value.

    Args:
        generated: folder of the sounds under test; films with sound will do, subfolders are searched too.
        reference: folder of the sounds that they are compared with.
        video: folder of the films by the same names; needed for IB, DeSync and AV-Align.
        prompts: a table with the columns name and prompt (or caption), or a mapping; needed for CLAP, and by profile
            signal for IS and KL too.
        profile: which backbones score: paper, open or signal.
        metrics: names or labels: exactly these; () for the usual ones that two folders may suffice for.
        extended: the metrics on request too.
        seconds: how much of each file is scored, from its beginning; a shorter one is not scored. KAD hears whole
            files, as kadtk does.
        unpaired: compare the folders as sets, though names are in both.
        bandwidth_from: whose median distance is KAD's bandwidth.
        resamples: of the bootstrap, seed 0.
        cache: where features are kept, by the content of the files, apart from those of runs.
        workers: processes that decode; None takes one per core. Results do not depend on it.
        progress: called as files are done.
        weights: see `foundation.checkpoints.WeightOptions`.

    Raises:
        TypeError: there is no such option.
        ValueError: folders, prompts, metrics or seconds that cannot be used, or no metric that can be computed.
        NothingLeft: no file can be scored.
        foundation.checkpoints.MissingCheckpoint: weights of the profile are missing.
    """
    check_known(weights, options_of(record_of_folders, WeightOptions.__annotations__))
    if not (isfinite(seconds) and seconds > 0):
        raise ValueError(f"seconds: expected a number above 0, got {seconds}")
    sides = match(generated, reference, video=video, prompts=prompts, unpaired=unpaired)
    wanted = asked(profile, sides, metrics=metrics, extended=extended, seconds=seconds)
    choices = Choices(
        profile=profile, bandwidth_from=bandwidth_from, resample_by="sample", resamples=resamples,
        metrics=wanted.computed,
    )  # fmt: skip
    loaded = load_profile(profile, metrics=wanted.computed, **weights)
    store = FeatureStore(f"{cache}/first-{seconds:g}s")  # files of any length: their features depend on it
    read = _read(sides, loaded, store, seconds=seconds, workers=workers, progress=progress)
    scoring = ScoringRecord.of(choices, loaded)
    scores = _scores(read, loaded, scoring)
    values = {metric.name: _value(metric, wanted, scores) for metric in wanted.metrics}
    return FoldersRecord(
        schema=1, generated=str(generated), reference=str(reference), video=None if video is None else str(video),
        paired=sides.paired, seconds=seconds, scoring=scoring, metrics=values, failures=read.failures,
        counts=FolderCounts(
            generated=len(sides.generated), reference=len(sides.reference), expected=len(sides.expected),
            scored=len(read.questions),
        ),
        samples=_samples(read.questions, scores),
    )  # fmt: skip


@dataclass(frozen=True)
class _Read:
    """What was read of two folders.

    Attributes:
        questions: the samples that can be scored, sorted by name.
        references: reference sounds that can be used and have no sample, in the place of generated ones; of unpaired
            folders.
        features: of all their files.
        failures: name to why it is not scored.
    """

    questions: list[Question]
    references: list[Question]
    features: Features
    failures: dict[str, str]


def _read(
    sides: Sides,
    profile: Profile,
    store: FeatureStore,
    *,
    seconds: float,
    workers: int | None,
    progress: Progress | None,
) -> _Read:
    """Compute the features of all files that can be scored.

    Raises:
        NothingLeft: there is none, on one of the sides.
    """
    questions = [_question(sides, name) for name in sides.complete]
    references = [] if sides.paired else [_alone(name, path) for name, path in sorted(sides.reference.items())]
    if not questions:
        name, reason = next(iter(sides.lacking.items()))
        raise NothingLeft(f"none of {len(sides.expected)} names can be scored; {name}: {reason}")
    of_target = wanted_features(profile)["target"]
    wanted = [
        *wanted_files(questions, _sources(questions), profile),
        *(Wanted(one.generated, "audio", of_target) for one in references),
    ]
    needed = [item for item in wanted if item.extractors]
    extracted = extract(needed, store, seconds=seconds, workers=workers, progress=progress)
    failed = {q.sample.sample_id: reason for q in questions if (reason := _failure(q, extracted))}
    lost = {str(one.generated): reason for one in references if (reason := _failure(one, extracted))}
    usable = [q for q in questions if q.sample.sample_id not in failed]
    left = [one for one in references if str(one.generated) not in lost]
    if not usable or (references and not left):
        reason = next(iter((failed if not usable else lost).values()))
        raise NothingLeft(f"none of the sounds can be scored; the first: {reason}; --seconds says how much is scored")
    features = Features(store, extracted.sha256, extracted.timed)
    return _Read(usable, left, features, {**sides.lacking, **failed, **lost})


def _question(sides: Sides, name: str) -> Question:
    """Return a name as a sample of single clips; without films no extractor reads the video that is named."""
    generated = sides.generated[name]
    film = generated if sides.films is None else sides.films[name]
    label = "" if sides.prompts is None else sides.prompts[name]
    target = sides.reference[name] if sides.paired else None
    return Question(replace(_alone(name, film).sample, label=label, target_audio=target), generated, film)


def _alone(name: str, path: Path) -> Question:
    """Return a file of which nothing else is known."""
    sample = Sample(
        sample_id=name, subset="single", label="", paired_label="", target_id=name, paired_id="", target_category="",
        paired_category="", target_side="", sha256="", video=path, target_audio=None, target_video=path,
        paired_audio=None, paired_video=None,
    )  # fmt: skip
    return Question(sample, path, path)


def _failure(question: Question, extracted: Extracted) -> str:
    """Return why a sample's files cannot be used; "" where they can."""
    files = (question.generated, question.sample.target_audio, question.reference_video)
    return next((extracted.failures[path] for path in files if path is not None and path in extracted.failures), "")


def _sources(questions: Sequence[Question], sha256: Mapping[Path, str] | None = None) -> list[Source]:
    """Return the reference sounds with their labels; with hashes, each content once, as a benchmark has its sources."""
    found: dict[tuple[str, str], Source] = {}
    for question in questions:
        sample, sound = question.sample, question.sample.target_audio
        if sound is not None:
            content = str(sound) if sha256 is None else sha256[sound]
            source = Source(sample.sample_id, sample.label, "", sound, sample.target_video)
            found.setdefault((content, sample.label), source)
    return list(found.values())


def _scores(read: _Read, profile: Profile, scoring: ScoringRecord) -> Scores:
    """Score what was read: pairs like the samples of a run, else what generated sounds suffice for, and the sets."""
    sources = _sources(read.questions, read.features.sha256)
    evidence = profile.evidence(read.questions, sources, read.features)
    absent = absent_by_profile(read.questions, sources, profile)
    between = [metric for metric in profile.wanted if read.references and _compares_sounds(metric)]
    alone = tuple(name for name in scoring.metrics if name not in {metric.name for metric in between})
    scores = Scores({}, {})
    if alone:
        chosen = scoring.model_copy(update={"metrics": alone})
        scores = score(evidence, None, chosen, device=profile.device, absent=absent)
    with computing_on(profile.device):
        sets = _between_sets(between, evidence, read, profile, scoring)
    return Scores({**scores.values, **sets}, scores.columns)


def _compares_sounds(metric: Metric) -> bool:
    return any(name.startswith("target.") for name in metric.takes)


def _between_sets(
    metrics: Sequence[Metric], evidence: Evidence, read: _Read, profile: Profile, scoring: ScoringRecord
) -> dict[str, MetricValue]:
    """Score sets of unpaired sounds: the reference sounds' features, read as those of generated ones are."""
    if not metrics:
        return {}
    as_generated = [
        replace(metric, takes=tuple(name.replace("target.", "generated.") for name in metric.takes))
        for metric in metrics
    ]  # fmt: skip
    heard = direct_evidence(profile.audio, read.references, read.features, as_generated)
    found = {}
    for metric, both in zip(metrics, as_generated, strict=True):
        sides = [heard if name.startswith("target.") else evidence for name in metric.takes]
        if all(name in side for name, side in zip(both.takes, sides, strict=True)):
            arguments = [side[name] for name, side in zip(both.takes, sides, strict=True)]
            found[metric.name] = unpaired_value(metric, arguments, scoring)
    return found


def _value(metric: Metric, wanted: Asked, scores: Scores) -> MetricValue:
    """Return a metric's value, or the reason why it has none."""
    if metric.name in scores.values:
        return scores.values[metric.name]
    reason = wanted.lacking.get(metric.name, "this profile has no counterpart")
    return MetricValue(
        value=None, n=0, unit=metric.unit, better=metric.better, version=metric.version, reason=reason
    )  # fmt: skip


def _samples(questions: Sequence[Question], scores: Scores) -> dict[str, dict[str, float | None]]:
    """Return each sample's scores; None where a partial metric has none."""
    return {
        question.sample.sample_id: {
            name: float(column[place]) if isfinite(column[place]) else None for name, column in scores.columns.items()
        }
        for place, question in enumerate(questions)
    }
