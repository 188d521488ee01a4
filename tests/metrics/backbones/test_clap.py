"""LAION-CLAP equals the reference for seeded weights; its tokenizer comes from this machine or not at all."""

import pytest
import torch
from support.checkpoint_files import write_tokenizer
from support.seeded_weights import fill, learned, off_by, waveform

from foundation.checkpoints import MissingCheckpoint, WrongCheckpoint
from foundation.extras import is_installed
from metrics.backbones import clap, get_backbone

WITHOUT_PACKAGE = "laion-clap is not installed (it keeps numpy below 2)"


@pytest.fixture(scope="module", params=["laion-clap", "own"])
def network(request):
    if request.param == "laion-clap" and not is_installed("laion_clap"):
        pytest.skip(WITHOUT_PACKAGE)
    return fill(clap.network_class(request.param)(), seed=1)


@pytest.mark.slow
def test_embeddings_equal_the_reference(network, golden):
    expected = golden("clap")
    eight_seconds = network.audio(waveform("clap/wave0", 384_000, 48_000, seed=1))
    assert off_by(eight_seconds, expected["audio_embedding"]) < 1e-4
    two_seconds = network.audio(waveform("clap/short", 96_000, 48_000, seed=1))
    assert off_by(two_seconds, expected["audio_embedding_2s_input"]) < 1e-4
    texts = network.text(torch.from_numpy(expected["input_ids"]), torch.from_numpy(expected["attention_mask"]))
    assert off_by(texts, expected["text_embedding"]) < 1e-4


@pytest.mark.slow
def test_the_network_has_as_many_entries_and_parameters_as_the_published_one(network):
    assert len(network.state_dict()) == 504
    assert sum(p.numel() for p in network.parameters()) == 199_564_633


@pytest.mark.slow
@pytest.mark.skipif(not is_installed("laion_clap"), reason=WITHOUT_PACKAGE)
def test_both_networks_have_the_same_entries_in_the_same_order_and_compute_the_same_of_them():
    packaged, own = fill(clap.network_class("laion-clap")(), seed=2), clap.network_class("own")()
    entries = packaged.state_dict()
    assert {name: value.shape for name, value in own.state_dict().items()} == {
        name: value.shape for name, value in entries.items()
    }
    assert list(own.state_dict()) == list(entries)
    computed = {name: value for name, value in own.state_dict().items() if not learned(name, value)}
    for name, value in computed.items():
        torch.testing.assert_close(value, entries[name], rtol=0, atol=1e-6, msg=name)
    own.load_state_dict(entries)
    sound = waveform("clap/other", 200_000, 48_000, seed=3).repeat(2, 1)
    torch.testing.assert_close(own.audio(sound), packaged.audio(sound), rtol=0, atol=1e-5)


def test_the_packages_network_is_the_first_choice_and_the_key_tells_the_other(monkeypatch):
    row = get_backbone("clap")
    monkeypatch.setattr(clap, "is_installed", lambda package: package == "laion_clap")
    assert (clap.implementation(), row.version) == ("laion-clap", "v1")
    monkeypatch.setattr(clap, "is_installed", lambda package: False)
    assert (clap.implementation(), row.version) == ("own", "v1.own1")
    assert get_backbone("panns").version == "v1"


@pytest.mark.slow
def test_what_clap_cannot_read_is_refused(network):
    with pytest.raises(ValueError, match="11 s is longer than CLAP's window of 10 s"):
        network.audio(torch.zeros(1, 11 * 48_000))
    with pytest.raises(ValueError, match=r"expected shape \(b, n\) with n > 0"):
        network.audio(torch.zeros(1, 0))
    with pytest.raises(ValueError, match="the same shape"):
        network.text(torch.zeros(1, 77, dtype=torch.long), torch.ones(1, 76, dtype=torch.long))
    network.train()
    try:
        with pytest.raises(ValueError, match="training mode"):
            network.audio(torch.zeros(1, 48_000))
    finally:
        network.eval()


@pytest.mark.parametrize(("samples", "copies"), [(384_000, 1), (96_000, 5), (150_000, 3), (480_000, 1)])
def test_a_short_waveform_is_repeated_whole_and_then_padded(samples, copies):
    filled = clap._filled(torch.ones(2, samples))
    assert filled.shape == (2, 480_000)
    assert filled[1, : samples * copies].min() == 1
    assert filled[:, samples * copies :].abs().sum() == 0


def test_texts_become_ids_and_mask_of_77(tmp_path):
    tokenizer = clap.load_tokenizer(write_tokenizer(tmp_path))
    ids, mask = clap.tokenize(["Hello world", "", "Hello world " * 100], tokenizer)
    assert ids.shape == mask.shape == (3, 77)
    assert ids[0, :5].tolist() == [0, 31414, 232, 2, 1]
    assert mask.sum(dim=1).tolist() == [4, 2, 77]
    assert ids[1, :3].tolist() == [0, 2, 1]


def test_the_tokenizer_is_looked_for_beside_the_weights(tmp_path, monkeypatch):
    write_tokenizer(tmp_path)
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path))
    assert len(clap.load_tokenizer()) == 50_265


def test_a_missing_tokenizer_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(clap, "_cached_tokenizers", list)
    with pytest.raises(MissingCheckpoint) as refused:
        clap.load_tokenizer()
    assert f"looked in   {tmp_path / 'roberta-base'}" in str(refused.value)
    assert "looked in   the Hugging Face cache" in str(refused.value)
    assert "python -m benchmark weights roberta-vocab" in str(refused.value)


def test_another_tokenizer_is_refused(tmp_path):
    folder = write_tokenizer(tmp_path)
    (folder / "merges.txt").write_text("#version: 0.2\nH e\n", encoding="utf-8")
    with pytest.raises(WrongCheckpoint, match=r"not the tokenizer of roberta-base.*'Hello world' becomes"):
        clap.load_tokenizer(folder)


@pytest.mark.parametrize("texts", ["dog", []])
def test_a_bare_string_and_nothing_are_no_texts(texts):
    with pytest.raises(ValueError, match="sequence of at least one string"):
        clap.tokenize(texts, tokenizer=None)
