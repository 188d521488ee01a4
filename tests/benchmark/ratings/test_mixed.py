import numpy as np
import pandas as pd
import pytest
from support.rated_studies import Study, ratings

from benchmark.ratings import mixed
from benchmark.ratings.mixed import fit_mixed, mixed_models
from benchmark.ratings.reading import answers_of_table
from benchmark.ratings.restricted_likelihood import fit_restricted

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
    monkeypatch.setattr(mixed, "MOST_EFFECTS", 69)
    found = mixed_models(answers)[0]
    # XX
    assert found.reason.startswith(
        "left out for its size: 70 effects of raters, scenes, answers and tastes, at most 69"
    )
    assert (found.base_mean, found.effects) == (None, ())


def test_two_raters_are_too_few():
    answers = answers_of_table(ratings(Study(raters=2, scenes=6, each=2), 3), "made")
    assert mixed_models(answers)[0].reason == "needs at least 3 raters and 3 scenes, got 2 and 6"


def varying(seed, *, raters=16, scenes=20, each=6, answer=0.0, taste=0.0):
    """Ratings of two models that do not differ in general, and do from scene to scene, or from rater to rater."""
    rng = np.random.default_rng(seed)
    strict, good = rng.normal(0, 0.4, raters), rng.normal(0, 0.5, scenes)
    of_scenes, of_raters = rng.normal(0, answer, (scenes, 2)), rng.normal(0, taste, (raters, 2))
    rows = [
        (f"p{r}", f"s{s}", "mn"[m], 3 + strict[r] + good[s] + of_scenes[s, m] + of_raters[r, m] + rng.normal(0, 0.7))
        for s in range(scenes)
        for m in range(2)
        for r in rng.permutation(raters)[:each]
    ]
    return pd.DataFrame(rows, columns=["rater", "sample_id", "model", "AQ"])


@pytest.mark.parametrize("what", ["answer", "taste"])
def test_models_that_differ_on_some_scenes_or_to_some_raters_alone_are_seldom_found_to_differ(what):
    found = [fit_mixed(varying(1000 + seed, **{what: 0.5}), "AQ") for seed in range(40)]
    # 6 to 7 % of 300 studies: the errors are taken for normal; without the term it is 9 or 11 of these 40
    assert sum(one.effects[0].p_value < 0.05 for one in found) <= 6
    assert np.mean([getattr(one, f"{what}_deviation") for one in found]) == pytest.approx(0.5, abs=0.05)


def test_tastes_are_left_to_the_noise_where_no_rater_judged_a_model_twice():
    table = varying(1).drop_duplicates(["rater", "model"])
    table = pd.concat([table, table.assign(rater=table["rater"] + " too")])
    found = fit_mixed(table, "AQ")
    assert (found.taste_deviation, found.reason) == (None, "")
    assert found.answer_deviation is not None


def test_the_likelihood_is_that_of_statsmodels():
    formulas = pytest.importorskip("statsmodels.formula.api")
    table = varying(3, raters=8, scenes=12, answer=0.5)
    table = table.assign(everything=1, answer=table["sample_id"] + table["model"])
    parts = {"rater": "0 + C(rater)", "scene": "0 + C(sample_id)", "answer": "0 + C(answer)"}
    made = formulas.mixedlm("AQ ~ C(model)", table, groups="everything", re_formula="0", vc_formula=parts)
    theirs = made.fit(reml=True, method="nm")
    kinds = [pd.factorize(table[name])[0].astype(np.int64) for name in ("rater", "sample_id", "answer")]
    design = np.column_stack([np.ones(len(table)), table["model"] == "n"]).astype(float)
    found = fit_restricted(table["AQ"].to_numpy(), design, kinds)
    deviations = dict(zip(theirs.model.exog_vc.names, theirs.vcomp**0.5, strict=True))
    assert dict(zip(parts, found.deviations, strict=True)) == pytest.approx(deviations, abs=2e-3)
    assert found.residual == pytest.approx(theirs.scale**0.5, abs=1e-3)
    assert found.effects == pytest.approx(theirs.fe_params.to_numpy(), abs=1e-3)
    assert found.covariance[1, 1] ** 0.5 == pytest.approx(theirs.bse_fe.iloc[1], abs=1e-3)


def test_no_other_deviations_are_likelier():
    """The restricted likelihood written out with the whole covariance of all ratings, of all four kinds of effects."""
    table = varying(3, raters=8, scenes=12, answer=0.5, taste=0.5)
    found = fit_mixed(table, "AQ")
    design = np.column_stack([np.ones(len(table)), table["model"] == "n"]).astype(float)
    values = table["AQ"].to_numpy()
    kinds = ["rater"], ["sample_id"], ["sample_id", "model"], ["rater", "model"]
    numbers = [table.groupby(columns).ngroup().to_numpy() for columns in kinds]
    alike = [number[:, np.newaxis] == number for number in numbers] + [np.eye(len(table))]

    def fitted(deviations):
        inverse = np.linalg.inv(sum(one**2 * same for one, same in zip(deviations, alike, strict=True)))
        covariance = np.linalg.inv(design.T @ inverse @ design)
        effects = covariance @ design.T @ inverse @ values
        left = values - design @ effects
        sizes = np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(covariance)[1]
        return (sizes - left @ inverse @ left) / 2, effects, covariance

    ours = np.array([found.rater_deviation, found.scene_deviation, found.answer_deviation, found.taste_deviation,
                     found.residual_deviation])  # fmt: skip
    best, effects, covariance = fitted(ours)
    for place in range(5):
        for step in (-0.02, 0.02):
            other = ours.copy()
            other[place] += step
            assert fitted(other)[0] < best
    (effect,) = found.effects
    assert (found.base_mean, effect.value) == pytest.approx(tuple(effects), abs=1e-9)
    assert effect.error == pytest.approx(covariance[1, 1] ** 0.5, abs=1e-9)


def test_ratings_without_noise_are_left_out_and_the_reason_is_said():
    rows = [(f"p{r}", f"s{s}", m, 1 + (s + (m == "n") * s * s) % 5) for r in range(4) for s in range(5) for m in "mn"]
    found = fit_mixed(pd.DataFrame(rows, columns=["rater", "sample_id", "model", "AQ"]), "AQ")
    assert (found.reason, found.effects) == ("raters, scenes, answers and tastes explain every rating", ())
