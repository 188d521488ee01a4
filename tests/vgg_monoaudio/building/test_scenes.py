"""Building: the same bytes whatever happens on the way, nothing half-built, every clip accounted for."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.small_scenes import HEIGHT, WIDTH, small_scenes

from foundation import media
from vgg_monoaudio.building.manifests import SIDE_RULE, file_name
from vgg_monoaudio.building.result import BuildError
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.dataset import MANIFEST_COLUMNS, BenchmarkError
from vgg_monoaudio.pairing import JudgedPairs
from vgg_monoaudio.record import StageRecord

SETTINGS = Settings(name="tiny", seed=3, duration_seconds=0.4)
ROOT = Path(media.__file__).parents[2]
ROWS = [
    ("aaaaaaaaaaa_000001", "dog barking", "Animal"),
    ("bbbbbbbbbbb_000002", "cat meowing", "Animal"),
    ("ccccccccccc_000003", "raining", "Nature"),
    ("ddddddddddd_000004", "thunder", "Nature"),
]
SOURCES = pd.DataFrame(ROWS, columns=["clip_id", "label", "category"])
FIRST = ROWS[0][0]


@pytest.fixture(scope="module", autouse=True)
def _small_scenes() -> Iterator[None]:
    """How large true scenes are concerns composition."""
    with small_scenes():
        yield


@pytest.fixture(scope="module")
def folder(film, tmp_path_factory) -> Path:
    """Four clips of 0.6 s, of several sizes and rates."""
    folder = tmp_path_factory.mktemp("clips")
    for place, (clip_id, *_) in enumerate(ROWS):
        rate = (16_000, 8_000)[place % 2]
        film.write(
            folder / f"{clip_id}.mp4", seconds=0.6, fps=(25, 30)[place % 2], size=(48, 64)[:: 1 - 2 * (place // 2)],
            sound=film.noise(0.6, seed=place, sample_rate=rate), sample_rate=rate,
        )  # fmt: skip
    return folder


@pytest.fixture
def own_folder(folder, tmp_path) -> Path:
    """A copy of the clips that a test may damage."""
    own = tmp_path / "clips"
    own.mkdir()
    for clip in folder.iterdir():
        (own / clip.name).write_bytes(clip.read_bytes())
    return own


@pytest.fixture
def quick(monkeypatch) -> None:
    """Scenes and films that are made at once, for tests of what happens around them."""

    def write(output: Path, text: str) -> None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)

    def cut(source, output, *, start, duration):
        write(output, f"{source.name} {start} {duration}")

    def compose(target, paired, output, side, fit, duration, **rest):
        write(output, f"{target.name} {paired.name} {side} {fit} {duration} {rest}")

    monkeypatch.setattr("vgg_monoaudio.composition.cut", cut)
    monkeypatch.setattr("vgg_monoaudio.composition.compose", compose)


@pytest.fixture(scope="module")
def straight(folder, tmp_path_factory) -> Path:
    """A benchmark built in one go."""
    return build_benchmark(
        SOURCES, find_clips(folder), tmp_path_factory.mktemp("built") / "tiny", SETTINGS
    ).benchmark.path


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def record(folder: Path) -> dict:
    return json.loads((folder / "benchmark.json").read_text())


# What is built


def test_a_benchmark_has_its_record_manifests_scenes_and_sources(straight):
    pairs = [(target, paired) for target in ROWS for paired in ROWS if target != paired]
    subsets = ["intra" if target[2] == paired[2] else "inter" for target, paired in pairs]
    names = [file_name(target[0], paired[0]) for target, paired in pairs]
    scenes = {f"{subset}/video/{name}.mp4" for subset, name in zip(subsets, names, strict=True)}
    sources = {f"sources/{clip_id}.{suffix}" for clip_id, *_ in ROWS for suffix in ("wav", "mp4")}
    assert set(tree(straight)) == {"benchmark.json", "inter/manifest.csv", "intra/manifest.csv"} | scenes | sources
    assert len(scenes) == 12


def judged(*answers: tuple[int, int, bool], sha256: str = "a" * 64) -> JudgedPairs:
    rows = [(*(ROWS[i][0] for i in pair), *(ROWS[i][1] for i in pair), yes, "heard") for *pair, yes in answers]
    columns = ["target_id", "paired_id", "target_label", "paired_label", "also_describes", "reason"]
    return JudgedPairs(pd.DataFrame(rows, columns=columns), sha256)


def test_pairs_that_people_dropped_are_not_built_and_the_file_is_on_record(folder, tmp_path, quick, straight):
    def build(verdicts, **more):
        return build_benchmark(SOURCES, find_clips(folder), tmp_path / "tiny", SETTINGS, judged=verdicts, **more)

    kept = pd.read_csv(build(judged((0, 1, True), (1, 0, False))).benchmark.path / "intra" / "manifest.csv")
    assert (ROWS[0][0], ROWS[1][0]) not in zip(kept["target_id"], kept["paired_id"], strict=True)
    assert len(kept) == 3
    written = record(tmp_path / "tiny")
    assert written["settings"]["judged_pairs_sha256"] == "a" * 64
    assert written["intra_dropped"] == [{"target_id": ROWS[0][0], "paired_id": ROWS[1][0], "reason": "heard"}]
    assert "judged_pairs_sha256" not in record(straight)["settings"]
    assert build(judged((0, 1, True), (1, 0, False))).reused
    with pytest.raises(BuildError, match="overwrite"):  # another file is another benchmark
        build(judged((0, 1, True), sha256="b" * 64))
    assert not build(judged((0, 1, True), sha256="b" * 64), overwrite=True).reused


def test_another_table_of_relations_makes_another_benchmark(folder, tmp_path, quick, monkeypatch):
    def build(table: str, **more):
        monkeypatch.setattr("vgg_monoaudio.building.settings.subsumption_sha256", lambda: table)
        return build_benchmark(SOURCES, find_clips(folder), tmp_path / "tiny", SETTINGS, **more)

    earlier = record(build("a" * 64).benchmark.path)
    assert earlier["settings"]["subsumption_sha256"] == "a" * 64
    assert build("a" * 64).reused
    with pytest.raises(BuildError, match=r"holds a benchmark of other clips or settings.*--overwrite"):
        build("b" * 64)
    assert record(build("b" * 64, overwrite=True).benchmark.path)["inputs"] != earlier["inputs"]


def test_a_benchmark_built_before_the_table_was_on_record_is_another_one(folder, tmp_path, quick, monkeypatch):
    build = lambda: build_benchmark(SOURCES, find_clips(folder), tmp_path / "tiny", SETTINGS)  # noqa: E731
    with monkeypatch.context() as before:
        before.setattr("vgg_monoaudio.building.scenes.recorded_settings", lambda settings, judged: asdict(settings))
        assert "subsumption_sha256" not in record(build().benchmark.path)["settings"]
    with pytest.raises(BuildError, match="other clips or settings"):
        build()


STAGES = (
    StageRecord(stage="all", clips=9, dropped=0, why=""),
    StageRecord(stage="list", clips=4, dropped=5, why="not these"),
)


def test_the_funnel_is_in_the_record_from_the_first_moment(folder, tmp_path, quick, straight):
    assert [stage["stage"] for stage in record(straight)["funnel"]] == ["clips on the list", "clips that can be used"]
    built = build_benchmark(SOURCES, find_clips(folder), tmp_path / "tiny", SETTINGS, funnel=STAGES).benchmark
    assert [(stage.stage, stage.clips) for stage in built.record.funnel] == [
        ("all", 9), ("list", 4), ("clips that can be used", 4),
    ]  # fmt: skip
    assert built.record.inputs == record(straight)["inputs"]  # it tells where clips come from, and decides nothing


def test_a_funnel_of_another_list_is_refused_before_a_clip_is_read(folder, tmp_path):
    with pytest.raises(ValueError, match="its last stage has 9 clips, the list has 4; it belongs to another list"):
        build_benchmark(SOURCES, find_clips(folder), tmp_path / "tiny", SETTINGS, funnel=STAGES[:1])
    assert list(tmp_path.iterdir()) == []


def test_a_manifest_begins_with_the_columns_that_selvas_reader_wants(straight):
    for subset, rows in (("inter", 8), ("intra", 4)):
        manifest = pd.read_csv(straight / subset / "manifest.csv")
        assert list(manifest.columns) == MANIFEST_COLUMNS
        assert list(manifest.columns[:3]) == ["filename", "label", "paired_label"]
        assert len(manifest) == rows
        labels = {clip_id: label for clip_id, label, _ in ROWS}
        categories = {clip_id: category for clip_id, _, category in ROWS}
        for row in manifest.itertuples():
            assert row.filename == file_name(row.target_id, row.paired_id)
            assert (row.label, row.paired_label) == (labels[row.target_id], labels[row.paired_id])
            assert row.target_category == categories[row.target_id]
            assert row.paired_category == categories[row.paired_id]
            assert (row.target_category == row.paired_category) == (subset == "intra")


def test_the_target_stands_on_the_side_that_the_manifest_says(film, folder, straight):
    manifest = pd.read_csv(straight / "inter" / "manifest.csv").groupby("target_side").head(1)
    assert set(manifest["target_side"]) == {"left", "right"}
    for row in manifest.itertuples():
        scene = media.read_video(straight / "inter" / "video" / f"{row.filename}.mp4", fps=25)
        target = media.read_video(
            folder / f"{row.target_id}.mp4", fps=25, seconds=0.4, size=(HEIGHT, WIDTH // 2)
        ).astype(int)
        halves = {"left": scene[..., : WIDTH // 2], "right": scene[..., WIDTH // 2 :]}
        distance = {side: np.abs(half - target).mean() for side, half in halves.items()}
        paired = media.read_video(
            folder / f"{row.paired_id}.mp4", fps=25, seconds=0.4, size=(HEIGHT, WIDTH // 2)
        ).astype(int)
        other = {"left": "right", "right": "left"}[row.target_side]
        assert distance[row.target_side] < 10
        assert np.abs(halves[other] - paired).mean() < 10


def test_sources_are_the_stretch_that_each_clip_contributes(film, folder, tmp_path):
    late = SOURCES.iloc[:2].assign(start_seconds=[0.2, 0])
    built = build_benchmark(late, find_clips(folder), tmp_path / "late", SETTINGS).benchmark
    audio = media.read_audio_native(tmp_path / "late" / "sources" / f"{FIRST}.wav")
    assert audio.sample_rate == 16_000
    expected = media.read_audio(folder / f"{FIRST}.mp4", sample_rate=16_000, start_seconds=0.2, seconds=0.4)
    np.testing.assert_allclose(audio.samples[0], expected, atol=0.5 / 32_768)
    assert film.numbers(media.read_video(tmp_path / "late" / "sources" / f"{FIRST}.mp4", fps=25)) == list(range(5, 15))
    scene = next(sample for sample in built if sample.target_id == FIRST)
    half = {"left": np.s_[..., : WIDTH // 2], "right": np.s_[..., WIDTH // 2 :]}[scene.target_side]
    assert film.numbers(media.read_video(scene.video, fps=25)[half]) == list(range(5, 15))


def test_the_record_counts_and_hashes_what_was_made(straight):
    built = record(straight)
    assert built["counts"] == {
        "clips_listed": 4, "clips": 4, "inter": 8, "intra": 4, "inter_pool": 8, "intra_pool": 4,
    }  # fmt: skip
    assert [row["clip_id"] for row in built["sources"]] == [clip_id for clip_id, *_ in ROWS]
    assert built["settings"]["duration_seconds"] == 0.4
    assert built["left_out"] == []


def test_settings_reach_the_scenes(quick, folder, tmp_path):
    other = replace(SETTINGS, inter_pairs=2, fit="pad", soundtrack="none")
    sources = SOURCES.assign(start_seconds=[0.04, 0.08, 0.12, 0.16])
    built = build_benchmark(sources, find_clips(folder), tmp_path / "b", other).benchmark
    assert (len(built.samples("inter")), len(built.samples("intra"))) == (2, 4)
    starts = dict(zip(sources["clip_id"], sources["start_seconds"], strict=True))
    for sample in built:
        rest = {
            "soundtrack": "none",
            "target_start": starts[sample.target_id],
            "paired_start": starts[sample.paired_id],
        }
        expected = f"{sample.target_id}.mp4 {sample.paired_id}.mp4 {sample.target_side} pad 0.4 {rest}"
        assert sample.video.read_text() == expected


def test_no_inter_class_pairs_may_be_asked_for(quick, folder, tmp_path):
    built = build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", replace(SETTINGS, inter_pairs=0)).benchmark
    assert built.subsets == ["intra"]
    assert not (tmp_path / "b" / "inter").exists()


# The same bytes


def test_two_builds_are_byte_identical_whatever_the_workers_the_order_and_the_place(own_folder, tmp_path, straight):
    shuffled = SOURCES.sample(frac=1, random_state=1)
    for workers in (1, 4):
        out = tmp_path / "elsewhere" / str(workers)
        build_benchmark(shuffled, find_clips(own_folder), out, SETTINGS, workers=workers)
        assert tree(out) == tree(straight)


def test_another_seed_changes_sides_and_nothing_else(quick, folder, tmp_path, straight):
    build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", replace(SETTINGS, seed=4))
    before, after = (pd.read_csv(path / "inter" / "manifest.csv") for path in (straight, tmp_path / "b"))
    assert list(before["filename"]) == list(after["filename"])
    assert list(before["target_side"]) != list(after["target_side"])


BUILD = """
import os, signal, sys
from pathlib import Path
import pandas as pd
from vgg_monoaudio import composition, record, stretch
from vgg_monoaudio.building import scenes as build
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.selection.source_list import read_source_list

folder, labels, out, moment, width, height = sys.argv[1:]
composition.WIDTH = stretch.WIDTH = int(width)
composition.HEIGHT = stretch.HEIGHT = int(height)

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def progress(stage, done, total):
    if moment == f"{stage} {done}":
        die()
    if moment == "never" and stage == "scenes":
        signal.pause()  # the scenes go on beside; the end never comes

rename = Path.rename

def doomed(self, target):
    if moment == f"before rename to {target.suffix}":
        die()
    rename(self, target)
    if moment == f"after rename to {target.suffix}":
        die()

Path.rename = doomed
if moment == "in the record":
    record.write_text = die
settings = build.Settings(name="tiny", seed=3, duration_seconds=0.4)
overwrite = moment.endswith("replaced")
build.build_benchmark(
    read_source_list(labels), find_clips(folder), Path(out), settings, workers=1, overwrite=overwrite,
    progress=progress,
)
print("finished", flush=True)
"""


@pytest.fixture(scope="module")
def three(folder, tmp_path_factory) -> Path:
    """A smaller benchmark, three clips and six scenes, built in one go."""
    out = tmp_path_factory.mktemp("built") / "tiny"
    return build_benchmark(SOURCES.iloc[:3], find_clips(folder), out, SETTINGS).benchmark.path


@pytest.fixture
def start_build(folder, tmp_path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts a build in a process of its own, which kills itself at a moment, or waits to be killed."""
    started: list[subprocess.Popen] = []

    def start(out: Path, moment: str = "never") -> subprocess.Popen:
        if not (tmp_path / "list.csv").exists():
            SOURCES.iloc[:3].to_csv(tmp_path / "list.csv", index=False)
        arguments = [sys.executable, "-c", BUILD, folder, tmp_path / "list.csv", out, moment, WIDTH, HEIGHT]
        started.append(subprocess.Popen(list(map(str, arguments)), cwd=ROOT, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_build_killed_at_every_stage_and_resumed_gives_the_same_bytes(start_build, folder, tmp_path, three):
    out = tmp_path / "out" / "tiny"
    for moment in ("sources 1", "scenes 3", "in the record", "before rename to "):
        process = start_build(out, moment)
        assert process.communicate()[0] == "", f"{moment} never came"
        assert process.returncode == -signal.SIGKILL
        assert not out.exists(), moment
    made_before = {path: path.stat().st_mtime_ns for path in out.with_name("tiny.building").rglob("*.mp4")}
    assert len(made_before) == 9
    build_benchmark(SOURCES.iloc[:3], find_clips(folder), out, SETTINGS)
    assert tree(out) == tree(three)
    assert {path.stat().st_mtime_ns for path in out.rglob("*.mp4")} == set(made_before.values()), "nothing made twice"
    assert [path.name for path in out.parent.iterdir()] == ["tiny"]


@pytest.mark.slow
def test_a_build_killed_from_outside_at_any_moment_gives_the_same_bytes(start_build, folder, tmp_path, three):
    out = tmp_path / "out" / "tiny"
    work = out.with_name("tiny.building")
    for scenes in (1, 3, 6):
        process = start_build(out)
        while sum(1 for _ in work.rglob("video/.*.mp4")) + sum(1 for _ in work.rglob("video/*.mp4")) < scenes:
            assert process.poll() is None, "the build ended before it was killed"
            time.sleep(0.002)
        process.kill()
        process.wait()
        assert not out.exists()
    build_benchmark(SOURCES.iloc[:3], find_clips(folder), out, SETTINGS)
    assert tree(out) == tree(three)


@pytest.mark.parametrize("moment", ["before rename to .replaced", "after rename to .replaced"])
def test_a_benchmark_that_is_replaced_is_whole_or_absent_at_any_moment(start_build, folder, tmp_path, moment):
    new = SOURCES.iloc[2:]
    new.to_csv(tmp_path / "list.csv", index=False)
    expected = tree(build_benchmark(new, find_clips(folder), tmp_path / "new", SETTINGS).benchmark.path)
    out = tmp_path / "out" / "tiny"
    before = tree(build_benchmark(SOURCES.iloc[:2], find_clips(folder), out, SETTINGS).benchmark.path)
    process = start_build(out, moment)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert (tree(out) if out.exists() else before) == before
    build_benchmark(new, find_clips(folder), out, SETTINGS, overwrite=True)
    assert tree(out) == expected
    assert [path.name for path in out.parent.iterdir()] == ["tiny"]


def test_a_build_that_was_begun_under_the_earlier_rule_for_sides_begins_anew(quick, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("vgg_monoaudio.building.settings.SIDE_RULE", "hash")
    built = build_benchmark(SOURCES, find_clips(folder), tmp_path / "before", SETTINGS).benchmark
    begun = tmp_path / "tiny.building"
    (begun / "inter" / "video").mkdir(parents=True)
    (begun / "inputs").write_text(f"{built.record.inputs} {built.record.frame_rule}")
    for scene in built.samples("inter"):
        (begun / "inter" / "video" / scene.video.name).write_text("the other side")
    monkeypatch.setattr("vgg_monoaudio.building.settings.SIDE_RULE", SIDE_RULE)
    now = build_benchmark(SOURCES, find_clips(folder), tmp_path / "tiny", SETTINGS).benchmark
    assert record(now.path)["settings"]["side_rule"] == "balanced"
    assert all(scene.video.read_bytes() != b"the other side" for scene in now.samples("inter"))


def test_what_an_earlier_build_of_other_inputs_left_is_not_used(quick, folder, tmp_path):
    work = tmp_path / "tiny.building"
    (work / "sources").mkdir(parents=True)
    (work / "inputs").write_text("of another list")
    for suffix in ("wav", "mp4"):
        (work / "sources" / f"{FIRST}.{suffix}").write_text("old")
    (work / "old scene.mp4").write_text("old")
    build_benchmark(SOURCES, find_clips(folder), tmp_path / "tiny", SETTINGS)
    assert b"old" not in tree(tmp_path / "tiny").values()


# Clips that cannot be used


def damage(kind: str, film, clip: Path) -> str:
    """Damage a clip; return the reason that is to be given."""
    if kind == "absent":
        clip.unlink()
        return f"{clip.stem}: no file of that name in the folder of clips"
    if kind == "silent":
        film.write(clip, seconds=0.6)
        return f"{clip.name}: no audio stream"
    if kind == "digital silence":
        film.write(clip, seconds=0.6, sound=np.zeros(9_600, np.float32))
        return f"{clip.name}: its audio is digital silence"
    if kind == "short":
        film.write(clip, seconds=0.2, sound=film.noise(0.2, seed=0))
        return f"{clip.name}: too short: 0."
    if kind == "short picture":
        film.write(clip, seconds=0.2, sound=film.noise(0.6, seed=0))
        return f"{clip.name}: too short: 0.20 s of video, 0.4 s needed"
    clip.write_bytes(clip.read_bytes()[:3_000])
    return f"{clip.name}: not a media file, or damaged"


KINDS = ["absent", "silent", "digital silence", "short", "short picture", "broken"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_that_cannot_be_used_stops_the_build_by_name_and_what_is_cut_is_kept(film, own_folder, tmp_path, kind):
    reason = damage(kind, film, own_folder / f"{FIRST}.mp4")
    with pytest.raises(BuildError, match=r"1 of 2 clips cannot be used; pass --allow-missing") as raised:
        build_benchmark(SOURCES.iloc[:2], find_clips(own_folder), tmp_path / "out" / "b", SETTINGS)
    (problem,) = raised.value.problems
    assert problem.clip_id == FIRST
    assert problem.reason.startswith(reason)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.building"]
    assert sorted(path.stem for path in (tmp_path / "out" / "b.building" / "sources").iterdir()) == 2 * [ROWS[1][0]]


@pytest.mark.parametrize("kind", KINDS)
def test_with_allow_missing_the_rest_is_built_and_counted(film, own_folder, tmp_path, kind):
    reason = damage(kind, film, own_folder / f"{FIRST}.mp4")
    sources = SOURCES.iloc[[0, 2, 3]]
    built = build_benchmark(sources, find_clips(own_folder), tmp_path / "b", SETTINGS, allow_missing=True)
    assert [(problem.clip_id, problem.reason.startswith(reason)) for problem in built.problems] == [(FIRST, True)]
    counts = built.benchmark.record.counts
    assert (counts.clips, counts.clips_listed, counts.inter, counts.intra) == (2, 3, 0, 2)
    assert [left.clip_id for left in built.benchmark.record.left_out] == [FIRST]
    assert not [name for name in tree(tmp_path / "b") if FIRST in name], "a clip that is left out leaves no file"


def test_the_record_of_a_broken_clip_does_not_depend_on_the_place_or_the_run(film, own_folder, tmp_path):
    whole = film.write(
        tmp_path / "whole.mp4", seconds=8, sound=film.noise(8, seed=0), options={"movflags": "+faststart"}
    )
    (own_folder / f"{FIRST}.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 20])
    for name in ("a", "b"):
        clips = tmp_path / name / "clips"
        clips.mkdir(parents=True)
        for clip in own_folder.iterdir():
            (clips / clip.name).write_bytes(clip.read_bytes())
        sources = SOURCES.iloc[[0, 2, 3]]
        build_benchmark(sources, find_clips(clips), tmp_path / name / "b", SETTINGS, allow_missing=True)
    assert tree(tmp_path / "a" / "b") == tree(tmp_path / "b" / "b")


def test_a_benchmark_that_was_built_without_a_clip_is_refused_where_none_may_be_missing(quick, own_folder, tmp_path):
    (own_folder / f"{FIRST}.mp4").unlink()
    build_benchmark(SOURCES, find_clips(own_folder), tmp_path / "b", SETTINGS, allow_missing=True)
    before = tree(tmp_path / "b")
    with pytest.raises(BuildError, match=r"1 of 4 clips cannot be used; .* was built without them") as raised:
        build_benchmark(SOURCES, find_clips(own_folder), tmp_path / "b", SETTINGS)
    assert [problem.clip_id for problem in raised.value.problems] == [FIRST]
    assert tree(tmp_path / "b") == before


def test_too_few_clips_for_a_pair_are_refused_and_leave_nothing(quick, folder, tmp_path):
    with pytest.raises(BuildError, match="1 usable clips make no pair"):
        build_benchmark(SOURCES.iloc[:1], find_clips(folder), tmp_path / "b", SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_more_pairs_than_there_are_are_refused_and_leave_nothing(quick, folder, tmp_path):
    with pytest.raises(BuildError, match="9 inter-class pairs asked for, 8 exist"):
        build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", replace(SETTINGS, inter_pairs=9))
    assert list(tmp_path.iterdir()) == []


# What is there already


def test_a_benchmark_of_the_same_inputs_is_taken_as_it_is(folder, tmp_path, straight, monkeypatch):
    monkeypatch.setattr("vgg_monoaudio.composition._encode", None)  # any encoding would fail
    again = build_benchmark(SOURCES, find_clips(folder), straight, SETTINGS)
    assert again.reused
    assert len(again.benchmark) == 12


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"settings": replace(SETTINGS, seed=9)}, id="seed"),
        pytest.param({"sources": SOURCES.iloc[:3]}, id="list"),
        pytest.param({"sources": SOURCES.assign(start_seconds=0.04)}, id="start"),
    ],
)
def test_a_benchmark_of_other_inputs_is_not_touched_without_being_told(folder, straight, change):
    before = tree(straight)
    arguments = {"sources": SOURCES, "settings": SETTINGS, **change}
    with pytest.raises(BuildError, match=r"other clips or settings.*--overwrite replaces it"):
        build_benchmark(arguments["sources"], find_clips(folder), straight, arguments["settings"])
    assert tree(straight) == before


def test_other_bytes_in_a_clip_make_another_benchmark(quick, film, own_folder, tmp_path):
    build_benchmark(SOURCES, find_clips(own_folder), tmp_path / "b", replace(SETTINGS, inter_pairs=0))
    film.write(own_folder / f"{FIRST}.mp4", seconds=0.6, sound=film.noise(0.6, seed=99))
    with pytest.raises(BuildError, match="other clips"):
        build_benchmark(SOURCES, find_clips(own_folder), tmp_path / "b", replace(SETTINGS, inter_pairs=0))


def gone(path):
    path.unlink()


def emptied(path):
    path.write_bytes(b"")


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [gone, emptied, cut_short])
@pytest.mark.parametrize("what", ["intra/video/*.mp4", "sources/*.wav", "sources/*.mp4", "intra/manifest.csv"])
def test_a_benchmark_that_was_damaged_is_built_again_by_the_same_command(quick, folder, tmp_path, caplog, what, damage):
    settings = replace(SETTINGS, inter_pairs=0)
    build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", settings)
    before = tree(tmp_path / "b")
    path = sorted((tmp_path / "b").glob(what))[0]
    damage(path)
    if what.endswith("csv") and damage is cut_short:
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))  # a row less
    build = build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", settings)
    assert tree(tmp_path / "b") == before
    assert not build.reused
    (warning,) = caplog.messages
    assert str(path) in warning
    assert warning.endswith("; it is built again now, from the same clips")


def test_a_damaged_benchmark_of_other_inputs_or_without_a_record_is_not_replaced(quick, folder, tmp_path):
    """It cannot be told to be what the command would make."""
    settings = replace(SETTINGS, inter_pairs=0)
    built = build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", settings).benchmark
    before = tree(tmp_path / "b")
    built.samples("intra")[0].video.unlink()
    with pytest.raises(BuildError, match=r"missing; .*pass --overwrite to build it again"):
        build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", replace(settings, seed=5))
    (tmp_path / "b" / "benchmark.json").write_text("{")
    with pytest.raises(BuildError, match=r"not a benchmark record .*; pass --overwrite to build it again"):
        build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", settings)
    build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", settings, overwrite=True)
    assert tree(tmp_path / "b") == before


def test_files_that_were_cut_in_a_killed_build_are_made_again(straight, folder, tmp_path, monkeypatch):
    work = tmp_path / "b.building"
    monkeypatch.setattr("vgg_monoaudio.building.workplace.finish", lambda work, out: None)
    with pytest.raises(BenchmarkError):  # the folder is not in its place
        build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", SETTINGS)
    monkeypatch.undo()
    for place, what in enumerate(["sources/*.wav", "sources/*.mp4", "inter/video/*.mp4"]):
        path = sorted(work.glob(what))[place]  # of three clips
        path.write_bytes(path.read_bytes()[:500])
    build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", SETTINGS)
    assert tree(tmp_path / "b") == tree(straight)


def test_a_folder_of_something_else_is_not_touched(folder, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.tex").write_text("years of work")
    with pytest.raises(BuildError, match="b: neither empty nor a benchmark; choose another folder"):
        build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", SETTINGS)
    assert tree(tmp_path) == {"b/thesis.tex": b"years of work"}


def test_an_empty_folder_is_built_in_and_a_link_keeps_pointing(quick, folder, tmp_path):
    (tmp_path / "disk" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "b")
    build_benchmark(SOURCES, find_clips(folder), tmp_path / "link", replace(SETTINGS, inter_pairs=0))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "disk" / "b" / "benchmark.json").is_file()
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == ["b"]


# Names, sides, settings


def test_two_pairs_of_one_file_name_are_refused(quick, film, tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    # "a" + "__" + "_b" is "a_" + "__" + "b".
    rows = [("a", "dog barking", "Animal"), ("a_", "cat meowing", "Animal"), ("b", "raining", "Nature"),
            ("_b", "thunder", "Nature")]  # fmt: skip
    for place, (clip_id, *_) in enumerate(rows):
        film.write(clips / f"{clip_id}.mp4", seconds=0.6, sound=film.noise(0.6, seed=place))
    listed = pd.DataFrame(rows, columns=["clip_id", "label", "category"])
    with pytest.raises(BuildError, match="two pairs would share the file name 'a___b'"):
        build_benchmark(listed, find_clips(clips), tmp_path / "b", SETTINGS)


def test_a_pair_keeps_its_scene_when_other_clips_come(quick, folder, tmp_path):
    for name, count in (("few", 3), ("all", 4)):
        build_benchmark(SOURCES.iloc[:count], find_clips(folder), tmp_path / name, SETTINGS)
    few, all_of_them = (
        pd.concat([pd.read_csv(tmp_path / name / subset / "manifest.csv") for subset in ("inter", "intra")])
        for name in ("few", "all")
    )
    again = all_of_them[all_of_them["filename"].isin(few["filename"])]
    assert len(again) == 6
    same = few["target_side"].to_numpy() == again["target_side"].to_numpy()
    assert same.sum() >= 4  # a balance can move one pair of each cell that others join: here Animal and Nature
    pd.testing.assert_frame_equal(few[same].reset_index(drop=True), again[same].reset_index(drop=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fit": "squeeze"}, "fit: expected stretch, pad, crop"),
        ({"soundtrack": "both"}, "soundtrack: expected mixture, target, none"),
        ({"inter_pairs": -1}, "inter_pairs: expected a number of scenes from 0 on, got -1"),
        ({"duration_seconds": 0.41}, "duration_seconds: expected a whole number of frames at 25 fps, got 0.41"),
        ({"duration_seconds": 0}, "duration_seconds: expected a whole number"),
    ],
)
def test_settings_that_no_benchmark_can_have_are_refused_at_once(settings, message):
    with pytest.raises(ValueError, match=message):
        Settings(**settings)


def test_no_workers_are_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="workers: expected at least 1, got 0"):
        build_benchmark(SOURCES, find_clips(folder), tmp_path / "b", SETTINGS, workers=0)


def test_progress_counts_up_to_the_total(quick, folder, tmp_path):
    seen: list[tuple[str, int, int]] = []
    build_benchmark(
        SOURCES, find_clips(folder), tmp_path / "b", SETTINGS, progress=lambda *step: seen.append(step), workers=2
    )
    assert seen == [("sources", n, 4) for n in range(1, 5)] + [("scenes", n, 12) for n in range(1, 13)]
