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

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from vgg_monoaudio.selection import counts
from vgg_monoaudio.selection.clip_ids import split_clip_id
from vgg_monoaudio.selection.counts import CATEGORY_SQUARES, CLIPS, LABEL_SQUARES
from vgg_monoaudio.selection.drawing import draw, list_as_csv, one_per_video
from vgg_monoaudio.taxonomy import load_labels

__all__ = [
    "CATEGORY_SQUARES", "CLIPS", "LABEL_SQUARES", "LIST_COLUMNS", "R1_COLUMNS", "RULE_VERSION", "Overlap",
    "derive_list", "label_counts", "list_as_csv", "overlap_with_unav100",
]  # fmt: skip

RULE_VERSION = "r1"
R1_COLUMNS = ["clip_id", "label", "category", "evidence", "rule_version"]
LIST_COLUMNS = R1_COLUMNS  # their name in 0.1.0


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
    candidates = one_per_video(screened[screened["proposed"]], RULE_VERSION)
    available = candidates["label"].value_counts().to_dict()
    wanted = label_counts({label: int(available.get(label, 0)) for label in load_labels()["label"]})
    return draw(candidates, wanted, RULE_VERSION)[R1_COLUMNS]


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
    """Return how many clips each label gets by rule r1: `vgg_monoaudio.selection.counts.label_counts`."""
    return counts.label_counts(available, RULE_VERSION)
