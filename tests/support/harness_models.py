"""Models that the harness is tried with; a folder of its own, so that a process under test can import them."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from baselines import GenerationError, Request, Waveform

RATE = 16_000
ASKED: list[list[str]] = []  # what every call of every model in this process asked for


class Humming:
    """A tone and some noise that follow from the request's seed alone; takes requests one by one or in batches."""

    sample_rate = RATE

    def __init__(self, *, level: float = 0.2) -> None:
        self.level = level

    def generate(self, request: Request) -> Waveform:
        ASKED.append([request.sample_id])
        return self._hum(request)

    def generate_batch(self, requests: Sequence[Request]) -> list[Waveform]:
        ASKED.append([request.sample_id for request in requests])
        return [self._hum(request) for request in requests]

    def _hum(self, request: Request) -> Waveform:
        random = np.random.default_rng(request.seed)
        moments = np.arange(round(request.duration * RATE)) / RATE
        beats = np.sin(2 * np.pi * random.uniform(0.5, 2) * moments) > 0
        tone = np.sin(2 * np.pi * random.uniform(100, 3000) * moments) * beats
        return (self.level * (tone + 0.1 * random.standard_normal(moments.size))).astype(np.float32)


class Dawdling(Humming):
    """The same, one by one, slowly: there is time to kill the process that it runs in."""

    generate_batch = None  # type: ignore[assignment]

    def __init__(self, *, seconds: float = 0.25) -> None:
        super().__init__()
        self._seconds = seconds

    def generate(self, request: Request) -> Waveform:
        time.sleep(self._seconds)
        return super().generate(request)


class Moody(Humming):
    """The same, but for one sample, for which it does what `mood` says."""

    def __init__(self, *, bad: str, mood: str) -> None:
        super().__init__()
        self._bad, self._mood = bad, mood

    def _hum(self, request: Request) -> Waveform:
        good = super()._hum(request)
        if request.sample_id != self._bad:
            return good
        return MOODS[self._mood](good)


def _raise(error: BaseException) -> Waveform:
    raise error


def _with_nan(good: Waveform) -> Waveform:
    good[7] = np.nan
    return good


MOODS = {
    "refuses": lambda good: _raise(GenerationError("video has 7.4 s of 8.0 s")),
    "breaks": lambda good: _raise(KeyError("frames")),
    "nan": _with_nan,
    "short": lambda good: good[:-1],
    "stereo": lambda good: np.stack([good, good]),
    "integers": lambda good: (good * 32767).astype(np.int16),
    "nothing": lambda good: None,
    "three parts": lambda good: (good, RATE, "wav"),
    "no rate": lambda good: (good, None),
    "ragged": lambda good: [[0.0], [0.0, 1.0]],
    "fine": lambda good: good,
    "leaves": lambda good: _raise(SystemExit(0)),
    "loud": lambda good: good * 40,
}


class Watching(Humming):
    """Hums at the level of its scene's first frame, which is decoded ahead."""

    fits = 3
    generate_batch = None  # type: ignore[assignment]

    @staticmethod
    def prepare(request: Request) -> dict[str, np.ndarray]:
        from foundation import media

        frames = media.read_video(request.video, fps=1, seconds=1)
        return {"level": frames.mean(axis=(0, 1, 2, 3)).reshape(1).astype(np.float32)}

    def fitting_batch(self, request: Request) -> int:
        return self.fits

    def generate(self, request: Request) -> Waveform:
        return self.generate_prepared([request], [self.prepare(request)])[0]

    def generate_prepared(
        self, requests: Sequence[Request], prepared: Sequence[dict[str, np.ndarray]]
    ) -> list[Waveform]:
        ASKED.append([request.sample_id for request in requests])
        return [self._hum(request) * (part["level"] / 255) for request, part in zip(requests, prepared, strict=True)]


class Forgetful(Humming):
    """Answers all but the last request of a batch."""

    def generate_batch(self, requests: Sequence[Request]) -> list[Waveform]:
        return super().generate_batch(requests)[:-1]


class Weighted(Humming):
    """Opens weights: one file, which may change between two calls."""

    def __init__(self, *, file: str, stop_after: int = 100) -> None:
        super().__init__()
        from foundation.files import file_sha256

        self.weights = {"network": _File(file_sha256(Path(file)))}
        self._left = stop_after

    def generate(self, request: Request) -> Waveform:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        return super().generate(request)


class _File:
    verified = True

    def __init__(self, sha256: str) -> None:
        self.sha256 = sha256


class Deviced(Humming):
    """Has an option `device`, and answers louder on the device `loud`."""

    def __init__(self, *, device: str = "cpu") -> None:
        super().__init__(level=0.4 if device == "loud" else 0.2)


class Curious(Humming):
    """Asks for the truth, which only controls are given."""

    def __init__(self, *, references: object) -> None:
        super().__init__()


class Talkative(Humming):
    """Has attributes that the record reads, set to what it is told."""

    def __init__(self, *, attributes: dict[str, object]) -> None:
        super().__init__()
        vars(self).update(attributes)


NAMES = {
    "humming": Humming, "dawdling": Dawdling, "moody": Moody, "forgetful": Forgetful, "weighted": Weighted,
    "deviced": Deviced, "curious": Curious, "talkative": Talkative, "watching": Watching,
}  # fmt: skip
