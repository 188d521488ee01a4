"""How the profiles of networks run them: how many files at once, how they come to the device, in what rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from benchmark.features import Arrays
from foundation.devices import Uploader, free_bytes, numerics

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Network = Callable[..., Mapping[str, "Tensor"]]


@dataclass(frozen=True)
class BatchSize:
    """How many files a network is given at once.

    Attributes:
        cpu: on a CPU, where more is no faster; features kept by earlier versions were made with these.
        gpu: on an NVIDIA or AMD GPU, at most.
        growth: bytes of memory that one byte of the network's input takes on its way through, to see that no more
            goes through together than a GPU has room for.
    """

    cpu: int
    gpu: int
    growth: int


# Growth by the sizes of what a forward pass holds at once, 8 s a file; a network that cuts its batch itself counts
# its input alone.
BATCH_SIZES = {
    "panns.audio": BatchSize(16, 128, growth=80),
    "panns.kadtk": BatchSize(16, 128, growth=80),
    "clap.audio": BatchSize(8, 64, growth=30),
    "imagebind.audio": BatchSize(8, 64, growth=80),
    "synchformer.audio": BatchSize(2, 16, growth=80),
    "imagebind.video": BatchSize(1, 16, growth=15),
    "synchformer.video": BatchSize(1, 4, growth=2),
    "synchformer.offsets": BatchSize(1, 256, growth=15),
    "pe_av.audio": BatchSize(2, 32, growth=600),  # its first layers have 64 channels of 48 kHz
    "pe_av.video": BatchSize(1, 16, growth=30),
    "vggish.audio": BatchSize(8, 64, growth=80),
    "passt.audio": BatchSize(8, 64, growth=320),
    "audiobox.audio": BatchSize(2, 32, growth=600),
}


def batch_size(name: str, device: str) -> int:
    """Return how many files, or pairs of files, the network of an extractor is given at once on a device."""
    size = BATCH_SIZES[name]
    return size.gpu if device.partition(":")[0] == "cuda" else size.cpu


@contextmanager
def exactly() -> Iterator[None]:
    """Run networks without gradients and in float32 throughout: scores never depend on what a GPU rounds by default."""
    import torch

    with torch.inference_mode(), numerics("exact"):
        yield


class Runner:
    """Runs networks on one device."""

    def __init__(self, device: str) -> None:
        self._name = device

    @cached_property
    def _device(self) -> torch.device:
        import torch

        return torch.device(self._name)

    @cached_property
    def _uploader(self) -> Uploader:
        return Uploader(self._device)

    def run(
        self,
        prepared: Sequence[Arrays],
        keys: Sequence[str],
        network: Network,
        *,
        growth: int,
        prepare: Callable[[Tensor], Tensor] | None = None,
    ) -> list[Arrays]:
        """Return what a network makes of each file, in order; tensors of equal shapes go through together.

        Args:
            prepared: what the front end made of each file.
            keys: those of its arrays that the network takes.
            network: from these arrays, stacked to (b, ...), to features (b, ...) by name.
            growth: see `BatchSize`.
            prepare: what is still to be done to each array of a file, on the device.

        Returns:
            For each file its features by name, float32.
        """
        import torch

        results: list[Arrays] = [{} for _ in prepared]
        with exactly():
            taken = [{key: arrays[key] for key in keys} for arrays in prepared]
            inputs = [tuple(tensors[key] for key in keys) for tensors in self._uploader.stage(taken).take()]
            if prepare:
                inputs = [tuple(map(prepare, tensors)) for tensors in inputs]
            for indices in self._together(inputs, growth):
                batch = [torch.stack(parts) for parts in zip(*(inputs[index] for index in indices), strict=True)]
                for name, features in network(*batch).items():
                    for index, row in zip(indices, features.float().cpu().numpy(), strict=True):
                        results[index][name] = row
        return results

    def _together(self, inputs: Sequence[tuple[Tensor, ...]], growth: int) -> Iterator[list[int]]:
        """Yield the places of inputs of equal shapes, no more than half of the GPU's free memory holds."""
        shapes: dict[tuple[torch.Size, ...], list[int]] = {}
        for index, tensors in enumerate(inputs):
            shapes.setdefault(tuple(tensor.shape for tensor in tensors), []).append(index)
        for indices in shapes.values():
            free, one = free_bytes(self._device), sum(tensor.nbytes for tensor in inputs[indices[0]])
            most = len(indices) if free is None else max(1, free // 2 // (growth * one))
            for start in range(0, len(indices), most):
                yield indices[start : start + most]
