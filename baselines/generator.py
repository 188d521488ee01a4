"""What a model under test is: a request goes in, a waveform comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from foundation.names import lazy_exports

Waveform = NDArray[np.float32]  # (samples,), full scale 1
Prepared = Mapping[str, Any]  # what a model made of a request beforehand: arrays by name, or tensors on its device
__getattr__, __dir__ = lazy_exports(
    __name__,
    {},
    moved=dict.fromkeys(
        ("Kind", "ModelEntry", "get_model", "list_models", "load_model", "option_names", "register_model"),
        "baselines.registry",
    ),
)


class GenerationError(Exception):
    """A model has no answer for one sample; the message is the reason shown to the user."""


class UnknownModel(ValueError):
    """A name that is not registered, or an address that leads to no class."""


@dataclass(frozen=True)
class Request:
    """One question to a model.

    Attributes:
        sample_id: the manifest's filename, without extension.
        video: the scene, an mp4 of at least `duration` seconds.
        prompt: text that names the sound wanted.
        negative_prompt: text that names the sound not wanted; models are free to ignore it, "" is none.
        duration: seconds of sound wanted.
        seed: the only source of randomness, 0 to 2^63 - 1; made from run seed and sample id.
    """

    sample_id: str
    video: Path
    prompt: str
    negative_prompt: str
    duration: float
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "video", Path(self.video))  # a person types a string


@dataclass(frozen=True)
class Reference:
    """The truth about one sample. Only controls may see it."""

    target_id: str
    target_audio: Path | None  # None where the benchmark has no reference sounds
    paired_audio: Path | None  # None where a scene has the target alone


@runtime_checkable
class Generator(Protocol):
    """A model under test.

    Keyword arguments of the constructor are the model's options. A model that is faster on several requests at once
    may add `generate_batch(requests) -> list[Waveform]`; its answers must not depend on how requests are batched.

    A model that reads videos may add `prepare(request) -> Prepared`, which needs no network and is run ahead by worker
    processes, and `generate_prepared(requests, prepared) -> list[Waveform]`; see docs/models.md.
    """

    sample_rate: int | None  # Hz of every waveform; None: each answer is a pair (waveform, its rate)

    def generate(self, request: Request) -> Waveform | tuple[Waveform, int]:
        """Return float32, shape (round(duration x sample_rate),), within [-1, 1].

        Raises:
            GenerationError: there is no answer for this request; the next one may still work.
        """
        ...
