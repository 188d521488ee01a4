"""A stand-in for SAM-Audio: what its README calls, strictly; a prompt's sound is what is as loud as the prompt says."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import soundfile
import torch

NOTES = Path(os.environ["OFFICIAL_NOTES"])
RATE = 48_000


def note(content):
    with (NOTES / "separated.jsonl").open("a") as file:
        file.write(f"{json.dumps(content)}\n")


class Batch:
    def __init__(self, audios, descriptions):
        self.audios, self.descriptions = audios, descriptions

    def to(self, device):
        assert device in ("cpu", "cuda")
        return self


class SAMAudioProcessor:
    audio_sampling_rate = RATE

    @classmethod
    def from_pretrained(cls, name):
        assert name
        return cls()

    def __call__(self, *, audios, descriptions):
        print("tokenizing")  # libraries print, in C as well, and it must not be taken for an answer
        os.write(1, b"warming up\n")
        return Batch(audios, descriptions)


class SAMAudio:
    @classmethod
    def from_pretrained(cls, name):
        note({"loaded": name})
        return cls()

    def eval(self):
        return self

    def to(self, _device):
        return self

    def separate(self, batch, *, predict_spans, reranking_candidates):
        (path,), (prompt,) = batch.audios, batch.descriptions
        sound, rate = soundfile.read(path, dtype="float32")
        note({"prompt": prompt, "spans": predict_spans, "candidates": reranking_candidates, "rate": rate})
        if os.environ.get("OFFICIAL_AT") == prompt:
            raise RuntimeError("no such sound")
        times = np.arange(round(len(sound) * RATE / rate)) / RATE
        again = np.interp(times, np.arange(len(sound)) / rate, sound) / 2
        return SimpleNamespace(target=[torch.tensor(again)], residual=[torch.tensor(again)])
