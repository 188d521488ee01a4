"""Weights are found, verified, opened and fetched, or refused with a message that says what to do."""

import hashlib
import json
import os
import pickle
import re
import resource
import subprocess
import sys
import threading
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from foundation import checkpoints
from foundation.checkpoints import (
    CHECKPOINTS,
    PAPER_PROFILE,
    Checkpoint,
    DownloadFailed,
    MissingCheckpoint,
    WrongCheckpoint,
)
from foundation.files import WriteFailed

BODY = bytes(range(256)) * 12_289  # 3 MiB and a little
MD5, SHA256 = hashlib.md5(BODY, usedforsecurity=False).hexdigest(), hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def rows(monkeypatch):
    """Three checkpoints of a publisher who does not exist."""
    url = "http://127.0.0.1:9/toy.pth"
    toys = [
        Checkpoint("toy", "toy.pth", url, "MIT", len(BODY), md5=MD5),
        Checkpoint("toy-sha", "below/toy.bin", url, "MIT", len(BODY), sha256=SHA256),
        Checkpoint("toy-unknown", "unknown.pth", url, "not stated", None),
    ]
    for toy in toys:
        monkeypatch.setitem(CHECKPOINTS, toy.name, toy)


class Server(BaseHTTPRequestHandler):
    """Serves BODY as its class attributes say, and remembers what was asked."""

    body = BODY
    ranges = True
    break_after: ClassVar[list[int]] = []  # bytes after which answers end early, one an answer
    errors: ClassVar[list[int]] = []  # statuses answered first, one an answer
    asked: ClassVar[list[str | None]] = []

    def do_GET(self):
        asked = self.headers.get("Range")
        type(self).asked.append(asked)
        if self.errors:
            self.send_error(type(self).errors.pop(0))
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges else 0
        if start >= len(self.body) and start:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(self.body)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(self.body) - 1}/{len(self.body)}")
        self.send_header("Content-Length", str(len(self.body) - start))
        self.end_headers()
        end = start + type(self).break_after.pop(0) if self.break_after else len(self.body)
        self.wfile.write(self.body[start:end])

    def log_message(self, *_):
        pass


class QuietServer(ThreadingHTTPServer):
    """Keeps quiet about clients that hang up."""

    def handle_error(self, request, client_address):
        pass


@pytest.fixture
def server():
    """(url, handler class) of a server on this machine."""
    handler = type("Handler", (Server,), {"break_after": [], "errors": [], "asked": []})
    with QuietServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}/toy.pth", handler
        serving.shutdown()
        thread.join()


# The table


def test_every_row_states_origin_and_licence_and_at_most_well_formed_hashes():
    for name, row in CHECKPOINTS.items():
        assert name == row.name
        assert row.url.startswith("https://")
        assert row.licence
        assert not Path(row.filename).is_absolute()
        assert re.fullmatch(r"[0-9a-f]{32}", row.md5 or "0" * 32), name
        assert re.fullmatch(r"[0-9a-f]{64}", row.sha256 or "0" * 64), name


def test_the_networks_of_profile_paper_can_be_verified():
    assert set(PAPER_PROFILE) <= CHECKPOINTS.keys()
    assert all(CHECKPOINTS[name].verifiable for name in ("panns", "clap", "imagebind", "synchformer"))


def test_an_unknown_name_is_answered_with_close_ones():
    with pytest.raises(ValueError, match="unknown checkpoint 'synchfromer'; did you mean synchformer"):
        checkpoints.get("synchfromer")


# Finding and verifying


def test_a_missing_file_says_who_needs_it_where_it_was_looked_for_and_how_to_get_it(tmp_path):
    with pytest.raises(MissingCheckpoint) as refused:
        checkpoints.locate("synchformer", weights_dir=tmp_path, needed_by="desync (profile paper)")
    assert str(refused.value).splitlines() == [
        'checkpoint "synchformer" is missing; desync (profile paper) needs it',
        f"  looked in   {tmp_path / 'synchformer_state_dict.pth'}",
        f"  comes from  {CHECKPOINTS['synchformer'].url}   (about 950,000,000 bytes; MIT)",
        "  to get it   python -m benchmark weights synchformer",
    ]


def test_the_weights_folder_is_the_argument_then_the_variable_then_weights(monkeypatch):
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", "from/variable")
    assert checkpoints.weights_folder("argument") == Path("argument")
    assert checkpoints.weights_folder() == Path("from/variable")
    monkeypatch.delenv("VGG_MONOAUDIO_WEIGHTS")
    assert checkpoints.weights_folder() == Path("weights")


@pytest.mark.parametrize("name", ["toy", "toy-sha"])
def test_the_published_file_is_located_and_verified(rows, tmp_path, name):
    path = tmp_path / CHECKPOINTS[name].filename
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(BODY)
    found = checkpoints.located(name, weights_dir=tmp_path)
    assert (found.path, found.verified) == (path, True)
    assert (found.digests.md5, found.digests.sha256) == (MD5, SHA256)
    assert checkpoints.locate(name, weights_dir=tmp_path) == path
    assert checkpoints.state(name, weights_dir=tmp_path) == "verified"


def test_the_former_name_of_located_still_serves():
    assert checkpoints.find is checkpoints.located


@pytest.mark.parametrize(
    ("name", "kind", "its", "published"),
    [
        ("toy", "md5", "b32d73e56ec99bc5ec8f83871cde708a", MD5),
        ("toy-sha", "sha256", hashlib.sha256(b"another").hexdigest(), SHA256),
    ],
)
def test_another_file_is_refused_by_name_with_both_hashes(rows, tmp_path, name, kind, its, published):
    path = tmp_path / CHECKPOINTS[name].filename
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"another")
    with pytest.raises(WrongCheckpoint) as refused:
        checkpoints.locate(name, weights_dir=tmp_path)
    message = str(refused.value)
    assert message.startswith(f'checkpoint "{name}" is not the published file: its {kind} is {its}')
    assert published in message
    assert "7 bytes, published about 3,145,984 bytes" in message
    assert "--allow-unverified" in message
    assert checkpoints.state(name, weights_dir=tmp_path) == "wrong"
    assert not checkpoints.located(name, weights_dir=tmp_path, allow_unverified=True).verified


def test_a_file_without_a_published_hash_is_used_only_when_allowed_and_then_marked(rows, tmp_path):
    (tmp_path / "unknown.pth").write_bytes(BODY)
    with pytest.raises(WrongCheckpoint, match='"toy-unknown" cannot be verified: no hash of it is published'):
        checkpoints.locate("toy-unknown", weights_dir=tmp_path)
    assert not checkpoints.located("toy-unknown", weights_dir=tmp_path, allow_unverified=True).verified
    assert checkpoints.state("toy-unknown", weights_dir=tmp_path) == "unverifiable"
    assert checkpoints.state("toy", weights_dir=tmp_path) == "missing"


def test_another_file_is_used_when_allowed_and_then_marked(rows, tmp_path):
    (tmp_path / "toy.pth").write_bytes(b"another")
    found = checkpoints.located("toy", weights_dir=tmp_path, allow_unverified=True)
    assert not found.verified
    assert found.digests.sha256 == hashlib.sha256(b"another").hexdigest()


def test_a_file_is_hashed_once_until_it_changes(tmp_path, monkeypatch):
    path = tmp_path / "large.pth"
    path.write_bytes(b"first")
    first = checkpoints.digests(path)
    reads = []
    monkeypatch.setattr(hashlib, "sha256", lambda: reads.append(1))
    assert checkpoints.digests(path) == first
    assert reads == []
    monkeypatch.undo()
    path.write_bytes(b"other")  # as long as the first
    os.utime(path, ns=(1, 1))
    assert checkpoints.digests(path).sha256 == hashlib.sha256(b"other").hexdigest()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"size": 5}'])
def test_a_damaged_note_of_hashes_is_not_believed(tmp_path, content):
    path = tmp_path / "large.pth"
    path.write_bytes(b"first")
    expected = checkpoints.digests(path)
    (tmp_path / "large.pth.digests.json").write_text(content)
    assert checkpoints.digests(path) == expected
    assert json.loads((tmp_path / "large.pth.digests.json").read_text())["md5"] == expected.md5


# Opening


def test_tensors_come_back_from_torch_files_old_and_new_and_from_safetensors(tmp_path):
    weights = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.tensor(True)}
    torch.save(weights, tmp_path / "new.pth")
    torch.save(weights, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file(weights, tmp_path / "safe.safetensors")
    for name in ("new.pth", "old.pth", "safe.safetensors"):
        opened = checkpoints.open_state_dict(tmp_path / name)
        assert opened.keys() == weights.keys()
        assert all(torch.equal(opened[entry], weights[entry]) for entry in weights), name


@pytest.mark.parametrize("legacy", [False, True])
def test_numpy_state_of_a_training_script_is_let_through(tmp_path, legacy):
    sampler = {"order": np.arange(5), "scale": np.float32(0.5), "mask": np.array([True]), "half": np.ones(2, "f2")}
    torch.save({"model": {}, "sampler": sampler}, tmp_path / "x.pth", _use_new_zipfile_serialization=not legacy)
    opened = checkpoints.open_state_dict(tmp_path / "x.pth")["sampler"]
    np.testing.assert_array_equal(opened["order"], np.arange(5))
    assert opened["scale"] == 0.5


class Trap:
    """Unpickling it would run a command."""

    def __reduce__(self):
        return (os.system, ("touch trap-has-sprung",))


def test_code_in_a_file_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Trap()}, "evil.pth")
    Path("plain.pth").write_bytes(pickle.dumps(Trap(), protocol=2))
    for name in ("evil.pth", "plain.pth"):
        with pytest.raises(
            WrongCheckpoint, match=rf"{name} cannot be opened as weights: it would run \w+\.system"
        ) as told:
            checkpoints.open_state_dict(Path(name))
        assert "weights_only" not in str(told.value)
        assert "ask its author for a .safetensors file" in str(told.value)
    assert not Path("trap-has-sprung").exists()


def test_objects_of_a_training_script_are_refused_without_advice_to_switch_the_check_off(tmp_path):
    torch.save({"args": Namespace(steps=1)}, tmp_path / "x.pth")
    with pytest.raises(WrongCheckpoint, match=r"x\.pth .*: it would run argparse\.Namespace when opened, and") as told:
        checkpoints.open_state_dict(tmp_path / "x.pth")
    assert "weights_only" not in str(told.value)


def test_a_file_that_is_no_mapping_or_damaged_is_refused(tmp_path):
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(WrongCheckpoint, match=r"list\.pth holds list, expected a mapping"):
        checkpoints.open_state_dict(tmp_path / "list.pth")
    for name in ("html.pth", "html.safetensors", "empty.pth"):
        (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"<html>not found</html>")
        with pytest.raises(WrongCheckpoint, match=re.escape(name)) as told:
            checkpoints.open_state_dict(tmp_path / name)
        assert "weights_only" not in str(told.value)


# Downloading


def fetch(name, tmp_path, server, **options):
    return checkpoints.download(name, weights_dir=tmp_path, url=server[0], pause_seconds=0, **options)


def test_a_download_is_verified_and_reports_progress(rows, tmp_path, server):
    seen = []
    found = fetch("toy-sha", tmp_path, server, progress=lambda done, total: seen.append((done, total)))
    assert found.path == tmp_path / "below" / "toy.bin"
    assert found.path.read_bytes() == BODY
    assert found.verified
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (len(BODY), len(BODY))
    assert sorted(path.name for path in found.path.parent.iterdir()) == ["toy.bin", "toy.bin.digests.json"]


def test_what_was_noted_while_verifying_is_still_true_of_the_finished_file(rows, tmp_path, server, monkeypatch):
    found = fetch("toy", tmp_path, server)
    monkeypatch.setattr(hashlib, "sha256", lambda: pytest.fail("hashed again"))
    assert checkpoints.digests(found.path) == found.digests


def test_a_broken_connection_is_resumed_where_it_broke(rows, tmp_path, server):
    server[1].break_after = [1_000_000, 500_000]
    assert fetch("toy", tmp_path, server).path.read_bytes() == BODY
    assert server[1].asked == [None, "bytes=1000000-", "bytes=1500000-"]


def test_a_later_call_goes_on_with_what_an_earlier_one_left(rows, tmp_path, server):
    server[1].break_after = [70_000]
    with pytest.raises(DownloadFailed, match=r"failed after 1 attempts.*closed early(?s:.*)toy\.pth\.part"):
        fetch("toy", tmp_path, server, attempts=1)
    assert not (tmp_path / "toy.pth").exists()
    assert fetch("toy", tmp_path, server).verified
    assert server[1].asked == [None, "bytes=70000-"]


def test_a_server_that_cannot_resume_is_asked_from_the_start(rows, tmp_path, server):
    server[1].ranges = False
    (tmp_path / "toy.pth.part").write_bytes(b"stale beginnings")
    assert fetch("toy", tmp_path, server).path.read_bytes() == BODY


def test_a_part_that_is_whole_already_is_not_fetched_again(rows, tmp_path, server):
    (tmp_path / "toy.pth.part").write_bytes(BODY)
    assert fetch("toy", tmp_path, server).verified
    assert server[1].asked == [f"bytes={len(BODY)}-"]


def test_a_part_longer_than_the_file_is_thrown_away(rows, tmp_path, server):
    (tmp_path / "toy.pth.part").write_bytes(BODY + b"more")
    assert fetch("toy", tmp_path, server).path.read_bytes() == BODY


@pytest.mark.parametrize("name", ["toy", "toy-sha"])
def test_a_download_with_another_hash_is_deleted_and_refused(rows, tmp_path, server, name):
    server[1].body = BODY[:-1] + b"!"
    with pytest.raises(
        WrongCheckpoint, match=rf'"{name}" is not the published file(?s:.*)deleted     the downloaded bytes'
    ):
        fetch(name, tmp_path, server)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_refusal_of_the_server_is_reported_at_once(rows, tmp_path, server):
    server[1].errors = [404]
    with pytest.raises(DownloadFailed, match=r'checkpoint "toy": http.*answers 404 Not Found'):
        fetch("toy", tmp_path, server)
    assert len(server[1].asked) == 1


def test_a_server_in_trouble_is_asked_again(rows, tmp_path, server):
    server[1].errors = [503, 500]
    assert fetch("toy", tmp_path, server).verified
    assert len(server[1].asked) == 3


def test_nobody_at_the_other_end_fails_after_the_attempts(rows, tmp_path):
    with pytest.raises(DownloadFailed, match="failed after 2 attempts"):
        checkpoints.download("toy", weights_dir=tmp_path, attempts=2, pause_seconds=0)


def test_a_file_that_is_there_is_not_fetched_again(rows, tmp_path, server):
    (tmp_path / "toy.pth").write_bytes(BODY)
    assert fetch("toy", tmp_path, server).verified
    assert server[1].asked == []


def test_a_wrong_file_that_is_there_is_left_and_named(rows, tmp_path, server):
    (tmp_path / "toy.pth").write_bytes(b"mine")
    with pytest.raises(WrongCheckpoint, match='"toy" is not the published file'):
        fetch("toy", tmp_path, server)
    assert (tmp_path / "toy.pth").read_bytes() == b"mine"


def test_a_file_without_a_published_hash_comes_unverified(rows, tmp_path, server):
    assert not fetch("toy-unknown", tmp_path, server).verified


def test_a_full_disk_is_noticed_before_it_is_full(rows, tmp_path, server, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(DownloadFailed, match=r"has 10 bytes free, 3,145,984 are needed"):
        fetch("toy", tmp_path, server)


def test_of_two_downloads_of_one_file_one_is_made_and_the_other_waits(rows, tmp_path, server):
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: fetch("toy-sha", tmp_path, server), range(2)))
    assert [located.path.read_bytes() for located in found] == [BODY] * 2
    assert server[1].asked == [None]
    assert not list(tmp_path.rglob("*.lock"))


@contextmanager
def limited_file_size(size):
    """No file of this process grows beyond a size meanwhile."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_disk_that_fills_up_meanwhile_is_named_and_the_next_call_goes_on(rows, tmp_path, server):
    size_limit = len(BODY) // 2
    with (
        limited_file_size(size_limit),
        pytest.raises(WriteFailed, match=r"toy\.bin: cannot be written: .*give the same"),
    ):
        fetch("toy-sha", tmp_path, server)
    assert fetch("toy-sha", tmp_path, server).path.read_bytes() == BODY
    assert server[1].asked == [None, f"bytes={size_limit}-"]


# The ground floor


def test_it_imports_neither_torch_nor_anything_else_of_ours():
    code = (
        "import sys, foundation.checkpoints\n"
        "ours = {m for m in sys.modules if m.split('.')[0] in ('benchmark', 'baselines', 'metrics', 'vgg_monoaudio')}\n"
        "print('torch' in sys.modules, sorted(ours))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False []"
