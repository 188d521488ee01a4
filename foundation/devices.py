"""Where networks run, and how: devices, the rounding of float32, and uploads that the GPU need not wait for.

Everything here runs on a CPU too, by the same path: what a GPU does on a stream of its own happens at once there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

Precision = Literal["exact", "fast"]
# Whether GPU kernels of our own can run: triton is there, and a C compiler, which it needs on the machine. Without
# them torch's own kernels do the same, more slowly.
KERNELS = find_spec("triton") is not None and bool(os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang"))


def check_device(name: str | None) -> None:
    """Refuse a device that torch does not know, or that this machine does not have; None is torch's own choice.

    Args:
        name: cpu, cuda, cuda:1, mps, as torch spells them.

    Raises:
        ValueError: names the device and what there is.
    """
    if name is None:
        return
    import torch

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device: expected cpu, cuda, cuda:N or mps, got {name!r}") from error
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not count:
            raise ValueError(f"device: {name!r} asked for, but torch sees no GPU here")
        if (device.index or 0) >= count:
            raise ValueError(f"device: {name!r} asked for, but torch sees {count} here, cuda:0 to cuda:{count - 1}")
    elif device.type == "mps":
        if not torch.backends.mps.is_available():
            raise ValueError(f"device: {name!r} asked for, but torch sees no such GPU here")
    elif device.type != "cpu":
        raise ValueError(f"device: expected cpu, cuda, cuda:N or mps, got {name!r}")


def chosen_device(name: str | None) -> torch.device:
    """Return the device that a network runs on: the one named, else the first NVIDIA or AMD GPU, else the CPU.

    Raises:
        ValueError: it is not here; see `check_device`.
    """
    import torch

    check_device(name)
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


def free_bytes(device: torch.device) -> int | None:
    """Return how much of a GPU's memory this process may still take, what it holds unused included; None: no GPU."""
    if device.type != "cuda":
        return None
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


@contextmanager
def numerics(precision: Precision) -> Iterator[None]:
    """Decide how this process multiplies float32 on a GPU, and put it back on leaving; a CPU knows one way only.

    Args:
        precision: "exact": float32 throughout, in convolutions too, where torch's default rounds inputs to the 10
            bits of TF32; "fast": TF32 in convolutions and matrix products.
    """
    import torch

    parts: Any = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [part.allow_tf32 for part in parts]
    try:
        for part in parts:
            part.allow_tf32 = precision == "fast"
        yield
    finally:
        for part, allowed in zip(parts, before, strict=True):
            part.allow_tf32 = allowed


@dataclass(frozen=True)
class Staged:
    """Arrays on their way to a device.

    Attributes:
        tensors: on the device, or on their way there.
        arrived: what the stream that uses them must wait for; None where they are there.
    """

    tensors: tuple[Mapping[str, Tensor], ...]
    arrived: torch.cuda.Event | None = None

    def take(self) -> tuple[Mapping[str, Tensor], ...]:
        """Return the tensors, for use by the current stream."""
        if self.arrived is not None:
            import torch

            stream = torch.cuda.current_stream(self.arrived.device)
            stream.wait_event(self.arrived)
            for tensors in self.tensors:
                for tensor in tensors.values():
                    tensor.record_stream(stream)  # their memory was taken by another stream
        return self.tensors


class Uploader:
    """Copies arrays to a device beside what it computes: from pinned memory, on a stream of its own."""

    def __init__(self, device: torch.device) -> None:
        import torch

        self._device = device
        self._stream: Any = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def stage(self, batch: Sequence[Mapping[str, NDArray[np.generic]]]) -> Staged:
        """Begin to copy the arrays of a batch; return what gives them to the stream that uses them."""
        import torch

        if self._stream is None:
            return Staged(
                tuple(
                    {name: torch.from_numpy(array).to(self._device) for name, array in arrays.items()}
                    for arrays in batch
                )
            )
        with torch.cuda.stream(self._stream):
            tensors = tuple(
                {
                    name: torch.from_numpy(array).pin_memory().to(self._device, non_blocking=True)
                    for name, array in arrays.items()
                }
                for arrays in batch
            )
            arrived: Any = torch.cuda.Event()  # type: ignore[no-untyped-call]
            arrived.record(self._stream)
        return Staged(tensors, arrived)
