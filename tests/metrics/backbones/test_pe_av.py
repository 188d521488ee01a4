"""PE-AV equals transformers' own processor and model for seeded weights, and refuses what it cannot read."""

import numpy as np
import pytest
import torch
from support.seeded_weights import off_by, video, waveform
from support.tiny_pe_av import VIDEO_SETTINGS, WIDTH, official_network, write_folder

from foundation.checkpoints import MissingCheckpoint, WrongCheckpoint
from metrics.backbones import load_backbone, pe_av

TOLERANCE = 1e-4  # of the largest value: masks and batches take other kernels
TEXTS = ("dog barking", "church bell ringing")
SECONDS = 2.0


@pytest.fixture(scope="module")
def official():
    return official_network()


@pytest.fixture(scope="module")
def folder(official, tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("pe_av"), official)


@pytest.fixture(scope="module")
def network(folder):
    return pe_av.load_pe_av(folder / pe_av.CONFIG, folder / pe_av.WEIGHTS)


@pytest.fixture(scope="module")
def sounds():
    return [waveform(f"pe_av/{name}", 96_000, 48_000, seed=1)[0] for name in ("first", "second")]


@pytest.fixture(scope="module")
def films():
    return [video(f"pe_av/{name}", 50, 36, 64, seed=1) for name in ("first", "second")]


@pytest.fixture(scope="module")
def reference(official, folder, sounds, films):
    """The answer of transformers' own processor and model to both pairs of sound, film and text."""
    from transformers import PeAudioFeatureExtractor, PreTrainedTokenizerFast
    from transformers.models.pe_video.video_processing_pe_video import PeVideoVideoProcessor

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / pe_av.TOKENIZER), pad_token="[PAD]")
    heard = PeAudioFeatureExtractor()([sound.numpy() for sound in sounds], sampling_rate=48_000, return_tensors="pt")
    metadata = [{"total_num_frames": len(film), "fps": 25.0} for film in films]
    seen = PeVideoVideoProcessor(**VIDEO_SETTINGS)(films, video_metadata=metadata, return_tensors="pt")
    read = tokenizer(list(TEXTS), padding=True, return_tensors="pt")
    with torch.inference_mode():
        return official(
            input_ids=read["input_ids"], attention_mask=read["attention_mask"],
            pixel_values_videos=seen["pixel_values_videos"],
            input_values=heard["input_values"], padding_mask=heard["padding_mask"],
        )  # fmt: skip


@pytest.fixture(scope="module")
def prepared(sounds, films):
    heard = torch.stack([pe_av.prepare_audio(sound, 48_000, SECONDS) for sound in sounds])
    chosen = [pe_av.square(film)[pe_av.chosen_frames(len(film))] for film in films]
    return heard, torch.stack([pe_av.prepare_video(frames) for frames in chosen])


def test_embeddings_of_sounds_equal_the_reference(network, prepared, reference):
    with torch.inference_mode():
        assert off_by(network.audio(prepared[0]), reference.audio_embeds) < TOLERANCE


def test_embeddings_of_films_equal_the_reference(network, prepared, reference):
    with torch.inference_mode():
        assert off_by(network.video(prepared[1]), reference.video_embeds) < TOLERANCE


def test_embeddings_of_texts_equal_the_reference(network, folder, reference):
    with torch.inference_mode():
        texts = torch.cat([network.text(pe_av.tokenize(text, folder / pe_av.TOKENIZER)) for text in TEXTS])
    assert off_by(texts, reference.text_audio_embeds) < TOLERANCE


def test_an_embedding_does_not_depend_on_its_batch(network, prepared):
    heard, seen = prepared
    with torch.inference_mode():
        assert off_by(network.audio(heard[1:]), network.audio(heard)[1:]) < 1e-5
        assert off_by(network.video(seen[1:]), network.video(seen)[1:]) < 1e-5


def test_embeddings_are_float32_and_as_wide_as_the_space(network, prepared):
    with torch.inference_mode():
        heard, seen = network.audio(prepared[0]), network.video(prepared[1])
    assert (heard.shape, seen.shape) == ((2, WIDTH), (2, WIDTH))
    assert {heard.dtype, seen.dtype} == {torch.float32}


def test_a_sound_of_any_rate_is_cut_and_mirrored_to_whole_steps():
    stereo = waveform("pe_av/stereo", 44_100, 44_100, seed=1, channels=2)
    sound = pe_av.prepare_audio(stereo, 44_100, 0.99)
    kept = round(0.99 * 48_000)
    assert len(sound) == 25 * 1920
    np.testing.assert_array_equal(sound[kept : kept + 100], sound[kept - 101 : kept - 1].flip(0))


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        pytest.param(16, list(range(16)), id="as many as there are"),
        pytest.param(200, [0, 13, 26, 39, 53, 66, 79, 92, 106, 119, 132, 145, 159, 172, 185, 199], id="8 s"),
        pytest.param(1, [0] * 16, id="a still picture"),
    ],
)
def test_frames_are_spaced_evenly_from_the_first_to_the_last(count, expected):
    assert pe_av.chosen_frames(count) == expected


def test_shared_parts_are_found_under_either_name(network, folder, tmp_path, prepared):
    from safetensors.torch import load_file, save_file

    renamed = {}
    for name, value in load_file(folder / pe_av.WEIGHTS).items():
        renamed[pe_av._other_name(name)] = value
    assert "text_model.final_norm.weight" not in renamed
    save_file(renamed, tmp_path / pe_av.WEIGHTS)
    other = pe_av.load_pe_av(folder / pe_av.CONFIG, tmp_path / pe_av.WEIGHTS)
    with torch.inference_mode():
        assert torch.equal(other.audio(prepared[0]), network.audio(prepared[0]))


def test_by_name_it_is_read_from_its_weights_and_the_config_beside_them(network, folder, prepared):
    named = load_backbone("pe_av", checkpoint=folder / pe_av.WEIGHTS, allow_unverified=True)
    assert not named.training
    assert not any(parameter.requires_grad for parameter in named.parameters())
    with torch.inference_mode():
        assert torch.equal(named.audio(prepared[0]), network.audio(prepared[0]))


def test_files_without_a_published_hash_and_other_sources_are_refused(folder, tmp_path):
    with pytest.raises(WrongCheckpoint, match='"pe-av"'):
        load_backbone("pe_av", checkpoint=folder / pe_av.WEIGHTS)
    for more in ({"state_dict": {}}, {"dtype": torch.bfloat16}):
        with pytest.raises(ValueError, match="pe_av is read from its files, in float32"):
            load_backbone("pe_av", **more)
    (tmp_path / pe_av.WEIGHTS).write_bytes((folder / pe_av.WEIGHTS).read_bytes())
    with pytest.raises(MissingCheckpoint, match="pe-av-config"):
        load_backbone("pe_av", checkpoint=tmp_path / pe_av.WEIGHTS, allow_unverified=True)


def test_weights_without_an_entry_are_refused_with_its_name(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    entries = load_file(folder / pe_av.WEIGHTS)
    entries.pop("video_model.video_head.proj.weight")
    save_file(entries, tmp_path / pe_av.WEIGHTS)
    with pytest.raises(WrongCheckpoint, match=r"it lacks video_model\.video_head\.proj\.weight"):
        pe_av.load_pe_av(folder / pe_av.CONFIG, tmp_path / pe_av.WEIGHTS)


def test_weights_of_another_size_are_refused_with_both_shapes(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    entries = load_file(folder / pe_av.WEIGHTS)
    entries["text_model.final_norm.weight"] = torch.ones(3)
    save_file(entries, tmp_path / pe_av.WEIGHTS)
    with pytest.raises(WrongCheckpoint, match=r"text_model\.final_norm\.weight of shape \(3,\), expected \(24,\)"):
        pe_av.load_pe_av(folder / pe_av.CONFIG, tmp_path / pe_av.WEIGHTS)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda net: net.audio(torch.zeros(1, 1000)), "n a multiple of 1920", id="half a step"),
        pytest.param(
            lambda net: net.video(torch.zeros(1, 9, 3, 336, 336)), r"\(b, 16, 3, 336, 336\)", id="nine frames"
        ),
        pytest.param(lambda _: pe_av.square(torch.zeros(2, 3, 8, 8)), "expected uint8", id="frames in float"),
        pytest.param(lambda _: pe_av.chosen_frames(0), "expected at least one", id="no frame"),
        pytest.param(lambda _: pe_av.prepare_audio(torch.zeros(100), 48_000, 1.0), "at least 1920", id="too short"),
    ],
)
def test_other_shapes_are_refused(network, call, message):
    with pytest.raises(ValueError, match=message):
        call(network)
