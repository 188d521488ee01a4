import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon
from support.rated_studies import Study, ratings

from benchmark.ratings.paired_tests import paired_tests, signed_rank
from benchmark.ratings.reading import answers_of_table

MAIZE = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]  # Darwin 1876, crossed minus self-fertilized


def test_darwins_maize_has_the_published_statistic_and_exact_p():
    found = signed_rank(MAIZE)
    assert found.statistic == 24
    assert found.p_value == pytest.approx(0.0413, abs=5e-5)  # as many digits as are printed
    assert found.effect == pytest.approx((96 - 24) / 120)
    assert (found.pairs, found.zeros) == (15, 0)


def test_the_sign_of_the_effect_says_who_is_rated_higher():
    assert signed_rank(np.negative(MAIZE)).effect == pytest.approx(-signed_rank(MAIZE).effect)
    assert signed_rank(np.negative(MAIZE)).p_value == signed_rank(MAIZE).p_value


def test_zeros_are_ranked_and_then_left_out():
    found = signed_rank([0, 0, 1, 2, 3])  # ranks 1.5, 1.5, 3, 4, 5
    assert (found.statistic, found.effect, found.pairs, found.zeros) == (0.0, 1.0, 5, 2)
    assert found.p_value == pytest.approx(2 / 2**3)  # no other signs of three differences are as far out


def test_few_pairs_with_ties_and_zeros_have_scipys_exact_p():
    rng = np.random.default_rng(1)
    for size in (5, 8):
        values = rng.integers(-2, 4, size)
        assert signed_rank(values).p_value == pytest.approx(wilcoxon(values, zero_method="pratt").pvalue, abs=1e-12)


def test_differences_that_are_equal_but_for_rounding_tie():
    assert signed_rank([3.4 - 3.2, 4.4 - 4.2, -0.2]).p_value == signed_rank([0.2, 0.2, -0.2]).p_value


def test_without_a_difference_there_is_no_p_value():
    found = signed_rank([0.0, 0.0])
    assert (found.p_value, found.effect, found.zeros) == (None, None, 2)


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "needs at least 1 sample"), ([[1.0]], r"expected shape \(n,\)"), ([1.0, np.nan], "sample 1 of 2")],
)
def test_what_cannot_be_tested_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        signed_rank(values)


def test_models_are_tested_on_scene_means_and_corrected_over_all_tests():
    answers = answers_of_table(ratings(Study(raters=10, scenes=20, each=3), 2), "made")
    found = paired_tests(answers)
    assert len(found) == 30  # ten pairs, three criteria
    means = answers.items.groupby(["sample_id", "model"])["AQ"].mean().unstack()
    one = next(t for t in found if (t.first, t.second, t.criterion) == ("a", "b", "AQ"))
    expected = wilcoxon((means["a"] - means["b"]).round(9), zero_method="pratt").pvalue
    assert one.test.p_value == pytest.approx(expected)
    ordered = sorted(found, key=lambda t: t.test.p_value)
    assert ordered[0].adjusted == pytest.approx(min(1, 30 * ordered[0].test.p_value))
    assert all(t.adjusted >= t.test.p_value for t in found)


def test_repeats_and_scenes_of_one_model_alone_count_for_nothing():
    table = ratings(Study(raters=10, scenes=20, each=3), 2)
    more = table.head(5).assign(role="repeat", AQ=1.0)
    lonely = table.head(1).assign(sample_id="s999")
    before, after = (paired_tests(answers_of_table(t, "made")) for t in (table, pd.concat([table, more, lonely])))
    assert [t.test for t in before] == [t.test for t in after]


def test_one_model_has_no_test():
    table = ratings(Study(raters=10, scenes=20, each=3), 2)
    assert paired_tests(answers_of_table(table[table["model"] == "a"], "made")) == []
