"""What a store of prepared clips says of itself: how it was made, from which weights, and what it holds.

<store>/store.json               this record
<store>/clips.csv                every clip that was asked for: where it is, or why it is not there
<store>/shards/00000.safetensors clips, see `shards`
<store>/texts/00000.safetensors  features of their labels
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from baselines.selva.training.pictures import Picture
from foundation.files import PathLike, fingerprint, write_text
from foundation.records import Record, read_bounded, what_is_wrong

FORMAT = 1
RECORD_FILE, CLIPS_FILE, SHARDS_FOLDER, TEXTS_FOLDER = "store.json", "clips.csv", "shards", "texts"

Rate = Literal["16k", "44k"]


class StoreError(ValueError):
    """A store that cannot be read as it is; the message names it and says what to do."""


class StoreSettings(Record):
    """What decides every byte of a store but the clips themselves.

    Attributes:
        seconds: of every clip.
        fps: frames per second.
        size: width and height of a frame, in pixels.
        picture: how frames are kept.
        rates: of the latents, "16k" or "44k".
        teacher: whether Synchformer's features of the clips are kept.
        shard_clips: clips of the list that make one shard.
        entries: hash of the clips that were asked for, with their labels and splits.
        validation_share: of the clips that is held out where no list says which.
        weights: SHA-256 by part of the network, or "random".
        frame_rule: which frame of a file stands in which slot.
        sound_rule: what is done to a file's sound before its latent is taken.
        mmaudio_features: of which features of MMAudio latents and texts are, by a hash; None: of none.
    """

    seconds: Annotated[float, Field(ge=0.64, allow_inf_nan=False)]
    fps: int
    size: int
    picture: Picture
    rates: Annotated[tuple[Rate, ...], Field(min_length=1)]
    teacher: bool
    shard_clips: Annotated[int, Field(ge=1)]
    entries: str
    validation_share: Annotated[float, Field(gt=0, lt=1)] | None
    weights: dict[str, str]
    frame_rule: str
    sound_rule: str
    mmaudio_features: str | None = None

    @property
    def mark(self) -> str:
        """A hash of these settings, which every file of the store carries."""
        return fingerprint({name: getattr(self, name) for name in StoreSettings.model_fields})


class JpegEffect(Record):
    """How far the way in which frames are kept moves the teacher's features.

    Attributes:
        clips: how many were measured: the first of the first shard.
        relative_rms: root mean square of the differences over that of the features of uncompressed frames; None
            where it was not measured.
        weights: SHA-256 of the teacher's file, or "random".
        reason: why it was not.
    """

    clips: int = 0
    relative_rms: float | None = None
    weights: str = ""
    reason: str = ""


class Counts(Record):
    """How many clips there are.

    Attributes:
        listed: that were asked for.
        train, validation: that are kept, by split.
        skipped: that are not kept, by kind of reason.
    """

    listed: int
    train: int
    validation: int
    skipped: dict[str, int]


class StoreRecord(StoreSettings):
    """The whole of `store.json`.

    Attributes:
        format: of the store's files.
        status: preparing until every shard is there.
        counts: of the clips; None while it is being prepared.
        jpeg_effect: the same.
    """

    format: Literal[1] = 1
    status: Literal["preparing", "finished"]
    counts: Counts | None = None
    jpeg_effect: JpegEffect | None = None


def write_record(store: PathLike, record: StoreRecord) -> None:
    """Write `store.json`, whole or not at all."""
    write_text(Path(store) / RECORD_FILE, json.dumps(record.model_dump(mode="json"), indent=2) + "\n")


def read_record(store: PathLike) -> StoreRecord | None:
    """Return what a store says of itself; None where there is no store.

    Raises:
        StoreError: its record is damaged, or of another version.
    """
    path = Path(store) / RECORD_FILE
    try:
        said = json.loads(read_bounded(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise StoreError(f"{path}: damaged ({error}); remove it and run `train prepare` again") from error
    if isinstance(said, dict) and said.get("format") != FORMAT:
        raise StoreError(f"{path}: expected a store of format {FORMAT}, got {said.get('format')!r}; prepare it anew")
    try:
        return StoreRecord.model_validate(said)
    except ValidationError as error:
        raise StoreError(f"{path}: {what_is_wrong(error)}; remove it and run `train prepare` again") from error
