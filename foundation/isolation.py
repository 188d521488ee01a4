"""One worker, a process or a thread, and what becomes of it when an item kills or hangs it."""

from __future__ import annotations

import math
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol

from foundation.transfer import TooSlow, receive, send

READING_SECONDS = 300.0  # a file of some seconds takes less than one; a decoder that has not ended by then hangs
LIMIT_VARIABLE = "VGG_MONOAUDIO_READING_SECONDS"
_LONGEST_SECONDS = 1e6  # what timers take on every system
STARTING_SECONDS = 300.0  # a worker process that has not begun by then never will
LEAVING_SECONDS = 5.0  # what is killed is gone by then
_STARTING = threading.Lock()
_OF_SCRIPT = "worker processes do not run your script: put it into a module of its own, or read with workers=0"
_OF_MAIN = ("init_main_from_name", "init_main_from_path")  # what `multiprocessing` tells a process of our script


class WorkerDied(Exception):
    """Worker processes end before they have begun: nothing can be read by them."""


@dataclass(frozen=True)
class Lost:
    """What became of an item that has no result.

    Attributes:
        reason: why, as the end of a sentence about the item.
    """

    reason: str


@dataclass(frozen=True)
class Death(Lost):
    """The worker of an item died."""


class Worker(Protocol):
    """Does one item after the other.

    Attributes:
        ended: it does no more; another one has to be begun.
    """

    ended: bool

    def ask(self, item: object, limit_seconds: float) -> Any:
        """Return what becomes of an item: its result, `Lost`, or `Death` where it took the worker along."""
        ...

    def end(self) -> None:
        """End it, whatever it is at; another thread may be waiting in `ask`."""
        ...


class ProcessWorker:
    """A process that does one item after the other."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that torch's threads hold
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        with starting():
            self._process.start()
        theirs.close()
        self._begun, self.ended = False, False

    def ask(self, item: object, limit_seconds: float) -> Any:
        """Return what becomes of an item.

        Raises:
            WorkerDied: the process ended before it had begun.
        """
        try:
            if not self._begun:
                if not self._pipe.poll(STARTING_SECONDS):
                    raise EOFError
                self._begun = bool(self._pipe.recv())
            self._pipe.send(item)
            return receive(self._pipe, limit_seconds)
        except TooSlow:
            self.ended = True
            return Lost(f"was not read within {limit_seconds:g} s")
        except (EOFError, OSError):  # the other end of the pipe is gone
            self.ended = True
            self._process.join(LEAVING_SECONDS)
            reason = how_it_ended(self._process.exitcode)
            if not self._begun:
                raise WorkerDied(
                    f"a worker process ended before it had begun: {reason}; --workers 0 (from Python: workers=0) reads "
                    "in this process"
                ) from None
            return Death(reason)
        except Exception as error:  # what came back is of foreign code, and does not unpickle here
            return _lost(error)

    def end(self) -> None:
        """Kill the process."""
        self.ended = True
        self._process.kill()
        self._process.join(LEAVING_SECONDS)


class ThreadWorker:
    """A thread that does one item after the other; it cannot be killed, but it can be left."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work
        self._items: queue.SimpleQueue[tuple[Any] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.ended = False
        threading.Thread(target=self._serve, daemon=True).start()  # daemon: one that hangs must not keep us from ending

    def _serve(self) -> None:
        while (given := self._items.get()) is not None:
            self._results.put(_result(self._work, given[0]))

    def ask(self, item: object, limit_seconds: float) -> Any:
        """Return what becomes of an item."""
        self._items.put((item,))
        try:
            return self._results.get(timeout=limit_seconds)
        except queue.Empty:
            self.ended = True
            return Lost(f"was not read within {limit_seconds:g} s")

    def end(self) -> None:
        """Let the thread end when it comes to it."""
        self.ended = True
        self._items.put(None)


def time_limit() -> float:
    """Return the longest time for reading one file, in seconds: what the environment says, else `READING_SECONDS`.

    Raises:
        ValueError: it says something else than seconds above 0.
    """
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    try:
        seconds = float(text or READING_SECONDS)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise ValueError(f"{LIMIT_VARIABLE}: expected seconds above 0, at most {_LONGEST_SECONDS:g}, got {text!r}")
    return seconds


@contextmanager
def starting() -> Iterator[None]:
    """Let this thread spawn a process of ours in the block: without our signals, and without running our script."""
    with main_untold(), signals_held():
        yield


@contextmanager
def main_untold() -> Iterator[None]:
    """Let processes that this thread spawns in the block know nothing of the script that this process runs.

    `multiprocessing` has each of them run it again, for functions that it may define. Ours are of modules; a script
    without a main guard would do all its work over, and one that was read from standard input is in no file.
    """
    from multiprocessing import spawn

    thread = threading.get_ident()
    with _STARTING:
        told = spawn.get_preparation_data

        def of_main_nothing(name: str) -> dict[str, Any]:
            data: dict[str, Any] = told(name)
            if threading.get_ident() != thread:  # others may start processes of their own meanwhile
                return data
            return {key: value for key, value in data.items() if key not in _OF_MAIN}

        spawn.get_preparation_data = of_main_nothing
        try:
            yield
        finally:
            spawn.get_preparation_data = told


@contextmanager
def signals_held() -> Iterator[None]:
    """Keep Ctrl-C and a hang-up from processes that are started in the block: they inherit that, and are ended by us.

    Without it every worker answers Ctrl-C with a traceback of its own.
    """
    from multiprocessing import resource_tracker  # commands that read nothing do without it

    resource_tracker.ensure_running()  # started by `start` otherwise, and that lets Ctrl-C through again
    if not hasattr(signal, "pthread_sigmask"):  # not a POSIX system
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """Be a worker process, until the other end of the pipe is closed."""
    # One thread a worker, because there are as many workers as cores.
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        pipe.send(True)
        while True:
            try:
                item = pipe.recv()
            except (AttributeError, ImportError) as error:  # it names something that this process does not have
                send(pipe, Lost(f"{error}; {_OF_SCRIPT}") if "__main__" in str(error) else _lost(error))
                continue
            _answer(pipe, _result(work, item))


def _answer(pipe: Connection, result: Any) -> None:
    try:
        send(pipe, result)
    except OSError:
        raise
    except Exception as error:  # it cannot be pickled, or there is no memory for that
        send(pipe, _lost(error))


def _result(work: Callable[[Any], Any], item: object) -> Any:
    try:
        return work(item)
    except BaseException as error:
        return _lost(error)


def _lost(error: BaseException) -> Lost:
    return Lost(f"{type(error).__name__}: {error}")


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # returns when the parent is gone, also after `kill -9`
        os._exit(1)


def how_it_ended(status: int | None) -> str:
    """Return in words how a process ended: its exit status, or minus the signal that killed it."""
    if status is None:
        return "it does not end"
    if status >= 0:
        return f"it left with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"killed by {name}" + (", as the system does when memory is full" if name == "SIGKILL" else "")
