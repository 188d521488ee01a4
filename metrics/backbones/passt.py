"""PaSST: what a sound is, as 768 numbers and as logits of AudioSet's 527 classes, by a patchout transformer.

The network is the class of the package hear21passt, which the extra `extended` installs; the front end is ours.

Source:
    PaSST (Koutini et al. 2022, arXiv:2110.05069), `passt_s_swa_p16_128_ap476` of hear21passt 0.0.26 (Apache-2.0) with
    the 10 s window and the front end that av-benchmark @ 050a5cd gives it.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from foundation.extras import load_extra
from metrics.backbones import frontends
from metrics.backbones.isolated import class_on_demand, derived, load_isolated

SAMPLE_RATE = 32_000  # Hz
WINDOW_SAMPLES = 320_000  # 10 s
CLASSES = 527
MEL_BANDS, FRAMES = 128, 1000
_TRAINED_FRAMES = 998  # what the time positions were trained for; 1000 frames make as many patches
_FFT, _WINDOW, _HOP = 1024, 800, 320
_PREEMPHASIS = 0.97
_MEL_HERTZ = (0.0, 15_000.0)


class PasstOutput(NamedTuple):
    """What PaSST says about a batch of sounds."""

    embedding: Tensor  # float32 (b, 768)
    logits: Tensor  # float32 (b, 527), before any sigmoid


class _Passt(nn.Module):
    """PaSST-S with stride 10. Entry names are those of `passt-s-f128-p16-s10-ap.476-swa.pt`."""

    patch_embed: Any
    cls_token: Tensor

    def __init__(self) -> None:
        super().__init__(
            img_size=(MEL_BANDS, _TRAINED_FRAMES), patch_size=16, stride=10, num_classes=CLASSES, embed_dim=768,
            depth=12, num_heads=12, distilled=True,
        )  # fmt: skip
        self.patch_embed.img_size = (MEL_BANDS, FRAMES)  # only compared, to warn of other sizes
        self.eval()

    def audio(self, mels: Tensor) -> PasstOutput:
        """Return embedding and logits of each sound: (b, 128, 1000) -> (b, 768), (b, 527), float32.

        The embedding is the mean of the class and the distillation token before the head.

        Raises:
            ValueError: another shape; or the network is in training mode, where it would drop patches at random.
        """
        if mels.ndim != 3 or mels.shape[1:] != (MEL_BANDS, FRAMES):
            raise ValueError(f"mels: expected shape (b, {MEL_BANDS}, {FRAMES}), got {tuple(mels.shape)}")
        if self.training:
            raise ValueError("Passt is in training mode; call .eval() first")
        logits, embedding = self(mels[:, None].to(self.cls_token.dtype))
        return PasstOutput(embedding.float(), logits.float())


def _class() -> type:
    package = load_isolated("hear21passt.models.passt", "extended", needed_by="PaSST")
    package.first_RUN = False  # in our own copy: the first call would print every shape
    return derived(_Passt, package.PaSST, "Passt")


__getattr__ = class_on_demand(__name__, "Passt", _class)


def prepare_audio(waveform: Tensor | NDArray[Any], sample_rate: int, seconds: float) -> Tensor:
    """Return the first seconds as av-benchmark hands them to PaSST: normalised log-mel, float32 (128, 1000).

    Mono, centred by the mean of the whole file, then cut or filled with zeros to 10 s.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1], the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        seconds: what to keep; at most 10 s of it are heard.

    Raises:
        ValueError: see `frontends.centred_mono`.
    """
    sound = frontends.centred_mono(waveform, sample_rate, seconds, SAMPLE_RATE)[:WINDOW_SAMPLES]
    sound = functional.pad(sound, (0, WINDOW_SAMPLES - len(sound)))
    sharpened = sound[1:] - _PREEMPHASIS * sound[:-1]
    window = torch.hann_window(_WINDOW, periodic=False)
    spectrum = torch.stft(sharpened, _FFT, _HOP, _WINDOW, window, return_complex=True)
    power = torch.view_as_real(spectrum).square().sum(dim=-1)
    return ((_mel_matrix() @ power + 1e-5).log() + 4.5) / 5


@lru_cache(maxsize=1)
def _mel_matrix() -> Tensor:
    """Weights of FFT bins in Kaldi's mel bands, (128, 513)."""
    kaldi = load_extra("torchaudio.compliance.kaldi", "extended", needed_by="PaSST")
    low, high = _MEL_HERTZ
    banks, _ = kaldi.get_mel_banks(MEL_BANDS, _FFT, float(SAMPLE_RATE), low, high, 100.0, -500.0, 1.0)
    return functional.pad(banks, (0, 1))  # Kaldi leaves the bin at half the sample rate out
