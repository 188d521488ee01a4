"""Large sets on a device, with torch's CPU in place of a GPU: the same numbers, in blocks that fit the free memory."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch.autograd.profiler import profile

from metrics import algebra, frechet_expansion, kad, kernel_sums, pairwise, placement
from metrics.algebra import gram, product, triangle
from metrics.fad import ResampledFrechet, fad_infinity, frechet_audio_distance
from metrics.kad import ResampledKernel, kernel_audio_distance
from metrics.pairwise import median_distance, tiles
from metrics.placement import Device, computing_on, current_device, fetched
from metrics.uncertainty.bootstrap import bootstrap_score, set_difference
from metrics.uncertainty.resampling import units

SAME = {"rtol": 1e-10, "atol": 1e-13}  # of numbers near 1; docs/metrics.md promises 1e-9 of scores


@pytest.fixture
def stand_in(monkeypatch):
    """Let torch's CPU be taken for a GPU; return the rows and columns of each matrix that goes there."""
    put = []
    original = Device.put
    monkeypatch.setattr(placement, "WITH_FLOAT64", ("cpu",))
    monkeypatch.setattr(Device, "put", lambda self, matrix: put.append(matrix.shape) or original(self, matrix))
    return put


@pytest.fixture
def large(monkeypatch):
    """Take few rows of few dimensions for many, in blocks of odd size."""
    for module in (kernel_sums, kad):
        monkeypatch.setattr(module, "KEPT_ROWS", 0)
    monkeypatch.setattr(pairwise, "LARGE", 0)
    monkeypatch.setattr(algebra, "MANY", 0)
    monkeypatch.setattr(algebra, "THICK", 2)
    monkeypatch.setattr(placement, "SIDES", (37,))
    monkeypatch.setattr(frechet_expansion, "UNITS_FROM", 0)
    monkeypatch.setattr(frechet_expansion, "EFFECTIVE_DIMENSIONS", 0)


def paired_sets(n, d=6, seed=0):
    """Rows after a ReLU, correlated; one unit never fires, and two rows are equal."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(d, d)) * np.arange(1, d + 1)[:, np.newaxis] ** -0.7
    base = rng.normal(size=(n, d))
    reference, generated = (
        np.maximum(rows @ mixing + 0.3, 0.0) for rows in (base, 0.9 * base + 0.4 * rng.normal(size=(n, d)))
    )
    reference[:, -1] = 0.25
    generated[5] = generated[2]
    return reference, generated


def both(compute):
    """What is computed without and with a device."""
    here = compute()
    with computing_on("cpu"):
        return here, compute()


@pytest.mark.parametrize("side", [1, 5, 7, 64])
@pytest.mark.parametrize("turn", [(False, False), (True, False), (False, True), (True, True)])
def test_products_in_blocks_are_those_of_numpy_in_every_layout(monkeypatch, stand_in, large, side, turn):
    monkeypatch.setattr(placement, "SIDES", (side,))
    rng = np.random.default_rng(0)
    left = rng.normal(size=(9, 13)).T if turn[0] else rng.normal(size=(13, 9))
    right = rng.normal(size=(11, 9)).T if turn[1] else rng.normal(size=(9, 11))
    with computing_on("cpu"):
        np.testing.assert_allclose(product(left, right), left @ right, **SAME)
        assert len(stand_in) == -(-13 // side) * (1 + -(-11 // side))
        np.testing.assert_allclose(product(left[:, ::2], right[::2]), left[:, ::2] @ right[::2], **SAME)
        found = gram(left)
    np.testing.assert_allclose(found, left.T @ left, **SAME)
    np.testing.assert_array_equal(found, found.T)


@pytest.mark.parametrize("free", [None, 100, 3000])
@pytest.mark.parametrize("n", [6, 40, 41])
def test_triangles_of_parts_are_those_of_the_whole(monkeypatch, stand_in, large, free, n):
    rows = np.random.default_rng(1).normal(size=(n, 6))
    with computing_on("cpu"):
        assert current_device() is not None  # free memory is looked at once, before it is made little here
        monkeypatch.setattr(placement, "free_bytes", lambda _device: free)
        found = triangle(rows)
    assert (len(stand_in) > 1) == (free is not None and n > 6)
    np.testing.assert_array_equal(found, np.triu(found))
    np.testing.assert_allclose(found.T @ found, rows.T @ rows, **SAME)


@pytest.mark.parametrize("side", [1, 8, 37, 90])
@pytest.mark.parametrize("own", [True, False])
def test_distances_are_those_of_numpy_in_tiles_of_any_size(monkeypatch, stand_in, large, side, own):
    monkeypatch.setattr(placement, "SIDES", (side,))
    rows, others = paired_sets(41)

    def distances():
        found = np.full((41, 41), np.nan)
        for tile in tiles(rows, None if own else others):
            found[tile.rows, tile.others] = fetched(tile.squared)
            if tile.weight == 2:
                found[tile.others, tile.rows] = fetched(tile.squared).T
        return found

    here, there = both(distances)
    assert stand_in
    np.testing.assert_allclose(there, here, **SAME)
    np.testing.assert_array_equal(there == 0.0, here == 0.0)


@pytest.mark.parametrize("collected", [1 << 22, 10])
def test_medians_are_those_of_numpy_also_where_they_must_be_narrowed_down(monkeypatch, stand_in, large, collected):
    monkeypatch.setattr(pairwise, "COLLECTED", collected)
    rows = np.concatenate([paired_sets(60)[1], np.ones((30, 6))])  # ties
    here, there = both(lambda: median_distance(rows))
    assert stand_in
    assert there == pytest.approx(here, rel=1e-12)


@pytest.mark.parametrize("groups", [None, "clips"])
def test_scores_intervals_and_tests_of_large_sets_are_those_of_numpy(stand_in, large, groups):
    n = 150
    reference, first = paired_sets(n)
    second = first + 0.03 * np.random.default_rng(2).normal(size=first.shape)
    names = groups and np.stack([np.arange(n) // 2, (np.arange(n) + 1) % 70], axis=1)

    def numbers(make):
        score, one = bootstrap_score(make(first), groups=names, resamples=100, seed=0), make(first)
        difference = set_difference(one, make(second), groups=names, seed=0)
        jackknife = bootstrap_score(make(first), groups=names, seed=0, method="jackknife")
        found = [*score.ends, *jackknife.ends, one.value(), difference.value, *difference.interval.ends]
        return np.array([*found, difference.p_value])

    for scorer in (ResampledFrechet, ResampledKernel):
        del stand_in[:]
        here, there = both(lambda scorer=scorer: numbers(lambda run: scorer(reference, run)))
        assert len(stand_in) > 20
        assert np.std(here) > 0.01
        np.testing.assert_allclose(there, here, rtol=1e-9, atol=1e-9)  # differences of near numbers


@pytest.mark.parametrize("score", [frechet_audio_distance, fad_infinity, kernel_audio_distance])
@pytest.mark.parametrize("shape", [(90, 6), (90, 50), (30, 50)])
def test_plain_scores_are_those_of_numpy(stand_in, large, score, shape):
    here, there = both(lambda: score(*paired_sets(*shape)))
    assert stand_in
    assert there == pytest.approx(here, rel=1e-10)


def test_expansions_of_large_sets_are_those_of_numpy(stand_in, large):
    sets, drawn = paired_sets(300, 8), units(300, np.arange(300) // 2)
    here, there = both(lambda: ResampledFrechet(*sets).expansion(drawn))
    for name in ("value", "influence", "own", "scatter"):
        np.testing.assert_allclose(getattr(there, name), getattr(here, name), **SAME, err_msg=name)
    # Coefficients of pairs are made of rows that are kept in float32.
    np.testing.assert_allclose(there.related, here.related, rtol=1e-6, atol=1e-6 * np.abs(here.related).max())


def test_sets_of_few_rows_are_numpy_s_to_the_bit(stand_in):
    reference, generated = np.random.default_rng(3).normal(size=(2, 1200, 520))

    def numbers():
        kernel = ResampledKernel(reference, generated)
        counts = np.ones((1, 1200), dtype=np.int64)
        return frechet_audio_distance(reference, generated), kernel.value(), float(kernel(counts)[0])

    here, there = both(numbers)
    assert there == here
    assert stand_in == []


def peak_bytes(work):
    """The most that tensors took at once while something was done."""
    with profile(
        profile_memory=True
    ) as found:  # torch.profiler's turns every event into an object, which takes seconds
        work()
    events = [event for event in found.kineto_results.events() if event.name() == "[memory]"]
    sizes = np.cumsum([event.nbytes() for event in events])
    assert sizes.size
    return sizes.max()


@pytest.mark.parametrize("free", [100_000, 400_000, 2_000_000])
def test_no_more_than_half_of_the_free_memory_is_taken(monkeypatch, stand_in, large, free):
    monkeypatch.setattr(placement, "SIDES", (128, 64, 32, 16, 8))
    monkeypatch.setattr(pairwise, "fetched", lambda array: fetched(array).copy())  # as from a GPU
    rows, others = np.random.default_rng(4).normal(size=(2, 300, 12))
    works = {
        "product": lambda: product(rows, others.T),
        "gram": lambda: gram(rows),
        "triangle": lambda: triangle(rows),
        "median": lambda: median_distance(rows),
        "kernel": lambda: ResampledKernel(rows, others, 1.0)(np.ones((2, 300), dtype=np.int64)),
    }
    with computing_on("cpu"):
        assert current_device() is not None
        monkeypatch.setattr(placement, "free_bytes", lambda _device: free)
        sides = {current_device().side(12)}
        for name, work in works.items():
            assert peak_bytes(work) <= free // 2, name
        monkeypatch.setattr(placement, "free_bytes", lambda _device: None)
        assert peak_bytes(works["kernel"]) > free // 2 or free > 400_000  # the bound did bind
        sides.add(current_device().side(12))
    assert max(sides) == 128


def test_a_device_without_room_is_said_once_and_left_alone(monkeypatch, stand_in, large, caplog):
    rows, others = paired_sets(50)
    here = kernel_audio_distance(rows, others)

    def full(_device):
        raise torch.cuda.OutOfMemoryError("CUDA error: out of memory")

    for free, reason in ((lambda _device: 10**8, "cpu has 0.1 GB free"), (full, "cpu cannot be used (CUDA error: out")):
        monkeypatch.setattr(placement, "free_bytes", free)
        caplog.clear()
        with computing_on("cpu"):
            assert (kernel_audio_distance(rows, others), kernel_audio_distance(rows, others)) == (here, here)
        assert [record.message.startswith(reason) for record in caplog.records] == [True]
        assert caplog.messages[0].endswith("set-wise scores are computed without it")
    assert stand_in == []


def test_a_device_is_chosen_for_what_is_within_and_for_this_thread(stand_in):
    seen = []
    with computing_on("cpu:0"):
        assert current_device().name == "cpu:0"
        with computing_on("mps"):
            assert current_device() is None
        thread = threading.Thread(target=lambda: seen.append(current_device()))
        thread.start()
        thread.join()
        with pytest.raises(KeyError), computing_on("cpu"):
            raise KeyError
        assert current_device().name == "cpu:0"
    assert current_device() is None
    assert seen == [None]


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_without_a_gpu_torch_is_not_imported(device):
    program = f"""
import sys
import numpy as np
from metrics.fad import frechet_audio_distance
from metrics.kad import kernel_audio_distance
from metrics.placement import computing_on
with computing_on({device!r}):
    sets = np.random.default_rng(0).normal(size=(2, 2100, 4))
    print(frechet_audio_distance(*sets) < 0.1, abs(kernel_audio_distance(*sets)) < 1.0, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "False"]
