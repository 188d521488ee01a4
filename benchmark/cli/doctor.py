"""`doctor`: whether a model can run on this machine, and what to do for each thing that is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from benchmark.exits import ASKED_WRONGLY

if TYPE_CHECKING:
    from baselines import ModelEntry
    from baselines.external import Program
    from baselines.models_toml import Settings

NEEDED_DISK_BYTES = 2 << 30  # a batch of scenes, masks and sounds, many times over
IMPORT_SECONDS = 300.0
Verdict = Literal["ok", "note", "missing"]

# Run by the program's own interpreter: imports each name, says what went wrong with it, and which GPU torch sees.
_PROBE = """
import importlib, json, sys
found = {"python": sys.version.split()[0], "errors": {}, "gpu": None}
for name in sys.argv[1:]:
    module, _, attribute = name.partition(":")
    try:
        loaded = importlib.import_module(module)
        if attribute and not hasattr(loaded, attribute):
            found["errors"][name] = "it has no " + attribute
    except BaseException as error:
        found["errors"][name] = type(error).__name__ + ": " + str(error)
try:
    import torch
    found["gpu"] = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
except BaseException:
    pass
print("\\n" + json.dumps(found))
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what was found, and what to do where it is not as it should be."""

    what: str
    verdict: Verdict
    found: str
    to_do: str = ""


def doctor(
    model: Annotated[str, typer.Option(help="A model's name; `list-models` shows them.")],
    option: Annotated[list[str] | None, typer.Option("--option", help="A setting, key=value, as for generate.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Check a model's checkout, interpreter, imports, checkpoints, disk, GPU; status 2 where something is missing."""
    from benchmark.cli.asking import model_options

    findings = examine(model, model_options(option))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.verdict:<8} {finding.what}: {finding.found}")
            if finding.to_do:
                typer.echo(f"         -> {finding.to_do}")
    if any(finding.verdict == "missing" for finding in findings):
        raise typer.Exit(ASKED_WRONGLY)


def examine(model: str, options: dict[str, Any]) -> list[Finding]:
    """Return what a model needs and whether it is here; nothing is changed, fetched or installed.

    Raises:
        baselines.UnknownModel: no such model.
        ValueError: an option that is no setting of the model, or settings that cannot be read.
    """
    from baselines import get_model, option_names

    entry = get_model(model)
    unknown = sorted(set(options) - set(option_names(entry)))
    if unknown:
        raise ValueError(f"model {entry.name!r} has no option {unknown[0]!r}; it has: {', '.join(option_names(entry))}")
    program = None if options.get("segmenter") == "gsam2" else _program(entry)
    if program is not None:
        findings = [*_of_program(program, _settings(program.name, options))]
        owned = {file.checkpoint for file in program.files}
    else:
        findings, owned = [*_of_command(entry, options)], set()
        if entry.checkpoints:
            findings.append(_gpu(_own_gpu()))
    findings += [_checkpoint(name) for name in entry.checkpoints if name not in owned]
    work = options.get("work_dir") or os.environ.get("TMPDIR") or "/tmp"
    return [*findings, _disk("temporary files", Path(work)), _disk("results", Path.cwd())]


def _program(entry: ModelEntry) -> Program | None:
    """Return the program that a model drives: its module says, or for the masks of VOS+MMAudio, DEVA's."""
    module = str(entry.target).partition(":")[0]
    if module == "baselines.vos_mmaudio":
        module = "baselines.deva"
    return getattr(import_module(module), "PROGRAM", None) if module.startswith("baselines.") else None


def _settings(name: str, options: dict[str, Any]) -> Settings:
    from baselines.models_toml import read_settings

    known = ("models_toml", "checkout", "python", "device", "env", "time_limit_seconds", "work_dir", "log")
    return read_settings(name, **{key: value for key, value in options.items() if key in known})


def _of_program(program: Program, settings: Settings) -> Iterator[Finding]:
    from baselines.models_toml import settings_file

    install = f"check out {program.repository} at {program.revision}, install it as {program.instructions} says"
    if settings.checkout is None:
        tell = f"{install}, then write checkout = ... into {settings_file()}, table [{program.name}]"
        yield Finding("checkout", "missing", "nothing says where it is", tell)
    else:
        yield from _checkout(program, settings.checkout, install)
    yield from _files(program, settings.checkout or Path("the checkout"))
    yield from _interpreter(program, settings)


def _checkout(program: Program, checkout: Path, install: str) -> Iterator[Finding]:
    from baselines.external import commit_of

    if not (checkout / program.entry).is_file():
        yield Finding("checkout", "missing", f"{checkout} holds no {program.entry}", install)
        return
    yield Finding("checkout", "ok", str(checkout))
    commit = commit_of(checkout)
    if commit.startswith(program.revision) and not commit.endswith("-dirty"):
        yield Finding("commit", "ok", commit)
    else:
        to_do = f"git -C '{checkout}' checkout {program.revision}, if results are to be the published ones"
        yield Finding("commit", "note", f"{commit}, the adapter was written against {program.revision}", to_do)


def _files(program: Program, checkout: Path) -> Iterator[Finding]:
    from benchmark import checkpoints

    for file in program.files:
        path, flagged = checkout / file.path, ""
        if file.checkpoint and not path.is_file():
            stored = checkpoints.weights_folder() / checkpoints.get(file.checkpoint).filename
            if stored.is_file():
                link = f"ln -s '{stored.absolute()}' '{path}'"
                flagged = "" if file.flag else link
                path = stored if file.flag else path
        if path.is_file():
            yield _verified(file.checkpoint, path)
        elif flagged:
            yield Finding(file.path, "missing", "in the weights folder, but the program looks in its own", flagged)
        elif file.checkpoint:
            row = checkpoints.get(file.checkpoint)
            size = "size not stated" if row.size_bytes is None else f"{row.size_bytes / 1e9:.2f} GB"
            to_do = f"python -m benchmark weights {file.checkpoint}   ({size}, {row.licence})"
            yield Finding(file.path, "missing", f"not in {checkout}", to_do)
        else:
            yield Finding(file.path, "missing", f"not in {checkout}", f"see {program.instructions}")


def _verified(name: str, path: Path) -> Finding:
    """Compare a file that is there with what is published of it."""
    from benchmark import checkpoints

    shown = f"{path}, {path.stat().st_size:,} bytes"
    if not name:
        return Finding(path.name, "ok", shown)
    try:
        located = checkpoints.verify(name, path)
    except checkpoints.WrongCheckpoint as error:
        if checkpoints.get(name).verifiable:
            return Finding(name, "missing", f"{shown}: {str(error).splitlines()[0]}", f"delete it, fetch {name} again")
        found = checkpoints.digests(path)
        return Finding(name, "note", f"{shown}, sha256 {found.sha256}; no hash is published to compare it with")
    return Finding(name, "ok", f"{shown}, sha256 {located.digests.sha256}, as published")


def _checkpoint(name: str) -> Finding:
    from benchmark import checkpoints

    path = checkpoints.weights_folder() / checkpoints.get(name).filename
    if path.is_file():
        return _verified(name, path)
    return Finding(name, "missing", f"no {path}", f"python -m benchmark weights {name}")


def _interpreter(program: Program, settings: Settings) -> Iterator[Finding]:
    from baselines.external_process import MissingProgram, environment, find_interpreter
    from baselines.models_toml import settings_file

    if settings.python is None:
        tell = f"write python = ... into {settings_file()}, table [{program.name}]"
        yield Finding("interpreter", "missing", "nothing says which", tell)
        return
    try:
        path = find_interpreter(settings.python)
    except MissingProgram as error:
        yield Finding("interpreter", "missing", str(error), f"see {program.instructions}")
        return
    env = environment(path, settings.device, settings.env)
    here = settings.checkout if settings.checkout is not None and settings.checkout.is_dir() else None
    for tool in program.tools:  # an environment may have its own
        there = shutil.which(tool, path=env["PATH"])
        yield Finding(tool, "ok" if there else "missing", there or "not on PATH", "" if there else f"install {tool}")
    found = _probe(path, program, env, here)
    if isinstance(found, str):
        yield Finding("interpreter", "missing", f"{path}: {found}", "give another interpreter")
        return
    yield Finding("interpreter", "ok", f"{path}, Python {found['python']}")
    for name in program.imports:
        wrong = found["errors"].get(name)
        to_do = f"install it into that environment; {program.instructions}" if wrong else ""
        yield Finding(f"import {name}", "missing" if wrong else "ok", wrong or "works", to_do)
    yield _gpu(found["gpu"])


def _probe(path: Path, program: Program, env: dict[str, str], folder: Path | None) -> Any:
    """Return what the program's interpreter finds, or in words why it says nothing."""
    try:
        # -c puts the working directory in front of the module path, as running a script there does.
        result = subprocess.run(
            [str(path), "-c", _PROBE, *program.imports], cwd=folder, env=env, capture_output=True, check=False,
            timeout=IMPORT_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return json.loads(result.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return f"its imports took more than {IMPORT_SECONDS:g} s"
    except (OSError, IndexError, ValueError) as error:
        return f"it does not run: {error}"


def _of_command(entry: ModelEntry, options: dict[str, Any]) -> Iterator[Finding]:
    """Look for the program of an `external` model, and for the working directory."""
    command = options.get("command")
    if entry.name != "external":
        return
    from baselines.json_lines import split_command

    if not command:
        yield Finding(
            "command", "missing", "none given", "--option command='python my_model.py'; docs/external-models.md"
        )
        return
    words = split_command(command)
    folder = Path(_settings(str(options.get("settings", "external")), options).checkout or Path.cwd())
    path = shutil.which(words[0]) or shutil.which(folder / words[0])
    to_do = "" if path else "give its path, or an interpreter in front of it"
    yield Finding("command", "ok" if path else "missing", path or f"{words[0]} is no executable", to_do)


def _own_gpu() -> str:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""


def _gpu(name: str | None) -> Finding:
    if name:
        return Finding("GPU", "ok", name)
    found = "torch sees none" if name == "" else "torch cannot be imported, so nobody knows"
    return Finding("GPU", "note", found, "run it on a machine with one; official programs do not run without")


def _disk(what: str, folder: Path) -> Finding:
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    enough = free >= NEEDED_DISK_BYTES
    to_do = "" if enough else f"free {NEEDED_DISK_BYTES >> 30} GB, or choose another folder with --option work_dir=..."
    return Finding(f"disk for {what}", "ok" if enough else "missing", f"{free / 1e9:.1f} GB free in {there}", to_do)
