"""Drawing the resamples of a bootstrap, by sample or by the source clips that samples share; and scoring them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from metrics.validation import require_samples

Counts = NDArray[np.integer[Any]]
Groups = Sequence[object] | NDArray[np.generic] | None
AT_ONCE = 1 << 24  # counts that a score gets at once, 128 MB
REMEMBERED = 1 << 26  # counts of one draw that are kept for the next metric, 64 MB as bytes


@dataclass(frozen=True, slots=True)
class Needs:
    """What a score needs of a resample: rows in all, repeats counted, and different rows."""

    rows: int = 1
    different: int = 1

    def met(self, counts: Counts) -> NDArray[np.bool_]:
        """Which resamples (b, n) have enough, shape (b,)."""
        enough: NDArray[np.bool_] = (counts.sum(axis=1) >= self.rows) & ((counts > 0).sum(axis=1) >= self.different)
        return enough


class Resampled(Protocol):
    """A set-wise score that can be computed for many resamples of one set of samples.

    A resample repeats some samples and misses others. It is given as counts, so whatever all resamples share
    (products of rows, class probabilities) is computed once. Its class stands in the metric's module and takes the same
    arguments, and the metric's row in `metrics.registry` names it: that is all a set-wise metric needs for an
    interval (`bootstrap_score`) and a paired test (`set_difference`). `metrics.uncertainty.shortcuts` has what it may
    offer beyond that, to be faster.
    """

    @property
    def samples(self) -> int:
        """Number of samples, n."""
        ...

    @property
    def needs(self) -> Needs:
        """What a resample must have for the score to be defined."""
        ...

    @property
    def lower_bound(self) -> float | None:
        """Smallest value of the score, below which no interval reaches; None: there is none."""
        ...

    @property
    def smooth(self) -> bool:
        """Whether leaving out one sample moves the score a little only, so that the jackknife applies."""
        ...

    def __call__(self, counts: Counts) -> NDArray[np.float64]:
        """Return the scores, shape (b,), of b resamples: how often each sample occurs, shape (b, n)."""
        ...


def whole_set(samples: int) -> Counts:
    """Return the counts, shape (1, n), of the set itself: every sample once."""
    return np.ones((1, samples), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What is drawn with replacement: samples, or groups of samples.

    Attributes:
        codes: shape (n, k): the unit or units that each of the n samples belongs to, numbered from 0.
        size: how many units there are.
        word: what a message calls them.
    """

    codes: NDArray[np.int64]
    size: int
    word: str

    def counts(self, drawn: Counts) -> Counts:
        """How often each sample occurs, shape (b, n), where unit u occurs `drawn[:, u]` times."""
        occurrences = drawn[:, self.codes[:, 0]]
        for column in range(1, self.codes.shape[1]):
            repeated = (self.codes[:, :column] == self.codes[:, column, np.newaxis]).any(axis=1)
            occurrences = occurrences * np.where(repeated, 1, drawn[:, self.codes[:, column]])
        return occurrences

    def resamples(self, number: int, seed: int, needs: Needs | None = None) -> Counts:
        """Return `number` resamples: how often each sample occurs, shape (number, n), read only.

        A draw that the score is not defined for is repeated: it is rare, and it has no score to leave out. Metrics that
        share units, seed and number share the draws, which are made once and kept in the smallest unsigned dtype that
        holds them. Give them to a score through `scores_of`.

        Raises:
            ValueError: the score is not even defined for all samples together.
        """
        needs = needs or Needs()
        require_samples(len(self.codes), "bootstrap", max(needs.rows, needs.different))
        key = (self.codes.tobytes(), self.codes.shape[1], self.size)
        drawn = _drawn_once(*key, number, seed) if number * len(self.codes) <= REMEMBERED else None
        if drawn is None or not needs.met(drawn).all():
            drawn = _drawn(self, number, seed, needs)
        drawn.flags.writeable = False
        return drawn

    def members(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return units and rows, shape (p,) each: every row of every unit once, in the order of the units."""
        rows, units_of = [np.arange(len(self.codes))], [self.codes[:, 0]]
        for column in np.arange(1, self.codes.shape[1]):
            new = (self.codes[:, :column] != self.codes[:, column, np.newaxis]).all(axis=1)
            rows.append(np.flatnonzero(new))
            units_of.append(self.codes[new, column])
        found, members = np.concatenate(units_of), np.concatenate(rows)
        order = np.argsort(found, kind="stable")
        return found[order], members[order]

    def pairs_within(self, most: int) -> NDArray[np.int64] | None:
        """Return unit, row and other row, shape (p, 3), of every pair of different rows in a unit; None beyond `most`.

        A pair that shares two units stands there twice.
        """
        units_of, rows = self.members()
        sizes = np.bincount(units_of, minlength=self.size)
        if (sizes * (sizes - 1) // 2).sum() > most:
            return None
        found = [np.empty((0, 3), dtype=np.int64)]
        stops = np.cumsum(sizes)
        for unit in np.flatnonzero(sizes > 1):
            own = np.sort(rows[stops[unit] - sizes[unit] : stops[unit]])
            first, second = np.triu_indices(len(own), k=1)
            found.append(np.stack([np.full(len(first), unit), own[first], own[second]], axis=1))
        return np.concatenate(found)

    def left_out_scores(self, scorer: Callable[[Counts], NDArray[np.float64]], needs: Needs) -> NDArray[np.float64]:
        """Return the scores with one unit left out at a time, shape (size,); NaN where too few samples remain."""
        return np.concatenate([_defined_scores(scorer, batch, needs) for batch in self.leave_one_out()])

    def leave_one_out(self, batch: int = 256) -> Iterator[Counts]:
        """Yield the jackknife in batches, shape (<= batch, n): every sample once but for those of one unit."""
        for start in range(0, self.size, batch):
            left_out = np.arange(start, min(start + batch, self.size))
            drawn = np.ones((len(left_out), self.size), dtype=np.int64)
            drawn[np.arange(len(left_out)), left_out] = 0
            yield self.counts(drawn)

    def too_few(self, level: float) -> str | None:
        """Why an interval of this level cannot be had from so few units; None where it can.

        n units have C(2n - 1, n) different resamples. With fewer than one of them for each tail, the ends of an
        interval would be made up: 95 % needs 40 resamples, so 5 units.
        """
        if comb(2 * self.size - 1, self.size) >= 2.0 / (1.0 - level) - 1e-9:
            return None
        return f"{self.size} {self.word}{'s' * (self.size != 1)} cannot support a {100 * level:g} % interval"


def scores_of(scorer: Callable[[Counts], NDArray[np.float64]], counts: Counts) -> NDArray[np.float64]:
    """Return the scores, shape (b,), of resamples (b, n) of any integer dtype: given as int64, not too many at once."""
    batch = max(1, AT_ONCE // counts.shape[1])
    return np.concatenate(
        [scorer(counts[start : start + batch].astype(np.int64)) for start in range(0, len(counts), batch)]
    )


def _drawn(drawn: Units, number: int, seed: int, needs: Needs) -> Counts:
    """Draw, as often as it takes to have `number` resamples that meet the needs."""
    rng = np.random.default_rng(seed)
    kept: list[NDArray[Any]] = []
    missing = number
    batch = max(1, AT_ONCE // (4 * max(drawn.size, len(drawn.codes))))
    while missing:
        found = 0
        for start in range(0, missing, batch):  # the stream of one call, in the memory of a few
            picked = rng.integers(drawn.size, size=(min(batch, missing - start), drawn.size))
            occurrences = drawn.counts(np.stack([np.bincount(row, minlength=drawn.size) for row in picked]))
            occurrences = occurrences[needs.met(occurrences)]
            kept.append(occurrences.astype(np.min_scalar_type(occurrences.max(initial=0))))
            found += len(occurrences)
        missing -= found
    return np.concatenate(kept)


@lru_cache(maxsize=4)
def _drawn_once(codes: bytes, columns: int, size: int, number: int, seed: int) -> Counts:
    table = np.frombuffer(codes, dtype=np.int64).reshape(-1, columns)
    return _drawn(Units(table, size, ""), number, seed, Needs())


def _defined_scores(
    scorer: Callable[[Counts], NDArray[np.float64]], counts: Counts, needs: Needs
) -> NDArray[np.float64]:
    scores = np.full(len(counts), np.nan)
    defined = needs.met(counts)
    if defined.any():
        scores[defined] = scorer(counts[defined])
    return scores


def units(n: int, groups: Groups = None) -> Units:
    """Return the units to draw for n samples.

    Args:
        n: number of samples.
        groups: None: the samples themselves. Shape (n,): one name per sample, e.g. the id of its target clip; samples
            of one name are drawn together. Shape (n, k): k names per sample, e.g. target and paired clip; a name
            means the same clip in every column, clips are drawn, and a sample occurs as often as the product of its
            clips (a scene exists once for each drawn copy of both).

    Raises:
        ValueError: n is 0, the groups are not one row per sample, or a name is neither text nor integer.

    Source:
        (n,): the cluster bootstrap. (n, k): the vertex bootstrap of Snijders & Borgatti 1999 for pairs of one
        population, which keeps what two samples share when they share either clip.
    """
    require_samples(n, "bootstrap", 1)
    if groups is None:
        return Units(np.arange(n)[:, np.newaxis], n, "sample")
    names = np.asarray(groups, dtype=object)
    if names.ndim not in (1, 2) or len(names) != n or names.size == 0:
        raise ValueError(f"groups: expected shape ({n},) or ({n}, k), one row per sample, got {names.shape}")
    table = names.reshape(n, -1)
    for row, entries in enumerate(table):
        if not all(isinstance(entry, str | int | np.integer) and entry != "" for entry in entries):
            raise ValueError(f"groups: sample {row} of {n} has no name or number of its group, got {entries.tolist()}")
    found, codes = np.unique(table.astype(str), return_inverse=True)
    return Units(codes.reshape(table.shape).astype(np.int64, copy=False), len(found), "group")
