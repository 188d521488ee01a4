"""Any list of (video, prompt, optional reference sound) as a benchmark of single clips.

Films are kept without sound, so that no model can hear what it is asked for; the sound that answers are compared with
lies beside them. Samples of one film and one sound share a clip, named after the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from foundation import media
from foundation.files import PathLike, fingerprint
from foundation.paths import check_name
from foundation.work import Progress
from vgg_monoaudio import composition
from vgg_monoaudio.building import workplace
from vgg_monoaudio.building.clip_folder import SUBSET, Contents, build_clips, show
from vgg_monoaudio.building.result import Build, BuildError, Problem
from vgg_monoaudio.building.sources import hash_clips, source_records, whole_sound
from vgg_monoaudio.dataset import MANIFEST_COLUMNS, NEGATIVE_PROMPT
from vgg_monoaudio.encoding import encoder_on_record
from vgg_monoaudio.record import (
    FORMAT_VERSION,
    BuildRecord,
    CountsRecord,
    Kind,
    LeftOutRecord,
    ListSettingsRecord,
    OwnSound,
    check_benchmark_name,
)


@dataclass(frozen=True)
class ListedSample:
    """A sample as its list has it.

    Attributes:
        sample_id: names the sample and the files of its answers.
        video: the film; it may be missing, which is found out when it is cut.
        prompt: what is asked for.
        audio: the file whose sound is kept, often the film itself; None where there is none.
        category: of what is asked for; tables and figures by category use it.
        paired_label: what is to be heard beside the target, or in its place; "" where the list does not say.
        negative_prompt: what a model is told to leave out; "" for nothing.
        onset_seconds: when the sounds start, as people annotated it; read up to the first past the end of what is
            kept, as MMAudio's `eval_onsets.py` reads them. None where nobody did.
    """

    sample_id: str
    video: Path
    prompt: str
    audio: Path | None
    category: str
    paired_label: str = ""
    negative_prompt: str = ""
    onset_seconds: tuple[float, ...] | None = None


@dataclass(frozen=True)
class ListSettings:
    """What decides the content, apart from the samples.

    Attributes:
        name: in tables and run paths.
        kind: which benchmark it is.
        part: of a benchmark that has several; "" where it has one.
        own_sound: what the samples' sounds are: the one asked for ("target"), one that is not asked for ("paired"), or
            nothing that an answer could be compared with ("none").
        list_sha256: of the file that lists the samples.
        version: of the content.
        duration_seconds: from the beginning of each film.
        soundtrack: films have none.

    Raises:
        ValueError: a name that is not that of one folder, or an unknown word.
    """

    name: str
    kind: Kind
    own_sound: OwnSound
    list_sha256: str
    part: str = ""
    version: str = "1.0"
    duration_seconds: float = composition.SECONDS
    soundtrack: Literal["none"] = "none"

    def __post_init__(self) -> None:
        """Refuse a name that no folder of runs can have, and words of another kind."""
        check_benchmark_name(self.name)
        for field, words in (("kind", Kind), ("own_sound", OwnSound)):
            if getattr(self, field) not in get_args(words):
                raise ValueError(f"{field}: expected {', '.join(get_args(words))}, got {getattr(self, field)!r}")


def build_listed(
    samples: Sequence[ListedSample],
    out: PathLike,
    settings: ListSettings,
    *,
    allow_missing: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Build:
    """Write the benchmark directory of a list and return it; a build that was killed resumes where it stopped.

    Args:
        samples: in the order of their list.
        out: the benchmark directory.
        settings: what else decides the content.
        allow_missing: leave out clips that cannot be used instead of refusing to build.
        overwrite: replace a benchmark of other clips or settings.
        workers: clips cut at once; None takes one per core. The result does not depend on it.
        progress: called as work is done.

    Raises:
        BuildError: no samples, a doubled name, one that leads elsewhere, one without a prompt, samples of which some
            have a sound and others none, clips that cannot be used, or another benchmark at `out`.
        vgg_monoaudio.encoding.EncodingStopped: ffmpeg was killed, could not write or is not there; nothing is left out.
    """
    out, made = workplace.destination(out, workers), _Made(tuple(samples), settings, workers)
    _check(samples, settings)
    report = progress or (lambda *_: None)
    films, sounds = made.there(made.films), made.there(made.sounds)
    hashes = hash_clips(list(films), films, workers=workers, done=lambda done: report("films", done, len(films)))
    heard = hash_clips(list(sounds), sounds, workers=workers, done=lambda done: report("sounds", done, len(sounds)))
    rows = [
        {**{name: value for name, value in asdict(s).items() if name not in ("video", "audio")}, "clip": made.clips[s]}
        for s in samples
    ]
    said = {**asdict(settings), **encoder_on_record()}
    inputs = fingerprint([FORMAT_VERSION, "list", rows, hashes, heard, said])
    del said["kind"]  # beside the settings in the record
    contents = Contents(
        clips=list(made.films), files=made.films, hashes=hashes, settings=said, inputs=inputs, cut=made.cut,
        describe=lambda work, usable, problems: made.describe(work, usable, problems, inputs),
    )  # fmt: skip
    return build_clips(contents, out, allow_missing=allow_missing, overwrite=overwrite, workers=workers, report=report)


def _check(samples: Sequence[ListedSample], settings: ListSettings) -> None:
    if not samples:
        raise BuildError("the list holds no sample")
    seen: set[str] = set()
    for sample in samples:
        try:
            check_name(sample.sample_id)
        except ValueError as error:
            raise BuildError(f"a sample cannot be named so: {error}") from error
        if sample.sample_id in seen:
            raise BuildError(f"sample {sample.sample_id!r} is listed twice; names are those of the answers' files")
        seen.add(sample.sample_id)
        if not sample.prompt:
            raise BuildError(f"sample {sample.sample_id!r} has no prompt")
        if settings.own_sound == "paired" and not sample.paired_label:
            raise BuildError(f"sample {sample.sample_id!r} does not say what its film sounds like")
    with_sound = [sample.sample_id for sample in samples if sample.audio is not None]
    if settings.own_sound != "none" and len(with_sound) != len(samples):
        raise BuildError(
            f"{len(with_sound)} of {len(samples)} samples have a sound to compare with; a benchmark has them for "
            "all of its samples or for none: make two lists"
        )


@dataclass(frozen=True)
class _Made:
    """What is made of the samples of a list."""

    samples: tuple[ListedSample, ...]
    settings: ListSettings
    workers: int | None

    @cached_property
    def clips(self) -> dict[ListedSample, str]:
        """The clip of each sample: the name of the first sample of the same film and sound."""
        first: dict[tuple[Path, Path | None], str] = {}
        return {s: first.setdefault((s.video, s.audio), s.sample_id) for s in self.samples}

    @cached_property
    def owners(self) -> dict[str, ListedSample]:
        """Each clip's first sample, in the order of the list."""
        return {sample.sample_id: sample for sample in self.samples if self.clips[sample] == sample.sample_id}

    @property
    def films(self) -> dict[str, Path]:
        """The film of each clip."""
        return {clip: sample.video for clip, sample in self.owners.items()}

    @property
    def sounds(self) -> dict[str, Path]:
        """The file of each clip's sound; of benchmarks that have sounds."""
        given = self.owners if self.settings.own_sound != "none" else {}
        return {clip: sample.audio for clip, sample in given.items() if sample.audio is not None}

    @staticmethod
    def there(files: Mapping[str, Path]) -> dict[str, Path]:
        """Return those of these files that there are."""
        return {clip: path for clip, path in files.items() if path.is_file()}

    @cached_property
    def shown_as(self) -> dict[str, list[str]]:
        """The samples of each clip."""
        found: dict[str, list[str]] = {clip: [] for clip in self.owners}
        for sample, clip in self.clips.items():
            found[clip].append(sample.sample_id)
        return found

    def cut(self, work: Path, clip: str, file: Path) -> None:
        """Write film and sound of a clip, and show the film as each of its samples."""
        film, sound = work / "sources" / f"{clip}.mp4", work / "sources" / f"{clip}.wav"
        seconds, heard = self.settings.duration_seconds, self.sounds.get(clip)
        if not media.is_whole(film):
            composition.cut(file, film, duration=seconds, with_sound=False)
        if heard is not None and not media.is_whole(sound):
            media.write_audio(sound, whole_sound(heard, seconds=seconds), composition.SAMPLE_RATE)
        for sample in self.shown_as[clip]:
            if not media.is_whole(work / SUBSET / "video" / f"{sample}.mp4"):
                show(work, clip, sample)

    def describe(
        self, work: Path, usable: Sequence[str], problems: Sequence[Problem], inputs: str
    ) -> tuple[BuildRecord, pd.DataFrame]:
        """Return record and manifest of the clips that could be used."""
        settings = self.settings
        sources = source_records(
            work, [self._row(self.owners[clip]) for clip in usable], self.films,
            sounds=self.sounds, seconds=settings.duration_seconds, workers=self.workers,
        )  # fmt: skip
        films = {source.clip_id: source.video_sha256 for source in sources}
        kept = [sample for sample in self.samples if self.clips[sample] in films]
        record = BuildRecord(
            format=FORMAT_VERSION,
            kind=settings.kind,
            name=settings.name,
            version=settings.version,
            frame_rule=media.FRAME_RULE,
            inputs=inputs,
            settings=ListSettingsRecord(
                **{k: v for k, v in asdict(settings).items() if k != "kind"}, **encoder_on_record()
            ),
            counts=CountsRecord(clips_listed=len(self.owners), clips=len(usable), inter=0, intra=0, single=len(kept)),
            sources=sources,
            left_out=tuple(LeftOutRecord(**asdict(problem)) for problem in problems),
        )
        return record, self._manifest(kept, films)

    def _row(self, sample: ListedSample) -> dict[str, Any]:
        """Return what is recorded of a sample's clip: what it sounds like, and when its sounds start."""
        heard = sample.paired_label if self.settings.own_sound == "paired" else sample.prompt
        row: dict[str, Any] = {"clip_id": sample.sample_id, "label": heard, "category": sample.category}
        if sample.onset_seconds is not None:
            row["onset_seconds"] = tuple(takewhile(self._is_within, sample.onset_seconds))
        return row

    def _is_within(self, seconds: float) -> bool:
        return seconds < self.settings.duration_seconds

    def _manifest(self, samples: Sequence[ListedSample], films: Mapping[str, str | None]) -> pd.DataFrame:
        """A row per sample: the scene is the film of the clip, so their hashes are the same."""
        paired = self.settings.own_sound == "paired"
        rows = []
        for sample in samples:
            clip = self.clips[sample]
            beside = (clip, sample.category) if paired else ("", "")
            named = (sample.sample_id, sample.prompt, sample.paired_label, clip, beside[0])
            rows.append((*named, sample.category, beside[1], "", films[clip], sample.negative_prompt))
        table = pd.DataFrame(rows, columns=pd.Index([*MANIFEST_COLUMNS, NEGATIVE_PROMPT]))
        return table if any(sample.negative_prompt for sample in samples) else table.drop(columns=NEGATIVE_PROMPT)
