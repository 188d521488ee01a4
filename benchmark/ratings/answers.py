"""What raters answered, as one typed table each for ratings on scales and for preferences between two answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Self

import pandas as pd

ROLES = ("item", "repeat", "attention")
Role = Literal["item", "repeat", "attention"]
ANSWER = ("subset", "sample_id", "model")  # what names one rated answer
PAIR = ("subset", "sample_id", "model_a", "model_b")
TEXTS = ("rater", "role", "subset", "category", "expected", "answered_at")
NUMBERS = ("position", "seconds", "clip_seconds", "focus_losses")
CHOICES = ("a", "b", "tie")  # in the order of `bradley_terry`'s WIN, LOSS, TIE


@dataclass(frozen=True)
class Judgements:
    """What ratings and preferences have in common.

    Attributes:
        table: one row per answer of one rater to one item.
        criteria: names of the columns with points, or choices.
    """

    table: pd.DataFrame
    criteria: tuple[str, ...]

    @property
    def items(self) -> pd.DataFrame:
        """The rows that count: first answers to items that are no checks of attention."""
        return self.table[self.table["role"] == "item"]

    @property
    def raters(self) -> tuple[str, ...]:
        """Names of the raters, sorted."""
        return tuple(sorted(self.table["rater"].unique()))

    @property
    def subsets(self) -> tuple[str, ...]:
        """Names of the rated subsets, sorted."""
        return tuple(sorted(self.items["subset"].unique()))

    def of(self, subset: str) -> Self:
        """Return the answers to one subset."""
        return replace(self, table=self.table[self.table["subset"] == subset])

    def without(self, raters: Iterable[str]) -> Self:
        """Return the answers of the other raters."""
        return replace(self, table=self.table[~self.table["rater"].isin(list(raters))])


@dataclass(frozen=True)
class Answers(Judgements):
    """Ratings on scales.

    Attributes:
        table: one row per answer of one rater to one item. Columns: line (int64, of the file), rater, role (`Role`),
            subset, sample_id, model, category (texts, "" where not given), one float64 column per criterion in points
            (NaN: not rated), expected (text), position, seconds, clip_seconds, plays, focus_losses (float64, NaN where
            not given), answered_at (text).
        criteria: names of the columns with points.
        points: lowest and highest point of the scale.
        source: file or folder, for messages.
        named: whether a name stands for the same person on every row. Where it does not, nobody can be screened and
            only scenes are resampled.
    """

    points: tuple[int, int]
    source: str
    named: bool = True

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the rated models, sorted."""
        return tuple(sorted(self.items["model"].unique()))


@dataclass(frozen=True)
class Preferences(Judgements):
    """Choices between the answers of two models to one sample.

    Attributes:
        table: as for `Answers`, with model_a and model_b (model_a < model_b) in place of model, plays_a and plays_b in
            place of plays, shown_first ("a", "b" or ""), and per criterion "a", "b", "tie", or "" where not judged.
        criteria: names of the columns with choices.
        source: file or folder, for messages.
    """

    source: str

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the compared models, sorted."""
        return tuple(sorted({*self.items["model_a"].unique(), *self.items["model_b"].unique()}))
