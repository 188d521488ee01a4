"""Fixtures of a study of the made-up world's answers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

LEVELS = {"tiny-foley": 3.2, "grand-foley": 4.1, "old-foley": 2.2}  # mean opinion of each model


@pytest.fixture(scope="session")
def rated(made, world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return `answers.csv` of eight raters, one of them careless, who rated the answers to both subsets."""
    rng = np.random.default_rng(0)
    rows = []
    for rater in range(8):
        for subset in world.PAIRS:
            for place, sample in enumerate(world.sample_ids(subset)):
                for model, level in LEVELS.items():
                    if (model, subset, place) == ("old-foley", "inter", 1):  # that answer is missing
                        continue
                    exact = rng.integers(1, 6, 3) if rater == 7 else np.clip(level + rng.normal(0, 0.6, 3), 1, 5)
                    rows.append((f"p{rater}", "item", subset, sample, model, "animals", *np.round(exact), ""))
        rows += [(f"p{rater}", "attention", "", check, "", "", *([5.0] * 3 if rater == 7 else [2.0] * 3),
                  "AQ=2;TA=2;VA=2") for check in ("check", "other-check")]  # fmt: skip
    columns = ["rater", "role", "subset", "sample_id", "model", "category", "AQ", "TA", "VA", "expected"]
    path = tmp_path_factory.mktemp("rated") / "answers.csv"
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    return path
