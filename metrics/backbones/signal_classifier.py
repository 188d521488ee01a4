"""The classes of the `signal` profile: the labels of the benchmark's own sources, told apart by their embeddings."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.cosine import paired_cosine
from metrics.validation import Matrix, samples

_SMALLEST_SPREAD = 0.05  # bel: dimensions that vary less over the references are not magnified further
_STRENGTH = 100.0  # inverse of the regularisation: references are told apart with probability above 0.9
_REACH = 4.0  # standard deviations: nothing is further from the references than this, however odd it sounds


class LabelModel:
    """A closed-set classifier over embeddings of the `signal` backbone.

    It sees embeddings in the space of the references: mean 0 and standard deviation 1 per dimension, cut at 4. Logits
    are those of a multinomial logistic regression (scikit-learn); the text of a label is the mean of its references.
    Fitting is deterministic, and the scores of a row do not depend on the rows beside it.

    Attributes:
        labels: the classes, sorted; column c of the logits belongs to labels[c].
    """

    version = 1  # moves when any value would

    def __init__(
        self, *, labels: Sequence[str], mean: Matrix, spread: Matrix, weights: Matrix, bias: Matrix, prototypes: Matrix
    ) -> None:
        self.labels = tuple(labels)
        self._mean, self._spread = mean, spread
        self._weights, self._bias, self._prototypes = weights, bias, prototypes

    @classmethod
    def fit(cls, embeddings: ArrayLike, labels: Sequence[str]) -> Self:
        """Return the model of these sources.

        Args:
            embeddings: finite, shape (n, d): source, dimension; one row for every source of the benchmark.
            labels: the n labels; one source a label is enough.

        Raises:
            ValueError: other shapes, a value that is not finite, or fewer than two different labels.
        """
        from sklearn.linear_model import LogisticRegression

        rows = samples(embeddings, "embeddings")
        if len(labels) != len(rows):
            raise ValueError(f"labels: expected one for each of the {len(rows)} embeddings, got {len(labels)}")
        names = sorted(set(labels))
        if len(names) < 2:
            raise ValueError(
                f"labels: classes need at least two different labels, got {len(names)} ({', '.join(names)}); "
                "profile signal cannot score a benchmark whose sources all sound the same label"
            )
        mean = rows.mean(axis=0)
        spread = np.maximum(rows.std(axis=0), _SMALLEST_SPREAD)
        inside = _standardised(rows, mean, spread)
        codes = np.array([names.index(label) for label in labels])
        scale = np.sqrt(rows.shape[1])  # squared rows then have length about 1, whatever the dimension
        regression = LogisticRegression(C=_STRENGTH, tol=1e-8, max_iter=2000).fit(inside / scale, codes)
        weights, bias = regression.coef_ / scale, regression.intercept_
        if len(names) == 2:  # scikit-learn keeps one row for two classes
            weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
        prototypes = np.stack([inside[codes == code].mean(axis=0) for code in range(len(names))])
        return cls(labels=names, mean=mean, spread=spread, weights=weights, bias=bias, prototypes=prototypes)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return what was fitted, to be kept: C-contiguous float64, see `from_arrays`.

        The weights keep the order in which they lie in memory, and their name says which: sums over them are taken in
        that order, and another rounds differently.
        """
        lie = {"weights": self._weights}
        if not self._weights.flags.c_contiguous:
            lie = {"weights_by_dimension": self._weights.T}
        found = {"mean": self._mean, "spread": self._spread, "bias": self._bias, "prototypes": self._prototypes, **lie}
        return {name: np.ascontiguousarray(array) for name, array in found.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], labels: Sequence[str]) -> Self:
        """Return the model that gave these arrays; its values are the same to the bit.

        Args:
            arrays: as `arrays` returned them.
            labels: those that it was fitted with.

        Raises:
            KeyError: an array is not there.
        """
        own = {name: np.array(array, dtype=np.float64) for name, array in arrays.items()}
        weights = own["weights"] if "weights" in own else own["weights_by_dimension"].T
        return cls(
            labels=sorted(set(labels)), mean=own["mean"], spread=own["spread"], weights=weights, bias=own["bias"],
            prototypes=own["prototypes"],
        )  # fmt: skip

    def logits(self, embeddings: ArrayLike) -> NDArray[np.float64]:
        """Return the logits of the labels, float64, shape (n, classes), finite for any sound.

        Args:
            embeddings: finite, shape (n, d): sample, dimension.

        Raises:
            ValueError: another shape or a value that is not finite.
        """
        inside = self._inside(embeddings)
        # einsum, not BLAS: the logits of a row must not depend on how many rows are asked for
        return np.asarray(np.einsum("nd,cd->nc", inside, self._weights) + self._bias)

    def label_similarity(self, embeddings: ArrayLike, labels: Sequence[str]) -> NDArray[np.float64]:
        """Return the cosine of each sound to the prototype of the label named with it; higher is better.

        Args:
            embeddings: finite, shape (n, d): sample, dimension.
            labels: n labels, each one of the model's.

        Returns:
            float64, shape (n,), in [-1, 1]; 0 is as close as the references' common mean.

        Raises:
            ValueError: other shapes, a value that is not finite, or a label that no source has.
        """
        inside = self.standardised(embeddings)
        if len(labels) != len(inside):
            raise ValueError(f"labels: expected one for each of the {len(inside)} embeddings, got {len(labels)}")
        return paired_cosine(inside, "embeddings", self.prototypes(labels), "prototypes")

    def standardised(self, embeddings: ArrayLike) -> NDArray[np.float64]:
        """Return embeddings in the space of the references, float64, shape (n, d), within +-4.

        Raises:
            ValueError: another shape or a value that is not finite.
        """
        return self._inside(embeddings)

    def prototypes(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """Return what each label sounds like, in the space of `standardised`: float64, shape (n, d).

        Raises:
            ValueError: a label that no source has.
        """
        unknown = [label for label in labels if label not in self.labels]
        if unknown:
            raise ValueError(f"labels: no source has {unknown[0]!r}; known are {', '.join(self.labels)}")
        return self._prototypes[[self.labels.index(label) for label in labels]]

    def _inside(self, embeddings: ArrayLike) -> Matrix:
        rows = samples(embeddings, "embeddings")
        if rows.shape[1] != self._mean.size:
            raise ValueError(f"embeddings: expected shape (n, {self._mean.size}), got {rows.shape}")
        return _standardised(rows, self._mean, self._spread)


def _standardised(rows: Matrix, mean: Matrix, spread: Matrix) -> Matrix:
    return np.clip((rows - mean) / spread, -_REACH, _REACH)
