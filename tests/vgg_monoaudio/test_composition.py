"""Composition: geometry, sides, sound, starts, bytes, and clips that are refused under their own name."""

import inspect
import subprocess
from pathlib import Path

import numpy as np
import pytest

from foundation import media
from foundation.media import MediaError
from vgg_monoaudio.composition import compose, cut, on_frame_grid

SECONDS = 0.6
FRAMES = 15
RATE = 16_000
SAMPLES = 9_600
PAIRED = 2048  # the paired clip's frames carry numbers from here on


@pytest.fixture(scope="module")
def clips(film, tmp_path_factory) -> tuple[Path, Path]:
    """A target of 25 fps and a paired clip of 30 fps, each with noise of its own."""
    folder = tmp_path_factory.mktemp("clips")
    target = film.write(folder / "target.mp4", seconds=2, sound=film.noise(2, seed=1))
    sound = np.stack([film.noise(2, seed=seed, sample_rate=44_100) for seed in (2, 3)])
    paired = film.write(
        folder / "paired.mp4", seconds=2, fps=30, size=(64, 48), sound=sound, sample_rate=44_100, first_number=PAIRED
    )
    return target, paired


@pytest.fixture(scope="module")
def sounds(film) -> tuple[np.ndarray, np.ndarray]:
    """What target and paired clip sound like at 16 kHz mono."""
    left, right = (film.noise(2, seed=seed, sample_rate=44_100) for seed in (2, 3))
    return film.noise(2, seed=1), media.resample((left + right) / 2, 44_100, RATE)


def halves(scene: Path) -> tuple[np.ndarray, np.ndarray]:
    frames = media.read_video(scene, fps=25)
    return frames[..., :640], frames[..., 640:]


def bounds(frame: np.ndarray) -> tuple[int, int, int, int]:
    """Where a frame (3, height, width) is brighter than half: first and last row, first and last column."""
    rows, columns = np.nonzero(frame.mean(axis=0) > 127)
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


# Picture


@pytest.mark.parametrize("soundtrack", ["mixture", "target", "none"])
def test_a_scene_is_1280x720_at_25_fps_in_h264_and_16_khz_aac(clips, tmp_path, soundtrack):
    compose(*clips, tmp_path / "scene.mp4", "left", duration=SECONDS, soundtrack=soundtrack)
    info = media.probe(tmp_path / "scene.mp4")
    assert info.duration_seconds == pytest.approx(SECONDS, abs=1e-3)
    assert info.video == media.VideoInfo(1280, 720, 25.0, FRAMES, "h264", "yuv420p", SECONDS)
    assert info.audio == (None if soundtrack == "none" else media.AudioInfo(RATE, 1, "aac", SECONDS))


def test_left_and_right_are_where_the_target_stands(film, clips, tmp_path):
    of_target, of_paired = list(range(FRAMES)), [PAIRED + k for k in (0, 1, 2, 4, 5)]  # 30 fps leaves out every sixth
    for side, place in (("left", 0), ("right", 1)):
        compose(*clips, tmp_path / f"{side}.mp4", side, duration=SECONDS)
        shown = halves(tmp_path / f"{side}.mp4")
        assert film.numbers(shown[place]) == of_target
        assert film.numbers(shown[1 - place])[:5] == of_paired


def test_frames_are_those_that_reading_the_clip_gives(film, clips, tmp_path):
    compose(*clips, tmp_path / "scene.mp4", "left", duration=SECONDS, paired_start=0.4)
    expected = film.numbers(media.read_video(clips[1], fps=25, start_seconds=0.4, seconds=SECONDS))
    assert film.numbers(halves(tmp_path / "scene.mp4")[1]) == expected


@pytest.mark.parametrize(
    ("fit", "clip_size", "expected"),
    [
        # A white box over the middle half of the clip's height and width, in a half scene of 720 x 640 (h x w).
        pytest.param("stretch", (128, 128), (180, 539, 160, 479), id="stretch fills both sides"),
        pytest.param("pad", (128, 128), (200, 519, 160, 479), id="pad of a square keeps it 640 wide, centred"),
        pytest.param("pad", (90, 160), (270, 449, 160, 479), id="pad of 16:9 is 360 high"),
        pytest.param("pad", (144, 64), (180, 539, 240, 399), id="pad of a portrait is 320 wide"),
        pytest.param("crop", (128, 128), (180, 539, 140, 499), id="crop of a square is 720 wide, cut to 640"),
        pytest.param("crop", (90, 160), (180, 539, 0, 639), id="crop of 16:9 is 1280 wide, the box fills the width"),
        pytest.param("crop", (144, 64), (0, 719, 160, 479), id="crop of a portrait is 1440 high"),
    ],
)
def test_fit_decides_the_geometry(film, clips, tmp_path, fit, clip_size, expected):
    height, width = clip_size

    def box(_: int) -> np.ndarray:
        frame = np.zeros((height, width, 3), np.uint8)
        frame[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4] = 255
        return frame

    sound = film.noise(0.4, seed=1)
    clip = film.write(tmp_path / "box.mp4", seconds=0.4, size=clip_size, picture=box, sound=sound)
    compose(clip, clips[0], tmp_path / "scene.mp4", "left", fit, 0.4)
    shown = bounds(halves(tmp_path / "scene.mp4")[0][5])
    # An edge is blurred over one pixel of the clip, which is 5 to 10 of the scene.
    np.testing.assert_allclose(shown, expected, atol=6)


def test_pad_leaves_the_bars_black(film, clips, tmp_path):
    def white(_: int) -> np.ndarray:
        return np.full((36, 64, 3), 255, np.uint8)

    clip = film.write(tmp_path / "w.mp4", seconds=0.4, size=(36, 64), picture=white, sound=film.noise(0.4, seed=1))
    compose(clip, clips[0], tmp_path / "scene.mp4", "right", "pad", 0.4)
    frame = halves(tmp_path / "scene.mp4")[1][5]
    assert frame[:, :170].max() < 20
    assert frame[:, 190:530].min() > 235
    assert frame[:, 550:].max() < 20


def ffmpeg(*arguments: object) -> None:
    command = [media.ffmpeg_executable(), "-v", "error", *map(str, arguments)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)


def test_a_clip_that_asks_to_be_turned_is_turned(film, clips, tmp_path):
    ffmpeg("-display_rotation", 90, "-i", clips[0], "-c", "copy", tmp_path / "phone.mp4")
    cut(tmp_path / "phone.mp4", tmp_path / "cut.mp4", duration=SECONDS)
    info = media.probe(tmp_path / "cut.mp4").video
    assert info is not None
    assert (info.width, info.height) == (48, 64)
    turned = media.read_video(tmp_path / "phone.mp4", fps=25, seconds=SECONDS)
    assert film.numbers(media.read_video(tmp_path / "cut.mp4", fps=25)) == film.numbers(turned)


def test_full_range_clips_come_out_in_limited_range_at_the_same_brightness(film, clips, tmp_path):
    ffmpeg("-i", clips[0], "-vf", "scale=out_range=full", "-pix_fmt", "yuvj420p", "-c:a", "copy", tmp_path / "full.mp4")
    info = media.probe(tmp_path / "full.mp4").video
    assert info is not None
    assert info.pixel_format == "yuvj420p"
    compose(tmp_path / "full.mp4", clips[0], tmp_path / "scene.mp4", "left", duration=SECONDS)
    full, limited = (half.astype(float) for half in halves(tmp_path / "scene.mp4"))
    assert np.abs(full - limited).mean() < 2


# Sound


def heard(scene: Path) -> np.ndarray:
    return media.read_audio(scene, sample_rate=RATE)


def explained(sound: np.ndarray, *parts: np.ndarray) -> list[float]:
    """How loud each part stands in the sound, by least squares."""
    weights, *_ = np.linalg.lstsq(np.stack(parts, axis=1).astype(float), sound.astype(float), rcond=None)
    return [float(weight) for weight in weights]


@pytest.mark.parametrize(("soundtrack", "weights"), [("mixture", (0.5, 0.5)), ("target", (1, 0))])
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_soundtrack_is_the_mean_of_both_or_the_target_alone(clips, sounds, tmp_path, soundtrack, weights, side):
    compose(*clips, tmp_path / "scene.mp4", side, duration=SECONDS, soundtrack=soundtrack)
    target, paired = (sound[:SAMPLES] for sound in sounds)
    scene = heard(tmp_path / "scene.mp4")[:SAMPLES]
    # Two lossy steps in between: within 3% of the level each, and nothing else of note in the sound.
    np.testing.assert_allclose(explained(scene, target, paired), weights, atol=0.03)
    assert np.corrcoef(scene, weights[0] * target + weights[1] * paired)[0, 1] > 0.95


def test_the_mixture_is_in_step_with_its_parts(clips, sounds, tmp_path):
    compose(*clips, tmp_path / "scene.mp4", "left", duration=SECONDS)
    scene = heard(tmp_path / "scene.mp4")[:SAMPLES].astype(float)
    for sound in sounds:
        shifted = {
            shift: np.dot(scene[100:-100], sound[100 + shift : SAMPLES - 100 + shift]) for shift in range(-50, 51)
        }
        assert max(shifted, key=lambda shift: shifted[shift]) == 0


@pytest.mark.parametrize("channels", [8, 9, 24, 64])
def test_many_channels_are_averaged(film, clips, tmp_path, channels):
    import soundfile

    noise = film.noise(2, seed=4, sample_rate=48_000)
    weights = np.linspace(1, 0, channels)
    soundfile.write(tmp_path / "choir.wav", noise[:, np.newaxis] * weights, 48_000, subtype="FLOAT", format="WAVEX")
    streams = ("-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "pcm_f32le")
    ffmpeg("-i", clips[0], "-i", tmp_path / "choir.wav", *streams, tmp_path / "choir.mkv")
    cut(tmp_path / "choir.mkv", tmp_path / "cut.mp4", duration=SECONDS)
    (share,) = explained(heard(tmp_path / "cut.mp4")[:SAMPLES], media.resample(noise, 48_000, RATE)[:SAMPLES])
    assert share == pytest.approx(0.5, abs=0.02)  # as encoded


def test_starts_move_picture_and_sound_together(film, clips, sounds, tmp_path):
    compose(*clips, tmp_path / "scene.mp4", "left", duration=SECONDS, target_start=0.6, paired_start=0.2)
    left, right = halves(tmp_path / "scene.mp4")
    assert film.numbers(left) == list(range(15, 15 + FRAMES))
    assert film.numbers(right)[0] == PAIRED + 6
    parts = (sounds[0][9_600:19_200], sounds[1][3_200:12_800])
    np.testing.assert_allclose(explained(heard(tmp_path / "scene.mp4")[:SAMPLES], *parts), (0.5, 0.5), atol=0.03)


def test_a_start_between_two_frames_is_taken_to_the_nearest_for_both(film, clips, sounds, tmp_path):
    assert on_frame_grid(0.61) == on_frame_grid(0.59) == 0.6
    cut(clips[0], tmp_path / "a.mp4", start=0.61, duration=SECONDS)
    cut(clips[0], tmp_path / "b.mp4", start=0.6, duration=SECONDS)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_cut_keeps_size_and_sound_and_makes_odd_sizes_even(film, clips, sounds, tmp_path):
    cut(clips[1], tmp_path / "cut.mp4", start=0.2, duration=SECONDS)
    assert media.probe(tmp_path / "cut.mp4").video == media.VideoInfo(48, 64, 25.0, FRAMES, "h264", "yuv420p", SECONDS)
    np.testing.assert_allclose(explained(heard(tmp_path / "cut.mp4")[:SAMPLES], sounds[1][3_200:12_800]), 1, atol=0.03)
    ffmpeg("-i", clips[0], "-vf", "crop=63:47:0:0:exact=1", "-pix_fmt", "yuv444p", "-c:v", "ffv1", tmp_path / "odd.mkv")
    cut(tmp_path / "odd.mkv", tmp_path / "even.mp4", duration=SECONDS)
    info = media.probe(tmp_path / "even.mp4").video
    assert info is not None
    assert (info.width, info.height) == (62, 46)


# Bytes and names


def test_the_same_clips_and_settings_give_the_same_bytes_wherever_they_lie(clips, tmp_path):
    compose(*clips, tmp_path / "a.mp4", "left", duration=SECONDS)
    moved = []
    for name, clip in zip(("elsewhere.mp4", "else.mp4"), clips, strict=True):
        moved.append(tmp_path / name)
        moved[-1].write_bytes(clip.read_bytes())
    compose(*moved, tmp_path / "b.mp4", "left", duration=SECONDS)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    compose(*clips, tmp_path / "c.mp4", "right", duration=SECONDS)
    assert (tmp_path / "a.mp4").read_bytes() != (tmp_path / "c.mp4").read_bytes()


@pytest.mark.parametrize("name", ["with space", 'it\'s "quoted"', "Größe 犬", "100%d", "-y", "a:b", "[x],;=\\"])
def test_odd_names_are_composed(clips, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    folder = Path(name)
    folder.mkdir()
    target, paired = folder / f"{name} 1.mp4", folder / f"{name} 2.mp4"
    target.write_bytes(clips[0].read_bytes())
    paired.write_bytes(clips[1].read_bytes())
    compose(target, paired, folder / f"{name}.mp4", "left", duration=0.2)
    assert sorted(path.name for path in folder.iterdir()) == sorted([target.name, paired.name, f"{name}.mp4"])


# Refusals


def test_a_clip_without_sound_is_refused_by_name(film, clips, tmp_path):
    silent = film.write(tmp_path / "silent.mp4")
    for pair in ((silent, clips[0]), (clips[0], silent)):
        with pytest.raises(MediaError, match=r"silent\.mp4: no audio stream"):
            compose(*pair, tmp_path / "scene.mp4", "left", duration=SECONDS)
    assert not (tmp_path / "scene.mp4").exists()


def test_a_clip_without_picture_is_refused_by_name(clips, tmp_path):
    media.write_audio(tmp_path / "blind.wav", np.zeros(32_000), RATE)
    with pytest.raises(MediaError, match=r"blind\.wav: no video stream"):
        cut(tmp_path / "blind.wav", tmp_path / "cut.mp4", duration=SECONDS)


def test_an_absent_clip_is_refused_by_name(clips, tmp_path):
    with pytest.raises(MediaError, match=r"absent\.mp4: no such file"):
        compose(clips[0], tmp_path / "absent.mp4", tmp_path / "scene.mp4", "left", duration=SECONDS)


def test_a_short_clip_is_refused_with_its_length(film, clips, tmp_path):
    short = film.write(tmp_path / "short.mp4", seconds=0.4, sound=film.noise(0.4, seed=1))
    with pytest.raises(MediaError, match=r"short\.mp4: too short: 0\.4\d s, 0\.6 s needed"):
        compose(clips[0], short, tmp_path / "scene.mp4", "left", duration=SECONDS)
    with pytest.raises(MediaError, match=r"target\.mp4: too short: 2\.\d\d s, 0\.6 s from 1\.6 s on needed"):
        compose(*clips, tmp_path / "scene.mp4", "left", duration=SECONDS, target_start=1.6)


@pytest.mark.parametrize(("seconds_of_sound", "seconds", "kind"), [(0.5, 2, "audio"), (2, 0.5, "video")])
def test_a_clip_with_one_short_stream_is_refused_with_that_stream(
    film, clips, tmp_path, seconds_of_sound, seconds, kind
):
    short = film.write(tmp_path / "short.mp4", seconds=seconds, sound=film.noise(seconds_of_sound, seed=1))
    with pytest.raises(MediaError, match=rf"short\.mp4: too short: 0\.\d\d s of {kind}, 0\.6 s needed"):
        compose(short, clips[1], tmp_path / "scene.mp4", "left", duration=SECONDS)


def test_a_short_stream_that_its_container_hides_is_found_in_what_was_written(film, clips, tmp_path):
    hiding = film.write(tmp_path / "hiding.mkv", seconds=2, sound=film.noise(0.5, seed=1))
    with pytest.raises(
        MediaError, match=r"seconds of sound came out as 0\.\d+, expected 0\.6; made from .*hiding\.mkv"
    ):
        compose(hiding, clips[1], tmp_path / "scene.mp4", "left", duration=SECONDS)
    assert [path.name for path in tmp_path.iterdir()] == ["hiding.mkv"]


def test_a_damaged_clip_is_refused_and_leaves_nothing(film, clips, tmp_path):
    whole = film.write(tmp_path / "whole.mp4", sound=film.noise(2.4, seed=1), options={"movflags": "+faststart"})
    content = whole.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 3])
    with pytest.raises(MediaError, match=r"cut\.mp4"):
        compose(tmp_path / "cut.mp4", clips[1], tmp_path / "scene.mp4", "left", duration=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.mp4", "whole.mp4"]


def test_what_ffmpeg_has_to_say_is_the_same_in_every_run(clips, tmp_path, monkeypatch):
    from vgg_monoaudio import composition

    monkeypatch.setitem(composition._ENCODER, "profile:v", "no such profile")
    reasons = set()
    for name in ("a", "b"):
        with pytest.raises(MediaError, match=r"scene\.mp4: ffmpeg failed on target\.mp4 and paired\.mp4: .") as raised:
            compose(*clips, tmp_path / name / "scene.mp4", "left", duration=SECONDS)
        reasons.add(raised.value.reason)
    assert len(reasons) == 1
    assert "0x" not in reasons.pop()


def test_an_output_that_does_not_probe_right_never_gets_its_name(clips, tmp_path, monkeypatch):
    from vgg_monoaudio import composition

    monkeypatch.setitem(composition._ENCODER, "pix_fmt", "yuv444p")
    (tmp_path / "scene.mp4").write_text("an older scene")
    with pytest.raises(MediaError, match=r"picture came out as .*yuv444p"):
        compose(*clips, tmp_path / "scene.mp4", "left", duration=SECONDS)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["an older scene"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"side": "top"}, "side: expected left, right, got 'top'"),
        ({"side": "left", "fit": "squeeze"}, "fit: expected stretch, pad, crop, got 'squeeze'"),
        ({"side": "left", "soundtrack": "both"}, "soundtrack: expected mixture, target, none, got 'both'"),
        ({"side": "left", "duration": 0.01}, "duration: expected at least one frame"),
    ],
)
def test_unknown_choices_are_refused(clips, tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        compose(*clips, tmp_path / "scene.mp4", **arguments)


def test_one_clip_makes_no_scene(clips, tmp_path):
    with pytest.raises(ValueError, match="a scene takes two"):
        compose(clips[0], clips[0], tmp_path / "scene.mp4", "left")


# Real clips


def test_real_clips_compose_and_probe_right(real_media, tmp_path):
    dog, child = real_media / "3qesirWAGt4_000020.mp4", real_media / "0B4dYTMsgHA_000130.mp4"
    assert inspect.signature(compose).parameters["duration"].default == 8.0
    compose(dog, child, tmp_path / "scene.mp4", "right", duration=3)
    info = media.probe(tmp_path / "scene.mp4")
    assert info.video == media.VideoInfo(1280, 720, 25.0, 75, "h264", "yuv420p", 3.0)
    assert info.audio == media.AudioInfo(RATE, 1, "aac", 3.0)
    parts = [media.read_audio(clip, sample_rate=RATE, seconds=3) for clip in (dog, child)]
    np.testing.assert_allclose(explained(heard(tmp_path / "scene.mp4")[: 3 * RATE], *parts), (0.5, 0.5), atol=0.05)
    left, right = (half.astype(float) for half in np.split(thinned(tmp_path / "scene.mp4", None), 2, axis=2))
    for clip, half in ((child, left), (dog, right)):
        alone = thinned(clip, (720, 640))
        assert np.corrcoef(alone.ravel(), half.ravel())[0, 1] > 0.99


def thinned(path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """The first 50 frames, every eighth row and column of each, (t, h, w, 3)."""
    request = media.FrameRequest(fps=25, size=size, transform=lambda frame: frame[::8, ::8].copy())
    (frames,) = media.read_video_streams(path, [request], seconds=2)
    return frames


@pytest.mark.parametrize("name", ["airplane_vgg.mp4", "flute_vgg.mp4", "basketball_bounce.mp4"])
def test_real_clips_without_sound_are_refused(real_media, tmp_path, name):
    with pytest.raises(MediaError, match=f"{name}: no audio stream"):
        cut(real_media / name, tmp_path / "cut.mp4")
