import pandas as pd
import pytest
from scipy.stats import spearmanr
from support.rated_studies import Study, ratings

from benchmark.ratings.quality import agreement_with_others, most_common_share, repeated_differences, share_missed
from benchmark.ratings.reading import answers_of_table

CRITERIA = ("AQ", "TA", "VA")


def answers():
    return answers_of_table(ratings(Study(raters=6, scenes=12, each=3, repeats=2, checks=2), 3), "made")


def test_agreement_is_with_the_mean_of_the_others_alone():
    items = answers().items
    found = agreement_with_others(items, ("AQ",), items)
    mine, others = items[items["rater"] == "p02"], items[items["rater"] != "p02"]
    means = others.groupby(["sample_id", "model"])["AQ"].mean().rename("others").reset_index()
    both = mine.merge(means, on=["sample_id", "model"])
    assert found.loc["p02", "value"] == pytest.approx(spearmanr(both["AQ"], both["others"]).statistic)
    assert found.loc["p02", "count"] == len(both)


def test_agreement_is_the_mean_over_the_criteria():
    items = answers().items
    single = [agreement_with_others(items, (name,), items)["value"] for name in CRITERIA]
    together = agreement_with_others(items, CRITERIA, items)["value"]
    pd.testing.assert_series_equal(together, sum(single) / 3, check_names=False)


def test_raters_who_are_no_measure_are_compared_with_the_others_all_the_same():
    items = answers().items
    measure = items[items["rater"] != "p02"]
    found = agreement_with_others(items, CRITERIA, measure)
    assert found.loc["p02", "value"] == pytest.approx(agreement_with_others(items, CRITERIA, items).loc["p02", "value"])
    assert found.loc["p03", "value"] != pytest.approx(agreement_with_others(items, CRITERIA, items).loc["p03", "value"])


def test_a_rater_who_always_gives_the_same_agrees_with_nobody():
    items = answers().items.copy()
    items.loc[items["rater"] == "p02", list(CRITERIA)] = 3.0
    assert pd.isna(agreement_with_others(items, CRITERIA, items).loc["p02", "value"])
    assert most_common_share(items, CRITERIA).loc["p02", "mean"] == 1.0


def test_repeats_differ_by_a_share_of_the_scale():
    table = answers().table
    found = repeated_differences(table, CRITERIA, ("subset", "sample_id", "model"), (1, 5))
    assert len(found) == 6 * 2 * 3
    assert found["difference"].to_numpy() == pytest.approx((found["first"] - found["second"]).abs() / 4)


def test_attention_is_missed_where_one_criterion_is_not_as_asked():
    table = answers().table
    checks = table[table["role"] == "attention"].copy()
    assert share_missed(checks, CRITERIA)["mean"].tolist() == [0.0] * 6
    checks["expected"] = checks["expected"].str.replace(r"(\d)", r"\1.0", regex=True)  # the same as a number
    assert share_missed(checks, CRITERIA)["mean"].tolist() == [0.0] * 6
    first = checks.index[checks["rater"] == "p01"][0]
    checks.loc[first, "VA"] += 1
    found = share_missed(checks, CRITERIA)
    assert (found.loc["p01", "mean"], found.loc["p01", "count"]) == (0.5, 2)
