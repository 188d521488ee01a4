"""The two files: in the layout of the published ones, entry for entry, and the same bytes for the same weights."""

from pathlib import Path

import pytest
import torch
from support.small_training import copied, narrowed, seeded

from baselines.mmaudio.transformer import MMDiT
from baselines.selva.training.pair import pair_in, write_pair
from baselines.selva.video_encoder import TextVideoEncoder

DATA = Path(__file__).parent / "data"
SHAPE = {"variant": "tiny_16k", "sup_tokens": 3}


@pytest.fixture
def states():
    with narrowed():
        yield copied(seeded(TextVideoEncoder(3))), copied(seeded(MMDiT.from_variant("tiny_16k"), 1))


@pytest.mark.parametrize(
    ("name", "factory"),
    [
        ("video_enc_sup_5", lambda: TextVideoEncoder(5)),
        ("generator_small_16k_sup_5", lambda: MMDiT.from_variant("small_16k")),
    ],
)
def test_networks_list_their_entries_as_the_published_files_do_in_the_same_order(name, factory):
    lines = (DATA / f"{name}.tsv").read_text().splitlines()
    assert lines[0] == "name\tshape\tdtype"
    with torch.device("meta"):
        state = factory().state_dict()
    told = [(k, "x".join(map(str, v.shape)), str(v.dtype).removeprefix("torch.")) for k, v in state.items()]
    assert told == [tuple(line.split("\t")) for line in lines[1:]]


def test_the_files_are_named_as_the_published_ones(tmp_path):
    pair = pair_in(tmp_path, variant="small_16k", sup_tokens=5)
    assert (pair.video_encoder.name, pair.generator.name) == ("video_enc_sup_5.pth", "generator_small_16k_sup_5.pth")


def test_files_hold_plain_state_dicts_in_the_order_of_the_networks_whatever_order_came_in(tmp_path, states):
    encoder, generator = states
    pair = write_pair(tmp_path / "out", dict(reversed(encoder.items())), dict(reversed(generator.items())), **SHAPE)
    for path, state in ((pair.video_encoder, encoder), (pair.generator, generator)):
        read = torch.load(path, weights_only=True)
        assert list(read) == list(state)
        assert all(torch.equal(read[name], state[name]) for name in state)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "generator_tiny_16k_sup_3.pth",
        "video_enc_sup_3.pth",
    ]


def test_the_same_weights_give_the_same_bytes(tmp_path, states):
    first, second = (write_pair(tmp_path / name, *states, **SHAPE) for name in ("a", "b"))
    assert first.video_encoder.read_bytes() == second.video_encoder.read_bytes()
    assert first.generator.read_bytes() == second.generator.read_bytes()


def test_half_precision_gradients_and_views_leave_no_trace_in_the_files(tmp_path, states):
    encoder, generator = states
    name = "sup_text_feat"
    large = torch.zeros(1000, *encoder[name].shape)
    large[7] = encoder[name].half()
    odd = {**encoder, name: torch.nn.Parameter(large)[7]}
    half = {**encoder, name: encoder[name].half()}
    one, other = (write_pair(tmp_path / str(i), state, generator, **SHAPE) for i, state in enumerate((odd, half)))
    assert one.video_encoder.read_bytes() == other.video_encoder.read_bytes()
    assert torch.load(one.video_encoder, weights_only=True)[name].dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("text_proj.0.bias"), r"video encoder: entry 'text_proj\.0\.bias' is missing"),
        (lambda state: state.update(teacher=torch.zeros(1)), r"video encoder: entry 'teacher' is none of this network"),
        (
            lambda state: state.update(sup_text_feat=torch.zeros(5, 192)),
            r"entry 'sup_text_feat': expected \(3, 192\), got \(5, 192\)",
        ),
    ],
)
def test_an_entry_that_does_not_fit_is_named_and_nothing_is_written(tmp_path, states, change, message):
    encoder, generator = dict(states[0]), states[1]
    change(encoder)
    with pytest.raises(ValueError, match=message):
        write_pair(tmp_path / "out", encoder, generator, **SHAPE)
    assert not (tmp_path / "out").exists()
