"""Synchformer equals the reference for seeded weights; its parts equal slower formulations of themselves."""

import pytest
import torch
from support.seeded_weights import fill, normal, off_by, video, waveform
from torch import nn

from metrics.backbones.synchformer import AudioExtractor, Synchformer, VideoExtractor, prepare_audio
from metrics.backbones.synchformer.network import OffsetHead
from metrics.backbones.synchformer.pooling import AttentionPooling
from metrics.backbones.synchformer.video import DividedAttention, SpaceTimeBlock


def seeded(part, prefix):
    """A part of Synchformer with the weights that it has in the whole, without first drawing others."""
    with torch.device("meta"):
        empty = part()
    return fill(empty.to_empty(device="cpu").eval(), seed=1, prefix=prefix)


@pytest.mark.slow
def test_video_features_equal_the_reference(golden):
    frames = video("sync/video0", 200, 224, 224, seed=1).float() / 127.5 - 1
    segments = torch.stack([frames[8 * segment : 8 * segment + 16] for segment in (0, 11, 23)])
    expected = golden("synchformer")
    first, middle, last = seeded(VideoExtractor, "vfeat_extractor.")(segments)[:, 0]
    assert off_by(first, expected["video_segments_0_to_13"][0]) < 1e-4
    assert off_by(middle, expected["video_segments_0_to_13"][11]) < 1e-4
    assert off_by(last, expected["video_segment_23"][0]) < 1e-4


def test_audio_features_equal_the_reference(golden):
    mels = prepare_audio(waveform("sync/wave0", 128_000, 16_000, seed=1), 16_000, 8.0)
    first, middle, last = seeded(AudioExtractor, "afeat_extractor.")(mels[None, [0, 11, 23]])[0]
    expected = golden("synchformer")
    assert off_by(first, expected["audio_segments_0_to_13"][0]) < 2e-4  # the mels add their own rounding
    assert off_by(middle, expected["audio_segments_0_to_13"][11]) < 2e-4
    assert off_by(last, expected["audio_segment_23"][0]) < 2e-4


def test_logits_of_a_window_equal_the_reference(golden):
    expected = golden("synchformer")
    with torch.device("meta"):
        network = Synchformer()
    for name in ("vproj", "aproj", "transformer"):  # the extractors have no part in it
        part = getattr(network, name).to_empty(device="cpu").eval()
        fill(part, seed=1, prefix=f"{name}.")
    seen, heard = (torch.from_numpy(expected[f"{kind}_segments_0_to_13"])[None] for kind in ("video", "audio"))
    assert off_by(network.offset_logits(seen, heard)[0], expected["logits_segments_0_to_13"]) < 1e-4


def test_logits_of_a_window_do_not_depend_on_the_windows_beside_it():
    """So the harness may vote on hundreds of pairs together where that is faster."""
    head = seeded(OffsetHead, "transformer.")
    seen, heard = (normal(name, (6, 14 * tokens, 768), seed=6) for name, tokens in (("seen", 8), ("heard", 6)))
    together = head(seen, heard)
    for window in range(0, 6, 2):
        pair = slice(window, window + 2)
        assert off_by(together[pair], head(seen[pair], heard[pair])) < 1e-6  # float32 sums in another order


def test_a_block_looks_along_time_first_and_each_of_its_steps_has_its_own_norm():
    block = fill(SpaceTimeBlock(width=24), seed=4)
    tokens = normal("tokens", (1, 1569, 24), seed=4)
    step = tokens + block.timeattn(block.norm3(tokens), along="time")
    step = step + block.attn(block.norm1(step), along="space")
    assert off_by(block(tokens), step + block.mlp(block.norm2(step))) < 1e-6


@pytest.fixture(scope="module")
def shallow():
    """The video branch with one block: as wide as the published one, and quick."""
    with torch.device("meta"):
        branch = VideoExtractor()
    branch.blocks = branch.blocks[:1]
    return fill(branch.to_empty(device="cpu").eval(), seed=3)


@pytest.fixture(scope="module")
def clip():
    return normal("frames", (2, 24, 3, 224, 224), seed=1).clamp(-1, 1)


@pytest.fixture(scope="module")
def features(shallow, clip):
    with torch.inference_mode():
        return shallow(clip)


def test_segments_start_every_8_frames_and_the_rest_is_left_out(shallow, clip, features):
    assert features.shape == (2, 2, 8, 768)  # 24 frames: segments from 0 and 8
    assert off_by(shallow(clip[:1, 8:24])[:, 0], features[:1, 1]) < 1e-5
    assert shallow(clip[:1, :23]).shape == (1, 1, 8, 768)


def test_trunk_then_aggregate_is_the_whole_branch(shallow, clip, features):
    trunk = shallow.trunk(clip[:1])
    assert trunk.shape == (1, 2, 1568, 768)
    assert off_by(shallow.aggregate(trunk), features[:1]) < 1e-5


@pytest.mark.parametrize("at_once", [1, 3])
def test_how_many_segments_go_at_once_changes_nothing(shallow, clip, features, at_once):
    assert off_by(shallow(clip, segments_at_once=at_once), features) < 1e-5


def test_the_first_of_a_segments_8_steps_knows_the_first_frames_best(shallow, clip, features):
    changed = clip[:1, :16].clone()
    changed[:, :2] = -changed[:, :2]
    moved = (shallow(changed)[0, 0] - features[0, 0]).norm(dim=-1)
    assert moved.argmax() == 0


def group_mask(along):
    """Which of the 1 + 8 * 196 tokens may look at which."""
    step, place = torch.arange(1568) // 196, torch.arange(1568) % 196
    group = place if along == "time" else step
    allowed = torch.ones(1569, 1569, dtype=torch.bool)
    allowed[1:, 1:] = group[:, None] == group[None]
    return allowed


@pytest.mark.parametrize("along", ["time", "space"])
def test_divided_attention_is_full_attention_with_a_mask(along):
    attention = fill(DividedAttention(width=24, heads=2), seed=4)
    tokens = normal("tokens", (2, 1569, 24), seed=4)
    q, k, v = attention.qkv(tokens).unflatten(-1, (3, 2, 12)).permute(2, 0, 3, 1, 4)
    masked = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=group_mask(along))
    by_hand = attention.proj(masked.transpose(1, 2).flatten(2))
    assert off_by(attention(tokens, along), by_hand) < 1e-5


def test_pooling_is_the_first_row_of_a_transformer_layer():
    pooling = fill(AttentionPooling(width=24, heads=2, hidden=48), seed=4)
    layer = nn.TransformerEncoderLayer(24, 2, 48, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True)
    layer.load_state_dict({name: value for name, value in pooling.state_dict().items() if name != "cls_token"})
    tokens = normal("tokens", (3, 7, 24), seed=4)
    whole = layer.eval()(torch.cat([pooling.cls_token.expand(3, -1, -1), tokens], dim=1))
    assert off_by(pooling(tokens), whole[:, 0]) < 1e-5


def test_pooling_weights_rank_the_token_that_is_looked_at():
    pooling = fill(AttentionPooling(width=24, heads=2, hidden=48), seed=4)
    weights = pooling.weights(normal("tokens", (3, 7, 24), seed=4))
    assert weights.shape == (3, 7)
    assert (weights > 0).all()
    assert (weights.sum(dim=1) < 1).all()


def test_the_head_tells_video_from_audio_and_order_from_disorder():
    head = fill(OffsetHead(), seed=6).eval()
    seen, heard = normal("seen", (1, 112, 768), seed=1), normal("heard", (1, 84, 768), seed=1)
    logits = head(seen, heard)
    assert logits.shape == (1, 21)
    assert off_by(head(seen, heard.flip(1)), logits) > 1e-3


@pytest.mark.parametrize(
    "shape", [(1, 15, 3, 224, 224), (1, 200, 3, 224, 223), (200, 3, 224, 224), (1, 200, 4, 224, 224)]
)
def test_frames_of_another_shape_are_refused(shallow, shape):
    with pytest.raises(ValueError, match=r"expected shape \(b, t, 3, 224, 224\) with t >= 16"):
        shallow(torch.zeros(1).expand(shape))


def test_no_segments_at_once_is_refused(shallow, clip):
    with pytest.raises(ValueError, match="segments_at_once: expected at least 1, got 0"):
        shallow(clip, segments_at_once=0)


def test_windows_of_another_length_are_refused():
    with torch.device("meta"):
        empty = Synchformer()
        seen, heard = torch.zeros(1, 14, 8, 768), torch.zeros(1, 13, 6, 768)
        with pytest.raises(ValueError, match=r"got \(1, 14, 8, 768\) and \(1, 13, 6, 768\)"):
            empty.offset_logits(seen, heard)
        with pytest.raises(ValueError, match=r"mels: expected shape \(b, segments, 128, 66\)"):
            empty.audio(torch.zeros(1, 24, 128, 65))
