"""Weights: strict loading with messages that name the entry, and reproducible random ones."""

import pytest
import torch
from torch import nn

from baselines.mmaudio.weights import WeightSource, fingerprint, load_strictly, random_state
from foundation.checkpoints import MissingCheckpoint, WrongCheckpoint


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))


def source(**options) -> WeightSource:
    return WeightSource({"vae": "vae-16k", "generator": None}, options, needed_by="tiny model")


def test_the_entry_that_differs_is_named(tmp_path):
    state, path = network().state_dict(), tmp_path / "file.pth"
    with pytest.raises(WrongCheckpoint, match=r"file\.pth: size mismatch for 0\.weight"):
        load_strictly(network(), {**state, "0.weight": torch.zeros(4, 5)}, path)
    with pytest.raises(WrongCheckpoint, match=r"file\.pth: entry '0\.bias' of Sequential is missing \(1 are\)"):
        load_strictly(network(), {n: v for n, v in state.items() if n != "0.bias"}, path)
    with pytest.raises(WrongCheckpoint, match=r"file\.pth: Sequential has no entry '2\.weight' \(1 such\)"):
        load_strictly(network(), {**state, "2.weight": torch.zeros(1)}, path)


def test_a_file_of_ones_own_is_loaded_and_noted(tmp_path):
    path = tmp_path / "own.pth"
    trained = network()
    torch.save(trained.state_dict(), path)
    ours = source(checkpoint={"vae": path})
    built = ours.build("vae", network)
    assert torch.equal(built[0].weight, trained[0].weight)
    assert not built.training
    assert not any(p.requires_grad for p in built.parameters())
    assert ours.files["vae"].path == path
    assert len(ours.files["vae"].sha256) == 64
    assert not ours.files["vae"].verified


def test_half_precision_files_are_computed_in_float32(tmp_path):
    path = tmp_path / "half.pth"
    torch.save(network().half().state_dict(), path)
    assert source(checkpoint={"vae": path}).build("vae", network)[0].weight.dtype == torch.float32


def test_a_missing_file_is_answered_with_the_command_that_fetches_it(tmp_path):
    with pytest.raises(MissingCheckpoint, match=r'"vae-16k" is missing; tiny model needs it(.|\n)*weights vae-16k'):
        source(weights_dir=tmp_path).build("vae", network)


def test_what_is_not_published_asks_for_a_file_of_ones_own():
    with pytest.raises(MissingCheckpoint, match=r"the generator of tiny model is not published(.|\n)*generator=FILE"):
        source().build("generator", network)


def test_an_override_that_is_absent_or_of_no_part_is_refused(tmp_path):
    with pytest.raises(MissingCheckpoint, match="no such file"):
        source(checkpoint={"vae": tmp_path / "none.pth"}).build("vae", network)
    with pytest.raises(ValueError, match="no part 'vaee'; the parts are vae, generator"):
        source(checkpoint={"vaee": tmp_path})


def test_another_file_than_the_published_one_is_refused_unless_allowed(tmp_path):
    torch.save(network().state_dict(), tmp_path / "v1-16.pth")
    with pytest.raises(WrongCheckpoint, match="not the published file"):
        source(weights_dir=tmp_path).build("vae", network)
    allowed = source(weights_dir=tmp_path, allow_unverified=True)
    allowed.build("vae", network)
    assert not allowed.files["vae"].verified


def test_random_weights_are_the_same_in_every_process_and_leave_the_global_stream_alone():
    before = torch.get_rng_state()
    first, second = (source(random_weights=True).build("vae", network) for _ in range(2))
    other = source(random_weights=True).build("generator", network)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first[0].weight, second[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)
    assert torch.equal(first[1].weight, torch.ones(4))
    assert not first[0].bias.any()


def test_a_file_of_ones_own_is_taken_also_where_the_other_parts_are_random(tmp_path):
    own = network().state_dict()
    torch.save(own, tmp_path / "own.pth")
    some = source(random_weights=True, checkpoint={"vae": tmp_path / "own.pth"})
    assert torch.equal(some.build("vae", network)[0].weight, own["0.weight"])
    assert some.files.keys() == {"vae"}
    assert not torch.equal(some.build("generator", network)[0].weight, own["0.weight"])
    with pytest.raises(MissingCheckpoint, match="no such file"):
        source(random_weights=True, checkpoint={"vae": tmp_path / "none.pth"}).require(["vae", "generator"])


def test_random_matrices_keep_the_variance():
    with torch.device("meta"):
        wide = nn.Linear(2000, 300)
    spread = random_state(wide, "x")["weight"].std()
    assert float(spread) == pytest.approx(2000**-0.5, rel=0.01)


def test_a_fingerprint_changes_with_names_values_and_shapes():
    values = torch.arange(6.0)
    prints = {
        fingerprint([("a", values)]),
        fingerprint([("b", values)]),
        fingerprint([("a", values.view(2, 3))]),
        fingerprint([("a", values + 1e-6)]),
    }
    assert len(prints) == 4
    assert fingerprint([("a", values)]) == fingerprint([("a", values.clone())])
