"""Tensors by name as a safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from foundation.files import PathLike, replacing

if TYPE_CHECKING:
    from torch import Tensor


def save_tensors(
    tensors: Mapping[str, Tensor], path: PathLike, notes: Mapping[str, str], *, lasting: bool = True
) -> None:
    """Write tensors, whole or not at all, for whoever may read what this process writes.

    Args:
        tensors: on the CPU, contiguous, by name.
        path: the file to come.
        notes: what the file says of itself. Several stand in it in any order; one alone makes the same bytes each time.
        lasting: see `foundation.files.replacing`.

    Raises:
        foundation.files.WriteFailed: the disk is full, or the folder may not be written to.
    """
    from safetensors.torch import save_file

    with replacing(path, lasting=lasting) as temporary:
        temporary.touch()
        usual = temporary.stat().st_mode & 0o777
        save_file(dict(tensors), temporary, metadata=dict(notes))
        temporary.chmod(usual)  # safetensors lets the owner alone read its files, and stores are shared
