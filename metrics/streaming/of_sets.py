"""FAD, KAD and IS of samples that come in batches."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.fad import distance_of_moments
from metrics.inception_score import check_runs, inception_score
from metrics.kad import BandwidthSource, check_kernel, kernel_audio_distance
from metrics.streaming.spread import Spread
from metrics.streaming.state import KeptRows, Streaming, array_of, check_columns
from metrics.validation import embeddings, require_samples, samples


class OfTwoSets(Streaming):
    """A distance between two sets of embeddings, whose sides are seen together or one by one."""

    def update(self, reference: Any = None, generated: Any = None) -> None:
        """See a batch of one side, or of both.

        Args:
            reference: finite, shape (n, d), n >= 1: sample, dimension; embeddings of the reference audio. None: none.
            generated: finite, shape (m, d); m may differ from n.

        Raises:
            ValueError: neither is given, another shape, a value that is not finite or beyond 1e60, or another d
                than before.
        """
        given = {"reference": reference, "generated": generated}
        batches = {name: np.array(array_of(values)) for name, values in given.items() if values is not None}
        if not batches:
            raise ValueError("update: expected reference, generated or both, got neither")
        columns = self.columns
        for name, rows in batches.items():
            check_columns(name, embeddings(rows, name).shape[1], columns)
            columns = rows.shape[1]
        for name, rows in batches.items():
            self._add(name, rows)

    @abstractmethod
    def _add(self, side: str, rows: NDArray[Any]) -> None:
        """Add rows of one side, shape (n, d), which fit those before and are nobody else's."""

    def _require_two(self) -> None:
        """Refuse sides of which fewer than two samples were seen."""
        for name, count in self.seen.items():
            require_samples(count, name, 2)


class FrechetAudioDistance(OfTwoSets):
    """`metrics.frechet_audio_distance` batch by batch, in squared embedding units; lower is better.

    Its state does not grow with the samples: of each side mean and at most 2 d rows (67 MB for d = 2048). The score
    equals the function's on all rows within 1e-9 of it, in whatever order and batches they come.

    Examples:
        >>> fad = FrechetAudioDistance()
        >>> fad.update(reference=[[0.0], [2.0]], generated=[[1.0]])
        >>> fad.update(generated=[[3.0]])
        >>> round(fad.compute(), 6)
        1.0
    """

    def __init__(self) -> None:
        self.reset()

    def compute(self) -> float:
        """Return the distance, at least 0.

        Raises:
            ValueError: fewer than two samples of a side were seen.
        """
        self._require_two()
        reference, generated = self._sides["reference"], self._sides["generated"]
        return distance_of_moments(
            reference.mean, reference.scaled_rows(), generated.mean, generated.scaled_rows()
        )  # fmt: skip

    def reset(self) -> None:
        """Forget what was seen."""
        self._sides: dict[str, Spread] = {}

    def settings(self) -> dict[str, Any]:
        """Return {}: there are none."""
        return {}

    @property
    def columns(self) -> int | None:
        """Dimensions of the embeddings seen; None where none was."""
        return next((len(spread.mean) for spread in self._sides.values()), None)

    @property
    def seen(self) -> dict[str, int]:
        """How many samples of each side were seen."""
        return {name: self._sides[name].count if name in self._sides else 0 for name in ("reference", "generated")}

    def _absorb(self, other: FrechetAudioDistance) -> None:
        for name, spread in other._sides.items():
            self._merge_side(name, spread)

    def _add(self, side: str, rows: NDArray[Any]) -> None:
        self._merge_side(side, Spread.of(embeddings(rows, side)))

    def _merge_side(self, side: str, spread: Spread) -> None:
        self._sides[side] = self._sides[side].merged(spread) if side in self._sides else spread


class KernelAudioDistance(OfTwoSets):
    """`metrics.kernel_audio_distance` batch by batch, times 100, without unit; lower is better.

    The kernel is of all pairs of rows, so all rows are kept, in the precision in which they came (8 kB each for 2,048
    dimensions in float32). The score equals the function's on them; another order moves it by rounding alone.

    Args of the constructor are those of the function: bandwidth, bandwidth_from.

    Examples:
        >>> kad = KernelAudioDistance(bandwidth=1.0)
        >>> kad.update(reference=[[0.0], [1.0]], generated=[[4.0]])
        >>> kad.update(generated=[[5.0]])
        >>> round(kad.compute(), 2)
        120.72
    """

    def __init__(self, *, bandwidth: float | None = None, bandwidth_from: BandwidthSource = "generated") -> None:
        """Take the settings.

        Raises:
            ValueError: one that the function refuses.
        """
        check_kernel(bandwidth, bandwidth_from)
        self._bandwidth, self._bandwidth_from = bandwidth, bandwidth_from
        self.reset()

    def compute(self) -> float:
        """Return the distance; it may be a little below 0.

        Raises:
            ValueError: fewer than two samples of a side were seen.
        """
        self._require_two()
        reference, generated = (self._sides[name].all() for name in ("reference", "generated"))
        return kernel_audio_distance(
            reference, generated, bandwidth=self._bandwidth, bandwidth_from=self._bandwidth_from
        )

    def reset(self) -> None:
        """Forget what was seen."""
        self._sides = {name: KeptRows(name, embeddings) for name in ("reference", "generated")}

    def settings(self) -> dict[str, Any]:
        """Return bandwidth and bandwidth_from."""
        return {"bandwidth": self._bandwidth, "bandwidth_from": self._bandwidth_from}

    @property
    def columns(self) -> int | None:
        """Dimensions of the embeddings seen; None where none was."""
        return next((kept.columns for kept in self._sides.values() if kept.parts), None)

    @property
    def seen(self) -> dict[str, int]:
        """How many samples of each side were seen."""
        return {name: kept.count for name, kept in self._sides.items()}

    def _absorb(self, other: KernelAudioDistance) -> None:
        for name, kept in other._sides.items():
            self._sides[name].parts += kept.parts

    def _add(self, side: str, rows: NDArray[Any]) -> None:
        self._sides[side].parts.append(rows)


class InceptionScore(Streaming):
    """`metrics.inception_score` batch by batch: the mean over its runs, without unit; higher is better.

    Which rows share a run follows from their order, so all logits are kept (2 kB each for 527 classes in float32), and
    another order, or other shares of several processes, moves the score a little; with `splits=1` by rounding alone.

    Args of the constructor are those of the function: splits, seed.

    Examples:
        >>> score = InceptionScore(splits=1)
        >>> score.update([[50.0, 0.0]])
        >>> score.update([[0.0, 50.0]])
        >>> round(score.compute(), 6)
        2.0
    """

    def __init__(self, *, splits: int = 10, seed: int = 2020) -> None:
        """Take the settings.

        Raises:
            ValueError: one that the function refuses.
        """
        check_runs(splits, seed)
        self._splits, self._seed = splits, seed
        self.reset()

    def update(self, logits: Any) -> None:
        """See a batch.

        Args:
            logits: finite, shape (n, c), n >= 1: sample, class; the classifier's raw outputs for the generated audio.

        Raises:
            ValueError: another shape, a value that is not finite, or another c than before.
        """
        self._logits.parts.append(self._logits.checked(logits))

    def compute(self) -> float:
        """Return the mean over the runs, between 1 and the number of classes.

        Raises:
            ValueError: fewer samples than runs were seen.
        """
        require_samples(self._logits.count, "logits", 1)
        return inception_score(self._logits.all(), splits=self._splits, seed=self._seed)[0]

    def reset(self) -> None:
        """Forget what was seen."""
        self._logits = KeptRows("logits", samples)

    def settings(self) -> dict[str, Any]:
        """Return splits and seed."""
        return {"splits": self._splits, "seed": self._seed}

    @property
    def columns(self) -> int | None:
        """Classes of the logits seen; None where none was."""
        return self._logits.columns

    @property
    def seen(self) -> dict[str, int]:
        """How many samples were seen."""
        return {"samples": self._logits.count}

    def _absorb(self, other: InceptionScore) -> None:
        self._logits.parts += other._logits.parts
