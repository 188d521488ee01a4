"""Batches by number, read ahead by worker processes where there are some."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from baselines.selva.training.batches import Batch
from baselines.selva.training.stopping import leave_to_parent
from baselines.selva.training.store import StoreError
from foundation.isolation import main_untold

_SHARED = Path("/dev/shm")  # where Linux keeps memory that processes share
_WORKER_GONE = "DataLoader worker (pid"  # how torch begins what it says then


class ReadingFailed(Exception):
    """Batches cannot be read ahead, through no fault of a clip; says why, and how the run goes on."""


def read(
    batches: Dataset[Batch | StoreError], numbers: Iterable[int], *, workers: int, device: torch.device
) -> Generator[Batch | StoreError | ReadingFailed, None, None]:
    """Yield batches on a device, in the order of the numbers; an error stands for one that cannot be read.

    To be closed by whoever may leave it before its end: processes that read are not to be left to the end of Python.

    Args:
        batches: by number.
        numbers: which.
        workers: processes that read ahead; 0 reads in this one.
        device: where they go.
    """
    with closing(Again(batches, numbers, workers=workers, device=device, stay=False)) as once:
        yield from once


class Again:
    """The same batches, read anew whenever this is iterated over, by worker processes that stay for the next time.

    That spares the seconds in which processes start. Each iteration yields as `read` does, one at a time.

    Args:
        batches: by number.
        numbers: which.
        workers: processes that read ahead; 0 reads in this one.
        device: where they go.
        stay: False ends the processes with each iteration.
    """

    def __init__(
        self,
        batches: Dataset[Batch | StoreError],
        numbers: Iterable[int],
        *,
        workers: int,
        device: torch.device,
        stay: bool = True,
    ) -> None:
        ahead: dict[str, Any] = {}
        numbers = list(numbers)
        if workers and numbers:
            ahead = {
                "num_workers": min(workers, len(numbers)),
                "persistent_workers": stay,
                "multiprocessing_context": multiprocessing.get_context("spawn"),
                "worker_init_fn": leave_to_parent,
                "collate_fn": _shared,
            }
        unused = torch.Generator()  # a loader draws a seed for its workers, by default from the global generator
        pin = device.type == "cuda"
        self._loader: DataLoader[Batch | StoreError] | None = DataLoader(
            batches, batch_size=None, sampler=numbers, pin_memory=pin, generator=unused, **ahead
        )
        self._workers, self._device = workers, device
        self._reading: Generator[Batch | StoreError | ReadingFailed, None, None] | None = None

    def __iter__(self) -> Iterator[Batch | StoreError | ReadingFailed]:
        self._reading = self._read()
        return self._reading

    def close(self) -> None:
        """End the processes, also where an iteration was left; it cannot be iterated over any more.

        Python ends what is left of them by one signal, which `leave_to_parent` has them pass over, and would then wait
        for ever.
        """
        if self._reading is not None:
            self._reading.close()
        self._reading = self._loader = None  # torch ends them with the last reference

    def _read(self) -> Generator[Batch | StoreError | ReadingFailed, None, None]:
        if (loader := self._loader) is None:
            raise ValueError("batches: closed already")
        found: Iterator[Batch | StoreError | ReadingFailed] | None = None
        while True:
            try:
                if found is None:
                    with _ends_of_workers_left_to_be_asked(), main_untold():
                        found = iter(loader)  # asks those that stayed to begin anew
                batch = next(found)
            except StopIteration:
                return
            except (RuntimeError, EOFError, ConnectionError, FileNotFoundError) as error:
                if not self._workers or not _is_end_of_a_worker(error):
                    raise
                yield ReadingFailed(_gone(error))
                return
            yield batch.to(self._device) if isinstance(batch, Batch) else batch


def _shared(batch: Batch | StoreError) -> Batch | StoreError | ReadingFailed:
    """Put a batch, in the process that read it, into memory where the other one finds it.

    torch would do so in a thread whose errors nobody hears of: the other process would wait for ever.
    """
    try:
        return batch.in_shared_memory() if isinstance(batch, Batch) else batch
    except RuntimeError as error:
        return ReadingFailed(
            f"a batch does not fit into the memory that processes share{_room()}: {error}; all steps that were done "
            "are saved. Make it larger (docker run --shm-size), or give the same command with --workers 0"
        )


def _is_end_of_a_worker(error: Exception) -> bool:
    """Tell whether a worker has ended: torch says so, or what it was about to hand over cannot be fetched from it.

    What a worker's own work raised is an error of the same kind, whose text says that it was caught there.
    """
    if isinstance(error, RuntimeError):
        return str(error).startswith(_WORKER_GONE)
    return not str(error).startswith("Caught ")


def _gone(error: Exception) -> str:
    said = str(error).strip() or type(error).__name__
    return (
        f"a process that reads clips ahead is gone ({said}): was it killed, or is memory short? "
        f"Batches come through the memory that processes share{_room()}; all steps that were done are saved. Give the "
        "same command again, or with --workers 0"
    )


def _room() -> str:
    """Return how much memory can be shared, in words; nothing where no folder shows it."""
    if not _SHARED.is_dir():
        return ""
    usage = shutil.disk_usage(_SHARED)
    return f" ({_SHARED}: {usage.free / 2**20:.0f} of {usage.total / 2**20:.0f} MiB are free)"


@contextmanager
def _ends_of_workers_left_to_be_asked() -> Iterator[None]:
    """Keep torch from breaking into whatever is being done, a step or a checkpoint, when a worker of a loader ends.

    That it is gone is noticed as well where its next batch is waited for, when all can be saved.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGCHLD"):
        yield  # there, torch does not do it
        return
    before = signal.getsignal(signal.SIGCHLD)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)
