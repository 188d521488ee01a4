"""From decoded media to what Synchformer eats, as av-benchmark prepares it for DeSync.

The original Synchformer pipeline differs (resize to 256, crop 224, 5 s); its numbers are not comparable.

Source:
    av-benchmark (hkchengrex @ 050a5cd, MIT). Equal to it to 1e-6 for audio and to the byte for frames.
"""

from functools import lru_cache
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from foundation.extras import load_extra
from metrics.backbones import frontends
from metrics.backbones.synchformer.audio import MEL_BINS, MEL_FRAMES
from metrics.backbones.synchformer.video import FRAME_SIZE

SAMPLE_RATE = 16_000  # Hz
FRAME_RATE = 25.0  # frames per second
SEGMENT_SAMPLES, HOP_SAMPLES = 10_240, 5_120  # 0.64 s, every 0.32 s: the 16 frames of a video segment, every 8
MEL_MEAN, MEL_DEVIATION = -4.2677393, 4.5689974  # of AudioSet


@lru_cache(maxsize=1)
def _mel_spectrogram() -> Any:
    transforms = load_extra("torchaudio.transforms", "paper", needed_by="Synchformer")
    return transforms.MelSpectrogram(SAMPLE_RATE, n_fft=1024, win_length=400, hop_length=160, n_mels=MEL_BINS)


def prepare_audio(waveform: Tensor | NDArray[Any], sample_rate: int, seconds: float) -> Tensor:
    """Return the normalised log-mel segments of the first seconds of a file.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1], at the file's own rate.
        sample_rate: Hz, of `waveform`.
        seconds: how much is scored; 8 s give 24 segments.

    Returns:
        float32 (segments, 128, 66): mel bin, frame of 10 ms (the last one is padding).

    Raises:
        ValueError: the file is shorter than `seconds` (the reference refuses it too), or `seconds` is shorter than
            a segment of 0.64 s; or `waveform` is not a waveform.
    """
    single = frontends.mono(frontends.as_waveform(waveform, sample_rate))
    scored = frontends.first_seconds(frontends.resample(single, sample_rate, SAMPLE_RATE), SAMPLE_RATE, seconds)
    expected = int(SAMPLE_RATE * seconds)
    if expected < SEGMENT_SAMPLES:
        raise ValueError(f"seconds: a segment lasts {SEGMENT_SAMPLES / SAMPLE_RATE} s, got {seconds}")
    if len(scored) < expected:
        raise ValueError(f"waveform: lasts {len(scored) / SAMPLE_RATE:.4f} s of the {seconds:g} s that are scored")
    segments = scored.unfold(0, SEGMENT_SAMPLES, HOP_SAMPLES)
    mels = torch.log(_mel_spectrogram()(segments) + 1e-6)
    padded = functional.pad(mels, (0, MEL_FRAMES - mels.shape[-1]))  # padding goes in before normalisation
    return (padded - MEL_MEAN) / (2 * MEL_DEVIATION)


def prepare_video(frames: Tensor | NDArray[Any]) -> Tensor:
    """Return frames as the video branch wants them: the middle square, 224 pixels wide.

    Of a 1280x720 scene the 280 pixels at either side are not seen, as in av-benchmark.

    Args:
        frames: uint8 (t, 3, h, w), RGB, at 25 fps.

    Returns:
        float32 (t, 3, 224, 224) within [-1, 1], on the device of `frames`.

    Raises:
        ValueError: another shape or dtype, or no frames.
    """
    picture = load_extra("torchvision.transforms.v2.functional", "paper", needed_by="Synchformer")
    square: Tensor = picture.center_crop(frontends.short_side(frames, FRAME_SIZE), [FRAME_SIZE, FRAME_SIZE])
    return square.float().div_(255).sub_(0.5).div_(0.5)
