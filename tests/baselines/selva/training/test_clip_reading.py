"""What training reads of a clip's file: frames as inference sees them, sound at its peak, and what is refused."""

import numpy as np
import pytest
import torch
from support.tiny_models import film
from support.training_clips import clip, tone

from baselines.mmaudio.frames import read_frames, sync_request
from baselines.selva.training import clip_reading
from baselines.selva.training.clip_reading import Unusable, read_clip, read_sounds
from baselines.selva.training.pictures import decoded
from foundation import media

SECONDS = 0.8


def read(path, **other):
    return read_clip(path, **{"seconds": SECONDS, "rates": ("16k",), "picture": "lossless", **other})


def test_frames_are_those_that_the_model_sees(tmp_path):
    path = clip(tmp_path / "clip.mp4")
    (seen,) = read_frames(path, [sync_request("squash")], SECONDS, repeat_last=3)
    found = read(path)
    np.testing.assert_array_equal(found.frames, seen.numpy())
    kept = decoded([torch.frombuffer(bytearray(file), dtype=torch.uint8) for file in found.files], "lossless")
    assert torch.equal(kept, seen)


def test_sound_has_a_peak_of_095_over_the_whole_file_and_the_length_of_the_latent(tmp_path):
    path = clip(tmp_path / "clip.mp4", tone(rate=48_000), rate=48_000)
    sounds = read(path, rates=("16k", "44k")).sounds
    # 25 latent frames of 512 samples; 0.8 s at 44.1 kHz are 34.45 latent frames, rounded up
    assert {rate: len(sound) for rate, sound in sounds.items()} == {"16k": 25 * 512, "44k": 35 * 1024}
    assert abs(np.abs(sounds["16k"]).max() - 0.95) < 0.02  # AAC and resampling move the crests
    assert sounds["44k"].dtype == np.float32


def test_the_loudest_sample_may_stand_behind_what_is_kept(tmp_path):
    sound = np.concatenate([tone(1.1, level=0.1), tone(0.1, level=0.4)])
    path = clip(tmp_path / "clip.mp4", sound)
    assert np.abs(read(path).sounds["16k"]).max() == pytest.approx(0.95 / 4, rel=0.15)


def test_what_the_last_latent_frame_lacks_is_silence_and_no_clip_is_refused_for_it(tmp_path):
    media.write_audio(tmp_path / "sound.wav", tone(SECONDS, rate=44_100), 44_100)
    kept = read_sounds(tmp_path / "sound.wav", seconds=SECONDS, rates=("44k",))["44k"]
    sound = round(SECONDS * 44_100)
    assert sound < len(kept) == 35 * 1024
    assert kept[sound - 10 : sound].all()
    assert not kept[sound:].any()


@pytest.mark.parametrize(
    ("made", "kind", "said"),
    [
        ({"sound": tone(level=0.0)}, "silent", "silent: no sample is above 1e-06 of full scale"),
        ({"sound": tone(0.6)}, "too short", r"too short: 0\.[56]\d s of sound, 0\.80 s needed"),
        ({"picture_seconds": 0.6}, "too short", r"too short: 0\.60 s of video, 0\.80 s needed"),
    ],
)
def test_a_clip_that_is_silent_or_too_short_is_refused_with_its_reason(tmp_path, made, kind, said):
    with pytest.raises(Unusable, match=said) as error:
        read(clip(tmp_path / "clip.mp4", **made))
    assert error.value.kind == kind


def test_a_sound_with_a_sample_that_is_no_number_is_refused(tmp_path, monkeypatch):
    path = clip(tmp_path / "clip.mp4")
    whole = clip_reading.read_audio_native(path)
    whole.samples[0, 7] = float("nan")
    monkeypatch.setattr(clip_reading, "read_audio_native", lambda _: whole)
    with pytest.raises(Unusable, match="holds samples of sound that are not finite") as error:
        read(path)
    assert error.value.kind == "unreadable"


def test_a_clip_without_sound_is_refused_unless_no_sound_is_wanted(tmp_path):
    path = film(tmp_path / "clip.mp4")
    with pytest.raises(Unusable, match="no audio stream") as error:
        read(path)
    assert error.value.kind == "no sound"
    assert read(path, rates=()).sounds == {}


def test_a_file_that_is_no_film_is_refused_as_unreadable(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"not a film" * 100)
    with pytest.raises(Unusable, match="not a media file, or damaged") as error:
        read(tmp_path / "clip.mp4")
    assert error.value.kind == "unreadable"


def test_up_to_three_frames_are_repeated_at_the_end(tmp_path):
    frames = read(clip(tmp_path / "clip.mp4", picture_seconds=0.68)).frames
    assert len(frames) == 20
    np.testing.assert_array_equal(frames[17:], np.stack([frames[16]] * 3))


def test_a_real_clip_is_read_at_both_rates(real_media):
    found = read(real_media / "3qesirWAGt4_000020.mp4", seconds=2.0, rates=("16k", "44k"), picture="jpeg 95 4:4:4")
    assert found.frames.shape == (50, 3, 224, 224)
    assert 0.1 < np.abs(found.sounds["16k"]).max() <= 1.0
    assert 20_000 < sum(map(len, found.files)) / 50 < 40_000
