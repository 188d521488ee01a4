"""A driver of a run: asks a model for the shards that it takes, until nothing is left that anybody has to do."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from baselines import GenerationError, Generator, Request
from baselines.recorded import Recorded
from benchmark.answers import Answer, BatchSize, answers_to, checked, named
from benchmark.job import Job
from benchmark.preparing import batches, prepares
from benchmark.runs import FailureRecord
from benchmark.site import Site
from benchmark.writer import Writer
from foundation import media
from foundation.events import spanned
from foundation.ledger.ledger import Claim, Driver
from foundation.work import Progress
from vgg_monoaudio.dataset import Sample

POLL_SECONDS = 0.2  # between two looks at whether others have come to their end
TELLING_SECONDS = 10.0  # of waiting for them, until that is said
SMALLEST_SHARD = 8  # samples: what a driver that dies has others do again, at most a few times

log = logging.getLogger(__name__)


def batch_size(generator: Generator, wanted: int | Literal["auto"], request: Request, name: str) -> BatchSize:
    """Return how many requests are asked at once; what a model says of its memory wrongly is one.

    Args:
        generator: the model.
        wanted: the user's word.
        request: one of those that are to be asked.
        name: of the model.
    """
    if not (callable(getattr(generator, "generate_batch", None)) or prepares(generator)):
        return BatchSize(1)
    if wanted != "auto":
        return BatchSize(wanted)
    fitting = getattr(generator, "fitting_batch", None)
    try:
        return BatchSize(max(1, int(fitting(request))) if callable(fitting) else 1)
    except Exception as error:  # foreign code
        log.warning("%s: its fitting_batch: %s; one at a time", name, named(error))
        return BatchSize(1)


def shard_size(size: BatchSize) -> int:
    """Return how many samples a driver takes at once: a batch, or several small ones."""
    return max(1, size.now) * -(-SMALLEST_SHARD // max(1, size.now))


class Asking:
    """Asks a model for samples and keeps what it answers: decoded ahead, and written by a thread beside it.

    Attributes:
        failures: of the samples that were asked here, as they come.
    """

    def __init__(
        self, job: Job, generator: Generator, site: Site, driver: Driver, *,
        size: BatchSize, workers: int | None = None, progress: Progress | None = None,
    ) -> None:  # fmt: skip
        self._job, self._generator, self._site, self._driver = job, generator, site, driver
        self._size, self._workers, self._progress = size, workers, progress
        self._samples = {sample.sample_id: sample for sample in job.samples}
        self._before = len(job.samples) - sum(map(len, driver.plan.shards))
        self._shard_of = {name: number for number, names in enumerate(driver.plan.shards) for name in names}
        self._left: dict[int, int] = {}  # shards of this driver, and how many of their answers are yet to be written
        self._answered: set[str] = set()
        self._moving = threading.Lock()  # a pull removes what is here and was not pushed yet
        self._peaks = [0.0]
        self._since = time.monotonic()
        self.failures: list[FailureRecord] = []

    @property
    def unsaid_seconds(self) -> float:
        """How long this driver has been at work since it last said so in a shard."""
        return time.monotonic() - self._since

    def ask(self) -> None:
        """Ask for all that is this driver's to ask for; return when the plan is over."""
        waited = 0.0
        self._report(self._done(), 0)
        try:
            while not self._driver.is_over():
                if self._ask_some():
                    waited = 0.0
                elif not self._driver.is_over():
                    waited = self._wait(waited)
        finally:
            self._tell_clipped()

    def claimed(self) -> Iterator[Request]:
        """Yield the requests of shards that nobody is at, as they are taken."""
        while (claim := self._driver.claim()) is not None:
            names = self._left_of(claim) if claim.before else self._driver.plan.shards[claim.shard]
            self._left[claim.shard] = len(names)
            if not names:
                self._finish(claim.shard)
            for name in names:
                yield self._job.request(self._samples[name])

    def _ask_some(self) -> bool:
        """Ask for shards as long as one is free; tell whether there was any."""
        before = len(self._answered)
        ahead = batches(
            self._generator, _Claimed(self, len(self._samples)), self._size, workers=self._workers,
            own=self._job.code_sha256 is not None,
        )  # fmt: skip
        with closing(ahead), Writer() as writer:
            for batch in ahead:
                if self._progress and hasattr(self._generator, "on_progress"):
                    self._generator.on_progress = partial(self._report, self._done())
                answers = answers_to(self._generator, batch.requests, batch.prepared, self._size)
                for request, answer in zip(batch.requests, answers, strict=True):
                    kept = self._kept(self._samples[request.sample_id], answer)
                    writer.write(spanned("write", request.sample_id, kept))
                self._answered.update(request.sample_id for request in batch.requests)
                self._report(self._done(), 0)
        return len(self._answered) > before

    def _left_of(self, claim: Claim) -> Sequence[str]:
        """Return what another driver has left of a shard."""
        names = self._driver.plan.shards[claim.shard]
        if self._job.entry.kind != "recorded":  # the user's files, which may have changed
            with self._moving:
                self._site.pull()
            audio = self._site.directory.audio
            names = tuple(n for n in names if not audio(n).is_file() or media.what_is_missing(audio(n)) is not None)
        log.warning("%s: took over %d samples of %s", self._site.directory.path.resolve(), len(names), claim.before)
        return names

    def _wait(self, waited: float) -> float:
        """Wait a little for other drivers; say once for whom."""
        now = waited + POLL_SECONDS
        if waited < TELLING_SECONDS <= now and self._driver.others:
            holder, place = self._driver.others[0], self._site.directory.path.resolve()
            log.warning("%s: %s is at the last samples; waiting for its end", place, holder)
        time.sleep(POLL_SECONDS)
        self._since += POLL_SECONDS  # nobody asks the model meanwhile
        return now

    def _kept(self, sample: Sample, answer: Answer) -> Callable[[], None]:
        """Return what writes an answer, or removes what stands in its place, where it is none.

        All that is read of the model is read now, and the sound copied: at the next request both may be others.
        """
        path, generator = self._site.directory.audio(sample.sample_id), self._generator
        try:
            waveform, rate = checked(answer, generator.sample_rate, self._job.benchmark.duration_seconds)
        except GenerationError as error:
            failure = FailureRecord(sample=sample.sample_id, stage="generate", reason=str(error))
            self.failures.append(failure)
            return partial(self._done_with, sample, path, partial(path.unlink, missing_ok=True))
        subtype: media.Subtype = "PCM_16"
        if isinstance(generator, Recorded):
            subtype = generator.subtype_of(sample.sample_id)
        self._peaks.append(float(np.abs(waveform).max(initial=0.0)) if subtype == "PCM_16" else 0.0)
        write = partial(media.write_audio, path, waveform.copy(), rate, subtype=subtype)
        return partial(self._done_with, sample, path, write)

    def _done_with(self, sample: Sample, path: Path, write: Callable[[], None]) -> None:
        """Write an answer or remove one; the last of a shard finishes that.

        One that stood still until others had ended the run writes no more: the run may be another by now.
        """
        if not self._driver.is_planned():
            return
        with self._moving:
            write()
            self._site.push(path)
        shard = self._shard_of[sample.sample_id]
        self._left[shard] -= 1
        if self._left[shard] == 0:
            self._finish(shard)

    def _finish(self, shard: int) -> None:
        names = set(self._driver.plan.shards[shard])
        failures = [failure.model_dump() for failure in self.failures if failure.sample in names]
        seconds, self._since = self.unsaid_seconds, time.monotonic()
        self._driver.finish(shard, {"failures": failures, "seconds": seconds})

    def _done(self) -> int:
        return self._before + len(self._answered | self._driver.finished)

    def _report(self, done: int, answered: int) -> None:
        """Report progress inside a batch."""
        if self._progress:
            self._progress("generate", done + answered, len(self._job.samples))

    def _tell_clipped(self) -> None:
        if (clipped := sum(peak > 1 for peak in self._peaks)) > 0:
            peak = max(self._peaks)
            log.warning(
                "%s: %d answers exceed full scale and are clipped; peak %.3g", self._job.entry.name, clipped, peak
            )


class _Claimed:
    """The requests that a driver takes, each asked for when its turn comes; at most as many as the run has."""

    def __init__(self, asking: Asking, most: int) -> None:
        self._asking, self._most = asking, most

    def __len__(self) -> int:
        return self._most

    def __iter__(self) -> Iterator[Request]:
        return self._asking.claimed()
