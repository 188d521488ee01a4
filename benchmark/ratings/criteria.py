"""What the paper's human study judges, and its scale; free of pandas, for tables that `--help` imports."""

from __future__ import annotations

from collections.abc import Mapping

CRITERIA: Mapping[str, str] = {"AQ": "audio quality", "TA": "text-audio alignment", "VA": "audio-video alignment"}
SCALE = (1, 5)  # points of a Likert scale, lowest and highest


def criterion_words(criterion: str) -> str:
    """Return what a criterion judges, in words; one that the paper does not have is called by its own name."""
    return CRITERIA.get(criterion, criterion)


def criterion_title(criterion: str) -> str:
    """Return a criterion's name with what it judges, where that says more."""
    words = criterion_words(criterion)
    return criterion if words == criterion else f"{criterion}: {words}"
