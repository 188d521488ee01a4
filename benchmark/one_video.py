"""How much of one video, which is in no benchmark, a model is asked about."""

from __future__ import annotations

import math
from pathlib import Path

from baselines import ModelEntry
from baselines.registry import check_duration
from foundation import media

DEFAULT_SECONDS = 8.0
SHORTEST_SECONDS = 0.1
FRAME_SECONDS = 0.04  # models repeat a last frame that the container has lost


def usable_seconds(video: Path, at_most: float) -> float:
    """Return how many seconds of a video can be used: all of it up to a bound, in whole frames at 25 fps.

    What counts is the picture: the sound of a file may be longer.

    Args:
        video: any video.
        at_most: the bound, in seconds.

    Raises:
        ValueError: less than the 0.1 s that are needed.
        foundation.media.MediaError: it cannot be read, or has no picture.
    """
    there = media.picture_seconds(video, at_most=at_most)
    seconds = int(round(there * 25, 6)) / 25
    if seconds < SHORTEST_SECONDS:
        raise ValueError(f"{video} has {there:.2f} s of picture; at least {SHORTEST_SECONDS:g} s are needed")
    return seconds


def wanted_seconds(video: Path, asked: float | None, entry: ModelEntry) -> float:
    """Return how many seconds of a video are used: those asked for, else `usable_seconds`, 8 at most.

    Args:
        video: any video.
        asked: seconds, as the option --duration gives them; None: as many as can be used.
        entry: the model that is asked.

    Raises:
        ValueError: more than the picture has, or than the model makes, or less.
        foundation.media.MediaError: the video cannot be read, or has no picture.
    """
    seconds = usable_seconds(video, DEFAULT_SECONDS) if asked is None else _checked(video, asked)
    check_duration(entry, seconds)
    return seconds


def _checked(video: Path, asked: float) -> float:
    if not math.isfinite(asked):
        raise ValueError(f"--duration: expected seconds, got {asked}")
    there = media.picture_seconds(video, at_most=asked)
    if asked > there + FRAME_SECONDS:
        raise ValueError(f"--duration: {asked:g} s asked for, and {video} has {there:.2f} s of picture")
    if asked < SHORTEST_SECONDS:
        raise ValueError(f"{video} has {there:.2f} s of picture; at least {SHORTEST_SECONDS:g} s are needed")
    return asked
