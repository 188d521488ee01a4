"""Batches of a stage: which clips, what is mixed with what, and every number that is drawn for them.

A batch follows from the store, the recipe and its own number. Clip i is mixed with clip b - 1 - i; with several
processes each takes whole such pairs, so that no number depends on how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from baselines.mmaudio.transformer import VARIANTS
from baselines.selva.training import draws
from baselines.selva.training.mixing import draw_ratio, sides
from baselines.selva.training.recipe import Recipe
from baselines.selva.training.store import Clip, Store, StoreError


@dataclass(frozen=True)
class Batch:
    """Clips that go through a stage's networks together; clip i is mixed with clip b - 1 - i.

    Attributes:
        ids: of the b clips.
        frames: uint8 (b, t, 3, 224, 224), of each clip alone.
        ratio: a clip's own part of the mixed picture's width.
        mixed: for each clip, False where it stays as it is.
        on_the_right: for each clip, whether its own part stands there.
        text: float32 (b, l, 768), T5 states of each clip's label, padded at the end.
        mask: bool (b, l), True for real tokens.
    """

    ids: tuple[str, ...]
    frames: Tensor
    ratio: float
    mixed: tuple[bool, ...]
    on_the_right: tuple[bool, ...]
    text: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> Self:
        """Return the batch on a device."""
        return self._mapped(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Self:
        """Return the batch in memory that a GPU reads directly; torch's DataLoader calls it."""
        return self._mapped(Tensor.pin_memory)

    def in_shared_memory(self) -> Self:
        """Return the batch in memory that other processes read too.

        Raises:
            RuntimeError: there is no room.
        """
        return self._mapped(Tensor.share_memory_)

    def parts(self, clips: int) -> Iterator[Self]:
        """Yield parts of so many clips, an even number, each of whole pairs, in which the pairing is the same."""
        half = len(self.ids) // 2
        for first in range(0, half, clips // 2):
            yield self.rows(_with_partners(range(first, min(half, first + clips // 2)), len(self.ids)))

    def rows(self, chosen: Sequence[int]) -> Self:
        """Return a batch of these clips."""
        part: Self = self._mapped(lambda tensor: tensor[list(chosen)])
        names = ("ids", "mixed", "on_the_right")
        listed: dict[str, Any] = {name: tuple(getattr(self, name)[row] for row in chosen) for name in names}
        return replace(part, **listed)

    def _mapped(self, change: Callable[[Tensor], Tensor]) -> Self:
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        changed: dict[str, Any] = {name: change(value) for name, value in values.items() if isinstance(value, Tensor)}
        return replace(self, **changed)


@dataclass(frozen=True)
class EncoderBatch(Batch):
    """A batch of the first stage.

    Attributes:
        teacher: float32 (b, 8 * segments, 768), Synchformer's features of each clip alone; None: not in the store.
    """

    teacher: Tensor | None


@dataclass(frozen=True)
class GeneratorBatch(Batch):
    """A batch of the second stage; n latent frames of c channels.

    Attributes:
        latent: float32 (b, n, c), drawn from the VAE's distribution of each clip's own sound, in the VAE's scale.
        noise: float32 (b, n, c), normal.
        t: float32 (b,), in (0, 1).
        clip_text: float32 (b, 77, 1024), CLIP's features of each clip's label.
        drop_video: bool (b,), True where the null feature stands for the picture.
        drop_text: bool (b,), True where the null feature stands for the text.
    """

    latent: Tensor
    noise: Tensor
    t: Tensor
    clip_text: Tensor
    drop_video: Tensor
    drop_text: Tensor


def dealt(batch: int, rank: int, world: int) -> list[int]:
    """Return which places of a batch a process takes: whole pairs, in the order that keeps the pairing.

    Raises:
        ValueError: the batch cannot be dealt in whole pairs.
    """
    if batch % (2 * world):
        raise ValueError(
            f"batch: {batch} clips cannot be dealt to {world} processes in whole pairs; expected a multiple of "
            f"{2 * world}, or another number of processes"
        )
    own = batch // 2 // world
    return _with_partners(range(rank * own, (rank + 1) * own), batch)


def _with_partners(firsts: Sequence[int], batch: int) -> list[int]:
    return [*firsts, *(batch - 1 - first for first in reversed(firsts))]


@dataclass(frozen=True)
class Moment:
    """Where in a run a batch stands, which decides all that is drawn for it.

    Attributes:
        seed: of the recipe.
        stage: of the run.
        split: "train" or "validation".
        number: of the batch, from 0.
    """

    seed: int
    stage: draws.StageName
    split: str
    number: int

    def generator(self, what: str, *place: int) -> torch.Generator:
        """Return the generator of one thing that is drawn, for the whole batch or for one of its places."""
        return draws.generator(self.seed, self.stage, self.split, self.number, what, *place)

    def chances(self, what: str, places: Sequence[int], probability: float) -> Tensor:
        """Return for each place whether a chance came true: bool (n,)."""
        drawn = [torch.rand((), generator=self.generator(what, place)) for place in places]
        return torch.stack(drawn) < probability


class TrainingBatches(Dataset[Batch | StoreError]):
    """The batches of a stage for training, by number from 0; of each the part that one process takes.

    A clip that cannot be read gives the error in place of the batch: a worker process hands that on whole, where
    torch's loader would make a text of an exception.

    Args:
        store: what was prepared.
        recipe: of the run.
        stage: which of the two.
        rank: this process, from 0.
        world: how many processes there are.

    Raises:
        ValueError: fewer clips than a batch, or a batch that cannot be dealt to so many processes.
    """

    def __init__(self, store: Store, recipe: Recipe, stage: draws.StageName, *, rank: int = 0, world: int = 1) -> None:
        self._store, self._recipe, self._stage = store, recipe, stage
        self._clips = store.clips("train")
        self._size = recipe.stage(stage).batch
        self._places = dealt(self._size, rank, world)
        self._order = draws.ClipOrder(recipe.seed, stage, len(self._clips), self._size)

    def __getitem__(self, number: int) -> Batch | StoreError:
        rows = self._order.rows(number)
        clips = [self._clips[rows[place]] for place in self._places]
        moment = Moment(self._recipe.seed, self._stage, "train", number)
        return _or_error(self._store, self._recipe, moment, clips, self._places, self._size)


class ValidationBatches(Dataset[Batch | StoreError]):
    """The held-out batches of a stage: the same clips, mixes, noise and times whenever they are asked for.

    Nothing is dropped from their conditions. Of an odd number of clips the last has no partner and is left out.

    Args:
        store: what was prepared.
        recipe: of the run.
        stage: which of the two.

    Raises:
        ValueError: fewer than two held-out clips.
    """

    def __init__(self, store: Store, recipe: Recipe, stage: draws.StageName) -> None:
        clips = store.clips("validation")[: recipe.validation_clips]
        if len(clips) < 2:
            raise ValueError(
                f"store: expected at least 2 clips for validation, got {len(clips)}; prepare the store with a list "
                "that holds some"
            )
        self._store, self._recipe, self._stage = store, recipe, stage
        size = recipe.stage(stage).batch
        whole = clips[: len(clips) // 2 * 2]
        self._batches = [whole[first : first + size] for first in range(0, len(whole), size)]

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int) -> Batch | StoreError:
        clips = self._batches[number]
        moment = Moment(self._recipe.seed, self._stage, "validation", number)
        return _or_error(self._store, self._recipe, moment, clips, range(len(clips)), len(clips))


def _or_error(*place: Any) -> Batch | StoreError:
    try:
        return assembled(*place)
    except StoreError as error:
        return error


def assembled(
    store: Store, recipe: Recipe, moment: Moment, clips: Sequence[Clip], places: Sequence[int], size: int
) -> Batch:
    """Return a batch of clips that stand at these places of a batch of `size`.

    Raises:
        StoreError: a clip cannot be read.
    """
    mixing = recipe.stage(moment.stage).mixing
    right = sides(size, mixing.side, moment.generator("side"))
    labels = [clip.label for clip in clips]
    if moment.stage == "encoder" and moment.split == "train":
        absent = moment.chances("text", places, recipe.encoder.text_dropout).tolist()
        labels = ["" if gone else label for gone, label in zip(absent, labels, strict=True)]
    states = [store.t5_states(label) for label in labels]
    lengths = torch.tensor([len(one) for one in states])[:, None]
    text = pad_sequence(states, batch_first=True)
    common: dict[str, Any] = {
        "ids": tuple(clip.id for clip in clips),
        "frames": torch.stack([store.frames(clip) for clip in clips]),
        "ratio": draw_ratio(mixing, moment.generator("ratio")),
        "mixed": tuple(place < int(mixing.share * size) for place in places),
        "on_the_right": tuple(right[place] for place in places),
        "text": text,
        "mask": torch.arange(text.shape[1]) < lengths,
    }
    if moment.stage == "encoder":
        return EncoderBatch(**common, teacher=_teacher(store, clips))
    return GeneratorBatch(**common, **_flow(store, recipe, moment, clips, places))


def _teacher(store: Store, clips: Sequence[Clip]) -> Tensor | None:
    features = [store.teacher(clip) for clip in clips]
    kept = [one for one in features if one is not None]
    return torch.stack(kept) if len(kept) == len(clips) else None


def _flow(store: Store, recipe: Recipe, moment: Moment, clips: Sequence[Clip], places: Sequence[int]) -> dict[str, Any]:
    """Return what the second stage has beside the mix: sound, noise, time, text, and what is dropped."""
    settings, training = recipe.generator, moment.split == "train"
    rate = VARIANTS[settings.variant].rate
    latents, noises, times = [], [], []
    for clip, place in zip(clips, places, strict=True):
        mean, deviation = store.latent(clip, rate)
        latents.append(mean + deviation * torch.randn(mean.shape, generator=moment.generator("latent", place)))
        noises.append(torch.randn(mean.shape, generator=moment.generator("noise", place)))
        times.append(torch.randn((), generator=moment.generator("time", place)).sigmoid())
    return {
        "latent": torch.stack(latents),
        "noise": torch.stack(noises),
        "t": torch.stack(times),
        "clip_text": torch.stack([store.clip_text(clip.label) for clip in clips]),
        "drop_video": moment.chances("video", places, settings.video_dropout if training else 0.0),
        "drop_text": moment.chances("text", places, settings.text_dropout if training else 0.0),
    }
