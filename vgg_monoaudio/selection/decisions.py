"""Decisions of people about candidate clips: recorded, applied, their conflicts listed.

A row of `curation.csv` is what one reviewer decided about one clip. A later row of the same reviewer about the same
clip replaces the earlier one, so a file only ever grows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Protocol, TypeVar

import pandas as pd

from foundation.files import PathLike
from vgg_monoaudio.selection.clip_ids import WINDOW_SECONDS, split_clip_id
from vgg_monoaudio.selection.decision_files import BadCuration as BadCuration
from vgg_monoaudio.selection.decision_files import DecisionFile, as_text, yes_or_no
from vgg_monoaudio.taxonomy import category_of

CRITERIA = ("single_source", "visible", "label_matches")
SCENE_SECONDS = 8  # what a source contributes of its 10 s
AUTO_REVIEWER = "auto"  # reviewers of this name, or "auto:...", are programs


class Said(Protocol):
    """What somebody said, of a clip or of a pair."""

    @property
    def reviewer(self) -> str:
        """Who."""


Kind = TypeVar("Kind", bound=Said)
Subject = TypeVar("Subject", str, tuple[str, str, str, str])


@dataclass(frozen=True)
class Decision:
    """What one reviewer decided about one clip.

    Attributes:
        clip_id: as VGGSound names it.
        single_source: one audible source, little background noise or off-screen sound.
        visible: the sounding object is clearly visible.
        label_matches: the label is precisely what sounds.
        label: one of the 39 labels; where the datasets differ, the one chosen.
        start_offset_seconds: where the 8 s that the clip contributes begin, within its 10 s: 0 to 2.
        reviewer: who; "auto:..." for a program.
        note: free text.
        time: when, ISO 8601.
    """

    clip_id: str
    single_source: bool
    visible: bool
    label_matches: bool
    label: str
    start_offset_seconds: float
    reviewer: str
    note: str
    time: str

    def __post_init__(self) -> None:
        split_clip_id(self.clip_id)
        category_of(self.label)
        latest = WINDOW_SECONDS - SCENE_SECONDS
        if not 0 <= self.start_offset_seconds <= latest:
            raise ValueError(f"start_offset_seconds: expected 0 to {latest}, got {self.start_offset_seconds}")
        check_reviewer_and_time(self.reviewer, self.time)

    @property
    def automatic(self) -> bool:
        """Whether a program decided."""
        return is_program(self.reviewer)

    @property
    def accepted(self) -> bool:
        """Whether the clip meets all three criteria."""
        return self.single_source and self.visible and self.label_matches


def is_program(reviewer: str) -> bool:
    """Tell whether a reviewer's name is that of a program."""
    return reviewer.partition(":")[0] == AUTO_REVIEWER


def last_words_about(decisions: Iterable[Kind], subject: Callable[[Kind], Subject]) -> dict[Subject, list[Kind]]:
    """Return, for each subject in order, each reviewer's last decision; programs only where no person decided.

    "Last" is by place, not by time: clocks of several machines differ, the order of a file does not.

    Args:
        decisions: in the order in which they were made.
        subject: what a decision is about.
    """
    latest: dict[Subject, dict[str, Kind]] = {}
    for decision in decisions:
        latest.setdefault(subject(decision), {})[decision.reviewer] = decision
    counted = {}
    for about in sorted(latest):
        votes = sorted(latest[about].values(), key=lambda vote: vote.reviewer)
        counted[about] = [vote for vote in votes if not is_program(vote.reviewer)] or votes
    return counted


def check_reviewer_and_time(reviewer: str, time: str) -> None:
    """Refuse a decision of nobody, or of no known time.

    Raises:
        ValueError: the name is empty, or the time is not ISO 8601.
    """
    if not reviewer.strip():
        raise ValueError("reviewer: expected a name, got none")
    datetime.fromisoformat(time)


def read_decisions(path: PathLike) -> list[Decision]:
    """Return the decisions of a `curation.csv`, in the order of the file.

    Raises:
        BadCuration: not UTF-8, the header is another one, or lines are malformed; all are named.
    """
    return CURATION.read(path)


def append_decisions(path: PathLike, decisions: Iterable[Decision]) -> None:
    """Add decisions to a `curation.csv`; makes the file, with its header, where there is none.

    Raises:
        BadCuration: the file exists and has another header.
    """
    CURATION.append(path, decisions)


def automatic_decisions(screened: pd.DataFrame, *, label_version: str, time: str) -> list[Decision]:
    """Return what the screening alone would decide, one decision per screened clip, marked as automatic.

    They let a benchmark be built the same day. Where a person decides about a clip too, only that decision counts.
    A clip screened under several labels gets the decision on the first that is proposed, else on the first.

    Args:
        screened: what `vgg_monoaudio.selection.screening.screen` returns.
        label_version: of VGGSounder; becomes part of the reviewer's name.
        time: ISO 8601, the same for all.
    """
    best = screened.sort_values(["clip_id", "proposed"], ascending=[True, False], kind="stable")
    return [
        Decision(
            clip_id=row["clip_id"],
            **{criterion: bool(row[criterion]) for criterion in CRITERIA},
            label=row["label"],
            start_offset_seconds=0.0,
            reviewer=f"{AUTO_REVIEWER}:vggsounder-{label_version}",
            note=row["evidence"],
            time=time,
        )
        for row in best.drop_duplicates("clip_id").to_dict("records")
    ]


def new_automatic_decisions(
    screened: pd.DataFrame, earlier: Iterable[Decision], *, label_version: str, time: str
) -> list[Decision]:
    """Return the automatic decisions that `earlier` does not hold yet, so that filling a file twice changes nothing.

    Args:
        screened: what is to be decided.
        earlier: decisions that are there.
        label_version: of VGGSounder.
        time: ISO 8601, the same for all; a decision that differs in time alone is not a new one.
    """
    known = {_without_time(decision) for decision in earlier}
    made = automatic_decisions(screened, label_version=label_version, time=time)
    return [decision for decision in made if _without_time(decision) not in known]


def _decision(values: Mapping[str, str]) -> Decision:
    """Return the decision of a row of text."""
    try:
        offset = float(values["start_offset_seconds"])
    except ValueError:
        raise ValueError(f"start_offset_seconds: expected a number, found {values['start_offset_seconds']!r}") from None
    return Decision(
        clip_id=values["clip_id"],
        single_source=yes_or_no(values, "single_source"),
        visible=yes_or_no(values, "visible"),
        label_matches=yes_or_no(values, "label_matches"),
        label=values["label"],
        start_offset_seconds=offset,
        reviewer=values["reviewer"],
        note=values["note"],
        time=values["time"],
    )


def _cells(decision: Decision) -> list[str]:
    return [as_text(value) for value in asdict(decision).values()]


def _without_time(decision: Decision) -> tuple[object, ...]:
    return (
        decision.clip_id, decision.single_source, decision.visible, decision.label_matches, decision.label,
        decision.start_offset_seconds, decision.reviewer, decision.note,
    )  # fmt: skip


COLUMNS = [field.name for field in fields(Decision)]
CURATION = DecisionFile(
    COLUMNS, _decision, _cells,
    absent="no such file of decisions; `curate apply --auto` makes one from the screening",
)  # fmt: skip
