"""Drawing a list of sources from candidates: what the rules of the lists that ship have in common."""

from collections.abc import Mapping

import pandas as pd

from vgg_monoaudio.draws import rank
from vgg_monoaudio.selection.clip_ids import split_clip_id


def one_per_video(candidates: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Return one candidate of each video: of several, one of the label with the fewest, then the first by rank.

    Args:
        candidates: rows of a screening, columns clip_id and label among them.
        rule: version of the rule that draws, such as "r1".
    """
    table = candidates.assign(
        video=[split_clip_id(clip)[0] for clip in candidates["clip_id"]],
        scarce=candidates["label"].map(candidates["label"].value_counts()),
        rank=[rank(rule, "video", clip) for clip in candidates["clip_id"]],
    )
    return table.sort_values(["scarce", "rank"]).drop_duplicates("video").drop(columns=["video", "scarce", "rank"])


def in_order(candidates: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Return candidates in the order in which a rule takes them: those without a silent object first, then by rank."""
    return candidates.assign(
        busy=candidates["silent_objects"] != "",
        rank=[rank(rule, "clip", clip) for clip in candidates["clip_id"]],
    ).sort_values(["busy", "rank"])


def draw(candidates: pd.DataFrame, counts: Mapping[str, int], rule: str) -> pd.DataFrame:
    """Return as many candidates of each label as it is to have, by label as `counts` has them, then by clip id."""
    ordered = in_order(candidates, rule)
    chosen = [ordered[ordered["label"] == label].head(clips).sort_values("clip_id") for label, clips in counts.items()]
    return pd.concat(chosen, ignore_index=True).assign(rule_version=rule)


def list_as_csv(sources: pd.DataFrame) -> bytes:
    """Return a list as the bytes of its file: UTF-8, one line feed a row, in the order given."""
    return sources.to_csv(index=False, lineterminator="\n").encode("utf-8")
