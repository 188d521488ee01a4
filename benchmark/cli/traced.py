"""`--trace` of the verbs that work long."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmark.help_pages import REST

TraceOption = Annotated[
    Path | None,
    typer.Option(
        "--trace", metavar="FILE", rich_help_panel=REST,
        help="Write what happens when: FILE.json for ui.perfetto.dev, FILE.jsonl for a line per sample and stage.",
    ),
]  # fmt: skip


def traced(verb: Callable[..., None]) -> Callable[..., None]:
    """Return a verb with one option more, `--trace`: the file that its events are written to.

    Raises:
        foundation.disk.UnusablePlace: from the verb, before its work, where the file cannot be written.
    """

    @wraps(verb)
    def called(*, trace: Path | None, **given: Any) -> None:
        from benchmark.trace import tracing
        from foundation.disk import check_file

        if trace is not None:
            check_file(trace)
        with tracing(trace):
            verb(**given)

    signature = inspect.signature(verb)
    option = inspect.Parameter("trace", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=TraceOption)
    called.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what `spread` reads
        parameters=[*signature.parameters.values(), option]
    )
    called.__annotations__ = {**verb.__annotations__, "trace": TraceOption}
    return called
