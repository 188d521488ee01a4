"""Intra-class pairs as a reviewer sees them: label pairs together, with what the table of relations proposes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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

    def lines(self, reviewer: str) -> list[PairLine]:
        """Return all pairs, those of one category and of two labels together, then the other direction."""
        sources = self._sources()
        if sources.empty:
            return []
        starts = dict(zip(sources["clip_id"], sources["start_seconds"], strict=True))
        words = last_words_on_pairs(self._rows.standing())
        found = [self._line(row, starts, words, reviewer) for row in exhaustive_pairs(sources).intra.to_dict("records")]
        return sorted(found, key=_place)

    def decide(self, answer: PairAnswer, reviewer: str, time: str) -> int:
        """Keep an answer; return on how many pairs it is. The same answer again changes nothing.

        Raises:
            NoSuchFile: no such pair.
            sqlalchemy.exc.DatabaseError, foundation.files.WriteFailed: see `KeptRows.add`.
        """
        lines = self.lines(reviewer)
        asked = next((x for x in lines if (x.target_id, x.paired_id) == (answer.target_id, answer.paired_id)), None)
        if asked is None:
            raise NoSuchFile("no such pair")
        same = [line for line in lines if answer.whole_group and _labels(line) == _labels(asked) and not line.mine]
        word = "yes" if answer.also_describes else "no"
        meant = [line for line in dict.fromkeys([asked, *same]) if line.mine != word or (answer.note and line is asked)]
        if not meant:
            self._rows.settle()
            return 0
        self._rows.add([
            PairDecision(
                line.target_id, line.paired_id, line.target_label, line.paired_label, answer.also_describes, reviewer,
                answer.note, time,
            )
            for line in meant
        ])  # fmt: skip
        return len(meant)

    def undo(self, reviewer: str) -> list[PairDecision]:
        """Take back what this reviewer said last, of one pair or of a whole group.

        Raises:
            sqlalchemy.exc.DatabaseError, foundation.files.WriteFailed: see `KeptRows.take_back`.
        """
        return self._rows.take_back(lambda decision: decision.reviewer == reviewer)

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

    def _line(
        self, row: Mapping[Any, Any], starts: dict[str, float], words: dict[Pair, list[PairDecision]], reviewer: str
    ) -> PairLine:
        pair = row["target_id"], row["paired_id"], row["target_label"], row["paired_label"]
        votes = words.get(pair, [])
        mine = next((vote for vote in votes if vote.reviewer == reviewer), None)
        shown = mine is not None or not self._blind
        return PairLine(
            *pair,
            category=row["target_category"],
            target_start=float(starts[row["target_id"]]),
            paired_start=float(starts[row["paired_id"]]),
            proposal=self._relations.get((row["target_label"], row["paired_label"]), ""),
            mine="" if mine is None else "yes" if mine.also_describes else "no",
            conflict=shown and len({vote.also_describes for vote in votes}) > 1,
        )


def _pair(line: PairLine) -> Pair:
    return line.target_id, line.paired_id, line.target_label, line.paired_label


def _labels(line: PairLine) -> tuple[str, str]:
    return line.target_label, line.paired_label


def _place(line: PairLine) -> tuple[str, list[str], str, str, str]:
    """Return where a pair stands: both directions of two labels follow one another."""
    return line.category, sorted(_labels(line)), line.target_label, line.target_id, line.paired_id
