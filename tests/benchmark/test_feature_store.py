"""The cache on disk: a pack says whose features it holds, and what is damaged or foreign is computed again."""

import json
import os
import shutil

import numpy as np
import pytest
import safetensors.numpy
from support import front_ends
from support.levels import BRIGHTNESS, LEVEL, again, run, two_sounds
from support.packs import (
    copied_from_another,
    cut_in_the_head,
    emptied,
    features_below,
    kept_below,
    kept_in,
    of_another_kind,
    packs_below,
    spoil,
    the_kept,
    zeroed,
)

from benchmark import feature_store, pack_folder, packs
from benchmark.feature_store import FeatureStore, UnusableFeatures, without_time_stamps
from benchmark.features import Extractor, Wanted, extract
from foundation import media
from foundation.files import WriteFailed, file_sha256
from foundation.partials import partial_name


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "cache")


@pytest.fixture
def sounds(tmp_path):
    return two_sounds(tmp_path)


def level(value):
    return {"level": np.array([value], np.float32)}


def test_a_pack_says_whose_features_it_holds_and_equal_features_are_equal_bytes(sounds, store, tmp_path):
    run(sounds, store)
    (pack,) = packs_below(tmp_path)
    assert pack.parent == tmp_path / "cache" / "test.level" / "v1" / "packs"
    data = pack.read_bytes()
    head = json.loads(data[12 : 12 + int.from_bytes(data[8:12], "little")])
    assert (head["extractor"], head["key"]) == ("test.level", "v1")
    kept = kept_in(pack)
    assert [one.sha256 for one in kept] == [file_sha256(sound) for sound in sounds]
    assert {one.frame_rule for one in kept} == {"shared-clock"}
    for one, sound in zip(kept, sounds, strict=True):
        np.testing.assert_array_equal(one.arrays["level"], front_ends.level(media.read_audio_native(sound), 0)["level"])
    run(sounds, FeatureStore(tmp_path / "other"))
    (other,) = packs_below(tmp_path / "other")
    assert (other.name, other.read_bytes()) == (pack.name, data)


def cut_to_its_length(path, _other):
    path.write_bytes(path.read_bytes()[:10])


def length_overwritten(path, _other):
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"\xff" * 4 + data[12:])


def hash_overwritten(path, _other):
    data = path.read_bytes()
    place = data.index(b'"records":[["') + 13
    path.write_bytes(data[:place] + (b"0" if data[place : place + 1] != b"0" else b"1") + data[place + 1 :])


def renamed(path, _other):
    path.rename(path.with_name(f"{'0' * 32}.pack"))


HEAD_DAMAGES = [
    emptied, cut_in_the_head, cut_to_its_length, length_overwritten, hash_overwritten, zeroed, of_another_kind,
    copied_from_another, renamed,
]  # fmt: skip


@pytest.mark.parametrize("damage", HEAD_DAMAGES)
def test_a_pack_that_is_damaged_or_foreign_is_computed_again_with_one_warning(sounds, store, tmp_path, caplog, damage):
    run(sounds, store)
    whole, (path,) = features_below(store._root), packs_below(tmp_path)
    store.write(LEVEL, "ab" * 32, level(1))
    (other,) = {*packs_below(tmp_path)} - {path}
    damage(path, other)
    assert run(sounds, again(store)).computed == 2
    (warning,) = caplog.messages
    assert warning.startswith(f"{path.parent}/")
    assert path.name in warning or damage is renamed
    assert warning.endswith("; what it held is computed again")
    assert features_below(store._root).items() >= whole.items()
    assert run(sounds, again(store)).computed == 0
    assert len(caplog.messages) == 1


def cut_at_the_end(kept):
    kept.pack.write_bytes(kept.pack.read_bytes()[:-4])


def zeroed_alone(kept):
    data = kept.pack.read_bytes()
    kept.pack.write_bytes(data[: kept.place.start] + bytes(len(kept.data)) + data[kept.place.stop :])


def copied_from_its_neighbour(kept):
    data, (first, _) = kept.pack.read_bytes(), kept_in(kept.pack)
    kept.pack.write_bytes(data[: kept.place.start] + first.data + data[kept.place.stop :])


@pytest.mark.parametrize("fresh", [True, False], ids=["by another process", "by this one"])
@pytest.mark.parametrize("damage", [spoil, cut_at_the_end, zeroed_alone, copied_from_its_neighbour])
def test_a_record_that_is_damaged_costs_itself_alone(sounds, store, caplog, damage, fresh):
    run(sounds, store)
    whole = features_below(store._root)
    kept = the_kept(store._root, "test.level", file_sha256(sounds[1]))
    damage(kept)
    assert run(sounds, again(store) if fresh else store).computed == 1
    (warning,) = caplog.messages
    assert warning.startswith(f"{kept.pack} ({kept.sha256[:12]}): damaged (")
    assert warning.endswith("); computed again")
    (new,) = {*packs_below(store._root)} - {kept.pack}
    assert [one.data for one in kept_in(new)] == [whole["test.level", "v1", kept.sha256]]
    assert run(sounds, again(store)).computed == 0
    assert len(caplog.messages) == 1  # the damaged record is passed over, since another is whole


def test_the_same_features_in_two_packs_are_harmless_whichever_is_damaged(sounds, store, caplog):
    first, second = (file_sha256(sound) for sound in sounds)
    store.write_many(LEVEL, {first: level(1), second: level(2)})
    store.write_many(LEVEL, {second: level(2), "ab" * 32: level(3)})
    for damaged in range(2):
        shutil.rmtree(store._root.with_name("copy"), ignore_errors=True)
        shutil.copytree(store._root, store._root.with_name("copy"))
        copy = FeatureStore(store._root.with_name("copy"))
        spoil([kept for kept in kept_below(copy._root) if kept.sha256 == second][damaged])
        assert copy.read(LEVEL, second)["level"].item() == 2
    assert caplog.messages == []


def test_the_features_of_another_extractor_or_key_are_not_taken_for_these(sounds, store, caplog):
    run(sounds[:1], store)
    (kept,) = kept_below(store._root)
    for extractor in (
        Extractor("test.other", "v1", "audio", front_ends.level),
        Extractor("test.level", "v2", "audio", front_ends.level),
    ):
        copy = store._root / extractor.name / extractor.key / "packs" / kept.pack.name
        copy.parent.mkdir(parents=True)
        shutil.copyfile(kept.pack, copy)
        assert not store.has(extractor, kept.sha256)
        assert copy.exists()  # it is whole; whoever put it there may move it back
    assert ["of another extractor (test.level)" in line for line in caplog.messages] == [True, False]
    assert "of another version or weights (v1)" in caplog.messages[1]


def test_many_damaged_records_are_one_warning(sounds, store, caplog):
    run(sounds, store)
    kept = kept_below(store._root)
    for one in kept:
        spoil(one)
    assert run(sounds, store).computed == 2
    (warning,) = caplog.messages
    assert warning.startswith(f"{kept[0].pack} ({kept[0].sha256[:12]}): damaged (")
    assert warning.endswith("; computed again (and 1 others)")


def test_a_record_that_is_spoilt_after_the_check_is_named_and_the_next_call_computes_it_again(sounds, store):
    run(sounds, store)
    sha256 = file_sha256(sounds[0])
    assert store.has(LEVEL, sha256)
    kept = the_kept(store._root, "test.level", sha256)
    spoil(kept)
    named = rf"^{kept.pack} \({sha256[:12]}\): damaged .*; the same command computes it again$"
    with pytest.raises(UnusableFeatures, match=named):
        store.read(LEVEL, sha256)


def test_a_damaged_pack_that_cannot_be_set_aside_is_said_once_and_computed_again(sounds, store, caplog, monkeypatch):
    run(sounds, store)
    (path,) = packs_below(store._root)
    path.write_bytes(b"")
    monkeypatch.setattr(type(path), "rename", lambda *_: (_ for _ in ()).throw(PermissionError(13, "not allowed")))
    fresh = again(store)
    assert [fresh.has(LEVEL, file_sha256(sound)) for sound in sounds] == [False, False]
    assert caplog.messages == [f"{path}: empty; what it held is computed again"]
    assert run(sounds, fresh).computed == 2
    assert all(fresh.has(LEVEL, file_sha256(sound)) for sound in sounds)


@pytest.mark.parametrize("from_zero", [True, False])
def test_features_of_another_frame_rule_serve_only_for_films_that_begin_at_zero(
    tmp_path, store, caplog, monkeypatch, from_zero
):
    film = tmp_path / "film.mp4"
    media.write_video(film, (np.full((64, 96, 3), 4 * k, np.uint8) for k in range(20)), fps=25)
    with monkeypatch.context() as then:
        then.setattr(packs, "FRAME_RULE", "each-from-zero")
        run([film], store, BRIGHTNESS)
    (kept,) = kept_below(store._root)
    done = run([film], store, BRIGHTNESS, from_zero=from_zero)
    assert done.computed == (0 if from_zero else 1)
    assert done.timed == (frozenset() if from_zero else {film})
    if not from_zero:
        assert caplog.messages == [
            f"{kept.pack} ({kept.sha256[:12]}): read by frame rule each-from-zero; computed again"
        ]
        assert [run([film], one, BRIGHTNESS).computed for one in (store, again(store))] == [0, 0]


def test_of_two_that_are_whole_those_by_todays_frame_rule_serve(store, monkeypatch):
    """Whichever has the first name: what was computed again would otherwise be computed for ever."""
    for number in range(8):
        sha256 = f"{number:064x}"
        with monkeypatch.context() as then:
            then.setattr(packs, "FRAME_RULE", "each-from-zero")
            store.write(LEVEL, sha256, level(1))
        store.write(LEVEL, sha256, level(2))
    for number in range(8):
        assert again(store).why_not(LEVEL, f"{number:064x}", timed=True) is None
        assert again(store).read(LEVEL, f"{number:064x}")["level"].item() == 2


def test_what_has_no_time_stamps_is_told_by_its_first_bytes(tmp_path, sounds):
    shutil.copyfile(sounds[0], tmp_path / "named.mp4")
    media.write_audio(tmp_path / "a.flac", np.zeros(100, np.float32), 16_000)
    media.write_video(tmp_path / "film.wav.mp4", [np.zeros((64, 96, 3), np.uint8)] * 3, fps=25)
    (tmp_path / "film.wav.mp4").rename(tmp_path / "film.wav")
    told = {path.name: without_time_stamps(path) for path in tmp_path.iterdir() if path.is_file()}
    assert told == {"loud.wav": True, "quiet.wav": True, "named.mp4": True, "a.flac": True, "film.wav": False}
    assert not without_time_stamps(tmp_path / "absent.wav")


@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_a_file_that_changes_while_it_is_read_gives_no_features(sounds, store, monkeypatch, change):
    """They would be kept under the hash of other bytes."""
    original = media.read_audio_native

    def late(path):
        if path == sounds[0]:
            times = path.stat()
            path.unlink()
            if change == "replaced":
                shutil.copyfile(sounds[1], path)
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        return original(path) if path.is_file() else original(sounds[1])

    before = file_sha256(sounds[0])
    monkeypatch.setattr(media, "read_audio_native", late)
    done = extract([Wanted(path, "audio", (LEVEL,)) for path in sounds], store, seconds=0.5, workers=0)
    assert done.failures == {sounds[0]: f"{sounds[0]}: it changed while it was read; give the same command again"}
    assert not store.has(LEVEL, before)
    assert done.computed == 1


def test_a_full_disk_is_named_with_the_pack(sounds, store, monkeypatch):
    def full(_descriptor):
        raise OSError(28, os.strerror(28))

    run(sounds[:1], FeatureStore(store._root.with_name("other")))
    (pack,) = packs_below(store._root.with_name("other"))
    monkeypatch.setattr(os, "fsync", full)
    path = store._root / "test.level" / "v1" / "packs" / pack.name
    with pytest.raises(WriteFailed, match=rf"^{path}: cannot be written: No space left on device"):
        run(sounds[:1], store)
    assert [path for path in store._root.rglob("*") if path.is_file()] == []


@pytest.fixture
def loaded(monkeypatch):
    """The lengths of all features that are read from the disk."""
    seen, original = [], safetensors.numpy.load

    def counted(data):
        seen.append(len(data))
        return original(data)

    monkeypatch.setattr(safetensors.numpy, "load", counted)
    return seen


def test_small_features_are_read_once_however_often_they_are_asked_for(sounds, store, loaded):
    run(sounds, store)
    sha256 = file_sha256(sounds[0])
    for _ in range(3):
        assert store.has(LEVEL, sha256)
        assert store.read(LEVEL, sha256).keys() >= {"level"}
    assert len(loaded) == 1
    store.read(LEVEL, sha256).clear()  # a dict of the caller's own
    with pytest.raises(ValueError, match="read-only"):
        store.read(LEVEL, sha256)["level"][:] = 0
    assert store.read(LEVEL, sha256)["level"].item() > 0


def test_a_pack_that_changed_or_went_away_is_noticed(sounds, store):
    run(sounds, store)
    first, second = map(file_sha256, sounds)
    assert store.read(LEVEL, first)["level"].item() == pytest.approx(0.35, abs=0.1)
    store.write(LEVEL, first, level(7))
    assert store.read(LEVEL, first)["level"].item() == 7  # what was written last, here
    for pack in packs_below(store._root):
        pack.unlink()
    assert not store.has(LEVEL, first)
    again(store).write(LEVEL, first, level(8))  # by another process
    assert store.read(LEVEL, first)["level"].item() == 8
    assert not store.has(LEVEL, second)


def test_a_pack_of_the_same_name_is_read_anew(store, caplog):
    """As where features are computed again in the same batch, and their pack had been damaged."""
    store.write_many(LEVEL, {"ab" * 32: level(1), "cd" * 32: level(2)})
    for kept in kept_below(store._root):
        spoil(kept)
    assert not store.has(LEVEL, "ab" * 32)
    store.write_many(LEVEL, {"ab" * 32: level(1), "cd" * 32: level(2)})
    assert len(packs_below(store._root)) == 1
    assert [one.read(LEVEL, "cd" * 32)["level"].item() for one in (store, again(store))] == [2, 2]


@pytest.mark.parametrize(("name", "remembered"), [("_SMALL_BYTES", 0), ("_REMEMBERED_BYTES", 1)])
def test_large_features_and_more_than_there_is_room_for_are_not_remembered(
    sounds, store, loaded, monkeypatch, name, remembered
):
    run(sounds, store)
    size = len(kept_below(store._root)[0].data)
    monkeypatch.setattr(feature_store, name, size - 1 if name == "_SMALL_BYTES" else size + size // 2)
    loaded.clear()
    fresh = again(store)
    for _ in range(2):
        for sound in sounds:
            fresh.read(LEVEL, file_sha256(sound))
    assert len(loaded) == 4 - remembered
    if remembered:
        fresh.write(LEVEL, file_sha256(sounds[0]), level(7))  # its room is free again
        for _ in range(2):
            fresh.read(LEVEL, file_sha256(sounds[1]))
        assert len(loaded) == 4


@pytest.fixture
def heads(monkeypatch):
    """The names of all packs whose heads are read."""
    seen, original = [], pack_folder.read_head

    def counted(file, size, name, identity):
        seen.append(name)
        return original(file, size, name, identity)

    monkeypatch.setattr(pack_folder, "read_head", counted)
    return seen


def test_heads_are_read_once_and_a_folder_is_listed_again_only_when_it_has_changed(store, heads, monkeypatch):
    for number in range(5):
        store.write(LEVEL, f"{number:064x}", level(number))
    folder = store._root / "test.level" / "v1" / "packs"
    os.utime(folder, (1_000_000_000, 1_000_000_000))  # long ago
    heads.clear()
    fresh, listed, original = again(store), [], type(folder).iterdir
    monkeypatch.setattr(type(folder), "iterdir", lambda path: listed.append(path) or original(path))
    assert [fresh.has(LEVEL, f"{number:064x}") for number in range(9)] == [True] * 5 + [False] * 4
    assert listed == [folder]
    assert heads == sorted(path.name for path in packs_below(store._root))[::-1]
    store.write(LEVEL, f"{6:064x}", level(6))
    heads.clear()
    assert fresh.has(LEVEL, f"{6:064x}")
    assert len(heads) == 1


def test_a_folder_that_changed_just_now_is_listed_again_though_its_time_stands_still(store, monkeypatch):
    monkeypatch.setattr(pack_folder, "_TICK_NS", 2**62)
    store.write(LEVEL, "ab" * 32, level(1))
    folder = store._root / "test.level" / "v1" / "packs"
    times = folder.stat()
    fresh = again(store)
    assert not fresh.has(LEVEL, "cd" * 32)
    store.write(LEVEL, "cd" * 32, level(2))
    os.utime(folder, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert fresh.has(LEVEL, "cd" * 32)


def test_packs_that_are_being_written_are_not_read_and_those_of_killed_writers_are_removed(store, caplog):
    folder = store._root / "test.level" / "v1" / "packs"
    folder.mkdir(parents=True)
    own, killed = (folder / partial_name("0.pack") for _ in range(2))
    process = killed.name.split("-")[1]
    killed = killed.with_name(killed.name.replace(f"-{process}-", f"-{2**22 + 1}-"))  # no such process
    for path in (own, killed):
        path.write_bytes(b"VGGPACK1")
    assert not store.has(LEVEL, "ab" * 32)
    store.write(LEVEL, "ab" * 32, level(1))
    assert (own.exists(), killed.exists()) == (True, False)
    assert caplog.messages == []
