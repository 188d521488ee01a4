import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.fad import EIGEN_FROM, centred, fad_infinity, frechet_audio_distance, root_trace

CASES = ["tiny", "n_lt_d", "unequal", "n_gt_d", "mid", "panns_560"]
CASES += ["same_set", "gen_rows_doubled", "gen_all_rows_equal", "ref_all_rows_equal", "two_rows"]
PROPERTY = settings(max_examples=30)


def set_with(mean, deviations, n, seed=0):
    """n rows whose sample mean and (diagonal) sample covariance are exactly these, but for rounding."""
    raw = np.random.default_rng(seed).normal(size=(n, len(mean)))
    orthonormal, _ = np.linalg.qr(raw - raw.mean(axis=0))
    return orthonormal * np.sqrt(n - 1) * deviations + mean


def two_sets(n, m, d, seed=0):
    rng = np.random.default_rng(seed)
    return np.maximum(rng.normal(size=(n, d)), 0), np.maximum(rng.normal(size=(m, d)) * 1.3 + 0.1, 0)


def by_square_root(reference, generated):
    from scipy.linalg import sqrtm

    shift = reference.mean(axis=0) - generated.mean(axis=0)
    c_r, c_g = np.cov(reference, rowvar=False), np.cov(generated, rowvar=False)
    return shift @ shift + np.trace(c_r + c_g - 2 * np.real(sqrtm(c_r @ c_g)))


@pytest.mark.parametrize("n", [pytest.param(6, id="few rows"), pytest.param(50, id="many rows")])
def test_distance_of_diagonal_gaussians_is_the_closed_form(n):
    reference = set_with([1.0, 2.0, 0.0], [1.0, 2.0, 0.5], n, seed=1)
    generated = set_with([0.0, 2.0, 3.0], [3.0, 2.0, 0.0], n, seed=2)
    expected = (1 + 9) + (1 - 3) ** 2 + 0 + 0.5**2
    assert frechet_audio_distance(reference, generated) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(5, 40), (40, 5), (2, 3), (300, EIGEN_FROM)])
def test_equal_sets_have_distance_zero(n, d):
    rows = 30 * two_sets(n, n, d)[0]
    assert 0.0 <= frechet_audio_distance(rows, rows) < 1e-8  # traces are about 1e5


def test_rounding_below_zero_is_returned_as_zero():
    values = [frechet_audio_distance(rows, rows) for rows in (two_sets(30, 30, 9, seed)[0] for seed in range(40))]
    assert min(values) == 0.0


@PROPERTY
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 12), m=st.integers(2, 12), d=st.integers(1, 9))
def test_distance_is_symmetric_and_not_negative(seed, n, m, d):
    a, b = two_sets(n, m, d, seed)
    assert frechet_audio_distance(a, b) == pytest.approx(frechet_audio_distance(b, a), rel=1e-9, abs=1e-12)
    assert frechet_audio_distance(a, b) >= 0.0


@PROPERTY
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 12), d=st.integers(2, 9), scale=st.floats(0.1, 10))
def test_distance_follows_rotation_translation_scale_and_order(seed, n, d, scale):
    rng = np.random.default_rng(seed)
    a, b = two_sets(n, n + 3, d, seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(d, d)))
    offset = rng.normal(size=d)
    moved = frechet_audio_distance(
        scale * (a @ rotation + offset), scale * (b[rng.permutation(len(b))] @ rotation + offset)
    )
    assert moved == pytest.approx(scale**2 * frechet_audio_distance(a, b), rel=1e-7, abs=1e-9)


def test_float32_input_is_computed_in_float64():
    a, b = (rows.astype(np.float32) for rows in two_sets(20, 20, 30))
    assert frechet_audio_distance(a, b) == frechet_audio_distance(a.astype(float), b.astype(float))


@pytest.mark.parametrize("case", CASES)
def test_distance_equals_the_reference_tool(golden, case):
    inputs, expected = golden("FD", case)
    value = frechet_audio_distance(inputs["ref"], inputs["gen"])
    assert value == pytest.approx(expected["exact_float64"], rel=1e-12, abs=1e-12)
    # The tool's own value: means in float32 and an iterative root leave 3e-8, and 4e-7 on a constant set.
    assert value == pytest.approx(expected["av_benchmark"], rel=5e-7, abs=1e-9)


def test_tall_sets_equal_the_square_root_form():
    a, b = two_sets(400, 350, EIGEN_FROM + 4)
    assert frechet_audio_distance(a, b) == pytest.approx(by_square_root(a, b), rel=1e-9)


def test_tall_sets_take_the_accurate_way_where_a_direction_has_no_variance():
    a, b = two_sets(400, 350, EIGEN_FROM)
    dead, weak = a.copy(), a.copy()
    dead[:, 7] = 0.25
    weak[:, :60] *= 1e-5
    for rows in (dead, weak):
        exact = np.linalg.svd(centred(rows)[1] @ centred(b)[1].T, compute_uv=False).sum()
        assert root_trace(centred(rows)[1], centred(b)[1]) == pytest.approx(exact, rel=1e-13)
    assert frechet_audio_distance(dead, dead) < 1e-9


def test_infinite_size_takes_out_the_bias_of_small_sets():
    rng = np.random.default_rng(3)
    truth = 20 * 0.3**2  # standard normal against the same shifted by 0.3 in 20 dimensions
    plain, extrapolated = [], []
    for _ in range(20):
        a, b = rng.normal(size=(60, 20)), rng.normal(size=(60, 20)) + 0.3
        plain.append(frechet_audio_distance(a, b))
        extrapolated.append(fad_infinity(a, b))
    assert np.mean(plain) > truth + 2  # 3.9 +- 0.1
    assert np.mean(extrapolated) == pytest.approx(truth, abs=0.4)  # standard error of 20 such values: 0.1


def test_infinite_size_is_the_jackknife_s_correction_by_hand():
    a, b = two_sets(11, 11, 3, seed=5)
    without = []
    for fold in range(4):  # row i belongs to fold i modulo 4: 3, 3, 3 and 2 rows
        rest = [row for row in range(11) if row % 4 != fold]
        without.append(by_square_root(a[rest], b[rest]))
    by_hand = 4 * by_square_root(a, b) - 3 * sum(without) / 4
    assert fad_infinity(a, b, folds=4) == pytest.approx(by_hand, rel=1e-6)
    assert abs(by_hand - by_square_root(a, b)) > 0.05  # else any correction would pass


def test_infinite_size_of_equal_sets_is_zero():
    rows = two_sets(45, 45, 60)[0]
    assert fad_infinity(rows, rows) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("reference", "generated", "message"),
    [
        (np.ones((1, 4)), np.ones((3, 4)), "reference: needs at least 2 samples, got 1"),
        (np.ones((3, 4)), np.ones((0, 4)), "generated: needs at least 2 samples, got 0"),
        (np.ones((3, 4)), np.ones((3, 5)), r"expected as many columns, got \(3, 4\) and \(3, 5\)"),
        (np.ones(4), np.ones((3, 4)), r"reference: expected shape \(n, d\), one row per sample, got \(4,\)"),
        (np.ones((3, 4)), [[1.0], [np.nan], [np.inf]], "generated: sample 1 of 3 is not finite"),
        (np.ones((3, 2)), [[1, 2], [1]], "generated: expected an array of real numbers"),
        (np.ones((3, 2)), np.full((3, 2), 1j), "generated: expected real numbers, got dtype complex128"),
    ],
)
def test_bad_sets_are_refused(reference, generated, message):
    with pytest.raises(ValueError, match=message):
        frechet_audio_distance(reference, generated)


def test_infinite_size_refuses_too_few_samples_or_folds():
    rows = np.ones((19, 2))
    with pytest.raises(ValueError, match="reference, for 20 folds: needs at least 20 samples, got 19"):
        fad_infinity(rows, rows)
    with pytest.raises(ValueError, match="folds: expected at least 2, got 1"):
        fad_infinity(rows, rows, folds=1)
