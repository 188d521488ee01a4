"""What a run directory holds already, what of it counts, and whether it may be gone on with."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from benchmark.job import Job
from benchmark.places import DEFAULT_RUNS
from benchmark.removal import check_removable
from benchmark.runs import (
    FIRST_DEFINITION,
    DamagedRecord,
    FailureRecord,
    OwnModelRecord,
    RunDirectory,
    RunRecord,
    UnusableRun,
    control_definition,
)
from foundation import media
from foundation.files import is_partial
from vgg_monoaudio.dataset import Sample

log = logging.getLogger(__name__)

KEEP_BOTH = "pass --fresh to replace them, or keep both: --run-name for one model, another folder as --runs for several"


@dataclass(frozen=True)
class Standing:
    """How far a run is.

    Attributes:
        previous: its record; None where it begins.
        todo: the samples that are to be asked.
        damaged: answers that are there and not whole, each with what is wrong.
        damaged_record: whether its record is there and says nothing any more.
    """

    previous: RunRecord | None
    todo: list[Sample]
    damaged: list[str]
    damaged_record: bool

    def tell(self) -> None:
        """Say which answers are made again."""
        if self.damaged:
            others = f" (and {len(self.damaged) - 1} others)" if len(self.damaged) > 1 else ""
            log.warning("%s; generated again%s", self.damaged[0], others)


def standing(job: Job, directory: RunDirectory, fresh: bool, *, look_inside: bool = True) -> Standing:
    """Return how far a run is; refuse what cannot be done. Loads and writes nothing.

    Args:
        job: what is asked.
        directory: where its answers are.
        fresh: whether what is there is to be replaced.
        look_inside: whether each answer that is there is seen to be whole; otherwise its name counts.

    Raises:
        ValueError: a length that the model cannot make, or a place that cannot take its answers.
        UnusableRun: the directory holds answers to another question, or audio without a record; or it is to be
            replaced, and is not a run.
    """
    previous, damaged_record = None, False
    if fresh:
        check_removable(directory)
    else:
        try:
            previous = _previous(directory, job)
        except DamagedRecord:
            damaged_record = True
    damaged: list[str] = []
    if fresh or damaged_record or job.entry.kind == "recorded":
        todo = list(job.samples)
    else:
        todo, damaged = _unanswered(job.samples, directory, look_inside)
    if todo:
        job.check_possible(directory, todo)
    return Standing(previous, todo, damaged, damaged_record)


def _unanswered(
    samples: Sequence[Sample], directory: RunDirectory, look_inside: bool
) -> tuple[list[Sample], list[str]]:
    """Return the samples that have no file, or one that is not whole, and what is wrong with the latter."""
    todo, damaged = [], []
    for sample in samples:
        path = directory.audio(sample.sample_id)
        there = path.is_file()
        missing = "absent" if not there else media.what_is_missing(path) if look_inside else None
        if missing is not None:
            todo.append(sample)
            damaged += [f"{path}: {missing}"] if there else []
    return todo, damaged


def set_aside(directory: RunDirectory) -> None:
    """Keep a damaged record under another name, and remove the sounds that nothing vouches for any more."""
    aside = directory.run_json.with_name("run.json.damaged")
    log.warning(
        "%s: empty, cut or damaged, so it is not known what the sounds beside it answer; all are generated again, the "
        "record is kept as %s", directory.run_json, aside.name
    )  # fmt: skip
    if (directory.path / "audio").is_dir():
        shutil.rmtree(directory.path / "audio")
    directory.run_json.replace(aside)


def _previous(directory: RunDirectory, job: Job) -> RunRecord | None:
    if not directory.run_json.is_file():
        if any(not is_partial(path) for path in directory.path.glob("audio/*.wav")):
            raise UnusableRun(
                f"{directory.path}: holds audio but no run.json, so it is not known what it answers; "
                "pass --fresh to replace it"
            )
        return None
    previous = directory.read_run()
    before = previous.model.source_sha256 if isinstance(previous.model, OwnModelRecord) else None
    changed = before not in (None, job.code_sha256)
    holds = f"{directory.path}: holds answers of {previous.model.name}"
    if not previous.benchmark.is_of(job.benchmark):
        raise UnusableRun(f"{holds} {_to_what(previous, job)}")
    if changed or previous.fingerprint != job.fingerprint:
        other = "made with another version of its file" if changed else _what_differs(previous, job)
        raise UnusableRun(f"{holds} {other}; {KEEP_BOTH}")
    return previous


def _to_what(previous: RunRecord, job: Job) -> str:
    """Return which benchmark was answered, and what to do: two never share a table, so a folder each is best."""
    before, now = previous.benchmark, job.benchmark
    if before.version == now.version:
        other, folder = f"to an earlier build of {before.name} {before.version}, with other samples", "another folder"
    else:
        other, folder = f"to {before.name} {before.version}, not {now.version}", f"{DEFAULT_RUNS}-{now.version}"
    return f"{other}; pass --fresh to replace them, or --runs {folder} to keep both"


def _what_differs(previous: RunRecord, job: Job) -> str:
    """Return in what answers of one fingerprint are not those of another, as far as the record tells."""
    precision = previous.precision or "exact"  # which all were, before there was a choice
    if job.precision not in (precision, None):
        return f"computed in precision {precision}, not {job.precision}"
    before, now = control_definition(previous.model), job.entry.revision or FIRST_DEFINITION
    if previous.model.name == job.entry.name and before not in (None, now):
        return f"by its definition {before}, not {now}"
    if previous.seed != job.seed:
        return f"with seed {previous.seed}, not {job.seed}"
    return "with other options"


def check_weights(
    directory: RunDirectory, record: RunRecord, previous: RunRecord | None, *, joining: bool = False
) -> None:
    """Refuse to go on with other weights than those that began: the run would be two models' answers.

    Args:
        directory: of the run.
        record: as this process would begin it.
        previous: as it was found.
        joining: others are at it, whether there is an answer yet or not.

    Raises:
        UnusableRun: names the part whose weights are others.
    """
    if previous is None or not (joining or any(directory.path.glob("audio/*.wav"))):
        return
    before, now = previous.model.weights_sha256, record.model.weights_sha256
    changed = sorted(part for part in before | now if before.get(part) != now.get(part))
    if changed:
        raise UnusableRun(f"{directory.path}: holds answers made with another {changed[0]} checkpoint; {KEEP_BOTH}")


def failures_of_others(before: Sequence[FailureRecord], asked: Collection[str]) -> list[FailureRecord]:
    """Return what is known of samples that were not asked this time, because of a limit or an end before them."""
    return [failure for failure in before if failure.sample not in asked]
