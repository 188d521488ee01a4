"""Reading a built benchmark: the samples, their files, and what was recorded about the build."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation.files import PathLike, content_sha256
from foundation.media import what_is_missing
from foundation.names import joined
from foundation.paths import fault_of_name
from foundation.text import as_stored, shortened
from foundation.work import look_at_each
from vgg_monoaudio.record import (
    FORMAT_VERSION,
    RECORD_NAME,
    BenchmarkError,
    BuildRecord,
    OwnSound,
    SourceRecord,
    read_record,
)

__all__ = [
    "FORMAT_VERSION", "MANIFEST_COLUMNS", "SUBSETS", "SUBSET_TITLES", "Benchmark", "BenchmarkError", "Sample", "Source",
    "Subset", "load_benchmark", "read_benchmark",
]  # fmt: skip

Subset = Literal["inter", "intra", "single"]
SUBSET_TITLES: Mapping[Subset, str] = {  # in the order that tables show them
    "inter": "Inter-class",
    "intra": "Intra-class",
    "single": "Single clips",
}
SUBSETS: tuple[Subset, ...] = tuple(SUBSET_TITLES)
# The first three are what SELVA's own reader looks for.
MANIFEST_COLUMNS = [
    "filename", "label", "paired_label", "target_id", "paired_id",
    "target_category", "paired_category", "target_side", "sha256",
]  # fmt: skip

_PATHS = ("video", "target_audio", "target_video", "paired_audio", "paired_video")  # fields of a sample
_REPR = 110  # characters: what a console shows of an object is one line

NEGATIVE_PROMPT = "negative_prompt"  # a column of manifests of clips that have one each
_NAMES = ["filename", "target_id", "paired_id"]  # parts of paths; the last is empty where a sample has one clip
_NEVER_EMPTY = ["filename", "label", "target_id", "target_category", "sha256"]


@dataclass(frozen=True, slots=True)
class Source:
    """A clip with one sound; the 8 s that it contributes."""

    clip_id: str
    label: str
    category: str
    audio: Path | None  # 16 kHz mono wav; None where the benchmark has no sounds to compare with
    video: Path  # mp4 at the clip's own size, 25 fps

    def __repr__(self) -> str:
        return shortened(f"Source({self.clip_id}: {self.label}, {self.category}", _REPR) + ")"


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of the benchmark and all its files.

    Attributes:
        sample_id: the manifest's filename, without extension.
        subset: inter (different category), intra (same category, different label) or single (no other
            clip: the side is empty, and so are the paired fields where nothing but the target is to be heard).
        label: the prompt; it names the target.
        paired_label: what the other half of the scene sounds like; of a single clip: what its picture sounds like,
            where the prompt asks for something else.
        target_id: the clip whose sound is asked for; of a single clip: the one that is shown.
        paired_id: the other clip of the scene; of a single clip whose own sound is not asked for: itself.
        target_category: category of the target's label.
        paired_category: category of the paired label.
        target_side: which half of the scene shows the target.
        sha256: of the scene file.
        video: the scene, 1280x720, 25 fps, 8 s.
        target_audio: the target's own sound, 16 kHz mono wav; None where the benchmark has no reference sounds.
        target_video: the target's own clip.
        paired_audio: the paired clip's sound.
        paired_video: the paired clip.
        negative_prompt: what the sample's list tells a model to leave out; "" where it says nothing.
        onset_seconds: when the target's sounds start, as people annotated it; None where nobody did.
    """

    sample_id: str
    subset: Subset
    label: str
    paired_label: str
    target_id: str
    paired_id: str
    target_category: str
    paired_category: str
    target_side: Literal["left", "right", ""]
    sha256: str
    video: Path
    target_audio: Path | None
    target_video: Path
    paired_audio: Path | None
    paired_video: Path | None
    negative_prompt: str = ""
    onset_seconds: tuple[float, ...] | None = None

    def __repr__(self) -> str:
        beside = f" beside {self.paired_label}" if self.paired_label else ""
        return shortened(f"Sample({self.sample_id}: {self.label}{beside}", _REPR) + ")"


@dataclass(frozen=True)
class Benchmark:
    """A built benchmark; iterating gives its samples in manifest order, inter before intra.

    Attributes:
        path: the benchmark directory.
        record: the content of `benchmark.json`.
        manifests: one manifest per subset, columns `MANIFEST_COLUMNS`.
    """

    path: Path
    record: BuildRecord
    manifests: dict[Subset, pd.DataFrame]

    @property
    def name(self) -> str:
        """Name, as in tables and run paths."""
        return self.record.name

    @property
    def version(self) -> str:
        """Version of the content."""
        return self.record.version

    @property
    def duration_seconds(self) -> float:
        """Length of every scene."""
        return float(self.record.settings.duration_seconds)

    @property
    def own_sound(self) -> OwnSound:
        """What the sound of a clip is to a sample that asks for something: the target's, the paired one's, or none."""
        return self.record.own_sound

    @property
    def subsets(self) -> list[Subset]:
        """The subsets that hold samples."""
        return [subset for subset, manifest in self.manifests.items() if len(manifest)]

    @property
    def sources(self) -> list[Source]:
        """Every source clip once, in the order of its id."""
        return [
            Source(source.clip_id, source.label, source.category, self._sound(source.clip_id),
                   self._source(source.clip_id, "mp4"))
            for source in self.record.sources
        ]  # fmt: skip

    def fingerprint(self, subset: Subset) -> str:
        """Return the SHA-256 of a subset's manifest, which carries a hash of every scene."""
        if subset not in self._fingerprints:
            text = self.manifests[subset].to_csv(index=False, lineterminator="\n")
            self._fingerprints[subset] = hashlib.sha256(text.encode()).hexdigest()
        return self._fingerprints[subset]

    @cached_property
    def _fingerprints(self) -> dict[Subset, str]:
        return {}

    @cached_property
    def _read(self) -> dict[Subset, tuple[Sample, ...]]:
        """The samples of the subsets that were asked for; each run of a model asks again."""
        return {}

    @cached_property
    def recorded_sha256(self) -> dict[Path, str]:
        """Hash of every scene, sound and picture as it was built; records of early versions lack those of pictures."""
        pairs = zip(self.sources, self.record.sources, strict=True)
        of_sources = [
            file for source, record in pairs
            for file in ((source.audio, record.sha256), (source.video, record.video_sha256))
        ]  # fmt: skip
        scenes = {sample.video: sample.sha256 for sample in self}
        return scenes | {path: sha256 for path, sha256 in of_sources if path is not None and sha256 is not None}

    @property
    def files(self) -> list[Path]:
        """Every scene, and sound and picture of every source."""
        of_sources = [file for source in self.sources for file in (source.audio, source.video) if file is not None]
        return [*of_sources, *(sample.video for sample in self)]

    def check_files(self, paths: Iterable[Path]) -> None:
        """Refuse files of this benchmark that are not those which were built; each is read once per process.

        Args:
            paths: scenes and sources; one of which no hash was recorded passes where it is whole.

        Raises:
            BenchmarkError: a file is absent or cut, or its bytes are not those on record; names it.
        """
        recorded = self.recorded_sha256

        def look(path: Path) -> tuple[str | None, str | None]:
            """Return why a file is not whole, and its hash: the one or the other is asked."""
            return (None, content_sha256(path)) if path in recorded else (what_is_missing(path), None)

        for path, found in look_at_each(look, dict.fromkeys(paths)):
            if isinstance(found, OSError):
                raise BenchmarkError(f"{path}: {found.strerror}; build the benchmark again") from found
            missing, sha256 = found
            if missing is not None:
                raise BenchmarkError(f"{path}: {missing}; build the benchmark again")
            if sha256 is not None and sha256 != recorded[path]:
                raise BenchmarkError(
                    f"{path}: not the file that was built (its SHA-256 is {sha256[:12]}…, recorded is "
                    f"{recorded[path][:12]}…); put that file back, or build the benchmark again"
                )

    def samples(self, subset: Subset) -> list[Sample]:
        """Return the samples of a subset, in manifest order."""
        if subset not in self._read:
            self._read[subset] = tuple(self._sample(subset, row) for row in self.manifests[subset].to_dict("records"))
        return list(self._read[subset])

    def to_frame(self) -> pd.DataFrame:
        """Return one row per sample, in order, with the fields of `Sample` as columns; paths are text."""
        rows = [{name: getattr(sample, name) for name in Sample.__slots__} for sample in self]
        frame = pd.DataFrame(rows, columns=list(Sample.__slots__))
        for name in _PATHS:
            frame[name] = [None if path is None else str(path) for path in frame[name]]
        return frame

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.manifests[subset])} {subset}" for subset in self.subsets)
        return shortened(f"Benchmark({self.name} {self.version}: {counts}; {self.path}", _REPR) + ")"

    def __iter__(self) -> Iterator[Sample]:
        for subset in self.subsets:
            yield from self.samples(subset)

    def __len__(self) -> int:
        return sum(len(manifest) for manifest in self.manifests.values())

    def _source(self, clip_id: str, suffix: str) -> Path:
        """Return a file of a clip: one object for all samples with this clip."""
        name = f"{clip_id}.{suffix}"
        if name not in self._source_files:
            self._source_files[name] = as_stored(self.path / "sources" / name)
        return self._source_files[name]

    @cached_property
    def _source_files(self) -> dict[str, Path]:
        return {}

    def _sound(self, clip_id: str) -> Path | None:
        return None if self.own_sound == "none" else self._source(clip_id, "wav")

    @cached_property
    def _source_records(self) -> dict[str, SourceRecord]:
        return {source.clip_id: source for source in self.record.sources}

    def _sample(self, subset: Subset, row: dict[Any, Any]) -> Sample:
        fields = {("sample_id" if name == "filename" else name): sys.intern(row[name]) for name in MANIFEST_COLUMNS}
        return Sample(
            subset=subset,
            video=as_stored(self.path / subset / "video" / f"{row['filename']}.mp4"),
            target_audio=self._sound(row["target_id"]) if self.own_sound == "target" else None,
            target_video=self._source(row["target_id"], "mp4"),
            paired_audio=self._sound(row["paired_id"]) if row["paired_id"] else None,
            paired_video=self._source(row["paired_id"], "mp4") if row["paired_id"] else None,
            negative_prompt=row.get(NEGATIVE_PROMPT, ""),
            onset_seconds=self._source_records[row["target_id"]].onset_seconds,
            **cast(Any, fields),
        )


def load_benchmark(path: PathLike, subsets: Sequence[Subset] = SUBSETS) -> Benchmark:
    """Return a built benchmark, its manifests read and its files accounted for.

    Args:
        path: a benchmark directory, as `python -m benchmark build` writes it.
        subsets: which subsets to read.

    Raises:
        BenchmarkError: no benchmark there, an unfinished one, no samples in these subsets, a manifest with a missing
            column, a doubled name, one that leads elsewhere, an unknown side or another number of rows than the record
            counts, or a file that the manifest names and the directory lacks.

    Examples:
        A directory of one clip, written by hand; `build` writes the real ones.

        >>> import json, tempfile
        >>> from foundation.files import write_text
        >>> source = {"clip_id": "bell", "label": "ringing bell", "category": "Metal"}
        >>> record = {"format": 1, "name": "mine", "version": "1.0", "settings": {"duration_seconds": 8.0},
        ...           "counts": {"single": 1}, "sources": [source]}
        >>> rows = [",".join(MANIFEST_COLUMNS), f"bell,ringing bell,,bell,,Metal,,,{64 * '0'}"]
        >>> texts = {"benchmark.json": json.dumps(record), "single/manifest.csv": chr(10).join(rows)}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in (*texts, "single/video/bell.mp4", "sources/bell.mp4", "sources/bell.wav"):
        ...         write_text(Path(folder, name), texts.get(name, ""))
        ...     [(sample.subset, sample.label, sample.target_audio.name) for sample in load_benchmark(folder)]
        [('single', 'ringing bell', 'bell.wav')]
    """
    benchmark = read_benchmark(path, subsets)
    for sample in benchmark:
        for file in (sample.video, sample.target_audio, sample.target_video, sample.paired_audio, sample.paired_video):
            if file is not None and not file.is_file():
                raise BenchmarkError(f"{file}: missing; sample {sample.sample_id} needs it. Build the benchmark again")
    return benchmark


def read_benchmark(path: PathLike, subsets: Sequence[Subset] = SUBSETS) -> Benchmark:
    """Return a built benchmark by its record and manifests alone; its media may be missing.

    Raises:
        BenchmarkError: see `load_benchmark`.
    """
    folder = Path(path)
    record = read_record(folder)
    manifests = {}
    for subset in subsets:
        path, count = folder / subset / "manifest.csv", getattr(record.counts, subset)
        if not count and not path.is_file():
            continue
        manifest = _read_manifest(path, subset)
        if len(manifest) != count:
            raise BenchmarkError(
                f"{path}: {len(manifest)} rows, but {RECORD_NAME} counts {count} samples of {subset}; "
                "build the benchmark again"
            )
        if count:
            manifests[subset] = manifest
    if not manifests:
        raise BenchmarkError(f"{folder}: no samples of {joined(subsets)} in it; build the benchmark again")
    _check_clips(folder, record, manifests)
    return Benchmark(folder, record, manifests)


def _check_clips(folder: Path, record: BuildRecord, manifests: Mapping[Subset, pd.DataFrame]) -> None:
    """Refuse a record that names a clip twice, or lacks one of a manifest: what was built would not be known."""
    clips = Counter(source.clip_id for source in record.sources)
    doubled = next((clip for clip, count in clips.items() if count > 1), None)
    if doubled is not None:
        raise BenchmarkError(f"{folder / RECORD_NAME}: clip {doubled!r} is listed twice; build the benchmark again")
    for subset, manifest in manifests.items():
        for clip in [*manifest["target_id"], *manifest["paired_id"].fillna("")]:
            if clip and clip not in clips:
                file = folder / subset / "manifest.csv"
                raise BenchmarkError(f"{file}: clip {clip!r} is not in {RECORD_NAME}; build the benchmark again")


def _read_manifest(file: Path, subset: Subset) -> pd.DataFrame:
    if not file.is_file():
        raise BenchmarkError(f"{file}: missing; build the benchmark again")
    try:
        manifest = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise BenchmarkError(f"{file}: not a table: {error}") from error
    missing = [column for column in MANIFEST_COLUMNS if column not in manifest.columns]
    if missing:
        raise BenchmarkError(f"{file}: column {missing[0]!r} is missing; a manifest has {', '.join(MANIFEST_COLUMNS)}")
    doubled = manifest["filename"][manifest["filename"].duplicated()]
    if len(doubled):
        raise BenchmarkError(f"{file}: {doubled.iloc[0]!r} is listed twice")
    for column in _NEVER_EMPTY:
        empty = manifest[column].fillna("") == ""
        if empty.any():
            place = int(empty.to_numpy().argmax()) + 1
            raise BenchmarkError(f"{file}: row {place} has no {column}; build the benchmark again")
    for column in _NAMES:
        for name in manifest[column].fillna("").unique():
            if name and (fault := fault_of_name(name)):
                place = int((manifest[column] == name).to_numpy().argmax()) + 1
                raise BenchmarkError(f"{file}: row {place}: {column} is {name!r}, not the name of one file: {fault}")
    known = [""] if subset == "single" else ["left", "right"]
    sides = manifest[~manifest["target_side"].isin(known)]
    if len(sides):
        row = sides.iloc[0]
        raise BenchmarkError(
            f"{file}: {row['filename']}: target_side is {row['target_side']!r}, not {joined(known) or 'empty'}"
        )
    return manifest


def source_clips(target_ids: Sequence[str], paired_ids: Sequence[str]) -> NDArray[np.object_]:
    """Return the source clips that each sample is made of, which samples share: what a resample by source draws.

    Args:
        target_ids: the clip asked for, one per sample.
        paired_ids: the clip beside it, "" where there is none.

    Returns:
        Clip ids, shape (n, 2): target, paired; shape (n, 1) where a sample has no other clip.
    """
    if all(paired and paired != target for target, paired in zip(target_ids, paired_ids, strict=True)):
        return np.array(list(zip(target_ids, paired_ids, strict=True)), dtype=object).reshape(-1, 2)
    return np.array(target_ids, dtype=object).reshape(-1, 1)
