"""How long a rater is at it: what a study tells before it begins, and what a limit of minutes comes to in items."""

from __future__ import annotations

from dataclasses import dataclass

JUDGING_SECONDS = 4.0  # for each scale, once the clip has been seen
LOADING_SECONDS = 2.0  # from one item to the next
READING_SECONDS = 60.0  # consent, device check, and the end
TRIAL_SECONDS = 8.0  # of the headphone check: 4 s of tones, and an answer
QUESTION_SECONDS = 8.0  # of the questionnaire


@dataclass(frozen=True)
class Estimate:
    """What a study asks of a rater.

    Attributes:
        item_seconds: an item with its clips, mean over all.
        criteria: scales of an item.
        tutorial_seconds: the clips of the tutorial.
        trials: of the headphone check.
        questions: at the end.
        extra: repeats and attention items.
    """

    item_seconds: float
    criteria: int
    tutorial_seconds: float
    trials: int
    questions: int
    extra: int

    @property
    def each_seconds(self) -> float:
        """One item: watched once and judged."""
        return self.item_seconds + JUDGING_SECONDS * self.criteria + LOADING_SECONDS

    @property
    def around_seconds(self) -> float:
        """Everything but items."""
        return (
            READING_SECONDS + TRIAL_SECONDS * self.trials + self.tutorial_seconds + QUESTION_SECONDS * self.questions
        )  # fmt: skip

    def seconds(self, items: int) -> float:
        """Return how long a rater is at it who judges so many items."""
        return self.around_seconds + self.each_seconds * (items + self.extra)

    def items_within(self, minutes: float) -> int:
        """Return how many items fit into a time.

        Raises:
            ValueError: not one; says how long one takes.
        """
        items = int((60 * minutes - self.around_seconds) / self.each_seconds) - self.extra
        if items < 1:
            raise ValueError(
                f"minutes_per_rater: {minutes:g} do not suffice for one item beside all else, which take "
                f"{self.seconds(1) / 60:.1f}; allow more, or leave out tutorial, repeats or attention items"
            )
        return items
