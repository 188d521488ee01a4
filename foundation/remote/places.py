"""A folder on another file system, by its address: whole objects are read, put and removed, and failures say where."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from foundation.extras import command_for

AT_ONCE = 16  # requests to a store: each waits for the network, none for a core

_LOCAL = ("file", "local")
_EXCLUSIVE = ("memory", "s3", "s3a")  # whose `pipe_file(mode="create")` refuses what is there; see `Place.create`
_EXTRAS = {"s3": "s3", "s3a": "s3"}  # protocol: our extra that brings it
_creating = threading.Lock()  # `memory://` looks and writes in two steps; it reaches no further than this process

_Given = TypeVar("_Given")
_Found = TypeVar("_Found")


class RemoteFailed(OSError):
    """An object store that cannot be read or written; the message gives the address, the reason and the way out."""


class UnusableAddress(ValueError):
    """An address of a kind that cannot be used here; the message says why, and what can."""


@dataclass(frozen=True)
class Known:
    """What a store says of an object.

    Attributes:
        size: bytes.
        tag: changes when the object does: its ETag, else its time of change as the store tells it.
    """

    size: int
    tag: str


class Place:
    """A folder of objects; it needs no making, and is there as long as it holds any.

    Attributes:
        url: its address.
    """

    def __init__(self, url: str) -> None:
        """Open a folder; no request is made.

        Raises:
            UnusableAddress: no such protocol, one whose package is not installed, or no folder in the bucket.
        """
        self.url = url.rstrip("/")
        self._files, self._root = _opened(self.url)

    def at(self, name: str) -> str:
        """Return the address of an object."""
        return f"{self.url}/{name}" if name else self.url

    def listing(self, below: str = "") -> dict[str, Known]:
        """Return the objects at or below a name, by their names in this folder; none where there are none.

        Raises:
            RemoteFailed: the store cannot be asked, or has no such bucket.
        """
        with _naming(self.at(below), "read"):
            found: Mapping[str, Mapping[str, Any]] = self._files.find(self._key(below), detail=True)
        start, wanted = f"{self._root}/", f"{self._key(below)}/"
        return {
            name.removeprefix(start): Known(int(facts["size"]), _tag(facts))
            for name, facts in found.items()
            if name.startswith(wanted) or name == self._key(below)
        }

    def read(self, name: str, first: int | None = None) -> bytes | None:
        """Return an object, or so many of its first bytes; None where there is none.

        Args:
            name: of the object.
            first: at most as many bytes as it has, and not 0.

        Raises:
            RemoteFailed: the store cannot be asked.
        """
        with _naming(self.at(name), "read"):
            try:
                data: bytes = self._files.cat_file(self._key(name), end=first)
            except FileNotFoundError as error:
                if _lacks_bucket(error):
                    raise
                return None
        return data

    def put(self, name: str, data: bytes) -> None:
        """Put an object, whole or not at all, in the place of what is there.

        Raises:
            RemoteFailed: the store does not take it.
        """
        with _naming(self.at(name), "written"):
            self._files.pipe_file(self._key(name), data)

    def create(self, name: str, data: bytes) -> bool:
        """Put an object where there is none; of several who try at once one does. Return whether this one did.

        Raises:
            RemoteFailed: the store does not take it.
        """
        with _naming(self.at(name), "written"), _creating if self._protocol == "memory" else nullcontext():
            try:
                self._files.pipe_file(self._key(name), data, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                if _status(error) in (409, 412):  # 409: another request for this name is under way; it wins
                    return False
                raise
        return True

    def remove(self, name: str) -> None:
        """Remove an object; nothing happens where there is none.

        Raises:
            RemoteFailed: the store does not do it.
        """
        with _naming(self.at(name), "removed"):
            try:
                self._files.rm_file(self._key(name))
            except FileNotFoundError as error:
                if _lacks_bucket(error):
                    raise

    def check_exclusive(self) -> None:
        """Refuse a file system on which two who create one object at once would both succeed.

        Raises:
            UnusableAddress: it is of a kind of which that is not known.
        """
        if self._protocol not in _EXCLUSIVE:
            raise UnusableAddress(
                f"{self.url}: {self._protocol} is not known to create an object for one of several who try, so runs "
                "cannot be shared there; give an s3:// address, or a folder that all machines mount"
            )

    @property
    def _protocol(self) -> str:
        return self.url.partition("://")[0]

    def _key(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root


def in_parallel(work: Callable[[_Given], _Found], given: Iterable[_Given]) -> list[_Found]:
    """Return what a function of one object gives for each, several requests at a time, in the order given."""
    listed = list(given)
    if len(listed) < 2:
        return [work(each) for each in listed]
    with ThreadPoolExecutor(min(AT_ONCE, len(listed)), thread_name_prefix="object store") as pool:
        return list(pool.map(work, listed))


@lru_cache(maxsize=256)
def _opened(url: str) -> tuple[Any, str]:
    """Return the file system of an address, and the folder's key there."""
    from fsspec.core import url_to_fs

    protocol, _, rest = url.partition("://")
    if protocol in _LOCAL:
        raise UnusableAddress(f"{url}: a folder of this machine; give it as a path, {rest or '/'}")
    if not rest.strip("/"):
        raise UnusableAddress(f"{url}: expected protocol://bucket/folder")
    try:
        files, root = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        extra = _EXTRAS.get(protocol)
        way_out = command_for(extra) if extra else "install it"
        raise UnusableAddress(f"{url}: {error}; {way_out}") from error
    except ValueError as error:
        raise UnusableAddress(f"{url}: {error}; give a path, or an address such as s3://bucket/runs") from error
    return files, str(root).rstrip("/")


def _tag(facts: Mapping[str, Any]) -> str:
    for name in ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created"):
        if facts.get(name):
            return str(facts[name]).strip('"')
    return ""


@contextmanager
def _naming(url: str, done: str) -> Iterator[None]:
    """Turn what a file system raises into `RemoteFailed` with an address, a reason and a way out."""
    try:
        yield
    except RemoteFailed:
        raise
    except _failures() as error:
        reason, way_out = _what_is_wrong(url, error)
        raise RemoteFailed(f"{url}: cannot be {done}: {reason}; {way_out} and give the same command again") from error


def _failures() -> tuple[type[Exception], ...]:
    """Return what a file system raises; the exceptions of botocore, where it is in use, are no `OSError`."""
    module = sys.modules.get("botocore.exceptions")
    return (OSError, module.BotoCoreError, module.ClientError) if module else (OSError,)


def _what_is_wrong(url: str, error: Exception) -> tuple[str, str]:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    said = " ".join(str(error).split()) or type(error).__name__
    if kinds & {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}:
        return "no credentials", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE,"
    if isinstance(error, PermissionError):
        return said, "use credentials that may do that"
    if isinstance(error, FileNotFoundError):
        bucket = "/".join(url.split("/")[:3])
        return said, f"make the bucket {bucket}, or correct the address,"
    if isinstance(error, ConnectionError | TimeoutError) or kinds & {"ConnectionError", "HTTPClientError"}:
        return said, "see that the store is up and AWS_ENDPOINT_URL_S3 names it"
    return said, "see to that"


def _response(error: BaseException) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(error.__cause__, "response", None) or {}
    return found


def _lacks_bucket(error: FileNotFoundError) -> bool:
    code: str | None = _response(error).get("Error", {}).get("Code")
    return code == "NoSuchBucket"


def _status(error: OSError) -> int | None:
    status: int | None = _response(error).get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status
