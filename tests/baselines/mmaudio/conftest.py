"""Goldens of this folder."""

from pathlib import Path

import numpy as np
import pytest
import torch

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def golden():
    """What the reference implementation answered for seeded weights and inputs."""
    return lambda name: dict(np.load(HERE / "data" / f"{name}.npz"))


@pytest.fixture(scope="session")
def lists() -> Path:
    """Entry names and shapes of the official modules."""
    return HERE / "data" / "state_dicts.tsv"


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.inference_mode():
        yield
