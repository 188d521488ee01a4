"""The scoring networks of profile `paper`, in float32 throughout: each at several batch sizes, against its floor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from foundation.devices import numerics
from speed.gpu.shared import length, seconds_of

SECONDS = 80
BATCHES = {"panns.audio": (16, 128), "clap.audio": (8, 64), "imagebind.audio": (8, 64), "imagebind.video": (1, 16),
           "synchformer.audio": (2, 16), "synchformer.video": (1, 4), "synchformer.offsets": (2, 256)}  # fmt: skip


def measure(options: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield, for each network and batch, files a second and the share of the float32 rate its arithmetic is."""
    device = torch.device(options.get("device", "cuda"))
    with torch.inference_mode(), numerics("exact"):
        rate = _float32_rate(device)
        yield {"what": "matrix product in float32", "teraflops_per_second": round(rate / 1e12, 1)}
        for name, make in _networks(device, length(options)).items():
            for size in BATCHES[name] if device.type == "cuda" else (1,):
                work = make(size)
                with FlopCounterMode(display=False) as counted:
                    work()
                took = seconds_of(work, device)
                yield {
                    "what": f"{name}, batch {size}",
                    "files_per_second": round(size / took, 1),
                    "gigaflops_per_file": round(counted.get_total_flops() / size / 1e9, 1),
                    "share_of_float32_rate": round(counted.get_total_flops() / took / rate, 3),
                }


def _float32_rate(device: torch.device) -> float:
    side = 8192 if device.type == "cuda" else 512
    left, right = (torch.randn(side, side, device=device) for _ in range(2))
    return 2 * side**3 / seconds_of(lambda: left @ right, device, repeats=5)


def _networks(device: torch.device, seconds: float) -> dict[str, Callable[[int], Callable[[], Any]]]:
    """Return what makes the work of one batch, by extractor, with the networks' own initial weights."""
    from metrics.backbones.clap import Clap
    from metrics.backbones.imagebind import ImageBind
    from metrics.backbones.panns import Panns
    from metrics.backbones.synchformer import Synchformer

    panns, clap, imagebind, synchformer = (kind().eval().to(device) for kind in (Panns, Clap, ImageBind, Synchformer))

    def given(network: Callable[..., Any], *shapes: tuple[int, ...]) -> Callable[[int], Callable[[], Any]]:
        def make(size: int) -> Callable[[], Any]:
            inputs = [torch.randn(size, *shape, device=device) for shape in shapes]
            return lambda: network(*inputs)

        return make

    return {
        "panns.audio": given(panns.audio, (round(seconds * 16_000),)),
        "clap.audio": given(clap.audio, (480_000,)),
        "imagebind.audio": given(imagebind.audio, (3, 1, 128, 204)),
        "imagebind.video": given(imagebind.video, (15, 3, 2, 224, 224)),
        "synchformer.audio": given(synchformer.audio, (24, 128, 66)),
        "synchformer.video": given(synchformer.video, (round(25 * seconds), 3, 224, 224)),
        "synchformer.offsets": given(synchformer.offset_logits, (14, 8, 768), (14, 6, 768)),
    }
