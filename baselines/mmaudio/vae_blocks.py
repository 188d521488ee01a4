"""Blocks of the mel autoencoder, which keep the magnitude of what passes through.

Every filter has unit norm; activations and sums are rescaled by constants.

Source:
    EDM2 (Karras et al. 2024, arXiv:2312.02696), in one dimension as MMAudio 974010a has them.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LARGEST_ACTIVATION = 256.0
SILU_GAIN = 0.596  # root mean square of silu(x) for standard normal x
RESIDUAL_SHARE = 0.3
_EPSILON = 1e-4


def unit_rms(x: Tensor) -> Tensor:
    """Return (batch, channels, time) scaled to root mean square 1 over the channels."""
    norm = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32)
    return x / (norm / math.sqrt(x.shape[1]) + _EPSILON).to(x.dtype)


def unit_silu(x: Tensor) -> Tensor:
    """Return silu(x) scaled to root mean square 1 for standard normal x."""
    return F.silu(x) / SILU_GAIN


def _blend(x: Tensor, branch: Tensor) -> Tensor:
    """Weighted sum that keeps unit magnitude when both sides are independent."""
    keep = 1 - RESIDUAL_SHARE
    return (keep * x + RESIDUAL_SHARE * branch) / math.hypot(keep, RESIDUAL_SHARE)


class UnitConv(nn.Module):
    """Convolution without bias whose filters are brought to unit norm once, when weights are loaded."""

    scale: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel))
        nn.init.zeros_(self.weight)
        # The file keeps raw weights, and so does `weight`: saving and loading again changes nothing.
        self.register_buffer("scale", torch.ones(outputs, 1), persistent=False)
        self.register_load_state_dict_post_hook(_measure_filters)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, time) to (batch, outputs, time)."""
        return F.conv1d(x, self.weight, padding=self.weight.shape[-1] // 2) * self.scale


def _measure_filters(layer: Any, _: Any) -> None:
    raw: Tensor = layer.weight.detach()
    fan_in = raw[0].numel()
    norms = raw.float().flatten(1).norm(dim=1, keepdim=True)
    layer.scale = 1 / ((norms / math.sqrt(fan_in) + _EPSILON) * math.sqrt(fan_in))


class ResidualBlock(nn.Module):
    """Two convolutions and a skip path that carries the normalised input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = UnitConv(inputs, outputs, 3)
        self.conv2 = UnitConv(outputs, outputs, 3)
        self.nin_shortcut = UnitConv(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, time) to (batch, outputs, time)."""
        x = unit_rms(x)
        branch = self.conv2(unit_silu(self.conv1(unit_silu(x))))
        return _blend(self.nin_shortcut(x), branch)


class AttentionBlock(nn.Module):
    """Attention over time with one head as wide as the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.qkv = UnitConv(channels, 3 * channels, 1)
        self.proj_out = UnitConv(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, time) to the same shape."""
        parts = self.qkv(x).unflatten(1, (-1, 3)).unbind(2)  # query, key, value alternate channel by channel
        query, key, value = (unit_rms(part).transpose(1, 2)[:, None] for part in parts)
        attended = F.scaled_dot_product_attention(query, key, value.contiguous())
        return _blend(x, self.proj_out(attended[:, 0].transpose(1, 2)))


def bounded(x: Tensor) -> Tensor:
    """Return activations within the bounds that the weights were trained with."""
    return x.clamp(-LARGEST_ACTIVATION, LARGEST_ACTIVATION)


class Middle(nn.ModuleDict):
    """The blocks where frames are fewest and channels most: the only ones that see the whole clip."""

    def __init__(self, width: int) -> None:
        super().__init__(
            {
                "block_1": ResidualBlock(width, width),
                "attn_1": AttentionBlock(width),
                "block_2": ResidualBlock(width, width),
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, width, time) to the same shape."""
        for block in self.values():
            x = block(x)
        return bounded(x)
