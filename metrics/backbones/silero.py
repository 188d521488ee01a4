"""Silero VAD: how much of a sound is speech.

Network, weights and the rule that makes segments of its probabilities are those of the package silero-vad, which the
extra `extended` installs; its weights come with it, so nothing is downloaded.

Source:
    Silero VAD 6.2 (Silero Team, MIT), `load_silero_vad` and `get_speech_timestamps` at its defaults.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from foundation.extras import MissingPackage, command_for, load_extra
from metrics.backbones import frontends

SAMPLE_RATE = 16_000  # Hz
PREPROCESSING = 1  # moves when the same file would be heard in another way
# The package's own defaults, written out: they decide the score, and a later release may change them.
THRESHOLD = 0.5  # probability from which a window of 32 ms begins speech
END_THRESHOLD = 0.35  # below which it may end
SHORTEST_SPEECH_MS, SHORTEST_SILENCE_MS, PADDING_MS = 250, 100, 30

_one_at_a_time = Lock()  # the network keeps its state from window to window, so two sounds must not take turns


def content_key() -> str:
    """Return what decides its answers beside the sound: this module's version, the package's, the hash of its weights.

    Raises:
        foundation.extras.MissingPackage: the package is not installed.
    """
    found = find_spec("silero_vad")
    if found is None or found.origin is None:
        raise MissingPackage(f"the share of speech needs the package silero_vad; to get it: {command_for('extended')}")
    weights = Path(found.origin).parent / "data" / "silero_vad.jit"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    return f"v{PREPROCESSING}-{version('silero-vad')}-{digest}"


def speech_share(waveform: Tensor | NDArray[Any], sample_rate: int, seconds: float) -> float:
    """Return the share of the first seconds that is within a segment of speech, in [0, 1].

    Mono, at 16 kHz, not centred, as the package reads files itself. A segment begins where a window of 32 ms is speech
    with probability 0.5 or more, ends where none is for 0.1 s, lasts at least 0.25 s and gets 0.03 s at each end.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1], the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        seconds: what to keep.

    Raises:
        ValueError: see `frontends.as_waveform`.
        foundation.extras.MissingPackage: the package is not installed.
    """
    whole = frontends.mono(frontends.as_waveform(waveform, sample_rate))
    sound = frontends.first_seconds(frontends.resample(whole, sample_rate, SAMPLE_RATE), SAMPLE_RATE, seconds)
    with _one_at_a_time, _on_one_thread():
        package, network = _loaded()
        segments: list[dict[str, int]] = package.get_speech_timestamps(
            sound, network, threshold=THRESHOLD, neg_threshold=END_THRESHOLD, sampling_rate=SAMPLE_RATE,
            min_speech_duration_ms=SHORTEST_SPEECH_MS, min_silence_duration_ms=SHORTEST_SILENCE_MS,
            speech_pad_ms=PADDING_MS,
        )  # fmt: skip
    return sum(segment["end"] - segment["start"] for segment in segments) / len(sound)


@cache
def _loaded() -> tuple[Any, Any]:
    """Return the package and its network; both are made once a process."""
    package = load_extra("silero_vad", "extended", needed_by="the share of speech")
    return package, package.load_silero_vad()


@contextmanager
def _on_one_thread() -> Iterator[None]:
    """Give torch one thread, and then as many as it had.

    A window is too small to be shared: on two threads a clip takes five times as long. The package itself sets one
    thread as it is imported, for the whole process and for good.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
