"""The two files that `--model selva` loads: a video encoder and a generator in the layout of the published ones."""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from baselines.mmaudio.transformer import MMDiT
from baselines.selva.video_encoder import TextVideoEncoder
from foundation.files import PathLike, replacing


@dataclass(frozen=True)
class Pair:
    """The files of a model."""

    video_encoder: Path
    generator: Path


def pair_in(folder: PathLike, *, variant: str, sup_tokens: int) -> Pair:
    """Return where the two files of a model lie in a folder, named as the published ones."""
    place = Path(folder)
    return Pair(place / f"video_enc_sup_{sup_tokens}.pth", place / f"generator_{variant}_sup_{sup_tokens}.pth")


def write_pair(
    folder: PathLike,
    encoder_state: Mapping[str, Tensor],
    generator_state: Mapping[str, Tensor],
    *,
    variant: str,
    sup_tokens: int,
) -> Pair:
    """Write the two files, each whole or not at all; the same weights give the same bytes.

    Args:
        folder: made where it is absent.
        encoder_state: every entry of a `TextVideoEncoder`, in any order, of any float type, on any device.
        generator_state: every entry of an `MMDiT`.
        variant: of the generator.
        sup_tokens: of the encoder.

    Returns:
        the files; float32 on the CPU, entries in the order of the published files.

    Raises:
        ValueError: an entry is missing, left over or of another shape; names the first one. Nothing is written.
        foundation.files.WriteFailed: the disk is full.
    """
    pair = pair_in(folder, variant=variant, sup_tokens=sup_tokens)
    encoder = _in_order(lambda: TextVideoEncoder(sup_tokens), encoder_state, "video encoder")
    generator = _in_order(lambda: MMDiT.from_variant(variant), generator_state, "generator")
    for path, state in ((pair.video_encoder, encoder), (pair.generator, generator)):
        # To an open file: given a path, torch writes the file's name into it, here a temporary one.
        with replacing(path) as temporary, temporary.open("wb") as file:
            torch.save({name: _plain(value) for name, value in state.items()}, file)
    return pair


def _in_order(factory: Callable[[], nn.Module], state: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """Return the entries in the order of a network, checked against it."""
    with torch.device("meta"):
        expected = factory().state_dict()
    for name, like in expected.items():
        if name not in state:
            raise ValueError(f"{part}: entry {name!r} is missing")
        if state[name].shape != like.shape:
            raise ValueError(f"{part}: entry {name!r}: expected {tuple(like.shape)}, got {tuple(state[name].shape)}")
    foreign = next((name for name in state if name not in expected), None)
    if foreign is not None:
        raise ValueError(f"{part}: entry {foreign!r} is none of this network's")
    return {name: state[name] for name in expected}


def _plain(value: Tensor) -> Tensor:
    """Return a tensor that brings nothing to a file but its own values."""
    value = value.detach().to("cpu", torch.float32).contiguous()
    return value if value.untyped_storage().nbytes() == value.nbytes else value.clone()
