"""The networks that prepare clips: what they make stands in the store, and where weights are missing it says so."""

import pytest
import torch
from support.seeded_weights import normal
from support.small_stores import clip_of
from support.tiny_models import shrunk
from support.training_clips import GOOD, LABELS, clips_with_faults
from tensordict import TensorDict

from baselines.mmaudio import weights
from baselines.mmaudio.frames import read_frames, sync_input, sync_request
from baselines.mmaudio.mel import mel_spectrogram
from baselines.mmaudio.vae import VAE
from baselines.selva.training import clip_reading
from baselines.selva.training.clip_reading import read_sounds
from baselines.selva.training.preparing import Options, prepare
from baselines.selva.training.store import Store, StoreError
from foundation.checkpoints import MissingCheckpoint
from metrics.backbones.synchformer import VideoExtractor

SECONDS = 0.8
RANDOM = {"random_weights": True, "device": "cpu"}


@pytest.fixture(scope="module", autouse=True)
def _shrunk():
    with shrunk():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return clips_with_faults(tmp_path_factory.mktemp("clips"))


def prepared(folder, out, **how):
    options = Options(**{"seconds": SECONDS, "shard_clips": 4, "workers": 0, **how.pop("options", {})})
    return prepare(folder / "clips", [folder / "list.csv"], out, options=options, weights=RANDOM, **how)


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    """A store of four clips at both rates, with the teacher's features."""
    out = tmp_path_factory.mktemp("stores")
    lines = [line for line in (folder / "list.csv").read_text().splitlines() if line[:2] not in {"e,", "f,"}]
    (out / "list.csv").write_text("\n".join(lines) + "\n")
    options = Options(seconds=SECONDS, rates=("16k", "44k"), teacher=True, shard_clips=4, workers=0)
    return prepare(folder / "clips", [out / "list.csv"], out / "store", options=options, weights=RANDOM)


def built(network, name):
    network.load_state_dict(weights.random_state(network, name), strict=False, assign=True)
    return network.float().eval()


def test_the_store_holds_the_latents_of_the_sound(folder, whole):
    store = Store.opened(whole.store)
    for rate, samples in (("16k", 16_000), ("44k", 44_100)):
        with torch.device("meta"):
            vae = VAE.from_variant(rate, encoder=True)
        vae = built(vae, f"vae_{rate}")
        sound = read_sounds(folder / "clips" / "c.mp4", seconds=SECONDS, rates=[rate])[rate]
        wanted = vae.encode(mel_spectrogram(torch.from_numpy(sound)[None], samples))
        for found, one in zip(store.latent(clip_of(store, "c"), rate), wanted, strict=True):
            torch.testing.assert_close(found, one[0], rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def teacher():
    with torch.device("meta"):
        network = VideoExtractor()
    return built(network, "synchformer")


@torch.inference_mode()
def seen(teacher, frames):
    return teacher(sync_input(frames)[None]).flatten(1, 2)[0]


def test_the_store_holds_the_teachers_features_of_the_uncompressed_frames(folder, whole, teacher):
    store = Store.opened(whole.store)
    (frames,) = read_frames(folder / "clips" / "c.mp4", [sync_request("squash")], SECONDS, repeat_last=3)
    kept = store.teacher(clip_of(store, "c"))
    torch.testing.assert_close(kept, seen(teacher, frames), rtol=1e-5, atol=1e-5)
    assert (kept - seen(teacher, store.frames(clip_of(store, "c")))).abs().max() > 1e-4


def test_the_store_holds_states_of_every_label_and_of_the_empty_text(whole):
    store = Store.opened(whole.store)
    assert store.clip_text("dog barking").shape == (77, 1024)
    assert store.t5_states("church bell ringing").shape == (4, 768)
    assert store.t5_states("").shape == (1, 768)
    assert not torch.equal(store.clip_text("dog barking"), store.clip_text("church bell ringing"))


def test_how_far_jpeg_moves_the_teachers_features_stands_in_the_record(whole, teacher):
    store = Store.opened(whole.store)
    first = [clip_of(store, id) for id in ("a", "b")]  # the other two of the first shard are skipped
    before = torch.stack([store.teacher(clip) for clip in first])
    after = torch.stack([seen(teacher, store.frames(clip)) for clip in first])
    effect = whole.record.jpeg_effect
    assert (effect.clips, effect.weights) == (2, "random")
    wanted = ((after - before).square().sum() / before.square().sum()).sqrt().item()
    assert effect.relative_rms == pytest.approx(wanted, rel=1e-4)  # sums of float32
    assert wanted > 1e-4


def test_without_synchformers_weights_a_store_is_prepared_and_says_that_nothing_was_measured(
    folder, tmp_path, monkeypatch
):
    require = weights.WeightSource.require

    def without(source, parts):
        if "synchformer" in parts:
            raise MissingCheckpoint("synchformer")
        require(source, parts)

    monkeypatch.setattr(weights.WeightSource, "require", without)
    assert prepared(folder, tmp_path / "store").record.jpeg_effect.reason == "Synchformer's weights are not there"
    with pytest.raises(MissingCheckpoint):
        prepared(folder, tmp_path / "other", options={"teacher": True})


def test_latents_and_texts_of_mmaudio_are_taken_and_only_pictures_are_decoded(folder, tmp_path, monkeypatch):
    ids, labels = [*GOOD[::-1], "quiet", "mute"], LABELS | {"quiet": "flute", "mute": "flute"}
    arrays = {
        "mean": normal("mean", (8, 25, 20), 1),
        "std": normal("std", (8, 25, 20), 1).abs(),
        "text_features": torch.stack([normal(labels[id], (77, 1024), 1) for id in ids]),
    }
    arrays["mean"][7, 3, 3] = float("nan")
    TensorDict(arrays).memmap(tmp_path / "features")
    (tmp_path / "train.tsv").write_text("\n".join(["id\tlabel", *(f"{id}\t{labels[id]}" for id in ids)]) + "\n")
    monkeypatch.setattr(clip_reading, "read_audio_native", lambda _: pytest.fail("sound was decoded"))
    monkeypatch.setattr("baselines.selva.training.preparing_networks.VAE", None)
    monkeypatch.setattr("baselines.selva.training.preparing_networks.ClipText", None)
    given = tmp_path / "features", tmp_path / "train.tsv"
    found = prepared(folder, tmp_path / "store", mmaudio_features=given, options={"measure_jpeg": False})
    store = Store.opened(found.store)
    mean, deviation = store.latent(clip_of(store, "b"), "16k")
    assert torch.equal(mean, arrays["mean"][4])
    assert torch.equal(deviation, arrays["std"][4])
    assert torch.equal(store.clip_text("dog barking"), arrays["text_features"][0])
    assert store.t5_states("dog barking").shape == (3, 768)
    with pytest.raises(StoreError, match="text '' has no clip"):
        store.clip_text("")
    assert found.record.counts.skipped == {"bad features": 1, "no features": 2, "no such file": 1}
    assert found.record.weights.keys() == {"t5", "t5_tokenizer"}
    with pytest.raises(ValueError, match=r"latents of 1 s have 32 frames, those in .* have 25"):
        prepared(folder, tmp_path / "other", mmaudio_features=given, options={"seconds": 1.0})
    with pytest.raises(ValueError, match=r"rate: 44k asked for, but the latents in .* are of 16k; ask for 16k too"):
        prepared(folder, tmp_path / "other", mmaudio_features=given, options={"rates": ("44k",)})


def test_real_clips_are_prepared(real_media, tmp_path):
    ids = ("3qesirWAGt4_000020", "0B4dYTMsgHA_000130", "F8Zt3mYlOqU_000094")
    files = {id: real_media / f"{id}.mp4" for id in ids} | {"silent": real_media / "flute_vgg.mp4"}
    files[f"{ids[0]}_again"] = files[ids[0]]
    (tmp_path / "list.csv").write_text("\n".join(["id,label", *(f"{id},music" for id in files)]) + "\n")
    options = Options(seconds=0.96, measure_jpeg=False, workers=0)
    found = prepare(files, [tmp_path / "list.csv"], tmp_path / "store", options=options, weights=RANDOM)
    assert (found.record.counts.train, found.record.counts.validation) == (2, 2)
    assert {skip.id for skip in found.skipped} == {"silent"}
    store = Store.opened(found.store)
    again, once = (clip_of(store, id) for id in (f"{ids[0]}_again", ids[0]))
    assert torch.equal(store.frames(once), store.frames(again))
    assert store.latent(once, "16k")[0].shape == (30, 20)
