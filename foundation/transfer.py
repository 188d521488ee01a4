"""Results on their way from a worker process: large arrays travel beside the pickle, not inside it.

First comes a head, the pickle and the sizes of the arrays' memory, then that memory as it is. It is written from where
the array lies and read into where it stays, so nothing is copied twice, and other threads run meanwhile.
"""

from __future__ import annotations

import io
import os
import pickle
import time
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

BESIDE_BYTES = 1 << 16  # what is smaller travels in the pickle: it fits the pipe
_PIPES_ARE_FILES = os.name == "posix"


class TooSlow(Exception):
    """A result did not come whole in time."""


def send(pipe: Connection, result: object) -> None:
    """Send a result to `receive` at the other end; nothing is sent of one that cannot be pickled.

    Raises:
        OSError: the other end is gone.
        Exception: whatever pickling raises.
    """
    head, beside = packed(result)
    pipe.send((head, [memory.nbytes for memory in beside]))
    for memory in beside:
        _write(pipe, memory)


def packed(result: object) -> tuple[bytes, list[memoryview]]:
    """Return the pickle of a result, and the memory of its large arrays where it lies.

    `pickle.loads` puts them together again, given the memory as `buffers`, and makes arrays of it without a copy.

    Raises:
        Exception: whatever pickling raises.
    """
    beside: list[memoryview] = []

    def keep_in(buffer: pickle.PickleBuffer) -> bool:
        memory = buffer.raw()
        if memory.nbytes >= BESIDE_BYTES:
            beside.append(memory)
        return memory.nbytes < BESIDE_BYTES

    head = io.BytesIO()
    _Pickler(head, 5, True, keep_in).dump(result)
    return head.getvalue(), beside


def receive(pipe: Connection, limit_seconds: float) -> Any:
    """Return the next result; its arrays may be written to.

    Args:
        pipe: from the process that sends.
        limit_seconds: longest time for the result to be there whole.

    Raises:
        TooSlow: it was not.
        EOFError: the other end closed, also in the middle of a result.
        OSError: the other end is gone.
    """
    deadline = time.monotonic() + limit_seconds
    _wait(pipe, deadline)
    head, sizes = pipe.recv()
    arrays = [np.empty(size, np.uint8) for size in sizes]
    for array in arrays:
        _read(pipe, array.data, deadline)
    return pickle.loads(head, buffers=arrays)


class _Pickler(ForkingPickler):
    """Lets every array lie in one piece and come writable, as numpy does by itself for most."""

    def reducer_override(self, value: object) -> Any:
        if type(value) is np.ndarray and not (value.flags.forc and value.flags.writeable):
            return value.copy(order="A").__reduce_ex__(5)
        return NotImplemented


def _write(pipe: Connection, memory: memoryview) -> None:
    if not _PIPES_ARE_FILES:
        pipe.send_bytes(memory)
        return
    while memory:
        memory = memory[os.write(pipe.fileno(), memory) :]


def _read(pipe: Connection, memory: memoryview, deadline: float) -> None:
    if not _PIPES_ARE_FILES:
        _wait(pipe, deadline)
        pipe.recv_bytes_into(memory)
        return
    while memory:
        _wait(pipe, deadline)
        count = os.readv(pipe.fileno(), [memory])
        if not count:
            raise EOFError
        memory = memory[count:]


def _wait(pipe: Connection, deadline: float) -> None:
    if not pipe.poll(max(0.0, deadline - time.monotonic())):
        raise TooSlow
