"""Silero VAD hears speech as its own package says, each sound by itself, and leaves torch as it found it."""

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from support.seeded_weights import waveform

from foundation import media
from foundation.extras import MissingPackage
from metrics.backbones import frontends, silero

if find_spec("silero_vad") is None:
    pytest.skip("the extra `extended` is not installed", allow_module_level=True)

SECONDS = 8.0
CHILD, DOG, WHALE = "0B4dYTMsgHA_000130", "3qesirWAGt4_000020", "F8Zt3mYlOqU_000094"


@pytest.fixture
def clip(real_media):
    """The sound of a real clip, by its id."""
    return lambda name: media.read_audio_native(real_media / f"{name}.mp4")


def heard(sound: media.Audio) -> float:
    return silero.speech_share(sound.samples, sound.sample_rate, SECONDS)


def test_a_child_who_talks_is_heard_and_animals_are_not(clip):
    shares = {name: heard(clip(name)) for name in (CHILD, DOG, WHALE)}
    assert shares == pytest.approx({CHILD: 0.49825, DOG: 0.0, WHALE: 0.0}, abs=0.01)  # kernels differ between machines


def test_the_share_is_that_of_the_package_s_own_segments(clip):
    import silero_vad

    sound = clip(CHILD)
    mono = torch.as_tensor(sound.samples).mean(dim=0)
    resampled = frontends.resample(mono, sound.sample_rate, 16_000)[:128_000]
    segments = silero_vad.get_speech_timestamps(resampled, silero_vad.load_silero_vad())
    assert heard(sound) == pytest.approx(sum(s["end"] - s["start"] for s in segments) / 128_000, abs=1e-4)


def test_what_was_heard_before_changes_nothing(clip):
    child, dog = clip(CHILD), clip(DOG)
    alone = heard(child)
    heard(dog)
    assert heard(child) == alone


def test_sounds_that_are_heard_at_the_same_time_do_not_disturb_one_another(clip):
    sounds = [clip(CHILD), clip(DOG), clip(WHALE)]
    alone = [heard(sound) for sound in sounds]
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(heard, sounds)) == alone


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(np.zeros(128_000, dtype=np.float32), id="silence"),
        pytest.param(waveform("silero/tones", 128_000, 16_000, seed=1).numpy(), id="tones and noise"),
        pytest.param(np.zeros(100, dtype=np.float32), id="shorter than a window"),
    ],
)
def test_what_is_no_voice_is_no_speech(sound):
    assert silero.speech_share(sound, 16_000, SECONDS) == 0.0


def test_torch_keeps_the_threads_that_it_had():
    """The package sets one thread, for the whole process, as it is imported."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        silero._loaded.cache_clear()
        silero.speech_share(np.zeros(1000, dtype=np.float32), 16_000, SECONDS)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_the_key_names_the_package_s_version_and_the_hash_of_its_weights():
    ours, package, digest = silero.content_key().split("-")
    assert (ours, len(digest)) == ("v1", 64)
    assert package.split(".")[0].isdigit()


def test_a_package_that_is_not_installed_is_named_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "silero_vad", None)
    silero._loaded.cache_clear()
    monkeypatch.setattr(silero, "find_spec", lambda _name: None)
    for asking in (silero.content_key, lambda: silero.speech_share(np.zeros(1000, dtype=np.float32), 16_000, SECONDS)):
        with pytest.raises(MissingPackage, match=r"the share of speech needs the package silero_vad; .*\[extended\]"):
            asking()
