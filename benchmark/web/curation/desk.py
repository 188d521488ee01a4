"""What one reviewer sees of the clips, and what happens to a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmark.web.curation.media import Clips, Footage
from benchmark.web.curation.rows import KeptRows
from benchmark.web.files import NoSuchFile
from vgg_monoaudio.selection.agreement import CriterionAgreement, agreement
from vgg_monoaudio.selection.decision_files import as_text
from vgg_monoaudio.selection.decisions import CRITERIA, Decision
from vgg_monoaudio.selection.queue import QueuedClip
from vgg_monoaudio.selection.verdicts import last_words, votes_on

COMPARED = (*CRITERIA, "label", "start_offset_seconds")


@dataclass(frozen=True)
class ClipLine:
    """A clip in the list.

    Attributes:
        id: of the clip.
        labels: those in question.
        mine: "accepted", "rejected" or "" for undecided.
        people: how many people decided about it.
        conflict: whether they differ.
        missing: why it cannot be shown, "" where it can, as far as is known.
        unusable: why it cannot be accepted, "" where it can, as far as is known.
    """

    id: str
    labels: tuple[str, ...]
    mine: str
    people: int
    conflict: bool
    missing: str
    unusable: str


@dataclass(frozen=True)
class ClipView:
    """A clip on the page.

    Attributes:
        clip: what the tables say of it.
        footage: its file.
        mine: this reviewer's decision.
        others: those of the others, programs too; hidden (empty) until this reviewer has decided.
        hidden: how many are hidden.
    """

    clip: QueuedClip
    footage: Footage
    mine: Decision | None
    others: tuple[Decision, ...]
    hidden: int


@dataclass(frozen=True)
class Difference:
    """A question that reviewers answer differently.

    Attributes:
        question: a criterion, or "label" or "start_offset_seconds".
        votes: (reviewer, answer), in the order of the names.
        settled: the answer of more than half of them, "" where there is none.
    """

    question: str
    votes: tuple[tuple[str, str], ...]
    settled: str


@dataclass(frozen=True)
class Conflict:
    """A clip about which reviewers differ."""

    clip_id: str
    differences: tuple[Difference, ...]
    notes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Standing:
    """How far the reviewers are, and how far they agree.

    Attributes:
        clips: that can be shown.
        missing: that cannot.
        reviewers: name and number of clips decided, people first come first.
        agreement: on each question.
    """

    clips: int
    missing: int
    reviewers: tuple[tuple[str, int], ...]
    agreement: tuple[CriterionAgreement, ...]


class Desk:
    """The queue of clips and the decisions about them.

    A reviewer does not see what others decided about a clip before having decided about it, unless `blind` is off.
    """

    def __init__(self, queue: Sequence[QueuedClip], clips: Clips, rows: KeptRows[Decision], *, blind: bool) -> None:
        """Take the queue, the files and the decisions."""
        self._queue = {clip.clip_id: clip for clip in queue}
        self._clips, self._rows, self._blind = clips, rows, blind
        self._counted: tuple[int, dict[str, list[Decision]]] = (-1, {})

    def lines(self, reviewer: str) -> list[ClipLine]:
        """Return the list of clips as this reviewer sees it."""
        words = self._last_words()
        return [self._line(clip, words.get(clip.clip_id, []), reviewer) for clip in self._queue.values()]

    def line(self, clip_id: str, reviewer: str) -> ClipLine:
        """Return one line of the list.

        Raises:
            NoSuchFile: no such clip in the queue.
        """
        return self._line(self._known(clip_id), self._last_words().get(clip_id, []), reviewer)

    def view(self, clip_id: str, reviewer: str) -> ClipView:
        """Return a clip as this reviewer sees it.

        Raises:
            NoSuchFile: no such clip in the queue.
        """
        clip = self._known(clip_id)
        latest = {decision.reviewer: decision for decision in self._rows.standing() if decision.clip_id == clip_id}
        mine = latest.pop(reviewer, None)
        hides = self._blind and mine is None
        others = tuple(sorted(latest.values(), key=lambda decision: (decision.automatic, decision.reviewer)))
        return ClipView(clip, self._clips.footage(clip_id), mine, () if hides else others, len(others) * hides)

    def decide(self, decision: Decision) -> None:
        """Keep a decision; one that says what this reviewer's last one says changes nothing.

        Raises:
            NoSuchFile: no such clip in the queue.
            benchmark.web.curation.media.Unusable: it accepts a clip that `build` would leave out.
            sqlalchemy.exc.DatabaseError, foundation.files.WriteFailed: see `KeptRows.add`.
        """
        self._known(decision.clip_id)
        if decision.accepted:
            self._clips.check_usable(decision.clip_id, decision.start_offset_seconds)
        last = self._mine(self._last_words().get(decision.clip_id, []), decision.reviewer)
        if last is not None and replace(last, time=decision.time) == decision:
            self._rows.settle()
        else:
            self._rows.add([decision])

    def undo(self, reviewer: str) -> Decision | None:
        """Take back this reviewer's latest decision of the page on a clip of the queue; None where there is none.

        Decisions on clips that left the queue stay: undo is for what was just pressed, and nobody could see what went,
        nor decide it anew.

        Raises:
            sqlalchemy.exc.DatabaseError, foundation.files.WriteFailed: see `KeptRows.take_back`.
        """
        gone = self._rows.take_back(
            lambda decision: decision.reviewer == reviewer, shown=lambda decision: decision.clip_id in self._queue
        )
        return gone[0] if gone else None

    def conflicts(self, reviewer: str) -> tuple[list[Conflict], int]:
        """Return the conflicts that this reviewer may see, and how many others there are."""
        words = {clip: votes for clip, votes in self._last_words().items() if clip in self._queue}
        disputed = {clip: votes for clip, votes in words.items() if _differ(votes)}
        seen = {
            clip: votes
            for clip, votes in disputed.items()
            if not self._blind or self._mine(votes, reviewer) is not None
        }
        return [_conflict(clip, votes) for clip, votes in seen.items()], len(disputed) - len(seen)

    def standing(self) -> Standing:
        """Return how far the reviewers are, and how far they agree."""
        made = self._rows.standing()
        decided: dict[str, set[str]] = {}
        for decision in made:
            decided.setdefault(decision.reviewer, set()).add(decision.clip_id)
        missing = sum(bool(self._clips.why_missing(clip)) for clip in self._queue)
        return Standing(
            clips=len(self._queue) - missing,
            missing=missing,
            reviewers=tuple((name, len(clips)) for name, clips in decided.items()),
            agreement=tuple(agreement(made)),
        )

    def _line(self, clip: QueuedClip, votes: Sequence[Decision], reviewer: str) -> ClipLine:
        mine = self._mine(votes, reviewer)
        footage = self._clips.known(clip.clip_id)
        return ClipLine(
            id=clip.clip_id,
            labels=tuple(label.label for label in clip.labels),
            mine="" if mine is None else "accepted" if mine.accepted else "rejected",
            people=sum(not vote.automatic for vote in votes),
            conflict=_differ(votes),
            missing="" if footage is None else footage.missing,
            unusable="" if footage is None else footage.unusable,
        )

    def _known(self, clip_id: str) -> QueuedClip:
        if clip_id not in self._queue:
            raise NoSuchFile("no such clip in the queue")
        return self._queue[clip_id]

    def _last_words(self) -> dict[str, list[Decision]]:
        version = self._rows.version
        if self._counted[0] != version:
            self._counted = (version, last_words(self._rows.standing()))
        return self._counted[1]

    @staticmethod
    def _mine(votes: Sequence[Decision], reviewer: str) -> Decision | None:
        return next((vote for vote in votes if vote.reviewer == reviewer), None)


def _differ(votes: Sequence[Decision]) -> bool:
    return any(len({answer for _, answer in _said(name, votes)}) > 1 for name in COMPARED)


def _said(name: str, votes: Sequence[Decision]) -> tuple[tuple[str, str], ...]:
    """Return who answered what."""
    return tuple((vote.reviewer, as_text(getattr(vote, name))) for vote in votes_on(name, votes))


def _conflict(clip_id: str, votes: Sequence[Decision]) -> Conflict:
    found = []
    for name in COMPARED:
        said = _said(name, votes)
        answers = [answer for _, answer in said]
        if len(set(answers)) > 1:
            settled = next((answer for answer in answers if 2 * answers.count(answer) > len(answers)), "")
            found.append(Difference(name, said, settled))
    return Conflict(clip_id, tuple(found), tuple((vote.reviewer, vote.note) for vote in votes if vote.note))
