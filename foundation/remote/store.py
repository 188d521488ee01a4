"""Small records on an object store, as `foundation.ledger.store.Store` wants them."""

from __future__ import annotations

import errno
import secrets

from foundation.remote.places import Place, UnusableAddress, in_parallel

_TRIALS = ".trial-"
_trusted: set[str] = set()  # buckets that were seen to refuse a second record of one name


class FsspecStore:
    """Records as objects below an address.

    A record is there for every reader as soon as `create` or `replace` has returned. An answer that is lost on its way
    is asked for again by the client, so `create` may say False of a record that it made: records that decide who
    holds something carry a word of their maker's, and he reads them.
    """

    def __init__(self, url: str) -> None:
        """Name where records are kept; they need not exist. The first `create` tries whether it is exclusive there.

        Raises:
            UnusableAddress: no such protocol, or one that is not known to create for one of several who try.
        """
        self._place = Place(url)
        self._place.check_exclusive()

    def create(self, name: str, data: bytes) -> bool:
        """Make a record; see `Store`.

        Raises:
            RemoteFailed: the store does not take it.
            UnusableAddress: it takes a second record of one name as if there were none.
        """
        self._try()
        return self._place.create(name, data)

    def replace(self, name: str, data: bytes) -> None:
        """Put bytes in the place of a record; see `Store`.

        Raises:
            FileNotFoundError: it is there no more.
            RemoteFailed: the store does not take it.
        """
        if name not in self._place.listing(name):
            raise FileNotFoundError(errno.ENOENT, "no such record", self._place.at(name))
        self._place.put(name, data)

    def read(self, name: str) -> bytes | None:
        """Return a record; None where there is none."""
        return self._place.read(name)

    def names(self) -> list[str]:
        """Return the names of all records, sorted."""
        return sorted(name for name in self._place.listing() if not name.startswith(_TRIALS))

    def remove(self, name: str) -> None:
        """Remove a record; nothing happens where there is none."""
        self._place.remove(name)

    def clear(self) -> None:
        """Remove all records: the last by name first, alone, and the others when that is gone.

        An object store removes one at a time, so who looks meanwhile may find a part of them.
        """
        names = sorted(self._place.listing())
        in_parallel(self._place.remove, names[-1:])
        in_parallel(self._place.remove, names[:-1])

    def _try(self) -> None:
        """Create one record twice: a store that does not know conditional requests takes the second, and is refused."""
        bucket = "/".join(self._place.url.split("/")[:3])
        if bucket in _trusted:
            return
        trial = f"{_TRIALS}{secrets.token_hex(8)}"
        try:
            self._place.create(trial, b"first")
            twice = self._place.create(trial, b"second")
        finally:
            self._place.remove(trial)
        if twice:
            raise UnusableAddress(
                f"{self._place.url}: the store overwrites what a request told it to leave (If-None-Match), so runs "
                "cannot be shared there; use a store or version that knows conditional writes"
            )
        _trusted.add(bucket)
