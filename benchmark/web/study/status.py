"""How far a study is: counts, and nothing that names a person, a model or a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
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
        places_left: answers that are still wanted and not claimed.
        raters_left: how many raters that comes to, at least.
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
    places_left: int
    raters_left: int


def status(study: Study) -> Status:
    """Return how far a study is; also while it is served."""
    with study.database.reading() as session:
        return _status(study, session, study.clock())


def _status(study: Study, session: Session, now: float) -> Status:
    wanted = study.design.raters_per_item
    answered = _answered(study, session)
    steps = Counter(session.exec(select(Rater.step)))
    begun = col(Rater.step).not_in(["consent", "thanks", UNSUITED])
    active = session.exec(select(func.count()).select_from(Rater).where(begun, is_live(study, now))).one()
    left = study.assignment.places_left(item_counts(study, session, now))
    return Status(
        items=len(answered), wanted=wanted, answers=sum(answered), fewest=min(answered), median=median(answered),
        most=max(answered), complete=sum(count >= wanted for count in answered),
        raters={step: steps[step] for step in (*STEPS, UNSUITED) if steps[step]}, active=active,
        withdrawn=session.exec(select(func.count()).select_from(Withdrawal)).one(),
        skipped=session.exec(select(func.count()).where(Placement.state == "skipped")).one(),
        ended_early=session.exec(select(func.count()).select_from(Rater).where(col(Rater.ended_early))).one(),
        places_left=left, raters_left=ceil(left / study.design.items_per_rater),
    )  # fmt: skip


def _answered(study: Study, session: Session) -> list[int]:
    query = (
        select(Placement.item, func.count())
        .where(Placement.role == "item", Placement.state == "answered")
        .group_by(Placement.item)
    )
    found = dict(session.exec(query).all())
    return [found.get(item.item, 0) for item in study.design.items]
