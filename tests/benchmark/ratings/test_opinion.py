import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from support.rated_studies import EFFECTS, Study, ratings

from benchmark.ratings.answers import Answers
from benchmark.ratings.design import draw, paired_estimate
from benchmark.ratings.opinion import differences, estimates_by_model, opinions
from benchmark.ratings.reading import answers_of_table


def answers_of(rows):
    """Ratings given as (rater, scene, model, AQ)."""
    table = pd.DataFrame(rows, columns=["rater", "sample_id", "model", "AQ"])
    return answers_of_table(table.assign(role="item", subset="inter", category="cats"), "made")


def exact(study, seed):
    """Ratings that are no whole points, which no file could hold."""
    table = ratings(study, seed)
    rough = answers_of_table(table.assign(**dict.fromkeys(study.criteria, 3)), "made")
    return Answers(rough.table.assign(**{name: table[name] for name in study.criteria}), rough.criteria, (1, 5), "made")


def test_a_score_is_the_mean_of_all_ratings():
    answers = answers_of([("p", "s1", "m", 5), ("q", "s1", "m", 4), ("p", "s2", "m", 3)])
    (found,) = opinions(answers, seed=0)
    assert (found.mean, found.ratings, found.scenes, found.raters) == (4.0, 3, 2, 2)


def test_a_rating_that_was_not_given_counts_for_nothing():
    answers = answers_of([("p", "s1", "m", 5), ("q", "s1", "m", ""), ("p", "s2", "n", "")])
    (found,) = opinions(answers, seed=0)
    assert (found.model, found.mean, found.ratings) == ("m", 5.0, 1)


def test_with_scenes_alone_differing_the_interval_is_students_of_the_scene_means():
    levels = np.tile([1, 2, 4, 5], 10)
    rows = [(f"p{r}", f"s{s:02d}", "m", int(level)) for s, level in enumerate(levels) for r in range(6)]
    (found,) = opinions(answers_of(rows), resamples=20_000, seed=0)
    reach = t.ppf(0.975, 39) * levels.std(ddof=1) / np.sqrt(len(levels))
    # 3 %: quantiles of 20,000 resamples, which are not quite normal
    assert found.interval.ends == pytest.approx((3 - reach, 3 + reach), abs=0.03 * reach)


def test_with_raters_alone_differing_the_interval_is_students_of_the_raters_means():
    levels = np.tile([1, 2, 4, 5], 10)
    rows = [(f"p{r:02d}", f"s{s}", "m", int(level)) for r, level in enumerate(levels) for s in range(6)]
    (found,) = opinions(answers_of(rows), resamples=20_000, seed=0)
    reach = t.ppf(0.975, 39) * levels.std(ddof=1) / np.sqrt(len(levels))
    assert found.interval.ends == pytest.approx((3 - reach, 3 + reach), abs=0.03 * reach)


def test_a_difference_is_paired_by_scene_and_rater():
    rng = np.random.default_rng(1)
    rows = []
    for s in range(30):
        for r in range(6):
            level = int(rng.integers(1, 4))
            rows += [(f"p{r}", f"s{s:02d}", "m", level + 1), (f"p{r}", f"s{s:02d}", "n", level)]
    answers = answers_of(rows)
    (found,) = differences(answers, seed=0)
    assert (found.first, found.second, found.value, found.scenes) == ("m", "n", pytest.approx(1.0), 30)
    assert found.interval.ends == pytest.approx((1.0, 1.0), abs=1e-9)
    assert found.p_value == pytest.approx(0.0, abs=1e-9)
    low, high = opinions(answers, seed=0)[0].interval.ends
    assert high - low > 0.1


def test_a_difference_is_taken_on_the_scenes_that_both_were_rated_on():
    rows = [(p, s, m, v) for p in "pqr" for s in ("s1", "s2", "s3") for m, v in (("m", 4), ("n", 2))]
    rows += [("p", "s4", "m", 1), ("p", "s5", "n", 5)]
    (found,) = differences(answers_of(rows), seed=0)
    assert (found.value, found.scenes) == (2.0, 3)


def test_models_rated_alike_on_every_scene_do_not_differ_however_often_each_was_rated():
    points = {"s1": 1, "s2": 2, "s3": 4, "s4": 5}
    rows = [
        (f"p{r}", scene, model, level)
        for scene, level in points.items()
        for model in ("m", "n")
        for r in range(12 if (model == "n") == (level > 3) else 6)  # n was rated more on the better scenes
    ]
    means = {one.model: one.mean for one in opinions(answers_of(rows), seed=0)}
    assert means["n"] > means["m"] + 0.5
    (found,) = differences(answers_of(rows), seed=0)
    assert (found.value, found.p_value) == (0.0, 1.0)
    assert found.interval.ends == pytest.approx((0.0, 0.0), abs=1e-12)


def test_a_difference_weighs_a_scene_by_the_ratings_of_both():
    rows = [("p", "s1", "m", 5), ("p", "s1", "n", 1)]  # 4 points, weight 1 / 2
    rows += [(p, "s2", m, v) for p in "pqrs" for m, v in (("m", 3), ("n", 2))]  # 1 point, weight 16 / 8
    (found,) = differences(answers_of(rows), seed=0)
    assert found.value == pytest.approx((4 * 0.5 + 1 * 2) / 2.5)


def test_raters_of_scenes_that_one_model_alone_has_do_not_move_a_difference():
    rng = np.random.default_rng(5)
    rows = [(p, f"s{s}", m, int(rng.integers(1, 6))) for p in "pqrt" for s in range(6) for m in "mn"]
    more = [(p, f"t{s}", "m", int(rng.integers(1, 6))) for p in "pqrt" for s in range(6)]
    draws = draw(answers_of(rows + more).items, seed=0)
    found = []
    for part in (rows, rows + more):
        items = answers_of(part).items
        sides = [items[items["model"] == model] for model in "mn"]
        found.append(paired_estimate(draws, *[
            (draws.matrix(side, side["AQ"]), draws.matrix(side, side["AQ"] * 0 + 1)) for side in sides
        ]))  # fmt: skip
    assert found[0].value == found[1].value
    assert found[0].error == pytest.approx(found[1].error)
    np.testing.assert_array_equal(found[0].replicates, found[1].replicates)


def test_the_influence_of_a_rating_on_a_difference_is_what_a_little_more_of_it_does(monkeypatch):
    rng = np.random.default_rng(2)
    counts = [rng.integers(0, 3, (4, 5)).astype(float) for _ in "mn"]
    sums = [count * rng.integers(1, 6, count.shape) for count in counts]
    table = pd.DataFrame([(f"p{r}", f"s{s}") for r in range(4) for s in range(5)], columns=["rater", "sample_id"])
    draws = draw(table, resamples=20, seed=0)
    seen = []
    monkeypatch.setattr(
        "benchmark.ratings.design.with_error",
        lambda draws, value, replicates, influence, rated, **_: seen.append((value, influence)),
    )

    def pair(weights):
        paired_estimate(draws, (sums[0] * weights, counts[0] * weights), (sums[1] * weights, counts[1] * weights))
        return seen[-1]

    value, influence = pair(np.ones((4, 5)))
    step = 1e-6
    for cell in np.ndindex(4, 5):
        weights = np.ones((4, 5))
        weights[cell] += step
        assert (pair(weights)[0] - value) / step == pytest.approx(influence[cell], abs=1e-5)


def test_models_without_a_common_scene_have_no_difference():
    (found,) = differences(answers_of([("p", "s1", "m", 4), ("p", "s2", "n", 2)]), seed=0)
    assert (found.value, found.p_value, found.adjusted) == (None, None, None)
    assert found.interval.reason == "no scene on which both were rated"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("p", f"s{n}", "m", 3) for n in range(9)], "too few to resample: 1 of at least 3 raters"),
        ([(f"p{n}", "s", "m", 3) for n in range(9)], "too few to resample: 1 of at least 3 scenes"),
        ([("p", "s", "m", 3)], "too few to resample: 1 of at least 3 scenes and 1 of at least 3 raters"),
    ],
)
def test_one_rater_or_one_scene_has_a_mean_and_no_interval(rows, reason):
    (found,) = opinions(answers_of(rows), seed=0)
    assert (found.mean, found.interval.ends, found.interval.reason) == (3.0, None, reason)


def test_constant_ratings_have_an_interval_of_no_width():
    rows = [(f"p{r}", f"s{s}", "m", 3) for r in range(4) for s in range(4)]
    (found,) = opinions(answers_of(rows), seed=0)
    assert found.interval.ends == (3.0, 3.0)


def test_an_interval_ends_where_the_scale_ends():
    rows = [(f"p{r}", f"s{s}", "m", 5 if r or s else 3) for r in range(4) for s in range(4)]
    (found,) = opinions(answers_of(rows), seed=0)
    assert found.interval.high == 5.0
    assert 1.0 < found.interval.low < found.mean < 5.0


def test_no_difference_is_longer_than_the_scale():
    rows = [(f"p{r}", f"s{s}", model, 5 if (model == "m") == bool(r or s) else 1) for r in range(3) for s in range(3)
            for model in "mn"]  # fmt: skip
    (found,) = differences(answers_of(rows), seed=0)
    assert found.interval.high == 4.0
    assert -4.0 <= found.interval.low < found.value < 4.0


def test_intervals_do_not_depend_on_the_order_of_rows_and_do_on_the_seed():
    table = ratings(Study(raters=8, scenes=10, each=3), 4)
    one, other = (answers_of_table(rows, "made") for rows in (table, table.sample(frac=1, random_state=1)))
    np.testing.assert_allclose(*[[o.interval.ends for o in opinions(a, seed=3)] for a in (one, other)], atol=1e-12)
    assert opinions(one, seed=3) == opinions(one, seed=3)
    assert opinions(one, seed=3)[0].interval.ends != opinions(one, seed=4)[0].interval.ends


def test_raters_without_names_are_not_resampled():
    answers = answers_of([(f"p{n}", f"s{n % 10}", "m", 1 + n % 5) for n in range(40)])
    nameless = Answers(answers.table, answers.criteria, answers.points, "made", named=False)
    (found,) = opinions(nameless, seed=0)
    assert found.raters == 0
    scene_means = [np.mean([1 + n % 5 for n in range(s, 40, 10)]) for s in range(10)]
    reach = t.ppf(0.975, 9) * np.std(scene_means, ddof=1) / np.sqrt(10)
    low, high = found.interval.ends
    assert (high - low) / 2 == pytest.approx(reach, rel=0.1)  # 1,000 resamples of ten scenes


def test_categories_are_averaged_apart():
    answers = answers_of_table(ratings(Study(raters=8, scenes=10, each=4), 1), "made")
    found = [o for o in opinions(answers, by_category=True, seed=0) if (o.model, o.criterion) == ("a", "AQ")]
    assert [o.category for o in found] == ["animals", "music"]
    rows = answers.items[(answers.items["model"] == "a") & (answers.items["category"] == "music")]
    assert found[1].mean == pytest.approx(rows["AQ"].mean())
    assert found[1].scenes == 5


def test_resampled_means_of_models_lie_around_their_opinions_with_the_right_spread():
    answers = answers_of_table(ratings(Study(), 2), "made")
    means = estimates_by_model(answers, "AQ", seed=0)
    found = {o.model: o for o in opinions(answers, seed=0) if o.criterion == "AQ"}
    assert set(means) == set(EFFECTS)
    for model in ("a", "e"):
        low, high = found[model].interval.ends
        column = means[model].scaled()
        assert means[model].value == found[model].mean
        assert column.shape == (1000,)
        assert column.mean() == pytest.approx(found[model].mean, abs=1e-9)
        assert np.ptp(np.quantile(column, [0.025, 0.975])) == pytest.approx(high - low, rel=0.06)  # Student's t, 29


def covered(study, seeds):
    """Share of the true means, and of the true differences, that lie within their intervals."""
    means, gaps = [], []
    for seed in seeds:
        answers = exact(study, seed)
        found = opinions(answers, resamples=400, seed=seed)
        means += [one.interval.low <= EFFECTS[one.model] <= one.interval.high for one in found]
        pairs = differences(answers, resamples=400, seed=seed)
        gaps += [p.interval.low <= EFFECTS[p.first] - EFFECTS[p.second] <= p.interval.high for p in pairs]
    return np.mean(means), np.mean(gaps)


@pytest.mark.slow(minutes=3)
@pytest.mark.parametrize(
    "study",
    [
        Study(whole=False, criteria=("AQ",)),
        Study(whole=False, criteria=("AQ",), rater=0.1, scene=0.1, noise=0.9),
        Study(whole=False, criteria=("AQ",), raters=12, scenes=20, each=4),
        Study(whole=False, criteria=("AQ",), rater=0.7, scene=0.7, noise=0.3, leave=0.4),
    ],
    ids=["all three vary", "noise alone", "small", "raters leave"],
)
def test_intervals_cover_the_truth_about_as_often_as_they_say(study):
    of_means, of_differences = covered(study, range(150))
    # 150 studies; the models of one share raters and scenes, so a share of 95 % has a standard error of some 1.5 %
    assert 0.91 <= of_means <= 0.99
    assert 0.92 <= of_differences <= 0.99
