import numpy as np
import pytest

from metrics import frechet_expansion
from metrics.fad import ResampledFrechet, frechet_audio_distance
from metrics.frechet_expansion import expandable
from metrics.uncertainty.bootstrap import bootstrap_score, set_difference
from metrics.uncertainty.resampling import units


def paired_sets(n, d, seed=0):
    """Rows after a ReLU with a decaying spectrum, the generated ones near the reference; one unit never fires."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(d, d)) * np.arange(1, d + 1)[:, np.newaxis] ** -0.7
    base = rng.normal(size=(n, d))
    near = 0.9 * base + 0.45 * rng.normal(size=(n, d))
    reference, generated = (np.maximum(rows @ mixing + 0.3, 0.0) for rows in (base, 1.1 * near + 0.05))
    reference[:, -1] = 0.25
    return reference, generated


def grouped(n, kind):
    if kind == "clip":
        return np.arange(n) // 3
    return None if kind == "sample" else np.stack([np.arange(n), (np.arange(n) + 1) % n], axis=1)


@pytest.fixture
def expanded_early(monkeypatch):
    """Few samples of few dimensions are expanded as many are."""
    monkeypatch.setattr(frechet_expansion, "UNITS_FROM", 0)
    monkeypatch.setattr(frechet_expansion, "EFFECTIVE_DIMENSIONS", 0)


KINDS = ["sample", "clip", "pair"]


def test_few_samples_or_units_for_each_dimension_are_not_expanded():
    assert expandable(rows=15_446, dimensions=2048, units=15_446)
    assert not expandable(rows=12_287, dimensions=2048, units=12_287)
    assert not expandable(rows=15_446, dimensions=2048, units=4095)
    assert not expandable(rows=1999, dimensions=12, units=1999)
    scorer = ResampledFrechet(*paired_sets(560, 12))
    assert scorer.expansion(units(560)) is None


def test_singular_covariances_and_large_units_are_not_expanded(expanded_early):
    reference, generated = paired_sets(300, 8)
    assert ResampledFrechet(reference, generated).expansion(units(300)) is not None
    flat = generated.copy()
    flat[:, 2] = flat[:, 1] + flat[:, 0]
    assert ResampledFrechet(reference, flat).expansion(units(300)) is None
    assert ResampledFrechet(reference, generated).expansion(units(300, np.minimum(np.arange(300), 20))) is None
    crowded = np.maximum(np.arange(300), 150)  # 151 rows of one unit are 11,325 pairs
    assert ResampledFrechet(reference, generated).expansion(units(300, crowded)) is None


def test_a_spectrum_of_few_effective_dimensions_is_not_expanded(monkeypatch):
    monkeypatch.setattr(frechet_expansion, "UNITS_FROM", 0)
    rng = np.random.default_rng(0)
    for scale, expanded in ((np.ones(12), True), (10.0 ** -np.arange(12), False)):
        reference, generated = rng.normal(size=(2, 400, 12)) * scale
        assert (ResampledFrechet(reference, generated).expansion(units(400)) is not None) == expanded


def test_value_of_the_expansion_is_the_distance(expanded_early):
    sets = paired_sets(400, 10)
    scorer = ResampledFrechet(*sets)
    expansion = scorer.expansion(units(400))
    assert expansion.value == pytest.approx(frechet_audio_distance(*sets), rel=1e-11)
    assert scorer.value() == expansion.value
    assert ResampledFrechet(*sets).value() == frechet_audio_distance(*sets)


def test_influence_is_the_derivative_by_the_weight_of_a_sample(expanded_early):
    reference, generated = paired_sets(200, 6)
    scorer = ResampledFrechet(reference, generated)
    expansion = scorer.expansion(units(200))
    rows, step = 10**6, 1
    for sample in (0, 77, 199):
        counts = np.full((2, 200), rows)
        counts[0, sample] += step
        counts[1, sample] -= step
        up, down = scorer(counts)
        slope = (up - down) / (2 * step / (200 * rows))
        # Covariances of so many copies are over n, those of the set over n - 1.
        assert slope * 200 / 199 == pytest.approx(expansion.influence[sample], rel=0.02, abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_jackknife_of_the_expansion_is_that_of_the_scores(expanded_early, kind):
    n = 900
    scorer = ResampledFrechet(*paired_sets(n, 12))
    drawn = units(n, grouped(n, kind))
    expansion = scorer.expansion(drawn)
    exact = drawn.left_out_scores(scorer, scorer.needs)
    found = expansion.left_out(drawn)
    assert found.std() == pytest.approx(exact.std(), rel=0.01)
    errors = found - exact
    assert np.abs(errors - errors.mean()).max() < 0.1 * exact.std()
    first_order = expansion.value - np.array([expansion.influence[drawn.codes[:, 0] == 0].sum()]) / n
    assert np.isfinite(first_order).all()


@pytest.mark.parametrize("kind", KINDS)
def test_resamples_of_the_expansion_vary_as_the_scores_do(expanded_early, kind):
    n = 900
    scorer = ResampledFrechet(*paired_sets(n, 12))
    drawn = units(n, grouped(n, kind))
    counts = drawn.resamples(400, seed=3, needs=scorer.needs)
    exact, found = scorer(counts), scorer.expansion(drawn).replicates(counts, seed=3)
    assert np.corrcoef(exact, found)[0, 1] > 0.97
    assert found.std() == pytest.approx(exact.std(), rel=0.05)
    bias = exact.mean() - scorer.value()
    assert found.mean() - scorer.value() == pytest.approx(bias, rel=0.15)


def test_second_order_is_exact_for_pairs_of_samples(expanded_early):
    n = 600
    scorer = ResampledFrechet(*paired_sets(n, 8))
    drawn = units(n, np.arange(n) // 2)
    expansion = scorer.expansion(drawn)
    exact = drawn.left_out_scores(scorer, scorer.needs) - scorer.value()
    units_of, rows = drawn.members()
    linear = -np.bincount(units_of, weights=expansion.influence[rows]) / (n - 2)
    second = expansion.left_out(drawn) - expansion.value
    spread = lambda errors: np.std(errors)  # noqa: E731
    assert spread(second - exact) < 0.25 * spread(linear - exact)


def test_interval_and_test_of_many_samples_are_those_of_the_expansion(monkeypatch):
    n = 700
    reference, first = paired_sets(n, 8)
    second = first + 0.02
    make = lambda: (ResampledFrechet(reference, first), ResampledFrechet(reference, second))  # noqa: E731
    plain = bootstrap_score(make()[0], seed=1, resamples=400), set_difference(*make(), seed=1)
    monkeypatch.setattr(frechet_expansion, "UNITS_FROM", 0)
    monkeypatch.setattr(frechet_expansion, "EFFECTIVE_DIMENSIONS", 0)
    monkeypatch.setattr(ResampledFrechet, "__call__", lambda *_: pytest.fail("a resample was scored"))
    found = bootstrap_score(make()[0], seed=1, resamples=400), set_difference(*make(), seed=1)
    assert found[0].ends == pytest.approx(plain[0].ends, rel=0.02)
    assert found[1].value == pytest.approx(plain[1].value, rel=1e-9)
    assert found[1].interval.ends == pytest.approx(plain[1].interval.ends, rel=0.02)
    assert found[0] == bootstrap_score(make()[0], seed=1, resamples=400)
    assert found[0] != bootstrap_score(make()[0], seed=2, resamples=400)


def test_equal_runs_do_not_differ_and_equal_sets_are_at_zero(expanded_early):
    reference, run = paired_sets(500, 6)
    found = set_difference(ResampledFrechet(reference, run), ResampledFrechet(reference, run), seed=0)
    assert (found.value, found.p_value) == (0.0, 1.0)
    assert bootstrap_score(ResampledFrechet(run, run), seed=0).ends == pytest.approx((0.0, 0.0), abs=1e-9)
