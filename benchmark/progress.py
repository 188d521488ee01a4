"""How far the work is, on stderr: bars in a terminal or a notebook, elsewhere a line now and then.

Lines are whole and plain, without control characters, so that the log of a batch job can be read as it is.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias

from benchmark.exits import tell
from foundation.work import Progress

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import ProgressColumn

VARIABLE = "VGG_MONOAUDIO_PROGRESS"  # 0: nothing is shown
TOLD_EVERY = 30.0  # seconds between two lines about a stage
BYTES = "bytes"  # a stage of this name counts bytes

Shown: TypeAlias = Progress | bool | None  # what callers give: a callback of theirs; None or True: ours; False: nothing


@contextmanager
def shown(given: Shown, what: str) -> Iterator[Progress]:
    """Yield the callback that a caller gave, or one that shows how far the work is; False asks for nothing.

    Args:
        given: by the caller.
        what: is done.
    """
    if callable(given):
        yield given
    elif given is False:
        yield _nothing
    else:
        with progress(what) as report:
            yield report


@contextmanager
def progress(what: str = "") -> Iterator[Progress]:
    """Yield a callback (stage, done, total) that shows how far each stage is; stages appear as they begin.

    In a terminal, and in a notebook that has ipywidgets, bars are drawn, with the rates of the stages, what waits and
    the GPU's memory below them, and vanish when done. Elsewhere see `Lines`. Nothing is shown where the environment has
    VGG_MONOAUDIO_PROGRESS=0.

    Args:
        what: is done.
    """
    from rich.console import Console

    if os.environ.get(VARIABLE, "").strip() == "0":
        yield _nothing
        return
    console = Console(stderr=True)
    if console.is_terminal or (console.is_jupyter and find_spec("ipywidgets")):
        with _bars(what, console) as report:
            yield report
    else:
        lines = Lines(what)
        try:
            yield lines
        finally:
            lines.close()


def _nothing(_stage: str, _done: int, _total: int) -> None:
    """Show nothing."""


@dataclass
class _Stage:
    """One stage of the work: when it began and with how much done, how far it is, and when a line last told of it."""

    began: float
    first: int
    told: float
    done: int
    total: int

    @property
    def over(self) -> bool:
        """Whether all of it is done."""
        return self.done >= self.total


class Lines:
    """Tells on stderr when a stage begins, every `TOLD_EVERY` seconds how far it is, and when it ends.

    A line comes with the next report, so one item that takes longer than that is waited for.
    """

    def __init__(self, what: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._clock = what, clock
        self._stages: dict[str, _Stage] = {}
        self._telling = threading.Lock()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note of how far a stage is."""
        with self._telling:
            now = self._clock()
            known = self._stages.get(stage)
            if known is None:
                self._stages[stage] = _Stage(now, done, now, done, total)
                self._tell(stage, done, total)
                return
            ended = done >= total and not known.over
            known.done, known.total = done, total
            due = now - known.told >= TOLD_EVERY
            if due or ended:
                self._tell(stage, done, total, now - known.began, done - known.first)
                known.told = now

    def close(self) -> None:
        """Say where each stage stands that has not come to its end: the work is over, or was broken off."""
        with self._telling:
            for stage, known in self._stages.items():
                if not known.over:
                    counts = f"{_amount(known.done, stage)} of {_amount(known.total, stage)}"
                    tell(f"ended at {counts}, after {_time(self._clock() - known.began)}", prefix=self._prefix(stage))
            self._stages.clear()

    def _tell(self, stage: str, done: int, total: int, seconds: float = 0.0, made: int = 0) -> None:
        counts = f"{_amount(done, stage)} of {_amount(total, stage)}"
        rate = made / seconds if seconds > 0 else 0.0
        if done >= total:
            more = [f"in {_time(seconds)}" if made else "", speed(rate, stage)]
        else:
            more = [speed(rate, stage), f"{_time((total - done) / rate)} left" if rate else ""]
        tell(", ".join(filter(None, [counts, *more])), prefix=self._prefix(stage))

    def _prefix(self, stage: str) -> str:
        return f"{self._what} {stage}: ".lstrip()


def _amount(count: float, stage: str) -> str:
    from rich.filesize import decimal

    return decimal(int(count)) if stage == BYTES else f"{count:,}"


def speed(rate: float, stage: str = "") -> str:
    """Return items per second in words, or seconds per item where that reads better; "" where it is not known."""
    if not rate:
        return ""
    if stage == BYTES:
        return f"{_amount(rate, stage)}/s"
    return f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each"


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


@contextmanager
def _bars(what: str, console: Console) -> Iterator[Progress]:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID
    from rich.text import Text

    from benchmark.live import Live
    from foundation.events import listening

    live = Live()

    class BarsAndLive(Bars):
        """Bars above a line of text, where there is any."""

        def get_renderables(self) -> Iterable[RenderableType]:
            yield from super().get_renderables()
            if text := live.text():
                yield Text(text, style="dim")

    tasks: dict[str, TaskID] = {}
    with ExitStack() as stack:
        stack.enter_context(listening(live))
        bars = stack.enter_context(BarsAndLive(*_columns(), console=console, transient=True))

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(f"{what} {stage}".strip(), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


def _columns() -> tuple[ProgressColumn, ...]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """How fast a stage is."""

        def render(self, task: Task) -> Text:
            return Text(speed(task.finished_speed or task.speed or 0.0), style="progress.data.speed")

    text = TextColumn("{task.description}")
    return text, BarColumn(), MofNCompleteColumn(), Rate(), TimeElapsedColumn(), TimeRemainingColumn()
