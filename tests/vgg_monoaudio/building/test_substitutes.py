"""Reserves in a build: who replaces whom, what is recorded of it, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation import media
from vgg_monoaudio.building.result import BuildError, Problem
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.building.substitutes import (
    find_substitutes,
    reserve_rows,
    version_of_set,
    without_substitute,
)
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.record import BuildRecord
from vgg_monoaudio.stretch import Filled
from vgg_monoaudio.taxonomy import load_labels

COLUMNS = ["clip_id", "label", "category"]
LISTED = pd.DataFrame(
    [("dog1", "dog barking", "Animal"), ("dog2", "dog barking", "Animal"), ("sheep", "sheep bleating", "Animal"),
     ("harp", "playing harp", "Music"), ("train", "train wheels squealing", "Vehicle")],
    columns=COLUMNS,
)  # fmt: skip
RESERVES = pd.DataFrame(
    [("spare3", "dog barking", "Animal", 3), ("spare1", "dog barking", "Animal", 1),
     ("spare2", "dog barking", "Animal", 2), ("harp2", "playing harp", "Music", 1),
     ("lamb", "sheep bleating", "Animal", 1)],
    columns=[*COLUMNS, "rank"],
)  # fmt: skip
SETTINGS = Settings(name="tiny", seed=3, duration_seconds=0.4)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Every clip and reserve as a file of one line; films and scenes are made of lines too. "silent" has no sound."""

    def write(output: Path, text: str) -> None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)

    def read_audio(path, *, sample_rate, seconds, **_):
        silent = path.read_text() == "silent"
        return np.full(round(sample_rate * seconds), 0.0 if silent else 0.25, np.float32)

    monkeypatch.setattr("vgg_monoaudio.composition.cut", lambda source, output, **_: write(output, source.name))
    monkeypatch.setattr(
        "vgg_monoaudio.composition.compose",
        lambda target, paired, output, side, *_, **__: write(output, f"{target.name} {paired.name} {side}"),
    )
    monkeypatch.setattr("vgg_monoaudio.composition.filled", lambda *_, **__: Filled(0.0, 0.0))
    monkeypatch.setattr(media, "is_whole", Path.is_file)
    monkeypatch.setattr(media, "read_audio", read_audio)
    monkeypatch.setattr(media, "write_audio", lambda path, wave, rate: write(path, f"{wave.size} {rate}"))
    for clip in [*LISTED["clip_id"], *RESERVES["clip_id"]]:
        write(tmp_path / "clips" / f"{clip}.mp4", f"clip {clip}")
    return tmp_path / "clips"


def built(folder: Path, name: str = "tiny", reserves: pd.DataFrame | None = RESERVES, **options) -> BuildRecord:
    options = {"workers": 1, **options}
    out = folder.parent / name
    return build_benchmark(LISTED, find_clips(folder), out, SETTINGS, reserves=reserves, **options).benchmark.record


def who(record: BuildRecord) -> list[tuple[str, str, int]]:
    return [(clip.clip_id, clip.by, clip.rank) for clip in record.replaced]


def remove(folder: Path, *clips: str) -> None:
    for clip in clips:
        (folder / f"{clip}.mp4").unlink()


def test_a_missing_clip_is_replaced_by_the_first_of_its_label_s_reserves_and_that_is_recorded(folder):
    whole = built(folder, "whole", None)
    remove(folder, "dog2")
    record = built(folder)
    assert who(record) == [("dog2", "spare1", 1)]
    assert record.replaced[0].reason == "dog2: no file of that name in the folder of clips"
    assert {source.clip_id for source in record.sources} == {"dog1", "spare1", "sheep", "harp", "train"}
    assert record.left_out == ()
    assert record.counts == whole.counts
    assert record.version == version_of_set("2.0", [source.clip_id for source in record.sources])
    assert record.settings.version == "2.0"
    assert record.listed == whole.listed == set(LISTED["clip_id"])


def test_silent_clips_and_reserves_are_passed_over_and_clips_of_one_label_share_the_rest(folder):
    (folder / "dog2.mp4").write_text("silent")
    remove(folder, "dog1", "spare2")
    assert who(built(folder)) == [("dog1", "spare1", 1), ("dog2", "spare3", 3)]
    (folder / "spare1.mp4").write_text("silent")
    remove(folder, "harp")
    with pytest.raises(BuildError) as refused:
        built(folder, "other")
    said = "no substitute left: dog barking (3 reserves: 1 in use, 1 not there, 1 unusable); pass --allow-missing"
    assert said in str(refused.value)
    assert not (folder.parent / "other").exists()


def test_a_label_without_any_reserve_is_refused_by_name_or_left_out_when_told(folder):
    remove(folder, "train", "harp")
    with pytest.raises(BuildError) as refused:
        built(folder)
    assert "no substitute left: train wheels squealing (the list has no reserve for it)" in str(refused.value)
    assert [problem.clip_id for problem in refused.value.problems] == ["train"]
    record = built(folder, allow_missing=True)
    assert [left.clip_id for left in record.left_out] == ["train"]
    assert who(record) == [("harp", "harp2", 1)]
    assert (record.counts.clips, record.counts.clips_listed) == (4, 5)
    assert built(folder, allow_missing=True) == record


def test_without_reserves_what_is_missing_is_named_and_nothing_is_built(folder):
    remove(folder, "dog2")
    with pytest.raises(BuildError, match="1 of 5 clips cannot be used; pass --allow-missing"):
        built(folder, reserves=None)
    assert not (folder.parent / "tiny").exists()


def test_a_benchmark_of_the_whole_list_is_the_same_with_reserves_and_without(folder):
    alone, spare = built(folder, "alone", None), built(folder, "tiny")
    assert spare == alone
    assert spare.version == "2.0"
    for reserves in (None, RESERVES):
        again = build_benchmark(LISTED, find_clips(folder), folder.parent / "tiny", SETTINGS, reserves=reserves)
        assert again.reused
    assert "replaced" not in json.loads((folder.parent / "tiny" / "benchmark.json").read_text())


def test_the_same_clips_give_the_same_benchmark_and_others_are_refused(folder):
    remove(folder, "dog2", "sheep")
    first = built(folder)
    assert build_benchmark(LISTED, find_clips(folder), folder.parent / "tiny", SETTINGS, reserves=RESERVES).reused
    assert built(folder, "again", RESERVES.sample(frac=1, random_state=1), workers=4) == first
    remove(folder, "spare1")
    with pytest.raises(BuildError, match="other clips or settings"):
        built(folder)
    other = built(folder, overwrite=True)
    assert who(other)[0] == ("dog2", "spare2", 2)
    assert other.version != first.version


def test_a_build_that_was_killed_goes_on_with_the_same_substitutes(folder):
    class Killed(BaseException):
        pass

    def kill(stage, done, _total):
        if stage == "scenes" and done == 2:
            raise Killed

    remove(folder, "dog2")
    with pytest.raises(Killed):
        built(folder, progress=kill)
    assert (folder.parent / "tiny.building").is_dir()
    assert built(folder) == built(folder, "straight")
    names = [{path.name for path in (folder.parent / name / "sources").iterdir()} for name in ("tiny", "straight")]
    assert names[0] == names[1]


def test_substitutes_follow_from_the_order_of_list_and_ranks_alone():
    rows = LISTED.assign(start_seconds=0.0).to_dict("records")
    problems = [Problem("dog1", "gone"), Problem("dog2", "gone"), Problem("train", "gone")]
    cut_at_once = []

    def cut(clips):
        cut_at_once.append(list(clips))
        return [Problem(clip, "gone too") for clip in clips if clip == "spare1"]

    found = find_substitutes(rows, problems, reserve_rows(RESERVES, rows), cut)
    assert [(one.clip_id, one.by) for one in found] == [("dog1", "spare3"), ("dog2", "spare2")]
    assert cut_at_once == [["spare1", "spare2"], ["spare3"]]


def test_the_version_names_the_set_of_clips_in_any_order():
    assert version_of_set("2.0", ["b", "a"]) == version_of_set("2.0", ["a", "b"])
    assert version_of_set("2.0", ["a"]) != version_of_set("2.0", ["b"])
    # Recorded: the hash of "a\nb".
    assert version_of_set("2.0", ["a", "b"]) == "2.0+reserves.7e18f737"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="rank"), "reserves: column rank is missing; expected clip_id, label, "),
        (lambda table: pd.concat([table, table.head(1)]), "reserves: clip 'spare3' is there twice"),
        (lambda table: table.assign(clip_id="dog1"), "reserves: clip 'dog1' is there twice, or on the list itself"),
    ],
)
def test_reserves_that_cannot_be_used_are_refused_before_any_work(folder, change, message):
    with pytest.raises(ValueError, match=message):
        built(folder, reserves=change(RESERVES))
    assert not (folder.parent / "tiny.building").exists()


def killed(folder: Path, **options) -> Path:
    """Kill a build after its second scene; return the folder that it leaves."""

    class Killed(BaseException):
        pass

    def kill(stage, done, _total):
        if stage == "scenes" and done == 2:
            raise Killed

    with pytest.raises(Killed):
        built(folder, progress=kill, **options)
    return folder.parent / "tiny.building"


def scenes_as_made(work: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in work.rglob("*__*.mp4")}


def test_a_resume_without_the_reserves_is_refused_and_destroys_nothing(folder):
    remove(folder, "dog2")
    work = killed(folder)
    before = scenes_as_made(work)
    assert len(before) >= 2
    with pytest.raises(BuildError, match="1 of 5 clips cannot be used"):
        built(folder, reserves=None)
    assert scenes_as_made(work) == before
    built(folder)
    assert before.items() <= scenes_as_made(folder.parent / "tiny").items()


def test_a_clip_that_is_gone_does_not_cost_the_build_that_was_begun_with_it(folder):
    work = killed(folder, reserves=None)
    before = scenes_as_made(work)
    (folder / "train.mp4").rename(folder / "elsewhere.mp4")
    with pytest.raises(BuildError, match=r"1 of 5 clips cannot be used; .* \(they are not there; the others are not"):
        built(folder, reserves=None)
    with pytest.raises(BuildError, match=r"train wheels squealing \(the list has no reserve for it\)"):
        built(folder)
    assert scenes_as_made(work) == before
    (folder / "elsewhere.mp4").rename(folder / "train.mp4")
    built(folder, reserves=None)
    assert before.items() <= scenes_as_made(folder.parent / "tiny").items()


def test_reserves_that_are_not_in_use_decide_nothing(folder):
    def again():
        return build_benchmark(LISTED, find_clips(folder), folder.parent / "tiny", SETTINGS, reserves=RESERVES)

    remove(folder, "dog2", "spare1", "spare3")
    first = built(folder)
    (folder / "spare3.mp4").write_text("here now")
    remove(folder, "lamb")
    assert again().reused
    assert built(folder, "straight") == first
    (folder / "spare1.mp4").write_text("silent")  # before the one in use, and no use
    assert again().reused
    assert built(folder, "beside") == first
    (folder / "spare1.mp4").write_text("of use")
    with pytest.raises(BuildError, match="other clips or settings"):
        again()
    assert sorted(path.name for path in folder.parent.iterdir()) == ["beside", "clips", "straight", "tiny"]


def test_an_interrupted_build_goes_on_when_a_reserve_comes_that_it_does_not_use_and_not_with_one_that_it_uses(folder):
    remove(folder, "dog2", "spare1", "spare3")
    before = scenes_as_made(killed(folder))
    (folder / "spare3.mp4").write_text("here now")
    assert before.items() <= scenes_as_made(killed(folder)).items()
    (folder / "spare1.mp4").write_text("of use")
    assert built(folder) == built(folder, "straight")
    assert not before.items() & scenes_as_made(folder.parent / "tiny").items()
    assert not (folder.parent / "tiny" / "sources" / "spare2.mp4").exists()


def test_a_whole_benchmark_of_which_a_clip_is_gone_now_says_so(folder):
    built(folder)
    remove(folder, "dog2")
    with pytest.raises(BuildError, match=r"tiny 2\.0 is there, .* 1 clip in it, not among the clips given now: dog2\)"):
        built(folder)


def test_the_conflict_of_a_substitute_is_on_record(folder):
    remove(folder, "dog2", "harp")
    conflicts = RESERVES.assign(conflict=["", "VGGSound labels it cat", "", "", ""])
    by = {clip.by: clip.content() for clip in built(folder, reserves=conflicts).replaced}
    assert by["spare1"]["conflict"] == "VGGSound labels it cat"
    assert "conflict" not in by["harp2"]


def test_a_refusal_names_eight_labels_in_the_order_of_table_b2_and_why_each_is_short():
    labels = list(load_labels()["label"])[:10]
    rows = [{"clip_id": f"c{place}", "label": label} for place, label in enumerate(labels)][::-1]
    spare = [{"clip_id": "s1", "label": labels[0]}, {"clip_id": "s2", "label": labels[0]}]
    left = [Problem(row["clip_id"], "gone") for row in rows]
    said = str(without_substitute(rows, left, spare, there={"s1"}, used=()))
    assert f"left: {labels[0]} (2 reserves: 1 not there, 1 unusable); {labels[1]} (the list has no reserve" in said
    assert "; and 2 more labels; pass --allow-missing" in said
    assert labels[8] not in said


def test_a_clip_that_goes_while_scenes_are_made_stops_the_build_and_the_same_command_goes_on(folder, monkeypatch):
    def compose(target, *_, **__):
        raise media.MediaError(target, "no such file")

    with monkeypatch.context() as gone:
        gone.setattr("vgg_monoaudio.composition.compose", compose)
        with pytest.raises(BuildError, match="no such file; the same command goes on from here"):
            built(folder)
    assert (folder.parent / "tiny.building" / "sources" / "dog1.mp4").is_file()
    assert built(folder).counts.clips == 5
