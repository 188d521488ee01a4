"""`doctor`: whether a model can run on this machine, and what to do about each missing part."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import typer

from benchmark.cli.doctor_program import Finding, fetching, gpu, of_program, own_gpu, verified
from benchmark.cli.options import (
    CheckpointOption,
    EndpointOption,
    JsonOption,
    ModelOption,
    OptionOption,
    SegmenterOption,
)
from benchmark.exits import USAGE_ERROR

if TYPE_CHECKING:
    from baselines import ModelEntry
    from baselines.programs.settings import Settings

NEEDED_DISK_BYTES = 2 << 30  # a batch of scenes, masks and sounds, many times over
REACH_SECONDS = 10.0
JUDGE = "sam-audio-judge"  # no model, but a program that metrics on request ask
SCRIPTS = frozenset({".py", ".sh", ".jl", ".rb", ".js", ".pl", ".lua"})


def doctor(
    model: ModelOption,
    option: OptionOption = None,
    checkpoint: CheckpointOption = None,
    endpoint: EndpointOption = None,
    segmenter: SegmenterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a model's checkout, interpreter, imports, checkpoints, disk, GPU; status 2 where something is missing."""
    from benchmark.cli.asking import model_options

    options = model_options(option, checkpoint=checkpoint, endpoint=endpoint, segmenter=segmenter)
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():  # a model file may print
        findings = examine(model, options)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.verdict:<8} {finding.what}: {finding.found}")
            if finding.to_do:
                typer.echo(f"         -> {finding.to_do}")
    if any(finding.verdict == "missing" for finding in findings):
        raise typer.Exit(USAGE_ERROR)


def examine(model: str, options: dict[str, Any]) -> list[Finding]:
    """Return what a model needs and whether it is here; nothing is changed, fetched or installed.

    Raises:
        baselines.UnknownModel: no such model.
        ValueError: an option that the model does not have, or settings that cannot be read.
    """
    from baselines import get_model
    from baselines.registry import check_options, program_of

    if model == JUDGE:
        return list(_of_judge(options))
    entry = get_model(model)
    check_options(entry, options)
    inner = getattr(entry.target, "inner", None)
    if inner is not None:
        return [*_of_part(inner, options), *_of_separator(entry, options)]
    program = program_of(entry)
    owned = {file.checkpoint for file in program.files} if program else set()
    settings = None if program is None else _settings(program.name, options)
    findings = [*_of_file(entry, options), *_of_values(entry, options), *_of_packages(entry)]
    if program is None or settings is None:
        findings += [*_of_command(entry, options), *_of_service(entry, options)]
    else:
        inside = options.get("segmenter", "deva") != "deva"
        if not inside or _takes_mask(entry):
            findings += of_program(program, settings)
        if inside:
            findings += _of_segmenter(options)
        elif _takes_mask(entry):
            findings += _of_deva(options)
    if set(entry.checkpoints) - owned and not any(finding.what == "GPU" for finding in findings):
        findings.append(gpu(own_gpu()))
    findings += [_checkpoint(name) for name in entry.checkpoints if name not in owned]
    findings += [_unpublished(part, options) for part in entry.unpublished]
    work = options.get("work_dir") or (settings and settings.work_dir) or tempfile.gettempdir()
    absent = [name for name in entry.checkpoints if any(f.to_do.startswith(fetching(name)) for f in findings)]
    return [*findings, *_disks(Path(work), absent)]


def _of_values(entry: ModelEntry, options: dict[str, Any]) -> Iterator[Finding]:
    """Tell which value of a recipe's options the program would not be given."""
    from baselines.registry import class_of

    try:
        getattr(class_of(entry), "check_values", lambda _options: None)(options)
    except ValueError as error:
        yield Finding("options", "missing", str(error), "give another value with --option")


def _of_part(inner: str, options: dict[str, Any]) -> Iterator[Finding]:
    """Check the model whose sounds are separated, with the options that are its own."""
    from baselines import get_model, option_names

    own = set(option_names(get_model(inner)))
    for finding in examine(inner, {name: value for name, value in options.items() if name in own}):
        yield replace(finding, what=f"{inner}: {finding.what}")


def _of_separator(entry: ModelEntry, options: dict[str, Any]) -> Iterator[Finding]:
    """Check the program that separates; its own settings come from its table of models.toml alone."""
    from baselines.programs.separating import SHARED
    from baselines.registry import program_of

    program = program_of(entry)
    if program is None:
        return
    settings = _settings(program.name, {name: options[name] for name in SHARED if name in options})
    for finding in of_program(program, settings):
        yield replace(finding, what=f"{program.name}: {finding.what}")


def _of_judge(options: dict[str, Any]) -> Iterator[Finding]:
    """Check the program that judges answers, and where its weights are looked for; options are those of the program."""
    from baselines.programs.judging import JUDGE_VARIABLE, judge_at, judge_class, judge_wanted
    from baselines.programs.settings import ProgramOptions

    known = ["judge", *ProgramOptions.__annotations__]
    for name in options:
        if name not in known:
            raise ValueError(f"{JUDGE} has no option {name!r}; there are: {', '.join(known)}")
    judge = judge_class()
    settings = _settings(JUDGE, options)
    yield from of_program(judge.program, settings)
    named = str({**judge.recipe.parameters, **judge_wanted(), **options}["judge"])
    try:
        place = judge_at(named)
    except ValueError as error:
        yield Finding("judge", "missing", str(error), f"set {JUDGE_VARIABLE} to a folder or a name of the hub")
    else:
        gated = "its weights are fetched when it first runs, if access has been granted: hf auth login"
        here = Path(place).is_dir()
        yield Finding("judge", "ok" if here else "note", f"{place}" if here else f"{place} of the hub: {gated}")
    yield from _disks(Path(settings.work_dir or tempfile.gettempdir()), [])


def _takes_mask(entry: ModelEntry) -> bool:
    """Tell whether a recipe's program wants a film of where the prompted thing is."""
    from baselines.registry import class_of

    recipe = getattr(class_of(entry), "recipe", None)
    return recipe is not None and recipe.takes_mask


def _of_deva(options: dict[str, Any]) -> Iterator[Finding]:
    """Check DEVA's program, which makes the masks that another program wants."""
    from baselines.programs.deva import PROGRAM

    known = ("device", "models_toml")
    settings = _settings(PROGRAM.name, {name: options[name] for name in known if name in options})
    for finding in of_program(PROGRAM, settings):
        yield replace(finding, what=f"masks: {finding.what}")


def _unpublished(part: str, options: dict[str, Any]) -> Finding:
    given = options.get("checkpoint")
    place = given.get(part) if isinstance(given, dict) else None
    if place is None:
        return Finding(part, "missing", "not published", f"--checkpoint {part}=FILE, with weights of your own")
    if not Path(str(place)).is_file():
        return Finding(part, "missing", f"no {place}", f"--checkpoint {part}=FILE, with weights of your own")
    return Finding(part, "ok", str(place))


def _settings(name: str, options: dict[str, Any]) -> Settings:
    from baselines.programs.settings import read_settings

    known = ("models_toml", "checkout", "python", "device", "env", "time_limit_seconds", "work_dir", "log")
    return read_settings(name, **{key: value for key, value in options.items() if key in known})


def _checkpoint(name: str) -> Finding:
    from foundation import checkpoints

    path = checkpoints.weights_folder() / checkpoints.get(name).filename
    if path.is_file():
        return verified(name, path)
    return Finding(name, "missing", f"no {path}", fetching(name))


def _of_file(entry: ModelEntry, given: dict[str, Any]) -> Iterator[Finding]:
    """Tell which file and class a model of the user's own is, and whether it can be built; it is imported by now."""
    from baselines import option_names
    from baselines.options import obstacles
    from baselines.registry import OwnModel, class_of

    if not isinstance(entry, OwnModel):
        return
    options = ", ".join(option_names(entry)) or "none"
    if entry.file.suffix == ".toml":
        yield Finding("recipe", "ok", f"{entry.file}, sha256 {entry.source_sha256}; options: {options}")
        return
    found = f"{entry.place} in {entry.file}, sha256 {entry.source_sha256}; options: {options}"
    in_the_way = list(obstacles(class_of(entry), {**entry.options, **given}))
    for problem, to_do in in_the_way:
        yield Finding("class", "missing", f"{entry.place} in {entry.file}: {problem}", to_do)
    if not in_the_way:
        yield Finding("class", "ok", found)


def _of_packages(entry: ModelEntry) -> Iterator[Finding]:
    """Check the packages of an extra that a native model runs with."""
    from baselines.registry import class_of
    from foundation.extras import MissingPackage, command_for, require

    for package in getattr(class_of(entry), "packages", ()):
        try:
            require([package], "selva", needed_by=entry.name)
        except MissingPackage as error:
            yield Finding(package, "missing", str(error), command_for("selva"))
        else:
            yield Finding(package, "ok", "installed")


def _of_command(entry: ModelEntry, options: dict[str, Any]) -> Iterator[Finding]:
    """Check the program of an `external` model, and its working directory."""
    command = options.get("command")
    if entry.name != "external":
        return
    from baselines.programs.json_lines import find_program, split_command
    from baselines.programs.process import MissingProgram, environment, find_interpreter

    if not command:
        yield Finding(
            "command", "missing", "none given", "--option command='python my_model.py'; docs/external-models.md"
        )
        return
    words = split_command(command)
    settings = _settings(str(options.get("settings", "external")), options)
    folder = settings.checkout or Path.cwd()
    if not folder.is_dir():
        yield Finding("checkout", "missing", f"{folder} is not a folder", f"fix checkout = ... in {settings.table}")
        return
    try:
        interpreter = find_interpreter(settings.python) if settings.python else None
    except MissingProgram as error:
        yield Finding("python", "missing", str(error), f"fix python = ... in {settings.table}")
        return
    path = find_program(words[0], settings, environment(interpreter, settings.device, settings.env))
    to_do = "" if path else "give its path, or an interpreter in front of it"
    yield Finding(
        "command", "ok" if path else "missing", str(path) if path else f"{words[0]} is not an executable", to_do
    )
    for word in words[1:2]:  # the script of an interpreter
        if path and Path(word).suffix in SCRIPTS and not (folder / word).is_file():
            yield Finding(
                "command", "missing", f"no {folder / word}", "give its path; it counts from the working directory"
            )


def _of_service(entry: ModelEntry, options: dict[str, Any]) -> Iterator[Finding]:
    """Check whether something listens at the address of a service; nothing is posted."""
    if entry.name != "http":
        return
    from baselines.programs.http_endpoint import HttpEndpoint

    endpoint = options.get("endpoint")
    if not endpoint:
        yield Finding("endpoint", "missing", "none given", "--endpoint URL; docs/external-models.md")
        return
    HttpEndpoint(**options)
    parts = urlsplit(endpoint)
    try:
        socket.create_connection(
            (parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme]), REACH_SECONDS
        ).close()
    except OSError as error:
        yield Finding(
            "endpoint", "missing", f"nothing answers at {endpoint}: {error}", "start the service, or fix the address"
        )
    else:
        yield Finding("endpoint", "ok", f"something listens at {endpoint}")


def _of_segmenter(options: dict[str, Any]) -> Iterator[Finding]:
    """Check the two models of the segmenter that runs in this process."""
    if options["segmenter"] != "gsam2":
        raise ValueError(f"segmenter: expected deva or gsam2, got {options['segmenter']!r}")
    from baselines.programs.gsam2 import DETECTOR, TRACKER, WEIGHT_FILES, local_file

    for name, where in (("detector", DETECTOR), ("tracker", TRACKER)):
        place = str(options.get(name) or where)
        path = next((found for file in WEIGHT_FILES if (found := local_file(place, file))), None)
        if path:
            yield Finding(name, "ok", str(path))
        else:
            to_do = f"hf download {place}, or --option {name}=FOLDER"
            yield Finding(name, "missing", f"{place} is not on this machine", to_do)


def _disks(work: Path, absent: Sequence[str]) -> Iterator[Finding]:
    """Check free disk space for temporary files, for results, and for the checkpoints still to be fetched."""
    from foundation import checkpoints

    yield _disk("temporary files", work, NEEDED_DISK_BYTES, "choose another folder with --option work_dir=...")
    yield _disk("results", Path.cwd(), NEEDED_DISK_BYTES, "work in another folder")
    needed = sum(checkpoints.get(name).size_bytes or 0 for name in absent)
    if needed:
        folder = checkpoints.weights_folder()
        yield _disk("weights to fetch", folder, needed, "set VGG_MONOAUDIO_WEIGHTS to another folder")


def _disk(what: str, folder: Path, needed: int, otherwise: str) -> Finding:
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    found = f"{free / 1e9:.1f} GB free in {there}, {needed / 1e9:.1f} needed"
    if free >= needed:
        return Finding(f"disk for {what}", "ok", found)
    return Finding(f"disk for {what}", "missing", found, f"free {needed / 1e9:.1f} GB, or {otherwise}")
