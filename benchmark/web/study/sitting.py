"""A rater at the items: which is next, when it may be answered, and what is kept of the answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import cast

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from benchmark.web.study.assignment import Seat
from benchmark.web.study.design import Item, Role
from benchmark.web.study.messages import Answered, Medium, Played, Refused, Scale, ShownItem, Skipped
from benchmark.web.study.raters import at_step, go_on, path_of
from benchmark.web.study.settings import POINTS
from benchmark.web.study.study import Study
from benchmark.web.study.tables import Placement, Rater
from benchmark.web.study.texts import filled

AHEAD = 2  # items claimed at a time: the one on the page, and the next, which is loaded beforehand
EARLY_SECONDS = 0.3  # that an answer may come early: a start is told when the request has arrived
FEWEST_SKIPS, SKIPPED_SHARE = 2, 0.2  # that every rater may pass over; of longer sessions, this share
FAULTS = ("load", "silent")  # reasons to pass over a clip that lie with the clip
ENDS_SHARE = 0.5  # of a session, answered, with which a rater may end when clips fail beyond that
BEFORE_ITEMS = ("consent", "checks", "tutorial")
_ELSEWHERE = "elsewhere"


def item_counts(study: Study, session: Session, now: float) -> Counter[str]:
    """Return answers and live claims of each item, by its id."""
    of_items = select(Placement.item, func.count()).where(Placement.role == "item").group_by(Placement.item)
    # Two queries: the first is answered by an index alone, however many answers there are.
    counts = Counter(dict(session.exec(of_items.where(Placement.state == "answered")).all()))
    claimed = of_items.where(Placement.state == "claimed").join(Rater, col(Rater.id) == col(Placement.rater_id))
    counts.update(dict(session.exec(claimed.where(is_live(study, now))).all()))
    return counts


def is_live(study: Study, now: float) -> ColumnElement[bool]:
    """Return the condition on a rater whose claims have not lapsed.

    A sign of life that lies as far ahead is as good as none: the machine's clock was set back since.
    """
    span = 60 * study.design.claim_minutes
    return col(Rater.seen_at).between(now - span, now + span)


def place_of(study: Study, session: Session, rater: Rater, now: float) -> str:
    """Return the page on which a rater is: who has not begun when every item has its raters need not begin."""
    full = rater.step in BEFORE_ITEMS and is_full(study, session, now)
    return "/complete" if full else path_of(rater)


def is_full(study: Study, session: Session, now: float) -> bool:
    """Tell whether every item has its raters, or will have them once those who are at it have answered."""
    return study.assignment.places_left(item_counts(study, session, now)) == 0


def next_item(study: Study, session: Session, rater: Rater, now: float) -> ShownItem | str:
    """Return the item on which a rater is, claimed with the one after it; or where to go when there is none.

    Raises:
        Refused: 409, the rater is at another step.
    """
    at_step(rater, "rate")
    _seen(study, session, rater, now)
    placed = _placements(session, rater)
    _claim_ahead(study, session, rater, placed, now)
    waiting = [one for one in placed if one.state == "claimed"]
    if not waiting:
        return go_on(rater, study.design, now)
    number = len(placed) - len(waiting) + 1
    of = max(study.assignment.seats, number + 1) if len(waiting) == AHEAD else number
    later = [medium.url for one in waiting[1:] for medium in _media(study, rater, one)]
    return _shown(study, rater, waiting[0], number, of, tuple(later))


def played(study: Study, session: Session, rater: Rater, told: Played, now: float) -> None:
    """Keep when a clip was first started, and count its starts.

    Raises:
        BadToken: not an item of this rater.
        Refused: 409, it is no longer this rater's; 422, it has no such clip.
    """
    placement = _of_token(study, session, rater, told.token)
    _seen(study, session, rater, now, placement)
    started, starts = json.loads(placement.started), json.loads(placement.starts)
    if told.media >= len(started):
        raise Refused(422, f"media: expected 0 to {len(started) - 1}, got {told.media}")
    if placement.state == "claimed":
        if started[told.media] is None or started[told.media] > now:
            started[told.media] = now
        starts[told.media] += 1
        placement.started, placement.starts = json.dumps(started), json.dumps(starts)


def answer(study: Study, session: Session, rater: Rater, given: Answered, now: float) -> str:
    """Keep an answer; return where to go on. What is sent again is kept once, and answered as before.

    Raises:
        BadToken: not an item of this rater.
        Refused: 409, before the clip's end, or the item has another answer or was given to somebody else meanwhile;
            422, not an answer to what was asked.
    """
    placement = _of_token(study, session, rater, given.token)
    kept = json.dumps(_canonical(study, placement, given), sort_keys=True)
    if placement.state != "claimed":
        if placement.key == given.key and placement.answers == kept:
            return "item" if rater.step == "rate" else path_of(rater)
        raise Refused(409, "this clip has another answer already", code=_ELSEWHERE, next="item")
    at_step(rater, "rate")
    _check_heard(study, placement, now)
    _seen(study, session, rater, now, placement)
    placement.state, placement.answered_at, placement.answers = "answered", now, kept
    placement.plays = json.dumps(_plays(placement, given.plays))
    placement.focus_losses, placement.key = given.focus_losses, given.key
    return "item"


def skip(study: Study, session: Session, rater: Rater, told: Skipped, now: float) -> str:
    """Pass over an item that cannot be judged; return where to go on. What is sent again is kept once.

    Raises:
        BadToken: not an item of this rater.
        Refused: 409, it has an answer, or this rater has passed over as many as one may; tells whether the rater may
            end in place of that.
    """
    placement = _of_token(study, session, rater, told.token)
    if placement.state == "answered":
        raise Refused(409, "this clip has an answer already", code=_ELSEWHERE, next="item")
    if placement.state == "skipped":
        return "item" if rater.step == "rate" else path_of(rater)
    most, placed = most_skips(study), _placements(session, rater)
    used_up = sum(one.state == "skipped" for one in placed) >= most
    ends = used_up and may_end(study, placed, told.reason)
    if used_up and not (ends and told.ends):
        raise Refused(409, f"one may pass over {most} clips and no more", code="no_more_skips", may_end=ends)
    placement.state, placement.reason, placement.key = "skipped", told.reason, told.key
    placement.answered_at = now
    _seen(study, session, rater, now)
    return _end_early(study, session, rater, now) if ends else "item"


def may_end(study: Study, placed: Sequence[Placement], reason: str) -> bool:
    """Tell whether a rater may end who has passed over as many clips as one may, and meets one that fails again.

    Only who has answered half of a session may, attention items too: the reports of a browser prove nothing, and the
    code at the end must cost more than a few of them.
    """
    answered = sum(one.state == "answered" for one in placed)
    return reason.partition(":")[0] in FAULTS and answered >= ENDS_SHARE * study.assignment.seats


def _end_early(study: Study, session: Session, rater: Rater, now: float) -> str:
    """Give this rater no more items, and what waits to others; return where to go on."""
    for one in _placements(session, rater):
        if one.state == "claimed":
            session.delete(one)
    rater.ended_early = True
    return go_on(rater, study.design, now)


def most_skips(study: Study) -> int:
    """Return how many items a rater may pass over: who could pass over all would be done in no time."""
    return max(FEWEST_SKIPS, int(study.assignment.seats * SKIPPED_SHARE))


def _placements(session: Session, rater: Rater) -> list[Placement]:
    query = select(Placement).where(Placement.rater_id == rater.id).order_by(col(Placement.position))
    return list(session.exec(query))


def _seen(study: Study, session: Session, rater: Rater, now: float, at: Placement | None = None) -> None:
    """Keep a sign of life. Where the last was so long ago that claims have lapsed, those whose items are full go.

    The item `at` which the rater is may go one beyond its number, so that what was watched is not in vain.

    Raises:
        Refused: 409, the item has more than its number already.
    """
    lapsed = abs(now - rater.seen_at) > 60 * study.design.claim_minutes
    if lapsed:
        counts = item_counts(study, session, now)
        for one in _placements(session, rater):
            if one.state != "claimed" or one.role != "item":
                continue
            is_here = at is not None and one.id == at.id
            if counts[one.item] >= study.design.raters_per_item + is_here:
                if is_here:
                    raise _given_away()
                session.delete(one)
        session.flush()
    rater.seen_at = now


def _given_away() -> Refused:
    return Refused(409, "this clip was given to somebody else meanwhile", code=_ELSEWHERE, next="item")


def _claim_ahead(study: Study, session: Session, rater: Rater, placed: list[Placement], now: float) -> None:
    """Claim items until `AHEAD` wait or there are no more; add them to `placed`."""
    waiting = sum(one.state == "claimed" for one in placed)
    if waiting >= AHEAD or _time_is_up(study, placed):
        return
    counts = item_counts(study, session, now)
    while waiting < AHEAD:
        had = [
            Seat(cast(Role, one.role), one.item, one.state != "skipped") for one in placed
            if one.role != "attention" or one.state != "skipped"  # which stays due
        ]  # fmt: skip
        choice = study.assignment.choice(rater.key, had, counts)
        if choice is None:
            break
        clips = len(study.items[choice.item].answers)
        new = Placement(
            rater_id=cast(int, rater.id), position=placed[-1].position + 1 if placed else 1, role=choice.role,
            item=choice.item, swapped=choice.swapped, state="claimed", claimed_at=now,
            started=json.dumps([None] * clips), starts=json.dumps([0] * clips),
        )  # fmt: skip
        session.add(new)
        placed.append(new)
        if choice.role == "item":
            counts[choice.item] += 1
        waiting += 1
    session.flush()


def _time_is_up(study: Study, placed: Sequence[Placement]) -> bool:
    """Tell whether a further item would take a rater beyond the limit; pauses between items do not count."""
    limit = study.design.limit_seconds
    if limit is None:
        return False
    longest = 60 * study.design.claim_minutes  # an item left open overnight is not a night's work
    ended = [(one.answered_at, one) for one in placed if one.answered_at is not None]
    # A start that lies behind the end was told before the machine's clock was set back, and shortens nothing.
    spent = sum(min(max(0.0, end - min(_starts(one), default=end)), longest) for end, one in ended)
    return spent + (len(placed) - len(ended) + 1) * study.design.each_seconds > limit


def _starts(placement: Placement) -> list[float]:
    return [moment for moment in json.loads(placement.started) if moment is not None]


def _of_token(study: Study, session: Session, rater: Rater, token: str) -> Placement:
    number = study.tokens.opened("item", token, owner=rater.key)
    placement = session.get(Placement, number)
    if placement is None or placement.rater_id != rater.id:
        raise _given_away()
    return placement


def _check_heard(study: Study, placement: Placement, now: float) -> None:
    """Check that every clip has been started, and that all could be over by now.

    A start that lies ahead was told before the machine's clock was set back, and says nothing of when it was.
    """
    started = json.loads(placement.started)
    seconds = [answer.clip.seconds for answer in study.items[placement.item].answers]
    if any(moment is None or moment > now for moment in started):
        raise Refused(409, "this clip has not been played", code="unplayed", wait_seconds=sum(seconds))
    left = max(min(started) + sum(seconds), max(started) + max(seconds)) - EARLY_SECONDS - now
    if left > 0:
        raise Refused(409, "this clip is not over yet", code="early", wait_seconds=round(left, 2))


def _canonical(study: Study, placement: Placement, given: Answered) -> dict[str, int | str]:
    """Return the answers as they are kept: points, or a, b or tie whatever the order in which they were shown."""
    criteria = study.design.criteria
    if set(given.answers) != set(criteria):
        raise Refused(422, f"answers: expected {', '.join(criteria)}, got {', '.join(sorted(given.answers)) or 'none'}")
    if study.design.form == "rating":
        for name, points in given.answers.items():
            if not isinstance(points, int) or not 1 <= points <= POINTS:
                raise Refused(422, f"{name}: expected a whole number from 1 to {POINTS}")
        return given.answers
    sides = {"first": "b" if placement.swapped else "a", "second": "a" if placement.swapped else "b", "tie": "tie"}
    for name, side in given.answers.items():
        if side not in sides:
            raise Refused(422, f"{name}: expected first, second or tie")
    return {name: sides[str(side)] for name, side in given.answers.items()}


def _plays(placement: Placement, told: Sequence[int]) -> list[int]:
    """Return how often each clip was played: as the browser counts, else as starts were told; at least once."""
    starts = json.loads(placement.starts)
    return [max(1, count) for count in (told if len(told) == len(starts) else starts)]


def _media(study: Study, rater: Rater, placement: Placement) -> list[Medium]:
    """Return the clips of an item in the order in which they are shown."""
    clips = [answer.clip for answer in study.items[placement.item].answers]
    shown = clips[::-1] if placement.swapped else clips
    return [Medium(media_url(study, rater, clip.media), clip.seconds) for clip in shown]


def media_url(study: Study, rater: Rater, media: str) -> str:
    """Return the address of a clip, good for this rater alone."""
    return f"/media/{study.tokens.signed('media', media, owner=rater.key)}.mp4"


def scales(study: Study) -> tuple[Scale, ...]:
    """Return the criteria as they are shown."""
    return tuple(Scale(name, one.name, one.question, one.words) for name, one in study.design.criteria.items())


def _shown(study: Study, rater: Rater, placement: Placement, number: int, of: int, later: tuple[str, ...]) -> ShownItem:
    item = study.items[placement.item]
    return ShownItem(
        token=study.tokens.signed("item", cast(int, placement.id), owner=rater.key),
        form=study.design.form, number=number, of=of, media=tuple(_media(study, rater, placement)),
        prompt=item.prompt, criteria=scales(study), instruction=_instruction(study, item, placement),
        next_media=later,
    )  # fmt: skip


def _instruction(study: Study, item: Item, placement: Placement) -> str | None:
    """Return what an attention item asks for, in the study's words; None for every other."""
    if not item.expected:
        return None
    texts, wanted = study.design.texts["attention"], next(iter(item.expected.values()))
    if study.design.form == "rating":
        return filled(texts["rating"], number=wanted)
    first = (wanted == "a") != placement.swapped
    return filled(texts["preference"], side=texts["first" if first else "second"])
