"""Inception score: how clear and how varied the classes heard in the generated audio are."""

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.algebra import product
from metrics.probabilities import log_softmax
from metrics.uncertainty.resampling import Counts, Needs
from metrics.validation import Matrix, require_whole, samples

ROW_BY_ROW = 2048  # samples; resamples of more are scored many at a time, which moves the last digits
BATCH = 16  # resamples at a time: 20 MB at 15,000 samples and 10 runs


def inception_score(logits: ArrayLike, splits: int = 10, seed: int = 2020) -> tuple[float, float]:
    """Return mean and standard deviation of the inception score over `splits` runs; higher is better.

    The rows are shuffled once, cut into runs of about equal length, and each run scored separately. A run of few rows
    scores low (ten samples in ten runs give exactly 1), so compare only scores of as many samples.

    Args:
        logits: finite, shape (n, c): sample, class; the classifier's raw outputs for the generated audio. The order
            of the rows matters a little, through the fixed shuffle: pass them sorted by file name to repeat a score.
        splits: number of runs, at least 1.
        seed: seed of the shuffle. The default is that of the reference tool.

    Returns:
        Mean and population standard deviation (no unit) over the runs; each run is between 1 and the number of
        classes.

    Raises:
        ValueError: another shape, a value that is not finite (names the first such sample), fewer samples than runs,
            or a setting that is no whole number in its range.

    Source:
        Salimans et al. 2016 (arXiv:1606.03498). Equals av-benchmark 050a5cd, "ISC-PANNS-mean" and "-std": numpy's
        legacy permutation, softmax although the classifier was trained with sigmoids, runs from floor(i n / splits).

    Examples:
        Ten sounds, each clearly of a class of its own, score as high as ten classes allow.

        >>> mean, deviation = inception_score(50.0 * np.eye(10), splits=1)
        >>> round(mean, 6), deviation
        (10.0, 0.0)
    """
    rows = samples(logits, "logits", columns="classes")
    check_runs(splits, seed)
    require_splits(len(rows), splits)
    log_p = log_softmax(rows)[shuffled(len(rows), seed)]
    scores = [_score(log_p[start:stop]) for start, stop in run_bounds(len(rows), splits)]
    return float(np.mean(scores)), float(np.std(scores))


def check_runs(splits: int, seed: int) -> None:
    """Refuse settings that no set can be scored with.

    Raises:
        ValueError: names the setting and what it takes.
    """
    require_whole(splits, "splits", 1)
    require_whole(seed, "seed", 0, 2**32 - 1)  # of numpy's legacy generator


def shuffled(count: int, seed: int) -> NDArray[np.int64]:
    """Return the row numbers, shape (count,), in the reference tool's fixed order, from numpy's legacy generator."""
    return np.random.RandomState(seed).permutation(count).astype(np.int64, copy=False)


def run_bounds(count: int, splits: int) -> list[tuple[int, int]]:
    """Return the first and the one-past-last row of each run."""
    edges = [run * count // splits for run in range(splits + 1)]
    return list(itertools.pairwise(edges))


def require_splits(count: int, splits: int) -> None:
    """Raise unless `count` samples fill `splits` runs.

    Raises:
        ValueError: fewer than one run, or a run would stay empty.
    """
    if splits < 1:
        raise ValueError(f"splits: expected at least 1, got {splits}")
    if count < splits:
        raise ValueError(
            f"logits: {count} samples cannot fill {splits} splits; "
            f"score at least {splits} samples or pass a smaller `splits`"
        )


def _score(log_p: Matrix) -> float:
    """Exponential of the mean divergence of the rows from their mean distribution."""
    p = np.exp(log_p)
    marginal = p.mean(axis=0)
    # A class may underflow in every row; its share of the entropy is then 0, as the limit of p log p.
    entropy_of_mean = -np.sum(marginal * np.log(np.where(marginal > 0, marginal, 1.0)))
    mean_entropy = -np.sum(p * log_p) / len(p)
    return float(np.exp(max(entropy_of_mean - mean_entropy, 0.0)))


class ResampledInception:
    """Mean inception score of resamples; equals `inception_score` on the repeated rows, in the order of the samples."""

    lower_bound = None
    smooth = False  # one row less reshuffles all

    def __init__(self, logits: ArrayLike, splits: int = 10, seed: int = 2020) -> None:
        """Take the classes heard.

        Args:
            logits: finite, shape (n, c): sample, class.
            splits: as for `inception_score`.
            seed: as for `inception_score`.

        Raises:
            ValueError: another shape, a value that is not finite (names the first such sample), fewer samples than
                runs.
        """
        log_p = log_softmax(samples(logits, "logits", columns="classes"))
        require_splits(len(log_p), splits)
        self.samples, self.needs = len(log_p), Needs(rows=splits)
        self._p = np.exp(log_p)
        self._row_sums = np.sum(self._p * log_p, axis=1)
        self._splits, self._seed = splits, seed

    def __call__(self, counts: Counts) -> NDArray[np.float64]:
        """Scores, shape (b,), of resamples (b, n)."""
        if self.samples <= ROW_BY_ROW:
            return np.array([self._score(row) for row in counts])
        batches = [counts[start : start + BATCH] for start in range(0, len(counts), BATCH)]
        return np.concatenate([self._scores(batch) for batch in batches])

    def _scores(self, counts: Counts) -> NDArray[np.float64]:
        """The same for many samples: how often a run holds each row, times the class probabilities, in one product."""
        b, n = counts.shape
        held = np.empty((b, self._splits, n))
        for of_runs, row in zip(held, counts, strict=True):
            order = np.repeat(np.arange(n), row)
            sizes = [stop - start for start, stop in run_bounds(len(order), self._splits)]
            places = np.repeat(np.arange(self._splits) * n, sizes) + order[shuffled(len(order), self._seed)]
            of_runs[:] = np.bincount(places, minlength=self._splits * n).reshape(self._splits, n)
        runs = held.reshape(b * self._splits, n)
        sizes_of = runs.sum(axis=1)
        marginal = product(runs, self._p) / sizes_of[:, np.newaxis]
        entropy = -np.sum(marginal * np.log(np.where(marginal > 0, marginal, 1.0)), axis=1)
        scores = np.exp(np.maximum(entropy + runs @ self._row_sums / sizes_of, 0.0))
        return np.asarray(scores.reshape(b, self._splits).mean(axis=1))

    def _score(self, counts: Counts) -> float:
        order = np.repeat(np.arange(len(counts)), counts)
        order = order[shuffled(len(order), self._seed)]
        return float(np.mean([self._run(order[a:b]) for a, b in run_bounds(len(order), self._splits)]))

    def _run(self, picked: NDArray[np.int64]) -> float:
        marginal = self._p[picked].mean(axis=0)
        entropy = -np.sum(marginal * np.log(np.where(marginal > 0, marginal, 1.0)))
        return float(np.exp(max(entropy + self._row_sums[picked].mean(), 0.0)))
