import numpy as np
import pytest
from support.rated_studies import Study, ratings

from benchmark.ratings.answers import Answers
from benchmark.ratings.opinion import opinions
from benchmark.ratings.planning import plan, variance_components
from benchmark.ratings.reading import answers_of_table


def exact(study, seed):
    table = ratings(study, seed)
    rough = answers_of_table(table.assign(AQ=3), "made")
    return Answers(rough.table.assign(AQ=table["AQ"]), ("AQ",), (1, 5), "made")


def test_components_of_a_balanced_design_are_those_of_the_analysis_of_variance():
    answers = exact(Study(raters=6, scenes=9, each=6, effects={"m": 3.0}, whole=False, criteria=("AQ",)), 1)
    matrix = answers.items.pivot_table(index="rater", columns="sample_id", values="AQ").to_numpy()
    r, s = matrix.shape
    by_rater = s * matrix.mean(axis=1).var(ddof=1)
    by_scene = r * matrix.mean(axis=0).var(ddof=1)
    left = matrix - matrix.mean(axis=1, keepdims=True) - matrix.mean(axis=0) + matrix.mean()
    noise = (left**2).sum() / ((r - 1) * (s - 1))
    found = variance_components([answers.items], "AQ")
    assert found.noise == pytest.approx(noise)
    assert found.rater == pytest.approx((by_rater - noise) / s)
    assert found.scene == pytest.approx((by_scene - noise) / r)


def test_components_are_right_on_the_whole_also_where_raters_leave():
    study = Study(whole=False, criteria=("AQ",), leave=0.5, rater=0.4, scene=0.5, noise=0.7)
    found = [plan(exact(study, seed), 0.1)[0].components for seed in range(12)]
    # 12 studies of 30 raters and 40 scenes: standard errors 0.012, 0.016 and 0.006
    assert np.mean([one.rater for one in found]) == pytest.approx(0.16, abs=0.04)
    assert np.mean([one.scene for one in found]) == pytest.approx(0.25, abs=0.05)
    assert np.mean([one.noise for one in found]) == pytest.approx(0.49, abs=0.02)


def test_a_plan_that_is_carried_out_has_the_wanted_precision():
    pilot = Study(raters=20, scenes=60, each=4, whole=False, criteria=("AQ",), rater=0.5, scene=0.2, noise=0.7)
    (found,) = plan(exact(pilot, 3), wanted=0.16)
    assert found.ratings_each == pytest.approx(12.0)
    needed = found.raters_needed
    assert 30 < needed < 60
    reached = []
    for seed in range(3):  # the study that was planned: as many ratings by each rater, of the same scenes
        study = Study(raters=needed, scenes=60, each=round(needed * 12 / 60), whole=False, criteria=("AQ",), rater=0.5,
                      scene=0.2, noise=0.7)  # fmt: skip
        reached += [(one.interval.high - one.interval.low) / 2 for one in opinions(exact(study, seed), seed=0)]
    assert np.mean(reached) == pytest.approx(0.16, rel=0.2)  # the pilot of twenty knows its variances to 20 %


def test_where_scenes_alone_are_too_few_no_number_of_raters_suffices():
    (found,) = plan(exact(Study(raters=20, scenes=10, each=4, whole=False, criteria=("AQ",)), 1), wanted=0.1)
    assert found.raters_needed is None
    assert found.raters_for_these > 20
    assert found.scenes_needed > 10


def test_a_wider_interval_needs_fewer():
    answers = exact(Study(raters=20, scenes=60, each=4, whole=False, criteria=("AQ",)), 1)
    needed = [plan(answers, wanted)[0].raters_for_these for wanted in (0.1, 0.2, 0.4)]
    assert needed == sorted(needed, reverse=True)
    assert needed[1] == pytest.approx(needed[0] / 4, abs=1)


def test_a_pilot_that_cannot_tell_raters_from_scenes_says_so():
    answers = answers_of_table(ratings(Study(raters=5, scenes=5, each=1, effects={"m": 3.0}), 1), "made")
    (found, *_) = plan(answers, 0.1)
    assert found.components is None
    assert found.reason.startswith("the pilot cannot tell raters, scenes and noise apart")


@pytest.mark.parametrize("wanted", [0, -1, float("nan")])
def test_a_precision_of_nothing_is_refused(wanted):
    answers = answers_of_table(ratings(Study(raters=5, scenes=5, each=2), 1), "made")
    with pytest.raises(ValueError, match=r"precision: expected a half-width in points above 0, such as 0\.1, got"):
        plan(answers, wanted)


def test_the_half_width_of_a_pilot_counts_raters_scenes_and_single_ratings_once_each():
    answers = answers_of_table(ratings(Study(raters=10, scenes=12, each=4), 3), "made")
    one = next(o for o in plan(answers, 0.2) if o.criterion == "AQ")
    assert one.ratings_each > 1
    parts = one.components
    variance = parts.rater / one.raters + parts.scene / one.scenes
    variance += parts.noise / (one.raters * one.ratings_each)
    assert one.half_width == pytest.approx(1.959964 * variance**0.5, rel=1e-5)
