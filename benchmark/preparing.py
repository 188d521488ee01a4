"""Decoding ahead of a model: while it answers one batch, workers prepare the next ones and a thread uploads them.

A model has a part in this if it has `prepare(request)`, which needs no network, and `generate_prepared(requests,
prepared)`, see `baselines.generator`. The workers are those that evaluation reads files with.
"""

from __future__ import annotations

import logging
import pickle
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Generator as Iteration
from contextlib import closing
from importlib.util import find_spec
from itertools import islice
from typing import Any, Protocol, TypeAlias

from baselines import GenerationError, Generator, Prepared, Request
from benchmark.ahead import made_ahead
from benchmark.answers import Batch, BatchSize, named
from benchmark.workers import Unforeseen
from foundation.devices import Staged, Uploader
from foundation.events import Timed, span, timed
from foundation.isolation import Lost, time_limit
from foundation.pool import outcomes, with_others
from foundation.work import available_cores

log = logging.getLogger(__name__)

LARGEST_HOOK = 1 << 20  # bytes of a `prepare` that travels to processes: more would be a network
BATCHES_AHEAD = 1  # on the device, beside the one that is answered

Prepare = Callable[[Request], Prepared]
Ready: TypeAlias = Prepared | GenerationError
Outcome: TypeAlias = Timed[Ready | Unforeseen] | Ready | Lost  # of a worker


def prepares(generator: Generator) -> bool:
    """Tell whether a model has the hooks for what is decoded ahead."""
    return all(callable(getattr(generator, hook, None)) for hook in ("prepare", "generate_prepared"))


def check_workers(workers: int | None) -> None:
    """Refuse a number of workers that is none.

    Raises:
        ValueError: it is not a whole number of 0 or more, nor None.
    """
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 0):
        raise ValueError(f"workers: expected 0 or more, got {workers!r}")


class Requests(Protocol):
    """What is to be asked: at most so many, each asked for when its turn comes."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Request]: ...


def batches(
    generator: Generator, requests: Requests, size: BatchSize, *, workers: int | None = None, own: bool = False
) -> Iteration[Batch, None, None]:
    """Yield the requests in batches, in order, prepared ahead where the model can have that.

    Args:
        generator: the model.
        requests: all that are to be asked.
        size: requests of a batch; looked at whenever one begins.
        workers: processes that prepare; None: threads, one per core; 0 prepares in this thread, when a batch is due.
        own: the model comes from a file that other processes do not have; threads prepare.

    Raises:
        foundation.isolation.WorkerDied: a worker process cannot begin.
        ValueError: the environment names a time limit that is none.
    """
    if not prepares(generator):
        asked = iter(requests)
        while some := list(islice(asked, max(1, size.now))):
            yield Batch(some, None)
        return
    jobs = _Jobs(generator, requests)
    if workers == 0:
        yield from _grouped(jobs, map(_worked, jobs), size)
        return
    uploader = _uploader(generator)
    hook: Any = generator.prepare  # type: ignore[attr-defined]
    processes = workers is not None and not own and _travels(hook, generator)

    def make(stop: threading.Event) -> Iteration[tuple[Batch, Staged | None], None, None]:
        here = workers or available_cores()
        count = max(1, min(len(requests), with_others(here) if processes else here))
        outcome = outcomes(
            _worked, jobs, count=count, limit_seconds=time_limit(),
            apart=lambda job: processes and job[0] is not None, stop=stop,
        )  # fmt: skip
        with closing(outcome):
            for batch in _grouped(jobs, outcome, size):
                yield batch, None if uploader is None else _uploaded(uploader, batch)

    with closing(made_ahead(make, large=lambda _: True, count=BATCHES_AHEAD)) as staged:
        for batch, copies in staged:
            yield batch if copies is None else Batch(batch.requests, _placed(batch, copies))


class _Jobs:
    """What workers are given, decided when its turn comes: features that were computed meanwhile need no decoding.

    Attributes:
        given: the requests of these jobs whose outcomes are still to be fetched, in order.
    """

    def __init__(self, generator: Any, requests: Requests) -> None:
        self._generator, self._requests = generator, requests
        self.given: deque[Request] = deque()

    def __iter__(self) -> Iterator[tuple[Prepare | None, Request]]:
        for request in self._requests:
            self.given.append(request)
            yield (self._generator.prepare if self._wanted(request) else None), request

    def _wanted(self, request: Request) -> bool:
        needed = getattr(self._generator, "needs_preparing", None)
        try:
            return needed is None or bool(needed(request))
        except Exception:  # foreign code; preparing will say what is wrong
            return True


def _worked(job: tuple[Prepare | None, Request]) -> Timed[Ready | Unforeseen] | Ready:
    """Be a worker: prepare one request, where that is wanted, and say when."""
    prepare, request = job
    return {} if prepare is None else timed(_prepared, (prepare, request))


def _prepared(job: tuple[Prepare, Request]) -> Ready | Unforeseen:
    """Prepare one request, or say why not."""
    prepare, request = job
    try:
        prepared = prepare(request)
        if not isinstance(prepared, Mapping):
            raise TypeError(f"prepare returned {type(prepared).__name__}, expected a mapping of arrays by name")
        return prepared
    except GenerationError as error:
        return error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # foreign code: whatever it raises is this sample's failure
        return Unforeseen(named(error), traceback.format_exc())


def _told(request: Request, found: Outcome) -> Ready:
    """Return what was prepared or the failure; log what only a developer can fix."""
    outcome = found.told("decode", request.sample_id) if isinstance(found, Timed) else found
    if isinstance(outcome, Unforeseen):
        log.warning("sample %s: %s\n%s", request.sample_id, outcome.reason, outcome.trace)
        return GenerationError(outcome.reason)
    if isinstance(outcome, Lost):
        return GenerationError(f"{request.sample_id}: {request.video.name} {outcome.reason}")
    return outcome


def _grouped(jobs: _Jobs, outcome: Iterator[Outcome], size: BatchSize) -> Iterator[Batch]:
    """Yield requests with what was prepared for them, as many at once as the size says when a batch begins."""
    while made := list(islice(outcome, max(1, size.now))):
        asked = [jobs.given.popleft() for _ in made]
        yield Batch(asked, list(map(_told, asked, made)))


def _travels(hook: object, generator: Generator) -> bool:
    """Tell whether a hook can go to other processes: a method of the model would take its networks along."""
    home = getattr(hook, "__module__", None) or type(hook).__module__
    if getattr(hook, "__self__", None) is generator or home == "__main__":
        return False  # what a script defines may be nowhere else
    try:
        packed = pickle.dumps(hook)
        return find_spec(home) is not None and len(packed) <= LARGEST_HOOK and b"__main__" not in packed
    except Exception:  # foreign code decides how it is pickled
        return False


def _uploader(generator: Generator) -> Uploader | None:
    """Return what copies arrays to the GPU that a model says it is on; None where it is on none, or none is here."""
    try:
        device = str(getattr(generator, "device", None))
        if not device.startswith("cuda"):
            return None
        import torch

        return Uploader(torch.device(device))
    except Exception as error:  # foreign code
        log.warning("what is prepared stays on the host: %s", named(error))
        return None


def _uploaded(uploader: Uploader, batch: Batch) -> Staged | None:
    """Begin to copy what was prepared; None where it cannot be copied, for want of memory or as it is no array."""
    try:
        with span("upload", (request.sample_id for request in batch.requests)):
            return uploader.stage([one for one in batch.prepared or [] if not isinstance(one, GenerationError)])
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        log.warning("what was prepared stays on the host: %s", named(error))
        return None


def _placed(batch: Batch, copies: Staged) -> list[Ready]:
    """Return what was prepared, as it arrived on the device, the failures in their places."""
    arrived = iter(copies.take())
    return [one if isinstance(one, GenerationError) else next(arrived) for one in batch.prepared or []]
