"""Weights of the Hugging Face hub come through its client, tried against a hub on this machine."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from foundation.checkpoints import CHECKPOINTS
from foundation.checkpoints import hub as hub_module
from foundation.checkpoints.hub import HubFailed, HubFile, place

BODY = bytes(range(256)) * 4_097
SHA256 = hashlib.sha256(BODY).hexdigest()
COMMIT = "c" * 40

# In a process of its own: the client reads its settings when it is imported.
PROGRAM = """
import json, sys
from foundation import checkpoints
from foundation.checkpoints import CHECKPOINTS, Checkpoint
name, url, sha256 = json.loads(sys.argv[1])
CHECKPOINTS[name] = Checkpoint(name, "toys/toy.bin", url, "MIT", None, sha256=sha256)
told = []
try:
    got = checkpoints.download(name, progress=lambda *sizes: told.append(sizes), attempts=2, pause_seconds=0)
    print(json.dumps([str(got.path), got.verified, told[-1:]]))
except (checkpoints.DownloadFailed, checkpoints.WrongCheckpoint) as error:
    print(f"{type(error).__name__}: {error}")
"""


class Hub(BaseHTTPRequestHandler):
    """A hub of one file; remembers what was asked, and by whose token."""

    asked: ClassVar[list[tuple[str, str, str | None]]] = []
    status: ClassVar[list[int]] = [200]
    reason: ClassVar[list[str]] = [""]

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, *, body):
        self.asked.append((self.command, self.path, self.headers.get("Authorization")))
        self.send_response(self.status[0])
        if self.reason[0]:
            self.send_header("X-Error-Code", self.reason[0])
        there = self.status[0] == 200
        self.send_header("ETag", f'"{SHA256}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(BODY) if there else 0))
        self.end_headers()
        if body and there:
            self.wfile.write(BODY)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    """(address, handler class) of a hub on this machine."""
    handler = type("Handler", (Hub,), {"asked": [], "status": [200], "reason": [""]})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}", handler
        serving.shutdown()
        thread.join()


@pytest.fixture
def download(tmp_path, hub):
    """Download the hub's file into a folder of weights, in a process of its own; return what it printed."""

    def run(url="https://huggingface.co/toys/repo/resolve/main/sub/toy.bin", sha256=SHA256, **env):
        settings = {
            "HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub[0], "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1", "VGG_MONOAUDIO_WEIGHTS": str(tmp_path / "weights"),
        }  # fmt: skip
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        command = [sys.executable, "-c", PROGRAM, json.dumps(["toy", url, sha256])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**clean, **settings, **env})
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()

    return run


def test_addresses_of_the_hub_are_known_and_no_others():
    assert HubFile.of("https://huggingface.co/a/b/resolve/main/c/d.bin") == HubFile("a/b", "c/d.bin", "main", False)
    assert HubFile.of("https://huggingface.co/datasets/a/b/resolve/v1/d.bin") == HubFile("a/b", "d.bin", "v1", True)
    assert HubFile.of("https://zenodo.org/records/3987831/files/x.pth") is None
    on_hub = [row.url for row in CHECKPOINTS.values() if "huggingface.co" in row.url]
    assert len(on_hub) > 10
    assert all(HubFile.of(url) for url in on_hub)


def test_a_file_comes_by_way_of_the_cache_from_the_hub_that_is_named_with_the_token(download, hub, tmp_path):
    path, verified, told = json.loads(download(HF_TOKEN="hf_mine"))
    assert (Path(path), verified) == (tmp_path / "weights" / "toys" / "toy.bin", True)
    assert Path(path).read_bytes() == BODY
    assert told == [[len(BODY), len(BODY)]]
    assert {(where, token) for _, where, token in hub[1].asked} == {
        ("/toys/repo/resolve/main/sub/toy.bin", "Bearer hf_mine")
    }
    (cached,) = (tmp_path / "hf" / "hub" / "models--toys--repo" / "blobs").iterdir()
    assert cached.samefile(path)  # no second copy


def test_what_the_cache_holds_is_used_without_asking(download, hub, tmp_path):
    download()
    (tmp_path / "weights" / "toys" / "toy.bin").unlink()
    asked = len(hub[1].asked)
    path, verified, _ = json.loads(download(HF_HUB_OFFLINE="1"))
    assert (Path(path).read_bytes(), verified) == (BODY, True)
    assert len(hub[1].asked) == asked
    (tmp_path / "weights" / "toys" / "toy.bin").unlink()
    download()
    assert [verb for verb, *_ in hub[1].asked[asked:] if verb == "GET"] == []  # it is asked whether that is the newest


def test_offline_a_file_that_is_not_cached_is_named_with_the_cache(download, hub, tmp_path):
    said = download(HF_HUB_OFFLINE="1")
    assert said.startswith('DownloadFailed: checkpoint "toy": failed: toys/repo/sub/toy.bin: not in the cache, ')
    assert str(tmp_path / "hf") in said
    assert hub[1].asked == []


def test_a_gated_repository_says_where_access_is_asked_for_and_how_to_log_in(download, hub):
    hub[1].status[0], hub[1].reason[0] = 403, "GatedRepo"
    said = download()
    assert "toys/repo is gated: ask for access at https://huggingface.co/toys/repo" in said
    assert "`hf auth login`, or set HF_TOKEN" in said


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (404, "EntryNotFound", "failed: {hub} answers 404 for toys/repo/sub/toy.bin"),
        (401, "RepoNotFound", "failed: {hub} answers 401 for toys/repo/sub/toy.bin; if it is private, set HF_TOKEN"),
    ],
)
def test_a_refusal_is_said_at_once(download, hub, status, reason, said):
    hub[1].status[0], hub[1].reason[0] = status, reason
    assert said.format(hub=hub[0]) in download()


def test_a_hub_where_nobody_listens_is_named_at_once_in_one_line(download):
    began = time.monotonic()
    said = download(HF_ENDPOINT="http://127.0.0.1:9", no_proxy="*")
    assert time.monotonic() - began < 15
    assert said == (
        'DownloadFailed: checkpoint "toy": failed: http://127.0.0.1:9 cannot be reached: [Errno 111] Connection refused'
    )


def test_a_hub_that_is_down_is_asked_by_the_client_alone_which_writes_nothing(download, hub):
    hub[1].status[0] = 503
    said = download()
    assert said.startswith(f'DownloadFailed: checkpoint "toy": failed: {hub[0]} cannot be reached: Server error \'503')
    assert len(hub[1].asked) <= 7


@pytest.mark.parametrize("address", ["hub.example.com", "hub.example.com:8080", "ftp://hub", "http://hub:port", ""])
def test_an_address_of_a_hub_that_is_none_is_refused_by_its_variable(download, address):
    assert download(HF_ENDPOINT=address) == (
        'DownloadFailed: checkpoint "toy": failed: HF_ENDPOINT: expected an address such as https://huggingface.co, '
        f"got {address!r}"
    )


def test_what_the_cache_holds_is_used_though_the_hub_is_dead(download, tmp_path):
    download()
    (tmp_path / "weights" / "toys" / "toy.bin").unlink()
    path, verified, _ = json.loads(download(HF_ENDPOINT="http://127.0.0.1:9", no_proxy="*"))
    assert (Path(path).read_bytes(), verified) == (BODY, True)


def test_a_hub_that_is_silent_is_tried_again(monkeypatch):
    asked = []

    def silent(place, timeout):
        asked.append(place)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", silent)
    monkeypatch.setattr(hub_module, "getproxies", dict)
    with pytest.raises(HubFailed, match="cannot be reached: timed out") as failed:
        HubFile("toys/repo", "toy.bin", "main", is_dataset=False).fetch()
    assert (failed.value.passing, len(asked)) == (True, 1)


def test_a_file_with_another_hash_is_refused_and_the_cached_one_named(download, tmp_path):
    said = download(sha256="0" * 64)
    assert said.startswith('WrongCheckpoint: checkpoint "toy" is not the published file: its sha256 is')
    assert f"in the cache is still {tmp_path / 'hf'}" in said
    assert not (tmp_path / "weights" / "toys" / "toy.bin").exists()


def test_a_data_set_of_the_hub_is_asked_for_as_one(download, hub):
    download("https://huggingface.co/datasets/toys/set/resolve/main/toy.bin")
    assert {where for _, where, _ in hub[1].asked} == {"/datasets/toys/set/resolve/main/toy.bin"}


def test_on_another_file_system_the_cached_file_is_linked_by_name(tmp_path, monkeypatch):
    cached = tmp_path / "blob"
    cached.write_bytes(BODY)

    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    place(cached, tmp_path / "toy.bin")
    assert (tmp_path / "toy.bin").is_symlink()
    assert (tmp_path / "toy.bin").read_bytes() == BODY
