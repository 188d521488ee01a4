"""The list that a benchmark is built from, `lists/r2.csv`, its reserves, and the rule that makes both of two data sets.

The rule, version r2. No step looks at anything but the screening, VGGSound's own label of each clip, the totals of the
paper and the words "r2":

1. Candidates are the clips that the screening proposes (`vgg_monoaudio.selection.screening`, VGGSounder 1.0) and that
   VGGSound itself gives the label in question (`labels.csv`), or one that counts as the same sound (`synonyms.csv`). Of
   a label without any such clip, all that the screening proposes are candidates; what VGGSound calls them stands in
   `reason`.
2. One candidate per video, as in rule r1.
3. Counts per label and category as in rule r1, steps 2 to 4 (`vgg_monoaudio.selection.counts`). A label whose
   candidates are all in conflict counts as having one, so that as few clips as possible are in conflict.
4. Of a label's candidates: those first in which VGGSounder saw no other, silent object; then by rank.

Reserves are the substitutes of a label's clips: of the other clips that the screening proposes, one per video and none
of a video on the list, first those on which both data sets agree, then the rest with the conflict stated; in each part
in the order of step 4. A label has at most five for each of its clips.

A rank is `vgg_monoaudio.draws.rank("r2", ...)`.
"""

from collections.abc import Mapping
from functools import cache

import pandas as pd

from vgg_monoaudio.selection.clip_ids import split_clip_id
from vgg_monoaudio.selection.counts import label_counts
from vgg_monoaudio.selection.drawing import draw, in_order, one_per_video
from vgg_monoaudio.selection.screening import same_sounds
from vgg_monoaudio.taxonomy import load_labels

RULE_VERSION = "r2"
R2_COLUMNS = ["clip_id", "label", "category", "evidence", "vggsound_label", "reason", "rule_version"]
RESERVE_COLUMNS = [*R2_COLUMNS[:6], "rank", "rule_version"]
RESERVES_PER_CLIP = 5


def agrees(label: str, vggsound_label: str) -> bool:
    """Return whether VGGSound's label of a clip is one of the 39 in its spelling, or counts as the same sound.

    Args:
        label: one of the 39.
        vggsound_label: what VGGSound calls the clip.
    """
    return vggsound_label in _agreeing()[label]


def with_agreement(screened: pd.DataFrame, own_labels: Mapping[str, str]) -> pd.DataFrame:
    """Return what the screening proposes, with VGGSound's own label of each clip and whether it agrees.

    Args:
        screened: what `vgg_monoaudio.selection.screening.screen` returns.
        own_labels: VGGSound's label of every clip that is proposed, as VGGSound spells it.

    Returns:
        The proposed rows with two more columns: vggsound_label, and agrees (bool).

    Raises:
        ValueError: a clip that is proposed has no label in `own_labels`.
    """
    proposed = screened[screened["proposed"]]
    unknown = sorted(set(proposed["clip_id"]) - set(own_labels))
    if unknown:
        raise ValueError(
            f"own_labels: VGGSound's label of {len(unknown)} proposed clips is missing, the first is {unknown[0]}; "
            "expected one for each"
        )
    own = [own_labels[clip] for clip in proposed["clip_id"]]
    agreeing = [agrees(label, given) for label, given in zip(proposed["label"], own, strict=True)]
    return proposed.assign(vggsound_label=own, agrees=agreeing)


def eligible(proposed: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates by step 1 of the rule, their `reason` filled in.

    Args:
        proposed: what `with_agreement` returns.
    """
    agreed = proposed[proposed["agrees"]]
    without = proposed[~proposed["label"].isin(set(agreed["label"]))]
    screened = without["label"].map(without["label"].value_counts())
    reasons = [
        f"{_conflict(label)}; on none of the {clips} clips screened for this label do both data sets agree"
        for label, clips in zip(without["vggsound_label"], screened, strict=True)
    ]
    return pd.concat([agreed.assign(reason=""), without.assign(reason=reasons)])


def derive_r2(screened: pd.DataFrame, own_labels: Mapping[str, str]) -> pd.DataFrame:
    """Return the list that rule r2 makes: `R2_COLUMNS`, in the order of Table B2, then of clip id.

    Args:
        screened: what `vgg_monoaudio.selection.screening.screen` returns.
        own_labels: VGGSound's label of every clip that is proposed.

    Raises:
        ValueError: a proposed clip without VGGSound's label, or no counts with the paper's totals.
    """
    candidates = one_per_video(eligible(with_agreement(screened, own_labels)), RULE_VERSION)
    agreed = candidates.groupby("label")["agrees"].sum()
    available = {label: max(1, int(agreed[label])) if label in agreed else 0 for label in load_labels()["label"]}
    return draw(candidates, label_counts(available, RULE_VERSION), RULE_VERSION)[R2_COLUMNS]


def derive_reserves(screened: pd.DataFrame, own_labels: Mapping[str, str], listed: pd.DataFrame) -> pd.DataFrame:
    """Return the substitutes for the clips of a list: `RESERVE_COLUMNS`, by label as in Table B2, then by rank from 1.

    Args:
        screened: what `vgg_monoaudio.selection.screening.screen` returns.
        own_labels: VGGSound's label of every clip that is proposed.
        listed: the list, columns clip_id and label.

    Raises:
        ValueError: a proposed clip without VGGSound's label.
    """
    proposed = with_agreement(screened, own_labels)
    free = proposed[~_videos(proposed).isin(set(_videos(listed)))]
    agreed = one_per_video(free[free["agrees"]], RULE_VERSION).assign(reason="")
    rest = free[~free["agrees"] & ~_videos(free).isin(set(_videos(agreed)))]
    rest = one_per_video(rest, RULE_VERSION)
    rest = rest.assign(reason=[_conflict(label) for label in rest["vggsound_label"]])
    ordered = pd.concat([in_order(agreed, RULE_VERSION), in_order(rest, RULE_VERSION)])
    wanted = RESERVES_PER_CLIP * listed["label"].value_counts()
    pools = [ordered[ordered["label"] == label].head(int(wanted[label])) for label in load_labels()["label"]]
    ranked = [pool.assign(rank=range(1, len(pool) + 1)) for pool in pools]
    reserves: pd.DataFrame = pd.concat(ranked, ignore_index=True).assign(rule_version=RULE_VERSION)
    return reserves[RESERVE_COLUMNS]


@cache
def _agreeing() -> dict[str, frozenset[str]]:
    same = same_sounds()
    pairs = load_labels()[["label", "vggsound"]].itertuples(index=False)
    return {label: frozenset({theirs, *same[theirs]}) for label, theirs in pairs}


def _conflict(vggsound_label: str) -> str:
    return f"VGGSound labels it {vggsound_label}"


def _videos(clips: pd.DataFrame) -> pd.Series:
    return clips["clip_id"].map(lambda clip: split_clip_id(clip)[0])
