"""Servers as processes that can be killed.

What they import is imported once for all, in a process that they are forked from, so that a test may kill many.
"""

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["benchmark.web.study.app", "benchmark.web.curation.serving"])


class Forked:
    """A server in a process of its own: `serve` is called there with `given`, and with what it tells its address."""

    def __init__(self, serve: Callable[..., None], *given: object) -> None:
        hears, tells = _FORKED.Pipe(duplex=False)
        self.process = _FORKED.Process(target=_serving, args=(serve, given, tells))
        self.process.start()
        tells.close()
        self.address = hears.recv()  # raises EOFError where the process ended before

    def send(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    def end(self) -> int:
        """Kill it, unless it has ended by itself; return its exit status, below 0 a signal."""
        self.process.kill()
        self.process.join()
        return self.process.exitcode


def _serving(serve: Callable[..., None], given: tuple[object, ...], tells) -> None:
    serve(*given, started=tells.send)


class Later:
    """A clock of which every look is a minute later, so that no clip has to be waited for."""

    def __init__(self, now: float) -> None:
        self._now = now

    def __call__(self) -> float:
        self._now += 60
        return self._now


def serve_study(folder: Path, now: float, *, started: Callable[[str], None]) -> None:
    """Serve a study whose clock begins there."""
    from benchmark.web.serving import serve
    from benchmark.web.study.app import study_app
    from benchmark.web.study.study import Study

    study = Study.opened(folder, clock=Later(now))
    serve(study_app(study), folder, host="127.0.0.1", port=0, started=started)


def serve_on_a_disk_that_fills(folder: Path, now: float, *, started: Callable[[str], None]) -> None:
    """SIGUSR1: no file of the database may grow any more; SIGUSR2: they may again."""
    without_bound = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    def fill(*_):
        size = max(path.stat().st_size for path in folder.glob("answers.sqlite*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, fill)
    signal.signal(signal.SIGUSR2, lambda *_: resource.setrlimit(resource.RLIMIT_FSIZE, without_bound))
    serve_study(folder, now, started=started)


def serve_curation_of(asked: object, *, started: Callable[[str], None]) -> None:
    """Serve the curation page."""
    from benchmark.web.curation.serving import serve_curation

    serve_curation(asked, host="127.0.0.1", port=0, tell=lambda line: None, started=started)
