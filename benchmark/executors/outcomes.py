"""What comes back from drivers, and what the command makes of it."""

from __future__ import annotations

import logging
import os
import pickle
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmark.executors.orders import Order
from benchmark.exits import for_the_user
from foundation.work import Progress

RESTARTS = 3  # of a driver, one after the other, with nothing new done in between

log = logging.getLogger(__name__)


class DriversLost(Exception):
    """Every driver has died so often that nothing is gained by starting it again."""


class DriverError(Exception):
    """Stands for an exception of a driver that cannot travel; the message is that one's, for a user who can mend it."""


@dataclass(frozen=True)
class Outcome:
    """How a driver ended that did not die.

    Attributes:
        directory: the run directory, whose work is done; None where it raised.
        error: what it raised, pickled.
    """

    directory: str | None = None
    error: bytes = b""

    def exception(self) -> Exception:
        """Return what the driver raised."""
        raised = pickle.loads(self.error)  # made by a process of our own
        return raised if isinstance(raised, Exception) else RuntimeError(repr(raised))


def outcome_of(work: Callable[[], str]) -> Outcome:
    """Return how a driver's work ended, whatever it raises but Ctrl-C and the like."""
    try:
        return Outcome(work())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # foreign code may leave by SystemExit
        return Outcome(error=_pickled(error))


def _pickled(error: BaseException) -> bytes:
    """Return an exception in a form that surely unpickles, its traceback as a note where it is a defect."""
    told = "".join(traceback.format_exception(error))
    yours = isinstance(error, Exception) and for_the_user(error)
    try:
        if not yours:
            error.add_note(f"in a driver:\n{told}")
        data = pickle.dumps(error)
        again = pickle.loads(data)
        if type(again) is type(error) and isinstance(again, Exception) and str(again) == str(error):
            return data
    except Exception as problem:  # of foreign classes anything may come
        log.debug("%s does not travel: %s", type(error).__name__, problem)
    return pickle.dumps(DriverError(str(error)) if yours else RuntimeError(f"a driver failed:\n{told}"))


@dataclass
class Tally:
    """What has become of the drivers so far.

    Attributes:
        directory: the run directory, once a driver has come back with it.
        errors: what drivers raised, in the order in which it came.
        deaths: how drivers died that are not started again.
    """

    directory: str | None = None
    errors: list[Exception] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)

    def add(self, number: int, outcome: Outcome) -> None:
        """Take what driver `number` came back with."""
        if outcome.directory is not None:
            self.directory = outcome.directory
        else:
            self.errors.append(outcome.exception())
            log.debug("driver %d raised %r", number, self.errors[-1])

    def give_up(self, number: int, reason: str) -> None:
        """Take a driver that died for the last time."""
        self.deaths.append(f"driver {number}: {reason}")
        log.warning("driver %d: %s; it is not started again", number, reason)

    def result(self) -> str:
        """Return the run directory, if any driver came back with it; what the others lost is said.

        Raises:
            Exception: what the first driver raised, where none finished the work.
            DriversLost: all drivers died.
        """
        if self.directory is not None:
            for error in self.errors:
                log.warning("a driver failed, and the others did its work: %s: %s", type(error).__name__, error)
            return self.directory
        if self.errors:
            raise self.errors[0]
        raise DriversLost(
            f"all drivers died; {'; '.join(self.deaths)}. What is done is kept: mend the cause, "
            "and the same command goes on from here"
        )


def count_sounds(folder: str) -> int:
    """Return how many sounds are in a folder; those that are being written are not."""
    try:
        with os.scandir(folder) as entries:
            return sum(not entry.name.startswith(".") for entry in entries)
    except FileNotFoundError:
        return 0


def watching(order: Order, progress: Progress | None) -> Callable[[], int]:
    """Return a look at how many sounds there are, which also reports that to `progress`; 0 for what makes none."""
    place = order.sounds()
    if place is None:
        return lambda: 0
    folder, total = place

    def look() -> int:
        done = min(count_sounds(folder), total)
        if progress is not None:
            progress("generate", done, total)
        return done

    return look


def check_count(drivers: int, devices: Sequence[str | None] = ()) -> None:
    """Refuse a number of drivers that cannot be.

    Raises:
        ValueError: it is below 1, or there are not as many devices.
    """
    if isinstance(drivers, bool) or not isinstance(drivers, int) or drivers < 1:
        raise ValueError(f"--drivers: expected 1 or more, or auto, got {drivers!r}")
    if devices and len(devices) != drivers:
        raise ValueError(f"--device: {len(devices)} devices for {drivers} drivers; name one, or one for each driver")
