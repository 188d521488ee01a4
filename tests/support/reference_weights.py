"""The weights and inputs that the goldens were made with: every tensor follows from its name, its shape and a seed.

Also the entry names of the official modules, from the compact lists beside the goldens: `{0-3}` in a name stands for
four entries, `{0-4:2}` for 0, 2 and 4.
"""

import itertools
import math
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

SEED = 1
CONSTANTS = ("filter", "data_mean", "data_std")  # the module's own values, never drawn


def _drawn_from(name: str) -> torch.Generator:
    return torch.Generator("cpu").manual_seed(zlib.crc32(name.encode()) ^ SEED)


def given(name: str, *shape: int, uniform: bool = False) -> Tensor:
    """An input: standard normal, or uniform in [-1, 1)."""
    source = _drawn_from(f"input:{name}")
    if uniform:
        return torch.rand(shape, generator=source) * 2 - 1
    return torch.randn(shape, generator=source)


def weight(name: str, shape: tuple[int, ...]) -> Tensor:
    leaf = name.rsplit(".", 1)[-1]
    z = torch.randn(shape, generator=_drawn_from(name))
    if leaf.endswith("_std"):
        return 1 + 0.1 * z.abs()
    if leaf in ("original0", "weight_g"):
        return 0.7 * (1 + 0.1 * z)
    if len(shape) == 1 and leaf.endswith(("weight", "bias")):
        return 0.02 * z + (1 if leaf.endswith("weight") else 0)
    if len(shape) < 2:
        return 0.1 * z
    if leaf.endswith("weight") or leaf in ("original1", "weight_v"):
        return z / math.sqrt(math.prod(shape[1:]))
    return 0.5 * z


def _expanded(entry: str) -> Iterator[str]:
    pieces = re.split(r"\{([^}]*)\}", entry)
    choices = []
    for numbers in pieces[1::2]:
        span, _, step = numbers.partition(":")
        if "," in span:
            choices.append(span.split(","))
        else:
            first, _, last = span.partition("-")
            choices.append([str(i) for i in range(int(first), int(last or first) + 1, int(step or 1))])
    for chosen in itertools.product(*choices):
        yield "".join(itertools.chain.from_iterable(itertools.zip_longest(pieces[::2], chosen, fillvalue="")))


def official_entries(lists: Path, network: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the official module's state dict."""
    entries = {}
    for line in lists.read_text().splitlines()[1:]:
        name, entry, shape = line.split("\t")
        if name == network:
            size = () if shape == "scalar" else tuple(int(n) for n in shape.split("x"))
            entries.update(dict.fromkeys(_expanded(entry), size))
    return entries


def official_state(lists: Path, network: str) -> dict[str, Tensor]:
    """A checkpoint of the official layout with seeded weights; without the constants."""
    return {
        name: weight(name, shape)
        for name, shape in official_entries(lists, network).items()
        if not name.endswith(CONSTANTS)
    }


def filled(network: nn.Module, state: dict[str, Tensor]) -> nn.Module:
    """The network with these weights; only constants may be missing, nothing may be left over."""
    missing, unexpected = network.load_state_dict(state, strict=False, assign=True)
    assert not unexpected, unexpected[:3]
    assert all(name.endswith(CONSTANTS) for name in missing), missing[:3]
    return network.eval()


def off_by(got: Tensor, expected) -> float:
    """Largest difference, relative to the largest reference value."""
    expected = torch.as_tensor(expected)
    assert got.shape == expected.shape, (got.shape, expected.shape)
    return float((got - expected).abs().max() / expected.abs().max())
