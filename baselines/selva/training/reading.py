"""Batches by number, read ahead by worker processes where there are some."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from baselines.selva.training.batches import Batch
from baselines.selva.training.store import StoreError


def read(
    batches: Dataset[Batch | StoreError], numbers: Iterable[int], *, workers: int, device: torch.device
) -> Iterator[Batch | StoreError]:
    """Yield batches on a device, in the order of the numbers; an error stands for one that cannot be read.

    Args:
        batches: by number.
        numbers: which.
        workers: processes that read ahead; 0 reads in this one.
        device: where they go.
    """
    ahead: dict[str, Any] = {}
    if workers:
        ahead = {"num_workers": workers, "multiprocessing_context": "spawn", "worker_init_fn": _leave_to_parent}
    unused = torch.Generator()  # a loader draws a seed for its workers, by default from the global generator
    pin = device.type == "cuda"
    for batch in DataLoader(batches, batch_size=None, sampler=list(numbers), pin_memory=pin, generator=unused, **ahead):
        yield batch if isinstance(batch, StoreError) else batch.to(device)


def _leave_to_parent(_worker: int) -> None:
    """Ctrl-C reaches every process of a terminal; one that reads goes on until it is told otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
