"""Every draw of a run follows from its place, and the clips come in whole epochs."""

import pytest
import torch

from baselines.selva.training.draws import ClipOrder, generator


def drawn(*place):
    return torch.randn(4, generator=generator(*place))


def test_the_same_place_draws_the_same_numbers():
    assert torch.equal(drawn(1, "encoder", "train", 3, "noise", 0), drawn(1, "encoder", "train", 3, "noise", 0))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((2, "encoder", "train", 3, "noise", 0), id="seed"),
        pytest.param((1, "generator", "train", 3, "noise", 0), id="stage"),
        pytest.param((1, "encoder", "validation", 3, "noise", 0), id="split"),
        pytest.param((1, "encoder", "train", 4, "noise", 0), id="batch"),
        pytest.param((1, "encoder", "train", 3, "latent", 0), id="what"),
        pytest.param((1, "encoder", "train", 3, "noise", 1), id="row"),
    ],
)
def test_another_place_draws_other_numbers(other):
    assert not torch.equal(drawn(1, "encoder", "train", 3, "noise", 0), drawn(*other))


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    drawn(1, "encoder")
    ClipOrder(1, "encoder", clips=5, batch=2).rows(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_every_clip_comes_once_an_epoch_and_every_batch_is_whole():
    order = ClipOrder(7, "encoder", clips=6, batch=4)
    rows = [row for batch in range(6) for row in order.rows(batch)]  # 24 rows, four epochs
    epochs = [rows[first : first + 6] for first in range(0, 24, 6)]
    assert all(sorted(epoch) == list(range(6)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_a_batch_does_not_depend_on_those_before_it():
    fresh = ClipOrder(7, "encoder", clips=6, batch=4)
    assert [ClipOrder(7, "encoder", clips=6, batch=4).rows(5), fresh.rows(0)] == [fresh.rows(5), fresh.rows(0)]


def test_the_two_stages_see_the_clips_in_another_order():
    orders = [ClipOrder(7, stage, clips=20, batch=20).rows(0) for stage in ("encoder", "generator")]
    assert orders[0] != orders[1]


def test_fewer_clips_than_a_batch_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"expected at least 4 clips .* got 3; prepare more clips, or lower encoder"):
        ClipOrder(7, "encoder", clips=3, batch=4)
