"""Reading a store of prepared clips: what it gives, and what it says of one that is damaged."""

import json
import pickle
import shutil
from dataclasses import replace

import pytest
import torch
from support import small_stores
from support.seeded_weights import normal, video
from support.small_stores import clip_of, entries, row_of, small_store

from baselines.selva.training.shards import shard_path
from baselines.selva.training.store import DamagedClip, Store, StoreError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return small_store(tmp_path_factory.mktemp("stores") / "store")


@pytest.fixture
def store(tmp_path, whole):
    return Store.opened(shutil.copytree(whole.path, tmp_path / "store"))


def test_clips_of_a_split_are_sorted_by_id_and_carry_their_labels(whole):
    assert [clip.id for clip in whole.clips("train")] == [f"clip{n:02}" for n in range(6)]
    assert [(clip.id, clip.label) for clip in whole.clips("validation")] == [
        ("clip06", "dog barking"),
        ("clip07", "church bell ringing"),
    ]


def test_frames_are_those_of_the_clip_to_the_loss_of_jpeg(whole):
    frames = whole.frames(clip_of(whole, "clip04"))
    assert frames.dtype == torch.uint8
    difference = (frames.int() - video("clip04", 16, 224, 224, 1).int()).abs().float()
    assert 0 < difference.mean() < 4  # noise of 20 levels a channel: quality 95 moves it by 3.2, 4:2:0 by more than 7


def test_lossless_frames_are_those_of_the_clip_to_the_bit(tmp_path):
    store = small_store(tmp_path / "store", entries(4), picture="lossless")
    assert torch.equal(store.frames(clip_of(store, "clip01")), video("clip01", 16, 224, 224, 1))


def test_features_come_back_as_they_were_kept(whole):
    clip = clip_of(whole, "clip04")
    mean, deviation = whole.latent(clip, "16k")
    assert torch.equal(mean, normal("clip04 mean 16k", mean.shape, 1))
    assert torch.equal(deviation, normal("clip04 std 16k", mean.shape, 1).abs())
    assert torch.equal(whole.teacher(clip), normal("clip04 teacher", (8, 768), 1))
    assert torch.equal(whole.clip_text(clip.label), normal(f"{clip.label} clip", (77, 1024), 1))
    assert torch.equal(whole.t5_states(""), normal(" t5", (1, 768), 1))


def test_a_store_without_the_teachers_features_has_none(tmp_path):
    store = small_store(tmp_path / "store", entries(4), teacher=False)
    assert store.teacher(clip_of(store, "clip01")) is None


def test_a_rate_that_was_not_prepared_is_refused_with_those_that_were(whole):
    with pytest.raises(ValueError, match="has latents of 16k, got '44k'"):
        whole.latent(clip_of(whole, "clip00"), "44k")


def test_a_store_reads_the_same_in_another_process(whole):
    other = pickle.loads(pickle.dumps(whole))
    assert other.fingerprint == whole.fingerprint
    assert torch.equal(other.frames(clip_of(other, "clip00")), whole.frames(clip_of(whole, "clip00")))


def test_the_fingerprint_is_of_settings_and_kept_clips(tmp_path, whole):
    stores = [
        small_store(tmp_path / "one", entries(4)),
        small_store(tmp_path / "more", entries(5)),
        small_store(tmp_path / "labels", (*entries(4)[:3], replace(entries(4)[3], label="church bell ringing"))),
        small_store(tmp_path / "weights", entries(4), weights={"vae": "00"}),
    ]
    assert len({store.fingerprint for store in stores} | {whole.fingerprint}) == 5
    assert small_store(tmp_path / "again", entries(4)).fingerprint == stores[0].fingerprint


def test_the_same_content_makes_the_same_bytes(tmp_path, whole):
    small_store(tmp_path / "again")
    for file in whole.path.rglob("*.*"):
        assert (tmp_path / "again" / file.relative_to(whole.path)).read_bytes() == file.read_bytes(), file


@pytest.mark.parametrize("part", ["frames", "teacher", "mean.16k"])
def test_a_changed_byte_is_found_when_its_clip_is_read_and_only_then(store, part):
    file = shard_path(store.path / "shards", 1)
    read = {"frames": store.frames, "teacher": store.teacher, "mean.16k": lambda clip: store.latent(clip, "16k")}
    flip(file, f"1.{part}")
    with pytest.raises(DamagedClip, match=rf"00001\.safetensors: clip clip04 is damaged .*{part}.*delete the file"):
        read[part](clip_of(store, "clip04"))
    read[part](clip_of(store, "clip03"))


def flip(file, array: str) -> None:
    """Change one bit in the middle of an array of a safetensors file."""
    content = bytearray(file.read_bytes())
    length = int.from_bytes(content[:8], "little")
    start, end = json.loads(content[8 : 8 + length])[array]["data_offsets"]
    content[8 + length + (start + end) // 2] ^= 1
    file.write_bytes(content)


def test_a_shard_that_was_cut_is_named_with_its_clip(store):
    file = shard_path(store.path / "shards", 0)
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(DamagedClip, match=r"00000\.safetensors: clip clip00 cannot be read .*delete the file"):
        store.frames(clip_of(store, "clip00"))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("store.json", "no store of clips; make one with `train prepare`"),
        ("clips.csv", "clips.csv: no such file; run `train prepare` again"),
        ("shards/00002.safetensors", "00002.safetensors: no such file; run `train prepare` again"),
    ],
)
def test_a_file_that_is_missing_is_named_when_the_store_is_opened(store, file, said):
    (store.path / file).unlink()
    with pytest.raises(StoreError, match=said):
        Store.opened(store.path)


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_a_table_of_clips_that_was_cut_at_the_end_of_a_line_is_refused(store, kept):
    table = store.path / "clips.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:kept]))
    with pytest.raises(
        StoreError, match=r"clips\.csv: holds \d clips of train, store\.json says 6; run `train prepare`"
    ):
        Store.opened(store.path)


def test_a_text_that_is_missing_is_told_when_the_store_is_opened(store):
    (store.path / "texts" / "00000.safetensors").unlink()
    with pytest.raises(StoreError, match="texts: no text ''; run `train prepare` again"):
        Store.opened(store.path)


@pytest.mark.parametrize("name", ["._00000.safetensors", ".00000.0a1b2c3d-7-0a1b2c3d-0a1b2c3d.partial.safetensors"])
def test_what_others_left_among_the_texts_is_not_read(store, name):
    (store.path / "texts" / name).write_bytes(b"half")
    assert Store.opened(store.path).t5_states("").shape == (1, 768)


def test_a_store_that_is_not_finished_is_refused(store):
    record = store.path / "store.json"
    record.write_text(record.read_text().replace('"finished"', '"preparing"'))
    with pytest.raises(StoreError, match="not finished; run the same `train prepare` again"):
        Store.opened(store.path)


def test_a_file_in_place_of_the_store_is_refused(store):
    with pytest.raises(StoreError, match=r"store\.json: no store of clips; make one"):
        Store.opened(store.path / "store.json")


def test_a_record_of_another_version_is_refused_and_a_damaged_one_too(store):
    record = store.path / "store.json"
    text = record.read_text()
    record.write_text(text.replace('"format": 1', '"format": 9'))
    with pytest.raises(StoreError, match="expected a store of format 1, got 9"):
        Store.opened(store.path)
    record.write_text(text[:100])
    with pytest.raises(StoreError, match=r"store\.json: damaged"):
        Store.opened(store.path)


def test_a_shard_of_other_settings_is_refused(store, tmp_path):
    other = small_store(tmp_path / "other", weights={"vae": "00"})
    shard_path(other.path / "shards", 0).replace(shard_path(store.path / "shards", 0))
    with pytest.raises(StoreError, match="made under other settings"):
        store.frames(clip_of(store, "clip00"))


def test_a_shard_of_other_clips_is_refused(store):
    shards = [shard_path(store.path / "shards", number) for number in (0, 1)]
    shards[1].replace(shards[0])
    with pytest.raises(DamagedClip, match=r"00000\.safetensors: clip clip00 is not in row 0; delete the file"):
        store.frames(clip_of(store, "clip00"))


def test_a_text_that_no_clip_has_is_refused(whole):
    with pytest.raises(StoreError, match="no text 'cat meowing'"):
        whole.clip_text("cat meowing")


def test_a_damaged_text_is_clip_of(store):
    flip(store.path / "texts" / "00000.safetensors", "1.t5")
    with pytest.raises(DamagedClip, match="text 'church bell ringing' is damaged"):
        store.t5_states("church bell ringing")


def test_too_few_clips_to_mix_are_refused(tmp_path):
    with pytest.raises(StoreError, match="1 of 4 clips are left for validation, expected at least 2"):
        small_store(tmp_path / "store", entries(4, held_out=1))


@pytest.mark.parametrize(("name", "asked"), [("std.16k", "latent"), ("teacher", "teacher")])
def test_a_feature_that_is_no_number_is_refused_with_clip_and_shard(tmp_path, monkeypatch, name, asked):
    def odd(entry, settings):
        row = row_of(entry, settings)
        if entry.id == "clip04":
            row.arrays[name][1, 2] = float("nan")
        return row

    monkeypatch.setattr(small_stores, "row_of", odd)
    store = small_store(tmp_path / "store")
    read = {"latent": lambda clip: store.latent(clip, "16k"), "teacher": store.teacher}[asked]
    read(clip_of(store, "clip03"))
    with pytest.raises(
        DamagedClip, match=rf"00001\.safetensors: clip clip04: a value of its {name} is not finite; del"
    ):
        read(clip_of(store, "clip04"))


def test_a_shard_that_went_while_the_store_was_open_is_named_with_its_clip(store):
    shard_path(store.path / "shards", 1).unlink()
    said = r"00001\.safetensors: clip clip04 cannot be read \(no such file\); run `train prepare` again$"
    with pytest.raises(DamagedClip, match=said):
        store.frames(clip_of(store, "clip04"))


def test_a_store_that_was_prepared_anew_while_it_was_open_says_so(store, tmp_path):
    shutil.rmtree(store.path)
    small_store(store.path, seconds=0.96)
    with pytest.raises(StoreError, match=r"made under other settings; delete .*; if the store was prepared anew mean"):
        store.frames(clip_of(store, "clip04"))
