"""Stand-ins for the networks of profile `paper`: they measure instead of recognising, and every input tells.

Each answers with numbers that follow from all values of its input and from their order, so that another file, another
rate, another frame, a window too many or two arguments exchanged gives another answer.
"""

from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

TURNS = {"clap": 300.0, "imagebind": 60.0}  # waveforms are small numbers, spectrograms and frames are not
SEGMENTS = 18  # of Synchformer's stand-in, more than the 14 of a window, so that first and last window differ


def summary(tensor: Tensor, *shape: int) -> Tensor:
    """Numbers (b, *shape) that depend on the input alone: means of magnitudes, part by part."""
    parts = tensor.flatten(1).double().abs().tensor_split(int(np.prod(shape)), dim=1)
    return torch.stack([part.mean(dim=1) for part in parts], dim=1).reshape(len(tensor), *shape).float()


def offsets(video: Tensor, audio: Tensor) -> Tensor:
    """Logits (b, 21) that depend on two windows, (b, 14, 8, d) and (b, 14, 6, d), and on which is which."""
    assert (video.shape[1:3], audio.shape[1:3]) == ((14, 8), (14, 6)), (video.shape, audio.shape)
    turns = torch.arange(21, dtype=torch.float64)
    seen, heard = (
        (part.flatten(1).double() * torch.linspace(1, 2, part[0].numel(), dtype=torch.float64)).sum(dim=1, keepdim=True)
        for part in (video, audio)
    )
    return (torch.sin(3 * seen + turns) + 2 * torch.cos(5 * heard - 2 * turns)).float()


def direction(tensor: Tensor, turns: float) -> Tensor:
    """Directions (b, 3) of every sign, so that their cosines differ: magnitudes all point the same way."""
    return torch.sin(turns * summary(tensor, 3).double() + torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)).float()


class Outputs(SimpleNamespace):
    def _asdict(self):
        return vars(self)


def text_embedding(ids: Tensor, mask: Tensor) -> Tensor:
    """Directions (b, 3) that differ from text to text: by every id that the mask lets through, and by its place."""
    places = torch.arange(1, ids.shape[1] + 1)
    total = (ids * mask * places).sum(dim=1, keepdim=True).double()
    return torch.cat([torch.sin(total), torch.sin(2 * total + 1), torch.cos(3 * total) + 1.5], dim=1).float()


def stand_in(name: str, **_options) -> SimpleNamespace:
    """A network that measures instead of recognising, with the calls of the one whose name it bears."""
    classes = {"panns": 527, "passt": 5}  # of the first, leakage goes by name
    if name in classes:
        return SimpleNamespace(audio=lambda x: Outputs(embedding=summary(x, 4), logits=100 * summary(x, classes[name])))
    if name == "audiobox":
        return SimpleNamespace(audio=lambda x: Outputs(ratings=100 * summary(x, 4)))
    if name in TURNS:
        return SimpleNamespace(
            audio=lambda x: direction(x, TURNS[name]), video=lambda x: direction(x, TURNS[name]), text=text_embedding
        )
    shapes = {
        "synchformer": {"audio": (SEGMENTS, 6, 2), "video": (SEGMENTS, 8, 2)},
        "vggish": {"audio": (5, 3)},
    }
    calls = {part: (lambda x, shape=shape: summary(x, *shape)) for part, shape in shapes[name].items()}
    return SimpleNamespace(**calls, offset_logits=offsets)
