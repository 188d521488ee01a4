"""KL, CLAP and DeSync of samples that come in batches: means, whose sums are exact."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from metrics.clap_score import clap_score
from metrics.desync import desync
from metrics.kl import kl_divergence
from metrics.streaming.state import Streaming, array_of, check_columns
from metrics.validation import require_samples


class MeanOfSamples(Streaming):
    """The mean of per-sample scores; of them a count and a sum without rounding are kept.

    So the score has the same digits in whatever order, batches and processes the samples come.
    """

    def __init__(self) -> None:
        self.reset()

    @property
    def count(self) -> int:
        """How many samples were seen."""
        return self._count

    def compute(self) -> float:
        """Return the mean over all samples seen.

        Raises:
            ValueError: none was seen.
        """
        require_samples(self._count, type(self).__name__, 1)
        return float(self._total / self._count)

    def reset(self) -> None:
        """Forget what was seen."""
        self._count, self._total = 0, Fraction(0)
        self._columns: int | None = None

    def settings(self) -> dict[str, Any]:
        """Return {}: there are none."""
        return {}

    def _add(self, scores: NDArray[np.float64], columns: int) -> None:
        """Add the scores of a batch, made of rows of so many columns."""
        check_columns("update", columns, self._columns)
        self._columns = columns
        self._count += len(scores)
        self._total += sum(map(Fraction, scores.tolist()), Fraction(0))

    @property
    def columns(self) -> int | None:
        """How long the rows are that were seen; None where none was."""
        return self._columns

    @property
    def seen(self) -> dict[str, int]:
        """How many samples were seen."""
        return {"samples": self._count}

    def _absorb(self, other: Self) -> None:
        self._columns = self._columns or other._columns
        self._count += other._count
        self._total += other._total


class KLDivergence(MeanOfSamples):
    """The mean of `metrics.kl_divergence` batch by batch, in nats; lower is better.

    Examples:
        >>> kl = KLDivergence()
        >>> kl.update(np.log([[0.5, 0.5]]), np.log([[0.9, 0.1]]))
        >>> kl.update(np.log([[0.5, 0.5]]), np.log([[0.5, 0.5]]))
        >>> round(kl.compute(), 3)
        0.255
    """

    def update(self, reference_logits: Any, generated_logits: Any) -> None:
        """See a batch.

        Args:
            reference_logits: finite, shape (n, c), n >= 1: sample, class; of the target's audio.
            generated_logits: finite, shape (n, c), paired by row.

        Raises:
            ValueError: shapes that differ, a value that is not finite, or another c than before.
        """
        reference, generated = array_of(reference_logits), array_of(generated_logits)
        self._add(kl_divergence(reference, generated), reference.shape[1])


class ClapScore(MeanOfSamples):
    """The mean of `metrics.clap_score` batch by batch, without unit, in [-1, 1]; higher is better.

    Examples:
        >>> clap = ClapScore()
        >>> clap.update(text=[[1.0, 0.0]], audio=[[3.0, 0.0]])
        >>> clap.update(text=[[1.0, 0.0]], audio=[[0.0, 1.0]])
        >>> clap.compute()
        0.5
    """

    def update(self, text: Any, audio: Any) -> None:
        """See a batch.

        Args:
            text: finite, shape (n, d), n >= 1: sample, dimension; embeddings of the prompts.
            audio: finite, shape (n, d); embeddings of the generated audio, paired by row.

        Raises:
            ValueError: shapes that differ, an embedding that is not finite or zero, or another d than before.
        """
        texts, sounds = array_of(text), array_of(audio)
        self._add(clap_score(texts, sounds), texts.shape[1])


class DeSync(MeanOfSamples):
    """The mean of `metrics.desync` batch by batch, in seconds, in [0, 2]; lower is better.

    Examples:
        >>> logits = np.zeros((1, 2, 21))
        >>> logits[0, 0, 7] = logits[0, 1, 10] = 1.0  # 0.6 s early in the first window, in step in the last
        >>> sync = DeSync()
        >>> sync.update(logits)
        >>> round(sync.compute(), 3)
        0.3
    """

    def update(self, offset_logits: Any) -> None:
        """See a batch.

        Args:
            offset_logits: finite, shape (n, 2, 21), n >= 1: sample, window (first, last), offset class.

        Raises:
            ValueError: another shape, or a value that is not finite.
        """
        logits = array_of(offset_logits)
        self._add(desync(logits), logits.shape[-1])
