"""Clips to a store: what is kept, what is skipped and why, and that the same command goes on where it ended."""

import csv
import errno
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support import preparing_process
from support.small_stores import clip_of
from support.training_clips import GOOD, clips_with_faults

from baselines.selva.training import clip_reading, preparing, preparing_reading, preparing_shard, shards
from baselines.selva.training.clip_list import BadList
from baselines.selva.training.preparing import Options, prepare
from baselines.selva.training.store import Store, StoreError
from foundation.faults import MachineFault
from foundation.files import WriteFailed

SECONDS = 0.8
OPTIONS = Options(seconds=SECONDS, shard_clips=3, workers=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return clips_with_faults(tmp_path_factory.mktemp("clips"))


@pytest.fixture(autouse=True)
def _by_formulas(monkeypatch):
    """What the networks make is not the subject here."""
    monkeypatch.setattr(preparing, "PreparingNetworks", preparing_process.FormulaNetworks)


def prepared(folder, out, *, options=OPTIONS, **how):
    return prepare(folder / "clips", [folder / "list.csv"], out, options=options, **how)


def contents(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()}


def test_skipped_clips_are_named_with_their_reasons(folder, tmp_path):
    whole = prepared(folder, tmp_path / "store")
    assert whole.record.counts.model_dump() == {
        "listed": 11,
        "train": 4,
        "validation": 2,
        "skipped": {"no such file": 1, "no sound": 1, "silent": 1, "too short": 1, "unreadable": 1},
    }
    with (whole.store / "clips.csv").open(newline="") as file:
        lines = {line["id"]: line for line in csv.DictReader(file)}
    assert len(lines) == 11
    assert lines["absent"]["reason"] == "no such file"
    assert lines["mute"]["reason"] == "no audio stream"
    assert lines["quiet"]["reason"].startswith("silent: no sample is above 1e-06")
    assert lines["brief"]["reason"].startswith("too short: 0.5")
    assert lines["torn"]["reason"] == "not a media file, or damaged"
    assert {id for id, line in lines.items() if line["state"] == "kept"} == set(GOOD)
    assert {skip.id for skip in whole.skipped} == lines.keys() - set(GOOD)


def test_a_folder_without_any_clip_of_the_list_is_refused_before_anything_is_loaded(folder, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(preparing, "PreparingNetworks", lambda **_: pytest.fail("networks were loaded"))
        with pytest.raises(BadList, match=r"elsewhere: has no file of any of the 11 clips listed; expected .*\.mp4"):
            prepare(tmp_path / "elsewhere", [folder / "list.csv"], tmp_path / "store", options=OPTIONS)
    assert not (tmp_path / "store").exists()
    prepared(folder, tmp_path / "store")  # a store that is finished needs its clips no more
    prepare(tmp_path / "elsewhere", [folder / "list.csv"], tmp_path / "store", options=OPTIONS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(seconds=SECONDS, picture="lossless", workers=0), "frames are kept without loss"),
        (Options(seconds=SECONDS, measure_jpeg=False, workers=0), "not asked for"),
    ],
)
def test_where_nothing_is_measured_the_record_says_why(folder, tmp_path, options, said):
    effect = prepared(folder, tmp_path / "store", options=options).record.jpeg_effect
    assert (effect.clips, effect.relative_rms, effect.reason) == (0, None, said)


def test_an_effect_that_could_not_be_measured_when_the_first_shard_was_made_is_not_blamed_on_its_clips(
    folder, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(preparing_process.FormulaNetworks, "no_teacher", "Synchformer's weights are not there")
        prepared(folder, tmp_path / "store")
    effect = prepared(folder, tmp_path / "store").record.jpeg_effect
    assert effect.reason.startswith("Synchformer's weights were not there when the first shard was made; delete that")
    shards.shard_path(tmp_path / "store" / "shards", 0).unlink()
    assert prepared(folder, tmp_path / "store").record.jpeg_effect.relative_rms > 0


def test_where_too_few_clips_are_left_the_reasons_can_be_read(folder, tmp_path):
    lines = ["id,label", *(f"{id},flute" for id in ("quiet", "brief", "mute", "a"))]
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(StoreError, match=r"0 of 4 .* \(1 no sound, 1 silent, 1 too short: .*clips\.csv says which\)"):
        prepare(folder / "clips", [tmp_path / "list.csv"], tmp_path / "store", options=OPTIONS)
    assert 'quiet,flute,,skipped,1,,"silent: no sample' in (tmp_path / "store" / "clips.csv").read_text()
    with pytest.raises(StoreError, match="the store is not finished"):
        Store.opened(tmp_path / "store")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["id,label", "a,flute", "b,flute", "c,flute"], "1 of 3 clips are left for train, expected at least 2"),
        (["id,label,split", *(f"{id},flute,val" for id in "abcd")], "0 of 4 clips are left for train"),
        (["id,label,split", *(f"{id},flute,train" for id in "abcd"), "e,flute,val"], "1 of 5 .* for validation"),
    ],
)
def test_a_list_that_cannot_be_enough_is_refused_before_any_clip_is_read(folder, tmp_path, lines, said):
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(StoreError, match=said):
        prepare(folder / "clips", [tmp_path / "list.csv"], tmp_path / "store", options=OPTIONS)
    assert not (tmp_path / "store").exists()


def test_a_list_of_which_no_clip_has_a_file_is_refused_before_any_network_is_loaded(folder, tmp_path):
    (tmp_path / "list.csv").write_text("\n".join(["id,label", *(f"{id}.mp4,flute" for id in GOOD)]) + "\n")
    with pytest.raises(
        BadList, match=r"clips: has no file of any of the 6 clips listed; expected names such as a\.mp4\.mp4"
    ):
        prepare(folder / "clips", [tmp_path / "list.csv"], tmp_path / "store", options=OPTIONS)
    assert not (tmp_path / "store").exists()


def test_a_folder_of_other_things_is_refused_and_left_alone(folder, tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.mp4").write_text("mine")
    with pytest.raises(StoreError, match=r"films: holds a\.mp4, which is no part of a store; choose another --out"):
        prepared(folder, tmp_path / "films")
    assert [path.name for path in (tmp_path / "films").iterdir()] == ["a.mp4"]


def test_a_second_run_decodes_nothing_and_leaves_the_same_bytes(folder, tmp_path, monkeypatch):
    first = prepared(folder, tmp_path / "store")
    before = contents(first.store)
    monkeypatch.setattr(preparing_reading, "read_clip", lambda *_, **__: pytest.fail("decoded again"))
    again = prepared(folder, tmp_path / "store")
    assert contents(again.store) == before
    assert again.record == first.record
    assert not list(tmp_path.glob(".*.lock"))


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: os.truncate(file, 100)])
def test_a_shard_that_is_gone_or_damaged_is_made_again_and_no_other(folder, tmp_path, monkeypatch, damage):
    store = prepared(folder, tmp_path / "store").store
    before = contents(store)
    damage(shards.shard_path(store / "shards", 1))
    read, looked_at = preparing_reading.read_clip, []
    monkeypatch.setattr(preparing_reading, "read_clip", lambda path, **how: looked_at.append(path) or read(path, **how))
    prepared(folder, store)
    assert contents(store) == before
    assert sorted(path.stem for path in looked_at) == ["brief", "c", "d"]


def test_latents_are_those_of_their_own_clip_however_many_go_together(folder, tmp_path, monkeypatch):
    together = Store.opened(prepared(folder, tmp_path / "two").store)
    monkeypatch.setattr(preparing_process.FormulaNetworks, "at_once", 1)
    alone = Store.opened(prepared(folder, tmp_path / "one").store)
    for id in GOOD:
        assert torch.equal(together.latent(clip_of(together, id), "16k")[0], alone.latent(clip_of(alone, id), "16k")[0])
    assert not torch.equal(alone.latent(clip_of(alone, "a"), "16k")[0], alone.latent(clip_of(alone, "b"), "16k")[0])


def test_a_clip_of_which_the_networks_make_no_numbers_is_skipped_and_named(folder, tmp_path, monkeypatch):
    encode, seen = preparing_process.FormulaNetworks.latents, []

    def odd(networks, rate, sounds):
        mean, deviation = encode(networks, rate, sounds)
        if not seen:
            deviation[1, 3, 3] = float("inf")
        seen.append(rate)
        return mean, deviation

    monkeypatch.setattr(preparing_process.FormulaNetworks, "latents", odd)
    found = prepared(folder, tmp_path / "store")
    said = {skip.id: skip.reason for skip in found.skipped if skip.kind == "bad features"}
    assert said == {"b": "a value of its std.16k is not finite"}
    assert (found.record.counts.train, found.record.counts.validation) == (3, 2)


def test_shards_of_other_settings_are_made_again(folder, tmp_path):
    store = prepared(folder, tmp_path / "store").store
    (store / "store.json").unlink()
    other = replace(OPTIONS, picture="lossless")
    fresh = contents(prepared(folder, tmp_path / "fresh", options=other).store)
    assert contents(prepared(folder, store, options=other).store) == fresh


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"options": Options(seconds=1.0, shard_clips=3)}, r"begun with seconds = 0\.8, asked for 1\.0"),
        ({"options": Options(seconds=SECONDS, shard_clips=3, picture="lossless")}, "begun with picture = 'jpeg 95"),
        ({"options": Options(seconds=SECONDS, shard_clips=3, rates=("44k",))}, "begun with rates = "),
        ({"validation_list": "more.csv"}, "begun with another list of clips, labels or splits"),
    ],
)
def test_a_store_that_was_begun_with_another_setting_is_refused_with_its_name(folder, tmp_path, other, said):
    store = prepared(folder, tmp_path / "store").store
    before = contents(store)
    if "validation_list" in other:
        other = {"validation_list": tmp_path / "more.csv"}
        other["validation_list"].write_text("id,label\ng,flute\nh,flute\n")
    with pytest.raises(StoreError, match=said):
        prepared(folder, store, **other)
    assert contents(store) == before


def test_other_weights_are_named_by_their_part(folder, tmp_path, monkeypatch):
    store = prepared(folder, tmp_path / "store").store

    class Others(preparing_process.FormulaNetworks):
        def __init__(self, **how):
            super().__init__(**how)
            self.weights = {"vae_16k": "retrained"}

    monkeypatch.setattr(preparing, "PreparingNetworks", Others)
    with pytest.raises(StoreError, match="begun with other weights of vae_16k; give another folder"):
        prepared(folder, store)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(seconds=0.5), "options: seconds: expected 0.64 or more, got 0.5"),
        (Options(seconds=float("inf")), "options: seconds: .* finite number"),
        (Options(rates=()), "options: rates: "),
        (Options(shard_clips=0), "options: shard_clips: "),
        (Options(validation_share=1.0), "options: validation_share: "),
    ],
)
def test_an_option_out_of_range_is_refused_before_any_work(folder, tmp_path, options, said):
    with pytest.raises(ValueError, match=said):
        prepared(folder, tmp_path / "store", options=options)
    assert not (tmp_path / "store").exists()


def test_a_full_disk_is_told_and_what_is_finished_stays(folder, tmp_path, monkeypatch):
    whole = contents(prepared(folder, tmp_path / "whole").store)
    write = preparing_shard.write_shard

    def full(path, *args, **how):
        with monkeypatch.context() as patch:
            if path.name == "00001.safetensors":
                patch.setattr("safetensors.torch.save_file", no_room)
            write(path, *args, **how)

    def no_room(_arrays, path, **_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(path))

    with monkeypatch.context() as patch:
        patch.setattr(preparing_shard, "write_shard", full)
        with pytest.raises(WriteFailed, match=r"00001\.safetensors: cannot be written: No space left.*same command"):
            prepared(folder, tmp_path / "store")
    there = contents(tmp_path / "store")
    assert there["shards/00000.safetensors"] == whole["shards/00000.safetensors"]
    assert "shards/00001.safetensors" not in there
    assert contents(prepared(folder, tmp_path / "store").store) == whole


def test_a_fault_of_the_machine_stops_the_work_and_is_no_reason_to_skip_a_clip(folder, tmp_path, monkeypatch):
    def no_files_left(path, **_):
        raise clip_reading.MediaError(path, "cannot be decoded (Too many open files)")

    with monkeypatch.context() as patch:
        patch.setattr(clip_reading, "read_sounds", no_files_left)
        with pytest.raises(MachineFault, match=r"Too many open files\); that is no fault of the file"):
            prepared(folder, tmp_path / "store")
    assert prepared(folder, tmp_path / "store").record.counts.train == 4


def test_a_shard_whose_clips_are_all_read_is_written_before_the_next_clip_can_end_the_work(
    folder, tmp_path, monkeypatch
):
    read = preparing_reading.read_clip

    def no_memory_left(path, **how):
        if path.stem == "brief":  # the first of the second shard
            raise MemoryError
        return read(path, **how)

    monkeypatch.setattr(preparing_reading, "read_clip", no_memory_left)
    with pytest.raises(MachineFault, match=r"brief\.mp4: Cannot allocate memory"):
        prepared(folder, tmp_path / "store")
    assert [path.name for path in shards.shards_in(tmp_path / "store" / "shards")] == ["00000.safetensors"]


def test_a_file_that_came_since_is_told_of_and_taken_up_when_its_shard_is_deleted(folder, tmp_path, caplog):
    files = {path.stem: path for path in (folder / "clips").glob("*.mp4")}
    arguments = [folder / "list.csv"], tmp_path / "store"
    before = Store.opened(prepare(files, *arguments, options=OPTIONS).store).fingerprint
    files["absent"] = files["a"]
    store = prepare(files, *arguments, options=OPTIONS).store
    assert "had no file when their shard was made 1 have one now, the first is absent" in caplog.text
    shards.shard_path(store / "shards", 0).unlink()
    assert prepare(files, *arguments, options=OPTIONS).record.counts.skipped.get("no such file") is None
    assert Store.opened(store).fingerprint != before, "another clip is kept, under the same settings"


# Processes that die, and processes beside one another


@pytest.fixture(scope="module")
def processes():
    with preparing_process.Processes() as running:
        yield running


def set_out(folder: Path, out: Path) -> Path:
    for name in ("clips", "list.csv"):
        (out / name).symlink_to(folder / name)
    return out


@pytest.fixture(scope="module")
def undisturbed(folder, tmp_path_factory, processes):
    out = set_out(folder, tmp_path_factory.mktemp("undisturbed"))
    assert processes.run((out, None)) == [0]
    return contents(out / "store")


def killed_and_gone_on(processes, out, undisturbed, moments):
    for moment in moments:
        assert processes.run((out, moment)) == [-signal.SIGKILL]
        for name, content in contents(out / "store").items():
            if name.endswith(".safetensors") and "partial" not in name:
                assert content == undisturbed[name], "a file is there whole or not at all"
    assert processes.run((out, None)) == [0]
    assert contents(out / "store") == undisturbed


def test_a_process_that_is_killed_goes_on_and_ends_with_the_same_bytes(folder, tmp_path, processes, undisturbed):
    out = set_out(folder, tmp_path)
    killed_and_gone_on(processes, out, undisturbed, [0, 5, 4, 3])  # texts half written, clips read, shards half written


@pytest.mark.slow(minutes=2)
def test_a_process_may_be_killed_at_any_moment(folder, tmp_path, processes, undisturbed):
    for moment in range(20):
        out = tmp_path / str(moment)
        out.mkdir()
        killed_and_gone_on(processes, set_out(folder, out), undisturbed, [moment])


def test_two_processes_share_the_shards_of_one_store(folder, tmp_path, processes, undisturbed):
    out = set_out(folder, tmp_path)
    assert processes.run((out, None), (out, None)) == [0, 0]
    assert sorted((out / "made").read_text().split()) == [str(n) for n in range(6)], "each shard is made once"
    assert contents(out / "store") == undisturbed
