"""The check of a submitted run directory: records, coverage, audio, and every metric computed again."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Unpack

import numpy as np

from benchmark.report.samples import RunSamples, read_run_samples
from benchmark.runs import MetricsRecord, RunDirectory, RunRecord, UnusableRun
from foundation.checkpoints import WeightOptions
from foundation.files import is_partial
from foundation.media import MediaError, probe
from metrics.registry import get_metric, list_metrics

Status = Literal["passed", "failed", "skipped"]
RELATIVE_TOLERANCE = 1e-6  # between a submitted number and the same number recomputed here
LISTED = 3  # examples in a message


@dataclass(frozen=True)
class Check:
    """One check of a run directory, and its result."""

    name: str
    status: Status
    detail: str


def submit_check(
    run: RunDirectory | Path | str,
    *,
    benchmark_dir: Path | None = None,
    recompute: bool = True,
    cache: Path | None = None,
    **weights: Unpack[WeightOptions],
) -> list[Check]:
    """Return what is right and wrong with a submitted run directory.

    Checked without the benchmark: schemas, counts, samples, audio files, and the per-sample metrics from
    samples.parquet. With it: that the manifest is the same, and every metric computed again from the audio.

    Args:
        run: the run directory.
        benchmark_dir: the benchmark that it answers.
        recompute: score the audio again, which needs the profile's weights unless their features are kept.
        cache: where features are kept; a temporary folder by default, so that no submitted number is trusted.
        weights: of the profile; see `foundation.checkpoints.WeightOptions`.
    """
    directory = run if isinstance(run, RunDirectory) else RunDirectory(Path(run))
    try:
        records = directory.read_run(), directory.read_metrics()
        samples = read_run_samples(directory)
    except UnusableRun as error:
        return [Check("schema", "failed", str(error))]
    checks = [Check("schema", "passed", "run.json, metrics.json and samples.parquet can be read")]
    questions: list[tuple[str, Callable[[], Iterator[str]], str]] = [
        ("status", lambda: _status(*records), "finished, trained, verified weights"),
        ("agreement", lambda: _agreement(*records), "run.json and metrics.json describe one run"),
        (
            "coverage",
            lambda: _coverage(directory, records[1], samples),
            "every sample has an answer or is listed as failed",
        ),
        ("audio", lambda: _audio(directory, records[0], samples), "every answer is audio of the right length"),
        ("means", lambda: _means(records[1], samples), "per-sample scores average to metrics.json"),
    ]
    checks += [_check(name, find, good) for name, find, good in questions]
    if benchmark_dir is None:
        return [*checks, Check("benchmark", "skipped", "no benchmark directory was given")]
    checks.append(_check("benchmark", lambda: _same_benchmark(records[1], samples, benchmark_dir), "the same manifest"))
    if not recompute or checks[-1].status == "failed":
        return [*checks, Check("recomputed", "skipped", "not requested" if not recompute else "another benchmark")]
    recomputed = _check(
        "recomputed",
        lambda: _recomputed(directory, records[1], benchmark_dir, cache, weights),
        "the audio gives the numbers of metrics.json",
    )
    return [*checks, recomputed]


def _check(name: str, find: Callable[[], Iterator[str]], good: str) -> Check:
    problems = list(find())
    shown = "; ".join(problems[:LISTED]) + (f"; and {len(problems) - LISTED} more" if len(problems) > LISTED else "")
    return Check(name, "failed" if problems else "passed", shown or good)


def _status(run: RunRecord, metrics: MetricsRecord) -> Iterator[str]:
    if run.status != "finished":
        yield f"its status in run.json is {run.status}"
    if metrics.model.untrained:
        yield "the weights are random"
    if metrics.model.unverified_weights or metrics.scoring.unverified_weights:
        yield "a checkpoint's hash was not verified"


def _agreement(run: RunRecord, metrics: MetricsRecord) -> Iterator[str]:
    for name in ("benchmark", "model"):
        if getattr(run, name) != getattr(metrics, name):
            yield f"{name} differs between run.json and metrics.json"
    if run.counts.expected != metrics.counts.expected:
        yield f"{run.counts.expected} samples are expected in run.json, {metrics.counts.expected} in metrics.json"
    known = {metric.name: metric for metric in list_metrics(extended=True)}
    for name, value in metrics.metrics.items():
        if name not in known:
            yield f"metric {name} is unknown here"
        elif (value.better, value.unit, value.version) != (known[name].better, known[name].unit, known[name].version):
            yield f"metric {name} differs from the one here in direction, unit or version ({value.version})"


def _coverage(directory: RunDirectory, metrics: MetricsRecord, samples: RunSamples) -> Iterator[str]:
    ids, scored = samples.ids, set(samples.scored_ids)
    if len(set(ids)) != len(ids):
        yield "samples.parquet lists a sample twice"
    if len(ids) != metrics.counts.expected:
        yield f"samples.parquet has {len(ids)} rows for {metrics.counts.expected} expected samples"
    if len(scored) != metrics.counts.scored:
        yield f"{len(scored)} samples are scored in samples.parquet, {metrics.counts.scored} in metrics.json"
    failed = {failure.sample for failure in metrics.failures}
    for sample in ids:
        if sample in scored and not directory.audio(sample).is_file():
            yield f"{sample} is scored but has no audio"
        if sample not in scored and sample not in failed:
            yield f"{sample} is neither scored nor listed among the failures"
    for path in sorted((directory.path / "audio").glob("*.wav")):
        if path.stem not in set(ids) and not is_partial(path):
            yield f"audio/{path.name} belongs to no sample"


def _audio(directory: RunDirectory, run: RunRecord, samples: RunSamples) -> Iterator[str]:
    for sample in samples.scored_ids:
        path = directory.audio(sample)
        try:
            found = probe(path) if path.is_file() else None
        except MediaError as error:
            yield f"audio/{path.name}: {error.reason}"
            continue
        if found is not None and found.audio is None:
            yield f"audio/{path.name}: no audio stream"
        elif found is not None and found.duration_seconds < run.duration_seconds - 0.001:
            yield f"audio/{path.name}: {found.duration_seconds:.2f} s, expected {run.duration_seconds:g} s"


def _means(metrics: MetricsRecord, samples: RunSamples) -> Iterator[str]:
    known = {metric.name for metric in list_metrics(extended=True)}
    for name, value in metrics.metrics.items():
        if name not in known or get_metric(name).per != "sample" or value.value is None:
            continue
        if name not in samples.table.columns:
            yield f"{name} has a value but no column in samples.parquet"
            continue
        scores = samples.table[name].dropna().to_numpy(dtype=np.float64)
        if len(scores) != value.n:
            yield f"{name} is over {value.n} samples, samples.parquet has {len(scores)}"
        elif not _close(float(scores.mean()), value.value):
            yield f"{name} is {value.value:g}, its samples average {scores.mean():g}"


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=RELATIVE_TOLERANCE)


def _same_benchmark(metrics: MetricsRecord, samples: RunSamples, folder: Path) -> Iterator[str]:
    from vgg_monoaudio.dataset import load_benchmark

    built = load_benchmark(folder)
    subset: Any = metrics.benchmark.subset
    if subset not in built.manifests:
        yield f"{folder} has no subset {subset}"
        return
    if built.fingerprint(subset) != metrics.benchmark.fingerprint:
        yield f"the manifest of {subset} in {folder} is not the one that the run answers"
        return
    wanted = [sample.sample_id for sample in built.samples(subset)]
    if wanted != samples.ids:
        yield "samples.parquet does not list the samples of the manifest in its order"


def _recomputed(
    directory: RunDirectory, metrics: MetricsRecord, folder: Path, cache: Path | None, weights: WeightOptions
) -> Iterator[str]:
    from benchmark.evaluation import evaluate

    scoring = metrics.scoring
    with tempfile.TemporaryDirectory(prefix="submit-check-") as scratch:
        copy = RunDirectory(Path(scratch) / "run")
        copy.path.mkdir()
        shutil.copy2(directory.run_json, copy.run_json)
        (copy.path / "audio").symlink_to((directory.path / "audio").resolve(), target_is_directory=True)
        found = evaluate(
            copy, folder, scoring.choices(), cache=cache or Path(scratch) / "cache", allow_missing=True, **weights
        )  # fmt: skip
    if found.fingerprint != metrics.fingerprint:
        yield "audio, references or choices differ from those that were scored (the fingerprint differs)"
    if found.scoring.backbones != scoring.backbones:
        yield "the backbones here are not those that scored the run"
    for name in sorted({*found.metrics, *metrics.metrics}):
        there, here = (record.metrics[name].value if name in record.metrics else None for record in (metrics, found))
        if (there is None) != (here is None) or (there is not None and here is not None and not _close(there, here)):
            yield f"{name} is {there} in metrics.json, {here} when computed from the audio"
