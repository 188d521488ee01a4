"""Fixtures of the benchmark builder's tests: small lists that ship with the tests, real ones where they are at hand."""

from pathlib import Path

import pandas as pd
import pytest
from support.annotations import real_annotations, screened, vggsounder, write_unav100
from support.small_benchmarks import short_film, small, write_benchmark

__all__ = [
    "real_annotations", "screened", "short_film", "small", "vggsounder", "write_benchmark", "write_unav100",
]  # fmt: skip
DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def sources() -> pd.DataFrame:
    """67 made-up clips whose exhaustive pairing gives the paper's totals."""
    return pd.read_csv(DATA / "sources_67.csv")
