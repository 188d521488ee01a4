"""Writing whole or not at all, and hashes of content."""

import hashlib
from pathlib import Path

import pytest

from foundation import files


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "record.json"
    files.write_text(path, "first")
    written = []

    def killed(self, target):
        written.append((self.read_text(), target.read_text()))
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        files.write_text(path, "second")
    assert written == [("second", "first")]  # the new text was whole before the old one was to go
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_fingerprints_depend_on_content_and_not_on_the_order_of_keys():
    assert files.fingerprint({"a": 1, "b": [2]}) == files.fingerprint({"b": [2], "a": 1})
    assert files.fingerprint({"a": 1}) != files.fingerprint({"a": 2}) != files.fingerprint({"b": 1})


def test_a_file_s_hash_is_the_sha256_of_its_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"mono")
    assert files.file_sha256(tmp_path / "file") == hashlib.sha256(b"mono").hexdigest()


def test_removing_partials_leaves_everything_else(tmp_path):
    kept = [tmp_path / "a.partial.mp4", tmp_path / "sub" / "b.mp4", tmp_path / ".hidden"]
    (tmp_path / "sub").mkdir()
    for path in [*kept, tmp_path / "sub" / ".b.17.partial.mp4"]:
        path.touch()
    files.remove_partials(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
