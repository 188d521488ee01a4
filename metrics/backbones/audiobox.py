"""Audiobox Aesthetics: how people would rate a sound, from WavLM's layers, on four axes.

The network is the class of the package audiobox_aesthetics, which the extra `extended` installs; the front end is ours.

Source:
    Audiobox Aesthetics (Tjandra et al. 2025, arXiv:2502.05139), package audiobox-aesthetics 0.0.4 (CC BY 4.0), whose
    `AesPredictor` gives the same ratings for files that are cut to the same length. It names a precision of its own,
    and computes in float32 all the same.
"""

import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from metrics.aesthetics import AXES
from metrics.backbones import frontends
from metrics.backbones.isolated import class_on_demand, derived, load_isolated

SAMPLE_RATE = 16_000  # Hz
WINDOW_SAMPLES = 160_000  # 10 s; the next window begins where one ends
# What the file says of the network; `precision` is not among it: see above.
_SETTINGS = (
    "proj_num_layer", "proj_ln", "proj_act_fn", "proj_dropout", "nth_layer", "use_weighted_layer_sum",
    "normalize_embed", "output_dim",
)  # fmt: skip


class AudioboxOutput(NamedTuple):
    """What the predictor says about a batch of sounds."""

    ratings: Tensor  # float32 (b, 4): CE, CU, PC, PQ


class _Audiobox(nn.Module):
    """The published predictor. Entry names are those of `checkpoint.pt`, without their prefix `model.`."""

    mean: Tensor
    std: Tensor

    def __init__(self, settings: Mapping[str, Any], scales: Mapping[str, Mapping[str, float]]) -> None:
        """Build the network that a file describes.

        Args:
            settings: the file's `model_cfg`.
            scales: its `target_transform`: for each axis the `mean` and `std` by which ratings were normalised.

        Raises:
            KeyError: a setting or an axis is not there.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of the package's own way to normalise weights
            super().__init__(**{name: settings[name] for name in _SETTINGS}, precision="32")
        self.register_buffer("mean", torch.tensor([float(scales[axis]["mean"]) for axis in AXES]), persistent=False)
        self.register_buffer("std", torch.tensor([float(scales[axis]["std"]) for axis in AXES]), persistent=False)
        self.eval()

    @classmethod
    def described_by(cls, content: Mapping[str, Any]) -> "_Audiobox":
        """Return the network, not filled yet, that the content of a checkpoint file describes.

        Raises:
            ValueError: the file does not describe one; says what is missing.
        """
        try:
            return cls(content["model_cfg"], content["target_transform"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"it does not say how its network is built: {error}") from error

    def audio(self, waveforms: Tensor) -> AudioboxOutput:
        """Return the ratings of each sound: (b, n) -> (b, 4), float32, on the raters' scale.

        A sound is rated in windows of 10 s, the last one filled with zeros that the network is told of; its rating is
        the mean over its windows, weighted by how much sound they hold.

        Raises:
            ValueError: another shape; or the network is in training mode, where it would drop layers at random.
        """
        if waveforms.ndim != 2 or not waveforms.shape[1]:
            raise ValueError(f"waveforms: expected shape (b, n) with n > 0, got {tuple(waveforms.shape)}")
        if self.training:
            raise ValueError("Audiobox is in training mode; call .eval() first")
        batch, length = waveforms.shape
        missing = -length % WINDOW_SAMPLES
        windows = functional.pad(waveforms, (0, missing)).reshape(-1, 1, WINDOW_SAMPLES)
        heard = functional.pad(torch.ones_like(waveforms, dtype=torch.bool), (0, missing)).reshape(windows.shape)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask")  # the package's own call
            rated = self({"wav": windows, "mask": heard})
        ratings = torch.stack([rated[axis] for axis in AXES], dim=-1).float() * self.std + self.mean
        weights = heard.sum(dim=-1) / WINDOW_SAMPLES
        weighted = (ratings * weights).reshape(batch, -1, len(AXES)).sum(dim=1)
        return AudioboxOutput(weighted / weights.reshape(batch, -1, 1).sum(dim=1))


@cache
def _package() -> Any:
    return load_isolated("audiobox_aesthetics.model.aes", "extended", needed_by="Audiobox Aesthetics")


def _class() -> type:
    return derived(_Audiobox, _package().AesMultiOutput, "Audiobox")


__getattr__ = class_on_demand(__name__, "Audiobox", _class)


def prepare_audio(waveform: Tensor | NDArray[Any], sample_rate: int, seconds: float) -> Tensor:
    """Return the first seconds as the predictor hears them: mono at 16 kHz, float32 (n,), not centred, not padded.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1], the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        seconds: what to keep; a shorter file stays short.

    Raises:
        ValueError: see `frontends.as_waveform` and `frontends.first_seconds`.
    """
    single = frontends.mono(frontends.as_waveform(waveform, sample_rate))
    return frontends.first_seconds(frontends.resample(single, sample_rate, SAMPLE_RATE), SAMPLE_RATE, seconds)
