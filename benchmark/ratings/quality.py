"""How carefully each rater answered, as numbers; `screening` sets the limits.

Every function takes rows of `Answers.table` or `Preferences.table` and returns one row per rater.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmark.ratings.reading import expected_answers


def share_missed(checks: pd.DataFrame, criteria: Sequence[str]) -> pd.DataFrame:
    """Return the share of attention items that were answered otherwise than asked; columns mean and count."""
    missed = []
    for row in checks.to_dict("records"):
        wanted = expected_answers(str(row["expected"]))
        missed.append(any(not _as_asked(row[name], value) for name, value in wanted.items() if name in criteria))
    table = pd.DataFrame({"rater": checks["rater"].to_numpy(), "missed": np.array(missed, dtype=np.float64)})
    return table.groupby("rater")["missed"].agg(["mean", "count"])


def _as_asked(given: object, asked: str) -> bool:
    """Tell whether an answer is the one asked for: points are numbers, "2" and "2.0" alike; choices are words."""
    return given == float(asked) if isinstance(given, float) else given == asked


def repeated_differences(
    table: pd.DataFrame, criteria: Sequence[str], names: Sequence[str], points: tuple[int, int] | None
) -> pd.DataFrame:
    """Return how far second answers are from first ones: columns rater, criterion, first, second, difference.

    Args:
        table: all rows; those of role "repeat" are compared with the rater's answer to the same item.
        criteria: columns with answers.
        names: columns that name an item.
        points: lowest and highest point of the scale; the difference is absolute, as a share of its length. None for
            choices: 0 for the same choice, 1 for the opposite, a half where one of the two is a tie.
    """
    key = ["rater", *names]
    repeats = table[table["role"] == "repeat"]
    both = repeats.merge(table[table["role"] == "item"], on=key, suffixes=("_second", "_first"))
    parts = []
    for name in criteria:
        part = both[["rater"]].assign(criterion=name, first=both[f"{name}_first"], second=both[f"{name}_second"])
        if points is None:
            place = {"a": 0.0, "tie": 0.5, "b": 1.0}
            first, second = (part[column].map(place) for column in ("first", "second"))
            length = 1.0
        else:
            first, second, length = part["first"], part["second"], float(points[1] - points[0])
        parts.append(part.assign(difference=(second - first).abs() / length))
    return pd.concat(parts, ignore_index=True).dropna(subset=["difference"])


def most_common_share(items: pd.DataFrame, criteria: Sequence[str]) -> pd.DataFrame:
    """Return the share of a rater's most frequent answer, all criteria together; columns mean and count."""
    counts = items.groupby(["rater", *criteria], dropna=False).size()
    grouped = counts.groupby("rater")
    return pd.DataFrame({"mean": grouped.max() / grouped.sum(), "count": grouped.sum()})


def agreement_with_others(items: pd.DataFrame, criteria: Sequence[str], measure: pd.DataFrame) -> pd.DataFrame:
    """Return Spearman's correlation of each rater with the mean of the other raters, over answers that they share.

    Args:
        items: rows with role "item".
        criteria: columns with points.
        measure: the rows of `items` whose raters the others are compared with.

    Returns:
        Index rater; value: mean over the criteria that have one, NaN where none has (constant answers, or fewer than
        three shared); count: answers shared, of the criterion with the most.
    """
    key = ["subset", "sample_id", "model"]
    found = []
    for name in criteria:
        rated = items[items[name].notna()]
        grouped = measure[measure[name].notna()].groupby(key)[name].agg(["sum", "count"]).reset_index()
        mine = rated[["rater", *key, name]].rename(columns={name: "mine"})  # a criterion may be named "sum"
        both = mine.merge(grouped, on=key, how="left").fillna({"sum": 0.0, "count": 0.0})
        own = both["rater"].isin(measure["rater"].unique())
        others = both["count"] - own
        mean = (both["sum"] - both["mine"] * own) / others.where(others > 0)
        both = both.assign(others=mean).dropna(subset=["others"])
        ranks = both.groupby("rater")[["mine", "others"]].rank()
        ranks.columns = pd.Index(["first", "second"])
        found.append(_correlations(both["rater"], ranks).assign(criterion=name))
    by_rater = pd.concat(found).groupby(level=0)
    return pd.DataFrame({"value": by_rater["value"].mean(), "count": by_rater["count"].max()})


def _correlations(raters: pd.Series[str], ranks: pd.DataFrame) -> pd.DataFrame:
    """Return Pearson's correlation of two columns for each rater; columns value and count."""
    centred = ranks - ranks.groupby(raters).transform("mean")
    sums = pd.DataFrame(
        {
            "product": centred["first"] * centred["second"],
            "first": centred["first"] ** 2,
            "second": centred["second"] ** 2,
            "count": 1.0,
        }
    )
    sums = sums.groupby(raters).sum()
    size = (sums["first"] * sums["second"]) ** 0.5
    value = (sums["product"] / size.where(size > 0)).where(sums["count"] >= 3)
    return pd.DataFrame({"value": value, "count": sums["count"].astype("int64")})
