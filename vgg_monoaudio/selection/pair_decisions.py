"""Decisions of people about intra-class pairs: does the prompt of the target also describe the paired clip?

A row of `curation.pairs.csv` is what one reviewer said of one pair. As in `curation.csv` a file only grows, and a later
row of the same reviewer about the same pair replaces the earlier one. `pair_verdicts` says what they amount to.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

import pandas as pd

from foundation.files import PathLike, replacing
from foundation.text import read_text
from vgg_monoaudio.selection.agreement import CriterionAgreement, agreement_on
from vgg_monoaudio.selection.decision_files import BadCuration, DecisionFile, as_text, is_blank, yes_or_no
from vgg_monoaudio.selection.decisions import check_reviewer_and_time, is_program, last_words_about

VERDICT_COLUMNS = ["target_id", "paired_id", "target_label", "paired_label", "also_describes", "reason"]
Pair = tuple[str, str, str, str]
"""(target_id, paired_id, target_label, paired_label): a pair is judged under its labels."""


@dataclass(frozen=True)
class PairDecision:
    """What one reviewer said of one ordered pair.

    Attributes:
        target_id: the clip whose sound is asked for.
        paired_id: the other clip.
        target_label: the prompt.
        paired_label: of the other clip.
        also_describes: whether the prompt describes the paired clip too, which drops the pair.
        reviewer: who; "auto:..." for a program.
        note: free text.
        time: when, ISO 8601.
    """

    target_id: str
    paired_id: str
    target_label: str
    paired_label: str
    also_describes: bool
    reviewer: str
    note: str
    time: str

    def __post_init__(self) -> None:
        for name in ("target_id", "paired_id", "target_label", "paired_label"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name}: expected a name, got none")
        if self.target_id == self.paired_id or self.target_label == self.paired_label:
            raise ValueError(f"pair: expected two clips of two labels, got {self.target_id} and {self.paired_id}")
        check_reviewer_and_time(self.reviewer, self.time)

    @property
    def pair(self) -> Pair:
        """What was judged."""
        return self.target_id, self.paired_id, self.target_label, self.paired_label


def last_words_on_pairs(decisions: Iterable[PairDecision]) -> dict[Pair, list[PairDecision]]:
    """Return each reviewer's last decision on each pair, in order; see `last_words_about`."""
    return last_words_about(decisions, lambda decision: decision.pair)


def pair_verdicts(decisions: Iterable[PairDecision]) -> pd.DataFrame:
    """Return what the decisions amount to, a row for each pair that was judged: columns `VERDICT_COLUMNS`.

    A pair is kept if more than half of the reviewers say that the prompt does not describe the paired clip. A tie drops
    it, as a tie rejects a clip: a scene in which it is not certain which sound is meant measures nothing.
    """
    rows = []
    for pair, votes in last_words_on_pairs(decisions).items():
        yes = sum(vote.also_describes for vote in votes)
        drops = 2 * yes >= len(votes)
        said = "undecided, " if 2 * yes == len(votes) else ""
        notes = "; ".join(dict.fromkeys(vote.note for vote in votes if vote.note and vote.also_describes == drops))
        reason = f"reviewers: {said}{yes} of {len(votes)} say that the prompt describes the paired clip too"
        rows.append((*pair, drops, f"{reason} ({notes})" if notes else reason))
    return pd.DataFrame(rows, columns=pd.Index(VERDICT_COLUMNS))


def pair_conflicts(decisions: Iterable[PairDecision]) -> pd.DataFrame:
    """Return where reviewers differ: columns target_id, paired_id, target_label, paired_label and votes."""
    rows = []
    for pair, votes in last_words_on_pairs(decisions).items():
        if len({vote.also_describes for vote in votes}) > 1:
            rows.append((*pair, "; ".join(f"{vote.reviewer}: {as_text(vote.also_describes)}" for vote in votes)))
    return pd.DataFrame(rows, columns=pd.Index([*VERDICT_COLUMNS[:4], "votes"]), dtype="str")


def pair_agreement(decisions: Iterable[PairDecision]) -> CriterionAgreement:
    """Return how far people agree on pairs; programs are left out."""
    judged = [
        {vote.reviewer: vote.also_describes for vote in votes if not is_program(vote.reviewer)}
        for votes in last_words_on_pairs(decisions).values()
    ]
    return agreement_on("also_describes", judged)


def write_pair_verdicts(path: PathLike, verdicts: pd.DataFrame) -> None:
    """Write verdicts as the CSV file that `build --pairs` takes."""
    spelled = verdicts.assign(also_describes=verdicts["also_describes"].map({True: "yes", False: "no"}))
    with replacing(path) as temporary:
        spelled.to_csv(temporary, index=False, lineterminator="\n")


def read_pair_verdicts(path: PathLike) -> pd.DataFrame:
    """Return the verdicts of a file that `write_pair_verdicts` wrote: columns `VERDICT_COLUMNS`.

    Raises:
        BadCuration: another form, such as a file of decisions; or a pair is listed twice under the same labels.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    header = next((cells for cells in reader if not is_blank(cells)), [])
    if header == COLUMNS:
        raise BadCuration(f"{path}: decisions of reviewers; `curate pairs {path}` turns them into verdicts")
    if header != VERDICT_COLUMNS:
        raise BadCuration(f"{path}: expected the columns {','.join(VERDICT_COLUMNS)}, found {','.join(header)}")
    rows: dict[tuple[str, ...], list[str | bool]] = {}
    try:
        for cells in reader:
            if is_blank(cells):
                continue
            values = dict(zip(VERDICT_COLUMNS, cells, strict=True))
            row: list[str | bool] = [*cells[:4], yes_or_no(values, "also_describes"), cells[5]]
            if rows.setdefault(tuple(cells[:4]), row) is not row:
                raise ValueError(f"{cells[0]} with {cells[1]} is listed more than once")
    except (csv.Error, ValueError) as error:
        raise BadCuration(f"{path}:{reader.line_num}: {error}") from error
    return pd.DataFrame(list(rows.values()), columns=pd.Index(VERDICT_COLUMNS)).astype({"also_describes": bool})


def _decision(values: Mapping[str, str]) -> PairDecision:
    texts = {name: values[name] for name in COLUMNS if name != "also_describes"}
    return PairDecision(**texts, also_describes=yes_or_no(values, "also_describes"))


def _cells(decision: PairDecision) -> list[str]:
    return [as_text(value) for value in asdict(decision).values()]


COLUMNS = [field.name for field in fields(PairDecision)]
PAIR_DECISIONS = DecisionFile(
    COLUMNS, _decision, _cells,
    absent="no such file of decisions about pairs; the page of `curate serve` makes one",
)  # fmt: skip
