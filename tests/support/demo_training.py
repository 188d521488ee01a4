"""A store of the demo's own clips for narrow networks; clips of the same scenes with other rhythms are held out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor

from baselines.mmaudio import vae
from baselines.mmaudio.frames import scaled
from baselines.mmaudio.mel import mel_spectrogram
from baselines.selva.training import draws
from baselines.selva.training.batches import Batch, TrainingBatches
from baselines.selva.training.clip_list import Entry
from baselines.selva.training.pictures import encoded
from baselines.selva.training.recipe import Recipe
from baselines.selva.training.shards import NewRow
from baselines.selva.training.store import Store
from baselines.selva.training.store_record import StoreSettings
from support import small_stores
from support.small_training import SIZE, seeded
from support.small_training_runs import narrow_store, small_recipe
from vgg_monoaudio.demo import demo_clip, demo_sources

RATE = 16_000  # Hz
SECONDS = 0.64  # of each window
SPLITS = ("train", "validation")  # of the demo of seed 0, and of seed 1
WINDOWS = {"train": 3, "validation": 2}  # of each clip, one after the other
SPREAD = 0.1  # of each latent; that of the autoencoder below says nothing


def demo_entries() -> tuple[Entry, ...]:
    """Every window of every clip, sorted by window, take and label: a held-out batch of eight has all labels."""
    sources = demo_sources()
    return tuple(
        Entry(f"{seed}.{window}.{clip_id[-8:-7]}.{clip_id}", label, split)
        for seed, split in enumerate(SPLITS)
        for window in range(WINDOWS[split])
        for clip_id, label in zip(sources["clip_id"], sources["label"], strict=True)
    )


@cache
def film_and_sound(clip_id: str, seed: int) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The windows of a clip: each uint8 (16, 3, 64, 64), and each (samples,) of a sound whose peak is 0.95."""
    clip, windows = demo_clip(clip_id, seed=seed), WINDOWS[SPLITS[seed]]
    pictures = [
        scaled(torch.from_numpy(frame).movedim(-1, 0), [SIZE, SIZE])
        for frame in islice(clip.frames(), round(windows * SECONDS * 25))
    ]
    sound = torch.from_numpy(clip.waveform)[: round(windows * SECONDS * RATE)]
    return torch.stack(pictures).chunk(windows), (0.95 * sound / sound.abs().max()).chunk(windows)


@cache
def autoencoder() -> vae.VAE:
    """A narrow one of random filters: its latents are a blurred picture of the mel, which is all that is needed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vae, "BASE_WIDTHS", {"16k": 8})
        return seeded(vae.VAE.from_variant("16k", encoder=True)).eval()


@torch.no_grad()
def demo_row(entry: Entry, settings: StoreSettings) -> NewRow:
    """What a store keeps of a window."""
    seed, window, _, clip_id = entry.id.split(".")
    pictures, sounds = (windows[int(window)] for windows in film_and_sound(clip_id, int(seed)))
    files = encoded(pictures.numpy(), settings.picture)
    mean, _ = autoencoder().encode(mel_spectrogram(sounds[None], RATE))
    arrays = {
        "frames": torch.frombuffer(bytearray(b"".join(files)), dtype=torch.uint8),
        "ends": torch.tensor([len(file) for file in files]).cumsum(0),
        "mean.16k": mean[0],
        "std.16k": torch.full_like(mean[0], SPREAD),
    }
    return NewRow(entry.label, arrays, clip=entry.id)


def demo_store(path: Path) -> Store:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_stores, "row_of", demo_row)
        patch.setattr(small_stores, "entries", lambda *_, **__: demo_entries())
        return narrow_store(path, shard_clips=16)


def demo_recipe(seed: int = 0, **changes) -> Recipe:
    """Both stages as published but for their length and learning rates, and with the target on either side.

    With the target always on the left a student would need no text to find it.
    """
    said = {"side": "random", "ratio": 0.5, "alpha": None}
    stages = {"batch": 8, "warmup": 20, "learning_rate": 1e-3}
    fixed = {f"{stage}__{name}": value for stage in ("encoder", "generator") for name, value in stages.items()}
    fixed |= {f"{stage}__mixing__{name}": value for stage in ("encoder", "generator") for name, value in said.items()}
    fixed |= {"encoder__steps": 100, "encoder__text_dropout": 0.0, "generator__steps": 100}
    return small_recipe(
        **{**fixed, "seed": seed, "validation_clips": 32, "validate_every": 50, "checkpoint_every": 500,
           "averages__every": 50, **changes}
    )  # fmt: skip


@contextmanager
def texts_shuffled() -> Iterator[None]:
    """Training batches in which chance decides, pair by pair, whether each half has its own text or the other's."""
    usual = TrainingBatches.__getitem__

    def shuffled(batches: TrainingBatches, number: int) -> Batch:
        batch = usual(batches, number)
        pairs = len(batch.ids) // 2
        exchanged = torch.rand(pairs, generator=draws.generator(0, "shuffled", number)) < 0.5
        partners = [(place, len(batch.ids) - 1 - place) for place in range(len(batch.ids))]
        order = [other if exchanged[min(place, other)] else place for place, other in partners]
        return replace(batch, text=batch.text[order], mask=batch.mask[order])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingBatches, "__getitem__", shuffled)
        yield
