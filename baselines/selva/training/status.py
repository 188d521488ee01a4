"""Where a training run stands, read from its folder; nothing of it is touched."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselines.selva.training.curve import LOSS, SCORE, SECONDS, VALIDATION_FAILED, VALIDATION_LOSS, Row
from baselines.selva.training.run_folder import STAGES, RunFolder, StageFolder, StageName
from baselines.selva.training.run_record import Changed, Scoring, Standing
from foundation.files import PathLike

_WORDS = ("name", "rows", "summary")  # of a recipe: how it is called, nothing that is done
RECENT = 100  # steps that a mean is taken over

_CHECKPOINT = re.compile(r"step-(\d+)")
_SNAPSHOT = re.compile(r"(\d+)\.safetensors")


@dataclass(frozen=True)
class Measured:
    """Values of a step.

    Attributes:
        scoring: id of how they were measured, if they are scores and say so.
    """

    step: int
    values: Mapping[str, float]
    scoring: str | None = None


@dataclass(frozen=True)
class StageStatus:
    """Where a stage stands.

    Attributes:
        step: the last that was measured, of `steps`.
        finished: nothing of it is left to do.
        loss, recent_loss: of the last step, and the mean of the last 100.
        validation: the last validation loss.
        scores: the last scores of the suite, by metric.
        scoring: how these were measured; None where that is not recorded.
        failed_validation: step of the last validation, where it has no scores because it failed.
        seconds_per_step: median of the last 100.
        hours_left: at that speed; validations and checkpoints come on top.
        checkpoint: step of the last whole one, from which the run would go on.
        snapshots: steps of which files can be exported.
    """

    steps: int
    step: int
    finished: bool
    loss: float | None
    recent_loss: float | None
    validation: Measured | None
    scores: Measured | None
    scoring: Scoring | None
    failed_validation: int | None
    seconds_per_step: float | None
    hours_left: float | None
    checkpoint: int | None
    snapshots: tuple[int, ...]

    def line(self) -> str:
        """Return it as one line of text, without the scores."""
        if self.step == 0 and self.validation is None:
            return f"not begun, {self.steps:,} steps to go"
        parts = [f"{'finished' if self.finished else 'at'} step {self.step:,} of {self.steps:,}"]
        if self.recent_loss is not None:
            parts.append(f"loss {self.recent_loss:.4g}")
        if self.validation is not None:
            value = self.validation.values[VALIDATION_LOSS]
            parts.append(f"validation loss {value:.4g} (step {self.validation.step:,})")
        if self.seconds_per_step is not None:
            parts.append(f"{self.seconds_per_step:.3g} s a step")
        if self.hours_left and not self.finished:
            parts.append(f"{_in_words(self.hours_left)} left")
        if not self.finished:
            parts.append(f"goes on from step {self.checkpoint:,}" if self.checkpoint else "no checkpoint yet")
        parts.append("1 snapshot" if len(self.snapshots) == 1 else f"{len(self.snapshots)} snapshots")
        return "; ".join(parts)

    def scored(self, stage: StageName) -> list[str]:
        """Return the scores as lines of text; none where nothing was scored."""
        found = []
        if self.scores is not None:
            listed = ", ".join(f"{name} {value:.4g}" for name, value in self.scores.values.items())
            found.append(f"scores of step {self.scores.step:,}: {listed}")
            found.append(f"scored on {self.scoring.line()}" if self.scoring else "how it was scored is not recorded")
        if self.failed_validation is not None:
            step = self.failed_validation
            reason = f"validation/{stage}/step-{step}/validation.json says why"
            found.append(f"validation at step {step:,} failed; {reason}")
        return found


@dataclass(frozen=True)
class Status:
    """Where a run stands.

    Attributes:
        recipe: its name.
        stages: by name.
        holder: who is at work on it, in words; None where nobody is.
        updated: when its record was last written; UTC, ISO 8601.
        changes: of the recipe since the run began.
    """

    path: Path
    recipe: str
    stages: Mapping[StageName, StageStatus]
    holder: str | None
    updated: str
    changes: tuple[Changed, ...] = ()

    def lines(self) -> list[str]:
        """Return it as lines of text."""
        work = (
            f"{self.holder} is at work on it" if self.holder else f"nobody is at work on it, last saved {self.updated}"
        )
        found = [f"{self.path}: recipe {self.recipe}; {work}"]
        if told := [one.line() for one in self.changes if one.key not in _WORDS]:
            found.append(f"recipe changed on the way: {'; '.join(told)}")
        for name, stage in self.stages.items():
            found += [f"{name:9}  {stage.line()}", *(f"{'':9}  {line}" for line in stage.scored(name))]
        return found


def status(run: PathLike) -> Status:
    """Return where a run stands.

    Raises:
        ValueError: there is none, or a file of it is damaged; names it.
    """
    folder = RunFolder.opened(run)
    record, holder = folder.read_record(), folder.holder()
    return Status(
        path=folder.path,
        recipe=record.recipe.name,
        stages={name: _stage(folder.stage(name), record.stages[name], record.scorings) for name in STAGES},
        holder=None if holder is None else str(holder),
        updated=record.updated,
        changes=record.changes,
    )


def _stage(folder: StageFolder, standing: Standing, scorings: Mapping[str, Scoring]) -> StageStatus:
    rows = folder.curve.read()
    scores = last_scores(rows)
    steps = [row for row in rows if LOSS in row.values]
    step = max([standing.step, *(row.step for row in steps)])
    seconds = [row.values[SECONDS] for row in steps[-RECENT:] if SECONDS in row.values]
    pace = statistics.median(seconds) if seconds else None
    return StageStatus(
        steps=standing.steps,
        step=step,
        finished=standing.finished,
        loss=steps[-1].values[LOSS] if steps else None,
        recent_loss=statistics.fmean(row.values[LOSS] for row in steps[-RECENT:]) if steps else None,
        validation=_last(rows, VALIDATION_LOSS),
        scores=scores,
        scoring=scorings.get(scores.scoring) if scores is not None and scores.scoring is not None else None,
        failed_validation=_failed(rows),
        seconds_per_step=pace,
        hours_left=None if pace is None else pace * (standing.steps - step) / 3600,
        checkpoint=max(_numbers(folder.checkpoints, _CHECKPOINT, holding="checkpoint.json"), default=None),
        snapshots=tuple(_numbers(folder.snapshots, _SNAPSHOT)),
    )


def last_scores(rows: Sequence[Row]) -> Measured | None:
    """Return the last scores of the suite in a curve, by metric; None where there are none. Failures have none."""
    for row in reversed(rows):
        scores = {name.removeprefix(SCORE): value for name, value in row.values.items() if name.startswith(SCORE)}
        if scores and VALIDATION_FAILED not in scores:
            return Measured(row.step, scores, row.scoring)
    return None


def _failed(rows: Sequence[Row]) -> int | None:
    """Return the step of the last validation by the suite if it failed; else None."""
    last = next((row for row in reversed(rows) if any(name.startswith(SCORE) for name in row.values)), None)
    return last.step if last is not None and f"{SCORE}{VALIDATION_FAILED}" in last.values else None


def _in_words(hours: float) -> str:
    """Return a time in hours, or in minutes where it is short."""
    minutes = max(1, round(hours * 60))
    return f"{minutes} min" if minutes < 120 else f"{hours:.3g} h"


def _last(rows: Sequence[Row], name: str) -> Measured | None:
    return next((Measured(row.step, {name: row.values[name]}) for row in reversed(rows) if name in row.values), None)


def _numbers(folder: Path, pattern: re.Pattern[str], holding: str | None = None) -> list[int]:
    """Return the steps in the names of what lies in a folder and is there whole, in order."""
    if not folder.is_dir():
        return []
    found = [(pattern.fullmatch(path.name), path) for path in folder.iterdir()]
    return sorted(int(match[1]) for match, path in found if match and (holding is None or (path / holding).is_file()))
