"""Decoder of the mel autoencoder: from the diffusion latent to a log-mel spectrogram.

A one-dimensional convolutional network whose layers keep the magnitude of what passes through: every filter has unit
norm, activations and sums are rescaled by constants. Only the decoder is built; what a checkpoint holds of the
encoder is passed over.

Source:
    MMAudio 974010a (autoencoder), after EDM2 (Karras et al. 2024, arXiv:2312.02696). Entry names are the published
    ones; equal to its output within float32 rounding.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.mmaudio.lengths import FORMATS
from baselines.mmaudio.mel_statistics import mel_statistics

BASE_WIDTHS: Mapping[str, int] = {"16k": 384, "44k": 512}
LEVEL_WIDTHS = (1, 2, 4)  # multiples of the base width, from the mel side inwards
BLOCKS_PER_LEVEL = 3
DOUBLING_LEVEL = 1  # after this level one frame becomes two
LARGEST_ACTIVATION = 256.0
SILU_GAIN = 0.596  # root mean square of silu(x) for standard normal x
RESIDUAL_SHARE = 0.3
_EPSILON = 1e-4


def unit_rms(x: Tensor) -> Tensor:
    """Return (batch, channels, time) scaled to root mean square 1 over the channels."""
    norm = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32)
    return x / (norm / math.sqrt(x.shape[1]) + _EPSILON).to(x.dtype)


def _silu(x: Tensor) -> Tensor:
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
        branch = self.conv2(_silu(self.conv1(_silu(x))))
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


class Level(nn.Module):
    """Residual blocks of one width, and the doubling of the frame rate where there is one."""

    def __init__(self, inputs: int, outputs: int, *, doubles: bool) -> None:
        super().__init__()
        self.block = nn.ModuleList(ResidualBlock(outputs if i else inputs, outputs) for i in range(BLOCKS_PER_LEVEL))
        self.upsample = nn.ModuleDict({"conv": UnitConv(outputs, outputs, 3)} if doubles else {})

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, time) to (batch, outputs, time or twice the time)."""
        for block in self.block:
            x = block(x).clamp(-LARGEST_ACTIVATION, LARGEST_ACTIVATION)
        for conv in self.upsample.values():
            x = conv(x.repeat_interleave(2, dim=2))
        return x


class Decoder(nn.Module):
    """From latent to normalised mel."""

    def __init__(self, base_width: int, latent_channels: int, mel_bins: int) -> None:
        super().__init__()
        widths = [base_width * multiple for multiple in LEVEL_WIDTHS]
        self.learnable_gain = nn.Parameter(torch.zeros([]))
        self.conv_in = UnitConv(latent_channels, widths[-1], 3)
        self.mid = nn.ModuleDict(
            {
                "block_1": ResidualBlock(widths[-1], widths[-1]),
                "attn_1": AttentionBlock(widths[-1]),
                "block_2": ResidualBlock(widths[-1], widths[-1]),
            }
        )
        incoming = [*widths[1:], widths[-1]]
        self.up = nn.ModuleList(Level(incoming[i], widths[i], doubles=i == DOUBLING_LEVEL) for i in range(len(widths)))
        self.conv_out = UnitConv(widths[0], mel_bins, 3)

    def forward(self, latent: Tensor) -> Tensor:
        """Map (batch, channels, time) to (batch, mel bins, 2 * time)."""
        x = self.conv_in(latent)
        for block in self.mid.values():
            x = block(x)
        x = x.clamp(-LARGEST_ACTIVATION, LARGEST_ACTIVATION)
        for level in reversed(self.up):
            x = level(x)
        return self.conv_out(_silu(x)) * (1 + self.learnable_gain)


class VAE(nn.Module):
    """Decoder half of the autoencoder of one sampling rate; `from_variant`, then `load_state_dict`."""

    data_mean: Tensor
    data_std: Tensor

    def __init__(self, rate: str) -> None:
        super().__init__()
        audio, statistics = FORMATS[rate], mel_statistics(rate)
        self.register_buffer("data_mean", statistics.mean)
        self.register_buffer("data_std", statistics.spread)
        self.decoder = Decoder(BASE_WIDTHS[rate], audio.latent_channels, audio.mel_bins)
        self.register_load_state_dict_pre_hook(_drop_encoder)

    @classmethod
    def from_variant(cls, name: str) -> VAE:
        """Return an untrained VAE decoder for "16k" or "44k".

        Raises:
            ValueError: unknown variant.
        """
        if name not in BASE_WIDTHS:
            raise ValueError(f"variant: expected one of {', '.join(BASE_WIDTHS)}, got {name!r}")
        return cls(name)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the log-mel spectrogram, float (batch, mel bins, 2 * latent frames).

        Logarithm to base 10 at 16 kHz, natural at 44.1 kHz.

        Args:
            latent: float (batch, latent frames, channels), in the VAE's own scale (`MMDiT.unnormalise`).
        """
        return self.decoder(latent.transpose(1, 2)) * self.data_std + self.data_mean


def _drop_encoder(_module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name in [name for name in state if name.startswith(prefix + "encoder.")]:
        del state[name]
