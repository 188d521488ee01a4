"""Front ends that worker processes can import."""

import os
import signal

import numpy as np

from foundation import media


def level(audio, seconds):
    return {"level": np.abs(audio.samples).mean(axis=1), "seconds": np.array([seconds])}


def length(audio, seconds):
    return {"length": np.array([audio.samples.shape[1], audio.sample_rate])}


def refusal(audio, seconds):
    raise ValueError("a sound this quiet has no pitch")


def nan(audio, seconds):
    return {"level": np.array([np.nan])}


def brightness(frames, seconds):
    return {"brightness": frames.mean(axis=(1, 2, 3))}


def crash_when_loud(audio, seconds):
    if np.abs(audio.samples).max() > 0.9:
        os.kill(os.getpid(), signal.SIGSEGV)
    return level(audio, seconds)


def read_or_crash(job):
    """Read a sound as workers do; one that is loud kills its reader."""
    audio = media.read_audio_native(job[0])
    crash_when_loud(audio, 0.0)
    return audio


def recursion(audio, seconds):
    raise RecursionError("maximum recursion depth exceeded")


def no_memory(audio, seconds):
    raise MemoryError


def missing_key(audio, seconds):
    return {"level": {}["absent"]}


def not_text(audio, seconds):
    return {"level": b"\xff".decode()}


def leaves(audio, seconds):
    raise SystemExit(3)


def no_array(audio, seconds):
    return {"level": lambda: None}  # cannot be pickled
