"""Outputs of the reference tools, and the seeded inputs they were made from."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Golden = tuple[dict[str, np.ndarray], dict[str, Any]]


def seeded_input(name: str, shape: list[int], seed: int) -> np.ndarray:
    """Standard normal float32 numbers that depend on name and seed alone."""
    import torch

    generator = torch.Generator().manual_seed((zlib.crc32(name.encode()) ^ seed) & 0xFFFFFFFF)
    return torch.randn(tuple(shape), generator=generator).numpy()


def seeded_features(name: str, n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Float32 rows like activations after a ReLU; another name is another distribution."""
    import torch

    generator = torch.Generator().manual_seed((zlib.crc32(name.encode()) ^ seed) & 0xFFFFFFFF)
    scale = 0.5 + torch.rand(d, generator=generator)
    centre = 0.3 * torch.randn(d, generator=generator) + shift
    return torch.relu(torch.randn(n, d, generator=generator) * scale + centre).numpy()


def _built(spec: Any, inputs: dict[str, np.ndarray], seed: int) -> np.ndarray:
    """The array that an input's description stands for."""
    if isinstance(spec, list):
        rows = _built(spec[0], inputs, seed)
        return {"rows 0..19 twice": rows[[*range(20), *range(20)]], "row 0 repeated 40 times": rows[[0] * 40],
                "rows 0..1": rows[:2]}[spec[1]]  # fmt: skip
    if spec == "the same matrix":
        return inputs["ref"]
    factor, _, function = spec["function"].rpartition("*")
    options = {key: value for key, value in spec.items() if key not in ("function", "axes")}
    make = {"seeded_input": seeded_input, "seeded_features": seeded_features}[function]
    return float(factor or 1) * make(seed=seed, **options)


@pytest.fixture(scope="session")
def golden() -> Callable[[str, str], Golden]:
    """Inputs and reference outputs of a case: `golden("FD", "tiny")`."""
    data = json.loads((Path(__file__).parent / "data" / "functions.json").read_text(encoding="utf-8"))
    rows = {(row["metric"], row["case"]): row for row in data["results"]}

    def load(metric: str, case: str) -> Golden:
        row, inputs = rows[metric, case], {}
        for name, spec in row["inputs"].items():
            inputs[name] = _built(spec, inputs, data["meta"]["seed"])
        return inputs, row["outputs"]

    return load
