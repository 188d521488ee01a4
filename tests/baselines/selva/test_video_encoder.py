"""The text-conditioned video encoder: names, sizes, what it looks at, and equality with the reference."""

import pytest
import torch
from support.reference_weights import filled, given, off_by, official_entries, official_state
from support.tiny_models import shrunk

from baselines.mmaudio.weights import random_state
from baselines.selva.video_encoder import TRAINED_PREFIXES, TextVideoEncoder
from metrics.backbones.synchformer import VideoExtractor


def on_meta(num_sup_tokens: int = 5) -> TextVideoEncoder:
    with torch.device("meta"):
        return TextVideoEncoder(num_sup_tokens)


@pytest.fixture(scope="module")
def tiny() -> TextVideoEncoder:
    """Without space-time blocks, seeded."""
    with shrunk():
        network = on_meta()
        state = {name: given(name, *value.shape) / 30 for name, value in network.state_dict().items()}
        return filled(network, state)


@pytest.fixture(scope="module")
def trunk() -> torch.Tensor:
    return given("trunk", 2, 2, 1568, 768)


TEXT, MASK = given("text", 2, 6, 768), torch.tensor([[True] * 6, [True] * 4 + [False] * 2])


@pytest.mark.parametrize(("tokens", "name"), [(5, "textsynch_depth1"), (0, "textsynch_depth1_sup0")])
def test_entries_are_exactly_the_official_ones(tokens, name, lists):
    own = {entry: tuple(value.shape) for entry, value in on_meta(tokens).state_dict().items()}
    assert own == official_entries(lists, name)


def test_the_trunk_has_the_entries_of_synchformers_video_branch(lists):
    with torch.device("meta"):
        own = {f"vfeat_extractor.{n}": tuple(v.shape) for n, v in VideoExtractor().state_dict().items()}
    assert own == official_entries(lists, "synchformer_video")


def test_19_of_135_million_parameters_are_selvas_own():
    counts = {name: p.numel() for name, p in on_meta().named_parameters()}
    assert sum(counts.values()) == 134_838_656
    assert round(sum(n for name, n in counts.items() if name.startswith(TRAINED_PREFIXES)) / 1e6) == 19


@pytest.mark.parametrize("tokens", [0, 1, 3, 5, 7])
def test_supplementary_tokens_stand_in_front_and_are_always_seen(tokens):
    with shrunk():
        network = on_meta(tokens)
    assert ("sup_text_feat" in network.state_dict()) == (tokens > 0)
    network.load_state_dict(random_state(network, "x"), assign=True)
    words, mask = network.words(TEXT, MASK)
    assert words.shape == (2, tokens + 6, 768)
    assert mask[:, :tokens].all()
    assert torch.equal(mask[:, tokens:], MASK)
    torch.testing.assert_close(words[:, tokens:], network.text_proj(TEXT))


def test_a_negative_count_is_refused():
    with pytest.raises(ValueError, match="0 or more, got -1"):
        TextVideoEncoder(-1)


def test_padding_does_not_matter_and_words_do(tiny, trunk):
    trunk = trunk[:, :1]
    out = tiny.condition(trunk, TEXT, MASK)
    assert out.shape == (2, 8, 768)
    padded = TEXT.clone()
    padded[1, 4:] = 99.0
    torch.testing.assert_close(tiny.condition(trunk, padded, MASK), out)
    cut = tiny.condition(trunk[1:], TEXT[1:, :4], MASK[1:, :4])
    torch.testing.assert_close(cut, out[1:], atol=1e-5, rtol=1e-5)
    assert (tiny.condition(trunk, TEXT.flip(0), MASK) - out).abs().max() > 1e-3


def test_a_segment_does_not_see_the_others(tiny, trunk):
    out = tiny.condition(trunk, TEXT, MASK)
    assert out.shape == (2, 16, 768)
    torch.testing.assert_close(tiny.condition(trunk[:, 1:2], TEXT, MASK), out[:, 8:16], atol=1e-5, rtol=1e-5)


def test_one_pass_equals_trunk_then_condition(tiny):
    frames = given("frames", 1, 24, 3, 224, 224, uniform=True)
    apart = tiny.condition(tiny.trunk(frames), TEXT[:1], MASK[:1])
    assert apart.shape == (1, 16, 768)
    assert torch.equal(tiny(frames, TEXT[:1], MASK[:1]), apart)


def test_the_cross_block_normalises_what_attention_gives_not_what_it_gets(tiny, trunk):
    """By hand but for attention itself: queries are the tokens as they are."""
    block, tokens = tiny.synch_text_cross_blocks[0], trunk[:, 0, :9]
    attended = block.linear1(block.attn(tokens, TEXT, MASK))
    centred = attended - attended.mean(dim=-1, keepdim=True)
    normed = centred / (centred.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt()
    tokens = tokens + normed * block.norm1.weight + block.norm1.bias
    by_hand = tokens + block.ffn(torch.nn.functional.layer_norm(tokens, (768,), *block.norm2.parameters()))
    assert off_by(block(trunk[:, 0, :9], TEXT, MASK), by_hand) < 1e-5


def test_text_attention_is_that_of_normalised_heads_over_the_words_that_are_there(tiny, trunk):
    """By hand, from the interleaved layout of the file: channel (head * 64 + i) * parts + part."""
    attention, tokens = tiny.synch_text_cross_blocks[0].attn, trunk[1:, 0, :9]
    query = attention.q_proj(tokens).view(1, 9, 12, 64)
    key, value = attention.kv_proj(TEXT[1:]).view(1, 6, 12, 64, 2).unbind(-1)

    def normed(x, norm):
        return x / (x.square().mean(dim=-1, keepdim=True) + 1.1920929e-07).sqrt() * norm.weight

    scores = torch.einsum("bthd,bwhd->bhtw", normed(query, attention.q_norm), normed(key, attention.k_norm)) / 8
    shares = scores[..., :4].softmax(dim=-1)  # the last two words are padding
    by_hand = torch.einsum("bhtw,bwhd->bthd", shares, value[:, :4]).flatten(2)
    assert off_by(attention(tokens, TEXT[1:], MASK[1:]), by_hand) < 1e-5


def test_entries_outside_the_published_prefixes_are_passed_over(tiny):
    state = tiny.state_dict()
    tiny.load_state_dict({**state, "teacher.weight": torch.ones(2)}, strict=True)
    with pytest.raises(RuntimeError, match=r"text_proj\.9"):
        tiny.load_state_dict({**state, "text_proj.9.weight": torch.ones(2)}, strict=True)


def test_a_mask_of_another_shape_or_type_is_refused(tiny, trunk):
    for mask in (MASK.float(), MASK[:, :3], MASK[..., None].expand(2, 6, 768)):
        with pytest.raises(ValueError, match=r"bool \(b, l\)"):
            tiny.condition(trunk, TEXT, mask)


@pytest.fixture(scope="module")
def full(lists) -> TextVideoEncoder:
    return filled(on_meta(), official_state(lists, "textsynch_depth1"))


@pytest.fixture(scope="module")
def inputs() -> tuple[torch.Tensor, ...]:
    frames = given("frames_t40", 1, 40, 3, 224, 224, uniform=True)
    return frames, given("t5_text", 1, 7, 768), torch.tensor([[True] * 5 + [False] * 2])


@pytest.mark.slow
def test_features_equal_the_reference(full, inputs, golden, lists):
    want, (frames, text, mask) = golden("video_encoder"), inputs
    trunk = full.trunk(frames)
    assert off_by(full.condition(trunk, text, mask)[:, ::3], want["t40_sup5"]) < 1e-4
    assert off_by(full.words(text, mask)[0], want["text_proj"]) < 1e-4
    fused = full.fuse(trunk, text, mask)[0, [0, 3], ::49]
    assert off_by(fused[:, ::4], want["cross_out"]) < 1e-4
    seen = full(frames[:, :16], text, torch.ones(1, 7, dtype=torch.bool))
    assert off_by(seen, want["t16_all_valid"]) < 1e-4
    without = filled(on_meta(0), official_state(lists, "textsynch_depth1_sup0"))
    assert off_by(without.condition(trunk, text, mask)[:, ::3], want["t40_sup0"]) < 1e-4  # the same trunk serves
    plain = full.vfeat_extractor.aggregate(trunk).flatten(1, 2)
    assert off_by(plain[:, ::3], want["t40_synchformer"]) < 1e-4


@pytest.mark.slow
def test_segments_of_eight_seconds_equal_the_reference(full, inputs, golden):
    frames = given("frames_t200", 1, 200, 3, 224, 224, uniform=True)
    _, text, mask = inputs
    for segment in (0, 12, 22):
        part = full(frames[:, 8 * segment : 8 * segment + 16], text, mask)
        assert off_by(part[:, 0], golden("video_encoder")["t200_sup5"][:, segment // 2]) < 1e-4
