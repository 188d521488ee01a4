"""Runs in the files of av-benchmark and kadtk, and their files under the metrics of this suite.

Export reads features from the cache under the keys that `metrics.json` records, so it needs neither networks nor
weights. The layouts themselves are those of `metrics.interop`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache as remember
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.features import DEFAULT_CACHE, Arrays, Extractor, FeatureStore
from benchmark.runs import MetricsRecord, MetricValue, RunDirectory, UnusableRun
from benchmark.scoring import Measurement
from foundation.files import PathLike, content_sha256
from foundation.work import found_in_each
from metrics.interop import (
    Feature,
    KadtkScore,
    UnreadableFeatures,
    append_kadtk_score,
    read_av_benchmark,
    stack,
    write_av_benchmark,
)
from metrics.registry import Metric, list_metrics
from vgg_monoaudio.dataset import Benchmark, Sample, load_benchmark

REFERENCE, GENERATED = "reference", "generated"  # the two folders of an export
KADTK_MODEL = "panns-cnn14-16k"  # in kadtk's spelling
SHOWN = 3  # names in a message

# Feature: the extractor whose features the cache keeps, and the array among them.
_SOUNDS: Mapping[Feature, tuple[str, str]] = {
    "panns_embedding": ("panns.audio", "embedding"),
    "panns_logits": ("panns.audio", "logits"),
    "clap_audio": ("clap.audio", "embedding"),
    "imagebind_audio": ("imagebind.audio", "embedding"),
    "synchformer_audio": ("synchformer.audio", "segments"),
}
_EXTENDED_SOUNDS: Mapping[Feature, tuple[str, str]] = {
    "vggish_embedding": ("vggish.audio", "embedding"),
    "passt_embedding": ("passt.audio", "embedding"),
    "passt_logits": ("passt.audio", "logits"),
}
_VIDEOS: Mapping[Feature, tuple[str, str]] = {
    "imagebind_video": ("imagebind.video", "embedding"),
    "synchformer_video": ("synchformer.video", "segments"),
}
# Of target sounds neither is computed, because no metric takes it: they are exported where the cache has them all.
_OF_GENERATED_ALONE: frozenset[Feature] = frozenset({"imagebind_audio", "synchformer_audio"})
# Evidence of a metric (`Metric.takes`): the folder and the feature that hold it. KAD has its own front end and DeSync
# needs a network's head, so their evidence is not among them.
_EVIDENCE: Mapping[str, tuple[str, Feature]] = {
    "target.embedding": (REFERENCE, "panns_embedding"),
    "generated.embedding": (GENERATED, "panns_embedding"),
    "target.logits": (REFERENCE, "panns_logits"),
    "generated.logits": (GENERATED, "panns_logits"),
    "prompt.clap": (REFERENCE, "clap_text"),
    "generated.clap": (GENERATED, "clap_audio"),
    "video.imagebind": (REFERENCE, "imagebind_video"),
    "generated.imagebind": (GENERATED, "imagebind_audio"),
    "target.vggish": (REFERENCE, "vggish_embedding"),
    "generated.vggish": (GENERATED, "vggish_embedding"),
    "target.passt": (REFERENCE, "passt_embedding"),
    "generated.passt": (GENERATED, "passt_embedding"),
    "target.passt_logits": (REFERENCE, "passt_logits"),
    "generated.passt_logits": (GENERATED, "passt_logits"),
}


def export_av_benchmark(
    run: RunDirectory | PathLike,
    benchmark: Benchmark | PathLike,
    out: PathLike,
    *,
    cache: PathLike = DEFAULT_CACHE,
) -> list[Path]:
    """Write the features of a scored run as two of av-benchmark's feature folders; return the files.

    Args:
        run: scored by profile paper.
        benchmark: the benchmark that it answers, or its directory.
        out: gets `reference/` (target sounds, reference videos, prompts) and `generated/`; both name the scored
            samples, and a source that is target in ten of them stands there ten times. ImageBind's and Synchformer's
            features of target sounds, which no metric takes, are there only if the cache has them of every target.
        cache: where the features were kept when the run was scored.

    Raises:
        UnusableRun: the run was scored by another profile, answers another benchmark or one without reference sounds,
            or its features are not in the cache any more.
    """
    directory = run if isinstance(run, RunDirectory) else RunDirectory(Path(run))
    built = benchmark if isinstance(benchmark, Benchmark) else load_benchmark(benchmark)
    record = _scored_by_paper(directory)
    samples = _scored(directory, record, built)
    features = _Features(FeatureStore(cache), record, directory)
    sounds = {**_SOUNDS, **_EXTENDED_SOUNDS} if record.scoring.extended or record.scoring.metrics else dict(_SOUNDS)
    sounds = _that_scored(sounds, record)
    shown = {s.sample_id: s.target_video if record.scoring.reference_video == "target" else s.video for s in samples}
    targets = {s.sample_id: s.target_audio for s in samples if s.target_audio is not None}
    if len(targets) < len(samples):
        raise UnusableRun(f"{built.path}: has no reference sounds, which av-benchmark compares with")
    kept = {
        name: part for name, part in sounds.items() if name not in _OF_GENERATED_ALONE or features.has(part[0], targets)
    }
    reference = features.of_files(kept, targets)
    reference |= features.of_files(_that_scored(_VIDEOS, record), shown)
    if not record.scoring.metrics or "clap" in record.scoring.backbones:
        reference["clap_text"] = {sample.sample_id: features.of_text(sample.label) for sample in samples}
    generated = features.of_files(sounds, {sample.sample_id: directory.audio(sample.sample_id) for sample in samples})
    folder = Path(out)
    return write_av_benchmark(folder / REFERENCE, reference) + write_av_benchmark(folder / GENERATED, generated)


def _that_scored(parts: Mapping[Feature, tuple[str, str]], record: MetricsRecord) -> dict[Feature, tuple[str, str]]:
    """Keep the features of backbones that scored the run: of metrics by name, these are not all."""
    if not record.scoring.metrics:
        return dict(parts)
    return {name: part for name, part in parts.items() if part[0].partition(".")[0] in record.scoring.backbones}


def _scored_by_paper(run: RunDirectory) -> MetricsRecord:
    record = run.read_metrics()
    if record.scoring.profile != "paper":
        raise UnusableRun(
            f"{run.path}: scored by profile {record.scoring.profile}, whose features other tools do not know; "
            "score it with --profile paper"
        )
    return record


def _scored(run: RunDirectory, record: MetricsRecord, built: Benchmark) -> list[Sample]:
    subset: Any = record.benchmark.subset
    if not record.benchmark.is_of(built):
        raise UnusableRun(
            f"{run.path}: answers {record.benchmark.name} {record.benchmark.version} ({subset}), "
            f"not the benchmark in {built.path}; give the one that it answers"
        )
    failed = {failure.sample for failure in record.failures}
    return [sample for sample in built.samples(subset) if sample.sample_id not in failed]


@dataclass(frozen=True)
class _Features:
    """The features of a run, read from the cache under the keys that its record keeps."""

    store: FeatureStore
    record: MetricsRecord
    run: RunDirectory

    def of_files(
        self, wanted: Mapping[Feature, tuple[str, str]], files: Mapping[str, Path]
    ) -> dict[Feature, dict[str, NDArray[np.float32]]]:
        """Return each feature of each sample's file."""
        hashes = found_in_each(content_sha256, dict.fromkeys(files.values()))
        found: dict[Feature, dict[str, NDArray[np.float32]]] = {}
        for feature, (extractor, array) in wanted.items():
            kept = {path: self._read(extractor, mark, str(path))[array] for path, mark in hashes.items()}
            found[feature] = {name: kept[path] for name, path in files.items()}
        return found

    def has(self, name: str, files: Mapping[str, Path]) -> bool:
        """Tell whether the cache has the features of every file by the extractor of this name."""
        extractor = self._extractor(name)
        hashes = found_in_each(content_sha256, dict.fromkeys(files.values()))
        return all(self.store.has(extractor, mark) for mark in hashes.values())

    def of_text(self, text: str) -> NDArray[np.float32]:
        """Return CLAP's embedding of a prompt."""
        mark = hashlib.sha256(text.encode()).hexdigest()
        return self._read("clap.text", mark, f"the prompt {text!r}")["embedding"]

    def _read(self, name: str, mark: str, what: str) -> Arrays:
        extractor = self._extractor(name)
        if not self.store.has(extractor, mark):
            raise UnusableRun(
                f"{self.run.path}: the cache has no features {name} of {what}; score the run again, or give the cache "
                "that it was scored with (--cache)"
            )
        return self.store.read(extractor, mark)

    def _extractor(self, name: str) -> Extractor:
        """Return what says where features are kept: name and key."""
        backbone = name.partition(".")[0]
        key = self.record.scoring.backbones.get(backbone)
        if key is None:
            raise UnusableRun(
                f"{self.run.metrics_json}: has no key of backbone {backbone}; remove it and score the run again"
            )
        return Extractor(name, key, "audio", prepare=_never)


def _never(_decoded: Any, _seconds: float) -> Arrays:
    raise NotImplementedError("export reads features and makes none")


@dataclass(frozen=True, slots=True)
class FolderScore:
    """A metric of two feature folders.

    Attributes:
        value: in the registry's unit; None where it is not defined.
        reason: why it is None; "" where it is not.
    """

    value: float | None
    reason: str = ""


def score_av_benchmark(reference: PathLike, generated: PathLike) -> dict[str, float | None]:
    """Return the metrics of two of av-benchmark's feature folders; None: features are absent, or samples too few.

    Args:
        reference: features of the reference side.
        generated: features of the generated side, for the same samples.

    Returns:
        Metric name to value, in the registry's units, for every metric that such features suffice for.

    Raises:
        ValueError: the folders name different samples.
        metrics.interop.UnreadableFeatures: a folder is missing, a file is damaged, has another layout or holds a value
            that is not finite, or no metric has a value.
    """
    return {name: score.value for name, score in compare_av_benchmark(reference, generated).items()}


def compare_av_benchmark(reference: PathLike, generated: PathLike) -> dict[str, FolderScore]:
    """Return what `score_av_benchmark` returns, with the reason where a metric has no value.

    Raises:
        ValueError: see `score_av_benchmark`.
        metrics.interop.UnreadableFeatures: likewise.
    """
    folders = {REFERENCE: Path(reference), GENERATED: Path(generated)}
    for folder in folders.values():
        if not folder.is_dir():
            raise UnreadableFeatures(folder, "no such folder; give one in which av-benchmark keeps features")
    read = remember(lambda side, feature: _read_if_there(folders[side], feature))
    scores = {}
    for metric in list_metrics(extended=True):
        if all(name in _EVIDENCE for name in metric.takes):
            tables = [read(*_EVIDENCE[name]) for name in metric.takes]
            absent = [table for table in tables if isinstance(table, Path)]
            given = [table for table in tables if not isinstance(table, Path)]
            scores[metric.name] = FolderScore(None, f"no {absent[0]}") if absent else _score(metric, given)
    if all(score.value is None for score in scores.values()):
        few = next((score.reason for score in scores.values() if score.reason.startswith("needs ")), None)
        reason = f"no features to compare with those of {folders[REFERENCE]}"
        raise UnreadableFeatures(folders[GENERATED], f"no metric has a value: {few}" if few else reason)
    return scores


def _read_if_there(folder: Path, feature: Feature) -> dict[str, NDArray[np.float32]] | Path:
    """Return a feature's samples, or the path of its file where there is none."""
    try:
        return read_av_benchmark(folder, feature)
    except UnreadableFeatures as error:
        if error.path.exists():
            raise
        return error.path


def _score(metric: Metric, tables: Sequence[Mapping[str, NDArray[np.float32]]]) -> FolderScore:
    first, *others = tables
    for other in others:
        differ = sorted(first.keys() ^ other.keys())
        if differ:
            some = ", ".join(differ[:SHOWN]) + (", ..." if len(differ) > SHOWN else "")
            raise ValueError(
                f"{metric.name}: samples that are in one folder only ({len(differ)}): {some}; extract them in both"
            )
    if len(first) < metric.minimum_samples:
        return FolderScore(None, f"needs {metric.minimum_samples} samples, there are {len(first)}")
    rows = [stack(table, list(first)) for table in tables]
    measured = Measurement(
        metric, [array.reshape(-1, array.shape[-1]) for array in rows], options=dict(metric.fixed), groups=None
    )
    return FolderScore(float(np.mean(measured.result())) if metric.per == "sample" else measured.set_score()[0])


def export_kadtk(runs: Sequence[RunDirectory], path: Path) -> list[KadtkScore]:
    """Append the KAD of each run to a score file of kadtk; return the lines.

    The evaluated set is the run's audio folder. The reference set has no folder, because a source is in it once per
    sample; benchmark, version and subset stand in its place.

    Raises:
        UnusableRun: a run was scored by another profile, or has no KAD; nothing is written then.
        metrics.interop.UnreadableFeatures: the file is there, and is not a score file.
    """
    scores = []
    for run in runs:
        record = _scored_by_paper(run)
        kad = _kad(run, record)
        if kad.value is None:
            raise UnusableRun(f"{run.path}: has no KAD: {kad.reason}")
        baseline = f"{record.benchmark.name} {record.benchmark.version} {record.benchmark.subset}"
        when = datetime.fromisoformat(record.scored_at).timestamp()
        scores.append(KadtkScore(KADTK_MODEL, baseline, str(run.path / "audio"), kad.value, when))
    for score in scores:
        append_kadtk_score(path, score)
    return scores


def own_kad(scores: Sequence[KadtkScore], runs: Sequence[RunDirectory]) -> list[float | None]:
    """Return this suite's KAD for each of kadtk's scores: that of the run whose audio folder it evaluated, or None.

    Raises:
        UnusableRun: a run is not there, was scored by another profile than paper, or its record has no KAD.
    """
    own = {(run.path / "audio").resolve(): _kad(run, _scored_by_paper(run)).value for run in runs}
    return [own.get(Path(score.evaluated).resolve()) for score in scores]


def _kad(run: RunDirectory, record: MetricsRecord) -> MetricValue:
    if "kad" not in record.metrics:
        raise UnusableRun(f"{run.metrics_json}: has no entry for KAD; remove it and score the run again")
    return record.metrics["kad"]
