"""Raters: who comes, where each stands, and how one leaves without a trace."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass

from sqlmodel import Session, col, delete, select

from benchmark.web.study.codes import mark_of_code, mark_of_key
from benchmark.web.study.design import FEWEST_RIGHT, TRIALS, Design, Trial
from benchmark.web.study.messages import Device, Questionnaire, Refused
from benchmark.web.study.settings import Question
from benchmark.web.study.study import Study
from benchmark.web.study.tables import Placement, Rater, Withdrawal
from vgg_monoaudio.draws import rank

STEPS = ("consent", "checks", "tutorial", "rate", "questionnaire", "thanks")
UNSUITED = "unsuited"
IDLE_SECONDS = 24 * 3600  # that the page of the consent may stay open
_MOST_AT_ONCE = 1000  # that are deleted while others wait
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of a panel; Prolific's have 24 characters
_PANELS = (
    ("prolific", ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")),
    ("mturk", ("workerId", "hitId", "assignmentId")),
)
_NOT_YET = "ASSIGNMENT_ID_NOT_AVAILABLE"  # Mechanical Turk's word for no participation: the same for everybody


@dataclass(frozen=True)
class Panel:
    """By which panel a rater comes, and what it calls the person, its study and this participation."""

    name: str
    person: str
    study: str
    session: str

    @classmethod
    def of(cls, query: dict[str, str]) -> Panel | None:
        """Return what an address tells: Prolific's `PROLIFIC_PID` or Mechanical Turk's `workerId`; else None.

        What is no id, such as the placeholder of a panel that was not filled in, names nobody: two people who bring it
        are two.
        """
        for name, keys in _PANELS:
            person, study, session = (_id_of(query.get(key, "")) for key in keys)
            if person:
                return cls(name, person, study, session)
        return None


def unusable_ids(query: dict[str, str]) -> list[str]:
    """Return the names under which an address tells ids of people that are none."""
    return [keys[0] for _, keys in _PANELS if query.get(keys[0]) and not _id_of(query[keys[0]])]


def without_session(query: dict[str, str]) -> list[str]:
    """Return the names of ids of participations that an address lacks though it names a person."""
    panel = Panel.of(query)
    return [] if panel is None or panel.session else [keys[2] for name, keys in _PANELS if name == panel.name]


def _id_of(given: str) -> str:
    return given if _ID.fullmatch(given) and given != _NOT_YET else ""


def arrived(study: Study, session: Session, panel: Panel | None, now: float) -> tuple[Rater, bool]:
    """Return a new rater, or the one that a panel has sent before; and whether that is sure to be the same person.

    A panel's id of a person is no secret; its id of a participation is told to that person alone. Who comes again with
    another one may have been given a new one, or be somebody else; where the first visit had none, anybody may be.
    """
    if panel is not None:
        known = select(Rater).where(
            Rater.panel == panel.name, Rater.panel_id == panel.person, Rater.panel_study == panel.study
        )
        found = session.exec(known).first()
        if found is not None:
            return found, _is_same(found, panel)
    key = secrets.token_hex(16)
    mark = mark_of_key(study.tokens, key)
    rater = Rater(key=key, step=STEPS[0], arrived_at=now, seen_at=now, code_mark=mark)
    if panel is not None:
        rater.panel, rater.panel_id = panel.name, panel.person
        rater.panel_study, rater.panel_session = panel.study, panel.session
    session.add(rater)
    session.flush()
    return rater, True


def _is_same(rater: Rater, panel: Panel) -> bool:
    """Compare the participation with the first, which may be none; keep it after that where it is another."""
    first = rater.panel_session.partition(" ")[0]
    if panel.session not in ("", first):
        rater.panel_session = f"{first} {panel.session}"
    return panel.session == first != ""


def find(session: Session, key: str) -> Rater | None:
    """Return the rater of a key."""
    return session.exec(select(Rater).where(Rater.key == key)).first()


def at_step(rater: Rater, step: str) -> None:
    """Check that a rater stands at a step.

    Raises:
        Refused: 409, the rater stands elsewhere; says where.
    """
    if rater.step != step:
        raise Refused(409, "you are at another step of the study", code="elsewhere", next=path_of(rater))


def path_of(rater: Rater) -> str:
    """Return the path of the page on which a rater is."""
    return "/complete" if rater.step == UNSUITED else f"/{rater.step}"


def go_on(rater: Rater, design: Design, now: float) -> str:
    """Bring a rater to the next step that this study has; return its path."""
    absent = {"tutorial": not design.tutorial, "questionnaire": not design.questionnaire}
    later = STEPS[STEPS.index(rater.step) + 1 :]
    rater.step = next(step for step in later if not absent.get(step))
    rater.seen_at = now
    if rater.step == "thanks":
        rater.finished_at = now
    return path_of(rater)


def check_device(rater: Rater, device: Device, design: Design, now: float) -> str:
    """Keep what a browser says of itself; return where to go on.

    Raises:
        Refused: 409, another step; 422, a browser that cannot play the clips.
    """
    at_step(rater, "checks")
    rater.device = device.model_dump_json()
    rater.seen_at = now
    if not device.can_play:
        raise Refused(422, "this browser cannot play the clips", code="cannot_play")
    return path_of(rater) if needs_headphones(rater, design) else go_on(rater, design, now)


def needs_headphones(rater: Rater, design: Design) -> bool:
    """Tell whether the headphone check is still to be done."""
    return bool(design.headphones) and rater.headphones_passed is None


def trials_of(rater: Rater, design: Design) -> list[Trial]:
    """Return the trials of a rater's present try, others for each try."""
    words = rater.key, str(rater.headphone_tries)
    drawn = sorted(design.headphones, key=lambda trial: rank(design.seed, *words, trial.sound))
    return drawn[:TRIALS]


def check_headphones(rater: Rater, answers: list[int], design: Design, now: float) -> tuple[bool, int]:
    """Judge a try; return whether it is passed, and how many are left. Where none is, the rater goes on or may not.

    Raises:
        Refused: 409, another step, or no check to be done; 422, another number of answers.
    """
    at_step(rater, "checks")
    if not rater.device or not needs_headphones(rater, design):
        raise Refused(409, "the headphone check is not due", code="elsewhere", next=path_of(rater))
    trials = trials_of(rater, design)
    if len(answers) != len(trials):
        raise Refused(422, f"answers: expected {len(trials)}, got {len(answers)}")
    right = sum(trial.softest == answer for trial, answer in zip(trials, answers, strict=True))
    rater.headphone_tries += 1
    rater.seen_at = now
    passed, left = right >= FEWEST_RIGHT, design.headphone_tries - rater.headphone_tries
    if not passed and left > 0:
        return False, left
    rater.headphones_passed = passed
    if passed or design.headphone_check == "warn":
        go_on(rater, design, now)
    else:
        rater.step = UNSUITED
    return passed, 0


def answer_questions(rater: Rater, given: Questionnaire, design: Design, now: float) -> str:
    """Keep the answers to the questionnaire; return where to go on.

    Raises:
        Refused: 409, another step; 422, an answer to no question, of another kind, or one that is missing.
    """
    at_step(rater, "questionnaire")
    known = {question.id: question for question in design.questionnaire}
    unknown = sorted(set(given.answers) - set(known))
    if unknown:
        raise Refused(422, f"{unknown[0]}: no such question")
    kept = {name: _checked(question, given.answers.get(name)) for name, question in known.items()}
    rater.questionnaire = json.dumps({name: value for name, value in kept.items() if value is not None})
    return go_on(rater, design, now)


def _checked(question: Question, value: int | float | str | None) -> int | float | str | None:
    if value is None or value == "":
        if question.required:
            raise Refused(422, f"{question.id}: expected an answer")
        return None
    if question.kind == "number" and (isinstance(value, str) or not abs(value) < 1e9):  # nor NaN
        raise Refused(422, f"{question.id}: expected a number")
    if question.kind == "choice" and value not in question.options:
        raise Refused(422, f"{question.id}: expected one of the options")
    if question.kind == "text" and not isinstance(value, str):
        raise Refused(422, f"{question.id}: expected text")
    return value


def of_code(study: Study, session: Session, code: str) -> Rater | None:
    """Return the rater of a deletion code."""
    return session.exec(select(Rater).where(Rater.code_mark == mark_of_code(study.tokens, code))).first()


def forget(session: Session, rater: Rater, now: float) -> None:
    """Delete a rater and everything that this rater has answered."""
    session.exec(delete(Placement).where(col(Placement.rater_id) == rater.id))
    session.exec(delete(Rater).where(col(Rater.id) == rater.id))
    session.add(Withdrawal(at=now))


def forget_idle(session: Session, now: float) -> bool:
    """Delete who came long ago and has not agreed to take part; return whether there was anybody."""
    near = col(Rater.arrived_at).between(now - IDLE_SECONDS, now + IDLE_SECONDS)
    idle = session.exec(select(Rater).where(Rater.step == STEPS[0], ~near).limit(_MOST_AT_ONCE)).all()
    for rater in idle:
        session.delete(rater)
    return bool(idle)
