"""Drivers as processes of this machine, one for each GPU.

They are no daemons in the sense of `multiprocessing`: those may have no processes of their own, and drivers have
workers that decode. That none outlives the command is seen to here, and by a thread in each that waits for its parent.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Any

from benchmark.executors.orders import Order
from benchmark.executors.outcomes import RESTARTS, Outcome, Tally, check_count, outcome_of, watching
from benchmark.exits import AskedToEnd
from foundation.isolation import how_it_ended, starting
from foundation.work import Progress, available_cores

LEAVING_SECONDS = 15.0  # in which a driver that is asked to end writes how far it came
TOGETHER_SECONDS = 60.0  # in which the others come back when one has come back with the run
LOOK_SECONDS = 0.5

log = logging.getLogger(__name__)


def drive_locally(
    order: Order, *, drivers: int | None = None, devices: Sequence[str] = (), progress: Progress | None = None
) -> str:
    """Let several processes of this machine do one piece of work together; return the run directory.

    Whatever ends this function, Ctrl-C too, ends every driver; one of a parent that was killed ends by itself.

    Args:
        order: what to do.
        drivers: how many; None: one for each GPU, else one.
        devices: of each driver; empty: cuda:0, cuda:1 and so on where the order names no device and there are GPUs.
        progress: called as sounds appear, or with what drivers say of their stages.

    Raises:
        ValueError: drivers and devices do not fit.
        Exception: what a driver raised, as itself, where none finished the work.
        DriversLost: every driver died, and again each time it was started.
    """
    gpus = _gpus() if order.device is None and not devices else 0
    count = max(gpus, len(devices), 1) if drivers is None else drivers
    check_count(count, devices)
    if order.workers is None and count > 1:
        order = order.with_workers(max(1, available_cores() // count))
    places: list[str | None] = [*devices] or [f"cuda:{number % gpus}" if gpus else None for number in range(count)]
    crew = _Crew(order, places, progress)
    try:
        return crew.work()
    finally:
        crew.end()


def _gpus() -> int:
    """Return how many GPUs torch sees here."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


@dataclass
class _Driver:
    """A process, and the end of the pipe that it speaks into."""

    number: int
    process: Any
    pipe: Connection
    outcome: Outcome | None = None
    restarts: int = 0  # since something was last done
    done: int = 0  # sounds that there were when it was started


class _Crew:
    """The drivers of one order."""

    def __init__(self, order: Order, devices: Sequence[str | None], progress: Progress | None) -> None:
        self._order, self._devices, self._progress = order, devices, progress
        self._look = watching(order, progress)
        self._counts_sounds = order.sounds() is not None
        self._tally = Tally()
        self._drivers: dict[int, _Driver] = {}

    def work(self) -> str:
        """Start all, wait until nothing is left to do, and return the run directory; see `drive_locally`."""
        for number in range(len(self._devices)):
            self._start(number)
        until: float | None = None
        done, looked = self._look(), time.monotonic()
        while self._drivers and (until is None or time.monotonic() < until):
            wait([end for d in self._drivers.values() for end in (d.pipe, d.process.sentinel)], LOOK_SECONDS)
            if time.monotonic() >= looked + LOOK_SECONDS:  # drivers may speak more often
                done, looked = self._look(), time.monotonic()
            for driver in list(self._drivers.values()):
                self._hear(driver)
                if not driver.process.is_alive():
                    self._hear(driver)  # what it said last
                    self._ended(driver, done)
            if self._tally.directory is not None and until is None:
                until = time.monotonic() + TOGETHER_SECONDS
        self._look()
        return self._tally.result()

    def end(self) -> None:
        """End every driver: politely, then by force."""
        drivers = list(self._drivers.values())
        polite = self._tally.directory is None  # of a finished run nobody shall write that it was broken off
        for driver in drivers:
            driver.process.terminate() if polite else driver.process.kill()
        until = time.monotonic() + LEAVING_SECONDS
        for driver in drivers:
            with suppress(KeyboardInterrupt):  # a second one must not leave processes behind
                driver.process.join(max(0.0, until - time.monotonic()))
            driver.process.kill()
            driver.process.join(LEAVING_SECONDS)
            driver.pipe.close()
        self._drivers.clear()

    def _start(self, number: int, restarts: int = 0, done: int = 0) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that torch's threads hold
        ours, theirs = context.Pipe(duplex=False)
        work = (theirs, self._order, self._devices[number])
        process = context.Process(target=_serve, args=work, name=f"driver {number}", daemon=False)
        with starting():
            process.start()
        theirs.close()
        self._drivers[number] = _Driver(number, process, ours, None, restarts, done)

    def _hear(self, driver: _Driver) -> None:
        """Take all that a driver has said."""
        with suppress(EOFError, OSError):
            while driver.pipe.poll():
                said = driver.pipe.recv()
                if isinstance(said, Outcome):
                    driver.outcome = said
                elif self._progress is not None and not self._counts_sounds:
                    self._progress(*said)

    def _ended(self, driver: _Driver, done: int) -> None:
        """Take note of a driver that has ended; start it again where it died."""
        del self._drivers[driver.number]
        driver.process.join()
        driver.pipe.close()
        if driver.outcome is not None:
            self._tally.add(driver.number, driver.outcome)
            return
        reason = how_it_ended(driver.process.exitcode)
        restarts = driver.restarts + 1 if done <= driver.done else 1
        if self._tally.directory is not None:
            return  # nothing is left to do
        if restarts > RESTARTS:
            self._tally.give_up(driver.number, reason)
            return
        log.warning("driver %d: %s; it is started again", driver.number, reason)
        self._start(driver.number, restarts, done)


def _serve(pipe: Connection, order: Order, device: str | None) -> None:
    """Be a driver."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_leave_with_parent, daemon=True).start()

    def tell(stage: str, done: int, total: int) -> None:
        with suppress(OSError):  # the parent is gone, and so shall we be
            pipe.send((stage, done, total))

    try:
        outcome = outcome_of(partial(order.drive, device, tell))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGTERM)
    with suppress(OSError):
        pipe.send(outcome)


def _end(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the second must not break off the ending
    raise AskedToEnd


def _leave_with_parent() -> None:
    """End as by SIGTERM when the parent is gone, also after `kill -9`; by force where that takes long."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(LEAVING_SECONDS)
        os._exit(1)
