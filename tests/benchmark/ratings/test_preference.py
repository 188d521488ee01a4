import numpy as np
import pandas as pd
import pytest
from support.rated_studies import preferences

from benchmark.ratings.bradley_terry import fault_of, fit, influences
from benchmark.ratings.preference import rank
from benchmark.ratings.reading import answers_of_table

TRUE = {"w": -0.8, "x": -0.2, "y": 0.3, "z": 0.7}


def counts(*pairs):
    return np.array([pairs], dtype=float)


def test_two_models_have_the_logarithm_of_their_odds():
    found = fit(counts((30, 10, 0)), 2)
    assert found.strengths[0] == pytest.approx([np.log(3) / 2, -np.log(3) / 2], abs=1e-4)
    assert found.tie_odds[0] == 0.0


def test_ties_have_the_odds_of_davidsons_model_in_closed_form():
    found = fit(counts((30, 10, 20)), 2)
    assert found.strengths[0, 0] - found.strengths[0, 1] == pytest.approx(np.log(3), abs=1e-4)
    assert found.tie_odds[0] == pytest.approx(20 / np.sqrt(30 * 10), abs=1e-4)


def test_three_models_that_beat_one_another_alike_are_equally_strong():
    found = fit(counts((7, 3, 1), (3, 7, 1), (7, 3, 1)), 3)
    assert found.strengths[0] == pytest.approx([0, 0, 0], abs=1e-6)


def test_strengths_are_the_exact_ones_where_the_choices_are_those_expected():
    strengths, tie = np.array([0.9, 0.1, -1.0]), -0.4
    expected = []
    for i, j in ((0, 1), (0, 2), (1, 2)):
        odds = np.exp([strengths[i], strengths[j], tie + (strengths[i] + strengths[j]) / 2])
        expected.append(1000 * odds / odds.sum())
    found = fit(np.array([expected]), 3)
    assert found.strengths[0] == pytest.approx(strengths, abs=1e-4)  # the penalty of 1e-6 moves them by less
    assert found.tie_odds[0] == pytest.approx(np.exp(tie), abs=1e-4)


def test_a_set_of_choices_has_the_same_strengths_beside_others():
    rng = np.random.default_rng(0)
    many = rng.integers(1, 20, (5, 3, 3)).astype(float)
    many[2, :, 2] = 0.0
    together = fit(many, 3)
    for place in range(5):
        np.testing.assert_allclose(fit(many[place : place + 1], 3).strengths[0], together.strengths[place], atol=1e-8)


def test_influence_is_what_one_more_choice_does():
    observed = counts((300, 200, 100), (250, 150, 80), (200, 220, 90))
    found = fit(observed, 3)
    moved = influences(found, observed)
    for pair in range(3):
        for outcome in range(3):
            more = observed.copy()
            more[0, pair, outcome] += 1
            change = fit(more, 3).strengths[0] - found.strengths[0]
            np.testing.assert_allclose(moved[pair, outcome], change, atol=2e-5)  # changes are about 2e-3


@pytest.mark.parametrize(
    ("pairs", "fault"),
    [
        (((1, 1, 0), (0, 0, 0), (0, 0, 0)), "x, y and the other models were never compared, not even by way of"),
        (((3, 0, 0), (2, 1, 0), (1, 1, 0)), ""),
        (((3, 0, 0), (2, 0, 0), (1, 1, 0)), "x won every choice against the other models, so there is no upper bound"),
        (((3, 1, 0), (2, 0, 0), (1, 0, 0)), "x, y won every choice against the other models"),
        (((3, 0, 1), (2, 0, 0), (1, 1, 0)), ""),
    ],
)
def test_choices_that_leave_a_strength_open_are_named(pairs, fault):
    found = fault_of(np.array(pairs, dtype=float), ["x", "y", "z"])
    assert found.startswith(fault) if fault else found == ""


def test_where_a_strength_is_open_there_are_win_rates_with_the_reason_and_other_subsets_go_on():
    whole = preferences(TRUE, -1.0, seed=1, raters=8, each=20)
    table = whole.copy()
    table.loc[table["model_b"] == "z", "AQ"] = "b"
    both = pd.concat([table, whole.assign(subset="intra")], ignore_index=True)
    found = rank(answers_of_table(both, "made"), seed=0, resamples=100)
    inter = [one for one in found.strengths if one.subset == "inter"]
    assert (inter[0].model, inter[0].win_rate) == ("z", 1.0)
    assert [one.win_rate for one in inter] == sorted((one.win_rate for one in inter), reverse=True)
    assert {one.strength for one in inter} == {None}
    reason = "z won every choice against the other models, so there is no upper bound to the strength"
    assert {(one.interval.ends, one.interval.reason) for one in inter} == {(None, reason)}
    gaps = [one for one in found.comparisons if one.subset == "inter"]
    assert {(one.difference, one.p_value, one.adjusted) for one in gaps} == {(None, None, None)}
    assert sum(one.wins + one.ties + one.losses for one in gaps) == len(table)
    alone = rank(answers_of_table(whole.assign(subset="intra"), "made"), seed=0, resamples=100)
    assert [one for one in found.strengths if one.subset == "intra"] == list(alone.strengths)


def test_a_model_that_nearly_always_wins_has_a_strength_and_says_that_it_has_no_bound():
    table = preferences({"x": 0.0, "y": 0.2}, -1.0, seed=1, raters=5, scenes=8, each=8)
    table["AQ"] = "b"
    table.loc[table.index[0], "AQ"] = "a"
    strengths = rank(answers_of_table(table, "made"), seed=0).strengths
    assert all(np.isfinite(one.strength) for one in strengths)
    assert strengths[0].interval.ends is None
    assert strengths[0].interval.reason.startswith("the choices leave a strength open in ")
    assert strengths[0].win_interval.ends is not None


def test_win_rates_count_a_tie_one_half_and_choices_are_counted_once():
    table = preferences(TRUE, 0.0, seed=1)
    found = {one.model: one for one in rank(answers_of_table(table, "made"), seed=0).strengths}
    for model, one in found.items():
        won = ((table["model_a"] == model) & (table["AQ"] == "a")) | (
            (table["model_b"] == model) & (table["AQ"] == "b")
        )
        met = (table["model_a"] == model) | (table["model_b"] == model)
        tied = met & (table["AQ"] == "tie")
        assert one.choices == met.sum()
        assert one.win_rate == pytest.approx((won.sum() + tied.sum() / 2) / met.sum())
    assert [one.model for one in rank(answers_of_table(table, "made"), seed=0).strengths] == ["z", "y", "x", "w"]


def test_a_ranking_does_not_depend_on_the_order_of_rows():
    table = preferences(TRUE, 0.0, seed=1, raters=8, each=20)
    one, other = (rank(answers_of_table(t, "made"), seed=2) for t in (table, table.sample(frac=1, random_state=1)))
    ends = [[s.interval.ends for s in r.strengths] for r in (one, other)]
    np.testing.assert_allclose(*ends, atol=1e-9)


def test_repeats_count_for_nothing():
    table = preferences(TRUE, 0.0, seed=1, raters=8, each=20)
    more = pd.concat([table, table.head(20).assign(role="repeat", AQ="a")])
    assert rank(answers_of_table(table, "made"), seed=2) == rank(answers_of_table(more, "made"), seed=2)


def test_one_rater_has_strengths_and_no_intervals():
    table = preferences({"x": 0.0, "y": 0.2}, 0.0, seed=1, raters=1, each=20)
    found = rank(answers_of_table(table, "made"), seed=0)
    assert found.strengths[0].interval.reason == "too few to resample: 1 of at least 3 raters"
    assert found.comparisons[0].p_value is None


@pytest.mark.slow(minutes=2)
@pytest.mark.parametrize("rater", [0.0, 0.4])
def test_intervals_of_strengths_cover_the_truth_about_as_often_as_they_say(rater):
    strengths, gaps = [], []
    for seed in range(150):
        found = rank(answers_of_table(preferences(TRUE, -0.3, seed, rater=rater), "made"), seed=seed, resamples=400)
        strengths += [one.interval.low <= TRUE[one.model] <= one.interval.high for one in found.strengths]
        gaps += [o.interval.low <= TRUE[o.first] - TRUE[o.second] <= o.interval.high for o in found.comparisons]
    # the four strengths of a study hang together: a share of 95 % has a standard error of some 1.3 %
    assert 0.9 <= np.mean(strengths) <= 0.99
    assert 0.9 <= np.mean(gaps) <= 0.99


def test_models_between_which_nobody_ever_chose_are_equally_strong():
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    rows = [(f"r{r}", "item", "inter", f"s{s}", *pairs[s % 3], "tie") for r in range(5) for s in range(8)]
    columns = ["rater", "role", "subset", "sample_id", "model_a", "model_b", "Q"]
    found = rank(answers_of_table(pd.DataFrame(rows, columns=columns), "made"), resamples=50, seed=0)
    assert [one.strength for one in found.strengths] == [0.0, 0.0, 0.0]
    assert [(one.ties > 0, one.difference, one.p_value, one.adjusted) for one in found.comparisons] == [
        (True, 0.0, 1.0, 1.0)
    ] * 3


def test_no_win_rate_is_below_none_or_above_all():
    rows = [(f"r{r}", "item", "inter", f"s{s}", "a", "b", "a" if r or s else "b") for r in range(3) for s in range(3)]
    columns = ["rater", "role", "subset", "sample_id", "model_a", "model_b", "Q"]
    found = rank(answers_of_table(pd.DataFrame(rows, columns=columns), "made"), resamples=200, seed=0).strengths
    assert {one.model: (one.win_interval.high if one.model == "a" else one.win_interval.low) for one in found} == {
        "a": 1.0, "b": 0.0
    }  # fmt: skip
