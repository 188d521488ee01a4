"""The list of sources that ships, `lists/r1.csv`, and the rule that makes it from VGGSounder's labels.

The rule, version r1. No step looks at anything but the screening, the totals of the paper and the words "r1":

1. Candidates are the clips that the screening proposes (`vgg_monoaudio.selection.screening`, VGGSounder 1.0), one per
   video: of several, the one whose label has the fewest candidates, then the first by rank.
2. The counts per label and category are such that exhaustive pairing gives the paper's totals: 67 clips over all 39
   labels, the squares of the category counts add up to 739 (67² - 739 = 3,750 inter-class pairs), the squares of the
   label counts to 179 (739 - 179 = 560 intra-class pairs), and no label has more clips than candidates.
3. Of all such counts: those whose largest label count is smallest; of these, those whose category counts are nearest
   to the share of each category in the 39 labels (sum of squared distances); of these, category by category in the
   order of Table B2, the first by rank.
4. Within a category the labels with more candidates get the larger counts; labels with as many go by rank.
5. Of a label's candidates: those first in which VGGSounder saw no other, silent object; then by rank.

A rank is `vgg_monoaudio.draws.rank("r1", ...)`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import pandas as pd

from vgg_monoaudio.draws import rank
from vgg_monoaudio.selection.clip_ids import split_clip_id
from vgg_monoaudio.taxonomy import CATEGORIES, category_of, load_labels

RULE_VERSION = "r1"
R1_COLUMNS = ["clip_id", "label", "category", "evidence", "rule_version"]
CLIPS = 67
CATEGORY_SQUARES = 739  # 67 * 67 - 3,750
LABEL_SQUARES = 179  # 739 - 560

Counts = tuple[int, ...]  # of one category: how many clips its labels have, largest first
Totals = tuple[int, int, int]  # clips, their number squared per category, their numbers squared per label


@dataclass(frozen=True)
class Overlap:
    """How much of a list UnAV-100 knows too.

    Attributes:
        clips: number of clips on the list.
        shared: ids of the clips whose video is in UnAV-100, in the order of the list.
    """

    clips: int
    shared: tuple[str, ...]


def derive_list(screened: pd.DataFrame) -> pd.DataFrame:
    """Return the list that rule r1 makes from a screening: `R1_COLUMNS`, in the order of Table B2, then of clip id.

    Args:
        screened: what `vgg_monoaudio.selection.screening.screen` returns.

    Raises:
        ValueError: the candidates allow no counts with the paper's totals.
    """
    candidates = _one_per_video(screened[screened["proposed"]])
    available = candidates["label"].value_counts().to_dict()
    counts = label_counts({label: int(available.get(label, 0)) for label in load_labels()["label"]})
    candidates = candidates.assign(
        busy=candidates["silent_objects"] != "",
        rank=[rank(RULE_VERSION, "clip", clip) for clip in candidates["clip_id"]],
    ).sort_values(["busy", "rank"])
    chosen = [
        candidates[candidates["label"] == label].head(clips).sort_values("clip_id") for label, clips in counts.items()
    ]
    return pd.concat(chosen, ignore_index=True).assign(rule_version=RULE_VERSION)[R1_COLUMNS]


def list_as_csv(sources: pd.DataFrame) -> bytes:
    """Return a list as the bytes of its file: UTF-8, one line feed a row, in the order given."""
    return sources.to_csv(index=False, lineterminator="\n").encode("utf-8")


def overlap_with_unav100(sources: pd.DataFrame, videos: pd.DataFrame) -> Overlap:
    """Return which clips of a list come from videos that UnAV-100 annotates, the paper's starting point.

    Args:
        sources: a list with clip_id.
        videos: `vgg_monoaudio.selection.annotations.UnAV100.videos`.
    """
    known = set(videos["youtube_id"])
    shared = tuple(clip for clip in sources["clip_id"] if _video_of(clip) in known)
    return Overlap(clips=len(sources), shared=shared)


def _video_of(clip_id: str) -> str | None:
    try:
        return split_clip_id(clip_id)[0]
    except ValueError:
        return None  # a clip of the user's own, which no data set annotates


def label_counts(available: Mapping[str, int]) -> dict[str, int]:
    """Return how many clips each label gets by steps 2 to 4 of the rule, in the order of Table B2.

    Args:
        available: number of candidates of each of the 39 labels.

    Raises:
        ValueError: a label has no candidate, or no counts reach the paper's totals.
    """
    without = [label for label, clips in available.items() if clips < 1]
    if without:
        raise ValueError(f"available: no candidate for {', '.join(without)}; every label needs one")
    labels = {c: [label for label in available if category_of(label) == c] for c in CATEGORIES}
    limits = [tuple(sorted((available[label] for label in labels[c]), reverse=True)) for c in CATEGORIES]
    for largest in range(1, max(available.values()) + 1):
        chosen = _nearest_counts([list(_category_counts(limit, largest)) for limit in limits])
        if chosen is not None:
            break
    else:
        raise ValueError(f"available: no counts with squares {CATEGORY_SQUARES} and {LABEL_SQUARES} fit the candidates")
    assigned: dict[str, int] = {}
    for category, counts in zip(CATEGORIES, chosen, strict=True):
        order = sorted(labels[category], key=lambda label: (-available[label], rank(RULE_VERSION, "label", label)))
        assigned.update(zip(order, counts, strict=True))
    return {label: assigned[label] for label in available}


def _one_per_video(candidates: pd.DataFrame) -> pd.DataFrame:
    table = candidates.assign(
        video=[split_clip_id(clip)[0] for clip in candidates["clip_id"]],
        scarce=candidates["label"].map(candidates["label"].value_counts()),
        rank=[rank(RULE_VERSION, "video", clip) for clip in candidates["clip_id"]],
    )
    return table.sort_values(["scarce", "rank"]).drop_duplicates("video").drop(columns=["video", "scarce", "rank"])


def _category_counts(limits: Counts, largest: int) -> Iterator[Counts]:
    """Yield every non-increasing tuple of counts from 1 to `largest`, none above its place's limit."""
    if not limits:
        yield ()
        return
    for clips in range(1, min(limits[0], largest) + 1):
        for rest in _category_counts(limits[1:], clips):
            yield (clips, *rest)


def _nearest_counts(options: list[list[Counts]]) -> list[Counts] | None:
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
        chosen.append(min(good, key=lambda counts: rank(RULE_VERSION, "counts", category, *map(str, counts))))
        left = _minus(left, _totals(chosen[-1]))
    return chosen


def _totals(counts: Counts) -> Totals:
    return sum(counts), sum(counts) ** 2, sum(clips**2 for clips in counts)


def _minus(left: Totals, used: Totals) -> Totals:
    return left[0] - used[0], left[1] - used[1], left[2] - used[2]
