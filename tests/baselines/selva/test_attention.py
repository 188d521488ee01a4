"""The attention maps of appendix C.4."""

import numpy as np
import pytest
import torch
from PIL import Image
from support.reference_weights import filled, given, weight
from support.tiny_models import film, shrunk

from baselines import GenerationError
from baselines.selva import SELVA
from baselines.selva.attention import (
    AttentionMap,
    SegmentAttention,
    blend,
    heat,
    merge_segments,
    overlaid,
    segment_attention,
    write_attention,
)
from baselines.selva.video_encoder import TextVideoEncoder
from foundation import media


@pytest.fixture(scope="module")
def encoder() -> TextVideoEncoder:
    with shrunk(), torch.device("meta"):
        network = TextVideoEncoder(5)
    state = {name: weight(name, tuple(value.shape)) for name, value in network.state_dict().items()}
    return filled(network, state)


@pytest.fixture(scope="module")
def trunk() -> torch.Tensor:
    return given("trunk", 1, 2, 1568, 768)


def test_text_attention_is_the_softmax_column_of_the_last_valid_token(encoder, trunk):
    text, mask = given("text", 1, 6, 768), torch.tensor([[True] * 4 + [False] * 2])
    got = segment_attention(encoder, trunk, text, mask)
    words, valid = encoder.words(text, mask)
    attention = encoder.synch_text_cross_blocks[0].attn
    query = attention.q_norm(attention.q_proj(trunk[0, 1]).view(1568, 12, 64))  # by hand, for the second segment
    key = attention.k_norm(attention.kv_proj(words)[0].view(11, 12, 64, 2)[..., 0])
    scores = torch.einsum("qhd,khd->hqk", query, key) / 8
    expected = scores[..., valid[0]].softmax(-1)[..., 8].mean(0)  # 5 [SUP] tokens and 3 words before it
    assert got.text.shape == (2, 8, 14, 14)
    np.testing.assert_allclose(got.text[1].ravel(), expected, rtol=1e-4)


def test_pooling_attention_is_a_share_of_each_time_step_after_the_text(encoder, trunk):
    mask = torch.ones(1, 6, dtype=torch.bool)
    dog, rain = (segment_attention(encoder, trunk, given(name, 1, 6, 768), mask) for name in ("dog", "rain"))
    sums = dog.pooling.sum(axis=(2, 3))
    assert (sums > 0).all()
    assert (sums < 1).all(), "the class token keeps a share"
    assert np.abs(dog.pooling - rain.pooling).max() > 1e-6
    np.testing.assert_array_equal(dog.product, dog.text * dog.pooling)


def test_a_text_without_tokens_or_several_videos_are_refused(encoder, trunk):
    with pytest.raises(ValueError, match="at least one token"):
        segment_attention(encoder, trunk, given("t", 1, 2, 768), torch.zeros(1, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match="expected one video"):
        segment_attention(encoder, trunk.repeat(2, 1, 1, 1), given("t", 2, 2, 768), torch.ones(2, 2, dtype=torch.bool))


def test_overlapping_segments_are_averaged():
    segments = np.zeros((3, 8, 14, 14), np.float32)
    segments[:] = np.array([1, 3, 5], np.float32).reshape(3, 1, 1, 1)
    merged = merge_segments(segments)
    assert merged.shape == (16, 14, 14)
    np.testing.assert_array_equal(merged[:, 0, 0], [1] * 4 + [2] * 4 + [4] * 4 + [5] * 4)


def test_heat_is_scaled_over_the_whole_video():
    values = np.linspace(0, 2, 10 * 14 * 14, dtype=np.float32).reshape(10, 14, 14)
    scaled = heat(values)
    assert scaled.min() == 0
    assert scaled.max() == 1
    assert scaled[0].max() < scaled[-1].min()
    np.testing.assert_array_equal(heat(np.zeros((1, 14, 14), np.float32)), np.zeros((1, 14, 14)))


def test_the_hot_corner_is_the_one_that_glows():
    strength = np.zeros((14, 14), np.float32)
    strength[:4, :4] = 1
    shown = blend(np.full((56, 112, 3), 100, np.uint8), strength).astype(int)
    assert shown.shape == (56, 112, 3)
    assert shown[4, 8].sum() > shown[50, 100].sum() + 200


def test_prompts_stand_side_by_side_and_time_steps_follow_the_frames():
    quiet, loud = np.zeros((8, 14, 14), np.float32), np.zeros((8, 14, 14), np.float32)
    loud[4:] = 1.0
    maps = [AttentionMap(p, v, SegmentAttention(v, v)) for p, v in (("a", quiet), ("b", loud))]
    shown = list(overlaid(np.full((16, 60, 80, 3), 90, np.uint8), maps))
    assert len(shown) == 16
    assert shown[0].shape == (60, 160, 3)
    below = [frame[40:].astype(int) for frame in shown]  # under the captions
    assert np.array_equal(below[7][:, :80], below[8][:, :80])
    assert below[8][:, 80:].sum() > below[7][:, 80:].sum(), "step 4 begins with frame 8"


@pytest.mark.slow
def test_files_are_written_for_two_prompts(tmp_path):
    video = film(tmp_path / "v.mp4", seconds=1.0)
    with shrunk():
        model = SELVA(variant="tiny_16k", device="cpu", random_weights=True)
    files = write_attention(model, video, ["dog barking", "rain $x$"], tmp_path / "map.mp4")
    info = media.probe(files.video)
    assert (info.video.width, info.video.height) == (2 * 540, 360)
    assert media.read_video(files.video, fps=25).shape[0] == 25
    assert files.strip == tmp_path / "map.png"
    with Image.open(files.strip) as strip:
        assert strip.width > 1500
    with pytest.raises(GenerationError, match="too short"):
        write_attention(model, video, ["dog"], tmp_path / "long.mp4", duration_seconds=3.0)


def test_no_prompt_and_another_ending_are_refused(tmp_path):
    with pytest.raises(ValueError, match="prompts: expected at least one"):
        write_attention(None, tmp_path / "v.mp4", [], tmp_path / "a.mp4")
    with pytest.raises(ValueError, match=r"expected a \.mp4, got '.*a\.gif'"):
        write_attention(None, tmp_path / "v.mp4", ["dog"], tmp_path / "a.gif")
