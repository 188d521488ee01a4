from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, spearmanr
from support.rated_answers import POINTS, inter, read, study

from benchmark.ratings.opinion import opinions
from benchmark.report.agreement import agreement_by_answer, agreement_by_model, agreements
from benchmark.report.figures.ratings import agreement_figure
from benchmark.report.samples import clips_of
from metrics.registry import get_metric

EVERY = list(POINTS)  # all models of the made world


def by_name(found, method="spearman"):
    return {(one.metric.name, one.criterion): one for one in found if one.method == method}


def varied(world, raters):
    """Ratings of every model that differ from rater to rater and from scene to scene, of nobody else's."""
    table = study(world, raters=[f"r{place}" for place in range(raters)], models=EVERY)
    rng = np.random.default_rng(8)
    for name in ("AQ", "TA", "VA"):
        table[name] = (table[name] + rng.integers(-1, 2, len(table))).clip(1, 5)
    return table


def test_agreement_is_positive_where_people_prefer_what_the_metric_prefers(made, world, tmp_path):
    ratings, (part, results) = read(made, study(world), tmp_path), inter(made)
    found = by_name(agreement_by_answer(ratings, part, results.scoring))
    kl, clap = found["kl", "AQ"], found["clap", "AQ"]  # lower is better, higher is better
    assert kl.count == clap.count == 14
    assert kl.value > 0.8
    assert clap.value > 0.8
    upside_down = study(world).assign(AQ=lambda table: 6 - table["AQ"])
    turned = by_name(agreement_by_answer(read(made, upside_down, tmp_path), part, results.scoring))
    assert turned["kl", "AQ"].value == pytest.approx(-kl.value)


@pytest.mark.parametrize(("method", "correlate"), [("spearman", spearmanr), ("kendall", kendalltau)])
def test_agreement_over_answers_is_the_correlation_of_scores_with_mean_ratings(
    made, world, tmp_path, method, correlate
):
    ratings, (part, results) = read(made, varied(world, 3), tmp_path), inter(made)
    one = by_name(agreement_by_answer(ratings, part, results.scoring, [method]), method)["kl", "AQ"]
    answers = ratings.with_scores(part).dropna(subset=["kl"])
    assert one.value == pytest.approx(-correlate(answers["kl"], answers["AQ"]).statistic)
    assert one.count == len(answers)


def test_agreement_by_answer_has_intervals_around_it(made, world, tmp_path):
    rng = np.random.default_rng(8)
    table = study(world)
    table["AQ"] = rng.integers(1, 6, len(table))
    ratings, (part, results) = read(made, table, tmp_path), inter(made)
    scoring = results.scoring.model_copy(update={"resample_by": "sample"})
    kl = by_name(agreement_by_answer(ratings, part, scoring))["kl", "AQ"]
    low, high = kl.interval.ends
    assert -1 <= low < kl.value < high <= 1


def test_agreement_by_model_ranks_the_scores_of_the_whole_subset(made, world, tmp_path):
    ratings, (_, results) = read(made, study(world, models=EVERY), tmp_path), inter(made)
    found = by_name(agreement_by_model(ratings, results.of("inter"), results.scoring))
    assert {o.count for o in found.values()} == {4}  # old-foley lacks a sample, so its scores are of another set
    assert found["fad", "TA"].value == pytest.approx(1.0)  # the better score, the more points, by construction
    assert found["inception_score", "TA"].value == pytest.approx(1.0)
    assert ("imagebind", "AQ") not in found  # this profile has none


def test_the_points_of_a_model_are_its_mean_opinion_also_where_answers_were_rated_unequally_often(
    made, world, tmp_path
):
    sample, *others = world.sample_ids("inter")
    rows = [("inter", sample, "tiny-foley", f"r{n}", 1) for n in range(9)]  # once bad, nine times
    rows += [("inter", other, "tiny-foley", "r0", 5) for other in others]  # mean of answers 4.2, of ratings 2.2
    rows += [("inter", one, model, "r0", points) for one in [sample, *others]
             for model, points in (("grand-foley", 4), ("oracle", 3), ("noise", 1))]  # fmt: skip
    table = pd.DataFrame(rows, columns=["subset", "sample_id", "model", "rater", "AQ"])
    ratings, (_, results) = read(made, table, tmp_path), inter(made)
    means = {one.model: one.mean for one in opinions(ratings.answers, seed=0)}
    assert sorted(means, key=means.get) == ["noise", "tiny-foley", "oracle", "grand-foley"]
    rows = [row for row in results.of("inter") if row.key in means]
    scores = [row.values["fad"].value for row in rows]
    found = by_name(agreement_by_model(ratings, results.of("inter"), results.scoring))["fad", "AQ"]
    assert found.value == pytest.approx(-spearmanr(scores, [means[row.key] for row in rows]).statistic)


def test_an_interval_over_models_holds_what_other_raters_and_scenes_may_say(made, world, tmp_path):
    ratings, (_, results) = read(made, varied(world, 6), tmp_path), inter(made)
    found = agreement_by_model(ratings, results.of("inter"), results.scoring)
    assert all(one.interval.ends is not None for one in found)
    assert all(-1 <= one.interval.low <= one.interval.high <= 1 for one in found)
    assert any(one.interval.low < one.interval.high for one in found)


def test_too_few_raters_leave_a_correlation_over_models_without_an_interval_and_with_the_reason(made, world, tmp_path):
    ratings, (_, results) = read(made, varied(world, 2), tmp_path), inter(made)
    found = agreement_by_model(ratings, results.of("inter"), results.scoring)
    assert all(one.value is not None for one in found)
    assert {(o.interval.ends, o.interval.reason) for o in found} == {
        (None, "too few to resample: 2 of at least 3 raters")
    }


def test_two_models_have_no_correlation_and_the_reason(made, world, tmp_path):
    ratings = read(made, study(world, raters="abc", models=("tiny-foley", "grand-foley")), tmp_path)
    _, results = inter(made)
    found = agreement_by_model(ratings, results.of("inter"), results.scoring)
    assert {(o.value, o.interval.reason) for o in found} == {(None, "too few to correlate: 2 of at least 3 models")}


def test_a_criterion_that_is_the_same_everywhere_has_no_correlation(made, world, tmp_path):
    ratings, (part, results) = read(made, study(world, models=EVERY).assign(AQ=3), tmp_path), inter(made)
    every = agreements(ratings, part, results.of("inter"), results.scoring)
    flat = {(one.over, one.value, one.interval.reason) for one in every if one.criterion == "AQ"}
    assert flat == {(over, None, f"all {over} have the same mean rating") for over in ("answers", "models")}
    assert None not in {one.value for one in every if one.criterion == "TA"}


def test_the_figure_shows_the_correlations_and_a_dash_where_there_is_none(made, world, tmp_path):
    ratings, (part, results) = read(made, study(world, models=EVERY).assign(AQ=3), tmp_path), inter(made)
    found = agreements(ratings, part, results.of("inter"), results.scoring, ["spearman"])
    figure = agreement_figure(found, ratings.criteria)
    left, right = figure.axes
    assert [text.get_text() for text in left.get_yticklabels()] == [
        "AQ: audio quality",
        "TA: text-audio alignment",
        "VA: audio-video alignment",
    ]
    assert [text.get_text() for text in right.get_xticklabels()] == ["FAD", "KAD", "IS", "KL", "CLAP", "DeSync"]
    shown = [text.get_text() for text in right.texts if not text.get_text().startswith("[")]
    models = {(o.criterion, o.metric.label): o for o in found if o.over == "models"}
    grid = [models[name, label].value for name in ratings.criteria for label in dict.fromkeys(m for _, m in models)]
    assert shown == ["–" if value is None else f"{value:.2f}" for value in grid]
    below = figure._supxlabel.get_text()
    assert "in brackets: 95% interval" in below
    assert "no interval over models: too few to resample: 2 of at least 3 raters" in below


def test_a_negative_correlation_is_shaded_unlike_none_and_its_text_stays_readable(made, world, tmp_path):
    ratings, (part, results) = read(made, study(world), tmp_path), inter(made)
    one = by_name(agreement_by_answer(ratings, part, results.scoring))["kl", "AQ"]
    found = [replace(one, value=value, metric=get_metric(name)) for name, value in
             (("kl", -0.9), ("clap", 0.0), ("desync", 0.9))]  # fmt: skip
    axes = agreement_figure(found, ("AQ",)).axes[0]
    image = axes.images[0]
    shades = image.cmap(image.norm(image.get_array()))[0]
    assert len({tuple(shade) for shade in shades}) == 3
    inks = [text.get_color() for text in axes.texts if not text.get_text().startswith("[")]
    assert inks[0] == inks[2] == "white"
    assert inks[1] != "white"


def test_answers_are_resampled_by_clip_where_the_metrics_are(made, world, tmp_path):
    ratings, (part, results) = read(made, varied(world, 3), tmp_path), inter(made)
    by_clip, by_sample = (
        by_name(agreement_by_answer(ratings, part, results.scoring.model_copy(update={"resample_by": how})))
        for how in ("source", "sample")
    )
    assert clips_of(ratings.with_scores(part)).shape == (len(ratings.means), 2)
    assert by_clip["kl", "AQ"].value == by_sample["kl", "AQ"].value
    assert by_clip["kl", "AQ"].interval != by_sample["kl", "AQ"].interval
