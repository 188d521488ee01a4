"""The end of preparing a store: who is held out, the table of all clips, and the record."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from baselines.selva.training.clip_list import FEWEST_OF_A_SPLIT, ClipList, Entry, held_out
from baselines.selva.training.shards import ShardHead, Skipped, read_head, shard_path
from baselines.selva.training.store import CLIP_COLUMNS, SPLITS, Split
from baselines.selva.training.store_record import (
    CLIPS_FILE,
    SHARDS_FOLDER,
    Counts,
    JpegEffect,
    StoreError,
    StoreRecord,
    StoreSettings,
    write_record,
)
from foundation.files import replacing

_MADE_WITHOUT = "Synchformer's weights were not there when the first shard was made; delete that to have it measured"


def parts(clips: ClipList, settings: StoreSettings) -> list[Sequence[Entry]]:
    """Return the clips of each shard."""
    size = settings.shard_clips
    return [clips.entries[start : start + size] for start in range(0, len(clips.entries), size)]


def finish(store: Path, settings: StoreSettings, clips: ClipList, *, effect_reason: str = "") -> StoreRecord:
    """Write `clips.csv` and the record of a store whose shards are all there; the record is returned.

    Args:
        store: its folder.
        settings: of it.
        clips: that it was to hold.
        effect_reason: why the effect of JPEG was not measured, where it was not.

    Raises:
        StoreError: a shard is missing or damaged, or too few clips are left to train with; `clips.csv` says why.
    """
    heads = [read_head(shard_path(store / SHARDS_FOLDER, number)) for number in range(len(parts(clips, settings)))]
    kept = [row.id for head in heads for row in head.rows]
    splits = splits_of(clips, kept, settings.validation_share)
    with replacing(store / CLIPS_FILE) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CLIP_COLUMNS)
        writer.writerows(_lines(heads, splits))
    skipped = Counter(skip.kind for head in heads for skip in head.skipped)
    try:
        check_enough(store, clips, splits, skipped)
    except StoreError:
        write_record(store, StoreRecord(**settings.model_dump(), status="preparing"))
        raise
    by_split = Counter(splits.values())
    record = StoreRecord(
        **settings.model_dump(),
        status="finished",
        counts=Counts(
            listed=len(clips.entries),
            train=by_split["train"],
            validation=by_split["validation"],
            skipped=dict(sorted(skipped.items())),
        ),
        jpeg_effect=_effect(heads, effect_reason),
    )
    write_record(store, record)
    return record


def splits_of(clips: ClipList, kept: Sequence[str], share: float | None) -> dict[str, Split]:
    """Return the split of each clip that is kept, by its id.

    Args:
        clips: that the store was to hold.
        kept: ids of those that can be used.
        share: that is held out; None: what the lists say.
    """
    said = {entry.id: entry.split for entry in clips.entries}
    out = held_out(kept, share) if share is not None else {id for id in kept if said[id] == "validation"}
    return {id: "validation" if id in out else "train" for id in kept}


def check_enough(store: Path, clips: ClipList, splits: Mapping[str, Split], skipped: Mapping[str, int]) -> None:
    """Refuse a store of too few clips.

    Args:
        store: its folder.
        clips: that it was to hold.
        splits: of `splits_of`.
        skipped: how many cannot be used, by kind of reason.

    Raises:
        StoreError: fewer than two clips of a split.
    """
    why = ", ".join(f"{count} {kind}" for kind, count in sorted(skipped.items()))
    told = f" ({why}: {store / CLIPS_FILE} says which)" if why else ""
    for split in SPLITS:
        count = sum(found == split for found in splits.values())
        if count < FEWEST_OF_A_SPLIT:
            raise StoreError(
                f"{store}: {count} of {len(clips.entries)} clips are left for {split}{told}, expected at least "
                f"{FEWEST_OF_A_SPLIT}, since clips are mixed in pairs; give a list of more clips, and another folder"
            )


def _lines(heads: Sequence[ShardHead], splits: dict[str, Split]) -> Iterator[tuple[object, ...]]:
    """Yield the lines of `clips.csv`, by `CLIP_COLUMNS`."""
    for number, head in enumerate(heads):
        lines: list[tuple[object, ...]] = [
            (row.id, row.label, splits[row.id], "kept", number, place, "") for place, row in enumerate(head.rows)
        ]
        lines += [(skip.id, skip.label, "", "skipped", number, "", skip.reason) for skip in head.skipped]
        yield from sorted(lines, key=lambda line: str(line[0]))


def _effect(heads: Sequence[ShardHead], reason: str) -> JpegEffect:
    found = heads[0].effect
    if found is None:
        return JpegEffect(reason=reason or (_MADE_WITHOUT if heads[0].rows else "no clip of the first shard is kept"))
    relative = math.sqrt(found.difference / found.uncompressed)
    return JpegEffect(clips=found.clips, relative_rms=relative, weights=found.weights)


def skipped_clips(store: Path, shards: int) -> tuple[Skipped, ...]:
    """Return every clip that is not kept, with its reason."""
    return tuple(skip for n in range(shards) for skip in read_head(shard_path(store / SHARDS_FOLDER, n)).skipped)
