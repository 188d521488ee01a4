"""The functions that `bootstrap_score` and `set_difference` replaced: same results, and a warning with the new name."""

import numpy as np
import pytest

from metrics.fad import ResampledFrechet
from metrics.inception_score import ResampledInception
from metrics.kad import ResampledKernel
from metrics.uncertainty import bootstrap
from metrics.uncertainty.bootstrap import bootstrap_score, set_difference

R, A, B = (np.random.default_rng(seed).normal(size=(14, 5)) for seed in range(3))
DRAWN = {"seed": 4, "resamples": 60, "level": 0.9}


@pytest.mark.parametrize(
    ("name", "arguments", "scorers"),
    [
        ("bootstrap_frechet", (R, A), [ResampledFrechet(R, A)]),
        ("bootstrap_kernel", (R, A, 2.0), [ResampledKernel(R, A, 2.0)]),
        ("bootstrap_kernel", (R, A, None, "reference"), [ResampledKernel(R, A, bandwidth_from="reference")]),
        ("bootstrap_inception", (A, 5, 7), [ResampledInception(A, 5, 7)]),
        ("frechet_difference", (R, A, B), [ResampledFrechet(R, A), ResampledFrechet(R, B)]),
        ("kernel_difference", (R, A, B, None, "reference"),
         [ResampledKernel(R, run, bandwidth_from="reference") for run in (A, B)]),
        ("inception_difference", (A, B, 5, 7), [ResampledInception(run, 5, 7) for run in (A, B)]),
    ],
)  # fmt: skip
def test_a_former_function_warns_and_gives_what_its_successor_gives(name, arguments, scorers):
    successor = bootstrap_score if len(scorers) == 1 else set_difference
    with pytest.warns(
        FutureWarning, match=rf"{name} will go; use metrics\.uncertainty\.bootstrap\.{successor.__name__}"
    ):
        found = getattr(bootstrap, name)(*arguments, **DRAWN)
    assert found == successor(*scorers, **DRAWN)


def test_former_differences_of_smooth_scores_need_no_seed():
    with pytest.warns(FutureWarning):
        found = bootstrap.frechet_difference(R, A, B)
    assert found == set_difference(ResampledFrechet(R, A), ResampledFrechet(R, B), seed=0)
