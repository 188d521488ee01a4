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
    monkeypatch.setattr(mixed, "MOST_RATINGS", 50)
    found = mixed_models(answers)[0]
    assert found.reason.startswith("left out for its size: 90 ratings with 12 raters and scenes, at most 50 and")
    assert (found.base_mean, found.effects) == (None, ())


def test_two_raters_are_too_few():
    answers = answers_of_table(ratings(Study(raters=2, scenes=6, each=2), 3), "made")
    assert mixed_models(answers)[0].reason == "needs at least 3 raters and 3 scenes, got 2 and 6"
