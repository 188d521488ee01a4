"""Intra-class pairs as a reviewer sees them: label pairs together, with what the table of relations proposes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from benchmark.web.curation.rows import KeptRows
from benchmark.web.files import NoSuchFile
from vgg_monoaudio.pairing import exhaustive_pairs
from vgg_monoaudio.selection.agreement import CriterionAgreement
from vgg_monoaudio.selection.decision_files import as_text
from vgg_monoaudio.selection.pair_decisions import Pair, PairDecision, last_words_on_pairs, pair_agreement
from vgg_monoaudio.taxonomy import load_subsumption


@dataclass(frozen=True)
class PairLine:
    """An ordered pair of two clips of one category.

    Attributes:
        target_id: the clip whose sound the prompt asks for.
        paired_id: the other.
        target_label: the prompt.
        paired_label: of the other clip.
        category: of both.
        target_start: seconds, where the 8 s of the clip begin.
        paired_start: likewise.
        proposal: why the table of relations would drop the pair, "" where it would keep it.
        mine: "yes" (drops it), "no", or "" for undecided.
        conflict: whether reviewers differ, as far as this reviewer may know.
    """

    target_id: str
    paired_id: str
    target_label: str
    paired_label: str
    category: str
    target_start: float
    paired_start: float
    proposal: str
    mine: str
    conflict: bool


@dataclass(frozen=True)
class PairAnswer:
    """What a reviewer says of a pair: the pair by its clips, and whether the prompt describes the paired clip too.

    Attributes:
        whole_group: say the same of all pairs of these two labels, in this direction, that are undecided yet.
    """

    target_id: str
    paired_id: str
    also_describes: bool
    note: str
    whole_group: bool


@dataclass(frozen=True)
class PairConflict:
    """A pair about which reviewers differ: who said yes (drops it) and who no."""

    line: PairLine
    votes: tuple[tuple[str, str], ...]


class PairDesk:
    """The pairs that the accepted clips make, and the decisions about them."""

    def __init__(self, sources: Callable[[], pd.DataFrame], rows: KeptRows[PairDecision], *, blind: bool) -> None:
        """Take the decisions.

        Args:
            sources: gives the clips that make pairs: clip_id, label, category, start_seconds.
            rows: the decisions.
            blind: as for clips.
        """
        self._sources, self._rows, self._blind = sources, rows, blind
        self._relations = {
            (row["target_label"], row["paired_label"]): f"{row['reason']} ({row['basis']})"
            for row in load_subsumption().to_dict("records")
        }
        self._made: tuple[pd.DataFrame | None, list[PairLine]] = (None, [])

    def lines(self, reviewer: str) -> list[PairLine]:
        """Return all pairs, those of one category and of two labels together, then the other direction."""
        words = last_words_on_pairs(self._rows.standing())
        return [_seen(line, words, reviewer, blind=self._blind) for line in self._all()]

    def decide(self, answer: PairAnswer, reviewer: str, time: str) -> list[PairLine]:
        """Keep an answer; return the pairs that it is about. The same answer again changes nothing.

        Raises:
            NoSuchFile: no such pair.
            sqlalchemy.exc.DatabaseError, foundation.files.WriteFailed: see `KeptRows.add`.
        """
        lines = self.lines(reviewer)
        asked = next((x for x in lines if (x.target_id, x.paired_id) == (answer.target_id, answer.paired_id)), None)
        if asked is None:
            raise NoSuchFile("no such pair")
        same = [line for line in lines if answer.whole_group and _labels(line) == _labels(asked) and not line.mine]
        meant = list(dict.fromkeys([asked, *same]))
        word = as_text(answer.also_describes)
        new = [line for line in meant if line.mine != word or (answer.note and line is asked)]
        if new:
            self._rows.add([
                PairDecision(*_pair(line), answer.also_describes, reviewer, answer.note, time) for line in new
            ])  # fmt: skip
        else:
            self._rows.settle()
        return self._again({_pair(line) for line in meant}, reviewer)

    def undo(self, reviewer: str) -> list[PairLine]:
        """Take back what this reviewer said last, of one pair or of a whole group; return the pairs that are shown.

        What was said of pairs that are no longer there (a clip is accepted no more, or under another label) stays, as
        with clips that left the queue. Of a group of which some are there all goes: it was one stroke, and one error.

        Raises:
            sqlalchemy.exc.DatabaseError, foundation.files.WriteFailed: see `KeptRows.take_back`.
        """
        there = {_pair(line) for line in self._all()}
        gone = self._rows.take_back(
            lambda decision: decision.reviewer == reviewer, shown=lambda decision: decision.pair in there
        )
        return self._again({decision.pair for decision in gone}, reviewer)

    def conflicts(self, reviewer: str) -> list[PairConflict]:
        """Return the conflicts that this reviewer may see."""
        words = last_words_on_pairs(self._rows.standing())
        return [
            PairConflict(line, tuple((vote.reviewer, as_text(vote.also_describes)) for vote in words[_pair(line)]))
            for line in self.lines(reviewer)
            if line.conflict
        ]

    def agreement(self) -> CriterionAgreement:
        """Return how far people agree."""
        return pair_agreement(self._rows.standing())

    def _again(self, pairs: set[Pair], reviewer: str) -> list[PairLine]:
        return [line for line in self.lines(reviewer) if _pair(line) in pairs]

    def _all(self) -> list[PairLine]:
        """Return all pairs, without anybody's answers; made anew where the clips are others."""
        sources = self._sources()
        if self._made[0] is not sources:
            self._made = (sources, [] if sources.empty else self._lines(sources))
        return self._made[1]

    def _lines(self, sources: pd.DataFrame) -> list[PairLine]:
        starts = dict(zip(sources["clip_id"], sources["start_seconds"].astype(float), strict=True))
        found = [
            PairLine(
                target_id=row["target_id"],
                paired_id=row["paired_id"],
                target_label=row["target_label"],
                paired_label=row["paired_label"],
                category=row["target_category"],
                target_start=starts[row["target_id"]],
                paired_start=starts[row["paired_id"]],
                proposal=self._relations.get((row["target_label"], row["paired_label"]), ""),
                mine="",
                conflict=False,
            )
            for row in exhaustive_pairs(sources).intra.to_dict("records")
        ]
        return sorted(found, key=_place)


def _seen(line: PairLine, words: Mapping[Pair, Sequence[PairDecision]], reviewer: str, *, blind: bool) -> PairLine:
    """Return a pair as a reviewer sees it."""
    votes = words.get(_pair(line), ())
    mine = next((vote for vote in votes if vote.reviewer == reviewer), None)
    if not votes or (mine is None and blind):
        return line
    differ = len({vote.also_describes for vote in votes}) > 1
    return replace(line, mine="" if mine is None else as_text(mine.also_describes), conflict=differ)


def _pair(line: PairLine) -> Pair:
    return line.target_id, line.paired_id, line.target_label, line.paired_label


def _labels(line: PairLine) -> tuple[str, str]:
    return line.target_label, line.paired_label


def _place(line: PairLine) -> tuple[str, list[str], str, str, str]:
    """Return where a pair stands: both directions of two labels follow one another."""
    return line.category, sorted(_labels(line)), line.target_label, line.target_id, line.paired_id
