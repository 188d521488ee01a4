"""VGGish: what a sound is, as 128 numbers for each 0.96 s of it. For FD-VGG, the oldest Fréchet distance of the field.

Source:
    VGGish (Hershey et al. 2017, arXiv:1609.09430) with the entry names of torchvggish (harritaylor @ f3f9096), as
    av-benchmark @ 050a5cd uses it: without the last ReLU and without the PCA and rounding that follow in the original.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from metrics.backbones import frontends

SAMPLE_RATE = 16_000  # Hz
EXAMPLE_FRAMES = 96  # 0.96 s; what is left over at the end of a file is not heard
MEL_BANDS = 64
_WINDOW, _HOP, _FFT = 400, 160, 512  # 25 ms every 10 ms
MINIMUM_SAMPLES = _WINDOW + (EXAMPLE_FRAMES - 1) * _HOP
_MEL_HERTZ = (125.0, 7500.0)
_LOG_OFFSET = 0.01
_STAGES = ((1, 64), (64, 128), (128, 256, 256), (256, 512, 512))  # channels, with a pooling after each stage


class VGGish(nn.Module):
    """The convolutions and the three layers behind them. Entry names are those of `vggish-10086976.pth`."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in _STAGES:
            for before, after in pairwise(channels):
                layers += [nn.Conv2d(before, after, kernel_size=3, padding=1), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            nn.Linear(512 * 6 * 4, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 128)
        )

    def audio(self, examples: Tensor) -> Tensor:
        """Return the embedding of each example: (b, e, 96, 64) -> (b, e, 128), float32.

        Args:
            examples: log-mel patches of `prepare_audio`: file, example, frame, band.

        Raises:
            ValueError: another shape.
        """
        if examples.ndim != 4 or examples.shape[2:] != (EXAMPLE_FRAMES, MEL_BANDS):
            raise ValueError(
                f"examples: expected shape (b, e, {EXAMPLE_FRAMES}, {MEL_BANDS}), got {tuple(examples.shape)}"
            )
        patches = examples.flatten(0, 1)[:, None].to(next(self.parameters()).dtype)
        # The weights were trained in TensorFlow, where channels come last.
        maps = self.features(patches).permute(0, 2, 3, 1).flatten(1)
        embedding: Tensor = self.embeddings(maps).float()
        return embedding.reshape(*examples.shape[:2], -1)


def prepare_audio(waveform: Tensor | NDArray[Any], sample_rate: int, seconds: float) -> Tensor:
    """Return the first seconds as log-mel patches of 0.96 s each: float32 (e, 96, 64).

    Mono, centred by the mean of the whole file. Eight seconds make eight patches.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1], the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        seconds: what to keep.

    Raises:
        ValueError: less than 0.975 s, which make no patch; or see `frontends.centred_mono`.
    """
    sound = frontends.centred_mono(waveform, sample_rate, seconds, SAMPLE_RATE)
    if len(sound) < MINIMUM_SAMPLES:
        raise ValueError(f"waveform: VGGish needs {MINIMUM_SAMPLES} samples at 16 kHz, got {len(sound)}")
    # In double precision, as the reference does it in numpy.
    frames = sound.double().unfold(0, _WINDOW, _HOP) * torch.hann_window(_WINDOW, dtype=torch.float64)
    magnitudes = torch.fft.rfft(frames, _FFT).abs()
    log_mel = torch.log(magnitudes @ torch.from_numpy(_mel_matrix()) + _LOG_OFFSET)
    whole = len(log_mel) // EXAMPLE_FRAMES
    return log_mel[: whole * EXAMPLE_FRAMES].reshape(whole, EXAMPLE_FRAMES, MEL_BANDS).float()


@lru_cache(maxsize=1)
def _mel_matrix() -> NDArray[np.float64]:
    """Weights of FFT bins in mel bands, (257, 64): triangles that are straight on the mel scale, not in hertz."""
    low, high = map(_mel, _MEL_HERTZ)
    edges = np.linspace(low, high, MEL_BANDS + 2)
    bins = _mel(np.linspace(0, SAMPLE_RATE / 2, _FFT // 2 + 1))[:, None]
    widths = np.diff(edges)
    rising, falling = (bins - edges[:-2]) / widths[:-1], (edges[2:] - bins) / widths[1:]
    return np.asarray(np.minimum(rising, falling).clip(min=0))


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)
