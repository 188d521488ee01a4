"""Metrics batch by batch have the values of the functions on all samples, however these are shared out."""

import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from metrics import (
    clap_score,
    desync,
    frechet_audio_distance,
    inception_score,
    kernel_audio_distance,
    kl_divergence,
)
from metrics.streaming import (
    ClapScore,
    DeSync,
    FrechetAudioDistance,
    InceptionScore,
    KernelAudioDistance,
    KLDivergence,
)
from metrics.streaming.spread import Spread

N, D = 90, 7


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


PAIR = (drawn(N, D) @ drawn(D, D, seed=1) + 1e3, drawn(N, D, seed=2) @ drawn(D, D, seed=1) + 1e3 + 0.2)
CASES = {  # metric, what it sees, and its score of all
    "fad": (FrechetAudioDistance, PAIR, frechet_audio_distance(*PAIR)),
    "kad": (KernelAudioDistance, PAIR, kernel_audio_distance(*PAIR)),
    "is": (InceptionScore, (3 * PAIR[0],), inception_score(3 * PAIR[0])[0]),
    "kl": (KLDivergence, PAIR, kl_divergence(*PAIR).mean()),
    "clap": (ClapScore, PAIR, clap_score(*PAIR).mean()),
    "desync": (DeSync, (drawn(N, 2, 21),), desync(drawn(N, 2, 21)).mean()),
}
BUDGET = 1e-9  # relative: sums and factors of parts round apart


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def seen(kind, arrays, *cuts):
    metric = kind()
    for parts in zip(*(np.split(array, cuts) for array in arrays), strict=True):
        metric.update(*parts)
    return metric


@pytest.mark.parametrize("cuts", [(), (30, 60), (1, 2, 89), tuple(range(1, N))], ids=["one", "three", "uneven", "each"])
def test_batches_have_the_score_of_the_whole(case, cuts):
    kind, arrays, expected = case
    assert seen(kind, arrays, *cuts).compute() == pytest.approx(expected, rel=BUDGET)


def test_three_merged_have_the_score_of_the_whole_and_stay_as_they_are(case):
    kind, arrays, expected = case
    one, two, three = (seen(kind, parts) for parts in zip(*(np.split(a, (20, 50)) for a in arrays), strict=True))
    before = [part.compute() for part in (one, two, three)]
    assert (one + two + three).compute() == pytest.approx(expected, rel=BUDGET)
    assert [part.compute() for part in (one, two, three)] == before
    one.merge(two, three)
    assert one.compute() == pytest.approx(expected, rel=BUDGET)


@pytest.mark.parametrize("name", ["kl", "clap", "desync"])
def test_means_have_the_same_digits_in_any_order(name):
    kind, arrays, _ = CASES[name]
    order = np.random.default_rng(3).permutation(N)
    assert seen(kind, [a[order] for a in arrays], 7, 40).compute() == seen(kind, arrays).compute()


@pytest.mark.parametrize("name", ["fad", "kad"])
def test_distances_of_sets_do_not_depend_on_the_order(name):
    kind, arrays, expected = CASES[name]
    assert seen(kind, [a[::-1] for a in arrays], 7, 40).compute() == pytest.approx(expected, rel=BUDGET)


def test_a_reset_metric_has_seen_nothing(case):
    kind, arrays, expected = case
    metric = seen(kind, [a[:40] * 2 for a in arrays])
    metric.reset()
    with pytest.raises(ValueError, match="got 0"):
        metric.compute()
    metric.update(*arrays)
    assert metric.compute() == pytest.approx(expected, rel=BUDGET)


def test_a_metric_travels_with_what_it_has_seen(case):
    kind, arrays, _ = case
    metric = seen(kind, arrays, 30)
    assert pickle.loads(pickle.dumps(metric)).compute() == metric.compute()


def test_tensors_are_taken_as_they_come_from_a_network(case):
    kind, arrays, expected = case
    metric = kind()
    metric.update(*(torch.tensor(array, requires_grad=True) for array in arrays))
    assert metric.compute() == pytest.approx(expected, rel=BUDGET)
    metric.reset()
    metric.update(*(torch.tensor(array).bfloat16() for array in arrays))  # numpy has no such type
    assert np.isfinite(metric.compute())


def test_memory_that_the_caller_uses_again_does_not_matter(case):
    kind, arrays, expected = case
    given = [array.copy() for array in arrays]
    metric = kind()
    metric.update(*given)
    for array in given:
        array[:] = 0
    assert metric.compute() == pytest.approx(expected, rel=BUDGET)


def test_sides_of_a_distance_may_come_apart_and_differ_in_number():
    reference, generated = PAIR[0], PAIR[1][:50]
    for kind, function in (
        (FrechetAudioDistance, frechet_audio_distance),
        (KernelAudioDistance, kernel_audio_distance),
    ):
        metric = kind()
        metric.update(generated=generated)
        metric.update(reference=reference[:10])
        metric.update(reference=reference[10:])
        assert metric.compute() == pytest.approx(function(reference, generated), rel=BUDGET)


def test_fewer_samples_than_dimensions_have_the_distance_of_the_whole():
    reference, generated = drawn(12, 40), drawn(9, 40, seed=4) + 0.3
    metric = FrechetAudioDistance()
    for part in np.split(reference, [5, 6]):
        metric.update(reference=part)
    metric.update(generated=generated)
    assert metric.compute() == pytest.approx(frechet_audio_distance(reference, generated), rel=BUDGET)


def test_the_state_of_the_frechet_distance_does_not_grow():
    spread = Spread.of(drawn(5, D))
    for seed in range(200):
        spread = spread.merged(Spread.of(drawn(5, D, seed=seed)))
        assert sum(map(len, spread.blocks)) <= 2 * D
    assert spread.count == 1005


def test_settings_reach_the_function_and_must_agree_to_be_merged():
    metric = KernelAudioDistance(bandwidth_from="reference")
    metric.update(*PAIR)
    assert metric.compute() == pytest.approx(kernel_audio_distance(*PAIR, bandwidth_from="reference"), rel=BUDGET)
    with pytest.raises(ValueError, match=r"merge: settings differ, .*'reference'.*'generated'"):
        metric.merge(KernelAudioDistance())
    with pytest.raises(TypeError, match="merge: expected KernelAudioDistance, got ClapScore"):
        metric.merge(ClapScore())
    assert InceptionScore(splits=3).settings() == {"splits": 3, "seed": 2020}


def test_a_batch_of_another_dimension_is_refused_and_changes_nothing(case):
    kind, arrays, expected = case
    if kind is DeSync:
        return  # it has one shape, which the function checks
    metric = seen(kind, arrays)
    with pytest.raises(ValueError, match=r"expected 7 columns as in the batches before, got 5"):
        metric.update(*(array[:, :5] for array in arrays))
    with pytest.raises(ValueError, match="merge: expected 7 columns as in the batches before, got 5"):
        metric.merge(seen(kind, arrays), seen(kind, [array[:, :5] for array in arrays]))
    assert metric.compute() == pytest.approx(expected, rel=BUDGET)


def test_what_cannot_be_scored_is_refused_and_changes_nothing(case):
    kind, arrays, expected = case
    metric = seen(kind, arrays)
    broken = [array.copy() for array in arrays]
    broken[-1][4] = np.nan
    with pytest.raises(ValueError, match="sample 4 of 90 is not finite"):
        metric.update(*broken)
    assert metric.compute() == pytest.approx(expected, rel=BUDGET)


@pytest.mark.parametrize("kind", [FrechetAudioDistance, KernelAudioDistance])
def test_a_distance_wants_two_samples_of_each_side(kind):
    metric = kind()
    with pytest.raises(ValueError, match="expected reference, generated or both, got neither"):
        metric.update()
    metric.update(reference=PAIR[0], generated=PAIR[1][:1])
    with pytest.raises(ValueError, match="generated: needs at least 2 samples, got 1"):
        metric.compute()


PROCESS = """
    import sys
    import numpy as np
    import torch.distributed as distributed
    from metrics.streaming import FrechetAudioDistance, InceptionScore, KLDivergence

    rank, store = int(sys.argv[1]), sys.argv[2]
    rows = np.load(sys.argv[3])
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    share = rows[:, :30] if rank == 0 else rows[:, 30:]
    fad, kl, score = FrechetAudioDistance(), KLDivergence(), InceptionScore()
    fad.update(*share)
    kl.update(*share)
    score.update(3 * share[0])
    print(*[repr(metric.synced().compute()) for metric in (fad, kl, score)], kl.count)
    distributed.destroy_process_group()
"""


def test_two_processes_together_have_the_score_of_the_whole(tmp_path):
    np.save(tmp_path / "rows.npy", np.stack(PAIR))
    root = Path(__file__).parents[3]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PROCESS), str(rank), tmp_path / "store", tmp_path / "rows.npy"],
            cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    ended = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ended[0][1]
    told = [[float(number) for number in out.split()] for out, _ in ended]
    assert told[0][:3] == told[1][:3]
    assert told[0][:3] == pytest.approx([CASES["fad"][2], CASES["kl"][2], CASES["is"][2]], rel=BUDGET)
    assert (told[0][3], told[1][3]) == (30, 60)  # what each has seen itself stays its own


def test_one_process_alone_needs_no_group(case):
    kind, arrays, expected = case
    assert seen(kind, arrays).synced().compute() == pytest.approx(expected, rel=BUDGET)


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (
            KernelAudioDistance,
            {"bandwidth_from": "x"},
            'bandwidth_from: expected "generated" or "reference", got \'x\'',
        ),
        (KernelAudioDistance, {"bandwidth": -1}, "bandwidth: expected a finite number of at least 0, got -1"),
        (KernelAudioDistance, {"bandwidth": "a"}, "bandwidth: expected a finite number of at least 0, got 'a'"),
        (KernelAudioDistance, {"bandwidth": np.nan}, "bandwidth: expected a finite number of at least 0, got nan"),
        (InceptionScore, {"splits": 0}, "splits: expected a whole number from 1 on, got 0"),
        (InceptionScore, {"splits": 2.5}, r"splits: expected a whole number from 1 on, got 2\.5"),
        (InceptionScore, {"seed": "a"}, "seed: expected a whole number from 0 to 4294967295, got 'a'"),
        (InceptionScore, {"seed": 2**32}, "seed: expected a whole number from 0 to 4294967295, got 4294967296"),
    ],
)
def test_settings_that_no_samples_can_be_scored_with_are_refused_at_once(kind, given, message):
    with pytest.raises(ValueError, match=message):
        kind(**given)


def test_numbers_of_numpy_are_settings_like_any_other():
    KernelAudioDistance(bandwidth=np.float32(1))
    InceptionScore(splits=np.int64(3), seed=np.uint8(1))


@pytest.mark.parametrize("kind", [FrechetAudioDistance, KernelAudioDistance])
def test_values_whose_squares_overflow_are_refused_by_name_and_change_nothing(kind, capfd):
    metric = kind()
    metric.update(*PAIR)
    large = PAIR[1].copy()
    large[4, 2] = -1e200
    with pytest.raises(
        ValueError, match=r"generated: sample 4 of 90 holds 1e\+200, and distances of values beyond 1e\+60"
    ):
        metric.update(PAIR[0], large)
    assert metric.seen == {"reference": N, "generated": N}
    metric.update(PAIR[0] * 1e55, PAIR[1] * 1e55)
    assert np.isfinite(metric.compute())
    assert capfd.readouterr() == ("", "")


def test_a_console_shows_what_a_metric_has_seen():
    metric = KernelAudioDistance(bandwidth=1.0)
    metric.update(PAIR[0], PAIR[1][:50])
    assert (
        repr(metric)
        == "<KernelAudioDistance(bandwidth=1.0, bandwidth_from='generated'), 90 reference and 50 generated seen>"
    )
    assert repr(FrechetAudioDistance()) == "<FrechetAudioDistance(), 0 reference and 0 generated seen>"
    assert repr(seen(KLDivergence, PAIR)) == "<KLDivergence(), 90 samples seen>"
    assert repr(InceptionScore()) == "<InceptionScore(splits=10, seed=2020), 0 samples seen>"
