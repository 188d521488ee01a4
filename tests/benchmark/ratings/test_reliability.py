import numpy as np
import pandas as pd
import pytest
from support.rated_studies import Study, ratings

from benchmark.ratings.reading import answers_of_table
from benchmark.ratings.reliability import krippendorff_alpha, reliability
from foundation.extras import MissingPackage

_ = np.nan
# Krippendorff 2011, example C: four observers, twelve units, some missing.
EXAMPLE_C = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
])  # fmt: skip


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_alpha_is_that_of_krippendorffs_example(level, published):
    alpha, reason = krippendorff_alpha(EXAMPLE_C, level)
    assert alpha == pytest.approx(published, abs=5e-4)  # as many digits as are printed
    assert reason == ""


def test_alpha_depends_neither_on_the_order_of_observers_nor_of_units():
    rng = np.random.default_rng(0)
    mixed = rng.permutation(rng.permutation(EXAMPLE_C, axis=0), axis=1)
    assert krippendorff_alpha(mixed)[0] == pytest.approx(krippendorff_alpha(EXAMPLE_C)[0], abs=1e-12)


@pytest.mark.parametrize(
    ("ratings_", "reason"),
    [
        (np.array([[1, 2, _], [_, _, 3]]), "no answer has two ratings"),
        (np.full((3, 4), _), "no answer has two ratings"),
        (np.full((3, 4), 2.0), "all ratings are the same: without differences there is nothing to agree on"),
    ],
)
def test_where_alpha_is_not_defined_the_reason_is_given(ratings_, reason):
    assert krippendorff_alpha(ratings_) == (None, reason)


def test_alpha_of_a_study_is_that_of_its_raters_by_answers():
    answers = answers_of_table(ratings(Study(raters=8, scenes=12, each=3), 1), "made")
    found = reliability(answers, resamples=50, seed=0)[0]
    table = answers.items.pivot_table(index="rater", columns=["sample_id", "model"], values="AQ")
    assert found.alpha == pytest.approx(krippendorff_alpha(table.to_numpy())[0], abs=1e-12)
    assert (found.between, found.answers, found.ratings) == ("raters", 60, 180)
    assert found.interval.low < found.alpha < found.interval.high


def test_repeats_are_compared_with_the_first_answers_alone():
    table = ratings(Study(raters=8, scenes=12, each=3, repeats=3), 1)
    found = [one for one in reliability(answers_of_table(table, "made"), resamples=50, seed=0) if one.criterion == "AQ"]
    assert [one.between for one in found] == ["raters", "repeats"]
    first, second = (table[table["role"] == role] for role in ("item", "repeat"))
    both = second.merge(first, on=["rater", "sample_id", "model"])
    assert found[1].answers == len(both) == 24
    assert found[1].difference == pytest.approx((both["AQ_x"] - both["AQ_y"]).abs().mean())
    pairs = both[["AQ_x", "AQ_y"]].to_numpy().T
    assert found[1].alpha == pytest.approx(krippendorff_alpha(pairs)[0], abs=1e-12)


def test_the_same_answer_twice_gives_an_alpha_of_one():
    table = ratings(Study(raters=8, scenes=12, each=3), 1)
    again = table.groupby("rater").head(5).assign(role="repeat")
    answers = answers_of_table(pd.concat([table, again]), "made")
    repeats = [one for one in reliability(answers, resamples=50, seed=0) if one.between == "repeats"]
    assert [(one.alpha, one.difference) for one in repeats] == [(1.0, 0.0)] * 3


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch):
    def without(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("foundation.extras.import_module", without)
    with pytest.raises(MissingPackage, match=r"package krippendorff; to get it: pip install .*\[web\]"):
        krippendorff_alpha(EXAMPLE_C)
