"""ImageBind's two trunks equal the reference for seeded weights."""

import math

import numpy as np
import pytest
import torch
from support.seeded_weights import fill, normal, off_by, video, waveform
from torch import nn

from metrics.backbones import imagebind


@pytest.mark.slow
def test_embeddings_equal_the_reference(golden):
    expected, network = golden("imagebind"), fill(imagebind.ImageBind().eval(), seed=1)
    mels = 0.5 * normal("ib/mel0", (1, 3, 1, 128, 204), seed=1)
    assert off_by(network.audio(mels), expected["audio_from_mel"]) < 1e-4
    heard = imagebind.prepare_audio(waveform("ib/wave0", 128_000, 16_000, seed=1), 16_000, 8.0)
    assert off_by(network.audio(heard[None]), expected["audio_from_wave"]) < 2e-4  # the mels add their own rounding
    seen = imagebind.prepare_video(video("ib/video0", 4, 224, 398, seed=1))
    assert off_by(network.video(seen[None]), expected["vision"]) < 1e-4


@pytest.fixture(scope="module")
def shallow():
    """The network with one block a trunk: as wide as the published one, and quick."""
    with torch.device("meta"):
        network = imagebind.ImageBind()
    for trunk in network.modality_trunks.values():
        trunk.blocks = trunk.blocks[:1]
    network = fill(network.to_empty(device="cpu").eval(), seed=5)
    network.modality_postprocessors["audio"][1].log_logit_scale.fill_(math.log(20))
    return network


def test_a_file_is_the_mean_of_its_clips_not_normalised_again(shallow):
    mels = normal("mels", (2, 3, 1, 128, 204), seed=1)
    together = shallow.audio(mels)
    singly = torch.stack([shallow.audio(mels[:, clip : clip + 1]) for clip in range(3)]).mean(dim=0)
    assert off_by(together, singly) < 1e-5
    assert together.norm(dim=-1).max() < 20


def test_one_audio_clip_has_the_length_of_the_learned_temperature_and_one_video_clip_has_length_1(shallow):
    audio = shallow.audio(normal("mels", (2, 1, 1, 128, 204), seed=1))
    np.testing.assert_allclose(audio.norm(dim=-1), 20.0, rtol=1e-5)
    video_clip = shallow.video(normal("clip", (1, 1, 3, 2, 224, 224), seed=1))
    np.testing.assert_allclose(video_clip.norm(dim=-1), 1.0, rtol=1e-5)


def test_the_temperature_is_capped_at_100(shallow):
    scale = shallow.modality_postprocessors["audio"][1].log_logit_scale
    scale.fill_(math.log(1000))
    audio = shallow.audio(normal("mels", (1, 1, 1, 128, 204), seed=1))
    scale.fill_(math.log(20))
    np.testing.assert_allclose(audio.norm(dim=-1), 100.0, rtol=1e-5)


def test_how_many_clips_go_at_once_changes_nothing(shallow):
    mels = normal("mels", (3, 3, 1, 128, 204), seed=1)
    assert off_by(shallow.audio(mels, clips_at_once=2), shallow.audio(mels)) < 1e-5


def test_audio_tokens_attend_to_one_extra_key_and_value(shallow):
    """By hand, what the audio trunk's attention does with `bias_k` and `bias_v`."""
    attention = shallow.modality_trunks["audio"].blocks[0].attn
    x = normal("tokens", (1, 5, 768), seed=2)
    q, k, v = nn.functional.linear(x, attention.in_proj_weight, attention.in_proj_bias).chunk(3, dim=-1)
    k, v = (torch.cat([row, extra], dim=1) for row, extra in ((k, attention.bias_k), (v, attention.bias_v)))
    q, k, v = (row.unflatten(-1, (12, 64)).transpose(1, 2) for row in (q, k, v))
    weights = (q @ k.transpose(-1, -2) / 8).softmax(dim=-1)
    by_hand = attention.out_proj((weights @ v).transpose(1, 2).flatten(2))
    assert off_by(attention(x, x, x, need_weights=False)[0], by_hand) < 1e-5


def test_a_block_is_pre_norm_with_an_exact_gelu(shallow):
    """By hand: the vision trunk's block, whose attention is torch's own and is compared with the reference in full."""
    block = shallow.modality_trunks["vision"].blocks[0]
    x = normal("tokens", (1, 5, 1280), seed=3)

    def normed(rows, norm):
        centred = rows - rows.mean(dim=-1, keepdim=True)
        return centred / (centred.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt() * norm.weight + norm.bias

    first = normed(x, block.norm_1)
    x = x + block.attn(first, first, first, need_weights=False)[0]
    wide = normed(x, block.norm_2) @ block.mlp["fc1"].weight.T + block.mlp["fc1"].bias
    wide = wide * (1 + torch.erf(wide / math.sqrt(2))) / 2
    by_hand = x + wide @ block.mlp["fc2"].weight.T + block.mlp["fc2"].bias
    assert off_by(block(normal("tokens", (1, 5, 1280), seed=3)), by_hand) < 1e-5


@pytest.mark.parametrize(("width", "crops"), [(397, (0, 87, 173)), (398, (0, 87, 174))])
def test_the_middle_crop_of_an_odd_spare_width_lies_to_the_right(width, crops):
    """The reference rounds half of the spare width up."""
    frames = video("ib/odd", 2, 224, width, seed=1)
    clips = imagebind.prepare_video(frames)
    mean, deviation = (torch.tensor(v).view(3, 1, 1, 1) for v in (imagebind.PIXEL_MEAN, imagebind.PIXEL_DEVIATION))
    pixels = (frames.transpose(0, 1).float() / 255 - mean) / deviation
    for clip, left in zip(clips, crops, strict=True):
        assert off_by(clip, pixels[..., left : left + 224]) < 1e-5


@pytest.mark.parametrize("shape", [(1, 3, 128, 204), (1, 3, 1, 128, 198), (1, 0, 1, 128, 204)])
def test_another_shape_of_mels_is_refused(shallow, shape):
    with pytest.raises(ValueError, match=r"clips of audio: expected shape \(b, clips, 1, 128, 204\)"):
        shallow.audio(torch.zeros(shape))


def test_another_shape_of_clips_is_refused(shallow):
    with pytest.raises(
        ValueError, match=r"clips of vision: expected shape \(b, clips, 3, 2, 224, 224\), got \(9, 3, 2"
    ):
        shallow.video(torch.zeros(9, 3, 2, 224, 224))
