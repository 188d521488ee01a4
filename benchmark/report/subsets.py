"""Titles and order of subsets, for every table, figure, page and export: those of `vgg_monoaudio.dataset`."""

from __future__ import annotations

from collections.abc import Mapping

from foundation.names import joined


def subset_title(subset: str) -> str:
    """Return the heading of a subset; one that this version does not know keeps its own name."""
    from vgg_monoaudio.dataset import SUBSET_TITLES  # brings pandas, which the command line's --help does without

    return next((title for name, title in SUBSET_TITLES.items() if name == subset), subset)


def subset_rank(subset: str) -> tuple[int, str]:
    """Return the sort key of a subset: the known ones in their order, then the others by name."""
    from vgg_monoaudio.dataset import SUBSETS

    known: tuple[str, ...] = SUBSETS
    return (known.index(subset) if subset in known else len(known), subset)


def counted(samples: Mapping[str, int]) -> str:
    """Return how many samples each subset has as a phrase: "5 inter-class and 2 intra-class samples"."""
    parts = [f"{count} {subset_title(subset).lower()}" for subset, count in samples.items()]
    phrase = joined(parts, "and")
    return phrase if phrase.endswith(" clips") else f"{phrase} samples"
