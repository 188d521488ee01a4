"""Goldens of this folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Mapping[str, np.ndarray]]:
    """What the reference tools answered for the weights and inputs of seed 1."""
    return lambda name: dict(np.load(HERE / "data" / f"{name}.npz"))


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.inference_mode():
        yield
