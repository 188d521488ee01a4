"""What `doctor` checks of an official program: checkout, commit, interpreter, imports, files, GPU."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from baselines.programs.program import Program
    from baselines.programs.settings import Settings

IMPORT_SECONDS = 300.0
SIZE_ROUNDED_BY = 0.01  # of a size that the documentation rounds
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
    if found["gpu"]:
        found["gpu"] += ", %.0f of %.0f GB free" % tuple(size / 1e9 for size in torch.cuda.mem_get_info(0))
except BaseException:
    pass
print("\\n" + json.dumps(found))
"""


@dataclass(frozen=True)
class Finding:
    """One check: what was found, and what to do where that is not as it should be."""

    what: str
    verdict: Verdict
    found: str
    to_do: str = ""


def of_program(program: Program, settings: Settings) -> Iterator[Finding]:
    """Check everything that a program needs; nothing is changed, fetched or installed."""
    install = f"check out {program.repository} at {program.revision}, install it as {program.instructions} says"
    if settings.checkout is None:
        tell = f"{install}, then write checkout = ... into {settings.table}"
        yield Finding("checkout", "missing", "nothing says where it is", tell)
    else:
        yield from _checkout(program, settings.checkout, install)
    yield from _files(program, settings.checkout or Path("the checkout"))
    yield from _interpreter(program, settings)
    if program.memory:
        yield Finding("GPU memory", "note", f"it needs {program.memory}")
    if program.hands_paths_to_a_shell:
        from baselines.programs.outputs import safe_for_a_shell, temporary_folder

        folder = temporary_folder(settings)
        if not safe_for_a_shell(folder):
            to_do = f"write work_dir = ..., without blanks or quotes, into {settings.table}"
            yield Finding("work_dir", "missing", f"the program hands paths in {folder} to a shell unquoted", to_do)


def _checkout(program: Program, checkout: Path, install: str) -> Iterator[Finding]:
    from baselines.programs.program import commit_of

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
    from foundation import checkpoints

    for file in program.files:
        path, flagged, stored = checkout / file.path, "", Path()
        if file.checkpoint and not path.is_file():
            stored = checkpoints.weights_folder() / checkpoints.get(file.checkpoint).filename
            if stored.is_file():
                link = f"ln -s '{stored.absolute()}' '{path}'"
                flagged = "" if file.flag else link
                path = stored if file.flag else path
        if path.is_file():
            yield verified(file.checkpoint, path)
        elif flagged:
            yield Finding(file.path, "missing", "in the weights folder, but the program looks in its own", flagged)
        elif file.checkpoint:
            link = "" if file.flag else f", then ln -s '{stored.absolute()}' '{path}'"
            yield Finding(file.path, "missing", f"not in {checkout}", f"{fetching(file.checkpoint)}{link}")
        else:
            yield Finding(file.path, "missing", f"not in {checkout}", file.get or f"see {program.instructions}")


def fetching(name: str) -> str:
    """Return the command that fetches a checkpoint, with size and licence."""
    from foundation import checkpoints

    row = checkpoints.get(name)
    size = "size not stated" if row.size_bytes is None else f"{row.size_bytes / 1e9:.2f} GB"
    licence = "licence not stated" if row.licence == "not stated" else row.licence
    return f"python -m benchmark weights {name}   ({size}, {licence})"


def verified(name: str, path: Path) -> Finding:
    """Compare a file with the size and hash that are published."""
    from foundation import checkpoints

    size = path.stat().st_size
    shown = f"{path}, {size:,} bytes"
    if not name:
        return Finding(path.name, "ok" if size else "missing", shown, "" if size else "it is empty; fetch it again")
    row = checkpoints.get(name)
    if row.size_bytes is not None and not row.verifiable:
        allowed = 0 if row.size_is_exact else SIZE_ROUNDED_BY * row.size_bytes
        if abs(size - row.size_bytes) > allowed:  # without a hash, only the size shows that a download broke off
            about = "" if row.size_is_exact else "about "
            found_size = f"{shown}; published are {about}{row.size_bytes:,}"
            return Finding(name, "missing", found_size, f"delete it, fetch {name} again")
    try:
        located = checkpoints.verify(name, path)
    except checkpoints.WrongCheckpoint as error:
        if row.verifiable:
            return Finding(name, "missing", f"{shown}: {str(error).splitlines()[0]}", f"delete it, fetch {name} again")
        found = checkpoints.digests(path)
        return Finding(name, "note", f"{shown}, sha256 {found.sha256}; no hash is published to compare it with")
    return Finding(name, "ok", f"{shown}, sha256 {located.digests.sha256}, as published")


def _interpreter(program: Program, settings: Settings) -> Iterator[Finding]:
    from baselines.programs.process import MissingProgram, environment, find_interpreter, find_tool

    path: Path | None = None
    if settings.python is None:
        tell = f"write python = ... into {settings.table}"
        yield Finding("interpreter", "missing", "nothing says which", tell)
    else:
        try:
            path = find_interpreter(settings.python)
        except MissingProgram as error:
            yield Finding("interpreter", "missing", str(error), f"see {program.instructions}")
    env = environment(path, settings.device, settings.env)
    # -c puts the working directory in front of the module path; a script puts the folder that it lies in there, and a
    # driver the checkout.
    entry = "" if program.driven else str(Path(program.entry).parent)
    entry_folder = None if settings.checkout is None else settings.checkout / entry
    here = entry_folder if entry_folder is not None and entry_folder.is_dir() else None
    for tool in program.tools:  # an environment may have its own
        there = find_tool(tool, env)
        found_at = str(there) if there else "not on PATH"
        yield Finding(tool, "ok" if there else "missing", found_at, "" if there else f"install {tool}")
    if path is None:
        yield gpu(own_gpu())  # as the torch of this process sees it
        return
    found = _probe(path, program, env, here)
    if isinstance(found, str):
        yield Finding("interpreter", "missing", f"{path}: {found}", "give another interpreter")
        return
    yield Finding("interpreter", "ok", f"{path}, Python {found['python']}")
    for name in program.imports:
        wrong = found["errors"].get(name)
        to_do = f"install it into that environment; {program.instructions}" if wrong else ""
        yield Finding(f"import {name}", "missing" if wrong else "ok", wrong or "works", to_do)
    yield gpu(found["gpu"])


def _probe(path: Path, program: Program, env: dict[str, str], folder: Path | None) -> Any:
    """Return what the program's interpreter finds, or the reason why it finds nothing."""
    from baselines.programs.process import ProgramFailed, captured

    try:
        command = [str(path), "-c", _PROBE, *program.imports]
        _status, words = captured(command, seconds=IMPORT_SECONDS, folder=folder, env=env)
        return json.loads(words.splitlines()[-1])
    except (ProgramFailed, IndexError, ValueError) as error:
        return f"it does not run: {error}"


def own_gpu() -> str:
    """Return which GPU this process's torch sees, with its free memory; "" for none."""
    import torch

    if not torch.cuda.is_available():
        return ""
    free, total = torch.cuda.mem_get_info(0)
    return f"{torch.cuda.get_device_name(0)}, {free / 1e9:.0f} of {total / 1e9:.0f} GB free"


def gpu(name: str | None) -> Finding:
    """Say which GPU there is; None stands for a torch that cannot be imported."""
    if name:
        return Finding("GPU", "ok", name)
    found = "torch sees none" if name == "" else "unknown: torch cannot be imported"
    return Finding("GPU", "note", found, "run it on a machine with one; official programs do not run without")
