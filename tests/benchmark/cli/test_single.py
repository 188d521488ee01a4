"""`generate-one` and `attention`: what can be known is checked before a model is loaded, and no sound is lost."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark.cli import single
from foundation import media

pytestmark = pytest.mark.usefixtures("models")
NO_MODEL = "a model was loaded"


@pytest.fixture
def clip(film, tmp_path):
    """Two seconds of picture, and three of sound."""
    return film.write(tmp_path / "clip.mp4", seconds=2, sound=film.noise(3, seed=1))


@pytest.fixture
def ask(command, clip):
    return lambda *more: command("generate-one", "--model", "humming", "--video", clip, "--prompt", "bell", *more)


@pytest.fixture
def no_model(monkeypatch):
    """Let loading a model be an error of its own."""

    def load(*_names, **_options):
        raise ValueError(NO_MODEL)

    monkeypatch.setattr("baselines.load_model", load)


def test_what_counts_is_the_picture_where_the_sound_is_longer(ask, clip):
    assert ask("--out", "x.wav").out == "x.wav: 2.00 s at 16000 Hz\n"
    assert ask("--out", "x.mp4").out == "x.mp4: 2.00 s at 16000 Hz\n"
    assert media.probe(Path("x.mp4")).video.frames == media.probe(clip).video.frames == 50
    assert ask("--out", "x.wav", "--duration", 0.5).out == "x.wav: 0.50 s at 16000 Hz\n"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--out", "x.mp3"], "--out: expected .mp4, .wav or .flac, got 'x.mp3'"),
        (["--out", "folder.wav"], "folder.wav: a folder; give the path of a file"),
        (["--out", "clip.mp4/x.wav"], "/clip.mp4 is a file where a folder should be; give another place"),
        (["--out", "x" * 300 + ".wav"], "x.wav: a name of 304 bytes, at most 234 can be written; give a shorter one"),
        (["--duration", 2.5], "--duration: 2.5 s asked for, and clip.mp4 has 2.00 s of picture"),
        (["--duration", "inf"], "--duration: expected seconds, got inf"),
        (["--seed", 2**63], f"--seed: expected 0 to 2^63 - 1, got {2**63}"),
        (["--seed", -1], "Invalid value for '--seed': "),
        (["--model", "noise"], "--model: noise answers samples of a benchmark, not a video of your own"),
        (["--option", "levle=1"], "model 'humming' has no option 'levle'; it has: level"),
        (["--model", "external"], "model 'external' needs the option 'command'"),
        (["--model", "selva", "--duration", 0.5], "model 'selva-s-16k' makes at least 0.64 s, 0.5 s asked for"),
        (["--model", "selva", "--device", "cuda:99"], "device: 'cuda:99' asked for, but torch sees "),
        (["--model", "selva", "--device", "gpu"], "device: expected cpu, cuda, cuda:N or mps, got 'gpu'"),
        (["--video", "x.txt"], "x.txt: no such file"),
        (["--video", "sound.wav"], "sound.wav: no video stream"),
    ],
)
@pytest.mark.usefixtures("no_model")
def test_what_cannot_be_is_refused_before_a_model_is_loaded(ask, tmp_path, more, message):
    (tmp_path / "folder.wav").mkdir()
    media.write_audio(tmp_path / "sound.wav", np.zeros(160), 16_000)
    done = ask("--video", "clip.mp4", "--out", "x.wav", *more)
    assert done.status == 2
    assert message in done.message
    assert NO_MODEL in ask("--out", "x.wav").message, "the others come before"


@pytest.mark.usefixtures("no_model")
def test_too_little_room_is_said_before_a_model_is_loaded(ask, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _place: SimpleNamespace(free=63_999))
    assert (
        "the disk has 0.1 MB free, the samples of the sound take at least 0.1 MB; make room, or"
        in ask("--out", "x.wav").message
    )
    monkeypatch.setattr("shutil.disk_usage", lambda _place: SimpleNamespace(free=64_000))
    assert ask("--out", "x.wav").message == NO_MODEL


@pytest.mark.parametrize("beside", [False, True])
def test_no_sound_is_lost_because_of_the_picture(ask, monkeypatch, beside):
    def no_encoder(*_what, **_how):
        raise media.MediaError("clip.mp4", "no encoder")

    assert ask("--out", "kept.wav").status == 0
    if beside:
        Path("x.wav").touch()
    monkeypatch.setattr("foundation.media.mux", no_encoder)
    done = ask("--out", "x.mp4")
    sound = Path("x.sound.wav" if beside else "x.wav")
    assert (done.status, done.out) == (1, f"{sound}: 2.00 s at 16000 Hz\n")
    warning, error = done.err.splitlines()
    assert warning == f"warning: x.mp4 cannot be made: clip.mp4: no encoder; the sound will be kept in {sound}"
    assert error == "error: no x.mp4: clip.mp4: no encoder"
    assert sound.read_bytes() == Path("kept.wav").read_bytes()
    assert not Path("x.mp4").exists()


@pytest.fixture
def explain(command, clip, monkeypatch):
    """`attention` whose networks are none; where it would write."""
    pytest.importorskip("torch")
    import baselines.selva.attention as maps

    def written(_selva, _video, _prompts, output, *, duration_seconds):
        return SimpleNamespace(video=f"{output} {duration_seconds:g} s", strip=output.with_suffix(".png"))

    monkeypatch.setattr("baselines.load_model", lambda *_names, **_options: None)
    monkeypatch.setattr(maps, "write_attention", written)
    return lambda *more: command("attention", "--video", clip, "--prompt", "bell", *more)


@pytest.mark.parametrize("out", ["maps", "maps.mp4"])
def test_maps_are_written_to_a_path_with_or_without_its_ending(explain, out):
    assert explain("--out", out).out == "maps.mp4 2 s\nmaps.png\n"


@pytest.mark.usefixtures("no_model")
def test_maps_that_cannot_be_are_refused_before_networks_are_built(command, clip, tmp_path):
    (tmp_path / "there.png").mkdir()
    for more, message in [
        (["--out", "maps.gif"], "--out: expected a path without an ending, or .mp4, got 'maps.gif'"),
        (["--out", "there"], "there.png: a folder; give the path of a file"),
        (["--out", "clip"], "--out: clip.mp4 is the video itself; give another path"),
        (["--out", "maps", "--model", "mmaudio-s-16k"], "--model: only SELVA has these maps, not mmaudio-s-16k"),
        (["--out", "maps", "--duration", 3], f"--duration: 3 s asked for, and {clip} has 2.00 s of picture"),
        (["--out", "maps", "--option", "step=1"], "model 'selva-s-16k' has no option 'step'; it has: variant"),
        (["--out", "maps"], NO_MODEL),
    ]:
        done = command("attention", "--video", clip, "--prompt", "bell", *more)
        assert (done.status, done.message[: len(message)]) == (2, message)


def test_a_picture_is_rehearsed_with_its_first_frames(clip, tmp_path):
    assert single._why_no_mp4(clip) == ""
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
