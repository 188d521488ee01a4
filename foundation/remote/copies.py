"""Working copies: objects of a bucket as files of this machine, brought up to date and sent back.

    <home>/<hash of the bucket>/<number>/files/<key>    the objects, by their keys
    <home>/<hash of the bucket>/<number>/index.json     which version of each object the files are

What is in the store is the truth: a file that is not there is removed here. So a copy belongs to one thread of one
process for as long as that runs, and a second one takes the copy of the next number; one that has ended leaves its
copy to the next, who takes over what is still the same. Nothing in a copy is worth keeping.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from foundation.files import is_partial, replacing
from foundation.paths import fault_of_name
from foundation.remote.places import Known, Place, RemoteFailed, in_parallel

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]  # a copy then has the number of its process

_HASH_DIGITS = 16
_MD5_DIGITS = 32

_Taken = tuple[int, int, str]  # process, thread, bucket's folder
_taken: dict[_Taken, tuple[Path, int]] = {}  # their copies, each with the open file that reserves it
_taking = threading.Lock()


@dataclass(frozen=True)
class _Version:
    """Which version of an object a file is, and by what the file is known to be unchanged."""

    tag: str
    size: int
    changed_ns: int


class WorkingCopy:
    """A folder of objects as files of this machine, for the thread that makes it.

    Attributes:
        url: the folder's address.
        path: its files here.
    """

    def __init__(self, url: str, home: str | os.PathLike[str]) -> None:
        """Take a copy; no request is made.

        Args:
            url: address of a folder in a bucket.
            home: folder of all working copies.

        Raises:
            foundation.remote.places.UnusableAddress: an address that leads nowhere.
        """
        self._place = Place(url)
        self.url = self._place.url
        protocol, _, rest = self.url.partition("://")
        bucket, *key = rest.split("/")
        for part in key:
            _check(self.url, part)
        self._slot = _slot(Path(home, hashlib.sha256(f"{protocol}://{bucket}".encode()).hexdigest()[:_HASH_DIGITS]))
        self._key = "/".join(key)
        self.path = self._slot.joinpath("files", *key)

    def pull(self) -> None:
        """Fetch what differs from the files here, several at a time; remove here what is gone in the store.

        Raises:
            RemoteFailed: the store cannot be read, or holds a name that would lead out of the folder.
            foundation.files.WriteFailed: there is no room here.
        """
        listed = {name: known for name, known in self._place.listing().items() if name}
        for name in listed:
            for part in PurePosixPath(name).parts if "//" not in name else ("",):
                _check(self._place.at(name), part)
        index = self._index()
        versions = dict(
            zip(
                listed,
                in_parallel(lambda name: self._fetched(name, listed[name], index.get(name)), listed),
                strict=True,
            )
        )
        kept = {name: version for name, version in versions.items() if version is not None}
        self._remove_others(kept)
        self._write_index(kept)

    def push(self, *paths: Path) -> None:
        """Send files that were written, and remove in the store what was removed here; a folder means all below it.

        Raises:
            ValueError: a path that is not in this copy.
            RemoteFailed: the store does not take one; the file stays here.
        """
        names = dict.fromkeys(self._name_of(path) for path in paths)
        in_parallel(self._send, [name for name in names if (self.path / name).is_file()])
        for name in names:
            if (self.path / name).is_dir():
                self._send_folder(name)
        self._remove([name for name in names if not (self.path / name).exists()])

    def _send(self, name: str) -> None:
        self._place.put(name, (self.path / name).read_bytes())

    def _remove(self, names: Sequence[str]) -> None:
        """Remove objects, and what is below those that were folders; asks once what is there."""
        if not names:
            return
        gone, there = set(names), self._place.listing(names[0] if len(names) == 1 else "")
        in_parallel(
            self._place.remove,
            [name for name in there if gone & {"", name, *map(str, PurePosixPath(name).parents)}],
        )

    def _send_folder(self, name: str) -> None:
        """Make a folder of the store what it is here."""
        here = {
            self._name_of(path) for path in (self.path / name).rglob("*") if path.is_file() and not is_partial(path)
        }
        in_parallel(self._send, sorted(here))
        in_parallel(self._place.remove, sorted(set(self._place.listing(name)) - here))

    def _name_of(self, path: Path) -> str:
        if not path.is_relative_to(self.path):
            raise ValueError(f"{path}: is not in the working copy of {self.url}, {self.path}")
        name = path.relative_to(self.path).as_posix()
        return "" if name == "." else name

    def _fetched(self, name: str, known: Known, before: _Version | None) -> _Version | None:
        """Return the version of a file after it was fetched where it differs; None where it is gone by now."""
        path = self.path / name
        found = _version(path, known.tag)
        if found is not None and found.size == known.size and (found == before or _md5_is(path, known.tag)):
            return found
        data = self._place.read(name)
        if data is None:
            return None
        with replacing(path, lasting=False) as temporary:
            temporary.write_bytes(data)
        return _version(path, known.tag if len(data) == known.size else "")

    def _remove_others(self, kept: Mapping[str, object]) -> None:
        if not self.path.is_dir():
            return
        for path in sorted(self.path.rglob("*"), reverse=True):  # what is in a folder before the folder
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            elif self._name_of(path) not in kept and not is_partial(path):
                path.unlink()

    def _index(self) -> dict[str, _Version]:
        """Return the versions of the files below this folder, as the last pull left them."""
        return {name.removeprefix(self._below): version for name, version in self._all().items() if self._has(name)}

    def _all(self) -> dict[str, _Version]:
        try:
            read = json.loads((self._slot / "index.json").read_bytes())
            return {name: _Version(**version) for name, version in read.items()}
        except (FileNotFoundError, ValueError, TypeError, AttributeError):  # the latter: damaged; all is fetched again
            return {}

    def _write_index(self, kept: Mapping[str, _Version]) -> None:
        others = {name: version for name, version in self._all().items() if not self._has(name)}
        now = {f"{self._below}{name}": version for name, version in kept.items()}
        with replacing(self._slot / "index.json", lasting=False) as temporary:
            temporary.write_text(json.dumps({name: asdict(version) for name, version in (others | now).items()}))

    @property
    def _below(self) -> str:
        return f"{self._key}/" if self._key else ""

    def _has(self, name: str) -> bool:
        return name.startswith(self._below)


def _slot(bucket: Path) -> Path:
    """Return the copy of a bucket that this thread has; the first that is free where it has none yet."""
    mine = (os.getpid(), threading.get_ident(), os.fspath(bucket.resolve()))
    with _taking:
        if mine not in _taken:
            _taken[mine] = _reserved(bucket)
        return _taken[mine][0]


def _reserved(bucket: Path) -> tuple[Path, int]:
    bucket.mkdir(parents=True, exist_ok=True)
    number = 0 if fcntl is not None else os.getpid()
    while True:
        slot = bucket / str(number)
        slot.mkdir(exist_ok=True)
        file = os.open(slot / "in-use", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            number += 1
        else:
            return slot, file


def _version(path: Path, tag: str) -> _Version | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return _Version(tag, status.st_size, status.st_mtime_ns)


def _md5_is(path: Path, tag: str) -> bool:
    """Tell whether a file is an object by its tag, which is the MD5 of what was put in one request."""
    if len(tag) != _MD5_DIGITS or not path.is_file():
        return False
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == tag


def _check(url: str, part: str) -> None:
    fault = fault_of_name(part)
    if fault:
        raise RemoteFailed(f"{url}: cannot be read: its name cannot be that of a file: {fault}; rename or remove it")
