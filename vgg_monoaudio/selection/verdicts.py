"""What decisions amount to: each clip accepted or rejected, and where reviewers differ."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from vgg_monoaudio.selection.decision_files import as_text
from vgg_monoaudio.selection.decisions import CRITERIA, Decision, last_words_about
from vgg_monoaudio.taxonomy import category_of


@dataclass(frozen=True)
class Applied:
    """Decisions turned into sources.

    Attributes:
        sources: accepted clips, columns clip_id, label, category, start_offset_seconds, reviewers; sorted by clip id.
        rejected: the others, columns clip_id, reason.
    """

    sources: pd.DataFrame
    rejected: pd.DataFrame


def apply_decisions(decisions: Iterable[Decision]) -> Applied:
    """Return the sources that the decisions accept, and why each other clip is rejected.

    Each reviewer's last decision on a clip counts. If a person judged a clip, automatic decisions on it are ignored. A
    criterion is met if more than half of the reviewers say so; the label and the offset are those that more than half
    name, the offset of those who accept the clip. A tie rejects the clip: see `conflicts`, and let another reviewer
    decide.
    """
    sources, rejected = [], []
    for clip, votes in last_words(decisions).items():
        objections = [_objection(name, [getattr(v, name) for v in votes]) for name in CRITERIA]
        label = _majority([v.label for v in votes])
        offset = _majority([v.start_offset_seconds for v in votes_on("start_offset_seconds", votes)])
        reasons = [objection for objection in objections if objection]
        if label is None:
            reasons.append(f"reviewers differ on the label: {', '.join(sorted({v.label for v in votes}))}")
        if offset is None:
            reasons.append("reviewers differ on where the 8 s begin")
        if reasons:
            rejected.append((clip, "; ".join(reasons)))
        else:
            reviewers = ", ".join(sorted(v.reviewer for v in votes))
            sources.append((clip, label, category_of(str(label)), offset, reviewers))
    columns = ["clip_id", "label", "category", "start_offset_seconds", "reviewers"]
    return Applied(
        sources=pd.DataFrame(sources, columns=pd.Index(columns)),
        rejected=pd.DataFrame(rejected, columns=pd.Index(["clip_id", "reason"])),
    )


def conflicts(decisions: Iterable[Decision]) -> pd.DataFrame:
    """Return where reviewers differ: columns clip_id, criterion (or label, start_offset_seconds) and votes."""
    rows = []
    for clip, votes in last_words(decisions).items():
        for name in (*CRITERIA, "label", "start_offset_seconds"):
            asked = votes_on(name, votes)
            if len({getattr(vote, name) for vote in asked}) > 1:
                said = sorted((vote.reviewer, as_text(getattr(vote, name))) for vote in asked)
                rows.append((clip, name, "; ".join(f"{reviewer}: {value}" for reviewer, value in said)))
    return pd.DataFrame(rows, columns=pd.Index(["clip_id", "criterion", "votes"]), dtype="str")


def last_words(decisions: Iterable[Decision]) -> dict[str, list[Decision]]:
    """Return each reviewer's last decision on each clip, in order of its id; see `last_words_about`."""
    return last_words_about(decisions, lambda decision: decision.clip_id)


def votes_on(name: str, votes: Sequence[Decision]) -> Sequence[Decision]:
    """Return the votes that count for a column: those who accept a clip, if any do, say where the 8 s begin."""
    if name != "start_offset_seconds":
        return votes
    return [vote for vote in votes if vote.accepted] or votes


def _majority(values: Sequence[str | float]) -> str | float | None:
    """Return the value that more than half of the list has, or None."""
    return next((value for value in values if 2 * values.count(value) > len(values)), None)


def _objection(criterion: str, votes: Sequence[bool]) -> str:
    """Return why a criterion is not met, "" if it is."""
    if 2 * sum(votes) > len(votes):
        return ""
    if 2 * sum(votes) == len(votes):
        return f"{criterion}: undecided, {sum(votes)} of {len(votes)} say yes"
    return f"{criterion}: no, {sum(votes)} of {len(votes)} say yes"
