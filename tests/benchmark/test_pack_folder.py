"""A folder of packs that others write to as well: what is odd there is passed over, what is new is found."""

import errno
import os
import time
from pathlib import Path

import numpy as np
import pytest
from support.levels import LEVEL, again
from support.packs import packs_below

from benchmark import pack_folder, packs
from benchmark.feature_store import FeatureStore

FIRST, SECOND = "ab" * 32, "cd" * 32


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "cache")


def level(value):
    return {"level": np.array([value], np.float32)}


def a_folder(path, _monkeypatch):
    path.mkdir()


def a_link_to_itself(path, _monkeypatch):
    path.symlink_to(path)


def of_another_account(path, monkeypatch):
    path.write_bytes(b"kept from us")
    original = Path.open

    def refused(self, *given, **how):
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return original(self, *given, **how)

    monkeypatch.setattr(Path, "open", refused)


@pytest.mark.parametrize("odd", [a_folder, a_link_to_itself, of_another_account])
def test_what_cannot_be_opened_among_the_packs_is_passed_over_and_said_once(store, caplog, monkeypatch, odd):
    store.write(LEVEL, FIRST, level(1))
    (pack,) = packs_below(store._root)
    path = pack.with_name("f" * 32 + ".pack")
    odd(path, monkeypatch)
    fresh = again(store)
    assert (fresh.has(LEVEL, FIRST), fresh.has(LEVEL, SECOND)) == (True, False)
    store.write(LEVEL, SECOND, level(2))
    assert fresh.has(LEVEL, SECOND)
    (warning,) = caplog.messages
    assert warning.startswith(f"{path}: ")
    assert warning.endswith("; what it holds is not used")
    assert path.is_symlink() or path.exists()


def test_a_machine_without_open_files_is_not_taken_for_an_odd_pack(store, monkeypatch):
    store.write(LEVEL, FIRST, level(1))
    fresh, original = again(store), Path.open

    def out_of_files(self, *given, **how):
        if self.suffix == ".pack":
            raise OSError(errno.EMFILE, "Too many open files", os.fspath(self))
        return original(self, *given, **how)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Path, "open", out_of_files)
        with pytest.raises(OSError, match="Too many open files"):
            fresh.has(LEVEL, FIRST)
    assert fresh.has(LEVEL, FIRST)  # the folder does not count as looked through


def test_features_that_another_process_computed_by_the_rule_of_today_are_found_beside_older_ones(store, monkeypatch):
    with monkeypatch.context() as then:
        then.setattr(packs, "FRAME_RULE", "an earlier one")
        store.write(LEVEL, FIRST, level(1))
    fresh = again(store)
    assert fresh.why_not(LEVEL, FIRST, timed=True).endswith("read by frame rule an earlier one")
    assert fresh.read(LEVEL, FIRST)["level"].item() == 1
    store.write(LEVEL, FIRST, level(2))
    assert fresh.why_not(LEVEL, FIRST, timed=True) is None
    assert fresh.read(LEVEL, FIRST)["level"].item() == 2


@pytest.mark.parametrize("passed_seconds", [0.5, 1.9])
def test_a_pack_of_the_same_second_is_found_where_times_are_whole_seconds(store, monkeypatch, passed_seconds):
    store.write(LEVEL, FIRST, level(1))
    folder = packs_below(store._root)[0].parent
    second = int(folder.stat().st_mtime)
    os.utime(folder, (second, second))
    monkeypatch.setattr(time, "time_ns", lambda: round((second + passed_seconds) * 1e9))
    fresh = again(store)
    assert not fresh.has(LEVEL, SECOND)
    store.write(LEVEL, SECOND, level(2))
    os.utime(folder, (second, second))
    assert fresh.has(LEVEL, SECOND)


def test_a_pack_that_is_another_at_each_look_is_none(store, monkeypatch):
    store.write(LEVEL, FIRST, level(1))
    looks = []

    def another(status):
        looks.append(status)
        assert len(looks) < 1000, "it goes on for ever"
        return len(looks), status.st_size, status.st_mtime_ns

    for module in (pack_folder, packs):
        monkeypatch.setattr(module, "stamp_of", another)
    assert not again(store).has(LEVEL, FIRST)


def test_a_pack_that_another_process_wrote_anew_is_not_set_aside_for_the_damaged_one(store, monkeypatch):
    store.write(LEVEL, FIRST, level(1))
    (pack,) = packs_below(store._root)
    whole = pack.read_bytes()
    pack.write_bytes(b"")
    original = pack_folder.read_head

    def meanwhile(*given):
        try:
            return original(*given)
        finally:
            pack.unlink()
            pack.write_bytes(whole)

    with monkeypatch.context() as patch:
        patch.setattr(pack_folder, "read_head", meanwhile)
        again(store).has(LEVEL, FIRST)
    assert pack.read_bytes() == whole
    assert again(store).has(LEVEL, FIRST)


def test_features_that_are_not_there_are_missed_in_the_folder_of_packs(store):
    store.write(LEVEL, FIRST, level(1))
    (pack,) = packs_below(store._root)
    with pytest.raises(FileNotFoundError) as raised:
        store.read(LEVEL, SECOND)
    assert raised.value.filename == os.fspath(pack.parent)
