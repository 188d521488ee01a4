"""What several backbones do to decoded audio and video before their own front end: mixing, resampling, scaling.

The reference tools disagree on purpose and by accident (mean removal, resampler, rounding to 16 bits); each function
keeps the habits of one of them, so that the numbers stay theirs.

Source:
    av-benchmark (hkchengrex @ 050a5cd, MIT) and kadtk (YoonjinXD @ 8bda71d, MIT), rewritten from their behaviour.
"""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from foundation.extras import load_extra
from foundation.media.resampling import Sinc, filtered

PANNS_RATE, CLAP_RATE = 16_000, 48_000  # Hz
KADTK_SINC = Sinc(width=64, rolloff=0.9475937167399596, beta=14.769656459379492)


def as_waveform(waveform: Tensor | NDArray[Any], sample_rate: int) -> Tensor:
    """Return the waveform as float32 (channels, n); one-dimensional input counts as one channel.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1].
        sample_rate: Hz.

    Raises:
        ValueError: another number of dimensions, integers, no samples, a sample that is not finite, or a rate below 1.
    """
    given = torch.as_tensor(waveform)
    if given.ndim == 1:
        given = given[None]
    if given.ndim != 2 or given.numel() == 0:
        raise ValueError(f"waveform: expected shape (channels, n) with n > 0, got {tuple(given.shape)}")
    if not given.is_floating_point():
        raise ValueError(f"waveform: expected floating point within [-1, 1], got {given.dtype}")
    if sample_rate < 1:
        raise ValueError(f"sample_rate: expected a positive number of Hz, got {sample_rate}")
    if not bool(torch.isfinite(given).all()):
        raise ValueError(f"waveform: {int((~torch.isfinite(given)).sum())} of {given.numel()} samples are not finite")
    return given.float()


def mono(waveform: Tensor) -> Tensor:
    """Return the mean of the channels: (channels, n) -> (n,)."""
    return waveform.mean(dim=0)


def resample(waveform: Tensor, sample_rate: int, target_rate: int, *, kadtk: bool = False) -> Tensor:
    """Return the waveform at another rate, float32 (..., ceil(n * target_rate / sample_rate)).

    Args:
        waveform: (..., n).
        sample_rate: Hz, of `waveform`.
        target_rate: Hz.
        kadtk: use kadtk's Kaiser window instead of torchaudio's defaults (Hann, width 6, rolloff 0.99).
    """
    return filtered(waveform, sample_rate, target_rate, KADTK_SINC if kadtk else Sinc(), in_double=True)


def first_seconds(waveform: Tensor, sample_rate: int, seconds: float) -> Tensor:
    """Return the first int(rate * seconds) samples of the last axis, or all if there are fewer: (..., n) -> (..., m).

    Raises:
        ValueError: `seconds` is not positive.
    """
    if not seconds > 0:
        raise ValueError(f"seconds: expected a positive duration, got {seconds}")
    return waveform[..., : int(sample_rate * seconds)]


def centred_mono(waveform: Tensor | NDArray[Any], sample_rate: int, seconds: float, target_rate: int) -> Tensor:
    """Return the first seconds of a file as PANNs and CLAP hear it: float32 (n,), without padding.

    The mean that is subtracted is that of the whole file, before resampling and cropping, as in av-benchmark.

    Args:
        waveform: (channels, n) or (n,), the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        seconds: what to keep; a shorter file stays short.
        target_rate: Hz, of the result.

    Raises:
        ValueError: see `as_waveform` and `first_seconds`.
    """
    single = mono(as_waveform(waveform, sample_rate))
    return first_seconds(resample(single - single.mean(), sample_rate, target_rate), target_rate, seconds)


def kadtk_mono(waveform: Tensor | NDArray[Any], sample_rate: int, target_rate: int) -> Tensor:
    """Return a whole file as kadtk hears it: float32 (n,), rounded to 16 bits, mean kept, not cropped.

    Args:
        waveform: (channels, n) or (n,), the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        target_rate: Hz, of the result. The rounding happens also when the rates are equal.

    Raises:
        ValueError: see `as_waveform`.
    """
    single = resample(mono(as_waveform(waveform, sample_rate)), sample_rate, target_rate, kadtk=True)
    return (single * 32768).round().clamp(-32768, 32767) / 32768


def short_side(frames: Tensor | NDArray[Any], size: int) -> Tensor:
    """Return frames whose shorter side is `size` pixels, aspect kept: uint8 (t, 3, h, w).

    Bicubic with antialiasing on bytes, as torchvision does it for the references.

    Args:
        frames: uint8 (t, 3, h, w), RGB.
        size: pixels.

    Raises:
        ValueError: another shape or dtype, or no frames.
    """
    given = torch.as_tensor(frames)
    if given.ndim != 4 or given.shape[1] != 3 or given.numel() == 0:
        raise ValueError(f"frames: expected shape (t, 3, h, w) with t > 0, got {tuple(given.shape)}")
    if given.dtype != torch.uint8:
        raise ValueError(f"frames: expected uint8, got {given.dtype}")
    transforms = load_extra("torchvision.transforms.v2", "paper", needed_by="scaling frames")
    bicubic = transforms.InterpolationMode.BICUBIC
    resized: Tensor = transforms.functional.resize(given, [size], interpolation=bicubic, antialias=True)
    return resized
