"""Our own GPU kernels and product forms against torch's operations: how far apart, and the time of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy

import torch

from baselines.mmaudio.layers import TimeConv
from baselines.mmaudio.snake import smooth_snake
from baselines.mmaudio.vocoder import SmoothSnake
from foundation.devices import numerics
from metrics.backbones.synchformer.time_attention import attend_along_time
from metrics.backbones.synchformer.video import DividedAttention, VideoExtractor
from speed.gpu.shared import seconds_of

SECONDS = 45


def measure(options: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield one row per kernel and shape: relative error against float32, milliseconds of both ways."""
    device = torch.device(options.get("device", "cuda"))
    torch.manual_seed(0)
    with torch.inference_mode(), numerics("exact"):
        for channels, time in ((768, 2_000), (96, 32_000), (24, 128_000)):
            yield _snake(channels, time, device)
        yield _time_attention(device)
        yield _patches(device)
        for inputs, outputs, kernel in ((448, 1280, 3), (1280, 448, 3), (20, 448, 7)):
            yield _time_conv(inputs, outputs, kernel, device)


def _row(
    what: str, ours: Callable[[], torch.Tensor], torchs: Callable[[], torch.Tensor], device: torch.device,
    reference: torch.Tensor,
) -> dict[str, object]:  # fmt: skip
    error = (ours().float() - reference).norm() / reference.norm()
    theirs = (torchs().float() - reference).norm() / reference.norm()
    return {
        "what": what,
        "error": float(f"{error.item():.2g}"),
        "torch_error": float(f"{theirs.item():.2g}"),
        "milliseconds": round(1e3 * seconds_of(ours, device), 3),
        "torch_milliseconds": round(1e3 * seconds_of(torchs, device), 3),
    }


def _snake(channels: int, time: int, device: torch.device) -> dict[str, object]:
    layer = SmoothSnake(channels).to(device)
    for parameter in (layer.act.alpha, layer.act.beta):
        torch.nn.init.normal_(parameter)
    x = torch.randn(8, channels, time, device=device)

    def ours() -> torch.Tensor:
        return smooth_snake(x, layer.act.alpha, layer.act.beta, *layer.filters())

    def torchs() -> torch.Tensor:
        return layer.by_convolution(x)

    reference = deepcopy(layer).double().by_convolution(x.double()).float()
    return _row(f"snake, {channels} channels", ours, torchs, device, reference)


def _time_attention(device: torch.device) -> dict[str, object]:
    exact = DividedAttention().to(device)
    tokens = torch.randn(48, 1569, 768, device=device)
    reference = exact(tokens, "time")
    layer, half = DividedAttention().to(device), tokens.bfloat16()
    layer.load_state_dict(exact.state_dict())
    layer.bfloat16()
    projected = layer.qkv(half)
    out = torch.empty_like(half)

    def kernel() -> torch.Tensor:
        attend_along_time(projected, out, layer.heads, 8)
        return out

    def sdpa() -> torch.Tensor:
        q, k, v = projected.unflatten(2, (3, layer.heads, -1)).permute(2, 0, 3, 1, 4)
        return layer.attended_patches(q, k, v, "time")

    row = _row(
        "attention along time, 48 segments", lambda: layer(half, "time"), sdpa_layer(layer, half), device, reference
    )
    return row | {
        "milliseconds": round(1e3 * seconds_of(kernel, device), 3),
        "torch_milliseconds": round(1e3 * seconds_of(sdpa, device), 3),
    }


def sdpa_layer(layer: DividedAttention, tokens: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Return what the layer does without our kernel."""

    def run() -> torch.Tensor:
        q, k, v = layer.qkv(tokens).unflatten(2, (3, layer.heads, -1)).permute(2, 0, 3, 1, 4)
        whole = torch.nn.functional.scaled_dot_product_attention(q[:, :, :1], k, v)
        patches = layer.attended_patches(q, k, v, "time")
        return layer.proj(torch.cat([whole, patches], dim=2).transpose(1, 2).flatten(2))

    return run


def _patches(device: torch.device) -> dict[str, object]:
    exact = VideoExtractor().patch_embed_3d.to(device)
    pixels = torch.rand(48, 3, 16, 224, 224, device=device) * 2 - 1
    reference = exact(pixels)
    layer, half = exact.bfloat16(), pixels.bfloat16()

    def torchs() -> torch.Tensor:
        return layer.proj(half).flatten(2).transpose(1, 2)

    return _row("patches, 48 segments", lambda: layer.as_product(half), torchs, device, reference)


def _time_conv(inputs: int, outputs: int, kernel: int, device: torch.device) -> dict[str, object]:
    exact = TimeConv(inputs, outputs, kernel).to(device)
    x = torch.randn(32, 250, inputs, device=device)
    reference = exact(x)
    layer, half = exact.bfloat16(), x.bfloat16()

    def torchs() -> torch.Tensor:
        return torch.nn.Conv1d.forward(layer, half.transpose(1, 2)).transpose(1, 2)

    return _row(
        f"convolution {inputs} to {outputs} by {kernel}", lambda: layer.as_product(half), torchs, device, reference
    )
