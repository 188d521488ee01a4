"""Averages of the weights: equality with ema-pytorch's own, what is kept, what is refused."""

import copy
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.reference_weights import given, off_by
from torch import nn

from baselines.selva.training import ema
from baselines.selva.training.ema import Averages, snapshots, synthesize, track
from foundation.partials import partial_name

WALK = (0.1 * given("ema_walk", 200, 12).double().cumsum(0)).float()


def at(module: nn.Linear, row: torch.Tensor) -> None:
    with torch.no_grad():
        module.weight.copy_(row[:9].view(3, 3))
        module.bias.copy_(row[9:])


def walked(folder: Path, steps: int = 200, every: int = 50, **options) -> Averages:
    module = nn.Linear(3, 3)
    averages = track(module, folder, every=every, **options)
    for row in WALK[:steps]:
        at(module, row)
        averages.update()
    return averages


def flat(state: dict[str, torch.Tensor]) -> torch.Tensor:
    assert set(state) == {"weight", "bias"}
    return torch.cat([state["weight"].flatten(), state["bias"]])


def test_averages_of_three_widths_equal_the_reference(tmp_path, golden):
    walked(tmp_path)
    got = torch.stack([flat(synthesize(tmp_path, width)) for width in (0.05, 0.08, 0.15)])
    assert off_by(got, golden("ema")["ema_pytorch_synthesized"]) < 1e-5  # the other two rules are 2e-4 and more away


def test_snapshots_are_whole_in_float32(tmp_path, golden):
    walked(tmp_path)
    assert snapshots(tmp_path) == [50, 100, 150, 200]
    want = golden("ema")["ema_pytorch_snapshots"]
    for row, step in enumerate(snapshots(tmp_path)):
        kept = load_file(tmp_path / f"{step:08d}.safetensors")
        assert {value.dtype for value in kept.values()} == {torch.float32}
        for profile in (0, 1):
            got = torch.cat([kept[f"{profile}/weight"].flatten(), kept[f"{profile}/bias"]])
            assert off_by(got, want[profile, row]) < 1e-6  # half precision would be 1e-4 away


def test_the_average_at_a_step_is_that_of_a_run_that_ended_there_and_needs_no_later_snapshot(tmp_path):
    walked(tmp_path / "long")
    (tmp_path / "long" / "00000150.safetensors").write_bytes(b"damaged")
    walked(tmp_path / "short", steps=100)
    for width in (0.05, 0.08):
        early = synthesize(tmp_path / "long", width, step=100)
        assert torch.equal(flat(early), flat(synthesize(tmp_path / "short", width)))


def test_a_width_that_was_kept_is_its_own_running_average(tmp_path):
    walked(tmp_path)
    kept = load_file(tmp_path / "00000200.safetensors")
    torch.testing.assert_close(synthesize(tmp_path, 0.1)["weight"], kept["1/weight"])
    torch.testing.assert_close(synthesize(tmp_path, 0.05, step=200)["weight"], kept["0/weight"])


def standing(folder: Path, snapshots: int) -> torch.Tensor:
    """Weights that never move, with so many snapshots of their averages."""
    module = nn.Linear(3, 3)
    averages = track(module, folder, every=10)
    for _ in range(10 * snapshots):
        averages.update()
    return module.weight.detach()


def test_weights_that_stand_still_are_their_own_average(tmp_path):
    weight = standing(tmp_path, 10)
    torch.testing.assert_close(synthesize(tmp_path, 0.05)["weight"], weight)
    torch.testing.assert_close(synthesize(tmp_path, 0.08)["weight"], weight, rtol=1e-3, atol=0)


def test_a_width_that_two_snapshots_cannot_make_is_told(tmp_path, caplog):
    standing(tmp_path, 2)
    synthesize(tmp_path, 0.05)
    assert not caplog.text
    synthesize(tmp_path, 0.08)
    assert "the size of the weights times 1.030: 2 snapshots are too few for it" in caplog.text


def test_only_what_is_trained_is_averaged_under_its_own_name(tmp_path):
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    module.requires_grad_(False)[2].requires_grad_(True)
    averages = track(module, tmp_path, every=1)
    averages.update()
    assert set(synthesize(tmp_path, 0.05)) == {"2.weight", "2.bias"}
    assert not any(name.endswith("0/weight") for name in averages.state_dict())


def test_the_module_is_not_touched_and_the_averages_are_not_its_weights(tmp_path):
    module = nn.Linear(3, 3)
    averages = track(module, tmp_path)
    averages.update()
    before = module.weight.detach().clone()
    with torch.no_grad():
        module.weight.add_(1)
    averages.update()
    assert torch.equal(module.weight, before + 1)
    mean = averages.state_dict()["ema_models.0.ema_model.weight"]
    assert not torch.equal(mean, module.weight)
    assert not torch.equal(mean, before)


def test_a_run_that_goes_on_from_a_state_keeps_the_same_snapshots(tmp_path):
    walked(tmp_path / "undisturbed")
    state = copy.deepcopy(walked(tmp_path / "killed", steps=120).state_dict())
    module = nn.Linear(3, 3)
    at(module, WALK[119])
    averages = track(module, tmp_path / "killed", every=50)
    averages.load_state_dict(state)
    assert averages.step == 120
    for row in WALK[120:]:
        at(module, row)
        averages.update()
    assert snapshots(tmp_path / "killed") == [50, 100, 150, 200]
    for width in (0.05, 0.08):
        assert torch.equal(*(flat(synthesize(tmp_path / run, width)) for run in ("undisturbed", "killed")))


def test_a_state_of_other_parameters_is_refused(tmp_path):
    state = walked(tmp_path / "one", steps=1).state_dict()
    with pytest.raises(RuntimeError, match="size mismatch"):
        track(nn.Linear(2, 2), tmp_path / "other").load_state_dict(state)


def test_a_snapshot_between_the_regular_ones_can_be_kept(tmp_path):
    averages = walked(tmp_path, steps=70)
    assert averages.snapshot() == tmp_path / "00000070.safetensors"
    assert snapshots(tmp_path) == [50, 70]
    assert synthesize(tmp_path, 0.05).keys() == {"weight", "bias"}


def test_a_snapshot_that_is_not_written_to_the_end_is_not_there(tmp_path, monkeypatch):
    """Neither after a crash in the middle of writing, nor as the temporary that a killed process leaves."""
    averages = walked(tmp_path, steps=50)
    whole = (tmp_path / "00000050.safetensors").read_bytes()
    (tmp_path / partial_name("00000100.safetensors")).write_bytes(whole[:-7])

    def dies(tensors, path, metadata):
        Path(path).write_bytes(whole[:-7])
        raise KeyboardInterrupt

    monkeypatch.setattr("safetensors.torch.save_file", dies)
    with pytest.raises(KeyboardInterrupt):
        averages.snapshot()
    assert snapshots(tmp_path) == [50]
    assert (tmp_path / "00000050.safetensors").read_bytes() == whole


@pytest.mark.parametrize("damage", ["cut", "another file"])
def test_a_damaged_snapshot_is_named(damage, tmp_path):
    walked(tmp_path, steps=100)
    path = tmp_path / "00000050.safetensors"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=r"00000050\.safetensors: not a snapshot of averaged weights .*remove it"):
        synthesize(tmp_path, 0.05)


def test_snapshots_that_are_missing_are_told(tmp_path):
    with pytest.raises(ValueError, match="no snapshot of averaged weights; train until the first one is kept"):
        synthesize(tmp_path / "nowhere", 0.05)
    walked(tmp_path, steps=100)
    with pytest.raises(ValueError, match="no snapshot of step 70; those there are: 50, 100"):
        synthesize(tmp_path, 0.05, step=70)


@pytest.mark.parametrize("width", [0, -0.1, 0.28, 5.0, float("nan")])
def test_a_width_out_of_range_is_refused(width, tmp_path):
    with pytest.raises(ValueError, match=r"width: expected more than 0 and less than 0\.28, got"):
        synthesize(tmp_path, width)
    with pytest.raises(ValueError, match="width: expected"):
        track(nn.Linear(1, 1), tmp_path, widths=(0.05, width))


@pytest.mark.parametrize(("width", "warned"), [(0.05, False), (0.07, False), (0.1, False), (0.04, True), (0.15, True)])
def test_extrapolation_is_told(width, warned, tmp_path, caplog):
    walked(tmp_path, steps=100)
    with caplog.at_level(logging.WARNING, logger=ema.__name__):
        synthesize(tmp_path, width)
    assert ("extrapolated: those kept are 0.05, 0.1" in caplog.text) == warned


@pytest.mark.parametrize("widths", [(), (0.05,), (0.05, 0.05)])
def test_two_widths_are_needed(widths, tmp_path):
    with pytest.raises(ValueError, match="at least two different ones"):
        track(nn.Linear(1, 1), tmp_path, widths=widths)


def test_what_cannot_be_averaged_is_refused(tmp_path):
    with pytest.raises(ValueError, match="nothing of this Linear is trained"):
        track(nn.Linear(1, 1).requires_grad_(False), tmp_path)
    with pytest.raises(ValueError, match=r"weight: averages are of float32 weights, got torch\.bfloat16"):
        track(nn.Linear(1, 1).bfloat16(), tmp_path)
    with pytest.raises(ValueError, match="at least 1 step between snapshots, got 0"):
        track(nn.Linear(1, 1), tmp_path, every=0)


def test_a_folder_keeps_the_widths_that_it_began_with(tmp_path):
    walked(tmp_path, steps=50)
    with pytest.raises(ValueError, match=r"has snapshots of the widths \(0\.05, 0\.1\), not of \(0\.05, 0\.2\)"):
        track(nn.Linear(3, 3), tmp_path, widths=(0.05, 0.2))


def test_snapshots_of_different_runs_are_not_put_together(tmp_path):
    walked(tmp_path, steps=100)
    walked(tmp_path / "other", steps=50, widths=(0.05, 0.2))
    (tmp_path / "other" / "00000050.safetensors").replace(tmp_path / "00000050.safetensors")
    with pytest.raises(ValueError, match="snapshots 50 and 100 keep different widths"):
        synthesize(tmp_path, 0.05)


def test_many_snapshots_are_put_together_as_exactly_as_few(tmp_path):
    """As many as 50,000 steps leave at 5,000: the least squares stay well posed."""
    walked(tmp_path, steps=200, every=20)
    tracked = walked(tmp_path / "direct", widths=(0.08, 0.1)).state_dict()
    direct = torch.cat([tracked[f"ema_models.0.ema_model.{name}"].flatten() for name in ("weight", "bias")])
    assert np.isfinite(flat(synthesize(tmp_path, 0.08))).all()
    assert off_by(flat(synthesize(tmp_path, 0.08)), direct) < 0.02
