"""Log-mel spectrogram of a waveform: what the mel autoencoder encodes.

Source:
    MMAudio 974010a (mel settings of its autoencoders). Filters by torchaudio, in Slaney's scale and norm, which are
    librosa's defaults; equal to the reference within float32 rounding.
"""

# Some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from baselines.mmaudio.lengths import FORMATS, AudioFormat
from foundation.extras import load_extra

HOPS_PER_WINDOW = 4
SMALLEST_AMPLITUDE = 1e-5
_POWER_FLOOR = 1e-9  # added under the root, as the reference does

_FORMATS = {audio.sample_rate: audio for audio in FORMATS.values()}


def mel_spectrogram(waveform: Tensor, rate: int) -> Tensor:
    """Return the log-mel spectrogram: float32 (b, mel bins, samples // hop), on the waveform's device.

    80 bins, a hop of 256 samples and the logarithm to base 10 at 16 kHz; 128, 512 and the natural logarithm at
    44.1 kHz.

    Args:
        waveform: float (b, samples), mono; what leaves [-1, 1] is clamped.
        rate: sampling rate, 16000 or 44100 Hz.

    Raises:
        ValueError: another rate or shape, or a sound shorter than the padding at either end.
    """
    if rate not in _FORMATS:
        raise ValueError(f"rate: expected one of {', '.join(map(str, _FORMATS))} Hz, got {rate}")
    audio = _FORMATS[rate]
    window = HOPS_PER_WINDOW * audio.hop
    padding = (window - audio.hop) // 2
    if waveform.ndim != 2 or waveform.shape[1] <= padding:
        raise ValueError(
            f"waveform: expected shape (b, samples) with more than {padding} samples, got {tuple(waveform.shape)}"
        )
    padded = F.pad(waveform.float().clamp(-1, 1)[:, None], (padding, padding), mode="reflect")[:, 0]
    hann = torch.hann_window(window, device=waveform.device)
    spectrum = torch.stft(padded, window, audio.hop, window=hann, center=False, return_complex=True)
    amplitude = (spectrum.real.square() + spectrum.imag.square() + _POWER_FLOOR).sqrt()
    mel = (_filters(audio).to(waveform.device) @ amplitude).clamp(min=SMALLEST_AMPLITUDE)
    return mel.log10() if audio is FORMATS["16k"] else mel.log()


@lru_cache(maxsize=2)
def _filters(audio: AudioFormat) -> Tensor:
    """Return the filters from 0 Hz to half the sampling rate: float32 (mel bins, bins of the spectrum)."""
    functional = load_extra("torchaudio.functional", "selva", needed_by="the mel spectrogram")
    bins = HOPS_PER_WINDOW * audio.hop // 2 + 1
    highest = audio.sample_rate / 2
    filters: Tensor = functional.melscale_fbanks(
        bins, 0.0, highest, audio.mel_bins, audio.sample_rate, norm="slaney", mel_scale="slaney"
    )
    return filters.T.contiguous()
