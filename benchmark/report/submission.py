"""The check of a submitted run directory: records, coverage, audio, and every metric computed again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Unpack

import numpy as np

from benchmark.report import submitted
from benchmark.report.samples import SAMPLE_COLUMNS, RunSamples, read_run_samples
from benchmark.runs import MetricsRecord, RunDirectory, RunRecord, UnusableRun
from foundation.checkpoints import MissingCheckpoint, WeightOptions
from foundation.files import is_partial
from foundation.markup import one_line
from foundation.media import MediaError, probe
from foundation.names import check_known, options_of
from metrics.registry import get_metric, list_metrics

Status = Literal["passed", "failed", "skipped"]
LISTED = 3  # examples in a message
LONGEST = 400  # characters of one
AUDIO_TOLERANCE = 0.001  # s
Found = TypeVar("Found")


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

    Checked without the benchmark: schemas, counts, samples, audio files, the range of every score, and the per-sample
    metrics with their intervals from samples.parquet. With it: that the manifest is the same, and every metric,
    interval and per-sample score computed again from the audio. A file that cannot be read is a failed check, not an
    error: the submission is somebody else's. What is read of it is bounded.

    Args:
        run: the run directory.
        benchmark_dir: the benchmark that it answers.
        recompute: score the audio again, which needs the profile's weights unless their features are kept.
        cache: where features are kept; a temporary folder by default, so that no submitted number is trusted.
        weights: of the profile; see `foundation.checkpoints.WeightOptions`.

    Raises:
        TypeError: there is no such option.
    """
    check_known(weights, options_of(submit_check, WeightOptions.__annotations__))
    directory = run if isinstance(run, RunDirectory) else RunDirectory(Path(run))
    record, metrics = _read(directory.read_run), _read(directory.read_metrics)
    samples = _read(lambda: read_run_samples(directory))
    if isinstance(record, str) or isinstance(metrics, str) or isinstance(samples, str):
        unreadable = [part for part in (record, metrics, samples) if isinstance(part, str)]
        return [_check("schema", lambda: iter(unreadable), "")]
    checks = [Check("schema", "passed", "run.json, metrics.json and samples.parquet can be read")]
    questions: list[tuple[str, Callable[[], Iterator[str]], str]] = [
        ("status", lambda: _status(record, metrics), "finished, trained, verified weights"),
        ("agreement", lambda: _agreement(record, metrics, samples), "run.json and metrics.json describe one run"),
        (
            "coverage",
            lambda: _coverage(directory, metrics, samples),
            "every sample has an answer or is listed as failed",
        ),
        ("audio", lambda: _audio(directory, record, samples), "every answer is audio of the right length"),
        ("scores", lambda: submitted.scores(metrics, samples), "every score is a number that its metric can have"),
        ("means", lambda: _means(metrics, samples), "per-sample scores average to metrics.json"),
        (
            "intervals",
            lambda: submitted.intervals(metrics, samples),
            "per-sample scores give the intervals of metrics.json",
        ),
    ]
    checks += [_check(name, find, good) for name, find, good in questions]
    if benchmark_dir is None:
        return [*checks, Check("benchmark", "skipped", "no benchmark directory was given")]
    checks.append(
        _check("benchmark", lambda: _same_benchmark(record, metrics, samples, benchmark_dir), "the same manifest")
    )
    if not recompute or checks[-1].status == "failed":
        return [*checks, Check("recomputed", "skipped", "not requested" if not recompute else "another benchmark")]
    recomputed = _check(
        "recomputed",
        lambda: _recomputed(directory, metrics, samples, benchmark_dir, cache, weights),
        "the audio gives the numbers of metrics.json",
    )
    return [*checks, recomputed]


def _read(read: Callable[[], Found]) -> Found | str:
    """Return a part of a submission, or why it cannot be read."""
    try:
        return read()
    except (UnusableRun, OSError) as error:
        return str(error)


def _check(name: str, find: Callable[[], Iterator[str]], good: str) -> Check:
    """Return the outcome of a check; whatever a file makes it stumble over is a fault of that file, and named."""
    problems: list[str] = []
    try:
        problems += find()
    except (MissingCheckpoint, KeyboardInterrupt):
        raise
    except Exception as error:
        problems.append(f"cannot be checked: {error or type(error).__name__}")
    shown = [one_line(problem)[:LONGEST] for problem in problems[:LISTED]]
    if len(problems) > LISTED:
        shown.append(f"and {len(problems) - LISTED} more")
    return Check(name, "failed" if problems else "passed", "; ".join(shown) or good)


def _status(run: RunRecord, metrics: MetricsRecord) -> Iterator[str]:
    if run.status != "finished":
        yield f"its status in run.json is {run.status}"
    if metrics.model.untrained:
        yield "the weights are random"
    if metrics.model.unverified_weights or metrics.scoring.unverified_weights:
        yield "a checkpoint's hash was not verified"


def _agreement(run: RunRecord, metrics: MetricsRecord, samples: RunSamples) -> Iterator[str]:
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
    yield from submitted.dates(run, metrics)
    yield from submitted.counts(run, metrics, samples)
    if submitted.fingerprint_of(run) not in (None, run.fingerprint):
        yield "the fingerprint in run.json is not that of its model, options, seed and benchmark"


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
        if sample in scored and not directory.has_audio(sample):
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
            found = probe(path) if directory.has_audio(sample) else None
        except MediaError as error:
            yield f"audio/{path.name}: {error.reason}"
            continue
        if found is None:
            continue  # said by `coverage`
        if found.audio is None:
            yield f"audio/{path.name}: no audio stream"
        elif abs(found.duration_seconds - run.duration_seconds) > AUDIO_TOLERANCE:
            yield f"audio/{path.name}: {found.duration_seconds:.2f} s, expected {run.duration_seconds:g} s"
        elif run.model.sample_rate not in (None, found.audio.sample_rate):
            yield f"audio/{path.name}: {found.audio.sample_rate} Hz, run.json says {run.model.sample_rate}"


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
        elif not submitted.close(float(scores.mean()), value.value):
            yield f"{name} is {value.value:g}, its samples average {scores.mean():g}"


def _same_benchmark(run: RunRecord, metrics: MetricsRecord, samples: RunSamples, folder: Path) -> Iterator[str]:
    from vgg_monoaudio.dataset import load_benchmark

    built, asked = load_benchmark(folder), metrics.benchmark
    subset: Any = asked.subset
    if subset not in built.manifests:
        yield f"{folder} has no subset {subset}"
        return
    if built.fingerprint(subset) != asked.fingerprint:
        yield f"the manifest of {subset} in {folder} is not the one that the run answers"
        return
    manifest = built.samples(subset)
    told = [
        ("name", asked.name, built.name),
        ("version", asked.version, built.version),
        ("number of samples", asked.samples, len(manifest)),
        ("length of its scenes in seconds", run.duration_seconds, built.duration_seconds),
    ]
    for what, found, wanted in told:
        if found != wanted:
            yield f"the {what} is {wanted}, the run says {found}"
    if [sample.sample_id for sample in manifest] != samples.ids:
        yield "samples.parquet does not list the samples of the manifest in its order"
        return
    for name in SAMPLE_COLUMNS:
        for sample, found in zip(manifest, samples.table[name], strict=True):
            if found != getattr(sample, name):
                yield f"{sample.sample_id}: {name} is {found!r}, in the manifest {getattr(sample, name)!r}"


def _recomputed(
    directory: RunDirectory,
    metrics: MetricsRecord,
    samples: RunSamples,
    folder: Path,
    cache: Path | None,
    weights: WeightOptions,
) -> Iterator[str]:
    from benchmark.evaluation import evaluate

    scoring = metrics.scoring
    if scoring.resamples > submitted.MOST_RESAMPLES:
        yield f"{scoring.resamples:,} resamples are more than is computed again"
        return
    with tempfile.TemporaryDirectory(prefix="submit-check-") as scratch:
        copy = RunDirectory(Path(scratch) / "run", sounds=directory.audio_folder)
        copy.path.mkdir()
        shutil.copy2(directory.run_json, copy.run_json)
        found = evaluate(
            copy, folder, scoring.choices(), cache=cache or Path(scratch) / "cache", allow_missing=True, **weights
        )  # fmt: skip
        again = read_run_samples(copy)
    if found.fingerprint != metrics.fingerprint:
        yield "audio, references or choices differ from those that were scored (the fingerprint differs)"
    if found.scoring != scoring:
        yield "the backbones or choices here are not those that scored the run"
    yield from submitted.recomputed((metrics, samples), (found, again))
