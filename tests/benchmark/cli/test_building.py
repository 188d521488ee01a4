"""`build` and `build-vggsound-test` on the command line; `verify` is tried with the benchmark that they make."""

import json
import shutil

import pytest
from support.small_benchmarks import short_film, write_benchmark

from vgg_monoaudio import load_benchmark
from vgg_monoaudio.building import scenes, single_clips
from vgg_monoaudio.selection.funnel import add_stage, first_stage, write_funnel
from vgg_monoaudio.selection.source_list import load_source_list

__all__ = ["short_film", "write_benchmark"]


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


@pytest.fixture
def build(clips, monkeypatch, tmp_path):
    """The words of a build from a list of these clips, in scenes of 5 s."""
    settings = scenes.Settings
    monkeypatch.setattr(scenes, "Settings", lambda **words: settings(duration_seconds=5.0, **words))
    names = sorted(clip.stem for clip in clips.iterdir())
    rows = [f"{name},{label},Animal\n" for name, label in zip(names, ("dog barking", "bird chirping"), strict=False)]
    (tmp_path / "list.csv").write_text("clip_id,label,category\n" + "".join(rows))
    return ("build", "--sources", clips, "--labels", "list.csv", "--out", "made", "--workers", 1)


def test_a_build_ends_with_the_funnel_that_lies_beside_its_list(command, build, tmp_path):
    write_funnel(tmp_path / "list.funnel.csv", add_stage(first_stage("all", 7), "list", 2, "not these"))
    assert command(*build).status == 0
    stages = json.loads((tmp_path / "made" / "benchmark.json").read_text())["funnel"]
    assert [(stage["stage"], stage["clips"]) for stage in stages] == [
        ("all", 7), ("list", 2), ("clips that can be used", 2),
    ]  # fmt: skip


def test_a_funnel_of_another_list_is_refused_before_anything_is_built(command, build, tmp_path):
    write_funnel(tmp_path / "list.funnel.csv", first_stage("all", 7))
    refused = command(*build)
    assert refused.status == 2
    assert "its last stage has 7 clips, the list has 2" in refused.err
    assert not list(tmp_path.glob("made*"))


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


@pytest.fixture
def two_lists(clips, tmp_path):
    """A list of the tiny benchmark's clips, the last of which is a reserve of the first."""
    first, *others, spare = sorted(clip.stem for clip in clips.iterdir())
    rows = [f"{first},dog barking,Animal", *(f"{clip},hum {place},Tool" for place, clip in enumerate(others))]
    (tmp_path / "mine.csv").write_text("\n".join(["clip_id,label,category", *rows]))
    (tmp_path / "mine.reserves.csv").write_text(f"clip_id,label,category,rank\n{spare},dog barking,Animal,1\n")
    return first, spare


def test_build_replaces_what_is_missing_by_reserves_and_says_so(command, clips, two_lists, monkeypatch):
    first, spare = two_lists
    settings = scenes.Settings  # scenes of 5 s, as the clips of the tests have it, in place of 8 s
    monkeypatch.setattr(scenes, "Settings", lambda **given: settings(**given, duration_seconds=5.0))
    (clips / f"{first}.mp4").unlink()
    build = ("build", "--labels", "mine.csv", "--sources", clips, "--out", "built", "--workers", 1)
    refused = command(*build)
    assert refused.status == 2
    assert "1 of 3 clips cannot be used" in refused.err
    assert "--reserves (make: RESERVES=1) puts them in their place" in refused.err
    done = command(*build, "--reserves")
    assert done.status == 0
    assert f"replaced by {spare} (dog barking, reserve 1): {first}: no file of that name" in done.err
    version = load_benchmark("built").version
    assert version.startswith("2.0+reserves.")
    assert f"built: 3 of 3 clips (1 of them reserves: version {version})" in done.out


def test_reserves_are_refused_before_work_where_there_are_none_or_no_clips(command, clips):
    refused = command("build", "--labels", "r1", "--sources", clips, "--reserves", "--out", "built")
    assert (refused.status, "r1: this list has no reserves" in refused.err) == (2, True)
    assert "--reserves goes with --sources" in command("build", "--reserves").err


def test_one_list_is_not_built_over_the_other(command, clips, write_benchmark):
    rows = [tuple(row) for row in load_source_list("r1")[["clip_id", "label", "category"]].to_numpy().tolist()]
    path = write_benchmark("before", clips=rows, pairs={"inter": ((0, 40),)})
    refused = command("build", "--sources", clips, "--out", path)
    assert refused.status == 2
    assert "built from list r1; list r2 was asked for" in refused.err
