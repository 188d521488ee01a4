"""Scenes as a program is to be given them: as they are, cut, re-encoded, and with a film of a mask."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from baselines.generator import GenerationError, Request
from baselines.programs.recipe import Video
from baselines.programs.vos_mmaudio import Segmenter, count_empty
from foundation import media

FPS = 25.0  # of what is cut or masked, where a recipe says no other
NEARLY_LOSSLESS, LOSSLESS = 10, 0  # x264's crf
WHITE = 255


def hand_over(request: Request, how: Video, path: Path) -> None:
    """Write a request's scene to a path, as a recipe wants it.

    Raises:
        foundation.media.MediaError: it cannot be read, has no picture, or is too short to be cut.
        OSError: it cannot be written.
    """
    if media.probe(request.video).video is None:  # a program may go on without, and answer the text alone
        raise media.MediaError(request.video, "no video stream")
    fps = how.fps or FPS
    longer = how.longer == "cut" and _longer_by_a_frame(request, fps)
    if how.fps is None and how.shorter_side is None and not longer:
        shutil.copyfile(request.video, path)
        return
    wanted = media.FrameRequest(fps=fps, size=_size(request.video, how.shorter_side), transform=_even)
    (frames,) = media.read_video_streams(request.video, [wanted], seconds=request.duration, repeat_last=1)
    media.write_video(path, frames, fps=fps, crf=NEARLY_LOSSLESS)


def write_mask(request: Request, segmenter: Segmenter, path: Path, counts: Path) -> None:
    """Write a film that is white where the prompted thing is and black elsewhere, without loss, at 25 fps.

    Args:
        request: its prompt says what is looked for.
        segmenter: finds it.
        path: of the film.
        counts: gets a line with the number of frames and of those in which nothing was found.

    Raises:
        GenerationError: the segmenter has no answer.
        foundation.media.MediaError: the scene cannot be read.
    """
    frames = media.read_video(request.video, fps=FPS, seconds=request.duration, repeat_last=1)
    masks = segmenter.masks(frames, request.prompt)
    if masks.shape != (len(frames), *frames.shape[2:]):
        raise GenerationError(f"the masks are {masks.shape}, the frames {frames.shape}")
    count_empty(request, masks, counts, "its mask is black")
    media.write_video(path, _film(masks), fps=FPS, crf=LOSSLESS)


def _film(masks: NDArray[np.bool_]) -> Iterator[NDArray[np.uint8]]:
    for mask in masks:
        yield _even(np.repeat((mask * np.uint8(WHITE))[:, :, np.newaxis], 3, axis=2))


def _longer_by_a_frame(request: Request, fps: float) -> bool:
    """Tell whether a scene shows more than was asked for: a frame may end behind its last instant."""
    limit = request.duration + 1 / fps
    return media.picture_seconds(request.video, at_most=2 * limit) > limit


def _size(video: Path, shorter_side: int | None) -> tuple[int, int] | None:
    """Return (height, width) of a scene in proportion; None: as it is."""
    if shorter_side is None:
        return None
    width, height = media.shown_size(video)
    shorter = min(height, width)
    return height * shorter_side // shorter, width * shorter_side // shorter


def _even(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Leave out an odd last row or column, which H.264 cannot hold."""
    height, width = frame.shape[:2]
    return frame[: height // 2 * 2, : width // 2 * 2]
