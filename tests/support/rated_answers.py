"""A made-up human study of the made world's inter-class answers, and what the report reads of it."""

import pandas as pd

from benchmark.report import collect
from benchmark.report.ratings import read_ratings
from benchmark.report.samples import read_samples

MODELS = ("tiny-foley", "grand-foley", "old-foley")
POINTS = {  # AQ, TA, VA
    "tiny-foley": (4, 3, 4),
    "grand-foley": (5, 4, 5),
    "old-foley": (2, 2, 1),
    "oracle": (5, 5, 5),
    "noise": (1, 1, 1),
}


def study(world, *, raters=("r1", "r2"), models=MODELS):
    """A made study of the inter-class answers: grand-foley is rated best and old-foley worst."""
    lines = [
        ("inter", sample, model, rater, *POINTS[model])
        for place, sample in enumerate(world.sample_ids("inter"))
        for model in models
        if (model, place) != ("old-foley", 1)  # that answer is missing
        for rater in raters
    ]
    return pd.DataFrame(lines, columns=["subset", "sample_id", "model", "rater", "AQ", "TA", "VA"])


def written(table, folder):
    table.to_csv(folder / "study.csv", index=False)
    return folder / "study.csv"


def read(made, table, tmp_path):
    (ratings,) = read_ratings(written(table, tmp_path), collect(made.runs))
    return ratings


def inter(made):
    results = collect(made.runs)
    return next(part for part in read_samples(results) if part.subset == "inter"), results
