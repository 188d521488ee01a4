"""What a plan needs that is not on this machine, all of it at once; nothing is fetched, opened or run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from baselines import get_model
from baselines.registry import program_of
from benchmark.places import FULL, SINGLE
from benchmark.profiles import checkpoints_of
from benchmark.reproducing.plan import Plan
from foundation import checkpoints
from foundation.names import joined

if TYPE_CHECKING:
    from baselines import ModelEntry
    from baselines.programs.program import Program
    from metrics.registry import Metric

Kind = Literal["weights", "unpublished weights", "program", "data"]
HOMES: Mapping[str, Path] = {"inter": FULL, "intra": FULL, "single": SINGLE}
BUILDING: Mapping[Path, str] = {
    FULL: "python -m benchmark build --sources CLIPS   (docs/benchmark.md says which clips)",
    SINGLE: "python -m benchmark build-vggsound-test --vggsound vggsound.csv --sources CLIPS",
}


@dataclass(frozen=True)
class Need:
    """Something that is missing.

    Attributes:
        kind: what it is.
        name: which one.
        wrong: what is wrong with it.
        needed_by: rows, or the profile.
        to_get: what to do.
        size_bytes: of its files as far as stated; None where it is not, or there is none.
        licence: of its files.
    """

    kind: Kind
    name: str
    wrong: str
    needed_by: tuple[str, ...]
    to_get: str
    size_bytes: int | None = None
    licence: str = ""


def home_of(subset: str, given: Path | None) -> Path:
    """Return the benchmark directory that has a subset: the one given, or the default place.

    Raises:
        ValueError: none is given, and this subset has no default place.
    """
    if given is not None:
        return given
    if subset not in HOMES:
        raise ValueError(f"subset {subset!r}: say with --benchmark which directory has it")
    return HOMES[subset]


def missing(
    plan: Plan,
    *,
    profile: str,
    metrics: Sequence[Metric],
    options: Mapping[str, Mapping[str, Any]],
    benchmark: Path | None = None,
    allow_unverified: bool = False,
) -> list[Need]:
    """Return everything that is missing for a plan, data first.

    Args:
        plan: the rows.
        profile: what scores.
        metrics: those that are scored.
        options: of each model: with random weights none are needed, and `checkpoint` brings unpublished ones.
        benchmark: directory of the benchmark; None takes the default place of each subset.
        allow_unverified: whether files without a published hash will do.
    """
    users: dict[str, list[str]] = {}
    for name in checkpoints_of(profile, metrics):
        users.setdefault(name, []).append(f"profile {profile}")
    found: list[Need] = list(_data(plan, benchmark))
    for model in plan.models:
        entry, rows = get_model(model), list(dict.fromkeys(row.name for row in plan.rows if row.model == model))
        program = program_of(entry)
        owned = {file.checkpoint for file in program.files} if program else set()
        if program is not None:
            found += _program(program, model, rows)
        own = options.get(model, {})
        if own.get("random_weights"):
            continue
        for name in entry.checkpoints:
            if name not in owned:
                users.setdefault(name, []).extend(rows)
        found += _unpublished(entry, rows, own)
    return [*found, *_weights(users, allow_unverified)]


def command_of(needs: Sequence[Need]) -> str:
    """Return the one command that fetches all missing weights; "" where none is missing."""
    names = [need.name for need in needs if need.kind == "weights" and need.to_get.startswith("python")]
    return f"python -m benchmark weights {' '.join(names)}" if names else ""


def _data(plan: Plan, given: Path | None) -> Iterator[Need]:
    from vgg_monoaudio.dataset import read_benchmark
    from vgg_monoaudio.record import RECORD_NAME, BenchmarkError

    for home in dict.fromkeys(home_of(subset, given) for subset in plan.subsets):
        wanted = [subset for subset in plan.subsets if home_of(subset, given) == home]
        rows = tuple(dict.fromkeys(row.name for row in plan.rows if row.subset in wanted))
        to_get = BUILDING.get(home, "give the directory of a benchmark that has it, with --benchmark")
        try:
            there: Sequence[str] = read_benchmark(home).subsets
        except BenchmarkError as error:
            wrong = str(error) if (home / RECORD_NAME).is_file() else "no benchmark there"
            yield Need("data", str(home), wrong, rows, to_get)
            continue
        for subset in wanted:
            if subset not in there:
                yield Need("data", f"{home}, {subset}", f"it has {joined(there, 'and')}", rows, to_get)


def _program(program: Program, model: str, rows: Sequence[str]) -> Iterator[Need]:
    from baselines.programs.program import parts
    from baselines.programs.settings import read_settings

    lacking = [name for name, there in parts(program, read_settings(program.name)).items() if not there]
    if not lacking:
        return
    files = [checkpoints.get(name) for name in lacking if name in checkpoints.CHECKPOINTS]
    sizes = [file.size_bytes for file in files if file.size_bytes is not None]
    wrong = f"lacks {', '.join(lacking)} (of {program.repository} at {program.revision})"
    to_get = f"python -m benchmark doctor --model {model}"
    licences = "; ".join(dict.fromkeys(file.licence for file in files))
    yield Need("program", program.name, wrong, tuple(rows), to_get, sum(sizes) if sizes else None, licences)


def _unpublished(entry: ModelEntry, rows: Sequence[str], options: Mapping[str, Any]) -> Iterator[Need]:
    given = options.get("checkpoint")
    for part in entry.unpublished:
        place = given.get(part) if isinstance(given, Mapping) else None
        if place is None or not Path(str(place)).is_file():
            wrong = "not published" if place is None else f"no {place}"
            to_get = (
                f"--checkpoint {entry.name}:{part}=FILE with weights of your own, or leave the row out: "
                "--skip-unpublished"
            )
            yield Need("unpublished weights", f"{part} of {entry.name}", wrong, tuple(rows), to_get)


def _weights(users: Mapping[str, Sequence[str]], allow_unverified: bool) -> Iterator[Need]:
    for name, needed_by in users.items():
        row, state = checkpoints.get(name), checkpoints.state(name)
        if state == "verified" or (allow_unverified and state != "missing"):
            continue
        who = tuple(dict.fromkeys(needed_by))
        if state == "missing":
            wrong, to_get = "missing", f"python -m benchmark weights {name}"
        elif state == "wrong":
            wrong, to_get = "another file than the published one", "delete it and fetch it again, or --allow-unverified"
        else:
            wrong, to_get = "no hash is published to hold it against", "--allow-unverified takes it, and marks the rows"
        yield Need("weights", name, wrong, who, to_get, row.size_bytes, row.licence)
