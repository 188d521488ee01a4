"""From two folders to numbers, by the road that runs take: features, evidence, metrics.

What a benchmark says of a sample is made of what the folders hold: the reference sound is the target's, the film the
reference video, the prompt the label. Every sample is drawn by itself in resamples, as nothing says what they share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from numbers import Real
from typing import Unpack

from benchmark.choices import BandwidthFrom, Choices, ProfileName, ScoringRecord
from benchmark.evidence import Evidence
from benchmark.features import DEFAULT_CACHE, FeatureStore
from benchmark.folders.asking import Asked, asked
from benchmark.folders.matching import match
from benchmark.folders.reading import NothingLeft as NothingLeft
from benchmark.folders.reading import Read, read, sources_of
from benchmark.folders.record import FolderCounts, FoldersRecord
from benchmark.preparing import check_workers
from benchmark.profiles import Profile, Question, load_profile
from benchmark.profiles.direct import direct_evidence
from benchmark.profiles.gathering import absent_by_profile
from benchmark.runs import MetricValue
from benchmark.scoring import Scores, score, unpaired_value
from foundation.checkpoints import WeightOptions
from foundation.files import PathLike
from foundation.names import check_known, joined, options_of
from foundation.work import Progress
from metrics.placement import computing_on
from metrics.registry import Metric, get_metric

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
        NothingLeft: no file can be scored, or too few for any metric.
        foundation.checkpoints.MissingCheckpoint: weights of the profile are missing.
    """
    check_known(weights, options_of(record_of_folders, WeightOptions.__annotations__))
    _check(seconds, workers, {"generated": generated, "reference": reference, "video": video, "prompts": prompts})
    sides = match(generated, reference, video=video, prompts=prompts, unpaired=unpaired)
    wanted = asked(profile, sides, metrics=metrics, extended=extended, seconds=seconds)
    choices = Choices(
        profile=profile, bandwidth_from=bandwidth_from, resample_by="sample", resamples=resamples,
        metrics=wanted.computed,
    )  # fmt: skip
    loaded = load_profile(profile, metrics=wanted.computed, **weights)
    store = FeatureStore(f"{cache}/first-{seconds:g}s")  # files of any length: their features depend on it
    found = read(sides, loaded, store, seconds=seconds, workers=workers, progress=progress)
    scoring = ScoringRecord.of(choices, loaded)
    scores = _scores(found, loaded, scoring)
    values = {metric.name: _value(metric, wanted, scores) for metric in wanted.metrics}
    _check_any(values, found.failures)
    return FoldersRecord(
        schema=1, generated=str(generated), reference=str(reference), video=None if video is None else str(video),
        paired=sides.paired, seconds=seconds, scoring=scoring, metrics=values, failures=found.failures,
        counts=FolderCounts(
            generated=len(sides.generated), reference=len(sides.reference), expected=len(sides.expected),
            scored=len(found.questions),
        ),
        samples=_samples(found.questions, scores),
    )  # fmt: skip


def _check(seconds: object, workers: int | None, places: Mapping[str, object]) -> None:
    """Refuse what cannot be meant, before a file is looked for.

    Raises:
        ValueError: names the option.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, Real) or not isfinite(seconds) or seconds <= 0:
        raise ValueError(f"seconds: expected a number above 0, got {seconds!r}")
    check_workers(workers)
    for name, place in places.items():
        if place == "":  # a path that would be the working directory
            raise ValueError(f"{name}: expected a path, got ''")


def _check_any(values: Mapping[str, MetricValue], failures: Mapping[str, str]) -> None:
    """Refuse a table that would hold nothing but dashes.

    Raises:
        NothingLeft: why each metric has no value, and that names were left out.
    """
    if any(value.value is not None for value in values.values()):
        return
    reasons: dict[str, list[str]] = {}
    for name, value in values.items():
        reasons.setdefault(value.reason or "", []).append(get_metric(name).label)
    text = "; ".join(f"{joined(labels, 'and')}: {reason}" for reason, labels in reasons.items())
    left_out = next((f"; {len(failures)} not scored, {name}: {reason}" for name, reason in failures.items()), "")
    raise NothingLeft(f"no metric has a value; {text}{left_out}")


def _scores(found: Read, profile: Profile, scoring: ScoringRecord) -> Scores:
    """Score what was read: pairs like the samples of a run, else what generated sounds suffice for, and the sets."""
    sources = sources_of(found.questions, found.features.sha256)
    evidence = profile.evidence(found.questions, sources, found.features)
    absent = absent_by_profile(found.questions, sources, profile)
    between = [metric for metric in profile.wanted if found.references and _compares_sounds(metric)]
    alone = tuple(name for name in scoring.metrics if name not in {metric.name for metric in between})
    scores = Scores({}, {})
    if alone:
        chosen = scoring.model_copy(update={"metrics": alone})
        scores = score(evidence, None, chosen, device=profile.device, absent=absent)
    with computing_on(profile.device):
        sets = _between_sets(between, evidence, found, profile, scoring)
    return Scores({**scores.values, **sets}, scores.columns)


def _compares_sounds(metric: Metric) -> bool:
    return any(name.startswith("target.") for name in metric.takes)


def _between_sets(
    metrics: Sequence[Metric], evidence: Evidence, found: Read, profile: Profile, scoring: ScoringRecord
) -> dict[str, MetricValue]:
    """Score sets of unpaired sounds: the reference sounds' features, read as those of generated ones are."""
    if not metrics:
        return {}
    as_generated = [
        replace(metric, takes=tuple(name.replace("target.", "generated.") for name in metric.takes))
        for metric in metrics
    ]  # fmt: skip
    heard = direct_evidence(profile.audio, found.references, found.features, as_generated)
    values = {}
    for metric, both in zip(metrics, as_generated, strict=True):
        sides = [heard if name.startswith("target.") else evidence for name in metric.takes]
        if all(name in side for name, side in zip(both.takes, sides, strict=True)):
            arguments = [side[name] for name, side in zip(both.takes, sides, strict=True)]
            values[metric.name] = unpaired_value(metric, arguments, scoring)
    return values


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
