"""PANNs: what a sound is, as 2048 numbers and as logits of AudioSet's 527 classes.

Source:
    PANNs (Kong et al. 2020, arXiv:1912.10211), Cnn14 at 16 kHz, class of panns_inference 0.1.1 (MIT). Embedding and
    logits equal those of av-benchmark @ 050a5cd bit for bit on the same machine. The 16 kHz file of kadtk
    ("panns-cnn14-16k") is the same network behind another front end.
"""

from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from metrics.backbones import frontends
from metrics.backbones.isolated import class_on_demand, derived, librosa_caches, load_isolated

SAMPLE_RATE = frontends.PANNS_RATE
CLASSES = 527
# Half a window is mirrored at each end; six blocks halve 32 frames to one.
MINIMUM_SAMPLES = 31 * 160


class PannsOutput(NamedTuple):
    """What PANNs says about a batch of waveforms."""

    embedding: Tensor  # float32 (b, 2048), not negative
    logits: Tensor  # float32 (b, 527), before any sigmoid


def _to_dtype_of(layer: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
    """Bring the float32 spectrogram to the dtype of the layers behind it."""
    return (given[0].to(next(layer.parameters()).dtype),)


class _Panns(nn.Module):
    """Cnn14 with the 16 kHz settings. Entry names are those of `Cnn14_16k_mAP=0.438.pth` under its key `model`.

    The spectrogram and mel matrices are entries of the checkpoint and stay float32 whatever the network's dtype.
    """

    bn0: Any
    fc_audioset: Any
    spectrogram_extractor: Any

    def __init__(self) -> None:
        with librosa_caches():  # librosa makes the mel matrix
            super().__init__(
                SAMPLE_RATE, window_size=512, hop_size=160, mel_bins=64, fmin=50, fmax=8000, classes_num=527
            )
        self.bn0.register_forward_pre_hook(_to_dtype_of)
        self.eval()

    def audio(self, waveform: Tensor) -> PannsOutput:
        """Return embedding and logits of each waveform: (b, n) at 16 kHz -> (b, 2048), (b, 527), float32.

        Raises:
            ValueError: another shape, or shorter than 0.31 s, which six poolings leave nothing of; or the network is
                in training mode, where it would mask the spectrogram at random.
        """
        if waveform.ndim != 2 or waveform.shape[1] < MINIMUM_SAMPLES:
            raise ValueError(
                f"waveform: expected shape (b, n) with n >= {MINIMUM_SAMPLES}, got {tuple(waveform.shape)}"
            )
        if self.training:
            raise ValueError("Panns is in training mode; call .eval() first")
        spectrum = self.spectrogram_extractor.stft.conv_real.weight
        embedding = self(waveform.to(spectrum))["embedding"]
        # The class returns sigmoids only; its last layer on its own output gives the logits themselves.
        return PannsOutput(embedding.float(), self.fc_audioset(embedding).float())


def _class() -> type:
    package = load_isolated(
        "panns_inference.models", "paper", needed_by="PANNs", without=("matplotlib", "matplotlib.pyplot")
    )
    return derived(_Panns, package.Cnn14, "Panns")


__getattr__ = class_on_demand(__name__, "Panns", _class)


def prepare_audio(waveform: Tensor | NDArray[Any], sample_rate: int, seconds: float) -> Tensor:
    """Return the first seconds as av-benchmark hands them to PANNs (FAD, IS, KL): float32 (n,) at 16 kHz.

    Mono, centred by the mean of the whole file, not padded.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1], the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        seconds: what to keep.

    Raises:
        ValueError: see `frontends.centred_mono`.
    """
    return frontends.centred_mono(waveform, sample_rate, seconds, SAMPLE_RATE)


def prepare_audio_kadtk(waveform: Tensor | NDArray[Any], sample_rate: int) -> Tensor:
    """Return the whole file as kadtk hands it to PANNs (KAD): float32 (n,) at 16 kHz, rounded to 16 bits.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1], the whole file at its own rate.
        sample_rate: Hz, of `waveform`.

    Raises:
        ValueError: see `frontends.as_waveform`.
    """
    return frontends.kadtk_mono(waveform, sample_rate, SAMPLE_RATE)


def round_as_kadtk(embedding: Tensor) -> Tensor:
    """Return the embedding, any shape, as kadtk's cache keeps it: rounded to half precision, float32 again."""
    return embedding.to(torch.float16).float()
