"""Reserves in a build: who replaces whom, what is recorded of it, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation import media
from vgg_monoaudio.building.result import BuildError, Problem
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.building.substitutes import find_substitutes, reserve_rows, version_of_set
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.record import BuildRecord
from vgg_monoaudio.stretch import Filled

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
    assert "1 of 5 clips cannot be used and have no substitute left: dog barking (all 3 are" in str(refused.value)
    assert not (folder.parent / "other").exists()
    assert not (folder.parent / "other.building").exists()


def test_a_label_without_any_reserve_is_refused_by_name_or_left_out_when_told(folder):
    remove(folder, "train", "harp")
    with pytest.raises(BuildError) as refused:
        built(folder)
    assert "no substitute left: train wheels squealing (the list has none)" in str(refused.value)
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
