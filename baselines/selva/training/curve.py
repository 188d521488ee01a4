"""The curve of a training stage: what was measured at which step, one JSON object a line.

    {"step": 200, "loss": 0.0413, "learning_rate": 2e-05, "gradient_norm": 0.31, "seconds": 0.42}
    {"step": 1000, "validation_loss": 0.0398}
    {"step": 20000, "score_desync": 0.71, "scoring": "5f0c3a9be1d2"}

`scoring` is the id of how scores were measured, in the run's record; rows without it do not say.
A process may be killed while it writes: a last line without its end is none, and the next row takes its place.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from foundation.files import replacing
from foundation.write_failures import naming_failures

LOSS, LEARNING_RATE, GRADIENT_NORM = "loss", "learning_rate", "gradient_norm"
SECONDS = "seconds"  # wall clock of a step, the mean since the row before
VALIDATION_LOSS = "validation_loss"
SCORE = "score_"  # in front of the names of the suite's metrics
SCORING = "scoring"
VALIDATION_FAILED = "validation_failed"  # in place of metrics, where they could not be measured


@dataclass(frozen=True)
class Row:
    """What was measured at a step; several rows may be of one step.

    Attributes:
        step: steps of the optimiser done.
        values: by name.
        scoring: id of how they were measured, if they are scores and say so.
    """

    step: int
    values: Mapping[str, float]
    scoring: str | None = None

    def line(self) -> str:
        """Return it as a line of the file, without its end."""
        named = {} if self.scoring is None else {SCORING: self.scoring}
        return json.dumps({"step": self.step, **self.values, **named})


class Curve:
    """The rows of a file, in the order in which they were measured; the file need not exist."""

    def __init__(self, path: Path) -> None:
        """Name the file; its folder is made with the first row."""
        self.path = path
        self._whole = False  # the file is known to end with a line

    def append(self, step: int, values: Mapping[str, float], *, scoring: str | None = None) -> None:
        """Add a row. It outlives this process at once; a loss of power may take the last ones.

        Args:
            step: steps of the optimiser done.
            values: by name; at least one, finite.
            scoring: id of how they were measured, for scores.

        Raises:
            ValueError: no value, one that is not finite, or one called step or scoring.
            foundation.files.WriteFailed: the disk is full.
        """
        odd = next((name for name, value in values.items() if not math.isfinite(value)), None)
        if odd is not None:
            raise ValueError(f"{self.path}: step {step}: expected finite values, got {odd} = {values[odd]}")
        if not values or {"step", SCORING} & values.keys():
            raise ValueError(f"{self.path}: step {step}: expected values by their names, got {dict(values)}")
        line = Row(step, {name: float(value) for name, value in values.items()}, scoring).line().encode() + b"\n"
        with naming_failures(self.path, self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                if not self._whole:
                    self._end_with_a_line()
                self._whole = False  # should the disk take only a part of what follows
                file.write(line)
                file.flush()
            self._whole = True

    def read(self) -> list[Row]:
        """Return the rows; a line that was not written to its end is left out.

        Raises:
            ValueError: a line that is no row; names file and line.
        """
        if not self.path.is_file():
            return []
        whole, _, _ = self.path.read_bytes().rpartition(b"\n")
        return [self._row(number, line) for number, line in enumerate(whole.split(b"\n"), start=1) if line]

    def cut(self, after_step: int) -> None:
        """Remove the rows of later steps, which a run that goes on from a checkpoint measures again."""
        rows = self.read()
        kept = [row for row in rows if row.step <= after_step]
        if len(kept) == len(rows):
            return
        with replacing(self.path) as temporary:
            temporary.write_text("".join(f"{row.line()}\n" for row in kept), encoding="utf-8")

    def _row(self, number: int, line: bytes) -> Row:
        try:
            values = json.loads(line)
            step, scoring = values.pop("step", None), values.pop(SCORING, None)
            if type(step) is not int or not all(type(value) is float for value in values.values()):
                raise ValueError("a step is a whole number, a value a number with a point")
            if not isinstance(scoring, str | None):
                raise ValueError("scoring is a text")
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{self.path}: line {number} is no row of a curve ({line[:60]!r}); remove the line, or the whole file: "
                "the training goes on without it"
            ) from error
        return Row(step, values, scoring)

    def _end_with_a_line(self) -> None:
        """Remove what follows the last end of a line: a row that a process was killed over."""
        content = self.path.read_bytes() if self.path.stat().st_size else b""
        if content and not content.endswith(b"\n"):
            os.truncate(self.path, content.rfind(b"\n") + 1)
