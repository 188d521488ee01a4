"""Who makes which shard: one process, or several that share a store through a ledger in it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

from baselines.selva.training.clip_list import Entry
from baselines.selva.training.preparing_reading import ClipReader, Found, Job
from baselines.selva.training.preparing_shard import ShardMaker
from baselines.selva.training.shards import read_head, shard_path
from baselines.selva.training.store_record import SHARDS_FOLDER, StoreError, StoreSettings
from foundation.files import remove_partials
from foundation.ledger.ledger import Driver, Ledger, Plan
from foundation.ledger.store import FolderStore
from foundation.work import Progress

LEDGER_FOLDER = "at_work"
_POLL_SECONDS = 0.5

log = logging.getLogger(__name__)


def joined(store: Path, settings: StoreSettings, shards: Sequence[Sequence[Entry]]) -> Driver:
    """Return a driver of the plan of those who are at work on a store; of a new plan where nobody is.

    Hold the store's lock meanwhile.
    """
    ledger = Ledger(FolderStore(store / LEDGER_FOLDER))
    plan = ledger.plan()
    if plan is None or not ledger.at_work():
        remove_partials(store, alone=True)
        missing = [number for number, entries in enumerate(shards) if not _is_there(store, settings, number, entries)]
        plan = ledger.begin(settings.mark, [[str(number)] for number in missing], {})
    return ledger.join(plan)


def _is_there(store: Path, settings: StoreSettings, number: int, entries: Sequence[Entry]) -> bool:
    """Tell whether a shard is made; one that is damaged, or of other settings, is made again."""
    path = shard_path(store / SHARDS_FOLDER, number)
    if not path.exists():
        return False
    try:
        head = read_head(path)
    except StoreError as error:
        log.warning("%s: made again, since it cannot be read (%s)", path, error)
        return False
    ids = {row.id for row in head.rows} | {skip.id for skip in head.skipped}
    return head.mark == settings.mark and ids == {entry.id for entry in entries}


def make_shards(
    driver: Driver,
    maker: ShardMaker,
    reader: ClipReader,
    shards: Sequence[Sequence[Entry]],
    *,
    report: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Make the shards that nobody else makes; return when all are made, by whoever.

    The next shard is claimed as soon as the reader has room for its first clip, while the networks are at this one.

    Args:
        driver: of the plan; see `joined`.
        maker: makes a shard.
        reader: reads its clips.
        shards: clips of all shards.
        report: called with "shards" and "clips", how many are done, and how many there are.
        sleep: for tests.
    """
    standing = _Standing(driver, shards, report)

    def jobs() -> Iterator[Job]:
        while (claim := driver.claim()) is not None:
            yield from (maker.job(claim.shard, entry) for entry in shards[_number(driver.plan, claim.shard)])

    while not driver.is_over():
        standing.tell()
        with closing(reader.read(jobs())) as clips:
            for first in clips:  # no clip is asked for beyond a shard's last before that shard is written
                shard = first[0].shard
                number = _number(driver.plan, shard)
                own = chain([first], islice(clips, len(shards[number]) - 1))
                maker.make(number, standing.counted(own))
                driver.finish(shard, {})
                standing.tell()
        if not driver.is_over():
            sleep(_POLL_SECONDS)  # others are at what is left; one that is gone leaves its shard to this one
    standing.tell()


def _number(plan: Plan, shard: int) -> int:
    """Return the number of a shard in the store, by its place in a plan."""
    return int(plan.shards[shard][0])


class _Standing:
    """How far a store is: the shards that are made, by whoever, and the clips of these and of the one in hand."""

    def __init__(self, driver: Driver, shards: Sequence[Sequence[Entry]], report: Progress) -> None:
        self._driver, self._report = driver, report
        self._sizes = list(map(len, shards))
        self._total, self._left = sum(self._sizes), 0

    def tell(self) -> None:
        """Report what is made."""
        left = set[str]()
        if not self._driver.is_over():
            left = set[str]().union(*self._driver.plan.shards) - self._driver.finished
        self._left = sum(self._sizes[int(name)] for name in left)
        self._report("shards", len(self._sizes) - len(left), len(self._sizes))
        self._report("clips", self._total - self._left, self._total)

    def counted(self, clips: Iterable[tuple[Job, Found]]) -> Iterator[tuple[Entry, Found]]:
        """Yield the clips of a shard, and report each when the next one is asked for."""
        for done, (job, found) in enumerate(clips, start=1):
            yield job.entry, found
            self._report("clips", self._total - self._left + done, self._total)


def end_plan(store: Path, driver: Driver) -> None:
    """Remove the ledger, unless other processes are at it; hold the store's lock meanwhile."""
    if driver.is_last():
        FolderStore(store / LEDGER_FOLDER).clear()
