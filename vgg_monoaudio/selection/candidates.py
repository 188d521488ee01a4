"""From two datasets to candidate clips: their common videos, then the clips with a single sound event."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vgg_monoaudio.selection.clip_ids import WINDOW_SECONDS
from vgg_monoaudio.taxonomy import category_of, label_from

EXPECTED_COMMON_VIDEOS = 907  # with the official files, appendix B.1 of arXiv:2512.02650

CANDIDATE_COLUMNS = {
    "clip_id": "str",
    "youtube_id": "str",
    "start_seconds": "int64",
    "vggsound": "str",
    "unav100": "str",
    "label": "str",
    "category": "str",
    "labels_differ": "bool",
}
FUNNEL_COLUMNS = {"stage": "str", "clips": "int64", "dropped": "int64", "why": "str"}


@dataclass(frozen=True)
class Candidates:
    """Clips that may become sources, and how they were found.

    Attributes:
        clips: sorted by clip id, columns `CANDIDATE_COLUMNS`: the class each dataset gives in its own spelling, the
            label of Table B2 that follows ("" where the two datasets lead to different ones), its category, and
            whether the datasets differ, so that a person has to choose.
        funnel: one row per stage, columns `FUNNEL_COLUMNS`: clips left, dropped by this stage, and why.
        dropped: one row per dropped clip: clip_id, stage, reason.
        common_videos: number of videos that both datasets have.
        notes: what a reader of the funnel has to know: a count other than expected, events that could not be placed.
    """

    clips: pd.DataFrame
    funnel: pd.DataFrame
    dropped: pd.DataFrame
    common_videos: int
    notes: tuple[str, ...]


def find_candidates(
    vggsound: pd.DataFrame,
    events: pd.DataFrame,
    trims: pd.DataFrame | None = None,
    *,
    expected_common_videos: int | None = EXPECTED_COMMON_VIDEOS,
) -> Candidates:
    """Return the test clips whose video UnAV-100 annotates with exactly one sound event, and one we have a label for.

    An event counts for a clip if it overlaps the clip's 10 s window. UnAV-100 times its events within videos that it
    trimmed, so this needs `trims`; for a video without a row there, all its events count.

    Args:
        vggsound: clips, `read_vggsound(...).rows`; only split "test" is used.
        events: `read_unav100(...).events`.
        trims: `read_trims(...).rows`, or None if that file is not available.
        expected_common_videos: another number of common videos is noted; None expects none in particular.

    Raises:
        ValueError: a trimmed video is listed twice.

    Source:
        Appendix B.1 of arXiv:2512.02650: 907 common videos, then clips with more than one unique event are removed.
    """
    test = vggsound[vggsound["split"] == "test"].sort_values("clip_id", ignore_index=True)
    common = test[test["youtube_id"].isin(events["youtube_id"])]
    videos = int(common["youtube_id"].nunique())
    stages: list[tuple[str, int, int, str]] = [("VGGSound test clips", len(test), 0, "")]
    stages.append(("video also in UnAV-100", len(common), len(test) - len(common), "UnAV-100 does not have the video"))
    counted = _events_in_windows(common, events, trims)
    names = counted.groupby("clip_id")["label"].agg(lambda labels: sorted(set(labels))).to_dict()
    rows, lost = [], []
    for clip in common.to_dict("records"):
        found = names.get(clip["clip_id"], [])
        drop = _reason_to_drop(clip["label"], found)
        if drop:
            lost.append((clip["clip_id"], *drop))
        else:
            rows.append(_candidate(clip, found[0]))
    dropped = pd.DataFrame(lost, columns=pd.Index(["clip_id", "stage", "reason"]), dtype="str")
    for stage, why in _STAGES.items():
        gone = int((dropped["stage"] == stage).sum())
        stages.append((stage, stages[-1][1] - gone, gone, why))
    return Candidates(
        clips=pd.DataFrame(rows, columns=pd.Index(list(CANDIDATE_COLUMNS))).astype(CANDIDATE_COLUMNS),
        funnel=pd.DataFrame(stages, columns=pd.Index(list(FUNNEL_COLUMNS))).astype(FUNNEL_COLUMNS),
        dropped=dropped,
        common_videos=videos,
        notes=_notes(common, trims, videos, expected_common_videos),
    )


_STAGES = {
    "an event in the clip's window": "no event of the video falls into the clip's 10 s",
    "a single sound event": "more than one unique event",
    "one of the 39 labels": "neither dataset's class is one of the 39 labels",
}


def _reason_to_drop(vggsound: str, found: list[str]) -> tuple[str, str] | None:
    """Return the stage that drops a clip of this class with these events, and the reason; None if it stays."""
    no_event, several, no_label = _STAGES
    if not found:
        return no_event, _STAGES[no_event]
    if len(found) > 1:
        return several, f"{len(found)} unique events: {', '.join(found)}"
    if label_from("vggsound", vggsound) is None and label_from("unav100", found[0]) is None:
        return no_label, f"VGGSound: {vggsound}; UnAV-100: {found[0]}"
    return None


def _candidate(clip: Mapping[Hashable, Any], unav100: str) -> dict[str, Any]:
    first, second = label_from("vggsound", clip["label"]), label_from("unav100", unav100)
    label = first or second or ""
    if first and second and first != second:
        label = ""
    return {
        **{name: clip[name] for name in ("clip_id", "youtube_id", "start_seconds")},
        "vggsound": clip["label"],
        "unav100": unav100,
        "label": label,
        "category": category_of(label) if label else "",
        "labels_differ": first != second,
    }


def _events_in_windows(clips: pd.DataFrame, events: pd.DataFrame, trims: pd.DataFrame | None) -> pd.DataFrame:
    """Return clip_id and label of every event that counts for a clip."""
    both = clips[["clip_id", "youtube_id", "start_seconds"]].merge(
        events[["youtube_id", "start_seconds", "end_seconds", "label"]], on="youtube_id", suffixes=("", "_event")
    )
    if trims is None:
        return both[["clip_id", "label"]]
    cut = trims[["youtube_id", "start_seconds"]].rename(columns={"start_seconds": "cut_seconds"})
    if cut["youtube_id"].duplicated().any():
        raise ValueError(f"trims: {cut['youtube_id'][cut['youtube_id'].duplicated()].iloc[0]} is listed twice")
    both = both.merge(cut, on="youtube_id", how="left")
    window_start = both["start_seconds"] - both["cut_seconds"]
    inside = (both["start_seconds_event"] < window_start + WINDOW_SECONDS) & (both["end_seconds"] > window_start)
    return both.loc[inside | both["cut_seconds"].isna(), ["clip_id", "label"]]


def _notes(
    common: pd.DataFrame, trims: pd.DataFrame | None, videos: int, expected_common_videos: int | None
) -> tuple[str, ...]:
    notes = []
    if expected_common_videos is not None and videos != expected_common_videos:
        notes.append(
            f"expected {expected_common_videos} videos common to VGGSound's test split and UnAV-100, found {videos}; "
            "check that both files are the official ones and were read without problems"
        )
    if trims is None:
        notes.append("no trim offsets given: for every clip all events of its video count, not only those in its 10 s")
    else:
        untrimmed = sorted(set(common["youtube_id"]) - set(trims["youtube_id"]))
        if untrimmed:
            notes.append(
                f"no trim offset for {len(untrimmed)} of {videos} videos, so all their events count: "
                + ", ".join(untrimmed)
            )
    return tuple(notes)
