"""The validation loss: of held-out clips, with mixes, noise and times that are the same at every step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from baselines.selva.training.batches import Batch
from baselines.selva.training.processes import everywhere
from baselines.selva.training.reading import ReadingFailed
from baselines.selva.training.store import StoreError


@torch.inference_mode()
def held_out_loss(
    accelerator: Any, step: nn.Module, batches: Iterable[Batch | StoreError | ReadingFailed], micro_batch: int | None
) -> float:
    """Return the mean loss of the held-out clips, over all processes.

    Args:
        accelerator: `accelerate.Accelerator`.
        step: from a batch to its losses; not wrapped, because processes may have different numbers of batches.
        batches: those of this process, on its device.
        micro_batch: clips at once; None: a whole batch.

    Raises:
        StoreError: a clip cannot be read, in whatever process.
        ReadingFailed: nor can others.
    """
    total, count, errors = 0.0, 0, list[Exception]()
    for batch in batches:
        if not isinstance(batch, Batch):
            errors.append(batch)
            break
        for part in batch.parts(min(len(batch.ids), micro_batch or len(batch.ids))):
            losses = step(part)
            total, count = total + float(losses.cpu().double().sum()), count + len(losses)
    for error in everywhere(accelerator, errors):
        raise error
    shares = everywhere(accelerator, [(total, count)])
    return sum(share for share, _ in shares) / sum(number for _, number in shares)
