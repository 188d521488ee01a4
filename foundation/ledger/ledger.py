"""Who is at which part of a task: processes of one machine or many take its shards, and none waits for the dead.

A ledger is a plan (the shards: names, in order), one record for each driver, which its heartbeat rewrites, and for
each shard claims and at last what came of it:

    plan-<plan>                    the task's mark and its shards
    driver-<token>                 host, process, command and heartbeat; empty once it has left
    claim-<plan>-<shard>.<turn>    the token of the driver whose turn it is
    done-<plan>-<shard>            what was found; the shard is finished

Every record is made by one of several that try, so a shard has one driver at a time. A driver that is gone (see
`foundation.holders`) does not keep its shards: whoever finds that takes the next turn. One that only stood still may
finish what it is at beside the one that took over, so a shard's work must be such that doing it twice does no harm; of
a later plan it says nothing, since records name their plan.

The ledger says who does what while drivers live. What is done is in the files that they wrote: a ledger whose drivers
are all gone says nothing, and whoever comes next makes a plan of what is left.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Self

from foundation.holders import Holder, Seen, holder_in, is_gone
from foundation.ledger.store import Store

BEAT_SECONDS = 5.0
_SHARD_DIGITS = 6

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """A task in shards.

    Attributes:
        mark: of the task; drivers of another task do not join.
        token: of this plan alone.
        shards: names of what is to be done, in order.
        known: what was known when it was made, for whoever ends it.
    """

    mark: str
    token: str
    shards: tuple[tuple[str, ...], ...]
    known: Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """A shard that is a driver's from now on.

    Attributes:
        shard: its place in the plan.
        before: who had it before and is gone, in words; "" where it is new.
    """

    shard: int
    before: str


class Ledger:
    """A task that drivers share; see the module.

    What makes or ends a plan (`begin`, `join`, `clear`) is done by one process at a time: hold a lock meanwhile.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Name the store; the clock is for tests."""
        self.store = store
        self._clock = clock
        self._watched: dict[str, tuple[bytes, float]] = {}  # drivers' records, and since when they stand so

    def plan(self) -> Plan | None:
        """Return the plan; None where there is none."""
        names = [name for name in self.store.names() if name.startswith("plan-")]
        try:
            read = json.loads(self.store.read(names[0]) or b"null") if names else None
            return None if read is None else Plan(**{**read, "shards": tuple(map(tuple, read["shards"]))})
        except (ValueError, TypeError, KeyError):
            return None  # of another version

    def begin(self, mark: str, shards: Sequence[Sequence[str]], known: Mapping[str, Any]) -> Plan:
        """Make a plan in the place of what was there before; see `Plan`."""
        self.store.clear()
        plan = Plan(mark, Holder.this().token, tuple(map(tuple, shards)), known)
        self.store.create(_plan(plan), json.dumps(asdict(plan)).encode())
        return plan

    def at_work(self) -> list[Seen]:
        """Return the drivers that are not gone, as far as this process can find out."""
        names = [name for name in self.store.names() if name.startswith("driver-")]
        return [seen for seen in map(self.alive, names) if seen is not None]

    def join(self, plan: Plan) -> Driver:
        """Return a driver of the plan; it is one from now on, and until its block ends."""
        return Driver(self, plan)

    def alive(self, name: str) -> Seen | None:
        """Return a driver that is there and not gone."""
        content = self.store.read(name)
        if not content:
            return None
        before, since = self._watched.get(name, (b"", 0.0))
        if content != before:
            since = self._clock()
            self._watched[name] = (content, since)
        seen = Seen((0, content), holder_in(content))
        return None if is_gone(seen, self._clock() - since) else seen


class Driver:
    """One process at a plan's shards; what it has claimed and not finished when its block ends is free again.

    Attributes:
        plan: the task.
        others: drivers that held shards when this one looked for a free one.
    """

    def __init__(self, ledger: Ledger, plan: Plan) -> None:
        """Put down its name."""
        self.plan = plan
        self.others: list[Seen] = []
        self._ledger, self._store = ledger, ledger.store
        self._holder = Holder.this()
        self._name = f"driver-{self._holder.token}"
        self._left = threading.Event()
        self._finished: set[int] = set()
        self._mine: set[int] = set()
        self._store.create(self._name, self._holder.written())
        threading.Thread(target=self._beat, name="heartbeat of a driver", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Give back what is not finished; the block may go on, to end the plan if this was the last driver."""
        self._left.set()
        with suppress(OSError):  # the plan was ended, or the disk is full: then the end of the process says the same
            self._store.replace(self._name, b"")

    def claim(self) -> Claim | None:
        """Return a shard that is this driver's from now on; None where none is free, or the plan was ended."""
        names = self._look()
        if self._name not in names:
            return None
        turns = self._turns(names)
        self.others = []
        for shard in range(len(self.plan.shards)):
            if shard in self._finished or shard in self._mine:
                continue
            turn = turns.get(shard, -1)
            if turn >= 0 and self._is_held(shard, turn):
                continue
            if not self._take(shard, turn + 1):
                continue
            if turn >= 0 and self._store.read(self._done(shard)) is not None:  # finished since the look
                self._finished.add(shard)
                continue
            self._mine.add(shard)
            return Claim(shard, self._before(shard, turn) if turn >= 0 else "")
        return None

    def finish(self, shard: int, found: Mapping[str, Any]) -> None:
        """Put down what came of a shard; where another driver did so before, that stands."""
        if self.is_planned():
            self._store.create(self._done(shard), json.dumps(found).encode())
        self._mine.discard(shard)
        self._finished.add(shard)

    def found(self) -> list[dict[str, Any]]:
        """Return what came of the shards that are finished, in their order."""
        found = []
        for name in self._store.names():
            if name.startswith(self._done()) and (read := self._store.read(name)):
                try:
                    found.append(json.loads(read))
                except ValueError as error:  # cut, where a file system without links took it
                    log.warning("ledger of a run: %s: damaged (%s); what it says is lost", name, error)
        return found

    @property
    def finished(self) -> set[str]:
        """The names in shards that were finished when this driver last looked."""
        return {name for shard in tuple(self._finished) for name in self.plan.shards[shard]}

    def is_over(self) -> bool:
        """Tell whether nothing is left: every shard is finished, or whoever saw that has ended the plan."""
        names = self._look()
        return len(self._finished) == len(self.plan.shards) or self._name not in names

    def is_planned(self) -> bool:
        """Tell whether the plan was not ended: what is ended goes with the records of its drivers."""
        return self._store.read(self._name) is not None

    def is_last(self) -> bool:
        """Tell whether no other driver is at the plan."""
        return all(seen.holder == self._holder for seen in self._ledger.at_work())

    def _beat(self) -> None:
        """Rewrite the record until this driver leaves."""
        beats = 0
        while not self._left.wait(BEAT_SECONDS):
            beats += 1
            with suppress(OSError):  # the work goes on; who waits long enough will take over
                self._store.replace(self._name, self._holder.written(beats))

    def _look(self) -> list[str]:
        names = self._store.names()
        self._finished |= {int(name.removeprefix(self._done())) for name in names if name.startswith(self._done())}
        return names

    def _turns(self, names: Sequence[str]) -> dict[int, int]:
        """Return the latest turn of each shard that was claimed."""
        turns: dict[int, int] = {}
        for name in names:
            if name.startswith(self._claim()):
                shard, turn = map(int, name.removeprefix(self._claim()).split("."))
                turns[shard] = max(turn, turns.get(shard, -1))
        return turns

    def _done(self, shard: int | None = None) -> str:
        """Return the name of the record that a shard is finished, or how all such names begin."""
        return f"done-{self.plan.token}-{'' if shard is None else _digits(shard)}"

    def _claim(self, shard: int | None = None, turn: int = 0) -> str:
        """Return the name of a turn's record, or how all such names begin."""
        return f"claim-{self.plan.token}-{'' if shard is None else f'{_digits(shard)}.{turn}'}"

    def _take(self, shard: int, turn: int) -> bool:
        """Claim a turn; tell whether it is this driver's."""
        name, token = self._claim(shard, turn), self._holder.token.encode()
        # A store whose answer was lost is asked again, and finds the record that it made.
        return self._store.create(name, token) or self._store.read(name) == token

    def _is_held(self, shard: int, turn: int) -> bool:
        """Tell whether the driver whose turn it is at a shard is still there."""
        seen = self._ledger.alive(self._driver_of(shard, turn))
        if seen is not None:
            self.others.append(seen)
        return seen is not None

    def _driver_of(self, shard: int, turn: int) -> str:
        token = self._store.read(self._claim(shard, turn)) or b""
        return f"driver-{token.decode('ascii', 'replace')}"  # of nobody where its maker was killed as it wrote

    def _before(self, shard: int, turn: int) -> str:
        """Return who has left a shard, in words."""
        content = self._store.read(self._driver_of(shard, turn))
        holder = holder_in(content) if content else None
        return "a driver that has left" if holder is None else f"{holder}, which is gone"


def shards_of(names: Sequence[str], size: int) -> list[Sequence[str]]:
    """Cut names into shards of a size, the last one smaller."""
    return [names[start : start + size] for start in range(0, len(names), size)]


def _plan(plan: Plan) -> str:
    return f"plan-{plan.token}"


def _digits(shard: int) -> str:
    return f"{shard:0{_SHARD_DIGITS}}"
