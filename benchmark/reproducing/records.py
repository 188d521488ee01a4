"""`results/reproduce/<table>.json`: the rows of a printed table, measured, with a verdict for each number."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Literal

from pydantic import Field

from benchmark.choices import CompleteRecord, ScoringRecord

Verdict = Literal["inside", "outside", "cannot be told"]
Found = Literal["differs", "no difference", "left open", "not checked"]
SCHEMA_VERSION: Literal[1] = 1


class CellRecord(CompleteRecord):
    """One number of the printed table beside the measured one."""

    metric: str
    printed: str = Field(description="the digits as printed")
    half_width: float = Field(description="half of the last printed place: what rounding may hide")
    value: float | None = Field(description="measured; null where there is none")
    ci95: tuple[float, float] | None
    n: int | None = Field(description="samples that entered the value")
    published_n: int | None = Field(default=None, description="samples that the printed number is over; null: not said")
    verdict: Verdict
    reason: str = Field(default="", description="why it cannot be told")


class RowRecord(CompleteRecord):
    """One row of the printed table."""

    row: str = Field(description="as printed")
    subset: str
    model: str
    run: str | None = Field(description="run directory; null where there is none")
    scored: int | None
    expected: int | None
    unverified: bool = Field(default=False, description="a checkpoint's hash was not verified")
    cells: list[CellRecord]
    lost: str = Field(default="", description="why there is no run")


class OpenChoice(CompleteRecord):
    """Something that the paper does not say and that moves numbers."""

    name: str
    chosen: str
    about: str


class Finding(CompleteRecord):
    """What was found about one usual cause of a difference."""

    cause: str
    found: Found = Field(description="differs: not as in print, or the printed number would fit if it were otherwise")
    detail: str = Field(description="what was seen; of what was not checked, why")


class ReproductionRecord(CompleteRecord):
    """A printed table, reproduced."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    table: str
    published: str = Field(description="the file that the printed numbers are from")
    sources: list[str] = Field(description="where they were printed")
    scoring: ScoringRecord | None = Field(description="null where no row has a run")
    rows: list[RowRecord]
    left_out: list[str] = Field(default_factory=list, description="printed rows that were not asked for")
    open_choices: list[OpenChoice]
    findings: list[Finding] = Field(default_factory=list, description="of --diagnose")

    def count(self, verdict: Verdict) -> int:
        """Return how many numbers have this verdict."""
        return sum(cell.verdict == verdict for row in self.rows for cell in row.cells)

    @property
    def outside_by_chance(self) -> float:
        """How many numbers of those judged would be outside though nothing is wrong but that other clips were drawn.

        The printed number has a sampling error too: it is taken to be over another list of clips of the same kind, of
        as many as here where print does not say.
        """
        if self.scoring is None:
            return 0.0
        reach = NormalDist().inv_cdf(0.5 + self.scoring.confidence / 2)
        judged = [cell for row in self.rows for cell in row.cells if cell.verdict != "cannot be told" and cell.n]
        ratios = [(cell.n or 0) / (cell.published_n or cell.n or 1) for cell in judged]
        return sum(2 * NormalDist().cdf(-reach / sqrt(1 + ratio)) for ratio in ratios)
