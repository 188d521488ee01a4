"""Working copies: what differs is fetched, what is gone is removed, and nobody else works in one."""

import logging
import shutil
import threading

import fsspec
import pytest

from foundation.remote.copies import WorkingCopy
from foundation.remote.places import Place, RemoteFailed


@pytest.fixture
def files(bucket):
    """The run's folder in the store, with two files."""
    place = Place(f"{bucket}/runs/model")
    place.put("run.json", b"{}")
    place.put("audio/dog [1] #2.wav", b"sound")
    Place(f"{bucket}/runs/model-2").put("run.json", b"another run")
    return place


@pytest.fixture
def copy(files, tmp_path):
    return WorkingCopy(files.url, tmp_path)


@pytest.fixture
def reads(monkeypatch):
    """Names of the objects that are fetched."""
    names, read = [], Place.read
    monkeypatch.setattr(Place, "read", lambda self, name: (names.append(name), read(self, name))[1])
    return names


def contents(copy):
    found = copy.path.rglob("*") if copy.path.is_dir() else []
    return {path.relative_to(copy.path).as_posix(): path.read_bytes() for path in found if path.is_file()}


def test_a_pull_brings_the_objects_of_the_folder_alone(copy):
    copy.pull()
    assert contents(copy) == {"run.json": b"{}", "audio/dog [1] #2.wav": b"sound"}
    assert copy.path.parts[-2:] == ("runs", "model")


def test_a_second_pull_fetches_only_what_differs_and_removes_what_is_gone(copy, files, reads):
    files.put("same", b"same")
    copy.pull()
    reads.clear()
    files.put("run.json", b"[]")
    files.put("new", b"new")
    files.remove("audio/dog [1] #2.wav")
    copy.pull()
    assert sorted(reads) == ["new", "run.json"]
    assert contents(copy) == {"run.json": b"[]", "new": b"new", "same": b"same"}
    assert not (copy.path / "audio").exists()


def test_a_file_that_was_changed_or_left_here_gives_way_to_what_is_there(copy):
    copy.pull()
    (copy.path / "run.json").write_bytes(b"!!")
    (copy.path / "left.wav").write_bytes(b"of a driver that was killed before it sent it")
    copy.pull()
    assert contents(copy) == {"run.json": b"{}", "audio/dog [1] #2.wav": b"sound"}


def test_a_push_sends_files_and_removals_and_folders(copy, files):
    copy.pull()
    (copy.path / "run.json").write_bytes(b"[1]")
    (copy.path / "audio" / "dog [1] #2.wav").unlink()
    copy.push(copy.path / "run.json", copy.path / "audio" / "dog [1] #2.wav", copy.path / "absent.json")
    assert sorted(files.listing()) == ["run.json"]
    assert files.read("run.json") == b"[1]"
    (copy.path / "audio" / "cat.wav").write_bytes(b"cat")
    (copy.path / "run.json").unlink()
    copy.push(copy.path)
    assert sorted(files.listing()) == ["audio/cat.wav"]


def test_on_s3_what_was_pushed_is_not_fetched_again(new_bucket, tmp_path, reads):
    copy = WorkingCopy(f"{new_bucket('s3')}/runs/model", tmp_path)
    copy.path.mkdir(parents=True)
    (copy.path / "run.json").write_bytes(b"{}")
    copy.push(copy.path / "run.json")
    copy.pull()
    assert reads == []
    assert contents(copy) == {"run.json": b"{}"}


def test_two_threads_have_copies_of_their_own_and_one_has_one(copy, files, tmp_path):
    others = []
    thread = threading.Thread(target=lambda: others.append(WorkingCopy(files.url, tmp_path)))
    thread.start()
    thread.join()
    assert others[0].path != copy.path
    assert WorkingCopy(files.url, tmp_path).path == copy.path


def test_a_name_that_leads_out_of_the_folder_is_refused(new_bucket, tmp_path):
    copy = WorkingCopy(f"{new_bucket('memory')}/runs/model", tmp_path)
    fsspec.filesystem("memory").pipe_file(f"{copy.url}/../../out.txt", b"")
    with pytest.raises(RemoteFailed, match="a folder's word for itself"):
        copy.pull()


def test_a_damaged_index_costs_a_pull_and_nothing_else(copy):
    copy.pull()
    (copy._slot / "index.json").write_bytes(b"{cut")
    copy.pull()
    assert contents(copy) == {"run.json": b"{}", "audio/dog [1] #2.wav": b"sound"}


def test_a_push_that_the_store_refuses_names_the_object_and_keeps_the_file(new_bucket, tmp_path, monkeypatch):
    copy = WorkingCopy(f"{new_bucket('memory')}/runs/model", tmp_path)
    copy.path.mkdir(parents=True)
    (copy.path / "run.json").write_bytes(b"{}")

    def refuse(*_given, **_how):
        raise OSError("no luck")

    with monkeypatch.context() as patch:
        patch.setattr(fsspec.get_filesystem_class("memory"), "pipe_file", refuse)
        with pytest.raises(RemoteFailed, match=f"^{copy.url}/run.json: cannot be written: no luck; see to that and"):
            copy.push(copy.path / "run.json")
    assert contents(copy) == {"run.json": b"{}"}
    copy.push(copy.path / "run.json")
    assert Place(copy.url).read("run.json") == b"{}"


def test_s3_repeats_a_request_that_is_told_to_slow_down(new_bucket, monkeypatch):
    import aiobotocore.client
    from botocore.exceptions import ClientError

    logging.getLogger("s3fs").setLevel(logging.CRITICAL)
    place, asked = Place(f"{new_bucket('s3')}/runs"), []
    call = aiobotocore.client.AioBaseClient._make_api_call

    async def slow_once(self, operation, arguments):
        asked.append(operation)
        if asked.count("PutObject") == 1 and operation == "PutObject":
            raise ClientError({"Error": {"Code": "SlowDown", "Message": "reduce your request rate"}}, operation)
        return await call(self, operation, arguments)

    monkeypatch.setattr(aiobotocore.client.AioBaseClient, "_make_api_call", slow_once)
    place.put("a", b"one")
    assert asked.count("PutObject") == 2
    assert place.read("a") == b"one"


def test_a_run_that_was_removed_here_is_removed_there_whether_by_its_files_or_its_folder(copy, files, monkeypatch):
    copy.pull()
    before = [path for path in copy.path.rglob("*") if path.is_file()]
    shutil.rmtree(copy.path)
    asked = []
    listing = Place.listing
    monkeypatch.setattr(Place, "listing", lambda self, below="": (asked.append(below), listing(self, below))[1])
    copy.push(*before)
    assert asked == [""]
    assert files.listing() == {}
    files.put("audio/a.wav", b"a")
    copy.push(copy.path / "audio")
    assert files.listing() == {}
    files.put("audio/a.wav", b"a")
    copy.push(copy.path)
    assert files.listing() == {}
