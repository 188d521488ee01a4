"""Frames as bytes: JPEG of little loss, or lossless."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foundation.extras import load_extra

Picture = Literal["jpeg 95 4:4:4", "lossless"]
PICTURES: tuple[Picture, ...] = get_args(Picture)

# Full colour resolution: half of it would smear the borders of saturated things. WebP without loss at its fastest is
# smaller than PNG (11.8 MB to 15 MB for 8 s) and takes half the time to write.
_HOW: dict[Picture, dict[str, Any]] = {
    "jpeg 95 4:4:4": {"format": "JPEG", "quality": 95, "subsampling": 0},
    "lossless": {"format": "WEBP", "lossless": True, "quality": 0, "method": 0, "exact": True},
}


def encoded(frames: NDArray[np.uint8], picture: Picture) -> list[bytes]:
    """Return each frame, RGB, as the bytes of a file.

    Args:
        frames: uint8 (t, 3, height, width).
        picture: how.
    """
    from PIL import Image

    files = []
    for frame in frames:
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(frame.transpose(1, 2, 0))).save(file, **_HOW[picture])
        files.append(file.getvalue())
    return files


def decoded(files: Sequence[Tensor], picture: Picture) -> Tensor:
    """Return frames from their bytes: uint8 (t, 3, height, width).

    Args:
        files: at least one, uint8 (bytes,) each.
        picture: how they were encoded.

    Raises:
        RuntimeError: they are not such files.
    """
    decoders = load_extra("torchvision.io", "selva", needed_by="reading a store's frames")
    rgb = decoders.ImageReadMode.RGB
    if picture == "lossless":
        return torch.stack([decoders.decode_webp(file, mode=rgb) for file in files])
    return torch.stack(decoders.decode_jpeg(list(files), mode=rgb))
