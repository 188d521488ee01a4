"""Filling networks with weights: from a checkpoint, strictly, or seeded random ones for smoke tests."""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from baselines.mmaudio.native import NativeOptions
from foundation import checkpoints


@dataclass(frozen=True)
class WeightFile:
    """A file that a model was loaded from."""

    path: Path
    sha256: str
    verified: bool  # its hash is the published one


Network = TypeVar("Network", bound=nn.Module)
State = Mapping[str, Tensor]


class WeightSource:
    """Where the weights of a model's parts come from; remembers every file it opened.

    Args:
        names: part to name in `foundation.checkpoints`, or None where nothing is published.
        options: those that say where weights come from; files in `checkpoint` are taken as they are, also where all
            other parts are filled with random weights.
        needed_by: what a message about a missing file says it is for.

    Raises:
        ValueError: a file for a part that the model does not have.
    """

    def __init__(
        self,
        names: Mapping[str, str | None],
        options: NativeOptions,
        *,
        needed_by: str = "",
    ) -> None:
        overrides = options.get("checkpoint") or {}
        unknown = sorted(set(overrides) - set(names))
        if unknown:
            raise ValueError(f"checkpoint: there is no part {unknown[0]!r}; the parts are {', '.join(names)}")
        self._names, self._overrides = dict(names), {part: Path(path) for part, path in overrides.items()}
        self.random_weights, self._needed_by = options.get("random_weights", False), needed_by
        self._weights_dir = options.get("weights_dir")
        self._allow_unverified = options.get("allow_unverified", False)
        self.files: dict[str, WeightFile] = {}

    def is_random(self, part: str) -> bool:
        """Tell whether a part has no file: random weights were asked for, and no file of the user's own."""
        return self.random_weights and part not in self._overrides

    def path(self, part: str) -> Path:
        """Return the file of a part.

        Raises:
            foundation.checkpoints.MissingCheckpoint: it is not there; says how to get it.
            foundation.checkpoints.WrongCheckpoint: it is not the published file.
        """
        if part not in self.files:
            self.files[part] = self._own(part) or self._published(part)
        return self.files[part].path

    def require(self, parts: Iterable[str]) -> None:
        """Check that the files of these parts are there, before minutes go into loading the first of them.

        Raises:
            foundation.checkpoints.MissingCheckpoint: one or more are not; names them all.
            foundation.checkpoints.WrongCheckpoint: one is not the published file.
        """
        needs: dict[str, str] = {}
        other = []
        for part in (part for part in parts if not self.is_random(part)):
            try:
                self.path(part)
            except checkpoints.MissingCheckpoint as error:
                needs |= error.needs
                other += [] if error.needs else [str(error)]
        published = checkpoints.MissingCheckpoint.of_all(needs, weights_dir=self._weights_dir)
        if published and not other:
            raise published
        if published or other:
            missing = checkpoints.MissingCheckpoint("\n".join([str(published)] * bool(published) + other))
            missing.needs = needs
            raise missing

    def _own(self, part: str) -> WeightFile | None:
        path = self._overrides.get(part)
        if path is None:
            return None
        if not path.is_file():
            raise checkpoints.MissingCheckpoint(f"checkpoint {part}={path}: no such file; {self._needed_by} needs it")
        return WeightFile(path, checkpoints.digests(path).sha256, verified=False)

    def _published(self, part: str) -> WeightFile:
        name = self._names[part]
        if name is None:
            raise checkpoints.MissingCheckpoint(
                f"checkpoint: the {part.replace('_', ' ')} of {self._needed_by} is not published\n"
                f"  to use your own   --checkpoint {part}=FILE"
            )
        found = checkpoints.find(
            name, weights_dir=self._weights_dir, needed_by=self._needed_by, allow_unverified=self._allow_unverified
        )
        return WeightFile(found.path, found.digests.sha256, found.verified)

    def build(
        self, part: str, factory: Callable[[], Network], prepare: Callable[[dict[str, Any]], State] | None = None
    ) -> Network:
        """Return a network with the weights of a part: frozen, in evaluation mode, float32 on the CPU.

        Args:
            part: key of the names.
            factory: makes the network; its own initial values are never used.
            prepare: turns what the file holds into the network's state dict.

        Raises:
            foundation.checkpoints.MissingCheckpoint: the file is not there.
            foundation.checkpoints.WrongCheckpoint: it does not hold this network; names the first entry that differs.
        """
        with torch.device("meta"):  # no time and no random numbers for values that are replaced anyway
            network = factory()
        if self.is_random(part):
            network.load_state_dict(random_state(network, part), strict=False, assign=True)
        else:
            path = self.path(part)
            state: Any = checkpoints.open_state_dict(path)
            load_strictly(network, prepare(state) if prepare else state, path)
        return network.float().requires_grad_(False).eval()


def load_strictly(network: nn.Module, state: State, path: Path) -> None:
    """Give the network exactly these entries, without copying them.

    Raises:
        foundation.checkpoints.WrongCheckpoint: an entry has another shape, is missing or is left over.
    """
    try:
        missing, unexpected = network.load_state_dict(dict(state), strict=False, assign=True)
    except RuntimeError as error:  # torch lists entries of another shape, one per line, under a heading
        first = str(error).splitlines()[1].strip() if "size mismatch" in str(error) else str(error)
        raise checkpoints.WrongCheckpoint(f"{path}: {first}") from error
    kind = type(network).__name__
    if missing:
        raise checkpoints.WrongCheckpoint(f"{path}: entry {missing[0]!r} of {kind} is missing ({len(missing)} are)")
    if unexpected:
        raise checkpoints.WrongCheckpoint(f"{path}: {kind} has no entry {unexpected[0]!r} ({len(unexpected)} such)")


def random_state(network: nn.Module, name: str) -> dict[str, Tensor]:
    """Return random weights for every entry that has no value yet, the same in every process.

    Matrices keep the variance of what passes through, convolutions a quarter of it; norms scale by one; everything
    else is zero or small. Entries with a value of their own (filters, statistics) are left out.
    """
    return {
        entry: _random_entry(f"{name}/{entry}", value) for entry, value in network.state_dict().items() if value.is_meta
    }


def _random_entry(name: str, like: Tensor) -> Tensor:
    last = name.rpartition(".")[2]
    if like.ndim <= 1:
        ones = last.endswith("weight") and like.ndim == 1
        return torch.full(like.shape, 1.0 if ones else 0.0, dtype=like.dtype, device="cpu")
    if last.endswith("_std"):
        return torch.ones(like.shape, dtype=like.dtype, device="cpu")
    fan_in = math.prod(like.shape[1:]) if last.endswith("weight") else 2500.0  # tables: a spread of 0.02
    bound = math.sqrt(3 / fan_in)  # uniform numbers of this bound have variance 1 / fan_in, and cost half of normal
    if like.ndim > 2:
        bound /= 2  # convolutions stand in long residual chains, which would drive the vocoder into clipping
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.empty(like.shape, dtype=like.dtype, device="cpu").uniform_(-bound, bound, generator=generator)


def fingerprint(entries: Iterable[tuple[str, Tensor]]) -> str:
    """Return a hash of names and values, to tell features of different weights apart."""
    digest = hashlib.sha256()
    for name, value in entries:
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()
