"""Stores: one of several that make a record does, its bytes are whole, and nothing else is left."""

import errno
import os
import threading

import pytest

from foundation.files import WriteFailed
from foundation.ledger.store import FolderStore
from foundation.remote.store import FsspecStore


@pytest.fixture(params=["links", "no links", "memory", "s3"])
def store(request, tmp_path, monkeypatch, new_bucket):
    if request.param in ("memory", "s3"):
        return FsspecStore(f"{new_bucket(request.param)}/runs/.model.ledger")
    if request.param == "no links":

        def link(*_given, **_how):
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

        monkeypatch.setattr(os, "link", link)
    return FolderStore(tmp_path / "store")


def test_a_record_is_made_once(store):
    assert store.create("a", b"one") is True
    assert store.create("a", b"two") is False
    assert (store.read("a"), store.read("b"), store.names()) == (b"one", None, ["a"])


def test_of_many_that_make_a_record_at_once_one_does(store):
    start, made = threading.Barrier(8), []

    def make(number):
        start.wait()
        if store.create("a", b"%d" % number):
            made.append(number)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [b"%d" % number for number in made] == [store.read("a")]


def test_a_record_is_replaced_whole_and_only_where_it_is(store, tmp_path):
    store.create("a", b"one")
    store.replace("a", b"two")
    assert store.read("a") == b"two"
    for name in ("b", "a"):
        with pytest.raises(FileNotFoundError):
            store.replace(name, b"three")
        store.clear()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_store_has_no_names_and_may_be_cleared(store, tmp_path):
    assert store.names() == []
    store.clear()
    store.create("b", b"")
    store.create("a", b"")
    assert store.names() == ["a", "b"]
    store.clear()
    assert store.names() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("store", ["links", "no links"], indirect=True)
def test_what_a_killed_writer_left_is_no_record(store, tmp_path):
    store.create("a", b"one")
    (tmp_path / "store" / ".b.0badf00d-1-0badf00d-0badf00d.partial").write_bytes(b"half")
    assert store.names() == ["a"]


@pytest.mark.parametrize("store", ["links", "no links"], indirect=True)
def test_a_full_disk_is_said_with_the_record_s_name(store, tmp_path, monkeypatch):
    store.create("a", b"one")

    def full(_file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteFailed, match="store/b: cannot be written: No space left on device"):
        store.create("b", b"two")
    assert store.names() == ["a"]


def test_what_one_left_that_was_killed_as_it_cleared_goes_with_the_next_clearing(tmp_path):
    store = FolderStore(tmp_path / ".run.ledger")
    left = tmp_path / "..run.0badf00d-1-0badf00d-0badf00d.partial.ledger"
    left.mkdir()
    (left / "plan-1").write_bytes(b"{}")
    store.create("a", b"one")
    store.clear()
    assert list(tmp_path.iterdir()) == []
