"""Both networks of SELVA's training, so narrow that a step takes milliseconds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from baselines.mmaudio import transformer
from baselines.selva import video_encoder
from metrics.backbones.synchformer import VideoExtractor, video
from support.tiny_models import VARIANTS

WIDTH = 192  # the least that 12 heads of the trunk and heads of 64 channels of the text's way both divide
SIZE, PATCH = 64, 16  # pixels a side, of a frame and of a patch
TEXT_WIDTH = 32  # of the generator's text


@contextmanager
def narrowed(depth: int = 1) -> Iterator[None]:
    """Networks made meanwhile are narrow: features of 192 channels, frames of 64 x 64, generator `tiny_16k`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(video, "WIDTH", WIDTH)
        patch.setattr(video, "SpaceTimeBlock", partial(video.SpaceTimeBlock, WIDTH))
        patch.setattr(video, "DEPTH", depth)
        patch.setattr(video, "FRAME_SIZE", SIZE)
        patch.setattr(video, "POSITIONS", (SIZE // PATCH) ** 2)
        patch.setattr(video_encoder, "WIDTH", WIDTH)
        patch.setattr(transformer, "SYNC_WIDTH", WIDTH)
        patch.setattr(transformer, "TEXT_WIDTH", TEXT_WIDTH)
        for name, variant in VARIANTS.items():
            patch.setitem(transformer.VARIANTS, name, variant)
        yield


def seeded(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network with entries drawn from their own generator: matrices by their inputs, norms 1, the rest small."""
    generator, state = torch.Generator().manual_seed(seed), {}
    for name, like in network.state_dict().items():
        drawn = torch.randn(like.shape, generator=generator)
        if like.ndim >= 2 and name.endswith("weight"):
            state[name] = drawn / like[0].numel() ** 0.5
        else:
            state[name] = 1 + drawn / 50 if name.endswith(("weight", "std")) else drawn / 50
    network.load_state_dict(state)
    return network


def synchformer(seed: int = 0) -> dict[str, Tensor]:
    """Entries of a video branch as it might be published; to be called inside `narrowed`."""
    return seeded(VideoExtractor(), seed).state_dict()


def copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def moved(network: nn.Module, before: dict[str, Tensor]) -> set[str]:
    """Names of entries that are not what they were, to the bit."""
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


def norms(parameters: Sequence[nn.Parameter]) -> Tensor:
    return torch.stack([parameter.grad.double().norm() for parameter in parameters])
