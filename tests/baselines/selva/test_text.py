"""Flan-T5 states of prompts, its tokenizer's file, and the stand-in that random weights use."""

import pytest
import torch
from support.weight_files import write_tokenizer

from baselines.mmaudio.weights import WeightSource, random_state
from baselines.selva import text
from baselines.selva.text import (
    T5Encoder,
    encoder_state,
    load_tokenizer,
    stand_in_tokenizer,
    t5_prompt_encoder,
)
from foundation.checkpoints import WrongCheckpoint


@pytest.fixture(scope="module")
def encoder() -> T5Encoder:
    """Two of twelve layers, seeded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "LAYERS", 2)
        with torch.device("meta"):
            network = T5Encoder()
    network.load_state_dict(random_state(network, "t5"), assign=True)
    return network.eval()


@pytest.fixture
def tokenizer_file(tmp_path):
    write_tokenizer(tmp_path / "tokenizer.json")
    return tmp_path / "tokenizer.json"


def test_the_published_tokenizer_is_read_from_its_file_without_its_padding(tokenizer_file):
    tokenize = load_tokenizer(tokenizer_file)
    assert tokenize("dog barking") == [3, 4, 5, 1]
    assert tokenize("") == [1]
    assert tokenize("犬")[-1] == 1
    long = tokenize("dog " * 700)
    assert len(long) == 512
    assert long[-1] == 1


def test_the_stand_in_answers_every_text_alike_in_every_process():
    assert stand_in_tokenizer("") == [1]
    assert stand_in_tokenizer("dog barking") == [2358, 23_299, 1]
    assert stand_in_tokenizer("dog") != stand_in_tokenizer("cat")
    assert all(1 <= token < 32_128 for token in stand_in_tokenizer("犬が吠える 🐕 \ud800 !?"))
    long = stand_in_tokenizer("word " * 600)
    assert len(long) == 512
    assert long[-1] == 1


@pytest.mark.parametrize("prompt", ["", "dog barking", "Hund bellt, 犬が吠える 🐕", "word " * 500])
def test_every_prompt_has_states_and_the_last_is_its_end(encoder, prompt):
    (states,) = t5_prompt_encoder(encoder, stand_in_tokenizer, torch.device("cpu"))([prompt])
    assert states.shape == (len(stand_in_tokenizer(prompt)), 768)
    assert states.dtype == torch.float32
    assert torch.isfinite(states).all()


def test_states_of_a_prompt_do_not_depend_on_the_others(encoder):
    encode = t5_prompt_encoder(encoder, stand_in_tokenizer, torch.device("cpu"))
    short, _ = encode(["dog", "a much longer prompt about something else"])
    (alone,) = t5_prompt_encoder(encoder, stand_in_tokenizer, torch.device("cpu"))(["dog"])
    assert torch.equal(short, alone)


def test_the_encoder_has_the_size_of_flan_t5_base():
    with torch.device("meta"):
        network = T5Encoder()
    assert sum(p.numel() for p in network.parameters()) == 109_628_544


@pytest.mark.parametrize("also", ["encoder.embed_tokens.weight", None])
def test_the_encoder_half_of_a_published_file_is_loaded_strictly(encoder, also):
    own = {name.removeprefix("model."): value for name, value in encoder.state_dict().items()}
    published = {name: value for name, value in own.items() if name != "encoder.embed_tokens.weight"}
    published |= {"decoder.final_layer_norm.weight": torch.ones(768), "lm_head.weight": torch.ones(2, 768)}
    if also:
        published[also] = own["shared.weight"]
    loaded = encoder_state(published)
    assert loaded.keys() == encoder.state_dict().keys()
    encoder.load_state_dict(loaded, strict=True)


def test_a_file_without_the_embedding_is_refused_by_name(tmp_path):
    path = tmp_path / "bert.pth"
    torch.save({"encoder.final_layer_norm.weight": torch.ones(768)}, path)
    with pytest.raises(WrongCheckpoint, match=r"bert\.pth: entry 'model\.shared\.weight' of T5Encoder is missing"):
        WeightSource({"t5": None}, {"checkpoint": {"t5": path}}).build("t5", T5Encoder, encoder_state)
