import numpy as np
import pytest

from metrics import kad, kernel_sums, pairwise
from metrics.kad import ResampledKernel, kernel_audio_distance
from metrics.kernel_sums import KernelSums
from metrics.uncertainty.bootstrap import bootstrap_score, set_difference
from metrics.uncertainty.resampling import units


def paired_sets(n, d=5, seed=0):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, d))
    return base, 0.7 * base + rng.normal(size=(n, d)) + 0.3


@pytest.fixture
def streamed(monkeypatch):
    """Kernels of a few rows are handled as those of many: in several tiles, none of which is kept."""
    for module in (kernel_sums, kad):
        monkeypatch.setattr(module, "KEPT_ROWS", 0)
    monkeypatch.setattr(pairwise, "TILE", 7)
    monkeypatch.setattr(pairwise, "LARGE", 0)


@pytest.fixture
def passes(monkeypatch):
    """How often the tiles of any set were computed."""
    counted = []
    plain = pairwise.tiles
    for module in (kernel_sums, pairwise):
        monkeypatch.setattr(module, "tiles", lambda *rows: counted.append(1) or plain(*rows))
    return counted


@pytest.mark.parametrize("groups", ["sample", "clip", "pair", "uneven"])
def test_closed_jackknife_is_that_of_the_scores(monkeypatch, streamed, groups):
    n = 40
    names = {
        "sample": None,
        "clip": np.arange(n) // 4,
        "pair": np.stack([np.arange(n) % 13, np.arange(n) % 11], axis=1),
        "uneven": np.minimum(np.arange(n), 9),
    }[groups]
    a, b = paired_sets(n)
    drawn = units(n, names)
    scorer = ResampledKernel(a, b, 2.0)
    exact = drawn.left_out_scores(scorer, scorer.needs)
    np.testing.assert_allclose(scorer.left_out(drawn), exact, rtol=0, atol=1e-11)
    np.testing.assert_allclose(ResampledKernel(a, b, 2.0).left_out(drawn), exact, rtol=0, atol=1e-11)
    assert exact.std() > 0.01


def test_closed_jackknife_has_no_score_where_one_row_remains(streamed):
    hub = [*(("hub", f"clip{i}") for i in range(7)), ("other", "clip0")]
    found = ResampledKernel(*paired_sets(8)).left_out(units(8, hub))
    assert np.isnan(found).sum() == 1


def test_few_rows_have_no_closed_jackknife_and_keep_their_numbers():
    assert ResampledKernel(*paired_sets(40)).left_out(units(40)) is None


def test_intervals_and_tests_are_the_same_in_memory_and_streamed(monkeypatch):
    reference, a = paired_sets(60)
    b = a + 0.2

    def results():
        return (
            bootstrap_score(ResampledKernel(reference, a), seed=0, resamples=80),
            set_difference(ResampledKernel(reference, a), ResampledKernel(reference, b), seed=0),
        )

    kept = results()
    for module in (kernel_sums, kad):
        monkeypatch.setattr(module, "KEPT_ROWS", 0)
    monkeypatch.setattr(pairwise, "TILE", 16)
    monkeypatch.setattr(pairwise, "LARGE", 0)
    streamed = results()
    assert streamed[0].ends == pytest.approx(kept[0].ends, abs=1e-10)
    assert streamed[1].interval.ends == pytest.approx(kept[1].interval.ends, abs=1e-10)
    assert streamed[1].p_value == pytest.approx(kept[1].p_value, rel=1e-8)


@pytest.mark.parametrize("many", [False, True])
def test_value_interval_and_jackknife_take_one_median_and_one_pass_over_each_kernel(request, many, passes):
    if many:
        request.getfixturevalue("streamed")
    a, b = paired_sets(50)
    scorer = ResampledKernel(a, b)
    bootstrap_score(scorer, seed=0, resamples=60)
    value = scorer.value()
    if many:
        scorer.left_out(units(50))
    assert len(passes) == 1 + 3  # the median's, and those within both sets and across them
    assert value == kernel_audio_distance(a, b)


def test_sums_of_rows_and_columns_are_those_of_the_matrix(streamed):
    a, b = paired_sets(30)
    matrix = np.exp(-0.1 * np.square(a[:, np.newaxis] - b).sum(axis=2))
    across = KernelSums(a, b, 0.1)
    assert not across.known
    np.testing.assert_allclose(across.by_row(), matrix.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(across.by_column(), matrix.sum(axis=0), rtol=1e-12)
    assert across.known
    assert across.total() == pytest.approx(matrix.sum(), rel=1e-12)
    own = np.exp(-0.1 * np.square(a[:, np.newaxis] - a).sum(axis=2))
    within = KernelSums(a, None, 0.1)
    np.testing.assert_allclose(within.by_row(), own.sum(axis=1), rtol=1e-12)
    weights = np.random.default_rng(0).integers(3, size=(30, 4)).astype(float)
    np.testing.assert_allclose(within.weighted(weights), np.diag(weights.T @ own @ weights), rtol=1e-12)
