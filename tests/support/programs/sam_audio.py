"""A stand-in for SAM-Audio: what its README and its eval/ call, strictly; the separator halves what it is given.

The judge compares with the sound of the prompt's name in the folder JUDGE_TARGETS, a .wav, where that is set. At the
prompt OFFICIAL_AT it is in the mood OFFICIAL_MOOD.
"""

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


class BatchFeature(dict):
    def to(self, device):
        assert device in ("cpu", "cuda")
        return self


class SAMAudioJudgeProcessor:
    @classmethod
    def from_pretrained(cls, name):
        assert name
        return cls()

    def __call__(self, text, input_audio, separated_audio, sampling_rate):
        assert [type(part) for part in (text, input_audio, separated_audio)] == [list] * 3
        assert len(text) == len(input_audio) == len(separated_audio) == 1
        assert sampling_rate == RATE  # the official one refuses any other
        print("tokenizing")
        return BatchFeature(text=text[0], input_values=mono(input_audio[0]), separated_values=mono(separated_audio[0]))


class SAMAudioJudgeModel:
    training = True

    @classmethod
    def from_pretrained(cls, name):
        note({"loaded": name})
        if os.environ.get("OFFICIAL_MOOD") == "gated":
            raise OSError("401 Client Error: access to the weights is restricted")
        return cls()

    def eval(self):
        self.training = False
        return self

    def to(self, device):
        assert device in ("cpu", "cuda")
        return self

    def __call__(self, *, text, input_values, separated_values):
        assert not self.training
        assert input_values.shape == separated_values.shape  # it lays them one over the other
        note({"judged": text})
        mood = os.environ.get("OFFICIAL_MOOD") if text == os.environ.get("OFFICIAL_AT") else ""
        if mood == "refuse":
            raise RuntimeError("no opinion of it")
        if mood == "crash":
            os._exit(3)
        recall, precision = float(np.abs(separated_values).mean()), float(np.abs(input_values).mean())
        if "JUDGE_TARGETS" in os.environ:
            target = mono(Path(os.environ["JUDGE_TARGETS"]) / f"{text}.wav")
            length = min(len(target), len(separated_values))
            recall = abs(float(np.corrcoef(separated_values[:length], target[:length])[0, 1]))
        found = {"overall": 9.0, "recall": recall, "precision": precision, "faithfulness": len(input_values) / RATE}
        if mood == "not finite":
            found["precision"] = float("nan")
        return SimpleNamespace(**{name: torch.tensor([[value]]) for name, value in found.items()})


def mono(path):
    sound, rate = soundfile.read(path, dtype="float32")
    assert (sound.ndim, rate) == (1, RATE), (sound.shape, rate)
    return sound
