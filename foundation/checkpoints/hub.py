"""Weights on the Hugging Face hub, through its own client: its cache, mirror, token and offline mode are honoured.

HF_HOME and HF_HUB_CACHE say where the cache is, HF_ENDPOINT which hub is asked, HF_TOKEN (or `hf auth login`) by whom;
with HF_HUB_OFFLINE only the cache is looked into.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_ADDRESS = re.compile(r"https://huggingface\.co/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_HUB = "https://huggingface.co"
_PORTS = {"http": 80, "https": 443}
_CONNECTED_WITHIN = 10.0  # seconds


class HubFailed(Exception):
    """The hub has not given a file; the message says why and what to do.

    Attributes:
        passing: another attempt may succeed.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(frozen=True)
class HubFile:
    """A file of a repository of the hub."""

    repository: str
    name: str
    revision: str
    is_dataset: bool

    @classmethod
    def of(cls, url: str) -> HubFile | None:
        """Return the file that an address means; None where it is not the hub's."""
        found = _ADDRESS.fullmatch(url)
        return found and cls(found[2], found[4], found[3], is_dataset=bool(found[1]))

    @property
    def page(self) -> str:
        """Where people read about the repository."""
        return f"https://huggingface.co/{'datasets/' if self.is_dataset else ''}{self.repository}"

    def fetch(self, progress: Callable[[int, int | None], None] | None = None) -> Path:
        """Return the file in the hub's cache, fetched if it is not there; what broke off is gone on with.

        Args:
            progress: called with the bytes so far and in all.

        Raises:
            HubFailed: the hub refuses, cannot be reached or has no address, or may not be asked and the file is not in
                the cache.
        """
        _check_address()
        from huggingface_hub import constants, hf_hub_download

        kind = "dataset" if self.is_dataset else "model"
        bar = _bar_that_tells(progress)
        dead = None if constants.HF_HUB_OFFLINE else _dead(constants.ENDPOINT)
        with self._in_words(dead), _client_silent():
            where = hf_hub_download(
                self.repository, self.name, revision=self.revision, repo_type=kind, tqdm_class=bar,
                local_files_only=dead is not None,
            )  # fmt: skip
        return Path(where)

    @contextmanager
    def _in_words(self, dead: OSError | None) -> Iterator[None]:
        """Turn what the client raises into `HubFailed`; what the disk refuses passes.

        The client has tried again by itself what may pass, for half a minute.

        Args:
            dead: why the hub cannot be reached, so that only the cache was looked into.
        """
        from huggingface_hub import constants
        from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

        # What is raised below HTTP: from httpx or httpx2, by the client's version.
        broken = next(k for k in HfHubHTTPError.__mro__ if issubclass(k, Exception) and k.__name__ == "HTTPError")
        hub = constants.ENDPOINT
        try:
            yield
        except GatedRepoError as error:
            raise HubFailed(
                f"{self.repository} is gated: ask for access at {self.page}, then `hf auth login`, or set HF_TOKEN to "
                "a token of that account, and give the same command again"
            ) from error
        except LocalEntryNotFoundError as error:
            if constants.HF_HUB_OFFLINE:
                why = f"not in the cache, {constants.HF_HUB_CACHE}, and HF_HUB_OFFLINE forbids to ask {hub}"
                raise HubFailed(f"{self.repository}/{self.name}: {why}") from error
            if dead is not None:
                raise HubFailed(f"{hub} cannot be reached: {dead}", passing=not _is_final(dead)) from error
            raise HubFailed(f"{hub} cannot be reached: {_root(error)}") from error
        except HfHubHTTPError as error:
            status = error.response.status_code
            token = "; if it is private, set HF_TOKEN or `hf auth login`" if status in (401, 403, 404) else ""
            raise HubFailed(f"{hub} answers {status} for {self.repository}/{self.name}{token}") from error
        except EntryNotFoundError as error:
            raise HubFailed(f"{self.repository} has no {self.name}: {error}") from error
        except broken as error:
            raise HubFailed(f"{hub}: {str(error) or type(error).__name__}") from error


def place(cached: Path, path: Path) -> None:
    """Put a file of the cache where weights are looked for, without a second copy of its bytes.

    A hard link, which outlives the cache; on another file system a symbolic one.

    Args:
        cached: in the hub's cache.
        path: what is to be it; replaced.
    """
    path.unlink(missing_ok=True)
    real = cached.resolve()
    try:
        path.hardlink_to(real)
    except OSError:  # another file system, or one without hard links
        path.symlink_to(real)


def _check_address() -> None:
    """Refuse an HF_ENDPOINT that is no address; the client cannot even be imported with some of these.

    Raises:
        HubFailed: names the variable, what was expected and what is there.
    """
    given = os.environ.get("HF_ENDPOINT", _HUB)
    try:
        place = urlsplit(given)
        whole = place.scheme in _PORTS and place.hostname and place.port != 0
    except ValueError:  # of a port that is no number
        whole = False
    if not whole:
        raise HubFailed(f"HF_ENDPOINT: expected an address such as {_HUB}, got {given!r}")


def _dead(hub: str) -> OSError | None:
    """Return why no connection to a hub can be made; None where one can, or a proxy makes it.

    The client would try for half a minute, and write of each attempt.
    """
    place, proxies = urlsplit(hub), getproxies()
    host, port = place.hostname or "", place.port or _PORTS[place.scheme]
    if (place.scheme in proxies or "all" in proxies) and not proxy_bypass(host):
        return None
    try:
        socket.create_connection((host, port), timeout=_CONNECTED_WITHIN).close()
    except OSError as error:
        return error
    return None


def _is_final(error: OSError) -> bool:
    """Tell whether another attempt would not help: nobody listens there, or there is no such name."""
    return isinstance(error, ConnectionRefusedError) or error.errno == socket.EAI_NONAME


@contextmanager
def _client_silent() -> Iterator[None]:
    """Keep the client from writing of each attempt, unless the user has said how much it is to write."""
    from huggingface_hub.utils.logging import get_verbosity, set_verbosity

    before = get_verbosity()
    if "HF_HUB_VERBOSITY" not in os.environ:
        set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        set_verbosity(before)


def _root(error: BaseException) -> str:
    """Return what the first of a chain of exceptions says."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return str(error) or type(error).__name__


def _bar_that_tells(progress: Callable[[int, int | None], None] | None) -> Any:
    """Return what the client takes for a class of progress bars: it draws nothing, and tells `progress`."""

    class Bar:
        def __init__(self, *_: object, total: int | None = None, initial: int = 0, **__: object) -> None:
            self.n, self.total = initial, total

        def update(self, count: float = 1) -> None:
            self.n += int(count)
            if progress is not None:
                progress(self.n, self.total)

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def __getattr__(self, _name: str) -> Callable[..., None]:
            return lambda *_, **__: None  # what else the client asks of a bar changes its looks

    return Bar
