"""Where the arithmetic of large sets runs: with numpy and scipy, or inside `computing_on` with a GPU, in float64.

The one seam between scores and a GPU, with `metrics.algebra`, which asks it where to multiply. Few rows never leave
numpy: `metrics.pairwise.LARGE` and fewer have the same digits whatever the device. Without a GPU torch is not imported.
What a GPU sums in another order differs in the last digits; docs/metrics.md says by how much.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation.devices import free_bytes
from metrics.validation import Matrix

if TYPE_CHECKING:
    import torch

Array = Any  # a float64 array of numpy's, or a float64 tensor on the device

WITH_FLOAT64 = ("cuda",)  # kinds of device that work in float64 faster than numpy; Apple's have no float64 at all
SIDES = (4096, 2048, 1024, 512, 256)  # rows and columns worked on together; few sizes, so that digits seldom differ
ROOM = 1 << 30  # bytes that must be free: less is left to whoever has the rest

log = logging.getLogger(__name__)


class Device:
    """A GPU, by the name that torch gives it. Nothing is asked of it before the first matrix is."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def usable(self) -> bool:
        """Whether it has room; said once where it has not."""
        try:
            free = free_bytes(self._torch)
        except RuntimeError as error:  # not even torch's own part fits: a device that others have filled
            log.warning("%s cannot be used (%s); set-wise scores are computed without it", self.name, error)
            return False
        if free is not None and free < ROOM:
            log.warning("%s has %.1f GB free; set-wise scores are computed without it", self.name, free / 1e9)
            return False
        return True

    def put(self, matrix: Matrix) -> Array:
        """Return a matrix as a tensor on the device."""
        import torch

        return torch.from_numpy(matrix).to(self._torch, copy=True)

    def side(self, columns: int) -> int:
        """Return how many rows of so many columns are worked on with as many others, in half of the free memory.

        At a time there are both, their product and, while it is looked through, seven times its size at most.
        """
        room = self._room()
        taken = (side for side in SIDES if room is None or 8 * (2 * side * columns + 8 * side**2) <= room)
        return next(taken, SIDES[-1])

    def product(self, left: Matrix, right: Matrix) -> Matrix:
        """Return `left @ right`, shape (a, c), of matrices (a, b) and (b, c)."""
        import torch

        result = np.empty((len(left), right.shape[1]))
        side, written = self.side(left.shape[1]), torch.from_numpy(result)
        for start in range(0, len(left), side):
            rows = self.put(left[start : start + side])
            for other in range(0, right.shape[1], side):
                part = rows @ self.put(right[:, other : other + side])
                written[start : start + side, other : other + side] = part
        return result

    def triangle(self, rows: Matrix) -> Matrix:
        """Return the triangular factor, shape (d, d), of a tall matrix (n, d), up to the signs of its rows."""
        import torch

        room, d = self._room(), rows.shape[1]
        step = len(rows) if room is None else max(room // (4 * 8 * d) - d, d)  # torch copies, and what is above follows
        found = None
        for start in range(0, len(rows), step):
            part = self.put(rows[start : start + step])
            found = torch.linalg.qr(part if found is None else torch.cat([found, part]), mode="r").R
        return fetched(found)

    @cached_property
    def _torch(self) -> torch.device:
        import torch

        return torch.device(self.name)

    def _room(self) -> int | None:
        """Half of the free memory; None: as much as there is of the machine's own."""
        free = free_bytes(self._torch)
        return None if free is None else free // 2


_chosen: ContextVar[Device | None] = ContextVar("chosen", default=None)


@contextmanager
def computing_on(device: str) -> Iterator[None]:
    """Let the arithmetic of large sets run on a device in what this holds.

    Args:
        device: as torch spells it. A GPU with float64 takes large matrices; cpu and mps leave all to numpy and scipy.
    """
    before = _chosen.set(Device(device) if device.partition(":")[0] in WITH_FLOAT64 else None)
    try:
        yield
    finally:
        _chosen.reset(before)


def current_device() -> Device | None:
    """Return the device that large matrices go to; None: they stay."""
    device = _chosen.get()
    return device if device is not None and device.usable else None


def fetched(array: Array) -> Matrix:
    """Return an array as numpy's, from wherever it is."""
    return array if isinstance(array, np.ndarray) else np.asarray(array.cpu().numpy())


def beside(matrix: Matrix, array: Array) -> Array:
    """Return a matrix where an array is."""
    if isinstance(array, np.ndarray):
        return matrix
    import torch

    return torch.from_numpy(matrix).to(array.device)


def exponential(array: Array, factor: float) -> Array:
    """Return the exponential of `factor` times an array, in its place."""
    if isinstance(array, np.ndarray):
        np.multiply(array, factor, out=array)
        return np.exp(array, out=array)
    return array.mul_(factor).exp_()


def zero_diagonal(square: Array) -> None:
    """Set the diagonal to zero."""
    if isinstance(square, np.ndarray):
        np.fill_diagonal(square, 0.0)
    else:
        square.fill_diagonal_(0.0)


def above_diagonal(square: Array) -> Array:
    """Return the values above the diagonal, row by row."""
    if isinstance(square, np.ndarray):
        return square[np.triu_indices(len(square), k=1)]
    import torch

    return square[torch.ones_like(square, dtype=torch.bool).triu(1)]


def column_dots(first: Array, second: Array) -> Matrix:
    """Return the product of each column with its counterpart, shape (b,), of arrays (n, b)."""
    if isinstance(first, np.ndarray):
        return np.asarray(np.einsum("nb,nb->b", first, second))
    return fetched((first * second).sum(axis=0))
