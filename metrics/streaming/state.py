"""What all streaming metrics share: their states are merged, copied and gathered alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from metrics.validation import Matrix


class Streaming(ABC):
    """A metric that sees its samples in batches.

    What a batch adds is kept whole or, where `update` refuses it, not at all. A metric travels by pickle with all that
    it has seen.
    """

    @abstractmethod
    def compute(self) -> float:
        """Return the score of all that was seen; it may be asked for at any time.

        Raises:
            ValueError: too few samples were seen.
        """

    @abstractmethod
    def reset(self) -> None:
        """Forget what was seen."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return the keywords that this metric was made with; metrics of other settings are not merged."""

    @property
    @abstractmethod
    def columns(self) -> int | None:
        """How long the rows are that were seen; None where none was."""

    @property
    @abstractmethod
    def seen(self) -> dict[str, int]:
        """How many samples were seen, by side where there are two."""

    @abstractmethod
    def _absorb(self, other: Self) -> None:
        """Add what another has seen, of the same settings and rows as long."""

    def merge(self, *others: Self) -> None:
        """Add what others have seen, as if this one had seen it after its own; the others stay as they are.

        Raises:
            TypeError: another metric.
            ValueError: one of other settings, or that has seen features of another dimension.
        """
        for other in others:
            if type(other) is not type(self):
                raise TypeError(f"merge: expected {type(self).__name__}, got {type(other).__name__}")
            if other.settings() != self.settings():
                raise ValueError(f"merge: settings differ, {self.settings()} and {other.settings()}")
        columns = self.columns
        for other in others:
            if other.columns is not None:
                check_columns("merge", other.columns, columns)
                columns = other.columns
        for other in others:
            self._absorb(other)

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.settings().items())
        seen = " and ".join(f"{count} {what}" for what, count in self.seen.items())
        return f"<{type(self).__name__}({given}), {seen} seen>"

    def __add__(self, other: Self) -> Self:
        merged = type(self)(**self.settings())
        merged.merge(self, other)
        return merged

    def synced(self, group: Any = None) -> Self:
        """Return a metric that has seen what those of all processes have, in the order of their ranks.

        Every process of the group calls it and gets the same; this one stays as it is. Without `torch.distributed`, or
        before it is initialised, that is what this process has seen.

        Args:
            group: of `torch.distributed`; None: all processes.
        """
        import torch.distributed as distributed

        gathered: list[Any] = [self]
        if distributed.is_available() and distributed.is_initialized():
            gathered = [None] * distributed.get_world_size(group)
            distributed.all_gather_object(gathered, self, group=group)
        merged = type(self)(**self.settings())
        merged.merge(*gathered)
        return merged


def array_of(values: Any) -> NDArray[Any]:
    """Return values as an array; tensors of any device and kind, those that carry gradients too."""
    if not hasattr(values, "detach"):
        return np.asarray(values)
    tensor = values.detach().cpu()
    return np.asarray((tensor if str(tensor.dtype) == "torch.float64" else tensor.float()).numpy())


def check_columns(name: str, columns: int, before: int | None) -> None:
    """Refuse a batch whose rows are longer or shorter than those before.

    Raises:
        ValueError: gives both numbers.
    """
    if before is not None and columns != before:
        raise ValueError(f"{name}: expected {before} columns as in the batches before, got {columns}")


class KeptRows:
    """Rows in the order seen, in the precision in which they came.

    Attributes:
        name: what a message calls them.
        check: returns a batch of that name as a matrix, or refuses it.
        parts: of rows, shape (n_i, d) each.
    """

    def __init__(self, name: str, check: Callable[[NDArray[Any], str], Matrix]) -> None:
        self.name, self.check = name, check
        self.parts: list[NDArray[Any]] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(map(len, self.parts))

    @property
    def columns(self) -> int | None:
        """How long they are; None where there is none."""
        return self.parts[0].shape[1] if self.parts else None

    def checked(self, values: Any) -> NDArray[Any]:
        """Return a batch as a copy that fits the rows before.

        Raises:
            ValueError: what `check` refuses, or rows of another length.
        """
        rows = np.array(array_of(values))  # the caller may use its memory again
        columns = self.check(rows, self.name).shape[1]
        check_columns(self.name, columns, self.columns)
        return rows

    def all(self) -> NDArray[Any]:
        """Return all rows, shape (n, d), of which there is one at least."""
        return np.concatenate(self.parts)
