"""Writing whole or not at all, lasting, named where it fails; and hashes of content."""

import errno
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from foundation import files, partials
from foundation.files import WriteFailed

ROOT = Path(files.__file__).resolve().parents[1]


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


def events_of(monkeypatch):
    """What reaches the disk, in order: names that are flushed (with their length) and renamed."""
    seen = []
    replace = Path.replace

    def flushed(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        seen.append(("flushed", path.name if path.is_dir() else path.stat().st_size))

    def renamed(self, target):
        seen.append(("renamed", Path(target).name))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    return seen


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the names of descriptors are seen on Linux alone")
def test_bytes_are_on_the_disk_before_the_rename_and_the_rename_before_the_end(tmp_path, monkeypatch):
    seen = events_of(monkeypatch)
    files.write_text(tmp_path / "runs" / "mine" / "run.json", "four")
    made = [("flushed", tmp_path.name), ("flushed", "runs")]  # the new folders' names
    assert seen == [*made, ("flushed", 4), ("renamed", "run.json"), ("flushed", "mine")]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the names of descriptors are seen on Linux alone")
def test_what_can_be_computed_again_is_never_empty_and_may_be_lost(tmp_path, monkeypatch):
    seen = events_of(monkeypatch)
    with files.replacing(tmp_path / "entry", lasting=False) as temporary:
        temporary.write_text("four")
    assert seen == [("flushed", 4), ("renamed", "entry")]


def test_a_folder_that_cannot_be_flushed_is_written_to_all_the_same(tmp_path, monkeypatch):
    def refuse(_descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    files.write_text(tmp_path / "a", "text")
    assert (tmp_path / "a").read_text() == "text"


def test_a_disk_that_is_full_when_bytes_are_flushed_is_named_and_nothing_is_renamed(tmp_path, monkeypatch):
    def refuse(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "a.json").write_text("old")
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(WriteFailed) as failed:
        files.write_text(tmp_path / "a.json", "new")
    assert str(failed.value) == (
        f"{tmp_path / 'a.json'}: cannot be written: No space left on device; free some space there and give the same "
        "command again"
    )
    assert failed.value.errno == errno.ENOSPC
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.json", "old")]


# Each writer of the project's, with the limit that a disk or a user sets to it.
WRITERS = """
import resource, sys
from pathlib import Path
import numpy as np, pandas as pd
from foundation import media
from foundation.files import WriteFailed, replacing, write_text

def kept(path):
    from safetensors.numpy import save_file
    with replacing(path) as temporary:
        save_file({"a": np.zeros(100_000, np.float32)}, temporary)

def table(path):
    with replacing(path) as temporary:
        pd.DataFrame({"a": noise}).to_parquet(temporary)

def film(path):
    pictures = np.random.default_rng(0).integers(0, 255, (12, 128, 128, 3), dtype=np.uint8)
    media.write_video(path, pictures, fps=25)

noise = np.random.default_rng(0).uniform(-0.5, 0.5, 100_000).astype(np.float32)
writers = {
    "a.json": lambda path: write_text(path, "x" * 100_000),
    "b.wav": lambda path: media.write_audio(path, noise, 48_000),
    "c.flac": lambda path: media.write_audio(path, noise, 48_000),
    "d.safetensors": kept,
    "e.parquet": table,
    "f.mp4": film,
}
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
for name, write in writers.items():
    try:
        write(Path(sys.argv[1], name))
        print(name, "was written")
    except WriteFailed as error:
        print(error)
print(sorted(path.name for path in Path(sys.argv[1]).iterdir()))
"""


def test_every_library_s_failure_to_write_names_file_and_reason_and_leaves_nothing(tmp_path):
    pytest.importorskip("resource")
    done = subprocess.run([sys.executable, "-c", WRITERS, tmp_path], capture_output=True, text=True, cwd=ROOT)
    names = ("a.json", "b.wav", "c.flac", "d.safetensors", "e.parquet", "f.mp4")
    why = "cannot be written: File too large; raise the limit of a file's size (ulimit -f)"
    expected = [f"{tmp_path / name}: {why} and give the same command again" for name in names]
    assert done.stdout.splitlines() == [*expected, "[]"], done.stderr


def test_a_failure_that_is_not_the_disk_s_passes_as_it_is(tmp_path):
    with pytest.raises(ValueError, match="of another kind"), files.replacing(tmp_path / "a"):
        raise ValueError("of another kind")
    with pytest.raises(FileNotFoundError) as absent, files.replacing(tmp_path / "a"):
        Path(tmp_path / "source").read_text()
    assert absent.value.filename == str(tmp_path / "source")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [RuntimeError("System error."), ValueError("the answer is not an array")])
def test_a_disk_that_takes_nothing_is_the_reason_whatever_the_library_says(tmp_path, monkeypatch, error):
    def full(self, *_mode):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    writing = files.replacing(tmp_path / "a.wav")
    writing.__enter__()
    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(WriteFailed, match=r"a\.wav: cannot be written: No space left on device"):
        writing.__exit__(type(error), error, None)


def test_temporary_names_are_new_each_time_and_never_too_long(tmp_path):
    for name in ("a.wav", "ä" * 125 + ".mp4", "x" * 255, "x" * 100 + "." + "y" * 150, ".hidden"):
        made = {partials.partial_name(name) for _ in range(20)}
        assert len(made) == 20
        assert all(len(os.fsencode(one)) <= 255 and partials.is_partial(Path(one)) for one in made)
        files.write_text(tmp_path / name, name)
        assert (tmp_path / name).read_text() == name
    assert partials.partial_name("a.wav").endswith(".partial.wav")  # libraries choose a format by the ending
    assert len(list(tmp_path.iterdir())) == 5


def test_threads_that_write_one_file_at_once_leave_one_whole_text(tmp_path):
    texts = [str(number) * 50_000 for number in range(8)]
    start = threading.Barrier(len(texts))

    def write(text):
        start.wait()
        for _ in range(5):
            files.write_text(tmp_path / "report.md", text)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "report.md").read_text() in texts
    assert len(list(tmp_path.iterdir())) == 1


def test_only_what_a_writer_that_is_gone_left_is_removed(tmp_path, killed_writers, monkeypatch):
    (tmp_path / "sub").mkdir()
    outside = tmp_path / "outside"
    killed_writers(outside, "z.wav").touch()
    folder = tmp_path / "folder"
    gone = [killed_writers(folder, "a.wav"), killed_writers(folder / "sub", "a"), killed_writers(folder, "media")]
    gone[0].touch()
    gone[1].touch()
    gone[2].mkdir()
    (gone[2] / "scene.mp4").touch()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(partials, "_this_host", lambda: "0123abcd")
        of_another_host = killed_writers(folder, "b.wav")
    kept = [
        of_another_host,
        folder / partials.partial_name("c.wav"),  # of this process, which lives
        folder / ".b.17.partial.mp4",  # of an earlier version: of which host is not known
        folder / "a.partial.mp4",
        folder / ".hidden",
        folder / ".a.partial.notes.txt",
    ]
    for path in kept:
        path.touch()
    (folder / "behind").symlink_to(outside, target_is_directory=True)
    link = killed_writers(folder, "link.wav")
    link.symlink_to(outside)

    def left():
        return {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}

    files.remove_partials(folder)
    assert left() == {*kept, link, folder / "behind"}
    files.remove_partials(folder, alone=True)
    assert left() == {*kept[3:], link, folder / "behind"}
    assert len(list(outside.iterdir())) == 1


def test_a_later_process_of_the_same_number_is_not_taken_for_the_writer(tmp_path):
    mine = partials.partial_name("a.wav")
    started = mine.split("-")[2]
    (tmp_path / mine).touch()
    earlier = tmp_path / mine.replace(f"-{started}-", "-0123abcd-")
    earlier.touch()
    files.remove_partials(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [mine]


def test_fingerprints_depend_on_content_and_not_on_the_order_of_keys():
    assert files.fingerprint({"a": 1, "b": [2]}) == files.fingerprint({"b": [2], "a": 1})
    assert files.fingerprint({"a": 1}) != files.fingerprint({"a": 2}) != files.fingerprint({"b": 1})


def test_a_file_s_hash_is_the_sha256_of_its_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"mono")
    assert files.file_sha256(tmp_path / "file") == hashlib.sha256(b"mono").hexdigest()
    assert files.content_sha256(tmp_path / "file") == hashlib.sha256(b"mono").hexdigest()


def old(path, content):
    """A file that was not written a moment ago."""
    path.write_bytes(content)
    os.utime(path, (1e9, 1e9))
    return path


@pytest.fixture
def read(monkeypatch):
    """Every file that is hashed, in order."""
    seen = []
    original = files.file_sha256

    def counted(path):
        seen.append(Path(path).name)
        return original(path)

    monkeypatch.setattr(files, "file_sha256", counted)
    return seen


def test_a_file_is_hashed_once_as_long_as_it_stays_as_it_is(tmp_path, read):
    path = old(tmp_path / "clip.wav", b"mono")
    assert files.content_sha256(path) == files.content_sha256(str(path)) == hashlib.sha256(b"mono").hexdigest()
    assert read == ["clip.wav"]


@pytest.mark.parametrize("change", ["rewritten", "replaced"])
def test_a_change_is_seen_though_length_and_time_of_change_are_as_before(tmp_path, read, change):
    path = old(tmp_path / "clip.wav", b"mono")
    files.content_sha256(path)
    if change == "rewritten":
        old(path, b"duet")
    else:
        old(tmp_path / "other.wav", b"duet").replace(path)
    assert files.content_sha256(path) == hashlib.sha256(b"duet").hexdigest()


def test_a_file_that_changed_a_moment_ago_is_read_every_time(tmp_path, read):
    """Clocks of file systems tick in steps: a second change within a step leaves no trace."""
    path = tmp_path / "clip.wav"
    path.write_bytes(b"mono")
    files.content_sha256(path)
    files.content_sha256(path)
    assert read == ["clip.wav", "clip.wav"]


def test_what_is_not_there_is_told_by_who_looks(tmp_path):
    looked = files.once_a_file(lambda path: f"nothing at {Path(path).name}")
    assert looked(tmp_path / "absent.wav") == "nothing at absent.wav"
