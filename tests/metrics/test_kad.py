import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import pairwise
from metrics.kad import kernel_audio_distance, median_bandwidth
from metrics.pairwise import median_distance

CASES = ["tiny", "n_lt_d", "unequal", "n_gt_d", "mid", "panns_560"]
CASES += ["same_set", "gen_rows_doubled", "gen_all_rows_equal", "ref_all_rows_equal", "two_rows"]
PROPERTY = settings(max_examples=30)


def two_sets(n, m, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) * 1.3 + 0.4


def by_definition(reference, generated, sigma):
    """The estimator, pair by pair."""
    k = lambda a, b: np.exp(-np.sum((a - b) ** 2) / (2 * sigma**2 + 1e-8))  # noqa: E731
    within = [
        np.mean([k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j]) for s in (reference, generated)
    ]
    return 100 * (within[0] + within[1] - 2 * np.mean([k(a, b) for a in reference for b in generated]))


def all_distances(rows):
    return np.sort([np.linalg.norm(rows[i] - rows[j]) for i in range(len(rows)) for j in range(i)])


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles of 7 rows and room for 20 distances, so that a few rows exercise every branch."""
    monkeypatch.setattr(pairwise, "TILE", 7)
    monkeypatch.setattr(pairwise, "COLLECTED", 20)


def test_two_rows_a_side_give_the_closed_form():
    reference, generated = np.array([[0.0], [1.0]]), np.array([[0.0], [3.0]])
    k = lambda distance: np.exp(-(distance**2) / (2 * 4 + 1e-8))  # noqa: E731
    expected = 100 * (k(1) + k(3) - 2 * (k(0) + k(3) + k(1) + k(2)) / 4)
    assert kernel_audio_distance(reference, generated, bandwidth=2.0) == pytest.approx(expected, rel=1e-12)


@PROPERTY
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 9), m=st.integers(2, 9), sigma=st.floats(0.3, 5))
def test_value_is_that_of_the_definition(seed, n, m, sigma):
    a, b = two_sets(n, m, 4, seed)
    assert kernel_audio_distance(a, b, bandwidth=sigma) == pytest.approx(by_definition(a, b, sigma), abs=1e-10)


def test_value_does_not_depend_on_the_tiles(small_tiles):
    a, b = two_sets(30, 23, 5)
    assert kernel_audio_distance(a, b) == pytest.approx(
        by_definition(a, b, median_bandwidth(a, b, "generated")), abs=1e-10
    )


def test_two_samples_of_one_distribution_score_zero_on_average():
    rng = np.random.default_rng(11)
    pool = rng.gamma(2.0, size=(4000, 6))
    values = [kernel_audio_distance(pool[i : i + 20], pool[i + 20 : i + 40], bandwidth=3.0) for i in range(0, 4000, 40)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0 < max(values)


def test_rows_may_be_moved_and_reordered_together():
    a, b = two_sets(20, 15, 6)
    rng = np.random.default_rng(1)
    rotation, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    moved = kernel_audio_distance(rng.permutation(a) @ rotation + 50, rng.permutation(b) @ rotation + 50)
    assert moved == pytest.approx(kernel_audio_distance(a, b), abs=1e-9)


def test_bandwidth_comes_from_the_set_named():
    reference, generated = np.array([[0.0], [2.0], [6.0]]), np.array([[0.0], [1.0], [10.0]])
    assert median_bandwidth(reference, generated, "reference") == pytest.approx(4.0)
    assert median_bandwidth(reference, generated, "generated") == pytest.approx(9.0)
    default = kernel_audio_distance(reference, generated)
    assert default == kernel_audio_distance(reference, generated, bandwidth_from="generated")
    assert default == pytest.approx(kernel_audio_distance(reference, generated, bandwidth=9.0))
    assert default != pytest.approx(kernel_audio_distance(reference, generated, bandwidth_from="reference"))


def test_equal_rows_have_distance_zero_exactly_and_none_is_negative(small_tiles):
    rows = np.random.default_rng(0).normal(size=(40, 50)) * 1e3
    rows[20:] = rows[:20]
    zeros = 0
    for tile in [*pairwise.tiles(rows), *pairwise.tiles(rows, rows)]:
        zeros += tile.weight * int((tile.squared == 0).sum())
        assert (tile.squared >= 0).all()
    assert zeros == 2 * 80  # each row meets itself and its copy, in both passes


def test_median_of_an_even_number_of_distances_is_the_lower_of_the_middle_two():
    assert median_distance(np.array([[0.0], [1.0], [3.0], [7.0]])) == pytest.approx(3.0)  # 1 2 3 4 6 7


@pytest.mark.parametrize("seed", range(6))
def test_median_is_exact_when_the_distances_do_not_fit_in_memory(small_tiles, seed):
    rows = np.random.default_rng(seed).gamma(1.0, size=(41, 3))
    expected = all_distances(rows)
    assert median_distance(rows) == pytest.approx(expected[(len(expected) - 1) // 2], rel=1e-12)


def test_median_is_found_where_the_first_guess_misses_it(small_tiles, monkeypatch):
    monkeypatch.setattr(pairwise, "_likely_range", lambda rows, pairs: (1e6, 2e6))
    rows = np.random.default_rng(2).normal(size=(30, 3))
    expected = all_distances(rows)
    assert median_distance(rows) == pytest.approx(expected[(len(expected) - 1) // 2], rel=1e-12)


@pytest.mark.parametrize("distinct", [1, 2, 3])
def test_median_is_found_among_ties(small_tiles, distinct):
    rows = np.array([[0.0, 0.0], [3.0, 4.0], [0.3, 0.1]])[np.arange(60) % distinct]
    expected = all_distances(rows)
    assert median_distance(rows) == pytest.approx(expected[(len(expected) - 1) // 2], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_value_equals_kadtk(golden, case):
    inputs, expected = golden("KAD", case)
    # kadtk sums in float32: a few 1e-7 of kernel values near 1, times 100.
    value = kernel_audio_distance(inputs["ref"], inputs["gen"])
    assert value == pytest.approx(expected["kadtk"], abs=1e-4)
    assert median_bandwidth(inputs["ref"], inputs["gen"], "generated") == pytest.approx(
        expected["bandwidth_gen"], rel=1e-6, abs=1e-9
    )
    if "kadtk_with_ref_bandwidth" in expected:
        other = kernel_audio_distance(inputs["ref"], inputs["gen"], bandwidth_from="reference")
        assert other == pytest.approx(expected["kadtk_with_ref_bandwidth"], abs=1e-4)
        fixed = kernel_audio_distance(inputs["ref"], inputs["gen"], bandwidth=10.0)
        assert fixed == pytest.approx(expected["kadtk_bandwidth_10"], abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bandwidth_from": "target"}, 'bandwidth_from: expected "generated" or "reference", got \'target\''),
        ({"bandwidth": -1.0}, "bandwidth: expected a finite number of at least 0, got -1.0"),
        ({"bandwidth": float("nan")}, "bandwidth: expected a finite number"),
        ({"generated": np.ones((1, 2))}, "generated: needs at least 2 samples, got 1"),
        ({"reference": np.ones((0, 2))}, "reference: needs at least 2 samples, got 0"),
        ({"reference": [[0, 1], [0, np.inf]]}, "reference: sample 1 of 2 is not finite"),
        ({"reference": np.ones((3, 4))}, "do both come from the same backbone"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kernel_audio_distance(**{"reference": np.eye(2), "generated": np.eye(2), **arguments})
