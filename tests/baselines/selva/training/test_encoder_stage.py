"""The first stage: what is trained, where it starts, the loss, equality with the published code."""

from collections.abc import Iterator
from copy import deepcopy

import pytest
import torch
from support.reference_weights import filled, given, off_by, official_state
from support.seeded_weights import video
from support.small_training import SIZE, WIDTH, copied, moved, narrowed, norms, seeded, synchformer

from baselines.mmaudio.frames import sync_input
from baselines.selva.training.encoder_stage import (
    feature_loss,
    starting_network,
    teacher_features,
    trainable_parameters,
)
from baselines.selva.training.mixing import mix_clips
from baselines.selva.training.schedule import optimiser
from baselines.selva.training.stages import freeze, trained_parameters
from baselines.selva.video_encoder import TextVideoEncoder
from metrics.backbones.synchformer import VideoExtractor

GATED_MLP = ("w1.weight", "w2.weight", "w3.weight")
POOLING = (
    "cls_token",
    *(f"self_attn.{name}" for name in ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")),
    *(f"{name}.{leaf}" for name in ("linear1", "linear2", "norm1", "norm2") for leaf in ("weight", "bias")),
)
CROSS_BLOCK = (
    *(f"{name}.{leaf}" for name in ("norm1", "attn.q_proj", "attn.kv_proj") for leaf in ("weight", "bias")),
    *(f"attn.{name}.weight" for name in ("q_norm", "k_norm")),
    *(f"{name}.{leaf}" for name in ("linear1", "norm2") for leaf in ("weight", "bias")),
    *(f"ffn.{leaf}" for leaf in GATED_MLP),
)
TRAINED = (  # in the order of the published values
    "sup_text_feat",
    *(f"vfeat_extractor.spatial_attn_agg.{name}" for name in POOLING),
    "text_proj.0.weight",
    "text_proj.0.bias",
    *(f"text_proj.2.{leaf}" for leaf in GATED_MLP),
    *(f"synch_text_cross_blocks.0.{name}" for name in CROSS_BLOCK),
)
TEXT, MASK = given("text", 2, 6, WIDTH), torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
EMPTY_TEXT = given("empty text", 1, WIDTH)


def clips() -> torch.Tensor:
    """Two clips of two segments."""
    return torch.stack([video(name, 24, SIZE, SIZE, seed=1) for name in ("first", "second")])


@pytest.fixture(scope="module")
def networks() -> tuple[TextVideoEncoder, VideoExtractor]:
    """Student before its first step, and teacher, narrow."""
    with narrowed():
        entries = synchformer()
        teacher = VideoExtractor()
        teacher.load_state_dict(entries)
        student = starting_network(5, entries, EMPTY_TEXT, torch.Generator().manual_seed(1))
    freeze(student, trainable_parameters(student))
    return student, teacher


@pytest.fixture
def narrow() -> Iterator[None]:
    with narrowed():
        yield


@pytest.fixture
def student(networks, narrow) -> TextVideoEncoder:
    return deepcopy(networks[0])


@pytest.fixture
def teacher(networks, narrow) -> VideoExtractor:
    return networks[1]


def backward(student: TextVideoEncoder, teacher: VideoExtractor) -> None:
    target = teacher_features(teacher, sync_input(clips()))
    feature_loss(student, sync_input(mix_clips(clips(), ratio=0.5)), TEXT, MASK, target).mean().backward()


@pytest.mark.parametrize(
    ("tokens", "parameters", "values"), [(5, 34, 19_485_824), (0, 33, 19_481_984), (7, 34, 19_487_360)]
)
def test_exactly_pooling_and_the_way_of_the_text_are_trained(tokens, parameters, values):
    with torch.device("meta"):
        network = TextVideoEncoder(tokens)
    names = trainable_parameters(network)
    assert set(names) == set(TRAINED) - (set() if tokens else {"sup_text_feat"})
    assert len(names) == parameters
    assert sum(p.numel() for p in trained_parameters(network, names)) == values


def test_after_ten_steps_all_that_is_trained_has_moved_and_nothing_else(student, teacher):
    before, names = copied(student), trainable_parameters(student)
    rule = optimiser(trained_parameters(student, names), 1e-4)
    for _ in range(10):
        rule.zero_grad()
        backward(student, teacher)
        rule.step()
    assert moved(student, before) == set(names) == set(TRAINED)


def test_at_the_start_the_features_are_the_teachers_whatever_the_text(student, teacher):
    frames = sync_input(clips())
    with torch.no_grad():
        want = teacher_features(teacher, frames)
        torch.testing.assert_close(student(frames, TEXT, MASK), want)
        torch.testing.assert_close(student(frames, TEXT.flip(0), MASK), want)


def test_at_the_start_only_pooling_and_the_two_gates_have_a_gradient(student, teacher):
    backward(student, teacher)
    pulled = {name for name in TRAINED if student.get_parameter(name).grad.any()}
    gates = {f"synch_text_cross_blocks.0.{name}" for name in ("norm1.weight", "norm1.bias", "ffn.w2.weight")}
    assert pulled == {f"vfeat_extractor.spatial_attn_agg.{name}" for name in POOLING} | gates


def test_at_the_start_linear_layers_are_xavier_uniform_and_the_rest_is_neutral(student):
    for name, value in student.state_dict().items():
        if name.startswith("vfeat_extractor."):
            continue
        if name == "empty_string_feat":
            assert torch.equal(value, EMPTY_TEXT)
        elif name.endswith((".bias", "norm1.weight", "ffn.w2.weight")) or name == "sup_text_feat":
            assert not value.any(), name
        elif value.ndim == 1:
            assert (value == 1).all(), name
        else:
            bound = (6 / sum(value.shape)) ** 0.5
            assert 0.99 * bound < value.abs().max() <= bound, name
            assert value.std() == pytest.approx(bound / 3**0.5, rel=0.02), name


def test_the_start_follows_from_the_generator_and_shares_nothing_with_the_published_entries(narrow):
    entries = synchformer()
    first, same, other = (
        starting_network(1, entries, EMPTY_TEXT, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
    )
    assert not moved(same, copied(first))
    assert "text_proj.0.weight" in moved(other, copied(first))
    own = first.state_dict()["vfeat_extractor.spatial_attn_agg.linear1.weight"]
    assert own.data_ptr() != entries["spatial_attn_agg.linear1.weight"].data_ptr()
    assert all(p.device.type == "cpu" for p in first.parameters())


def test_entries_that_do_not_make_a_video_branch_are_refused(narrow):
    generator, entries = torch.Generator(), synchformer()
    with pytest.raises(ValueError, match=r"(?s)Missing key.*vfeat_extractor\.cls_token"):
        starting_network(5, {k: v for k, v in entries.items() if k != "cls_token"}, EMPTY_TEXT, generator)
    with pytest.raises(ValueError, match=r"(?s)size mismatch for empty_string_feat"):
        starting_network(5, entries, EMPTY_TEXT[:, :-1], generator)


def test_the_loss_is_the_mean_error_of_each_sample_squared_or_absolute(student):
    frames = sync_input(clips())
    with torch.no_grad():
        features = student(frames, TEXT, MASK)
        off = torch.tensor([0.5, -2.0])[:, None, None]
        squared = feature_loss(student, frames, TEXT, MASK, features + off)
        absolute = feature_loss(student, frames, TEXT, MASK, features + off, loss="mean absolute error")
    torch.testing.assert_close(squared, torch.tensor([0.25, 4.0]))
    torch.testing.assert_close(absolute, torch.tensor([0.5, 2.0]))


def test_the_loss_of_a_trained_student_depends_on_the_text(student):
    seeded(student)
    frames, target = sync_input(clips()), torch.zeros(2, 16, WIDTH)
    with torch.no_grad():
        own = feature_loss(student, frames, TEXT, MASK, target)
        exchanged = feature_loss(student, frames, TEXT.flip(0), MASK.flip(0), target)
    assert ((own - exchanged).abs() > 1e-3 * own).all()


def test_a_teacher_of_other_clips_is_refused(student):
    with pytest.raises(ValueError, match=r"teacher: expected shape \(2, 16, 192\), got \(1, 16, 192\)"):
        feature_loss(student, sync_input(clips()), TEXT, MASK, torch.zeros(1, 16, WIDTH))


def test_the_teachers_features_carry_no_gradient(teacher):
    features = teacher_features(teacher, sync_input(clips()))
    assert features.shape == (2, 16, WIDTH)
    assert not features.requires_grad


@pytest.mark.slow(minutes=1)
def test_loss_and_gradients_equal_the_published_code(golden, lists):
    want = golden("encoder_loss")
    with torch.device("meta"):
        network = TextVideoEncoder(5)
    network = filled(network, official_state(lists, "textsynch_depth1"))
    names = trainable_parameters(network)
    freeze(network, names)
    halves = torch.stack([video(f"training/segment{i}", 16, 224, 224, seed=1) for i in range(2)])
    scene = sync_input(torch.cat([halves[..., ::2], halves.flip(0)[..., ::2]], dim=-1))
    text, mask = given("stage1_t5_text", 2, 7, 768), torch.tensor([[True] * 5 + [False] * 2, [True] * 7])
    target = torch.as_tensor(want["teacher"])
    losses = feature_loss(network, scene, text, mask, target)
    assert off_by(losses.detach(), want["loss"]) < 1e-4
    losses.mean().backward()
    ratio = norms(trained_parameters(network, TRAINED)) / torch.as_tensor(want["gradient_norms"])
    assert (ratio - 1).abs().max() < 2e-4
    with torch.no_grad():
        exchanged = feature_loss(network, scene, text.flip(0), mask.flip(0), target)
        assert off_by(exchanged, want["loss_text_swapped"]) < 1e-4
        mixed = feature_loss(network, sync_input(mix_clips(halves, ratio=0.5)), text, mask, target)
        assert off_by(mixed, want["loss_official_mix"]) < 1e-3  # a grey level more or less here and there
