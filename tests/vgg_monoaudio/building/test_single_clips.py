"""The benchmark of single clips: what is written, what is left out, and that it goes on where it stopped."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation import media
from vgg_monoaudio import composition
from vgg_monoaudio.building import clip_folder
from vgg_monoaudio.building.scenes import BuildError
from vgg_monoaudio.building.single_clips import SingleSettings, build_vggsound_test
from vgg_monoaudio.building.verification import differences
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.dataset import MANIFEST_COLUMNS, load_benchmark
from vgg_monoaudio.selection.annotations import read_vggsound

DOG, CAR, HARP = "aaaaaaaaaaa_000010", "bbbbbbbbb-b_000020", "ccccc_ccccc_000030"
CAR_LABEL = "bird chirping, tweeting"
SHORT = SingleSettings(duration_seconds=0.4)


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> Path:
    """Half a second of 64x48 with a click."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    waveform = np.zeros(9600, np.float32)
    waveform[2000] = 0.5
    media.write_video(path, [np.full((48, 64, 3), v, np.uint8) for v in range(0, 240, 16)], fps=25, waveform=waveform)
    return path


@pytest.fixture
def clips(tmp_path, film) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in (f"{DOG}.mp4", "bbbbbbbbb-b_20_30.mp4"):
        shutil.copy(film, folder / name)
    return folder


@pytest.fixture
def listed(tmp_path) -> pd.DataFrame:
    path = tmp_path / "vggsound.csv"
    path.write_text(
        f'bbbbbbbbb-b,20,"{CAR_LABEL}",test\n{DOG[:11]},10,dog barking,test\neeeeeeeeeee,1,train horning,train\n'
    )
    return read_vggsound(path).rows


def manifest(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "single" / "manifest.csv", dtype=str, keep_default_na=False)


def test_every_test_clip_is_a_sample_with_its_label_and_nothing_beside_it(clips, listed, tmp_path):
    out = tmp_path / "out"
    build_vggsound_test(listed, find_clips(clips), out, SHORT, workers=1)
    table = manifest(out)
    assert list(table.columns) == MANIFEST_COLUMNS
    assert table[["filename", "label", "target_id"]].to_numpy().tolist() == [
        [DOG, "dog barking", DOG],
        [CAR, CAR_LABEL, CAR],
    ]
    assert (table[["paired_label", "paired_id", "paired_category", "target_side"]] == "").to_numpy().all()


def test_the_video_is_the_beginning_of_the_clip_at_its_own_size(clips, listed, tmp_path):
    out = tmp_path / "out"
    build_vggsound_test(listed, find_clips(clips), out, SHORT, workers=1)
    video = media.probe(out / "single" / "video" / f"{DOG}.mp4").video
    assert (video.width, video.height, video.frames) == (64, 48, 10)
    assert media.read_audio(out / "sources" / f"{DOG}.wav", sample_rate=16_000).size == 6400


def test_a_clip_lies_on_the_disk_once_under_two_names(clips, listed, tmp_path):
    out = tmp_path / "out"
    build_vggsound_test(listed, find_clips(clips), out, SHORT, workers=1)
    assert (out / "single" / "video" / f"{DOG}.mp4").samefile(out / "sources" / f"{DOG}.mp4")


def test_where_there_are_no_hard_links_it_is_a_copy(clips, listed, tmp_path, monkeypatch):
    def refuse(*names: object) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(clip_folder.os, "link", refuse)
    out = tmp_path / "out"
    build_vggsound_test(listed, find_clips(clips), out, SHORT, workers=1)
    first, second = out / "single" / "video" / f"{DOG}.mp4", out / "sources" / f"{DOG}.mp4"
    assert not first.samefile(second)
    assert first.read_bytes() == second.read_bytes()


def test_the_bytes_do_not_depend_on_the_workers(clips, listed, tmp_path):
    for workers in (1, 2):
        build_vggsound_test(listed, find_clips(clips), tmp_path / f"w{workers}", SHORT, workers=workers)
    first = {path.relative_to(tmp_path / "w1"): path.read_bytes() for path in (tmp_path / "w1").rglob("*.*")}
    second = {path.relative_to(tmp_path / "w2"): path.read_bytes() for path in (tmp_path / "w2").rglob("*.*")}
    assert first == second


def test_the_record_counts_and_hashes(clips, listed, tmp_path):
    build = build_vggsound_test(listed, find_clips(clips), tmp_path / "out", SHORT, workers=1)
    record = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert build.benchmark.record.content() == record
    assert record["kind"] == "vggsound-test"
    assert record["counts"] == {"clips_listed": 2, "clips": 2, "inter": 0, "intra": 0, "single": 2}
    assert record["settings"]["duration_seconds"] == 0.4
    assert [source["video_sha256"] for source in record["sources"]] == manifest(tmp_path / "out")["sha256"].to_list()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda path: path.unlink(), "no file of that name", id="missing"),
        pytest.param(lambda path: path.write_bytes(b"<html>"), f"{DOG}.mp4: ", id="broken"),
    ],
)
def test_a_clip_that_cannot_be_used_is_named_and_nothing_is_built(clips, listed, tmp_path, spoil, reason):
    spoil(clips / f"{DOG}.mp4")
    with pytest.raises(BuildError, match="1 of 2 clips cannot be used") as refused:
        build_vggsound_test(listed, find_clips(clips), tmp_path / "out", SHORT, workers=1)
    assert reason in refused.value.problems[0].reason
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "out.building", "vggsound.csv"]


def test_a_clip_that_is_too_short_is_named(clips, listed, tmp_path):
    with pytest.raises(BuildError) as refused:
        build_vggsound_test(listed, find_clips(clips), tmp_path / "out", workers=1)
    assert all("too short" in problem.reason for problem in refused.value.problems)


def test_the_rest_is_built_where_that_is_asked_for(clips, listed, tmp_path):
    (clips / f"{DOG}.mp4").unlink()
    out = tmp_path / "out"
    build = build_vggsound_test(listed, find_clips(clips), out, SHORT, allow_missing=True, workers=1)
    assert [problem.clip_id for problem in build.problems] == [DOG]
    assert manifest(out)["filename"].to_list() == [CAR]
    assert build.benchmark.record.counts.clips_listed == 2
    assert build_vggsound_test(listed, find_clips(clips), out, SHORT, allow_missing=True).reused
    with pytest.raises(BuildError, match=r"1 of 2 clips cannot be used; .* was built without them"):
        build_vggsound_test(listed, find_clips(clips), out, SHORT)


def test_a_refusal_keeps_what_is_cut_and_what_a_build_of_more_clips_left(clips, listed, tmp_path):
    (clips / f"{DOG}.mp4").write_bytes(b"<html>")
    out, work = tmp_path / "out", tmp_path / "out.building"
    with pytest.raises(BuildError, match="1 of 2 clips cannot be used"):
        build_vggsound_test(listed, find_clips(clips), out, SHORT, workers=1)
    cut = (work / "sources" / f"{CAR}.mp4").stat().st_ino
    found, away = find_clips(clips), tmp_path / "away"
    away.mkdir()
    for clip in (DOG, CAR):
        found[clip].rename(away / found[clip].name)
        with pytest.raises(BuildError, match="they are not there; the others are not opened yet"):
            build_vggsound_test(listed, find_clips(clips), out, SHORT, allow_missing=clip == CAR)
    for clip in (DOG, CAR):
        (away / found[clip].name).rename(found[clip])
    build_vggsound_test(listed, find_clips(clips), out, SHORT, allow_missing=True, workers=1)
    assert (out / "sources" / f"{CAR}.mp4").stat().st_ino == cut


def test_a_silent_clip_is_used_like_any_other(clips, listed, tmp_path):
    frames = [np.zeros((48, 64, 3), np.uint8)] * 15
    media.write_video(clips / f"{DOG}.mp4", frames, fps=25, waveform=np.zeros(9600, np.float32))
    assert not build_vggsound_test(listed, find_clips(clips), tmp_path / "out", SHORT, workers=1).problems


def test_a_killed_build_goes_on_where_it_stopped(clips, listed, tmp_path, monkeypatch):
    cut, made = composition.cut, []

    def dying(source, output, **options):
        made.append(output.stem)
        if len(made) == 2:
            raise KeyboardInterrupt
        cut(source, output, **options)

    monkeypatch.setattr(composition, "cut", dying)
    with pytest.raises(KeyboardInterrupt):
        build_vggsound_test(listed, find_clips(clips), tmp_path / "out", SHORT, workers=1)
    build_vggsound_test(listed, find_clips(clips), tmp_path / "out", SHORT, workers=1)
    assert made == [DOG, CAR, CAR]


def test_what_is_built_is_taken_as_it_is_and_something_else_is_refused(clips, listed, tmp_path):
    build_vggsound_test(listed, find_clips(clips), tmp_path / "out", SHORT, workers=1)
    assert build_vggsound_test(listed, find_clips(clips), tmp_path / "out", SHORT).reused
    other = SingleSettings(duration_seconds=0.2)
    with pytest.raises(
        BuildError, match=r"other clips or settings \(.*; duration_seconds: 0\.4 there, 0\.2 asked for\)"
    ):
        build_vggsound_test(listed, find_clips(clips), tmp_path / "out", other)
    assert not build_vggsound_test(listed, find_clips(clips), tmp_path / "out", other, overwrite=True).reused


def test_a_list_without_test_clips_is_refused(listed, tmp_path):
    with pytest.raises(BuildError, match="no clip of the test split"):
        build_vggsound_test(listed[listed["split"] == "train"], {}, tmp_path / "out")


def test_load_benchmark_reads_the_samples(clips, listed, tmp_path):
    built = build_vggsound_test(listed, find_clips(clips), tmp_path / "out", SHORT, workers=1)
    samples = load_benchmark(tmp_path / "out").samples("single")
    assert [(sample.sample_id, sample.label) for sample in samples] == [(DOG, "dog barking"), (CAR, CAR_LABEL)]
    assert samples[0].target_video == tmp_path / "out" / "sources" / f"{DOG}.mp4"
    assert (samples[0].paired_id, samples[0].paired_audio, samples[0].paired_video) == ("", None, None)
    assert differences(built.benchmark) == []
