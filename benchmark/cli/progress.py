"""Progress on stderr: a bar with rate and remaining time for each stage, and below them what happens now."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from benchmark.exits import tell
from foundation.work import Progress

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import ProgressColumn


@contextmanager
def progress(what: str = "", *, lines_every: float | None = None) -> Iterator[Progress]:
    """Yield a callback (stage, done, total); stages appear as they begin.

    On a terminal bars are drawn, with the rates of the stages, what waits and the GPU's memory below them, and vanish
    when done; elsewhere nothing is printed, and nothing is counted, unless lines are asked for.

    Args:
        what: is done.
        lines_every: seconds after which a line says how far the stage is that reports then, where there is no terminal.
    """
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID
    from rich.text import Text

    from benchmark.cli.live import Live
    from foundation.events import listening

    live = Live()

    class BarsAndLive(Bars):
        """Bars above a line of text, where there is any."""

        def get_renderables(self) -> Iterable[RenderableType]:
            yield from super().get_renderables()
            if text := live.text():
                yield Text(text, style="dim")

    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    with ExitStack() as stack:
        if console.is_terminal:
            stack.enter_context(listening(live))
        bars = BarsAndLive(*_columns(), console=console, transient=True, disable=not console.is_terminal)
        stack.enter_context(bars)

        told = time.monotonic()

        def report(stage: str, done: int, total: int) -> None:
            nonlocal told
            if lines_every is not None and not console.is_terminal and time.monotonic() - told >= lines_every:
                tell(f"{done:,} of {total:,} {stage}", prefix=f"{what}: ")
                told = time.monotonic()
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
        """Items per second, or seconds per item where that reads better."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            if not speed:
                return Text("")
            return Text(f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each", style="progress.data.speed")

    text = TextColumn("{task.description}")
    return text, BarColumn(), MofNCompleteColumn(), Rate(), TimeElapsedColumn(), TimeRemainingColumn()
