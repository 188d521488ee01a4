"""Features of a run's files, computed by several processes: each takes files that no other is at.

The cache is what they share: a feature that is there is not computed again, so the shards need no result but their
end. Whoever scores the run then finds every feature, and the reasons of the files that have none.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import closing

from benchmark.features import FeatureStore, Wanted, extract
from benchmark.workers import Workers
from foundation.files import content_sha256
from foundation.ledger.ledger import Ledger, shards_of
from foundation.work import Progress, look_at_each

FILES_AT_ONCE = 48  # of a shard: several batches of every network
POLL_SECONDS = 0.2

log = logging.getLogger(__name__)


class SharedExtraction:
    """Files whose features several processes compute; the run is held while one begins or joins."""

    def __init__(self, wanted: Sequence[Wanted], ledger: Ledger, mark: str) -> None:
        """Begin, or join those that are at it.

        Args:
            wanted: files and extractors.
            ledger: of this extraction.
            mark: of the evaluation: processes with the same one share it.
        """
        self._wanted, self._ledger = _by_content(wanted), ledger
        plan = ledger.plan()
        if plan is None or plan.mark != mark or not ledger.at_work():
            plan = ledger.begin(mark, shards_of(list(self._wanted), FILES_AT_ONCE), {})
        self._driver = ledger.join(plan)

    def extract(self, store: FeatureStore, *, seconds: float, workers: int | None, progress: Progress | None) -> None:
        """Compute what no other process does; return when there is nothing left.

        Args:
            store: where features are kept.
            seconds: how much of every file is scored, from its start.
            workers: processes that decode, see `benchmark.features.extract`.
            progress: called as files are done, by this process or another.
        """
        try:
            self._extract(store, seconds, workers, progress)
        finally:
            if not self._ledger.at_work():
                self._ledger.store.clear()

    def _extract(self, store: FeatureStore, seconds: float, workers: int | None, progress: Progress | None) -> None:
        with self._driver as driver, closing(Workers(workers)) as kept:
            while not driver.is_over():
                claim = driver.claim()
                if claim is None:
                    time.sleep(POLL_SECONDS)
                    continue
                if claim.before:
                    log.warning("took over %d files of %s", len(driver.plan.shards[claim.shard]), claim.before)
                files = [item for name in driver.plan.shards[claim.shard] for item in self._wanted.get(name, ())]
                extract(files, store, seconds=seconds, workers=kept)
                driver.finish(claim.shard, {})
                if progress:
                    progress("features", len(driver.finished), len(self._wanted))


def _by_content(wanted: Sequence[Wanted]) -> Mapping[str, list[Wanted]]:
    """Return what is wanted of each content, by its hash; a file that cannot be read is told of when it is scored."""
    by_content: dict[str, list[Wanted]] = {}
    hashes = dict(look_at_each(content_sha256, dict.fromkeys(item.path for item in wanted)))
    for item in wanted:
        if isinstance(sha256 := hashes[item.path], str):
            by_content.setdefault(sha256, []).append(item)
    return by_content
