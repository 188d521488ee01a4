"""Places on object stores: what goes wrong is one line that names the address and the way out."""

import socket
import threading
import time

import pytest
from support.object_stores import forget_connections

from foundation.remote import is_remote
from foundation.remote.places import Place, RemoteFailed, UnusableAddress
from foundation.remote.store import FsspecStore


def test_an_address_is_told_from_a_path(tmp_path):
    assert is_remote("s3://bucket/runs")
    assert not is_remote(tmp_path)
    assert not is_remote("results/runs")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("gs://bucket/runs", "^gs://bucket/runs: .*gcsfs.*; install it$"),
        (
            "nosuch://bucket/runs",
            "^nosuch://bucket/runs: Protocol not known: nosuch; give a path, or an address such as",
        ),
        ("s3://", "^s3:/*: expected protocol://bucket/folder$"),
        ("file:///data/runs", "a folder of this machine; give it as a path, /data/runs$"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(url, message):
    with pytest.raises(UnusableAddress, match=message):
        Place(url)


def test_s3_without_its_package_names_the_extra(monkeypatch):
    import fsspec.core

    def lacking(*_given, **_how):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", lacking)
    with pytest.raises(UnusableAddress, match=r"Install s3fs to access S3; pip install .*\[s3\]'"):
        Place("s3://bucket/without-its-package")


def test_a_file_system_of_which_exclusive_creation_is_not_known_keeps_no_ledger():
    with pytest.raises(UnusableAddress, match="http is not known to create an object for one of several"):
        FsspecStore("http://127.0.0.1/bucket/runs")


def test_a_store_that_overwrites_what_it_was_told_to_leave_is_refused(new_bucket, monkeypatch):
    store = FsspecStore(f"{new_bucket('s3')}/.ledger")
    files = store._place._files
    put = files.pipe_file
    monkeypatch.setattr(files, "pipe_file", lambda key, data, mode="overwrite": put(key, data))
    with pytest.raises(UnusableAddress, match=r"overwrites what a request told it to leave \(If-None-Match\)"):
        store.create("a", b"one")
    assert store.names() == []


def test_the_first_bytes_of_an_object_are_read_alone(bucket):
    place = Place(f"{bucket}/folder")
    place.put("a", b"head and the rest")
    assert (place.read("a", 4), place.read("a", 17), place.read("a")) == (
        b"head",
        b"head and the rest",
        b"head and the rest",
    )
    assert place.read("b", 4) is None


def test_in_memory_one_of_two_creates_however_they_are_interleaved(new_bucket, monkeypatch):
    place, won = Place(f"{new_bucket('memory')}/runs"), []
    exists = place._files.exists

    def slowly(path):
        found = exists(path)
        time.sleep(0.05)  # as if another thread had its turn between looking and writing
        return found

    monkeypatch.setattr(place._files, "exists", slowly)
    threads = [threading.Thread(target=lambda: won.append(place.create("a", b"one"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, True]


def every_request(place):
    yield lambda: place.listing()
    yield lambda: place.read("a")
    yield lambda: place.put("a", b"")
    yield lambda: place.create("a", b"")


@pytest.mark.parametrize("number", range(4))
def test_a_bucket_that_is_absent_is_said(s3_settings, number):
    request = list(every_request(Place("s3://no-such-bucket/runs")))[number]
    with pytest.raises(RemoteFailed, match=r"bucket does not exist; make the bucket s3://no-such-bucket, or correct"):
        request()


@pytest.mark.parametrize("number", range(4))
def test_credentials_that_lack_are_said(s3_settings, monkeypatch, number):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    forget_connections()
    request = list(every_request(Place("s3://bucket/runs")))[number]
    with pytest.raises(RemoteFailed, match=r"^s3://bucket/runs.*: no credentials; set AWS_ACCESS_KEY_ID and"):
        request()


def test_an_endpoint_that_is_down_is_said(s3_settings, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    forget_connections()
    with pytest.raises(
        RemoteFailed, match=f"Could not connect to the endpoint URL.*{endpoint}.*; see that the store is"
    ):
        Place("s3://bucket/runs").put("a", b"")
