"""Who makes which shard: one process, or several that share a store through a ledger in it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from baselines.selva.training.clip_list import Entry
from baselines.selva.training.shards import read_head, shard_path
from baselines.selva.training.store_record import SHARDS_FOLDER, StoreError, StoreSettings
from foundation.files import remove_partials
from foundation.ledger.ledger import Driver, Ledger
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
    make: Callable[[int, Sequence[Entry]], None],
    shards: Sequence[Sequence[Entry]],
    *,
    report: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Make the shards that nobody else makes; return when all are made, by whoever.

    Args:
        driver: of the plan; see `joined`.
        make: makes a shard, given its number and its clips.
        shards: clips of all shards.
        report: called with "shards", how many are made, and how many there are.
        sleep: for tests.
    """
    made_before = len(shards) - len(driver.plan.shards)
    while not driver.is_over():
        report("shards", made_before + len(driver.finished), len(shards))
        claim = driver.claim()
        if claim is None:
            sleep(_POLL_SECONDS)  # others are at what is left; one that is gone leaves its shard to this one
            continue
        (name,) = driver.plan.shards[claim.shard]
        make(int(name), shards[int(name)])
        driver.finish(claim.shard, {})
    report("shards", len(shards), len(shards))


def end_plan(store: Path, driver: Driver) -> None:
    """Remove the ledger, unless other processes are at it; hold the store's lock meanwhile."""
    if driver.is_last():
        FolderStore(store / LEDGER_FOLDER).clear()
