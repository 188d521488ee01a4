"""`--diagnose`: the usual causes of a difference, one after the other; files are read, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.reproducing import causes
from benchmark.reproducing.judging import Made
from benchmark.reproducing.records import CellRecord, Finding, ReproductionRecord
from benchmark.reproducing.verdict import verdict
from foundation import media
from foundation.work import found_in_each
from metrics.registry import get_metric

if TYPE_CHECKING:
    from benchmark.runs import MetricValue
    from vgg_monoaudio.dataset import Benchmark, Sample

PUBLISHED_FPS = 25.0
SILENT_END_SECONDS = 0.25  # shorter pauses are everywhere
SILENT_PEAK = 1e-4  # -80 dB of full scale


@dataclass(frozen=True)
class Case:
    """What is diagnosed.

    Attributes:
        record: the verdicts.
        made: the rows that have a run.
        benchmarks: subset to the benchmark that was scored.
        cache: where features are kept.
        weights: how the profile finds its own, see `foundation.checkpoints.WeightOptions`.
    """

    record: ReproductionRecord
    made: Sequence[Made]
    benchmarks: Mapping[str, Benchmark]
    cache: str | Path
    weights: Mapping[str, Any]


def diagnose(case: Case) -> list[Finding]:
    """Return what was found about each usual cause, in the order in which one would look.

    Raises:
        foundation.media.MediaError: a file that was scored cannot be read any more.
    """
    if not case.made:
        return [Finding(cause="all", found="not checked", detail="no row has a run")]
    scoring = case.made[0].record.scoring
    lengths = {subset: built.duration_seconds for subset, built in case.benchmarks.items()}
    return [
        causes.random_weights(case.made),
        causes.models_files(case.made),
        causes.clap_file(scoring),
        *causes.other_networks(scoring),
        causes.unit_of_imagebind(case.record),
        *causes.list_of_clips(case.made),
        causes.clip_length(lengths),
        frame_rate(_reference_videos(case)),
        causes.sample_rate({f"{one.row.name}, {one.row.subset}": _rates(one) for one in case.made}),
        padding({f"{one.row.name}, {one.row.subset}": _ends(one, _samples(case, one)) for one in case.made}),
        bandwidth(_bandwidths(case)) if any(_kad_cells(case)) else _no_kad(),
        causes.reference_video(scoring),
    ]


def frame_rate(rates: Mapping[Path, float | None]) -> Finding:
    """Tell whether reference videos have another frame rate: models that count frames then make other lengths.

    Args:
        rates: video to its frames a second; None where it does not say.
    """
    other = [f"{path.name} {rate:g}" for path, rate in rates.items() if rate is not None and rate != PUBLISHED_FPS]
    if other:
        detail = f"{len(other)} of {len(rates)} videos are not at {PUBLISHED_FPS:g} fps: {causes.some(other)}"
        return Finding(cause="frame rate", found="differs", detail=detail)
    return Finding(cause="frame rate", found="no difference", detail=f"{PUBLISHED_FPS:g} fps in {len(rates)} videos")


def padding(ends: Mapping[str, tuple[int, int]]) -> Finding:
    """Tell whether answers end in silence that their targets do not have: then they were shorter, and were filled.

    Args:
        ends: row to how many answers there are, and how many of them end in silence while their target does not.
    """
    filled = [f"{row}: {silent} of {count} answers" for row, (count, silent) in ends.items() if silent]
    what = f"the last {SILENT_END_SECONDS:g} s are silent"
    if filled:
        detail = f"{what}, and not those of the target, in {causes.some(filled)}"
        return Finding(cause="padding", found="differs", detail=detail)
    return Finding(cause="padding", found="no difference", detail=f"{what} in no answer whose target has sound there")


def bandwidth(cells: Sequence[tuple[str, CellRecord, CellRecord]]) -> Finding:
    """Tell whether the printed KAD fits the other convention of its bandwidth, where it does not fit the one here.

    Args:
        cells: row, the verdict here, and the one that the other convention has.
    """
    told = [
        f"{row}: {here.printed} is printed, {_value(here)} here ({here.verdict}), {_value(other)} the other way "
        f"({other.verdict})"
        for row, here, other in cells
    ]
    if all(here.verdict == "cannot be told" for _, here, _ in cells):
        return Finding(cause="bandwidth of KAD", found="not checked", detail=causes.some(told))
    fits = any(here.verdict == "outside" and other.verdict == "inside" for _, here, other in cells)
    return Finding(cause="bandwidth of KAD", found="differs" if fits else "no difference", detail=causes.some(told))


def _value(cell: CellRecord) -> str:
    return "–" if cell.value is None else f"{cell.value:.4f}"


def _no_kad() -> Finding:
    return Finding(cause="bandwidth of KAD", found="not checked", detail="no row has both a printed and a measured KAD")


def _samples(case: Case, one: Made) -> list[Sample]:
    """Return the samples of a row that were scored."""
    subset: Any = one.row.subset
    lost = {failure.sample for failure in one.record.failures}
    return [sample for sample in case.benchmarks[subset].samples(subset) if sample.sample_id not in lost]


def _reference_videos(case: Case) -> dict[Path, float | None]:
    target = case.made[0].record.scoring.reference_video == "target"
    samples = [sample for one in case.made for sample in _samples(case, one)]
    videos = dict.fromkeys(sample.target_video if target else sample.video for sample in samples)
    return found_in_each(_fps, videos)


def _fps(path: Path) -> float | None:
    video = media.probe(path).video
    return round(video.frames_per_second, 3) if video else None


def _rates(one: Made) -> tuple[int | None, list[int]]:
    found = found_in_each(_rate, sorted(one.run.audio_folder.glob("*.wav")))
    return one.record.model.sample_rate, sorted(set(found.values()))


def _rate(path: Path) -> int:
    sound = media.probe(path).audio
    return sound.sample_rate if sound else 0


def _ends(one: Made, samples: Sequence[Sample]) -> tuple[int, int]:
    seconds = one.run.read_run().duration_seconds
    silent = partial(_ends_in_silence, seconds=seconds)
    answers = found_in_each(silent, [one.run.audio(sample.sample_id) for sample in samples])
    targets = found_in_each(silent, dict.fromkeys(s.target_audio for s in samples if s.target_audio is not None))
    alone = [
        answers[one.run.audio(sample.sample_id)]
        for sample in samples
        if sample.target_audio is None or not targets[sample.target_audio]
    ]
    return len(samples), sum(alone)


def _ends_in_silence(path: Path, seconds: float) -> bool:
    """Tell whether what is scored of a sound ends in silence."""
    sound = media.read_audio_native(path)
    scored = sound.samples[:, : round(seconds * sound.sample_rate)]
    end = scored[:, -round(SILENT_END_SECONDS * sound.sample_rate) :]
    return bool(np.abs(end).max(initial=0.0) <= SILENT_PEAK)


def _kad_cells(case: Case) -> Iterator[tuple[Made, CellRecord]]:
    by_row = {(row.row, row.subset): row for row in case.record.rows}
    for one in case.made:
        for cell in by_row[one.row.name, one.row.subset].cells:
            if cell.metric == "kad" and cell.value is not None:
                yield one, cell


def _bandwidths(case: Case) -> list[tuple[str, CellRecord, CellRecord]]:
    found = []
    for one, here in _kad_cells(case):
        rows = [row for row in case.record.rows if row.subset == one.row.subset]
        column = [cell.printed for row in rows for cell in row.cells if cell.metric == "kad"]
        other = verdict(
            get_metric("kad"), here.printed, _other_kad(case, one), column=column, published_n=here.published_n,
            untrained=one.record.model.untrained,
        )  # fmt: skip
        found.append((f"{one.row.name}, {one.row.subset}", here, other))
    return found


def _other_kad(case: Case, one: Made) -> MetricValue:
    """Return KAD by the other convention, from the features that were scored: no network runs where they are kept."""
    from benchmark.evaluation import groups_of
    from benchmark.feature_store import FeatureStore
    from benchmark.profiles import load_profile
    from benchmark.profiles.gathering import evidence_of
    from benchmark.scoring import score

    scoring = one.record.scoring
    name = "kad_reference_bandwidth" if scoring.bandwidth_from == "generated" else "kad_generated_bandwidth"
    profile = load_profile(scoring.profile, metrics=[name], **case.weights)
    gathered = evidence_of(
        one.run, case.benchmarks[one.row.subset], _samples(case, one), profile, FeatureStore(case.cache),
        reference_video=scoring.reference_video, frame_rule=scoring.frame_rule,
    )  # fmt: skip
    settings = scoring.model_copy(update={"metrics": (name,), "extended": False})
    return score(gathered.evidence, groups_of(gathered.questions, settings), settings).values[name]
