import numpy as np
import pandas as pd
import pytest
from support.rated_studies import Study, ratings

from benchmark.ratings import mixed
from benchmark.ratings.mixed import fit_mixed, mixed_models
from benchmark.ratings.reading import answers_of_table

# Davies and Goldsmith 1972, section 6.6: zones of inhibition in mm, 24 plates (rows) by six samples of penicillin.
PENICILLIN = """
27 23 26 23 23 21  27 23 26 23 23 21  25 21 25 24 24 20  26 23 25 23 23 20  25 22 26 22 23 20  24 22 25 23 22 19
24 20 23 21 22 19  26 22 26 24 24 21  24 21 24 22 22 20  24 21 24 23 22 19  26 23 26 24 24 21  25 22 26 24 24 20
26 24 26 24 25 22  26 23 26 23 23 20  26 23 25 24 24 22  25 22 25 23 23 20  25 21 24 23 23 20  25 22 24 23 23 19
24 21 23 21 21 19  26 23 26 24 24 21  25 21 24 22 22 18  25 22 25 22 22 20  24 21 24 22 24 19  24 21 24 22 21 18
"""


def penicillin():
    values = np.array(PENICILLIN.split(), dtype=float)
    plates, samples = np.repeat(np.arange(24), 6), np.tile(np.arange(6), 24)
    return pd.DataFrame(
        {
            "rater": [f"plate{n:02d}" for n in plates],
            "sample_id": [f"s{n}" for n in samples],
            "model": "m",
            "AQ": values,
        }
    )


def test_crossed_effects_are_those_that_lme4_publishes_for_penicillin():
    found = fit_mixed(penicillin(), "AQ")
    # Bates 2010, lme4: Mixed-effects modeling with R, section 2.1, fitted by REML; as many digits as are printed
    assert found.base_mean == pytest.approx(22.9722, abs=5e-5)
    assert found.rater_deviation == pytest.approx(0.8467, abs=1e-3)
    assert found.scene_deviation == pytest.approx(1.9316, abs=2e-3)
    assert found.residual_deviation == pytest.approx(0.5499, abs=5e-4)
    assert (found.ratings, found.effects, found.reason) == (144, (), "")


def test_effects_of_models_are_against_the_first_and_hold_what_is_true():
    answers = answers_of_table(ratings(Study(raters=15, scenes=20, each=4), 3), "made")
    found = mixed_models(answers)[0]
    assert (found.base, [one.model for one in found.effects]) == ("a", ["b", "c", "d", "e"])
    for one, true in zip(found.effects, (0.3, 0.6, 0.9, 1.2), strict=True):
        assert abs(one.value - true) < 3 * one.error + 0.1  # points are rounded and end at 1 and 5
        assert one.interval.low < one.value < one.interval.high
    assert found.effects[3].p_value < 0.001


def test_a_study_too_large_for_dense_matrices_is_left_out_and_says_so(monkeypatch):
    answers = answers_of_table(ratings(Study(raters=6, scenes=6, each=3), 3), "made")
    monkeypatch.setattr(mixed, "MOST_EFFECTS", 41)
    found = mixed_models(answers)[0]
    assert found.reason.startswith("left out for its size: 6 raters, 6 scenes and 30 answers, at most 41 together")
    assert (found.base_mean, found.effects) == (None, ())


def test_two_raters_are_too_few():
    answers = answers_of_table(ratings(Study(raters=2, scenes=6, each=2), 3), "made")
    assert mixed_models(answers)[0].reason == "needs at least 3 raters and 3 scenes, got 2 and 6"


def varying(seed, *, raters=16, scenes=20, deviation=0.5):
    """Ratings of two models that do not differ in general, and do by `deviation` from scene to scene."""
    rng = np.random.default_rng(seed)
    strict, good = rng.normal(0, 0.4, raters), rng.normal(0, 0.5, scenes)
    own = rng.normal(0, deviation, (scenes, 2))
    rows = [
        (f"p{r}", f"s{s}", "mn"[m], 3 + strict[r] + good[s] + own[s, m] + rng.normal(0, 0.7))
        for s in range(scenes)
        for m in range(2)
        for r in rng.permutation(raters)[:6]
    ]
    return pd.DataFrame(rows, columns=["rater", "sample_id", "model", "AQ"])


def test_models_that_differ_from_scene_to_scene_alone_are_seldom_found_to_differ():
    found = [fit_mixed(varying(seed), "AQ") for seed in range(60)]
    # 3 of 60 are expected, and some more as the errors are those of a normal distribution; without the term, 16
    assert sum(one.effects[0].p_value < 0.05 for one in found) <= 9
    assert np.mean([one.answer_deviation for one in found]) == pytest.approx(0.5, abs=0.05)


def test_the_model_with_answers_is_that_of_statsmodels():
    formulas = pytest.importorskip("statsmodels.formula.api")
    table = varying(3, raters=8, scenes=12)
    table = table.assign(everything=1, answer=table["sample_id"] + table["model"])
    parts = {"rater": "0 + C(rater)", "scene": "0 + C(sample_id)", "answer": "0 + C(answer)"}
    made = formulas.mixedlm("AQ ~ C(model)", table, groups="everything", re_formula="0", vc_formula=parts)
    theirs = made.fit(reml=True, method="nm")
    found = fit_mixed(table, "AQ")
    deviations = dict(zip(theirs.model.exog_vc.names, theirs.vcomp**0.5, strict=True))
    ours = {"rater": found.rater_deviation, "scene": found.scene_deviation, "answer": found.answer_deviation}
    assert ours == pytest.approx(deviations, abs=2e-3)
    assert found.residual_deviation == pytest.approx(theirs.scale**0.5, abs=1e-3)
    (effect,) = found.effects
    assert (found.base_mean, effect.value) == pytest.approx(tuple(theirs.fe_params), abs=1e-3)
    assert effect.error == pytest.approx(theirs.bse_fe.iloc[1], abs=1e-3)
    assert effect.p_value == pytest.approx(theirs.pvalues.iloc[1], abs=5e-3)


def test_ratings_without_noise_are_left_out_and_the_reason_is_said():
    rows = [(f"p{r}", f"s{s}", m, 1 + (s + (m == "n") * s * s) % 5) for r in range(4) for s in range(5) for m in "mn"]
    found = fit_mixed(pd.DataFrame(rows, columns=["rater", "sample_id", "model", "AQ"]), "AQ")
    assert (found.reason, found.effects) == ("raters, scenes and answers explain every rating", ())
