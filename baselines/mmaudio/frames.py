"""From a video file to the frames that Synchformer and CLIP eat.

Frames are scaled by torchvision's antialiased bicubic filter on bytes, as the references do; the decoder's own scaler
would give other pixels.
"""

# Modules and some tensor methods of torch are typed Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines.mmaudio.lengths import CLIP_FPS, SYNC_FPS
from foundation.extras import load_extra
from foundation.media import FrameRequest, read_video_streams

SyncFrames = Literal["centre-crop", "squash"]
SYNC_FRAMES: tuple[SyncFrames, ...] = get_args(SyncFrames)

SYNC_SIZE = 224
CLIP_SIZE = 384
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)

Pixels = NDArray[np.uint8]


def _scaled(frame: Pixels, size: list[int]) -> Tensor:
    """Scale one decoded frame (h, w, 3); a single number in `size` is the shorter side."""
    return scaled(torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1))), size)


def scaled(pixels: Tensor, size: list[int]) -> Tensor:
    """Return pictures at another size, bicubic and antialiased: uint8 (..., 3, h, w), or float alike.

    Args:
        pixels: on any device; a GPU computes in float32 and rounds, so that a few levels differ by one.
        size: height and width; a single number is the shorter side.
    """
    picture = _pictures()
    return picture.functional.resize(pixels, size, interpolation=picture.InterpolationMode.BICUBIC, antialias=True)


def _pictures() -> Any:
    return load_extra("torchvision.transforms.v2", "selva", needed_by="scaling frames")


def squashed(frame: Pixels) -> Pixels:
    """Return the whole frame at 224x224, aspect ratio given up: uint8 (3, 224, 224). SELVA sees frames so."""
    return _scaled(frame, [SYNC_SIZE, SYNC_SIZE]).numpy()


def centre_cropped(frame: Pixels) -> Pixels:
    """Return the middle square at 224x224: uint8 (3, 224, 224).

    MMAudio sees frames so: of a 1280x720 scene only the middle 720 pixels, half of either video.
    """
    return _pictures().functional.center_crop(_scaled(frame, [SYNC_SIZE]), [SYNC_SIZE, SYNC_SIZE]).numpy()


def clip_frame(frame: Pixels) -> Pixels:
    """Return the whole frame at 384x384, aspect ratio given up: uint8 (3, 384, 384)."""
    return _scaled(frame, [CLIP_SIZE, CLIP_SIZE]).numpy()


def sync_request(mode: SyncFrames) -> FrameRequest:
    """Return what to ask the decoder for, for the Synchformer stream.

    Raises:
        ValueError: unknown mode.
    """
    if mode not in SYNC_FRAMES:
        raise ValueError(f"sync_frames: expected one of {', '.join(SYNC_FRAMES)}, got {mode!r}")
    return FrameRequest(fps=SYNC_FPS, transform=squashed if mode == "squash" else centre_cropped)


def clip_request() -> FrameRequest:
    """Return what to ask the decoder for, for the CLIP stream."""
    return FrameRequest(fps=CLIP_FPS, transform=clip_frame)


def read_frames(
    video: Path, wanted: Sequence[FrameRequest], duration_seconds: float, *, repeat_last: int
) -> list[Tensor]:
    """Return the streams asked for, from one decode pass: each uint8 (frames, 3, height, width).

    Raises:
        foundation.media.MediaError: the file cannot be decoded, or ends more than `repeat_last` frames early.
    """
    streams = read_video_streams(video, wanted, seconds=duration_seconds, repeat_last=repeat_last)
    return [torch.from_numpy(stream) for stream in streams]


def sync_input(frames: Tensor) -> Tensor:
    """Map uint8 (..., 3, 224, 224) to float32 in [-1, 1]."""
    return (frames.float() / 255 - 0.5) / 0.5


def clip_input(frames: Tensor) -> Tensor:
    """Map uint8 (..., 3, 384, 384) to float32, normalised by CLIP's mean and deviation per channel."""
    mean, deviation = (torch.tensor(v, device=frames.device).view(3, 1, 1) for v in (CLIP_MEAN, CLIP_DEVIATION))
    return (frames.float() / 255 - mean) / deviation
