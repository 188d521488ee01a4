"""What a build gives back: the benchmark, the clips that are not in it, or the reason why there is none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vgg_monoaudio.building.asked import Asked, differences
from vgg_monoaudio.dataset import Benchmark, load_benchmark
from vgg_monoaudio.record import RECORD_NAME, BenchmarkError, BuildRecord, read_record

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """A clip that cannot be used, and why."""

    clip_id: str
    reason: str


class BuildError(Exception):
    """A benchmark that was not built; `problems` names the clips in the way."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        """Keep the problems apart from the sentence."""
        super().__init__(message)
        self.problems = list(problems)


@dataclass(frozen=True)
class Build:
    """A finished build.

    Attributes:
        benchmark: what was built, or was there already.
        problems: clips that were left out.
        reused: the directory was there, from the same clips and settings.
    """

    benchmark: Benchmark
    problems: list[Problem]
    reused: bool


def unusable(problems: Sequence[Problem], listed: int, remark: str = "") -> BuildError:
    """Return the refusal to build without clips that cannot be used."""
    counted = f"{len(problems)} of {listed} clips cannot be used{remark}; pass --allow-missing to leave them out"
    return BuildError(counted, problems)


def absent(problems: Sequence[Problem], listed: int) -> BuildError:
    """Return the refusal to begin without clips that are not there; nothing that an earlier build left is touched."""
    error = unusable(problems, listed)
    return BuildError(f"{error} (they are not there; the others are not opened yet)", problems)


def occupied(out: Path, record: BuildRecord, asked: Asked | None = None) -> BuildError:
    """Return the refusal to build where a benchmark of other clips or settings is; it names what differs."""
    told = f" ({'; '.join(differences(record, asked))})" if asked else ""
    return BuildError(
        f"{out}: holds a benchmark of other clips or settings{told}. It is still read and scored as it is; "
        "--overwrite replaces it, --out puts the new one elsewhere"
    )


def existing(
    out: Path, inputs: str, *, allow_missing: bool, overwrite: bool, quiet: bool = False, asked: Asked | None = None
) -> Build | None:
    """Return the benchmark that is at `out` already; None where there is none, or where it is to be replaced.

    One of the same inputs in which a file is missing, damaged or replaced is built again, and that is said.

    Args:
        out: the benchmark directory to come.
        inputs: fingerprint of everything that decides the result.
        allow_missing: take one that was built without some of its clips.
        overwrite: replace whatever is there.
        quiet: the question is asked again in a moment, and the answer said then.
        asked: what is to be built, for a refusal that says what differs; None: it does not say.

    Raises:
        BuildError: a benchmark of other inputs, a damaged one, one without some of its clips, or something else.
    """
    if overwrite or not out.exists():
        return None
    if (out / RECORD_NAME).is_file():
        return _reuse(out, inputs, allow_missing, quiet=quiet, asked=asked)
    if any(out.iterdir()):
        raise BuildError(f"{out}: neither empty nor a benchmark; choose another folder")
    return None


def _reuse(out: Path, inputs: str, allow_missing: bool, *, quiet: bool, asked: Asked | None) -> Build | None:
    try:
        benchmark = load_benchmark(out)
        record = benchmark.record
        if record.inputs == inputs:
            benchmark.check_files(benchmark.files)
    except BenchmarkError as error:
        if _made_of(out) != inputs:
            raise BuildError(f"{error}; pass --overwrite to build it again") from error
        if not quiet:
            log.warning("%s; it is built again now, from the same clips", error)
        return None
    if record.inputs != inputs:
        raise occupied(out, record, asked)
    problems = [Problem(left.clip_id, left.reason) for left in record.left_out]
    if problems and not allow_missing:
        raise unusable(problems, record.counts.clips_listed, f"; {out} was built without them")
    return Build(benchmark, problems, reused=True)


def _made_of(out: Path) -> str | None:
    """Return what a benchmark directory says that it is made of; None where its record cannot be read."""
    try:
        return read_record(out).inputs
    except BenchmarkError:
        return None
