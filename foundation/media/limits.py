"""What is too much or too odd to be read: bounds on what a file may declare and on what may come out of it.

A few bytes can declare a picture of gigabytes, or stand for hours of silence. The bounds are far from what clips are,
and one that is passed is named, so a night's work ends neither in a full memory nor in a loop.
"""

from __future__ import annotations

from foundation.files import PathLike
from foundation.media.opening import MediaError

LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000  # Hz; from the slowest sensors to the fastest converters
MOST_CHANNELS = 64  # libswresample takes no more
MOST_SOUND_VALUES = 2**29  # samples x channels: 2 GiB as float32; 93 minutes of stereo at 48 kHz
MOST_EMPTY_PACKETS = 100_000  # in a row, that hold no frame


def check_sound(path: PathLike, sample_rate: int | None, channels: int) -> None:
    """Refuse sound of a rate or of so many channels as no sound has.

    Args:
        path: the file, for the message.
        sample_rate: Hz.
        channels: as declared, or as decoded.

    Raises:
        MediaError: a rate outside `LOWEST_RATE` to `HIGHEST_RATE`, no channel, or more than `MOST_CHANNELS`.
    """
    if not LOWEST_RATE <= (sample_rate or 0) <= HIGHEST_RATE:
        within = f"{LOWEST_RATE} to {HIGHEST_RATE} Hz are read"
        raise MediaError(path, f"a sample rate of {sample_rate or 0} Hz; {within}")
    if not 1 <= channels <= MOST_CHANNELS:
        raise MediaError(path, f"{channels} channels of sound; 1 to {MOST_CHANNELS} are read")


def check_amount(path: PathLike, values: int) -> None:
    """Refuse sound that goes on and on.

    Args:
        path: the file, for the message.
        values: samples x channels, so far.

    Raises:
        MediaError: more than `MOST_SOUND_VALUES`.
    """
    if values > MOST_SOUND_VALUES:
        raise MediaError(path, f"more than {MOST_SOUND_VALUES} samples of sound, over all channels; no more are read")
