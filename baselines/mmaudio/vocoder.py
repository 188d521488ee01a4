"""BigVGAN: from a log-mel spectrogram to a waveform.

Six stages of transposed convolutions, each followed by residual blocks whose snake activations run at twice the rate
between two low-pass filters, so that they fold no aliases back into the audible band.

Source:
    BigVGAN (Lee et al. 2023, arXiv:2206.04658). "16k" is the network of Make-An-Audio 2 that MMAudio 974010a ships,
    "44k" is nvidia/bigvgan_v2_44khz_128band_512x. Entry names are the published ones with weight norm folded in;
    equal to their outputs within float32 rounding.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FIRST_WIDTH = 1536
RESIDUAL_KERNELS = (3, 7, 11)
DILATIONS = (1, 3, 5)

# Half of the symmetric 12-tap low-pass: Kaiser window (beta 4.6638) on a sinc with cutoff 0.25, half width 0.3, sum 1.
_TAPS = 12
_CUTOFF, _HALF_WIDTH = 0.25, 0.3


@dataclass(frozen=True)
class Variant:
    """What differs between the two published vocoders."""

    mel_bins: int
    rates: tuple[int, ...]
    kernels: tuple[int, ...]
    final_bias: bool
    final_tanh: bool  # else the waveform is clamped to [-1, 1]


VARIANTS: Mapping[str, Variant] = {
    "16k": Variant(80, (4, 4, 2, 2, 2, 2), (8, 8, 4, 4, 4, 4), final_bias=True, final_tanh=True),
    "44k": Variant(128, (8, 4, 2, 2, 2, 2), (16, 8, 4, 4, 4, 4), final_bias=False, final_tanh=False),
}


def low_pass_filter() -> Tensor:
    """Return the anti-aliasing filter of every activation, float32 (1, 1, 12)."""
    attenuation = 2.285 * (_TAPS // 2 - 1) * torch.pi * 4 * _HALF_WIDTH + 7.95  # Kaiser's formula, in dB
    window = torch.kaiser_window(_TAPS, periodic=False, beta=0.1102 * (attenuation - 8.7), device="cpu")
    times = torch.arange(-_TAPS // 2, _TAPS // 2, device="cpu") + 0.5
    taps = window * torch.sinc(2 * _CUTOFF * times)
    return (taps / taps.sum()).view(1, 1, -1)


class _Filter(nn.Module):
    """Holder of one low-pass filter under its published name."""

    filter: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", low_pass_filter())


class _Snake(nn.Module):
    """`x + sin(x * exp(alpha))^2 / exp(beta)`, with alpha and beta per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        frequency, strength = self.alpha.exp()[:, None], 1 / (self.beta.exp() + 1e-9)[:, None]
        return x + strength * (x * frequency).sin().square()


class SmoothSnake(nn.Module):
    """Snake activation at twice the rate, between an interpolating and a decimating low-pass.

    Attributes:
        fused: compute it by two kernels of our own, on a GPU.
    """

    fused = False

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.act = _Snake(channels)
        self.upsample = _Filter()
        self.downsample = nn.ModuleDict({"lowpass": _Filter()})

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, time) to the same shape."""
        if self.fused and x.is_cuda:
            from baselines.mmaudio.snake import smooth_snake

            return smooth_snake(x, self.act.alpha, self.act.beta, *self.filters())
        return self.by_convolution(x)

    def by_convolution(self, x: Tensor) -> Tensor:
        """Return what `forward` does, by torch's convolutions, as the reference does it."""
        channels = x.shape[1]
        up, down = (taps.expand(channels, 1, -1) for taps in self.filters())
        # Zeros between the samples halve the level, hence the 2; the cut takes away what the padding became.
        doubled = 2 * F.conv_transpose1d(F.pad(x, (5, 5), mode="replicate"), up, stride=2, groups=channels)
        activated = self.act(doubled[..., 15:-15])
        return F.conv1d(F.pad(activated, (5, 6), mode="replicate"), down, stride=2, groups=channels)

    def filters(self) -> tuple[Tensor, Tensor]:
        """Return the interpolating and the decimating low-pass, each (1, 1, 12)."""
        lowpass: Any = self.downsample["lowpass"]
        return self.upsample.filter, lowpass.filter


class ResidualBlock(nn.Module):
    """Three rounds of a dilated and a plain convolution, each behind its own activation."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2) for d in DILATIONS
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in DILATIONS)
        self.activations = nn.ModuleList(SmoothSnake(channels) for _ in range(2 * len(DILATIONS)))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, time) to the same shape."""
        for i, (dilated, plain) in enumerate(zip(self.convs1, self.convs2, strict=True)):
            x = x + plain(self.activations[2 * i + 1](dilated(self.activations[2 * i](x))))
        return x


class BigVGAN(nn.Module):
    """Vocoder of one sampling rate; `from_variant`, then `load_state_dict` of a published or folded state dict."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        widths = [FIRST_WIDTH >> stage for stage in range(len(variant.rates) + 1)]
        self.conv_pre = nn.Conv1d(variant.mel_bins, widths[0], 7, padding=3)
        self.ups = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose1d(wide, narrow, kernel, stride=rate, padding=(kernel - rate) // 2))
            for wide, narrow, kernel, rate in zip(widths, widths[1:], variant.kernels, variant.rates, strict=False)
        )
        self.resblocks = nn.ModuleList(
            ResidualBlock(width, kernel) for width in widths[1:] for kernel in RESIDUAL_KERNELS
        )
        self.activation_post = SmoothSnake(widths[-1])
        self.conv_post = nn.Conv1d(widths[-1], 1, 7, padding=3, bias=variant.final_bias)
        self.register_load_state_dict_pre_hook(_fold_weight_norm)

    @classmethod
    def from_variant(cls, name: str) -> BigVGAN:
        """Return an untrained vocoder for "16k" or "44k".

        Raises:
            ValueError: unknown variant.
        """
        if name not in VARIANTS:
            raise ValueError(f"variant: expected one of {', '.join(VARIANTS)}, got {name!r}")
        return cls(VARIANTS[name])

    def forward(self, mel: Tensor) -> Tensor:
        """Return the waveform within [-1, 1], float (batch, frames * hop).

        Args:
            mel: float (batch, mel bins, frames); logarithm to base 10 at 16 kHz, natural at 44.1 kHz.
        """
        x = self.conv_pre(mel)
        for stage, up in enumerate(self.ups):
            x = up(x)
            first = stage * len(RESIDUAL_KERNELS)
            blocks = self.resblocks[first : first + len(RESIDUAL_KERNELS)]
            x = sum(block(x) for block in blocks) / len(RESIDUAL_KERNELS)
        x = self.conv_post(self.activation_post(x))[:, 0]
        return x.tanh() if self.variant.final_tanh else x.clamp(-1, 1)


# The two spellings of weight norm: (magnitude, direction).
_WEIGHT_NORM = (
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)


def _fold_weight_norm(_module: nn.Module, state: dict[str, Any], *_: Any) -> None:
    """Replace magnitude and direction of every convolution by the weight they stand for: g * v / |v|."""
    for magnitude, direction in _WEIGHT_NORM:
        for name in [name for name in state if name.endswith("." + direction)]:
            stem = name.removesuffix(direction)
            if stem + magnitude not in state:
                continue  # half a pair is not a weight: strict loading names it
            v = state.pop(name).float()
            norm = v.flatten(1).norm(dim=1).view(-1, 1, 1)
            state[stem + "weight"] = state.pop(stem + magnitude).float() * v / norm
