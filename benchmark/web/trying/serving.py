"""Serving the page: models loaded, a folder for what is sent and answered, and nothing left of it at the end."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmark.exits import EndedAsAsked
from benchmark.web.serving import is_loopback, own_names, serve
from benchmark.web.trying.answering import answer
from benchmark.web.trying.app import Site, create_app
from benchmark.web.trying.door import Door
from benchmark.web.trying.films import Films
from benchmark.web.trying.line import Line
from benchmark.web.trying.models import Models
from vgg_monoaudio.dataset import Benchmark


def serve_trying(
    models: Models,
    benchmark: Benchmark,
    *,
    at_most_seconds: float,
    host: str,
    port: int,
    started: Callable[[str], None],
) -> None:
    """Serve until asked to end.

    Args:
        models: loaded.
        benchmark: whose scenes can be chosen.
        at_most_seconds: how much of a film is used.
        host: address to listen on.
        port: 0: any that is free.
        started: called with the address, and the secret that admits in it, when requests are taken.

    Raises:
        benchmark.web.serving.CannotServe: the port is taken or forbidden.
        benchmark.exits.EndedAsAsked: it was asked to end, and has.
    """
    with _ended(), opened(models, benchmark, at_most_seconds=at_most_seconds) as site:
        hosts = own_names(host) if is_loopback(host) else ()
        held = site.folder / "page"  # nobody else has this folder: its lock lies in it, and goes with it
        app = create_app(site, hosts=hosts)
        serve(app, held, host=host, port=port, started=lambda address: started(f"{address}{site.door.link}"))


@contextlib.contextmanager
def _ended() -> Iterator[None]:
    """Say of a page that was asked to end what has become of it."""
    try:
        yield
    except EndedAsAsked as asked:
        raise EndedAsAsked("stopped; the films that were sent and all answers are removed") from asked


@contextlib.contextmanager
def opened(models: Models, benchmark: Benchmark, *, at_most_seconds: float) -> Iterator[Site]:
    """Yield a site in a folder of its own, readable by its owner alone; it is removed at the end.

    Args:
        models: loaded.
        benchmark: whose scenes can be chosen.
        at_most_seconds: how much of a film is used.
    """
    # A model that is still at an answer when the server has ended may write meanwhile.
    with tempfile.TemporaryDirectory(prefix="vgg-monoaudio-try-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        for room in ("films", "answers"):
            (folder / room).mkdir()
        films = Films(folder / "films", benchmark, at_most_seconds=at_most_seconds)
        line = Line(folder / "answers", models, partial(answer, models, benchmark))
        try:
            yield Site(folder, films, models, line, Door())
        finally:
            line.close()
