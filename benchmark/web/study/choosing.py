"""What a study is about: its runs, checked, and the samples that every one of them has answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.runs import RunDirectory, RunRecord, UnusableRun
from benchmark.web.study.settings import Problem, Settings, UnusableSettings
from foundation.paths import search
from vgg_monoaudio.dataset import Benchmark, Sample, Subset
from vgg_monoaudio.draws import rank


@dataclass(frozen=True)
class Run:
    """A finished run: one model on one subset.

    Attributes:
        model: as tables call it: the name of its directory.
    """

    directory: RunDirectory
    record: RunRecord

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.directory.path.resolve().name


@dataclass(frozen=True)
class Chosen:
    """The samples of a study, and the run of each model, by subset.

    Attributes:
        left_out: samples that were not drawn from, since a run has no answer to them; subset/sample.
    """

    samples: tuple[Sample, ...]
    runs: Mapping[str, tuple[Run, ...]]
    left_out: tuple[str, ...]


def finished_runs(root: Path) -> tuple[list[Run], list[str]]:
    """Return every finished run below a folder, sorted by path, and why others cannot be read, a line each."""
    found, unreadable = [], []
    for file in search(root, closed_by="run.json"):
        if file.name == "run.json":
            directory = RunDirectory(file.parent)
            try:
                record = directory.read_run()
            except UnusableRun as error:
                unreadable.append(str(error))
                continue
            if record.status == "finished":
                found.append(Run(directory, record))
    return sorted(found, key=lambda run: run.directory.path), sorted(unreadable)


def choose(settings: Settings, path: Path, benchmark: Benchmark) -> Chosen:
    """Return the samples and runs of a study.

    Args:
        settings: of the study.
        path: of its file, for messages.
        benchmark: that the runs were made of.

    Raises:
        UnusableSettings: a run that is missing, unfinished or of another benchmark, a model without a run of a subset,
            a sample that is missing or has no answer; names every one.
    """
    problems: list[Problem] = []
    runs = _runs(settings, path.resolve().parent, benchmark, problems)
    if not problems:
        problems += _gaps(settings, runs)
    if problems:
        raise UnusableSettings(path, problems)
    samples: list[Sample] = []
    left_out: list[str] = []
    for subset, found in runs.items():
        every = benchmark.samples(subset)
        answered = [one for one in every if all(run.directory.has_audio(one.sample_id) for run in found)]
        left_out += [f"{subset}/{one.sample_id}" for one in every if one not in answered]
        samples += _of_subset(settings, subset, answered, problems)
    if not isinstance(settings.samples, int):
        problems += _absent(settings.samples, samples, left_out)
    if problems:
        raise UnusableSettings(path, problems)
    return Chosen(tuple(samples), {subset: tuple(found) for subset, found in runs.items()}, tuple(left_out))


def balanced(samples: Iterable[Sample], count: int, seed: int) -> list[Sample]:
    """Return so many samples, drawn by the seed, with the categories of their targets as even as possible."""
    of: dict[str, list[Sample]] = defaultdict(list)
    for sample in sorted(samples, key=lambda one: rank(seed, "sample", one.subset, one.sample_id)):
        of[sample.target_category].append(sample)
    order = sorted(of, key=lambda category: rank(seed, "category", category))
    turns = max(map(len, of.values()), default=0)
    return [of[category][turn] for turn in range(turns) for category in order if turn < len(of[category])][:count]


def _runs(
    settings: Settings, folder: Path, benchmark: Benchmark, problems: list[Problem]
) -> dict[Subset, list[Run]]:  # fmt: skip
    """Return the runs by subset, those that are asked for; add what is wrong with any to `problems`.

    Args:
        settings: of the study.
        folder: where their file is; paths in it are seen from there.
        benchmark: that the runs should be of.
        problems: is added to.
    """
    found: dict[Subset, list[Run]] = defaultdict(list)
    for given in settings.runs:
        place = folder / given
        directory = RunDirectory(place)
        try:
            record = directory.read_run()
        except UnusableRun as error:
            problems.append(Problem(f"runs: {error}"))
            continue
        if record.status != "finished":
            problems.append(Problem(f"runs: {place}: is {record.status}, not finished; generate it to its end first"))
        elif not record.benchmark.is_of(benchmark):
            problems.append(Problem(
                f"runs: {place}: of {record.benchmark.name} {record.benchmark.version}, whose "
                f"{record.benchmark.subset} is not that of {benchmark.name} {benchmark.version} in "
                f"{benchmark.path}; pass its benchmark with --benchmark"
            ))  # fmt: skip
        else:
            found[record.benchmark.subset].append(Run(directory, record))  # type: ignore[index]  # `is_of` has checked
    asked = settings.subsets or benchmark.subsets
    if not problems and not set(asked) & set(found):
        problems.append(Problem(f"subsets: {', '.join(asked)} asked for, but the runs are of {', '.join(found)}"))
    return {subset: found[subset] for subset in benchmark.subsets if subset in found and subset in asked}


def _gaps(settings: Settings, runs: Mapping[Subset, Sequence[Run]]) -> list[Problem]:
    """Return which model lacks a run, or has two, and which form lacks a model."""
    problems = []
    models = {run.model for found in runs.values() for run in found}
    for subset in settings.subsets or tuple(runs):
        names = [run.model for run in runs.get(subset, ())]
        problems += [Problem(f"runs: none of {model!r} on {subset}; every model needs one of each subset")
                     for model in sorted(models - set(names))]  # fmt: skip
        problems += [
            Problem(f"runs: two of {name!r} on {subset}") for name in sorted(set(names)) if names.count(name) > 1
        ]
    if settings.form == "preference" and len(models) < 2:
        problems.append(Problem(f"runs: a preference is between two models, got one: {min(models)!r}"))
    return problems


def _of_subset(settings: Settings, subset: Subset, answered: Sequence[Sample], problems: list[Problem]) -> list[Sample]:
    if not isinstance(settings.samples, int):
        return [sample for sample in answered if sample.sample_id in settings.samples]
    if len(answered) < settings.samples:
        problems.append(Problem(
            f"samples: {settings.samples} asked for, {len(answered)} of {subset} have an answer of every model"
        ))  # fmt: skip
    return balanced(answered, settings.samples, settings.seed)


def _absent(wanted: Sequence[str], found: Sequence[Sample], left_out: Sequence[str]) -> list[Problem]:
    """Return which of the samples that were asked for by name are not there, and why."""
    here, unanswered = {sample.sample_id for sample in found}, {name.partition("/")[2] for name in left_out}
    missing = [name for name in wanted if name not in here]
    return [
        Problem(f"samples: {name!r}: " + ("a run has no answer to it" if name in unanswered else "no such sample"))
        for name in missing
    ]
