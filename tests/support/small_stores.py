"""Small stores of prepared clips, made of numbers that depend on the clip alone: no file is decoded for them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from baselines.mmaudio.lengths import FORMATS, lengths_for
from baselines.selva.training.clip_list import ClipList, Entry
from baselines.selva.training.finishing import finish, parts
from baselines.selva.training.pictures import encoded
from baselines.selva.training.shards import NewRow, write_shard
from baselines.selva.training.store import Clip, Store
from baselines.selva.training.store_record import SHARDS_FOLDER, TEXTS_FOLDER, StoreSettings
from support.seeded_weights import normal, video

LABELS = ("dog barking", "church bell ringing", "playing flute")


def entries(count: int = 8, *, held_out: int = 2) -> tuple[Entry, ...]:
    """Clips clip00, clip01, ... with labels in turn; the last ones are for validation."""
    return tuple(
        Entry(f"clip{n:02}", LABELS[n % len(LABELS)], "validation" if n >= count - held_out else "train")
        for n in range(count)
    )


def settings_for(clips: ClipList, **other) -> StoreSettings:
    said = {
        "seconds": 0.64,
        "fps": 25,
        "size": 224,
        "picture": "jpeg 95 4:4:4",
        "rates": ("16k",),
        "teacher": True,
        "shard_clips": 3,
        "entries": clips.fingerprint,
        "validation_share": None,
        "weights": {"vae": "random"},
        "frame_rule": "made up",
        "sound_rule": "made up",
    }
    return StoreSettings(**{**said, **other})


def row_of(entry: Entry, settings: StoreSettings) -> NewRow:
    """What a store keeps of a clip; the pictures are waves of colour, all else is normal noise."""
    frames = lengths_for(settings.seconds, FORMATS["16k"]).sync_frames
    files = encoded(video(entry.id, frames, settings.size, settings.size, 1).numpy(), settings.picture)
    arrays = {
        "frames": torch.frombuffer(bytearray(b"".join(files)), dtype=torch.uint8),
        "ends": torch.from_numpy(np.cumsum([len(file) for file in files])),
    }
    for rate in settings.rates:
        length = lengths_for(settings.seconds, FORMATS[rate])
        shape = length.latent, FORMATS[rate].latent_channels
        arrays[f"mean.{rate}"] = normal(f"{entry.id} mean {rate}", shape, 1)
        arrays[f"std.{rate}"] = normal(f"{entry.id} std {rate}", shape, 1).abs()
        if settings.teacher:
            arrays["teacher"] = normal(f"{entry.id} teacher", (length.sync, 768), 1)
    return NewRow(entry.label, arrays, clip=entry.id)


def text_of(label: str) -> NewRow:
    words = len(label.split()) + 1
    arrays = {"clip": normal(f"{label} clip", (77, 1024), 1), "t5": normal(f"{label} t5", (words, 768), 1)}
    return NewRow(label, arrays)


def small_store(path: Path, clips: Sequence[Entry] | None = None, **settings) -> Store:
    """A finished store of some clips; `settings` are those of `StoreSettings` that are to be others."""
    listed = ClipList(tuple(clips or entries()), left_out=0, shared_out=True)
    chosen = settings_for(listed, **settings)
    for number, part in enumerate(parts(listed, chosen)):
        file = path / SHARDS_FOLDER / f"{number:05}.safetensors"
        write_shard(file, chosen.mark, [row_of(entry, chosen) for entry in part])
    labels = sorted({"", *(entry.label for entry in listed.entries)})
    write_shard(path / TEXTS_FOLDER / "00000.safetensors", chosen.mark, [text_of(label) for label in labels])
    finish(path, chosen, listed, effect_reason="made up")
    return Store.opened(path)


def clip_of(store: Store, id: str) -> Clip:
    return next(clip for split in ("train", "validation") for clip in store.clips(split) if clip.id == id)
