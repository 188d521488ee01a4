"""The demo's sources: what they are made of, that picture and sound belong together, and that they repeat."""

import itertools

import numpy as np
import pytest

from foundation import media
from vgg_monoaudio.demo.clips import DEMO_LABELS, SECONDS, demo_clip, demo_sources, write_demo_clip, write_demo_sources
from vgg_monoaudio.demo.moments import FPS
from vgg_monoaudio.demo.sounds import SAMPLE_RATE

CLIPS = list(demo_sources()["clip_id"])
ONE_OF_EACH_LABEL = CLIPS[::2]


def marks(clip) -> list[int]:
    """Frames in which the clip's events first show."""
    return [int(np.floor(event * FPS)) for event in clip.events]


def first_frames(clip, count: int) -> np.ndarray:
    return np.stack(list(itertools.islice(clip.frames(), count)))


def motion(frames: np.ndarray) -> np.ndarray:
    """Mean absolute difference of each frame from the one before, (t - 1,)."""
    return np.array([np.mean(np.abs(b.astype(int) - a)) for a, b in itertools.pairwise(frames[:, ::4, ::4])])


def test_there_are_two_clips_a_label_and_two_labels_a_category():
    sources = demo_sources()
    assert list(sources.columns) == ["clip_id", "label", "category"]
    assert sources["clip_id"].is_unique
    assert sources["label"].value_counts().to_dict() == dict.fromkeys(DEMO_LABELS, 2)
    assert sources.groupby("category")["label"].nunique().to_dict() == dict.fromkeys(DEMO_LABELS.values(), 2)
    assert dict(zip(sources["label"], sources["category"], strict=True)) == dict(DEMO_LABELS)


def test_ids_have_the_form_of_vggsound():
    assert all(demo_sources()["clip_id"].str.fullmatch(r"[A-Za-z0-9_-]{11}_\d{6}"))


@pytest.mark.parametrize("clip_id", CLIPS)
def test_sound_is_8_seconds_on_the_16_bit_grid_without_clipping(clip_id):
    waveform = demo_clip(clip_id).waveform
    assert waveform.shape == (round(SECONDS * SAMPLE_RATE),)
    assert waveform.dtype == np.float32
    assert 0.4 < np.abs(waveform).max() <= 0.45 + 1 / 32768  # so the sum of any two stays within full scale
    np.testing.assert_array_equal(waveform * 32768, np.rint(waveform * 32768))


@pytest.mark.parametrize("clip_id", CLIPS)
def test_nothing_sounds_before_the_sample_of_the_first_event(clip_id):
    clip = demo_clip(clip_id)
    start = round(clip.events[0] * SAMPLE_RATE)
    room = np.abs(clip.waveform[:start]).max()
    if clip.label == "fan running":  # a fan hums before it is switched up
        level = [
            np.sqrt(np.mean(part**2)) for part in (clip.waveform[start - 640 : start], clip.waveform[start:][:640])
        ]
        assert level[1] > 5 * level[0]
    else:
        assert room < 0.003  # the room tone's 4e-4 rms leaves 7 standard deviations
        assert np.abs(clip.waveform[start : start + 32]).max() > 0.1  # within 2 ms


@pytest.mark.parametrize("clip_id", CLIPS)
def test_every_event_seen_so_far_moves_the_picture_more_than_the_frames_around_it(clip_id):
    clip = demo_clip(clip_id)
    seen = marks(clip)[:2]
    moved = motion(first_frames(clip, seen[-1] + 2))
    for mark in seen:  # moved[k] is the step into frame k + 1
        assert moved[mark - 1] > 1.5 * np.median(moved[max(0, mark - 7) : mark - 1])
    assert moved[seen[0] - 1] == moved[: seen[0]].max()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_rhythm_shifted_by_up_to_2_seconds_does_not_match_itself(seed):
    for clip_id in CLIPS:
        events = np.array(demo_clip(clip_id, seed=seed).events)
        apart = events[np.newaxis, :] - events[:, np.newaxis]
        hits = [np.sum(np.abs(apart - lag) < 0.04) for lag in np.arange(0.12, 2.2, 0.04)]
        assert max(hits) <= 0.5 * events.size, clip_id
        assert np.sum(events < 4.8) >= 4, clip_id  # both windows that DeSync judges have enough to go by
        assert np.sum(events > 3.2) >= 4, clip_id


@pytest.mark.parametrize("label", DEMO_LABELS)
def test_the_two_clips_of_a_label_have_different_rhythms(label):
    first, second = (demo_clip(clip_id).events for clip_id in CLIPS if demo_clip(clip_id).label == label)
    nearest = np.abs(np.subtract.outer(first, second)).min(axis=1)
    assert np.sum(nearest > 0.04) >= len(first) / 2


def test_a_clip_repeats_from_its_seed_and_changes_with_it():
    clip, again, other = demo_clip(CLIPS[0]), demo_clip(CLIPS[0]), demo_clip(CLIPS[0], seed=1)
    assert clip.events == again.events
    np.testing.assert_array_equal(clip.waveform, again.waveform)
    np.testing.assert_array_equal(first_frames(clip, 20), first_frames(again, 20))
    assert clip.events != other.events


def test_a_film_has_200_frames_of_its_declared_shape():
    frames = list(demo_clip("demodrip001_000000").frames())
    assert len(frames) == 200
    assert {(frame.shape, frame.dtype) for frame in frames} == {((720, 640, 3), np.dtype(np.uint8))}


def test_an_unknown_clip_is_named_with_those_that_exist():
    with pytest.raises(ValueError, match=r"no 'demoball003_000000'; its clips are demoball001_000000, "):
        demo_clip("demoball003_000000")


def test_no_worker_is_refused(tmp_path):
    with pytest.raises(ValueError, match="workers: expected at least 1, got 0"):
        write_demo_sources(tmp_path / "sources", workers=0)
    assert not (tmp_path / "sources").exists()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_demo_clip("demoball001_000000", tmp_path_factory.mktemp("demo"))


def test_the_file_is_what_the_benchmark_expects_of_a_source(written):
    info = media.probe(written)
    assert info.video is not None
    assert info.audio is not None
    assert info.duration_seconds == pytest.approx(8.0, abs=1e-6)
    assert (info.video.width, info.video.height, info.video.frames) == (640, 720, 200)
    assert (info.video.codec, info.video.pixel_format) == ("h264", "yuv420p")
    assert (info.audio.codec, info.audio.sample_rate, info.audio.channels) == ("aac", 16_000, 1)


def test_coding_moves_neither_sound_nor_picture(written):
    clip = demo_clip("demoball001_000000")
    heard = media.read_audio(written, sample_rate=SAMPLE_RATE)
    assert heard.shape == clip.waveform.shape
    spectrum = np.fft.rfft(heard) * np.conj(np.fft.rfft(clip.waveform))
    assert np.argmax(np.fft.irfft(spectrum)) == 0  # not one sample late
    assert np.sqrt(np.mean((heard - clip.waveform) ** 2)) < 0.003  # AAC at 128 kbit/s leaves about 0.0007
    shown = media.read_video(written, fps=FPS, size=(72, 64))
    mark = marks(clip)[2]
    drawn = first_frames(clip, mark + 2)[:, 5::10, 5::10].transpose(0, 3, 1, 2)
    errors = [np.mean(np.abs(shown[mark].astype(int) - frame)) for frame in drawn]
    assert np.argmin(errors) == mark


def test_the_same_clip_is_written_as_the_same_bytes(written, tmp_path):
    assert write_demo_clip("demoball001_000000", tmp_path).read_bytes() == written.read_bytes()


@pytest.mark.slow
def test_the_files_do_not_depend_on_the_number_of_workers(tmp_path, written):
    table = write_demo_sources(tmp_path / "one", workers=1)
    write_demo_sources(tmp_path / "two", workers=2)
    files = sorted((tmp_path / "one").iterdir())
    assert [file.name for file in files] == sorted(f"{clip_id}.mp4" for clip_id in table["clip_id"])
    assert all(file.read_bytes() == (tmp_path / "two" / file.name).read_bytes() for file in files)
    assert (tmp_path / "one" / written.name).read_bytes() == written.read_bytes()
