"""`compare` of models that were run with several seeds: what is paired with what, and what is said of the rest."""

import numpy as np
import pandas as pd
import pytest

from benchmark.report import compare_runs
from benchmark.report.comparison.views import to_json
from benchmark.runs import RunDirectory
from metrics.uncertainty.bootstrap import paired_difference
from metrics.uncertainty.seeds import difference_with_seeds, interval_of_sets

BETTER_BY = {"tiny-foley": 0.3, "old-foley": 0.0}
NOISE = {0: 0.0, 1: 0.02, 2: -0.04, 3: 0.0}  # what a seed adds to the first model's KL


@pytest.fixture
def seeded(world, tmp_path):
    """A writer of one run of 40 samples; both models share what is hard of a sample and of a seed."""

    def write(model, seed, **settings) -> RunDirectory:
        name = model if seed == 0 else f"{model}@seed{seed}"
        run = world.write_run(tmp_path, model, "inter", world.Settings(resample_by="sample", **settings), folder=name)
        run.write(run.read_run().model_copy(update={"seed": seed}))
        of_sample = np.random.default_rng(9).normal(0, 0.5, 40)
        of_answer = np.random.default_rng([seed, len(model)]).normal(0, 0.05, 40)
        kl = 3.0 + of_sample + 0.5 * seed + of_answer - BETTER_BY[model]
        kl += NOISE[seed] if model == "tiny-foley" else 0.0
        table = pd.DataFrame({"sample_id": [f"sample-{place}" for place in range(40)], "kl": kl})
        texts = ("label", "paired_label", "target_id", "paired_id", "target_category", "paired_category")
        table = table.assign(**dict.fromkeys(texts, "a"), target_side="left", status="scored", reason="")
        table.to_parquet(run.samples_parquet)
        return run

    return write


@pytest.fixture
def three(seeded):
    """Three seeds of each of two models."""
    return {model: [seeded(model, seed) for seed in range(3)] for model in BETTER_BY}


def change(comparison, metric):
    return next(one for one in comparison.changes if (one.metric.name, one.scope) == (metric, "all"))


def scores(runs):
    return np.stack([pd.read_parquet(run.samples_parquet)["kl"] for run in runs], axis=1)


def test_models_are_paired_seed_by_seed_and_sample_by_sample(three):
    comparison = compare_runs(three["tiny-foley"][0], three["old-foley"][0])
    found, first, second = change(comparison, "kl"), scores(three["tiny-foley"]), scores(three["old-foley"])
    assert comparison.seeds == (0, 1, 2)
    assert (found.first, found.second) == pytest.approx((first.mean(), second.mean()))
    of_samples = paired_difference(first.mean(axis=1), second.mean(axis=1), seed=0)
    wanted = difference_with_seeds(of_samples, (first - second).mean(axis=0))
    assert (found.low, found.high) == pytest.approx(wanted.interval.ends)
    assert found.p_value == pytest.approx(wanted.p_value)


def test_what_seeds_share_cancels_in_pairs(three):
    """Seeds move both models by 0.5 each, ten times as far as they move the difference."""
    found = change(compare_runs(three["tiny-foley"][0], three["old-foley"][0]), "kl")
    assert found.high < 0
    assert found.high - found.low < 0.4


def test_the_caption_and_the_json_say_which_seeds(three):
    comparison = compare_runs(three["tiny-foley"][0], three["old-foley"][0])
    assert "Paired seed by seed (seeds 0, 1, 2): values are means over the seeds" in comparison.caption
    assert to_json(comparison)["seeds"] == [0, 1, 2]


def test_a_seed_that_one_of_them_lacks_is_left_out_and_said(three, seeded):
    seeded("tiny-foley", 3)
    comparison = compare_runs(three["tiny-foley"][0], three["old-foley"][0])
    assert comparison.seeds == (0, 1, 2)
    assert "Only the first has seed 3, in no number here." in comparison.caption


def test_without_two_seeds_in_common_the_runs_named_are_compared_and_that_is_said(three, seeded):
    for run in three["old-foley"][1:]:
        run.metrics_json.unlink()
    comparison = compare_runs(three["tiny-foley"][0], three["old-foley"][0])
    assert comparison.seeds == ()
    assert change(comparison, "kl").first == pytest.approx(scores(three["tiny-foley"])[:, 0].mean())
    assert (
        "Not paired by seed: the first has seeds 0, 1, 2 and the second has seed 0; the two runs named are compared."
        in comparison.caption
    )


def test_runs_that_are_named_for_their_seed_or_asked_for_alone_stand_for_themselves(three):
    one = compare_runs(three["tiny-foley"][1], three["old-foley"][1])
    assert (one.first, one.seeds, "seed by seed" in one.caption) == ("tiny-foley@seed1", (), False)
    alone = compare_runs(three["tiny-foley"][0], three["old-foley"][0], alone=True)
    assert change(alone, "kl").first == pytest.approx(scores(three["tiny-foley"])[:, 0].mean())
    assert (alone.seeds, "seed" in alone.caption, "seeds" in to_json(alone)) == ((), False, False)


def test_runs_of_other_options_are_no_seeds_of_a_model(three):
    for run in three["old-foley"][1:]:
        for record in (run.read_run(), run.read_metrics()):
            run.write(record.model_copy(update={"model": record.model.model_copy(update={"options": {"steps": 9}})}))
    assert compare_runs(three["tiny-foley"][0], three["old-foley"][0]).seeds == ()


def test_only_samples_that_every_seed_scored_are_compared(three):
    run = three["old-foley"][2]
    table = pd.read_parquet(run.samples_parquet)
    table.loc[7, ["status", "reason", "kl"]] = ["failed", "no answer", None]
    table.to_parquet(run.samples_parquet)
    comparison = compare_runs(three["tiny-foley"][0], three["old-foley"][0])
    assert (change(comparison, "kl").samples, comparison.only_one) == (39, ("sample-7",))


def test_set_wise_scores_are_means_over_the_seeds(three):
    for place, run in enumerate(three["tiny-foley"]):
        record = run.read_metrics()
        fad = record.metrics["fad"].model_copy(update={"value": 3.0 + place, "n": 40})
        run.write(record.model_copy(update={"metrics": {**record.metrics, "fad": fad}}))
    found = change(compare_runs(three["tiny-foley"][0], three["old-foley"][0]), "fad")
    assert (found.first, found.p_value) == (4.0, None)


def test_set_wise_tests_are_joined_over_the_seeds():
    from benchmark.report.comparison.seeds import set_differences_over_seeds
    from benchmark.report.comparison.set_scores import SetDifference
    from metrics.uncertainty.intervals import Interval
    from metrics.uncertainty.significance import Difference

    def one(first):
        interval = Interval(first - 2.0, first, 0.95, "jackknife")
        return SetDifference(first, 1.0, Difference(first - 1.0, interval, 0.5, "jackknife"))

    found = set_differences_over_seeds([{"fad": one(3.0), "kad": one(1.0)}, {"fad": one(4.0)}])
    assert list(found) == ["fad"]
    assert (found["fad"].first, found["fad"].second) == (3.5, 1.0)
    assert found["fad"].difference.interval.ends == interval_of_sets([2.0, 3.0], [(1.0, 3.0), (2.0, 4.0)])
