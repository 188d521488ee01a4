"""What a command line asks for, checked before any work begins."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from benchmark.choices import Choices
from benchmark.cli.building import build_demo
from benchmark.exits import tell
from benchmark.places import DEMO, FULL
from foundation.names import joined
from foundation.remote import is_remote

if TYPE_CHECKING:
    from baselines import ModelEntry
    from benchmark.choices import ProfileName
    from benchmark.cli.driving import Drivers
    from benchmark.cli.options import ModelOptions, RunOptions, ScoreOptions
    from benchmark.executors.orders import EvaluateOrder
    from benchmark.profiles import Profile
    from benchmark.runs import RunDirectory
    from vgg_monoaudio.dataset import Benchmark, Subset


@dataclass(frozen=True)
class Generating:
    """How models are to be run: what they are told, the arguments of `benchmark.generate`, and with how many seeds."""

    own: Mapping[str, Any]
    options: RunOptions
    seeds: int = 1

    def run_of(self, model: str) -> str:
        """Return the name of a model's run."""
        from baselines import get_model
        from benchmark.runs import folder_name

        return self.options.run_name or folder_name(get_model(model).name)

    def each_seed(self, model: str) -> list[Generating]:
        """Return how a model is run with each seed: the first as it is, the others in runs named for their seed."""
        from benchmark.runs import seed_run_name

        first, name = self.options.seed, self.run_of(model)
        further = [
            replace(self.options, seed=seed, run_name=seed_run_name(name, seed))
            for seed in range(first + 1, first + self.seeds)
        ]
        return [replace(self, options=options, seeds=1) for options in (self.options, *further)]


@dataclass(frozen=True)
class Scoring:
    """How runs are to be scored: by what, with which choices, and how the work is done."""

    benchmark: Benchmark
    choices: Choices
    profile: Profile
    cache: str | Path
    workers: int | None
    allow_missing: bool
    device: str | None = None
    allow_unverified: bool = False
    share: bool = False
    drivers: Drivers | None = None

    def order(self, directory: RunDirectory) -> EvaluateOrder:
        """Return what drivers are told to score a run."""
        from benchmark.executors.orders import EvaluateOrder
        from benchmark.remote_site import site_at

        return EvaluateOrder(
            site_at(directory).address, str(self.benchmark.path), self.choices, cache=str(self.cache),
            workers=self.workers, allow_missing=self.allow_missing, device=self.device,
            allow_unverified=self.allow_unverified,
        )  # fmt: skip


def find_benchmark(path: Path | None) -> Benchmark:
    """Return the benchmark, the demo built first where that is wanted and absent; the first line says which."""
    from vgg_monoaudio.dataset import load_benchmark

    chosen = path or (FULL if (FULL / "benchmark.json").is_file() else DEMO)
    if path is None and chosen == DEMO and not (DEMO / "benchmark.json").is_file():
        typer.echo(f"benchmark: the embedded demo, in {DEMO}; building it first")
        build_demo()
        return load_benchmark(DEMO)
    built = load_benchmark(chosen)
    typer.echo(f"benchmark: {built.name} {built.version}, in {chosen}")
    _tell_newer_demo(built)
    return built


def _tell_newer_demo(built: Benchmark) -> None:
    """Say that a demo is not the one of this version, and how to have that: it is never replaced unasked."""
    from vgg_monoaudio.demo.benchmark import DEMO_SETTINGS

    if built.name != DEMO_SETTINGS.name or built.version == DEMO_SETTINGS.version or not is_demo(built):
        return
    out = "" if built.path == DEMO else f" --out {built.path}"
    tell(
        f"{built.path} holds demo {built.version}, this version builds demo {DEMO_SETTINGS.version}: "
        f"python -m benchmark build{out} --overwrite",
        prefix="note: ",
    )


def is_demo(built: Benchmark) -> bool:
    """Tell whether a benchmark is made of the demo's clips, whatever its name."""
    from vgg_monoaudio.demo.clips import demo_sources

    return {source.clip_id for source in built.sources} <= set(demo_sources()["clip_id"])


def subsets(built: Benchmark, wanted: str | None) -> list[Subset]:
    """Return the subsets asked for; all where none is named."""
    if wanted is None:
        return built.subsets
    chosen = [subset for subset in built.subsets if subset == wanted]
    if not chosen:
        raise ValueError(f"--subset: {built.path} has {joined(built.subsets, 'and')}, not {wanted!r}")
    return chosen


def generating(models: Sequence[str], told: ModelOptions, options: RunOptions, seeds: int = 1) -> Generating:
    """Return how these models are to be run.

    Args:
        models: their names.
        told: what they are told.
        options: how they are run.
        seeds: how many, from that of the options on.

    Raises:
        ValueError: an option that one of the models does not have, one name for the runs of several, a device that is
            not here, a folder of runs that cannot be written, or several seeds of recorded sounds.
    """
    from foundation.disk import check_folder

    own = model_options(
        told.option, checkpoint=told.checkpoint, folder=told.folder and str(told.folder), pad=told.pad,
        endpoint=told.endpoint, segmenter=told.segmenter, random_weights=told.random_weights,
        precision=told.precision, dtype=told.dtype, compile=told.compile_model,
        allow_unverified=told.allow_unverified,
    )  # fmt: skip
    check_options(models, own, options.run_name)
    if seeds > 1 and "recorded" in models:
        raise ValueError(
            "--seeds: recorded sounds are the same with every seed; run each folder alone with its --seed, "
            "and with --run-name"
        )
    for name in models:
        check_device_of(name, options.device)
    runs = options.runs  # in a folder that is there each run is checked, where it has anything to write
    if not is_remote(runs) and not runs.is_dir():
        check_folder(runs)
    return Generating(own, options, seeds)


def check_device_of(model: str, device: str | None) -> None:
    """Refuse a device that is not here; a model from elsewhere may call its devices what it likes.

    Raises:
        ValueError: names the device and what there is.
    """
    from baselines import get_model

    entry = get_model(model)
    if device is not None and entry.kind == "model" and entry.place.startswith("baselines."):
        from foundation.devices import check_device

        check_device(device)


def profile_ahead(options: ScoreOptions) -> Profile | None:
    """Return the profile that is named, loaded; None where the benchmark decides which it is.

    Before a benchmark is opened, because building the demo takes minutes.

    Raises:
        foundation.checkpoints.MissingCheckpoint: weights of the profile are missing.
        ValueError: choices that contradict each other, or metrics that the profile has nothing for.
    """
    choices = _choices(options, "paper")
    return _loaded(choices, options) if options.profile else None


def scoring(built: Benchmark, options: ScoreOptions, profile: Profile | None = None) -> Scoring:
    """Return how runs on this benchmark are to be scored; the profile is loaded, so missing weights are said at once.

    Args:
        built: the benchmark.
        options: how runs are scored.
        profile: the one of `profile_ahead`, if there is.

    Raises:
        foundation.checkpoints.MissingCheckpoint: weights of the profile are missing.
        ValueError: a cache that cannot be written.
    """
    from benchmark.feature_store import cache_here
    from foundation.disk import check_folder

    here = cache_here(options.cache)
    if not here.is_dir():  # one that is there may be complete, and read-only
        check_folder(here)
    choices = _choices(options, "signal" if is_demo(built) else "paper")
    return Scoring(
        built, choices, profile or _loaded(choices, options), options.cache, options.workers, options.allow_missing,
        options.device, options.allow_unverified,
    )  # fmt: skip


def _choices(options: ScoreOptions, profile: ProfileName) -> Choices:
    """Return what is chosen; this profile where none is named."""
    default = Choices(profile=profile)
    given = {name: value for name in vars(default) if (value := getattr(options, name, None)) is not None}
    return replace(default, **given)


def _loaded(choices: Choices, options: ScoreOptions) -> Profile:
    from benchmark.profiles import load_profile

    return load_profile(
        choices.profile,
        device=options.device,
        allow_unverified=options.allow_unverified,
        extended=choices.extended,
        metrics=choices.metrics,
    )


def model_options(
    pairs: Sequence[str] | None, *, checkpoint: Sequence[str] | None = None, **named: Any
) -> dict[str, Any]:
    """Return a model's own options: `--option` pairs, and those that have a name on the command line, where given.

    Values of pairs are read as Python literals where they are some, else as text.
    """
    import ast

    options: dict[str, Any] = {}
    for key, value in (_pair("--option", pair) for pair in pairs or []):
        options[key.replace("-", "_")] = value
        with contextlib.suppress(ValueError, SyntaxError):
            options[key.replace("-", "_")] = ast.literal_eval(value)
    named["checkpoint"] = dict(_pair("--checkpoint", pair) for pair in checkpoint or [])
    return {**options, **{key: value for key, value in named.items() if value}}


def options_of(name: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options meant for a model: controls have none, not every model opens weights, and files may name one.

    Args:
        name: of the model.
        own: all options; in `checkpoint`, a part that stands behind a model's name is of that model alone.
    """
    from baselines import get_model, option_names

    entry = get_model(name)
    if entry.kind == "control":
        return {}
    has = option_names(entry) if "allow_unverified" in own else []
    kept = {key: value for key, value in own.items() if key != "allow_unverified" or key in has}
    if "checkpoint" in kept:
        whose = {key.rpartition(":"): file for key, file in kept.pop("checkpoint").items()}
        files = {part: file for (model, _, part), file in whose.items() if model in ("", name, entry.name)}
        kept |= {"checkpoint": files} if files else {}
    return kept


def check_options(models: Sequence[str], own: Mapping[str, Any], run_name: str | None) -> None:
    """Refuse options that no model takes before the first model is run.

    Raises:
        ValueError: an option that one of the models does not have or needs, or none has because all are controls; one
            name for the runs of several models, or one that is not the name of a folder; a model named twice, or two
            whose runs would have one folder.
    """
    from baselines import get_model
    from baselines.registry import check_options as check_own
    from baselines.registry import check_required

    if run_name is not None and len(models) > 1:
        raise ValueError(f"--run-name: names the run of one model, there are {len(models)}: {', '.join(models)}")
    if run_name is not None:
        from benchmark.generation import check_run_name

        check_run_name(run_name)
    entries = {name: get_model(name) for name in models}
    _check_distinct(models, entries)
    kinds = {name: entry.kind for name, entry in entries.items()}
    given = sorted(set(own) - {"allow_unverified"})  # that one is meant for the profile, too
    if given and set(kinds.values()) == {"control"}:
        raise ValueError(f"controls have no options, and {given[0]!r} was given for {', '.join(models)}")
    _check_whose(own.get("checkpoint", {}), entries)
    for name, kind in kinds.items():
        if kind != "control":
            its = dict.fromkeys(sorted(set(options_of(name, own)) - {"allow_unverified"}))
            check_own(entries[name], its)
            check_required(entries[name], its)


def _check_whose(files: Mapping[str, str], entries: Mapping[str, ModelEntry]) -> None:
    """Refuse weights of no model that is run, and weights that several would take for theirs."""
    opening = [name for name, entry in entries.items() if entry.checkpoints or entry.unpublished]
    known = {*entries, *(entry.name for entry in entries.values())}
    for key, file in files.items():
        model = key.rpartition(":")[0]
        if model and model not in known:
            raise ValueError(f"--checkpoint {key}={file}: {model} is not run here; there are {', '.join(entries)}")
        if not model and len(opening) > 1:
            raise ValueError(
                f"--checkpoint {key}={file}: {len(opening)} models open weights; say whose it is: "
                f"--checkpoint {opening[0]}:{key}={file}"
            )


def _check_distinct(models: Sequence[str], entries: Mapping[str, ModelEntry]) -> None:
    """Refuse models whose runs would be kept in one folder."""
    from benchmark.runs import folder_name

    taken: dict[str, str] = {}
    for name in models:
        entry, folder = entries[name], folder_name(entries[name].name)
        if folder not in taken:
            taken[folder] = name
            continue
        other = taken[folder]
        if entry == entries[other]:
            what = f"{name} is named twice" if name == other else f"{other} and {name} are the same model"
            raise ValueError(f"--model: {what}; name it once")
        what = f"both called {entry.name!r}" if entry.name == entries[other].name else f"both kept in {folder!r}"
        raise ValueError(f"--model: {other} and {name} are {what}; run each alone, with --run-name")


def check_runs(models: Sequence[str], built: Benchmark, parts: Sequence[Subset], ask: Generating) -> list[str]:
    """Refuse, before the first model is loaded, what the last would be refused for.

    Returns:
        The models that have anything left to answer.

    Raises:
        benchmark.runs.UnusableRun: a run directory holds answers to another question.
        ValueError: a length that a model cannot make, or a place that cannot take the answers.
    """
    from benchmark.generation import check_request

    left = []
    for name in models:
        for one in ask.each_seed(name):
            for part in parts:
                how = {key: value for key, value in asdict(one.options).items() if key != "settings"}
                if check_request(built, name, subset=part, options=options_of(name, one.own), **how):
                    left.append(name)
    return list(dict.fromkeys(left))


def _pair(option: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ValueError(f"{option}: expected key=value, got {text!r}")
    return key, value


def check_recorded(
    models: Sequence[str], built: Benchmark, parts: Sequence[Subset], folder: Path | None, limit: int | None
) -> None:
    """Refuse a folder of recorded files that lacks a sample, before the work begins.

    Raises:
        ValueError: files are missing; says how many, the first, and what to do.
    """
    if "recorded" not in models or folder is None:
        return
    from baselines.recorded.generator import Recorded

    wanted = [sample.sample_id for part in parts for sample in built.samples(part)[:limit]]
    recorded = Recorded(folder=folder)
    missing = recorded.missing(wanted)
    if missing:
        raise ValueError(
            f"{folder}: no file for {len(missing)} of {len(wanted)} samples, the first is {missing[0]}"
            f"{recorded.near(missing[0])}; "
            "add them, narrow with --subset, or pass --allow-missing"
        )
