"""Front ends that worker processes can import."""

import os

import numpy as np


def level(audio, seconds):
    return {"level": np.abs(audio.samples).mean(axis=1), "seconds": np.array([seconds])}


def length(audio, seconds):
    return {"length": np.array([audio.samples.shape[1], audio.sample_rate])}


def refusal(audio, seconds):
    raise ValueError("a sound this quiet has no pitch")


def nan(audio, seconds):
    return {"level": np.array([np.nan])}


def death(audio, seconds):
    os._exit(9)


def brightness(frames, seconds):
    return {"brightness": frames.mean(axis=(1, 2, 3))}
