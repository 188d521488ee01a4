"""A stand-in for AudioX: what its README calls, strictly. One module plays the package and those below it."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

NOTES = Path(os.environ["OFFICIAL_NOTES"])
CONFIG = {"sample_rate": 44_100, "sample_size": 441_000, "video_fps": 5}
__path__ = []
for name in ("data", "data.utils", "inference", "inference.generation"):
    sys.modules[f"stable_audio_tools.{name}"] = sys.modules[__name__]


class Model:
    def to(self, device):
        assert device in ("cpu", "cuda")
        return self


def get_pretrained_model(name):
    (NOTES / "loaded").open("a").write(f"{name}\n")
    return Model(), CONFIG


def read_video(filepath, seek_time=0.0, duration=-1, target_fps=2):
    assert Path(filepath).read_bytes()[4:8] == b"ftyp"
    return torch.tensor(np.zeros((int(duration * target_fps), 3, 224, 224)))


def load_and_process_audio(path, sample_rate, _start, seconds):
    assert path is None
    return torch.tensor(np.zeros((2, sample_rate * seconds)))


def generate_diffusion_cond(
    _model, *, steps, cfg_scale, conditioning, sample_size, sigma_min, sigma_max, sampler_type, seed, device
):
    (one,) = conditioning
    assert set(one) == {"video_prompt", "text_prompt", "audio_prompt", "seconds_start", "seconds_total"}
    assert one["video_prompt"][0].shape == (1, 50, 3, 224, 224)
    assert one["audio_prompt"].shape == (1, 2, 441_000)
    given = {"prompt": one["text_prompt"], "seed": seed, "steps": steps, "cfg_scale": cfg_scale, "device": device}
    with (NOTES / "asked.jsonl").open("a") as file:
        file.write(f"{json.dumps(given)}\n")
    loud = 0.0 if one["text_prompt"] == "silence" else 3.0
    return torch.tensor(np.full((1, 2, sample_size), loud))
