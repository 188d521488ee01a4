"""Two clips side by side: equality with the published code, what stays as it was, what is refused."""

import numpy as np
import pytest
import torch
from support.seeded_weights import video

from baselines.selva.training.mixing import SMALLEST_RATIO, draw_ratio, mix_chosen, mix_clips
from baselines.selva.training.recipe import Mixing


@pytest.fixture(scope="module")
def clips() -> torch.Tensor:
    return torch.stack([video(f"training/clip{i}", 2, 224, 224, seed=1) for i in range(4)])


def plain(batch: int = 4, width: int = 20) -> torch.Tensor:
    """Clips of one grey level each, 10 and then 10 more each: a squeezed one keeps its level to the edge."""
    levels = torch.arange(10, 10 * batch + 10, 10, dtype=torch.uint8)
    return levels.view(batch, 1, 1, 1, 1).expand(batch, 2, 3, 4, width).contiguous()


def columns(mixed: torch.Tensor) -> list[list[int]]:
    """Each clip's grey levels along the width, where all its pixels of a column are alike."""
    rows = mixed.flatten(1, 3)
    assert (rows == rows[:, :1]).all()
    return rows[:, 0].tolist()


@pytest.mark.parametrize(("ratio", "share"), [(0.5, 1.0), (0.5, 0.5), (0.3, 1.0)])
def test_mixed_frames_equal_the_published_ones(ratio, share, clips, golden):
    want = golden("mixing")[f"ratio{ratio}_share{share}"].astype(int)
    got = mix_clips(clips, ratio=ratio, share=share).numpy().astype(int)
    assert np.abs(got[..., 8::32, :] - want).max() <= 1  # 8-bit resampling may round the other way on other machines


def test_on_the_right_the_same_parts_change_places(clips, golden):
    want = golden("mixing")["ratio0.3_share1.0"].astype(int)
    got = mix_clips(clips, ratio=0.3, side="right").numpy().astype(int)
    assert np.abs(got[..., 8::32, :] - np.roll(want, -67, axis=-1)).max() <= 1


def test_a_clip_stands_beside_the_one_at_the_other_end_of_the_batch():
    assert columns(mix_clips(plain(), ratio=0.25)) == [
        [10] * 5 + [40] * 15,
        [20] * 5 + [30] * 15,
        [30] * 5 + [20] * 15,
        [40] * 5 + [10] * 15,
    ]


@pytest.mark.parametrize(("ratio", "own"), [(0.5, 10), (0.49, 9), (0.05, 1), (0.999, 19), (1.0, 20)])
def test_the_columns_of_the_own_part_are_rounded_down(ratio, own):
    assert columns(mix_clips(plain(2), ratio=ratio))[0] == [10] * own + [20] * (20 - own)


@pytest.mark.parametrize(("share", "mixed"), [(0.0, 0), (0.49, 1), (0.5, 2), (0.99, 3), (1.0, 4)])
def test_the_first_clips_of_the_batch_are_mixed_and_the_others_left(share, mixed):
    out = mix_clips(plain(), ratio=0.5, share=share)
    assert [len(set(levels)) for levels in columns(out)] == [2] * mixed + [1] * (4 - mixed)
    assert torch.equal(out[mixed:], plain()[mixed:])


def test_random_sides_follow_from_the_generator_and_are_drawn_for_each_clip():
    def drawn(seed: int) -> torch.Tensor:
        return mix_clips(plain(16), ratio=0.5, side="random", generator=torch.Generator().manual_seed(seed))

    assert torch.equal(drawn(3), drawn(3))
    assert not torch.equal(drawn(3), drawn(4))
    left, right = (mix_clips(plain(16), ratio=0.5, side=side) for side in ("left", "right"))
    on_the_left, on_the_right = ((drawn(3) == side).flatten(1).all(dim=1) for side in (left, right))
    assert (on_the_left ^ on_the_right).all()
    assert 0 < int(on_the_left.sum()) < 16


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    mix_clips(plain(), ratio=0.5, side="random", generator=torch.Generator().manual_seed(0))
    draw_ratio(Mixing(ratio=None, alpha=1.0), torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_one_may_say_for_each_clip_whether_and_on_which_side():
    mixed = mix_chosen(plain(), ratio=0.5, mixed=[False, True, True, False], on_the_right=[True, True, False, True])
    assert columns(mixed) == [[10] * 20, [30] * 10 + [20] * 10, [30] * 10 + [20] * 10, [40] * 20]


def test_a_pair_is_mixed_alike_in_a_batch_of_its_own():
    whole = mix_clips(plain(), ratio=0.3)
    assert torch.equal(mix_clips(plain()[[0, 3]], ratio=0.3), whole[[0, 3]])


@pytest.mark.parametrize("ratio", [0.3, 1.0])
def test_the_clips_given_are_left_as_they_are(ratio):
    given = plain()
    mix_clips(given, ratio=ratio).zero_()
    assert torch.equal(given, plain())


def test_a_ratio_is_the_recipes_or_drawn_from_its_distribution():
    generator = torch.Generator().manual_seed(5)
    assert draw_ratio(Mixing(ratio=0.3), generator) == 0.3
    assert torch.equal(generator.get_state(), torch.Generator().manual_seed(5).get_state())
    drawn = [draw_ratio(Mixing(ratio=None, alpha=1.0), generator) for _ in range(2000)]  # of Beta(1, 1): uniform
    assert min(drawn) == SMALLEST_RATIO  # 5 % of them were smaller
    assert max(drawn) > 0.99
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.03)  # over four deviations of the mean
    spread = np.std([draw_ratio(Mixing(ratio=None, alpha=8.0), generator) for _ in range(2000)])
    assert spread == pytest.approx((1 / (4 * 17)) ** 0.5, rel=0.1)  # of Beta(a, a): 1 / (4 (2a + 1)) is the variance


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": plain(3)}, "expected an even batch, got 3"),
        ({"frames": plain().long()}, r"expected uint8 or float .*got torch\.int64 \(4, 2, 3, 4, 20\)"),
        ({"frames": plain()[:, 0]}, r"got torch\.uint8 \(4, 3, 4, 20\)"),
        ({"share": 1.5}, "share: expected 0 to 1, got 1.5"),
        ({"ratio": 0.04}, "ratio: expected a share of 20 columns, at least one of them, got 0.04"),
        ({"ratio": 1.1}, "got 1.1"),
        ({"side": "top"}, "side: expected one of left, right, random, got 'top'"),
        ({"side": "random"}, "needs a generator"),
    ],
)
def test_what_cannot_be_mixed_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        mix_clips(**{"frames": plain(), "ratio": 0.5, **options})


def test_a_choice_for_each_clip_is_asked_for():
    with pytest.raises(ValueError, match="one for each of 4 clips, got 3 and 4"):
        mix_chosen(plain(), ratio=0.5, mixed=[True] * 3, on_the_right=[True] * 4)
