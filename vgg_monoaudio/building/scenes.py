"""From a list of clips to a benchmark directory, byte for byte the same wherever it is built.

Work happens in `<out>.building`, which becomes `<out>` by one rename when everything in it is made and checked. A
build that was killed goes on where it stopped; one that is refused leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from foundation import media
from foundation.files import PathLike, file_sha256, replacing
from foundation.work import Progress, in_parallel
from vgg_monoaudio import composition
from vgg_monoaudio.building import workplace
from vgg_monoaudio.dataset import (
    FORMAT_VERSION,
    MANIFEST_COLUMNS,
    Benchmark,
    BenchmarkError,
    Subset,
    load_benchmark,
)
from vgg_monoaudio.pairing import exhaustive_pairs, filter_intra_class, sample_inter_class

PAPER_INTER_PAIRS = 560
# Lengths that the name of a scene avoids: av-benchmark cuts names of 20, 21 or 30 characters (`metrics.interop`). It
# leaves names of 18, the length of a VGGSound id, as they are; those are avoided so that existing names do not change.
CUT_LENGTHS = frozenset({18, 20, 21, 30})


@dataclass(frozen=True)
class Problem:
    """A clip that cannot be used, and why."""

    clip_id: str
    reason: str


class BuildError(Exception):
    """A benchmark that was not built; `problems` names the clips in the way."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        """Keep the problems apart from the sentence."""
        super().__init__(message)
        self.problems = list(problems)


@dataclass(frozen=True)
class Settings:
    """What decides a benchmark's content, beside its clips.

    Attributes:
        name: in tables and run paths.
        version: of the content.
        seed: of the inter-class sample and of the sides.
        inter_pairs: how many inter-class scenes, 0 for none; None takes 560, or every pair where there are fewer.
        fit: how a clip comes to half a scene, see `composition.compose`.
        soundtrack: of the scene, see `composition.compose`.
        duration_seconds: of every scene, a whole number of frames.

    Raises:
        ValueError: a value that no benchmark can have.
    """

    name: str = "vgg-monoaudio"
    version: str = "1.0"
    seed: int = 0
    inter_pairs: int | None = None
    fit: composition.Fit = "stretch"
    soundtrack: composition.Soundtrack = "mixture"
    duration_seconds: float = composition.SECONDS

    def __post_init__(self) -> None:
        """Refuse here what would otherwise come to light when every clip is cut already."""
        composition.check_choices(self.fit, self.soundtrack)
        if self.inter_pairs is not None and self.inter_pairs < 0:
            raise ValueError(f"inter_pairs: expected a number of scenes from 0 on, got {self.inter_pairs}")
        frames = self.duration_seconds * composition.FRAMES_PER_SECOND
        if frames < 1 or abs(frames - round(frames)) > 1e-6:
            rate = composition.FRAMES_PER_SECOND
            raise ValueError(
                f"duration_seconds: expected a whole number of frames at {rate} fps, got {self.duration_seconds}"
            )


@dataclass(frozen=True)
class Build:
    """A finished build.

    Attributes:
        benchmark: what was built, or was there already.
        problems: clips that were left out.
        reused: the directory was there, from the same clips and settings.
    """

    benchmark: Benchmark
    problems: list[Problem]
    reused: bool


def build_benchmark(
    sources: pd.DataFrame,
    clips: Mapping[str, Path],
    out: PathLike,
    settings: Settings | None = None,
    *,
    allow_missing: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Build:
    """Write a benchmark directory and return it.

    Args:
        sources: one row a clip: clip_id, label, category, and start_seconds where a clip's 8 s do not begin at 0.
        clips: clip id to file, as `sources.find_clips` makes it.
        out: the benchmark directory.
        settings: content; the paper's by default.
        allow_missing: leave out clips that are absent, silent, short or broken instead of refusing to build.
        overwrite: replace a benchmark of other clips or settings.
        workers: scenes made at once; None takes one a core. The result does not depend on it.
        progress: called as work is done.

    Raises:
        BuildError: clips that cannot be used, too few of them to make a pair, or another benchmark at `out`.
        ValueError: settings that the clips do not allow, such as more scenes of a category than it has pairs; or
            fewer than one worker.
    """
    settings = settings or Settings()
    out = Path(out).resolve() if Path(out).is_symlink() else Path(out)
    if workers is not None and workers < 1:
        raise ValueError(f"workers: expected at least 1, got {workers}")
    rows = sources.assign(start_seconds=sources.get("start_seconds", 0.0)).sort_values("clip_id").to_dict("records")
    report = progress or (lambda *_: None)
    inputs = _inputs(rows, clips, settings)
    if (out / "benchmark.json").is_file() and not overwrite:
        return _reuse(out, inputs, allow_missing)
    if out.exists() and not overwrite and any(out.iterdir()):
        raise BuildError(f"{out}: not empty and no benchmark; choose another folder")
    work = workplace.prepare(out, inputs)
    usable, problems = _cut_sources(rows, clips, work, settings, workers, report)
    if problems and not allow_missing:
        shutil.rmtree(work)
        raise _unusable(problems, len(rows), "")
    try:
        manifests, pools = _pair(pd.DataFrame(usable, columns=["clip_id", "label", "category"]), settings)
    except (BuildError, ValueError):
        shutil.rmtree(work)
        raise
    starts = {row["clip_id"]: float(row["start_seconds"]) for row in rows}
    _compose_all(manifests, clips, starts, work, settings, workers, report)
    _write_records(work, inputs, settings, usable, problems, manifests, pools)
    workplace.finish(work, out)
    return Build(load_benchmark(out), problems, reused=False)


def _inputs(rows: Sequence[Mapping[Any, Any]], clips: Mapping[str, Path], settings: Settings) -> str:
    """Fingerprint of everything that decides the result: the list, the bytes of the clips, the settings."""
    listed = [[row["clip_id"], row["label"], row["category"], float(row["start_seconds"])] for row in rows]
    files = {row["clip_id"]: file_sha256(clips[row["clip_id"]]) for row in rows if row["clip_id"] in clips}
    text = json.dumps([FORMAT_VERSION, listed, files, asdict(settings)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _reuse(out: Path, inputs: str, allow_missing: bool) -> Build:
    try:
        benchmark = load_benchmark(out)
    except BenchmarkError as error:
        raise BuildError(f"{error}; pass --overwrite to build it anew") from error
    if benchmark.record["inputs"] != inputs:
        raise BuildError(f"{out}: holds a benchmark of other clips or settings; pass --overwrite to replace it")
    problems = [Problem(**problem) for problem in benchmark.record["left_out"]]
    if problems and not allow_missing:
        raise _unusable(problems, benchmark.record["counts"]["clips_listed"], f"; {out} was built without them")
    return Build(benchmark, problems, reused=True)


def _unusable(problems: Sequence[Problem], listed: int, remark: str) -> BuildError:
    told = f"{len(problems)} of {listed} clips cannot be used{remark}; pass --allow-missing to leave them out"
    return BuildError(told, problems)


def _cut_sources(
    rows: Sequence[Mapping[Any, Any]],
    clips: Mapping[str, Path],
    work: Path,
    settings: Settings,
    workers: int | None,
    report: Progress,
) -> tuple[list[dict[str, str]], list[Problem]]:
    """Write the 8 s of every clip; return the rows that worked and the problems, both in order."""

    def cut(row: Mapping[Any, Any]) -> Problem | None:
        clip_id = str(row["clip_id"])
        if clip_id not in clips:
            return Problem(clip_id, f"{clip_id}: no file of that name in the folder of clips")
        try:
            _cut_source(clips[clip_id], work / "sources" / clip_id, float(row["start_seconds"]), settings)
        except media.MediaError as error:
            return Problem(clip_id, f"{error.path.name}: {error.reason}")
        return None

    found = dict(in_parallel(cut, rows, workers=workers, done=lambda done: report("sources", done, len(rows))))
    problems = [problem for _, problem in sorted(found.items()) if problem is not None]
    bad = {problem.clip_id for problem in problems}
    keep = ("clip_id", "label", "category")
    return [{key: str(row[key]) for key in keep} for row in rows if row["clip_id"] not in bad], problems


def _cut_source(clip: Path, stem: Path, start: float, settings: Settings) -> None:
    """Write the stretch that a clip contributes, once its sound is known to be usable."""
    wav, mp4 = stem.with_name(f"{stem.name}.wav"), stem.with_name(f"{stem.name}.mp4")
    if wav.is_file() and mp4.is_file():
        return
    start = composition.on_frame_grid(start)
    rate, seconds = composition.SAMPLE_RATE, settings.duration_seconds
    waveform = media.read_audio(clip, sample_rate=rate, start_seconds=start, seconds=seconds)
    if waveform.size < round(rate * seconds):
        raise media.MediaError(clip, f"too short: {waveform.size / rate:.2f} s of audio, {seconds:g} s needed")
    if not np.any(waveform):
        raise media.MediaError(clip, "its audio is digital silence")
    composition.cut(clip, mp4, start=start, duration=seconds)
    media.write_audio(wav, waveform, rate)


def _pair(sources: pd.DataFrame, settings: Settings) -> tuple[dict[Subset, pd.DataFrame], dict[str, Any]]:
    """Choose pairs, sides and names; return the manifests without hashes, and the counts on the way."""
    inter_pool, intra_pool = exhaustive_pairs(sources)
    asked = settings.inter_pairs
    count = min(PAPER_INTER_PAIRS, len(inter_pool)) if asked is None else asked
    if count > len(inter_pool):
        raise BuildError(f"{count} inter-class pairs asked for, {len(inter_pool)} exist")
    every_or_none = inter_pool.iloc[:count]
    chosen = 0 < count < len(inter_pool)
    inter = sample_inter_class(inter_pool, count=count, seed=settings.seed) if chosen else every_or_none
    intra, dropped = filter_intra_class(intra_pool)
    if not len(inter) and not len(intra):
        raise BuildError(f"{len(sources)} usable clips make no pair of different labels")
    pools = {
        "inter_pool": len(inter_pool),
        "intra_pool": len(intra_pool),
        "intra_dropped": dropped[["target_id", "paired_id", "reason"]].to_dict("records"),
    }
    manifests: dict[Subset, pd.DataFrame] = {
        "inter": _manifest(inter, settings.seed),
        "intra": _manifest(intra, settings.seed),
    }
    for subset, manifest in manifests.items():
        twice = manifest["filename"][manifest["filename"].duplicated()]
        if len(twice):
            raise BuildError(f"{subset}: two pairs would share the file name {twice.iloc[0]!r}; rename a clip")
    return manifests, pools


def _manifest(pairs: pd.DataFrame, seed: int) -> pd.DataFrame:
    ids = list(zip(pairs["target_id"], pairs["paired_id"], strict=True))
    columns = {
        "filename": [file_name(*pair) for pair in ids],
        "label": pairs["target_label"].to_list(),
        "paired_label": pairs["paired_label"].to_list(),
        **{name: pairs[name].to_list() for name in MANIFEST_COLUMNS[3:7]},
        "target_side": [side_of(*pair, seed=seed) for pair in ids],
        "sha256": [""] * len(ids),
    }
    return pd.DataFrame(columns, columns=MANIFEST_COLUMNS, dtype=str)


def file_name(target_id: str, paired_id: str) -> str:
    """Return the name of a scene, without extension: both clip ids, never of a length to avoid."""
    for separator in ("__", "___"):
        name = f"{target_id}{separator}{paired_id}"
        if len(name) not in CUT_LENGTHS:
            break
    return name if len(name) not in CUT_LENGTHS else f"{target_id}____{paired_id}"


def side_of(target_id: str, paired_id: str, *, seed: int) -> composition.Side:
    """Return where the target of a pair stands; it depends on seed and pair alone."""
    digest = hashlib.sha256(f"side/{seed}/{target_id}/{paired_id}".encode()).digest()
    return "left" if digest[0] % 2 == 0 else "right"


def _compose_all(
    manifests: Mapping[Subset, pd.DataFrame],
    clips: Mapping[str, Path],
    starts: Mapping[str, float],
    work: Path,
    settings: Settings,
    workers: int | None,
    report: Progress,
) -> None:
    """Make every scene that is not there yet and fill in the hashes."""
    scenes = [(subset, index) for subset, manifest in manifests.items() for index in range(len(manifest))]

    def make(scene: tuple[Subset, int]) -> str:
        subset, index = scene
        row = manifests[subset].iloc[index]
        path = work / subset / "video" / f"{row['filename']}.mp4"
        if not path.is_file():
            target, paired = row["target_id"], row["paired_id"]
            composition.compose(
                clips[target], clips[paired], path, row["target_side"], settings.fit, settings.duration_seconds,
                soundtrack=settings.soundtrack, target_start=starts[target], paired_start=starts[paired],
            )  # fmt: skip
        return file_sha256(path)

    for position, digest in in_parallel(
        make, scenes, workers=workers, done=lambda done: report("scenes", done, len(scenes))
    ):
        subset, index = scenes[position]
        manifests[subset].iloc[index, MANIFEST_COLUMNS.index("sha256")] = digest


def _write_records(
    work: Path,
    inputs: str,
    settings: Settings,
    usable: Sequence[Mapping[str, str]],
    problems: Sequence[Problem],
    manifests: Mapping[Subset, pd.DataFrame],
    pools: Mapping[str, Any],
) -> None:
    for subset, manifest in manifests.items():
        if len(manifest):
            with replacing(work / subset / "manifest.csv") as temporary:
                manifest.to_csv(temporary, index=False, lineterminator="\n")
    sounds, films = (
        [file_sha256(work / "sources" / f"{row['clip_id']}.{suffix}") for row in usable] for suffix in ("wav", "mp4")
    )
    record = {
        "format": FORMAT_VERSION,
        "name": settings.name,
        "version": settings.version,
        "inputs": inputs,
        "settings": asdict(settings),
        "counts": {
            "clips_listed": len(usable) + len(problems),
            "clips": len(usable),
            "inter": len(manifests["inter"]),
            "intra": len(manifests["intra"]),
            "inter_pool": pools["inter_pool"],
            "intra_pool": pools["intra_pool"],
        },
        "sources": [
            {**row, "sha256": sound, "video_sha256": film}
            for row, sound, film in zip(usable, sounds, films, strict=True)
        ],
        "left_out": [asdict(problem) for problem in problems],
        "intra_dropped": pools["intra_dropped"],
    }
    with replacing(work / "benchmark.json") as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
