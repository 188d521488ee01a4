"""A stand-in for as much of torch as the drivers use: arrays with a tensor's methods. It starts at once."""

import contextlib
import json
import os
from pathlib import Path

import numpy as np

float32, int16 = np.float32, np.int16
inference_mode = contextlib.nullcontext


class Tensor(np.ndarray):
    def to(self, kind):
        return self if isinstance(kind, str) else self.astype(kind)

    def cpu(self):
        return self

    detach = cpu

    def float(self):
        return self.astype(float32)

    def abs(self):
        return np.abs(self)

    def div(self, other):
        return self / other

    def mul(self, other):
        return self * other

    def clamp(self, low, high):
        return self.clip(low, high)

    def unsqueeze(self, axis):
        return np.expand_dims(self, axis)


def tensor(values):
    return np.asarray(values).view(Tensor)


def manual_seed(seed):
    with (Path(os.environ["OFFICIAL_NOTES"]) / "seeds.jsonl").open("a") as file:
        file.write(f"{json.dumps(seed)}\n")
