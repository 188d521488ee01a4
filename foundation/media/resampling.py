"""Another sample rate, by torchaudio's windowed sinc, in bounded time and memory for any two rates.

The filter is a formula, and applying it one convolution, so torchaudio itself is not needed: it fails to load beside
some builds of torch. The samples are the same to the bit on the same machine.

torchaudio keeps a filter of its full width for each of the new rate's phases. Rates with a common divisor have few
phases; from 16,001 to 16,000 Hz there are 16,000 of 16,015 values, nearly all zero, and a gigabyte. Such pairs are
resampled in pieces, with the same filter where it is not zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foundation.media.limits import HIGHEST_RATE, LOWEST_RATE

if TYPE_CHECKING:
    import torch

# Values of a filter, 64 MiB. The usual rates stay far below: from 44,100 to 16,000 Hz there are 74 thousand.
_LARGEST_KERNEL = 2**24
_PIECE = 2**20  # values of the filter at once


@dataclass(frozen=True)
class Sinc:
    """The window of the filter, as `torchaudio.functional.resample` takes it.

    Attributes:
        width: zero crossings on either side.
        rolloff: cut-off, as a share of half the lower rate.
        beta: of a Kaiser window; None is a Hann window.
    """

    width: int = 6
    rolloff: float = 0.99
    beta: float | None = None


def resample(waveform: NDArray[np.float32], from_rate: int, to_rate: int) -> NDArray[np.float32]:
    """Return a waveform (..., samples) at another rate, by torchaudio's default sinc resampler.

    Raises:
        ValueError: a rate that is not read, see `foundation.media.limits`.
    """
    if from_rate == to_rate:
        return waveform
    import torch

    resampled = resample_tensor(torch.from_numpy(np.ascontiguousarray(waveform)), from_rate, to_rate)
    return np.asarray(resampled.numpy(), dtype=np.float32)


def resample_tensor(waveform: torch.Tensor, from_rate: int, to_rate: int) -> torch.Tensor:
    """Return a waveform, float32 (..., samples), at another rate: (..., ceil(samples x to_rate / from_rate)).

    Raises:
        ValueError: a rate that is not read, see `foundation.media.limits`.

    Source:
        `torchaudio.functional.resample` 2.11 at its defaults.
    """
    for rate in (from_rate, to_rate):
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise ValueError(f"sample rate: expected {LOWEST_RATE} to {HIGHEST_RATE} Hz, got {rate}")
    return filtered(waveform, from_rate, to_rate, Sinc())


def filtered(
    waveform: torch.Tensor, from_rate: int, to_rate: int, sinc: Sinc, *, in_double: bool = False
) -> torch.Tensor:
    """Return a waveform at another rate, through a filter of one's choice.

    Args:
        waveform: float32 (..., samples).
        from_rate: Hz.
        to_rate: Hz.
        sinc: the window.
        in_double: make the filter as `torchaudio.transforms.Resample` does, see `resample_in_pieces`.

    Returns:
        float32 (..., m), m as torchaudio computes it: ceil(samples x to_rate / from_rate) in float32.

    Source:
        `torchaudio.functional.functional._apply_sinc_resample_kernel` 2.11, to the bit.
    """
    if from_rate == to_rate:
        return waveform
    if kernel_is_large(from_rate, to_rate, sinc):
        return resample_in_pieces(waveform, from_rate, to_rate, sinc, in_double=in_double)
    import torch

    old, new, _, width = _reduced(from_rate, to_rate, sinc)
    samples = waveform.shape[-1]
    padded = torch.nn.functional.pad(waveform.reshape(-1, 1, samples), (width, width + old))
    kernel = _whole_kernel(old, new, sinc, in_double).to(waveform.device)
    blocks = torch.nn.functional.conv1d(padded, kernel, stride=old)  # (n, phase, block)
    length = _length(samples, old, new)
    return blocks.transpose(1, 2).flatten(1)[:, :length].reshape(*waveform.shape[:-1], length)


def kernel_is_large(from_rate: int, to_rate: int, sinc: Sinc) -> bool:
    """Tell whether the filter of all phases of two rates, in Hz, would be too large to be made."""
    old, new, _, width = _reduced(from_rate, to_rate, sinc)
    return new * (2 * width + old) > _LARGEST_KERNEL


def _reduced(from_rate: int, to_rate: int, sinc: Sinc) -> tuple[int, int, float, int]:
    """Return both rates without their common divisor, the cut-off in the same unit, and the filter's half width."""
    divisor = math.gcd(from_rate, to_rate)
    old, new = from_rate // divisor, to_rate // divisor
    cut_off = min(old, new) * sinc.rolloff
    return old, new, cut_off, math.ceil(sinc.width * old / cut_off)


def _length(samples: int, old: int, new: int) -> int:
    """Return how many samples torchaudio makes: it rounds the quotient to float32, which may add or drop one."""
    import torch

    return min(int(torch.ceil(torch.as_tensor(new * samples / old))), (samples // old + 1) * new)  # whole blocks


@lru_cache(maxsize=16)
def _whole_kernel(old: int, new: int, sinc: Sinc, in_double: bool) -> torch.Tensor:
    """Return the filter of every phase, float32 (new, 1, taps)."""
    import torch

    with torch.inference_mode(False):  # kept for callers with gradients too
        _, _, cut_off, width = _reduced(old, new, sinc)
        places = torch.arange(-width, width + old)[None]
        return _kernel(places, torch.arange(new), (old, new, cut_off), sinc, in_double)[:, None]


def resample_in_pieces(
    waveform: torch.Tensor, from_rate: int, to_rate: int, sinc: Sinc, *, in_double: bool = False
) -> torch.Tensor:
    """Return what torchaudio would, to the rounding of a sum of float32, whatever the two rates.

    Args:
        waveform: float32 (..., samples).
        from_rate: Hz.
        to_rate: Hz.
        sinc: the window.
        in_double: make the filter as `torchaudio.transforms.Resample` does, in double precision but for the phase,
            and not as `torchaudio.functional.resample` does, in that of the waveform.

    Returns:
        float32 (..., m), m as torchaudio computes it: ceil(samples x to_rate / from_rate) in float32.

    Source:
        The filter of `torchaudio.functional.functional._get_sinc_resample_kernel` 2.11, value by value.
    """
    import torch

    old, new, cut_off, width = _reduced(from_rate, to_rate, sinc)
    flat = torch.nn.functional.pad(waveform.reshape(-1, waveform.shape[-1]), (width, width + old))
    there = waveform.shape[-1]
    length = _length(there, old, new)
    offsets = torch.arange(2 * width + 2)
    step = max(1, _PIECE // len(offsets))
    pieces = [waveform.new_empty((len(flat), 0))]
    for start in range(0, length, step):
        outputs = torch.arange(start, min(start + step, length))
        blocks, phases = outputs // new, outputs % new
        # Of the filter of a phase only these places, counted from its block's first sample, are not zero.
        places = (phases * old // new - width)[:, None] + offsets
        kernel = _kernel(places, phases, (old, new, cut_off), sinc, in_double)
        kernel = torch.where(places < old + width, kernel, 0.0)
        heard = flat[:, (blocks[:, None] * old + places + width).clamp_(max=flat.shape[1] - 1)]
        pieces.append((heard * kernel).sum(dim=-1))
    return torch.cat(pieces, dim=-1).reshape(*waveform.shape[:-1], length)


def _kernel(
    places: torch.Tensor, phases: torch.Tensor, rates: tuple[int, int, float], sinc: Sinc, in_double: bool
) -> torch.Tensor:
    """Return the filter's values for the places (n, taps) of the phases (n,), float32."""
    import torch

    old, new, cut_off = rates
    index = places.to(torch.float64 if in_double else torch.float32) / old
    time = ((-phases).to(torch.float32) / new)[:, None] + index
    time = (time * cut_off).clamp_(-sinc.width, sinc.width)
    if sinc.beta is None:
        window = torch.cos(time * math.pi / sinc.width / 2) ** 2
    else:
        beta = torch.tensor(float(sinc.beta))
        window = torch.i0(beta * torch.sqrt(1 - (time / sinc.width) ** 2)) / torch.i0(beta)
    time = time * math.pi
    values = torch.where(time == 0, torch.tensor(1.0).to(time), time.sin() / time)
    return (values * (window * (cut_off / old))).to(torch.float32)
