"""The cache on disk: an entry says whose features it holds, and one that is damaged or foreign is computed again."""

import json
import os
import shutil

import numpy as np
import pytest
import safetensors.numpy
from safetensors.numpy import load, save
from support import front_ends

from benchmark import feature_store
from benchmark.feature_store import FeatureStore, UnusableFeatures, without_time_stamps
from benchmark.features import Extractor, Wanted, extract
from foundation import media
from foundation.files import WriteFailed, file_sha256

LEVEL = Extractor("test.level", "v1", "audio", front_ends.level)
BRIGHTNESS = Extractor("test.brightness", "v1", "video", front_ends.brightness, media.FrameRequest(25, (32, 48)))
SECONDS = 0.5


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "cache")


@pytest.fixture
def sounds(tmp_path):
    """Two sounds of other levels."""
    paths = [tmp_path / f"{name}.wav" for name in ("loud", "quiet")]
    for path, level in zip(paths, (0.5, 0.25), strict=True):
        media.write_audio(path, (level * np.sin(np.arange(8000) / 9)).astype(np.float32), 16_000)
    return paths


def run(paths, store, extractor=LEVEL, **options):
    return extract([Wanted(path, extractor.medium, (extractor,), **options) for path in paths], store, seconds=SECONDS)


def entry(store, path, extractor=LEVEL):
    return store.path(extractor, file_sha256(path))


def without_note(path):
    """The entry as version 0.2 wrote it."""
    path.write_bytes(save(load(path.read_bytes())))


def test_an_entry_says_whose_features_it_holds_and_equal_features_are_equal_bytes(sounds, store, tmp_path):
    run(sounds, store)
    data = entry(store, sounds[0]).read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    note = json.loads(header["__metadata__"]["features"])
    assert note.pop("crc32") > 0
    assert note == {
        "sha256": file_sha256(sounds[0]), "extractor": "test.level", "key": "v1", "frame_rule": "shared-clock",
    }  # fmt: skip
    again = FeatureStore(tmp_path / "again")
    run(sounds, again)
    assert entry(again, sounds[0]).read_bytes() == data


def emptied(path, _other):
    path.write_bytes(b"")


def cut_in_the_header(path, _other):
    path.write_bytes(path.read_bytes()[:100])


def cut_at_the_end(path, _other):
    path.write_bytes(path.read_bytes()[:-4])


def overwritten(path, _other):
    data = path.read_bytes()
    path.write_bytes(data[:-8] + bytes(8))


def zeroed(path, _other):
    path.write_bytes(bytes(path.stat().st_size))


def of_another_kind(path, _other):
    path.write_bytes(b"sample_id,label\n" * 9)


def copied_from_another(path, other):
    shutil.copyfile(other, path)


DAMAGES = [emptied, cut_in_the_header, cut_at_the_end, overwritten, zeroed, of_another_kind, copied_from_another]


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_entry_that_is_damaged_or_foreign_is_computed_again_with_one_warning(sounds, store, caplog, damage):
    run(sounds, store)
    path, other = (entry(store, sound) for sound in sounds)
    whole = path.read_bytes()
    damage(path, other)
    assert run(sounds, FeatureStore(store._root)).computed == 1
    (warning,) = caplog.messages
    assert warning.startswith(f"{path}: ")
    assert warning.endswith("; computed again")
    assert path.read_bytes() == whole


def test_the_features_of_another_extractor_or_key_are_not_taken_for_these(sounds, store, caplog):
    run(sounds[:1], store)
    for extractor in (
        Extractor("test.other", "v1", "audio", front_ends.level),
        Extractor("test.level", "v2", "audio", front_ends.level),
    ):
        path = entry(store, sounds[0], extractor)
        path.parent.mkdir(parents=True)
        shutil.copyfile(entry(store, sounds[0]), path)
        assert not store.has(extractor, file_sha256(sounds[0]))
    assert ["of another extractor (test.level)" in line for line in caplog.messages] == [True, False]
    assert "of another version or weights (v1)" in caplog.messages[1]


def test_many_damaged_entries_are_one_warning(sounds, store, caplog):
    run(sounds, store)
    for sound in sounds:
        emptied(entry(store, sound), None)
    assert run(sounds, store).computed == 2
    assert caplog.messages == [f"{entry(store, sounds[0])}: empty; computed again (and 1 others)"]


def test_an_entry_that_is_spoilt_after_the_check_is_named_and_the_next_call_computes_it_again(sounds, store):
    run(sounds, store)
    path, sha256 = entry(store, sounds[0]), file_sha256(sounds[0])
    assert store.has(LEVEL, sha256)
    overwritten(path, None)
    with pytest.raises(UnusableFeatures, match=rf"^{path}: damaged .*; the same command computes it again$"):
        store.read(LEVEL, sha256)


def test_entries_of_earlier_versions_serve_where_they_are_whole(sounds, store, caplog):
    run(sounds, store)
    for sound in sounds:
        without_note(entry(store, sound))
    kept = entry(store, sounds[0]).read_bytes()
    cut_at_the_end(entry(store, sounds[1]), None)
    assert run(sounds, FeatureStore(store._root)).computed == 1
    assert entry(store, sounds[0]).read_bytes() == kept
    assert [str(entry(store, sounds[1])) in line for line in caplog.messages] == [True]


@pytest.mark.parametrize("earlier", ["without a rule", "by another rule"])
@pytest.mark.parametrize("from_zero", [True, False])
def test_features_of_another_frame_rule_serve_only_for_films_that_begin_at_zero(
    tmp_path, store, caplog, monkeypatch, earlier, from_zero
):
    film = tmp_path / "film.mp4"
    media.write_video(film, (np.full((64, 96, 3), 4 * k, np.uint8) for k in range(20)), fps=25)
    if earlier == "without a rule":
        run([film], store, BRIGHTNESS)
        without_note(entry(store, film, BRIGHTNESS))
    else:
        with monkeypatch.context() as then:
            then.setattr(feature_store, "FRAME_RULE", "each-from-zero")
            run([film], store, BRIGHTNESS)
    done = run([film], store, BRIGHTNESS, from_zero=from_zero)
    assert done.computed == (0 if from_zero else 1)
    assert done.timed == (frozenset() if from_zero else {film})
    if not from_zero:
        rule = "the frame rule of an earlier version" if earlier == "without a rule" else "frame rule each-from-zero"
        assert caplog.messages == [f"{entry(store, film, BRIGHTNESS)}: read by {rule}; computed again"]
        assert run([film], store, BRIGHTNESS).computed == 0


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
    done = extract([Wanted(path, "audio", (LEVEL,)) for path in sounds], store, seconds=SECONDS, workers=0)
    assert done.failures == {sounds[0]: f"{sounds[0]}: it changed while it was read; give the same command again"}
    assert not store.has(LEVEL, before)
    assert done.computed == 1


def test_a_full_disk_is_named_with_the_entry(sounds, store, monkeypatch):
    def full(_descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteFailed, match=rf"^{entry(store, sounds[0])}: cannot be written: No space left on device"):
        run(sounds[:1], store)
    assert [path for path in store._root.rglob("*") if path.is_file()] == []


def header_changed(path, was, now):
    """Change names, types or shapes of an entry, and leave its values as they are."""
    assert len(was) == len(now)
    data = path.read_bytes()
    assert data.count(was) == 1
    path.write_bytes(data.replace(was, now))


@pytest.mark.parametrize("noted", [True, False], ids=["with a note", "of version 0.2"])
@pytest.mark.parametrize(("was", "now"), [(b'"F32"', b'"I32"'), (b'"level":{', b'"lebel":{')])
def test_an_entry_whose_header_was_damaged_is_computed_again(sounds, store, caplog, noted, was, now):
    named = Extractor("test.level", "v1", "audio", front_ends.level, yields={"level": "level"})
    run(sounds, store, named)
    path = entry(store, sounds[0], named)
    whole = path.read_bytes()
    if not noted:
        without_note(path)
    header_changed(path, was, now)
    assert run(sounds, FeatureStore(store._root), named).computed == 1
    assert f"{path}: damaged" in caplog.text
    assert path.read_bytes() == whole


@pytest.fixture
def loaded(monkeypatch):
    """The lengths of all entries that are read from the disk."""
    seen, original = [], safetensors.numpy.load

    def counted(data):
        seen.append(len(data))
        return original(data)

    monkeypatch.setattr(safetensors.numpy, "load", counted)
    return seen


def test_a_small_entry_is_read_once_however_often_it_is_asked_for(sounds, store, loaded):
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


def test_an_entry_that_changed_is_read_again(sounds, store, loaded):
    run(sounds, store)
    sha256, path = file_sha256(sounds[0]), entry(store, sounds[0])
    first = store.read(LEVEL, sha256)["level"].item()
    store.write(LEVEL, sha256, {"level": np.array([7], np.float32)})
    assert (first, store.read(LEVEL, sha256)["level"].item()) == (pytest.approx(0.35, abs=0.1), 7)
    FeatureStore(store._root).write(LEVEL, sha256, {"level": np.array([8], np.float32)})  # by another process
    assert store.read(LEVEL, sha256)["level"].item() == 8
    path.unlink()
    assert not store.has(LEVEL, sha256)


@pytest.mark.parametrize(("name", "remembered"), [("_SMALL_BYTES", 0), ("_REMEMBERED_BYTES", 1)])
def test_large_entries_and_more_than_there_is_room_for_are_not_remembered(
    sounds, store, loaded, monkeypatch, name, remembered
):
    run(sounds, store)
    size = entry(store, sounds[0]).stat().st_size
    monkeypatch.setattr(feature_store, name, size - 1 if name == "_SMALL_BYTES" else size + size // 2)
    fresh = FeatureStore(store._root)
    for _ in range(2):
        for sound in sounds:
            fresh.read(LEVEL, file_sha256(sound))
    assert len(loaded) == 4 - remembered
    if remembered:
        fresh.write(LEVEL, file_sha256(sounds[0]), {"level": np.array([7], np.float32)})  # its room is free again
        for _ in range(2):
            fresh.read(LEVEL, file_sha256(sounds[1]))
        assert len(loaded) == 4
