"""The tables of `answers.sqlite`. Times are seconds since 1970 by the server's clock; lists and mappings are JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel


class Rater(SQLModel, table=True):
    """A person, as far as a study knows one.

    Attributes:
        id: never given twice.
        key: random; what the cookie names.
        step: where the rater stands: consent, checks, tutorial, rate, questionnaire, thanks, or unsuited.
        seen_at: the last sign of life.
        panel: prolific or mturk; empty for who came by a plain link.
        panel_id: the panel's id of the person, the one thing here that may lead to one.
        panel_study: the panel's id of the study.
        panel_session: the panel's id of the first participation, which may be none; after a blank the latest, where the
            person came again with another.
        device: what the browser says of itself, JSON; empty before it is asked.
        headphones_passed: null before the check has been passed or its tries are used up.
        questionnaire: answers by id of the question, JSON.
        ended_early: clips failed, see `sitting.may_end`, and the rater judged no more.
        code_mark: by which the rater is found whose deletion code is given, see `codes`.
    """

    __tablename__: ClassVar[Any] = "raters"
    __table_args__: ClassVar[Any] = (
        Index("one_of_a_panel", "panel", "panel_id", "panel_study", unique=True, sqlite_where=text("panel != ''")),
        Index("by_code", "code_mark"),
        Index("by_step", "step", "arrived_at"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    step: str
    arrived_at: float
    seen_at: float
    consented_at: float | None = None
    finished_at: float | None = None
    panel: str = ""
    panel_id: str = ""
    panel_study: str = ""
    panel_session: str = ""
    device: str = ""
    headphone_tries: int = 0
    headphones_passed: bool | None = None
    questionnaire: str = ""
    ended_early: bool = False
    code_mark: str = ""


class Placement(SQLModel, table=True):
    """One item given to one rater.

    Attributes:
        position: place in the rater's session, from 1 on.
        state: claimed, answered, or skipped (a clip that does not play; `reason` says more).
        swapped: of two answers the second was shown first.
        started: when each clip was first started, JSON list, null where it was not.
        starts: how often each was, JSON list.
        plays: how often each was played as the browser counts, JSON list.
        answers: criterion to points, or to a, b or tie, JSON.
        focus_losses: how often the page was left while a clip played.
        key: drawn by the browser for one answer: what is sent again is known by it.
    """

    __tablename__: ClassVar[Any] = "placements"
    __table_args__: ClassVar[Any] = (
        Index("one_at_a_place", "rater_id", "position", unique=True),
        Index("by_state", "role", "state", "item"),
        {"sqlite_autoincrement": True},  # a token of one that was dropped must not come to name another
    )

    id: int | None = Field(default=None, primary_key=True)
    rater_id: int = Field(foreign_key="raters.id")
    position: int
    role: str
    item: str
    swapped: bool
    state: str
    claimed_at: float
    started: str
    starts: str
    answered_at: float | None = None
    answers: str = ""
    plays: str = ""
    focus_losses: int = 0
    key: str = ""
    reason: str = ""


class Withdrawal(SQLModel, table=True):
    """That somebody withdrew, and when; nothing of whom."""

    __tablename__: ClassVar[Any] = "withdrawals"

    id: int | None = Field(default=None, primary_key=True)
    at: float


class Seal(SQLModel, table=True):
    """With which secret the study signs: one row, a mark that only this secret makes."""

    __tablename__: ClassVar[Any] = "seals"

    id: int | None = Field(default=None, primary_key=True)
    mark: str
