"""Weights on this machine: located, verified, opened."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from foundation.checkpoints.table import Checkpoint, get
from foundation.files import write_text

WEIGHTS_VARIABLE = "VGG_MONOAUDIO_WEIGHTS"
READ_BYTES = 1 << 20

State = Literal["missing", "verified", "wrong", "unverifiable"]


class MissingCheckpoint(Exception):
    """Checkpoints that are needed are missing; the message says where they were expected and how to get them.

    Attributes:
        needs: those of the table, each with what needs it.
    """

    needs: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def of_all(cls, needs: Mapping[str, str], *, weights_dir: Path | str | None = None) -> MissingCheckpoint | None:
        """Return the exception that names every one of these that is missing, and one command; None where none is.

        Args:
            needs: names in the table, each with what needs it.
            weights_dir: see `weights_folder`.
        """
        folder = weights_folder(weights_dir)
        absent = {name: who for name, who in needs.items() if not (folder / get(name).filename).is_file()}
        if len(absent) < 2:
            return next((cls.of(n, [folder / get(n).filename], needed_by=who) for n, who in absent.items()), None)
        rows = [get(name) for name in absent]
        longest = max(map(len, absent))
        lines = [
            f"{len(absent)} checkpoints are missing, {_size_together(rows)}",
            *(f"  {row.name.ljust(longest)}  {_size(row)}; {row.licence}; for {absent[row.name]}" for row in rows),
            f"  looked in       {folder}",
            f"  to get them all python -m benchmark weights {' '.join(absent)}",
        ]
        missing = cls("\n".join(lines))
        missing.needs = absent
        return missing

    @classmethod
    def of(cls, name: str, looked_in: Iterable[Path | str], *, needed_by: str = "") -> MissingCheckpoint:
        """Return the exception for a checkpoint of the table."""
        need = f"; {needed_by} needs it" if needed_by else ""
        places = "\n".join(f"  looked in   {place}" for place in looked_in)
        row = get(name)
        origin = f"  comes from  {row.url}   ({_size(row)}; {row.licence})"
        command = f"  to get it   python -m benchmark weights {name}"
        missing = cls(f'checkpoint "{name}" is missing{need}\n{places}\n{origin}\n{command}')
        missing.needs = {name: needed_by}
        return missing


class WrongCheckpoint(Exception):
    """A file that is not the published one, cannot be verified, or cannot be opened safely."""


@dataclass(frozen=True)
class Digests:
    """Hashes of a file, in hexadecimal."""

    md5: str
    sha256: str


@dataclass(frozen=True)
class Located:
    """A checkpoint on this machine. A run that uses one with `verified` False must be marked so."""

    checkpoint: Checkpoint
    path: Path
    verified: bool
    digests: Digests


def weights_folder(weights_dir: Path | str | None = None) -> Path:
    """Return the folder of the weights: the argument, else $VGG_MONOAUDIO_WEIGHTS, else ./weights."""
    return Path(weights_dir or os.environ.get(WEIGHTS_VARIABLE) or "weights")


def digests(path: Path) -> Digests:
    """Return the hashes of a file, from the note next to it if size and modification time still agree.

    The note is `<file>.digests.json`; it saves hashing gigabytes at every start. In a folder that cannot be written
    the hashes are computed each time.

    Raises:
        OSError: the file cannot be read.
    """
    status = path.stat()
    stamp = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
    note = note_of(path)
    noted = _read_note(note)
    if noted is not None and {key: noted.get(key) for key in stamp} == stamp:
        return Digests(str(noted["md5"]), str(noted["sha256"]))
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(READ_BYTES):
            md5.update(chunk)
            sha256.update(chunk)
    found = Digests(md5.hexdigest(), sha256.hexdigest())
    _write_note(note, {**stamp, "md5": found.md5, "sha256": found.sha256})
    return found


def note_of(path: Path) -> Path:
    """Return where the hashes of a file are noted."""
    return path.with_name(path.name + ".digests.json")


def _read_note(note: Path) -> dict[str, Any] | None:
    try:
        noted = json.loads(note.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None  # absent, or cut short by a crash: hashed again
    return noted if isinstance(noted, dict) and {"md5", "sha256"} <= noted.keys() else None


def _write_note(note: Path, content: dict[str, Any]) -> None:
    try:
        write_text(note, json.dumps(content))
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise


def verify(name: str, path: Path, *, allow_unverified: bool = False) -> Located:
    """Return the file with its hashes, after comparing them with the published ones.

    Args:
        name: in the table.
        path: the file.
        allow_unverified: take it also if it is another file or no hash is published; `verified` then says so.

    Raises:
        MissingCheckpoint: no such file.
        WrongCheckpoint: it is not the published file, or no hash is published; neither with `allow_unverified`.
    """
    row = get(name)
    if not path.is_file():
        raise MissingCheckpoint.of(name, [path])
    found = digests(path)
    wrong = [
        f"its {kind} is {ours}, expected {published}"
        for kind, ours, published in (("md5", found.md5, row.md5), ("sha256", found.sha256, row.sha256))
        if published and ours != published
    ]
    verified = row.verifiable and not wrong
    if verified or allow_unverified:
        return Located(row, path, verified, found)
    if wrong:
        raise WrongCheckpoint(
            f'checkpoint "{name}" is not the published file: {"; ".join(wrong)}\n'
            f"  file        {path}   ({path.stat().st_size:,} bytes, published {_size(row)})\n"
            f"  to fix it   delete the file, then python -m benchmark weights {name}\n"
            "  or          --allow-unverified uses it as it is and marks the run and its tables"
        )
    raise WrongCheckpoint(
        f'checkpoint "{name}" cannot be verified: no hash of it is published\n'
        f"  file        {path}   (sha256 {found.sha256})\n"
        "  to use it   --allow-unverified, which marks the run and its tables"
    )


def _size(row: Checkpoint) -> str:
    if row.size_bytes is None:
        return "size not stated"
    return f"{'' if row.size_is_exact else 'about '}{row.size_bytes:,} bytes"


def _size_together(rows: Iterable[Checkpoint]) -> str:
    known = [row.size_bytes for row in rows]
    unknown = known.count(None)
    together = f"about {sum(size or 0 for size in known) / 1e9:.2f} GB together"
    return together + (f" and {unknown} of unstated size" if unknown else "")


def located(
    name: str, *, weights_dir: Path | str | None = None, needed_by: str = "", allow_unverified: bool = False
) -> Located:
    """Return a checkpoint of the weights folder, verified, with its hashes; see `locate`."""
    path = weights_folder(weights_dir) / get(name).filename
    if not path.is_file():
        raise MissingCheckpoint.of(name, [path], needed_by=needed_by)
    return verify(name, path, allow_unverified=allow_unverified)


find = located  # its former name


def locate(
    name: str, *, weights_dir: Path | str | None = None, needed_by: str = "", allow_unverified: bool = False
) -> Path:
    """Return the path of a verified checkpoint. Nothing is downloaded.

    Args:
        name: in the table.
        weights_dir: default $VGG_MONOAUDIO_WEIGHTS or ./weights.
        needed_by: what needs it, for the message: "desync (profile paper)".
        allow_unverified: also take a file whose hash differs or is not published. `located` says whether it was.

    Raises:
        ValueError: `name` is not in the table.
        MissingCheckpoint: it is not there.
        WrongCheckpoint: it is not the published file, or cannot be shown to be.
    """
    return located(name, weights_dir=weights_dir, needed_by=needed_by, allow_unverified=allow_unverified).path


def state(name: str, *, weights_dir: Path | str | None = None) -> State:
    """Return what is known about a checkpoint on this machine; whatever the file holds, nothing is raised.

    "unverifiable": the file exists, but no hash is published.
    """
    try:
        found = located(name, weights_dir=weights_dir, allow_unverified=True)
    except MissingCheckpoint:
        return "missing"
    if found.verified:
        return "verified"
    return "wrong" if found.checkpoint.verifiable else "unverifiable"


def open_state_dict(path: Path) -> dict[str, Any]:
    """Return what a checkpoint file holds, on the CPU, without running code from it.

    Tensors are mapped from the file where its format allows, so that unused ones cost no memory.

    Args:
        path: `.safetensors`, or a file of torch.save (opened with `weights_only=True`; the numpy arrays that training
            scripts save with the weights are allowed).

    Raises:
        WrongCheckpoint: the file holds anything but tensors and plain values, is damaged, or is not a mapping.
        OSError: the file cannot be read.
    """
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(path))
        except SafetensorError as error:
            raise WrongCheckpoint(f"{path} is not a safetensors file: {error}") from error
    import pickle

    import torch

    try:
        with torch.serialization.safe_globals(_harmless_globals()):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise WrongCheckpoint(f"{path} cannot be opened as weights: {_why_refused(str(error))}") from error
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = next(iter(str(error).splitlines()), "it ends too early")
        raise WrongCheckpoint(f"{path} cannot be opened as weights: {reason}") from error
    if not isinstance(content, Mapping):
        raise WrongCheckpoint(f"{path} holds {type(content).__name__}, expected a mapping of names to tensors")
    return dict(content)


def _why_refused(message: str) -> str:
    """Return why a pickle was refused, without torch's advice to open the file unchecked, which would run its code."""
    named = re.search(r"GLOBAL ([\w.]+)", message)
    if named is None:
        return "it is damaged or holds more than tensors; get it again from where it is published"
    return (
        f"it would run {named[1]} when opened, and weights are opened only where they are tensors and plain values; "
        "ask its author for a .safetensors file"
    )


def _harmless_globals() -> list[Any]:
    """Return what rebuilds numpy arrays and scalars, under its names in numpy 1 and 2; none of it runs other code."""
    import numpy as np
    from numpy.core import multiarray

    functions = [
        (getattr(multiarray, function), f"{module}.{function}")
        for module in ("numpy.core.multiarray", "numpy._core.multiarray")
        for function in ("_reconstruct", "scalar")
    ]
    return [np.ndarray, np.dtype, *functions, *(type(np.dtype(code)) for code in "?bBhHiIlLqQefd")]
