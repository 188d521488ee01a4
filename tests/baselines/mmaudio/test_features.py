"""CLIP features of prompts and frames."""

import pytest
import torch
from open_clip import SimpleTokenizer

from baselines.mmaudio import features
from baselines.mmaudio.features import (
    ClipImage,
    ClipText,
    PromptEncoder,
    clip_prompt_encoder,
    image_tower_state,
    text_tower_state,
)
from baselines.mmaudio.weights import random_state


@pytest.fixture(scope="module")
def text_tower() -> ClipText:
    """The text tower with two layers and seeded weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "TEXT_LAYERS", 2)
        with torch.device("meta"):
            tower = ClipText()
        tower.load_state_dict(random_state(tower, "text"), assign=True)
        return tower.eval()


@pytest.fixture(scope="module")
def encode(text_tower) -> PromptEncoder:
    return clip_prompt_encoder(text_tower, torch.device("cpu"))


def test_every_token_state_has_unit_length(encode):
    (states,) = encode(["dog barking"])
    assert states.shape == (77, 1024)
    assert states.dtype == torch.float32
    torch.testing.assert_close(states.norm(dim=-1), torch.ones(77))


def test_states_are_those_of_open_clip_before_pooling(text_tower):
    tokens = SimpleTokenizer()(["a dog barks", ""])
    tower = text_tower.tower
    tower.output_tokens, kept = True, tower.attn_mask
    tower.attn_mask = tower.build_causal_mask()
    try:
        _, want = tower(tokens)
    finally:
        tower.output_tokens, tower.attn_mask = False, kept
    torch.testing.assert_close(text_tower(tokens), torch.nn.functional.normalize(want, dim=-1), atol=1e-5, rtol=0)


def test_a_token_does_not_see_those_behind_it(text_tower):
    tokens = SimpleTokenizer()(["a dog barks", "a dog sleeps"])
    first, second = text_tower(tokens)
    torch.testing.assert_close(first[:3], second[:3])
    assert (first[3] - second[3]).abs().max() > 1e-3


@pytest.mark.parametrize("prompt", ["", "Hund bellt, 犬が吠える 🐕", "word " * 500, "\n\t", "' \" \\ <end_of_text>"])
def test_every_prompt_has_features(encode, prompt):
    (states,) = encode([prompt])
    assert states.shape == (77, 1024)
    assert torch.isfinite(states).all()


def test_a_prompt_of_500_words_is_cut_at_the_75th_token(encode):
    long, cut = encode(["word " * 500, "word " * 75])
    assert torch.equal(long, cut)


def test_a_prompt_is_encoded_once_and_alone_or_together_alike():
    asked = []

    def lengths(prompts):
        asked.extend(prompts)
        return [torch.tensor(len(prompt)) for prompt in prompts]

    encode = PromptEncoder(lengths)
    assert [int(n) for n in encode(["dog", "train", "dog"])] == [3, 5, 3]
    assert [int(n) for n in encode(["train", "rain"])] == [5, 4]
    assert asked == ["dog", "train", "rain"]


def test_more_prompts_than_are_remembered_are_all_answered(monkeypatch):
    monkeypatch.setattr(features, "_REMEMBERED_PROMPTS", 2)
    encode = PromptEncoder(lambda prompts: [torch.tensor(len(prompt)) for prompt in prompts])
    assert [int(n) for n in encode(["a", "bb", "ccc", "a"])] == [1, 2, 3, 1]
    assert [int(n) for n in encode(["bb"])] == [2]


def test_both_layouts_of_a_clip_checkpoint_are_read():
    with torch.device("meta"):
        text, image = ClipText().state_dict(), ClipImage().state_dict()
    entries = {name.removeprefix("tower."): value for name, value in text.items()}
    flat = {**entries, "logit_scale": 0, **{name.replace("tower.", "visual.", 1): v for name, v in image.items()}}
    nested = {f"text.{name}": value for name, value in entries.items()} | {"logit_scale": 0, "visual.proj": 1}
    assert text_tower_state(flat).keys() == text_tower_state(nested).keys() == text.keys()
    assert image_tower_state(flat).keys() == image.keys()


def test_towers_have_the_size_of_vit_h():
    with torch.device("meta"):
        text, image = ClipText(), ClipImage()
    assert sum(p.numel() for p in text.parameters()) == 354_032_640 - 1024 * 0
    assert image.tower.positional_embedding.shape == (27 * 27 + 1, 1280)
    assert image.tower.proj.shape == (1280, 1024)


def test_frames_of_384_pixels_have_unit_length_whatever_their_batch(monkeypatch):
    monkeypatch.setattr(features, "IMAGE_LAYERS", 1)
    monkeypatch.setattr(features, "FRAMES_AT_ONCE", 2)
    with torch.device("meta"):
        tower = ClipImage()
    tower.load_state_dict(random_state(tower, "image"), assign=True)
    frames = torch.randint(0, 256, (3, 3, 384, 384), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    together = tower.eval()(frames)
    assert together.shape == (3, 1024)
    torch.testing.assert_close(together.norm(dim=-1), torch.ones(3))
    torch.testing.assert_close(tower(frames[2:]), together[2:], atol=1e-5, rtol=0)
