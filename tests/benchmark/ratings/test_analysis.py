from dataclasses import replace

import numpy as np
import pytest
from support.rated_studies import EFFECTS, Study, preferences, ratings

from benchmark.ratings.analysis import Settings, analyse_preferences, analyse_ratings
from benchmark.ratings.opinion import opinions
from benchmark.ratings.reading import answers_of_table
from benchmark.ratings.screening import screen

STUDY = Study(raters=30, scenes=40, each=5, careless=2, leave=0.4, repeats=4, checks=3)


def test_a_simulated_study_gives_back_what_went_in_and_names_the_careless():
    found = analyse_ratings(answers_of_table(ratings(STUDY, 11), "made"), Settings(resamples=400))
    assert STUDY.careless_names <= set(found.screening.left_out)
    assert len(found.screening.left_out) <= 3
    hits = [o.interval.low <= EFFECTS[o.model] <= o.interval.high for o in found.opinions]
    assert np.mean(hits) >= 13 / 15  # of 95 %; the five models of a criterion share raters and scenes
    gaps = [(d, EFFECTS[d.first] - EFFECTS[d.second]) for d in found.differences]
    assert np.mean([d.interval.low <= true <= d.interval.high for d, true in gaps]) >= 27 / 30
    far = [d for d, true in gaps if abs(true) > 0.8]
    assert far
    assert all(d.adjusted < 0.05 for d in far)
    assert all(t.adjusted < 0.05 for t in found.tests if abs(EFFECTS[t.first] - EFFECTS[t.second]) > 0.8)
    for one in found.mixed:
        assert one.rater_deviation == pytest.approx(STUDY.rater, abs=0.15)
        assert one.scene_deviation == pytest.approx(STUDY.scene, abs=0.15)
        assert one.residual_deviation == pytest.approx(np.hypot(STUDY.noise, 12**-0.5), abs=0.1)  # whole points


def test_careless_raters_pull_the_models_together_unless_they_are_left_out():
    table = ratings(Study(raters=12, scenes=20, each=4, careless=4, checks=3), 3)
    spans = []
    for screening in (True, False):
        kept, _ = screen(answers_of_table(table, "made"), enabled=screening)
        means = {o.model: o.mean for o in opinions(kept, resamples=40, seed=0) if o.criterion == "AQ"}
        spans.append(means["e"] - means["a"])
    assert spans[0] > spans[1] + 0.1


def test_one_rater_one_scene_one_model_and_constant_ratings_are_no_obstacle():
    table = ratings(Study(raters=1, scenes=1, each=1, effects={"m": 3.0}), 1)
    found = analyse_ratings(answers_of_table(table, "made"), Settings(resamples=60))
    assert [o.interval.ends for o in found.opinions] == [None] * 3
    assert (found.differences, found.tests) == ((), ())
    assert [r.reason for r in found.reliability] == ["no answer has two ratings"] * 3
    assert {m.reason for m in found.mixed} == {"all ratings are the same"}
    assert all(p.reason for p in found.plans)
    flat = ratings(Study(raters=6, scenes=6, each=3), 1).assign(AQ=3.0, TA=3.0, VA=3.0)
    found = analyse_ratings(answers_of_table(flat, "made"), Settings(resamples=60, screening=False))
    assert {o.interval.ends for o in found.opinions} == {(3.0, 3.0)}
    assert {(d.value, d.p_value) for d in found.differences} == {(0.0, 1.0)}
    assert {t.test.p_value for t in found.tests} == {None}
    assert {m.reason for m in found.mixed} == {"all ratings are the same"}


@pytest.mark.parametrize("precision", [0.0, -0.1, float("inf"), float("nan")])
def test_a_precision_that_no_interval_can_have_is_refused_at_once(precision):
    with pytest.raises(ValueError, match="--precision: expected a half-width in points above 0"):
        Settings(precision=precision)


def test_criteria_may_be_named_as_statistics_are():
    plain = ratings(Study(raters=6, scenes=6, each=3, repeats=2), 1)
    other = plain.rename(columns={"AQ": "count", "TA": "sum", "VA": "mean"})
    found = [analyse_ratings(answers_of_table(table, "made"), Settings(resamples=60)) for table in (plain, other)]
    assert {one.criterion for one in found[1].opinions} == {"count", "sum", "mean"}
    assert found[0].screening == found[1].screening
    for kind in ("opinions", "differences", "reliability", "plans"):
        one, renamed = (list(getattr(analysis, kind)) for analysis in found)
        names = {"AQ": "count", "TA": "sum", "VA": "mean"}
        assert [replace(item, criterion=names[item.criterion]) for item in one] == renamed


@pytest.mark.parametrize("name", ["rated", "value", "others", "second", "difference", "criterion", "points", "scene"])
def test_no_other_name_of_a_criterion_is_an_obstacle(name):
    table = ratings(Study(raters=5, scenes=5, each=3, repeats=2, criteria=(name,)), 1)
    found = analyse_ratings(answers_of_table(table, "made"), Settings(resamples=60))
    assert {one.criterion for one in found.opinions} == {name}


def test_a_study_of_preferences_is_screened_and_ranked():
    table = preferences({"x": -0.6, "y": 0.0, "z": 0.6}, -1.0, seed=2, raters=12, each=40)
    table.loc[table["rater"] == "p03", "AQ"] = "b"
    found = analyse_preferences(answers_of_table(table, "made"), Settings(resamples=100))
    assert found.screening.left_out == ("p03",)
    assert [one.model for one in found.ranking.strengths] == ["z", "y", "x"]
    assert "p03" not in found.preferences.raters
