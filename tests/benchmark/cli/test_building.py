"""`build` and `build-vggsound-test` on the command line; `verify` is tried with the benchmark that they make."""

import shutil

import pytest

from vgg_monoaudio.building import single_clips


@pytest.fixture
def clips(tiny, tmp_path):
    """The tiny benchmark's clips under names as VGGSound's are: eleven characters and a start."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for path in tiny.clips.glob("*.mp4"):
        shutil.copy(path, folder / f"{path.stem[:4]}{path.stem[5:]}.mp4")
    return folder


@pytest.fixture
def listed(clips, tmp_path):
    """VGGSound's list: these clips, of which the first is for training."""
    path = tmp_path / "vggsound.csv"
    names = sorted(clip.stem for clip in clips.iterdir())
    path.write_text(
        "".join(f"{name[:11]},{int(name[12:])},dog barking,test\n" for name in names).replace("test", "train", 1)
    )
    return path


@pytest.fixture
def short(monkeypatch):
    """Scenes of 5 s, as the clips of the tests have it, in place of 8 s."""
    settings = single_clips.SingleSettings
    monkeypatch.setattr(single_clips, "SingleSettings", lambda name: settings(name=name, duration_seconds=5.0))


def test_the_test_clips_of_vggsound_become_a_benchmark(command, clips, listed, short):
    build = ("build-vggsound-test", "--vggsound", listed, "--sources", clips, "--out", "all", "--workers", 1)
    done = command(*build)
    assert (done.status, done.err, done.out) == (0, "", "all built: 3 of 3 clips, no composition\n")
    assert command(*build).out == "all is up to date: 3 of 3 clips, no composition\n"
    assert command("verify", "all").out == "all: 3 scenes and 3 sources are as they were built\n"


def test_clips_that_cannot_be_used_are_named_and_left_out_on_demand(command, clips, listed, short):
    listed.write_text(f"absent00000,30,dog barking,test\n{listed.read_text()}")
    build = ("build-vggsound-test", "--vggsound", listed, "--sources", clips, "--out", "all", "--workers", 1)
    refused = command(*build)
    assert refused.status == 2
    assert "1 of 4 clips cannot be used" in refused.err
    done = command(*build, "--allow-missing")
    assert done.status == 0
    assert done.err.startswith("left out: absent00000_000030")
    assert done.out == "all built: 3 of 4 clips, no composition\n"


def test_the_benchmark_of_single_clips_refuses_an_empty_folder(command, listed, tmp_path):
    (tmp_path / "empty").mkdir()
    done = command("build-vggsound-test", "--vggsound", listed, "--sources", "empty")
    assert done.status == 2
    assert "3 of 3 clips cannot be used" in done.err


def test_a_list_that_does_not_exist_is_one_line(command, clips):
    done = command("build-vggsound-test", "--vggsound", "nowhere.csv", "--sources", clips)
    assert done.status == 2
    assert "'nowhere.csv' does not exist" in done.message
