"""Goldens of this folder, and gradients, which the folder above switches off."""

from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def golden():
    """What the official code answered for seeded weights and inputs."""
    return lambda name: dict(np.load(HERE / "data" / f"{name}.npz"))


@pytest.fixture(autouse=True)
def _without_gradients():
    """Training needs them: this takes the place of the fixture of that name above."""
