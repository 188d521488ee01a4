"""Hooks of models that prepare their requests: a module of its own, so that worker processes can import it."""

import os
from dataclasses import dataclass

import numpy as np

from baselines import GenerationError, Request

PREPARED: list[str] = []  # in this process


@dataclass(frozen=True)
class Travelling:
    """Tells the request's seed, and the process."""

    def __call__(self, request: Request) -> dict[str, np.ndarray]:
        return {"seed": np.full(3, request.seed, np.uint8), "process": np.asarray(os.getpid())}


@dataclass(frozen=True)
class Spelling(Travelling):
    """The same, but for samples that cannot be prepared."""

    refused: str = ""
    broken: str = ""

    def __call__(self, request: Request) -> dict[str, np.ndarray]:
        if request.sample_id == self.refused:
            raise GenerationError(f"{request.sample_id}: too dark")
        if request.sample_id == self.broken:
            raise KeyError("frames")
        return super().__call__(request)


@dataclass(frozen=True)
class Leaving(Travelling):
    """The same, but for a sample that ends its process."""

    bad: str = ""

    def __call__(self, request: Request) -> dict[str, np.ndarray]:
        if request.sample_id == self.bad:
            os._exit(3)
        return super().__call__(request)


@dataclass(frozen=True)
class Counting(Travelling):
    """The same, noted."""

    def __call__(self, request: Request) -> dict[str, np.ndarray]:
        PREPARED.append(request.sample_id)
        return super().__call__(request)
