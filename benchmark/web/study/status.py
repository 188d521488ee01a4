"""How far a study is: counts, and nothing that names a person, a model or a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from statistics import median

from sqlalchemy import func
from sqlmodel import Session, col, select

from benchmark.web.study.raters import STEPS, UNSUITED
from benchmark.web.study.sitting import is_live, item_counts
from benchmark.web.study.study import Study
from benchmark.web.study.tables import Placement, Rater, Withdrawal


@dataclass(frozen=True)
class Status:
    """How far a study is.

    Attributes:
        items: that are judged.
        wanted: answers that each is to have.
        answers: that there are, without repeats and attention items.
        fewest: answers of an item.
        median: likewise.
        most: likewise.
        complete: items that have their number.
        raters: by the step at which they stand; only steps at which somebody does.
        active: raters who showed a sign of life within the time of a claim and have not ended.
        withdrawn: raters who had everything deleted.
        skipped: clips that were passed over.
        ended_early: raters who were given no more clips since too many failed.
        lacking: answers that are wanted and not there yet.
        raters_left: how many raters that comes to, at least.
        held: of those that are lacking, answers for which raters hold an item: the one on the page, and the next.
        held_by: how many raters do.
        held_until: when the last of these is free again if none of them shows a sign of life, local time (ISO 8601, to
            the minute); null: nothing is held.
        places_left: of those that are lacking, answers for which an item can be given now.
    """

    items: int
    wanted: int
    answers: int
    fewest: int
    median: float
    most: int
    complete: int
    raters: Mapping[str, int]
    active: int
    withdrawn: int
    skipped: int
    ended_early: int
    lacking: int
    raters_left: int
    held: int
    held_by: int
    held_until: str | None
    places_left: int

    @property
    def told_held(self) -> str:
        """What is held, by whom and how long, in words; empty: nothing is."""
        if self.held_until is None:
            return ""
        clock = datetime.fromisoformat(self.held_until).strftime("%H:%M")
        raters = "1 rater who is not done" if self.held_by == 1 else f"{self.held_by} raters who are not done"
        return f"{self.held} answers, by {raters}; free by {clock} if none of them goes on"


def status(study: Study) -> Status:
    """Return how far a study is; also while it is served."""
    with study.database.reading() as session:
        return _status(study, session, study.clock())


def _status(study: Study, session: Session, now: float) -> Status:
    wanted = study.design.raters_per_item
    found = _answered(session)
    answered = [found.get(item.item, 0) for item in study.design.items]
    steps = Counter(session.exec(select(Rater.step)))
    begun = col(Rater.step).not_in(["consent", "thanks", UNSUITED])
    active = session.exec(select(func.count()).select_from(Rater).where(begun, is_live(study, now))).one()
    lacking = study.assignment.places_left(found)
    left = study.assignment.places_left(item_counts(study, session, now))
    held_by, seen_at = _holders(study, session, now)
    return Status(
        items=len(answered), wanted=wanted, answers=sum(answered), fewest=min(answered), median=median(answered),
        most=max(answered), complete=sum(count >= wanted for count in answered),
        raters={step: steps[step] for step in (*STEPS, UNSUITED) if steps[step]}, active=active,
        withdrawn=session.exec(select(func.count()).select_from(Withdrawal)).one(),
        skipped=session.exec(select(func.count()).where(Placement.state == "skipped")).one(),
        ended_early=session.exec(select(func.count()).select_from(Rater).where(col(Rater.ended_early))).one(),
        lacking=lacking, raters_left=ceil(lacking / study.design.items_per_rater),
        held=lacking - left, held_by=held_by,
        held_until=None if lacking == left else _minute_after(seen_at + 60 * study.design.claim_minutes),
        places_left=left,
    )  # fmt: skip


def _answered(session: Session) -> dict[str, int]:
    """Return how many answers each item has that has any, by its id."""
    query = (
        select(Placement.item, func.count())
        .where(Placement.role == "item", Placement.state == "answered")
        .group_by(Placement.item)
    )
    return dict(session.exec(query).all())


def _holders(study: Study, session: Session, now: float) -> tuple[int, float]:
    """Return how many raters hold items, and when the last of them showed a sign of life (0.0: there is none)."""
    claimed = Placement.role == "item", Placement.state == "claimed"
    query = (
        select(func.count(col(Rater.id).distinct()), func.max(Rater.seen_at))
        .join(Placement, col(Placement.rater_id) == col(Rater.id))
        .where(*claimed, is_live(study, now))
    )
    raters, seen_at = session.exec(query).one()
    return raters, seen_at or 0.0


def _minute_after(moment: float) -> str:
    """Return the first full minute that is not before a moment, by this machine's clock and time zone."""
    return datetime.fromtimestamp(60 * ceil(moment / 60)).astimezone().isoformat(timespec="minutes")
