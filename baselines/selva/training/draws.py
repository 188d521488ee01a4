"""Every random number of a training run, drawn from its seed and its place alone.

No generator is carried from step to step, so a run that goes on needs to know nothing but the number of its step, and
several processes draw what one would have drawn.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

StageName = Literal["encoder", "generator"]


def generator(seed: int, *place: str | int) -> torch.Generator:
    """Return the generator of one place: equal places draw equal numbers, different ones independent numbers.

    Args:
        seed: of the recipe.
        place: what is drawn, and where: stage, "train" or "validation", batch, name, row of the batch.
    """
    digest = hashlib.sha256("/".join(str(part) for part in (seed, *place)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


@dataclass(frozen=True)
class ClipOrder:
    """In which order the clips of a stage come: permutations, one an epoch, laid end to end and cut into batches.

    So every batch is whole, and every clip comes once an epoch; a batch that lies across the seam of two epochs may
    hold a clip twice.

    Attributes:
        seed: of the recipe.
        stage: whose order it is.
        clips: how many there are.
        batch: clips a step.

    Raises:
        ValueError: there are fewer clips than a batch has.
    """

    seed: int
    stage: StageName
    clips: int
    batch: int

    def __post_init__(self) -> None:
        if self.clips < self.batch:
            raise ValueError(
                f"store: expected at least {self.batch} clips for training, as many as a batch of the {self.stage} "
                f"stage has, got {self.clips}; prepare more clips, or lower {self.stage}.batch in the recipe"
            )

    def rows(self, batch: int) -> list[int]:
        """Return which clips make up a batch, counted from 0: places among the clips for training."""
        first = batch * self.batch
        places = (divmod(row, self.clips) for row in range(first, first + self.batch))
        return [int(_permutation(self.seed, self.stage, epoch, self.clips)[row]) for epoch, row in places]


@lru_cache(maxsize=4)
def _permutation(seed: int, stage: StageName, epoch: int, clips: int) -> Tensor:
    return torch.randperm(clips, generator=generator(seed, stage, "epoch", epoch))
