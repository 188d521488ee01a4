"""The mel autoencoder: from a log-mel spectrogram to the distribution of its latent, and from a latent to a mel.

A one-dimensional convolutional network. The encoder is built only where it is asked for, to prepare clips for training;
otherwise what a checkpoint holds of it is passed over.

Source:
    MMAudio 974010a (autoencoder), after EDM2 (Karras et al. 2024, arXiv:2312.02696). Entry names are the published
    ones; equal to its output within float32 rounding.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.mmaudio.lengths import FORMATS, MEL_FRAMES_PER_LATENT
from baselines.mmaudio.mel_statistics import mel_statistics
from baselines.mmaudio.vae_blocks import Middle, ResidualBlock, UnitConv, bounded, unit_silu

BASE_WIDTHS: Mapping[str, int] = {"16k": 384, "44k": 512}
LEVEL_WIDTHS = (1, 2, 4)  # multiples of the base width, from the mel side inwards
DECODER_BLOCKS, ENCODER_BLOCKS = 3, 2  # of each level
DOUBLING_LEVEL = 1  # of the decoder: after this level one frame becomes two
HALVING_LEVEL = 0  # of the encoder: after this level two frames become one
LOG_VARIANCE = (-30.0, 20.0)  # bounds


class Level(nn.Module):
    """Residual blocks of one width of the decoder, and the doubling of the frame rate where there is one."""

    def __init__(self, inputs: int, outputs: int, *, doubles: bool) -> None:
        super().__init__()
        self.block = nn.ModuleList(ResidualBlock(outputs if i else inputs, outputs) for i in range(DECODER_BLOCKS))
        self.upsample = nn.ModuleDict({"conv": UnitConv(outputs, outputs, 3)} if doubles else {})

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, time) to (batch, outputs, time or twice the time)."""
        for block in self.block:
            x = bounded(block(x))
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
        self.mid = Middle(widths[-1])
        incoming = [*widths[1:], widths[-1]]
        self.up = nn.ModuleList(Level(incoming[i], widths[i], doubles=i == DOUBLING_LEVEL) for i in range(len(widths)))
        self.conv_out = UnitConv(widths[0], mel_bins, 3)

    def forward(self, latent: Tensor) -> Tensor:
        """Map (batch, channels, time) to (batch, mel bins, 2 * time)."""
        x = self.mid(self.conv_in(latent))
        for level in reversed(self.up):
            x = level(x)
        return self.conv_out(unit_silu(x)) * (1 + self.learnable_gain)


class Halving(nn.Module):
    """Half the frame rate: the mean of two frames, between convolutions of one frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = UnitConv(width, width, 1)
        self.conv2 = UnitConv(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, width, time) to (batch, width, time // 2)."""
        return self.conv2(F.avg_pool1d(self.conv1(x), 2))


class EncoderLevel(nn.Module):
    """Residual blocks of one width of the encoder, and the halving of the frame rate where there is one."""

    def __init__(self, inputs: int, outputs: int, *, halves: bool) -> None:
        super().__init__()
        self.block = nn.ModuleList(ResidualBlock(outputs if i else inputs, outputs) for i in range(ENCODER_BLOCKS))
        self.downsample = Halving(outputs) if halves else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, time) to (batch, outputs, time or half the time)."""
        for block in self.block:
            x = bounded(block(x))
        return self.downsample(x)


class Encoder(nn.Module):
    """From normalised mel to mean and log-variance of the latent."""

    def __init__(self, base_width: int, latent_channels: int, mel_bins: int) -> None:
        super().__init__()
        widths = [base_width * multiple for multiple in LEVEL_WIDTHS]
        self.learnable_gain = nn.Parameter(torch.zeros([]))
        self.conv_in = UnitConv(mel_bins, widths[0], 3)
        incoming = [widths[0], *widths]
        self.down = nn.ModuleList(
            EncoderLevel(incoming[i], widths[i], halves=i == HALVING_LEVEL) for i in range(len(widths))
        )
        self.mid = Middle(widths[-1])
        self.conv_out = UnitConv(widths[-1], 2 * latent_channels, 3)

    def forward(self, mel: Tensor) -> Tensor:
        """Map (batch, mel bins, time) to (batch, 2 * channels, time // 2), means first."""
        x = self.conv_in(mel)
        for level in self.down:
            x = level(x)
        return self.conv_out(unit_silu(self.mid(x))) * (1 + self.learnable_gain)


class VAE(nn.Module):
    """The autoencoder of one sampling rate, by default its decoder alone; `from_variant`, then `load_state_dict`."""

    data_mean: Tensor
    data_std: Tensor

    def __init__(self, rate: str, *, encoder: bool = False) -> None:
        super().__init__()
        audio, statistics = FORMATS[rate], mel_statistics(rate)
        self.register_buffer("data_mean", statistics.mean)
        self.register_buffer("data_std", statistics.spread)
        sizes = BASE_WIDTHS[rate], audio.latent_channels, audio.mel_bins
        self.decoder = Decoder(*sizes)
        self.encoder = Encoder(*sizes) if encoder else None
        if not encoder:
            self.register_load_state_dict_pre_hook(_drop_encoder)

    @classmethod
    def from_variant(cls, name: str, *, encoder: bool = False) -> VAE:
        """Return an untrained VAE for "16k" or "44k".

        Args:
            name: of the variant.
            encoder: build the encoder, too. Without it only `decode` works, and its entries are passed over.

        Raises:
            ValueError: unknown variant.
        """
        if name not in BASE_WIDTHS:
            raise ValueError(f"variant: expected one of {', '.join(BASE_WIDTHS)}, got {name!r}")
        return cls(name, encoder=encoder)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the log-mel spectrogram, float (batch, mel bins, 2 * latent frames).

        Logarithm to base 10 at 16 kHz, natural at 44.1 kHz.

        Args:
            latent: float (batch, latent frames, channels), in the VAE's own scale (`MMDiT.unnormalise`).
        """
        return self.decoder(latent.transpose(1, 2)) * self.data_std + self.data_mean

    def encode(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the latent, each float (batch, frames // 2, channels).

        Args:
            mel: float (batch, mel bins, frames), as `mel_spectrogram` makes it, at least two frames.

        Raises:
            ValueError: this VAE was built without its encoder, or the mel has another shape.
        """
        if self.encoder is None:
            raise ValueError("encode: this VAE has no encoder; build it with VAE.from_variant(..., encoder=True)")
        bins = self.data_mean.shape[1]
        if mel.ndim != 3 or mel.shape[1] != bins or mel.shape[2] < MEL_FRAMES_PER_LATENT:
            raise ValueError(
                f"mel: expected shape (batch, {bins}, frames) with at least {MEL_FRAMES_PER_LATENT} frames, "
                f"got {tuple(mel.shape)}"
            )
        out = self.encoder((mel - self.data_mean) / self.data_std)
        mean, log_variance = out.transpose(1, 2).chunk(2, dim=-1)
        return mean, (log_variance.clamp(*LOG_VARIANCE) / 2).exp()


def _drop_encoder(_module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name in [name for name in state if name.startswith(prefix + "encoder.")]:
        del state[name]
