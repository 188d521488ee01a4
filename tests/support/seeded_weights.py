"""Weights and inputs that depend on a name and a seed alone, so that two implementations can be given the same ones.

A tensor's values come from a generator seeded with the CRC-32 of its name, exclusive-or the seed. The goldens in `data`
are the reference tools' answers to seed 1.
"""

import math
import zlib
from collections.abc import Iterable

import torch
from torch import Tensor, nn

COMPUTED = {  # parts of the names of entries that a network computes itself and no seed replaces
    "spectrogram_extractor",
    "logmel_extractor",
    "relative_position_index",
    "attn_mask",
    "position_ids",
    "token_type_ids",
}


def stream(name: str, seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(zlib.crc32(name.encode()) ^ seed)


def learned(name: str, tensor: Tensor) -> bool:
    return tensor.ndim > 0 and tensor.is_floating_point() and COMPUTED.isdisjoint(name.split("."))


def weight(name: str, shape: Iterable[int], seed: int) -> Tensor:
    """Values of a learned entry, scaled by what its name and shape say it is."""
    size, kind, drawn_from = tuple(shape), name.split(".")[-1], stream(name, seed)
    if kind == "running_var":
        return torch.rand(size, generator=drawn_from) * 0.1 + 1
    normal = torch.randn(size, generator=drawn_from)
    if kind == "running_mean":
        return normal * 0.05
    if len(size) == 1:
        return normal * 0.02 + (kind == "weight")
    if len(size) > 2 and size[0] == 1:
        return normal * 0.2
    return normal / math.sqrt(math.prod(size[1:]))


@torch.no_grad()
def fill(network: nn.Module, seed: int, prefix: str = "") -> nn.Module:
    """Overwrite the learned entries in place. `prefix`: what leads their names where `network` is a part."""
    for name, tensor in network.state_dict().items():
        if learned(name, tensor):
            tensor.copy_(weight(prefix + name, tensor.shape, seed))
    return network


def waveform(name: str, samples: int, sample_rate: int, seed: int, channels: int = 1) -> Tensor:
    """(channels, samples) float32: twelve decaying tones, noise, and an offset that grows with the channel."""
    drawn_from, time = stream(name, seed), torch.arange(samples, dtype=torch.float64) / sample_rate
    sounds = torch.zeros(channels, samples, dtype=torch.float64)
    for channel, sound in enumerate(sounds):
        for _ in range(12):
            pitch, onset, decay, amplitude = torch.rand(4, generator=drawn_from, dtype=torch.float64).tolist()
            hertz = 60.0 * (0.45 * sample_rate / 60.0) ** pitch
            since = time - onset * samples / sample_rate
            envelope = (-since.clamp(min=0) * (1 + 8 * decay)).exp() * (since >= 0)
            sound += 0.25 * amplitude * envelope * (2 * math.pi * hertz * since).sin()
        sound += 0.02 * torch.randn(samples, generator=drawn_from, dtype=torch.float64)
        sound += 0.02 * (channel + 1)
    return sounds.clamp(-1, 1).float()


def video(name: str, frames: int, height: int, width: int, seed: int) -> Tensor:
    """(frames, 3, height, width) uint8: drifting waves of colour and noise."""
    drawn_from = stream(name, seed)

    def axis(length: int, dimension: int) -> Tensor:
        return torch.arange(length, dtype=torch.float64).view([-1 if d == dimension else 1 for d in range(4)])

    time, y, x = axis(frames, 0), axis(height, 2) / height, axis(width, 3) / width
    a, b, c, d, e, f = torch.rand(6, 3, generator=drawn_from, dtype=torch.float64).view(6, 1, 3, 1, 1)
    first = (2 * math.pi * (a + (1 + 5 * b) * x + (1 + 5 * c) * y + (0.2 * d - 0.1) * time)).sin()
    second = (2 * math.pi * (e + 3 * f * (x - y) + 0.01 * time)).cos()
    noise = torch.randint(-20, 21, (frames, 3, height, width), generator=drawn_from)
    return (127.5 + 70 * first * second + noise).round().clamp(0, 255).to(torch.uint8)


def normal(name: str, shape: Iterable[int], seed: int) -> Tensor:
    return torch.randn(tuple(shape), generator=stream(name, seed))


def off_by(got: Tensor, expected: object) -> float:
    """Largest difference, over the largest expected value."""
    wanted = torch.as_tensor(expected).double()
    if got.shape != wanted.shape:
        return math.inf
    return float((got.double() - wanted).abs().max() / wanted.abs().max())
