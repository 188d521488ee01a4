"""How many clips each label of a list gets, such that exhaustive pairing gives the paper's totals.

67 clips whose squares per category add up to 739 make 67² - 739 = 3,750 inter-class pairs; where the squares per label
add up to 179, they make 739 - 179 = 560 intra-class pairs. Many counts do that. Of these the most even are taken, as
steps 2 to 4 of the rules say (`vgg_monoaudio.selection.rule_r1`).
"""

from collections.abc import Iterator, Mapping
from functools import cache

from vgg_monoaudio.draws import rank
from vgg_monoaudio.taxonomy import CATEGORIES, category_of

CLIPS = 67
CATEGORY_SQUARES = 739  # 67 * 67 - 3,750
LABEL_SQUARES = 179  # 739 - 560

Counts = tuple[int, ...]  # of one category: how many clips its labels have, largest first
Totals = tuple[int, int, int]  # clips, their number squared per category, their numbers squared per label


def label_counts(available: Mapping[str, int], rule: str) -> dict[str, int]:
    """Return how many clips each label gets by steps 2 to 4 of a rule, in the order of Table B2.

    Args:
        available: number of candidates of each of the 39 labels.
        rule: version of the rule that asks, such as "r1"; it seeds what is drawn.

    Raises:
        ValueError: a label has no candidate, or no counts reach the paper's totals.
    """
    without = [label for label, clips in available.items() if clips < 1]
    if without:
        raise ValueError(f"available: no candidate for {', '.join(without)}; every label needs one")
    labels = {c: [label for label in available if category_of(label) == c] for c in CATEGORIES}
    limits = [tuple(sorted((available[label] for label in labels[c]), reverse=True)) for c in CATEGORIES]
    for largest in range(1, max(available.values()) + 1):
        chosen = _nearest_counts([list(_category_counts(limit, largest)) for limit in limits], rule)
        if chosen is not None:
            break
    else:
        raise ValueError(f"available: no counts with squares {CATEGORY_SQUARES} and {LABEL_SQUARES} fit the candidates")
    assigned: dict[str, int] = {}
    for category, counts in zip(CATEGORIES, chosen, strict=True):
        order = sorted(labels[category], key=lambda label: (-available[label], rank(rule, "label", label)))
        assigned.update(zip(order, counts, strict=True))
    return {label: assigned[label] for label in available}


def _category_counts(limits: Counts, largest: int) -> Iterator[Counts]:
    """Yield every non-increasing tuple of counts from 1 to `largest`, none above its place's limit."""
    if not limits:
        yield ()
        return
    for clips in range(1, min(limits[0], largest) + 1):
        for rest in _category_counts(limits[1:], clips):
            yield (clips, *rest)


def _nearest_counts(options: list[list[Counts]], rule: str) -> list[Counts] | None:
    """Return the counts of each category by step 3 of the rule, or None if no choice of options reaches the totals.

    Both the sum and the sum of squares of the category counts are fixed, so the distance to the categories' shares in
    the labels is least where the sum of clips times labels is largest.
    """
    totals = [{_totals(counts) for counts in choices} for choices in options]  # few: many counts share their totals
    labels = [len(choices[0]) for choices in options]
    largest = max(max(counts) for choices in options for counts in choices)

    @cache
    def best(place: int, left: Totals) -> int | None:
        """The largest sum of clips times labels over the categories from `place` on that use up what is left."""
        if place == len(options):
            return None if any(left) else 0
        clips, category_squares, label_squares = left
        least = sum(labels[place:])  # one clip per label; each clip beyond adds at most largest + 1 to the squares
        if clips < least or label_squares > least + (clips - least) * (largest + 1):
            return None
        if clips**2 > min(category_squares * (len(options) - place), label_squares * least):
            return None  # Cauchy-Schwarz: so many clips need larger squares
        scores = (score(place, used, left) for used in totals[place])
        return max((found for found in scores if found is not None), default=None)

    def score(place: int, used: Totals, left: Totals) -> int | None:
        rest = _minus(left, used)
        later = best(place + 1, rest) if min(rest) >= 0 else None
        return None if later is None else later + used[0] * labels[place]

    left = (CLIPS, CATEGORY_SQUARES, LABEL_SQUARES)
    if best(0, left) is None:
        return None
    chosen = []
    for place, category in enumerate(CATEGORIES):
        good = [counts for counts in options[place] if score(place, _totals(counts), left) == best(place, left)]
        chosen.append(min(good, key=lambda counts: rank(rule, "counts", category, *map(str, counts))))
        left = _minus(left, _totals(chosen[-1]))
    return chosen


def _totals(counts: Counts) -> Totals:
    return sum(counts), sum(counts) ** 2, sum(clips**2 for clips in counts)


def _minus(left: Totals, used: Totals) -> Totals:
    return left[0] - used[0], left[1] - used[1], left[2] - used[2]
