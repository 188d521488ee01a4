"""From features to numbers: every metric, its interval, and the scores of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.runs import MetricValue, ScoringRecord
from metrics.registry import Metric, Role, list_metrics
from metrics.uncertainty import bootstrap
from metrics.uncertainty.intervals import Interval

Matrix = NDArray[Any]


@dataclass(frozen=True)
class ExtendedEvidence:
    """What the extended metrics read, row by row in the order of `Evidence`.

    Attributes:
        reference_vggish: (n, e, d), of the targets' own audio: e examples of 0.96 s a file.
        generated_vggish: (n, e, d), of the generated audio.
        reference_passt: (n, d), of the targets' own audio.
        generated_passt: (n, d), of the generated audio.
        reference_passt_logits: (n, c), classes of the targets' own audio.
        generated_passt_logits: (n, c), of the generated audio.
        reference_onsets: n arrays (r,), seconds, of the targets' own audio.
        generated_onsets: n arrays (k, 3), of the generated audio, see `metrics.onset.detect_onsets`.
    """

    reference_vggish: Matrix
    generated_vggish: Matrix
    reference_passt: Matrix
    generated_passt: Matrix
    reference_passt_logits: Matrix
    generated_passt_logits: Matrix
    reference_onsets: Sequence[Matrix]
    generated_onsets: Sequence[Matrix]


@dataclass(frozen=True)
class Evidence:
    """What the backbones of a profile say of a set of samples, row by row in one order; None where it has no say.

    Attributes:
        reference_embedding: (n, d), of the targets' own audio.
        generated_embedding: (n, d), of the generated audio.
        reference_logits: (n, c), classes of the targets' own audio.
        paired_logits: (n, c), of the paired clips' audio.
        generated_logits: (n, c), of the generated audio.
        target_text: (n, d), of the prompts, in the space of `generated_text_space`.
        paired_text: (n, d), of the paired labels.
        generated_text_space: (n, d), of the generated audio.
        target_audio: (n, d), of the targets' own audio, in the space of `generated_text_space`.
        paired_audio: (n, d), of the paired clips' audio.
        reference_kad_embedding: (n, d), of the targets' audio as kadtk embeds it; None: as `reference_embedding`.
        generated_kad_embedding: (n, d), of the generated audio, likewise.
        video: (n, d), of the reference videos.
        generated_video_space: (n, d), of the generated audio in the space of `video`.
        offset_logits: (n, 2, 21), synchrony of reference video and generated audio.
        extended: for the extended metrics, where they are asked for.
    """

    reference_embedding: Matrix
    generated_embedding: Matrix
    reference_logits: Matrix
    paired_logits: Matrix | None
    generated_logits: Matrix
    target_text: Matrix
    paired_text: Matrix | None
    generated_text_space: Matrix
    target_audio: Matrix
    paired_audio: Matrix | None
    offset_logits: Matrix
    reference_kad_embedding: Matrix | None = None
    generated_kad_embedding: Matrix | None = None
    video: Matrix | None = None
    generated_video_space: Matrix | None = None
    extended: ExtendedEvidence | None = None


@dataclass(frozen=True)
class Scores:
    """Numbers of one run: `values` for metrics.json, `columns` for samples.parquet."""

    values: dict[str, MetricValue]
    columns: dict[str, NDArray[np.float64]]


def score(evidence: Evidence, groups: Matrix | None, settings: ScoringRecord) -> Scores:
    """Return every metric with its interval, and the per-sample scores.

    A metric without a value keeps its row, with the reason in place of the number.

    Args:
        evidence: at least one row.
        groups: (n, k) names of the clips that each sample is made of, or None to resample by sample.
        settings: what to compute, and how to resample.
    """
    values, columns = {}, {}
    n = len(evidence.generated_embedding)
    for metric in list_metrics(extended=settings.extended):
        arguments = _arguments(metric, evidence)
        if arguments is None:
            values[metric.name] = _missing(metric, n, f"profile {settings.profile} has no counterpart")
        elif n < metric.minimum_samples:
            values[metric.name] = _missing(metric, n, f"needs {metric.minimum_samples} samples, there are {n}")
        elif metric.per == "sample":
            column = np.asarray(_result(metric, arguments), dtype=np.float64)
            values[metric.name] = _mean_value(metric, column, groups, settings)
            columns[metric.name] = column
        else:
            values[metric.name] = _set_value(metric, arguments, groups, settings, n)
    return Scores(values, columns)


# What each metric is given, as attributes of Evidence. Which roles a metric needs stands in its row.
_ARGUMENTS: dict[tuple[Role, ...], tuple[str, ...]] = {
    ("audio_embedding",): ("reference_embedding", "generated_embedding"),
    ("text_audio",): ("target_text", "generated_text_space"),
    ("video_audio",): ("video", "generated_video_space"),
    ("offset_logits",): ("offset_logits",),
    ("text_audio", "paired_text_audio"): ("target_text", "paired_text", "generated_text_space"),
    ("paired_audio_similarity",): ("target_audio", "paired_audio", "generated_text_space"),
    ("class_logits", "paired_class_logits"): ("reference_logits", "paired_logits", "generated_logits"),
    ("class_logits",): ("reference_logits", "generated_logits"),
    ("vggish_embedding",): ("reference_vggish", "generated_vggish"),
    ("passt_embedding",): ("reference_passt", "generated_passt"),
    ("passt_logits",): ("reference_passt_logits", "generated_passt_logits"),
    ("onsets",): ("reference_onsets", "generated_onsets"),
}
_INCEPTION = "metrics.inception_score:inception_score"


def _arguments(metric: Metric, evidence: Evidence) -> list[Matrix] | None:
    names = _ARGUMENTS[metric.needs]
    if metric.name == "kad" and evidence.generated_kad_embedding is not None:
        names = ("reference_kad_embedding", "generated_kad_embedding")
    elif metric.target == _INCEPTION:
        names = names[1:]
    holder = evidence.extended if metric.extended else evidence
    arguments: list[Matrix | None] = [None if holder is None else getattr(holder, name) for name in names]
    present = [argument for argument in arguments if argument is not None]
    return present if len(present) == len(arguments) else None


def _result(metric: Metric, arguments: Sequence[Matrix], **options: Any) -> Any:
    result = metric.load()(*arguments, **options)
    return getattr(result, metric.field) if metric.field else result


def _mean_value(
    metric: Metric, column: NDArray[np.float64], groups: Matrix | None, settings: ScoringRecord
) -> MetricValue:
    if metric.partial:
        scored = np.isfinite(column)
        column, groups = column[scored], groups[scored] if groups is not None else None
        if not column.size:
            return _missing(metric, 0, "no sample has this score")
    interval = bootstrap.bootstrap_mean(column, groups=groups, **_resampling(settings))
    return _value(metric, float(column.mean()), interval, len(column))


def _whole_samples(arguments: Sequence[Matrix], groups: Matrix | None) -> tuple[list[Matrix], Matrix | None]:
    """Lay out rows for the examples (n, e, d) of a file, and see that a resample draws those of a sample together."""
    n, examples, _ = arguments[0].shape
    names = np.arange(n) if groups is None else groups
    return [argument.reshape(n * examples, -1) for argument in arguments], np.repeat(names, examples, axis=0)


def _set_value(
    metric: Metric, arguments: Sequence[Matrix], groups: Matrix | None, settings: ScoringRecord, n: int
) -> MetricValue:
    if arguments[0].ndim == 3:
        arguments, groups = _whole_samples(arguments, groups)
    resampling = {"groups": groups, **_resampling(settings)}
    if metric.target == "metrics.fad:frechet_audio_distance":
        reference, generated = arguments
        interval = bootstrap.bootstrap_frechet(reference, generated, **resampling)
        return _value(metric, float(_result(metric, arguments)), interval, n)
    if metric.name == "kad":
        reference, generated = arguments
        source = settings.bandwidth_from
        interval = bootstrap.bootstrap_kernel(reference, generated, bandwidth_from=source, **resampling)
        return _value(metric, float(_result(metric, arguments, bandwidth_from=source)), interval, n)
    if metric.target == _INCEPTION:
        (logits,) = arguments
        mean, deviation = _result(metric, arguments)
        interval = bootstrap.bootstrap_inception(logits, **resampling)
        return _value(metric, float(mean), interval, n, deviation=float(deviation))
    return _value(metric, float(_result(metric, arguments)), None, n)


def _resampling(settings: ScoringRecord) -> dict[str, Any]:
    return {"resamples": settings.resamples, "seed": settings.bootstrap_seed, "level": settings.confidence}


def _value(
    metric: Metric, value: float, interval: Interval | None, n: int, deviation: float | None = None
) -> MetricValue:
    if not np.isfinite(value):  # JSON has no such number
        return _missing(metric, n, f"the score is not finite ({value})")
    ends = interval.ends if interval else None
    reason = interval.reason if interval and ends is None else None
    return MetricValue(
        value=value, ci95=ends, n=n, unit=metric.unit, better=metric.better, version=metric.version,
        standard_deviation=deviation, reason=f"no interval: {reason}" if reason else None,
    )  # fmt: skip


def _missing(metric: Metric, n: int, reason: str) -> MetricValue:
    return MetricValue(value=None, n=n, unit=metric.unit, better=metric.better, version=metric.version, reason=reason)
