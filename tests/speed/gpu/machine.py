"""The card: its name, and the rates that every other figure is held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch

from foundation.devices import KERNELS, numerics
from foundation.measurements import Machine, this_machine
from speed.gpu.shared import seconds_of

SECONDS = 30
SIDE = 8192


def measure(options: Mapping[str, str]) -> Iterator[dict[str, object] | Machine]:
    """Yield the machine's facts, its matrix rates by precision and the rate of a copy."""
    device = torch.device(options.get("device", "cuda"))
    on_gpu = device.type == "cuda"
    yield this_machine(torch.cuda.get_device_name(device) if on_gpu else None)
    yield {"what": "kernels of our own", "there": KERNELS}
    side = SIDE if on_gpu else 512
    for what, dtype, precision in (
        ("bf16", torch.bfloat16, "fast"), ("TF32", torch.float32, "fast"), ("float32", torch.float32, "exact"),
    ):  # fmt: skip
        left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
        with numerics(precision):  # type: ignore[arg-type]
            took = seconds_of(lambda a=left, b=right: a @ b, device, repeats=5)  # type: ignore[misc]
        yield {"what": f"matrix product in {what}", "teraflops_per_second": round(2 * side**3 / took / 1e12, 1)}
    source = torch.empty(1 << (32 if on_gpu else 24), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    took = seconds_of(lambda: target.copy_(source), device, repeats=5)
    yield {"what": "copy, read and written", "gigabytes_per_second": round(2 * source.nbytes / took / 1e9)}
