"""Who asks: the cookie that names a rater, the proof that a page was served here, and how often one may ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil

from fastapi import Request
from sqlmodel import Session
from starlette.responses import Response

from benchmark.web.frame import proven, refusal
from benchmark.web.limits import RateLimit, line_of
from benchmark.web.serving import is_loopback
from benchmark.web.study.messages import Refused
from benchmark.web.study.raters import find
from benchmark.web.study.study import Study
from benchmark.web.study.tables import Rater

REQUESTS_PER_SECOND, REQUESTS_AT_ONCE = 5.0, 60  # of a rater to the API; an item takes four
FILES_PER_SECOND, FILES_AT_ONCE = 40.0, 400  # a player asks for a film piece by piece
ARRIVALS_PER_SECOND, ARRIVALS_AT_ONCE = 2.0, 120  # from one address: a class in a lecture room
CODES_PER_SECOND, CODES_AT_ONCE = 0.1, 20  # deletion codes, right or wrong, from one address
COOKIE_SECONDS = 60 * 24 * 3600


@dataclass(frozen=True)
class Asking:
    """A rater's request while it is answered, in a session that alone may write.

    Attributes:
        now: seconds since 1970.
    """

    session: Session
    rater: Rater
    now: float


class Door:
    """Lets requests in, or says why not."""

    def __init__(self, study: Study, *, url: str = "", ticks: Callable[[], float] = time.monotonic) -> None:
        """Stand before a study.

        Args:
            study: which one.
            url: under which raters reach it; "": as they asked.
            ticks: the seconds by which it is counted how often one asks.
        """
        self._url = url
        self._study = study
        self._api = RateLimit(REQUESTS_PER_SECOND, REQUESTS_AT_ONCE, clock=ticks)
        self._files = RateLimit(FILES_PER_SECOND, FILES_AT_ONCE, clock=ticks)
        self._arrivals = RateLimit(ARRIVALS_PER_SECOND, ARRIVALS_AT_ONCE, clock=ticks)
        self._codes = RateLimit(CODES_PER_SECOND, CODES_AT_ONCE, clock=ticks)

    @property
    def cookie(self) -> str:
        """Name of the cookie; another one for each study, since ports of a host share cookies."""
        return f"rater-{self._study.mark}"

    def key(self, request: Request) -> str | None:
        """Return the key that a cookie names; None where there is none, or none of ours."""
        return self._named(request, "rater") or self._named(request, "returned")

    def is_sure(self, request: Request) -> bool:
        """Tell whether a browser is sure to be that of the rater whom its cookie names; one that `returned` is not.

        It goes on with the items; to delete the answers it has to give the code, which it is not shown.
        """
        return self._named(request, "returned") is None

    def _named(self, request: Request, kind: str) -> str | None:
        return self._study.tokens.word(kind, request.cookies.get(self.cookie))

    def remember(self, response: Response, request: Request, key: str, *, sure: bool = True) -> None:
        """Let the browser name this rater from now on; `sure`: see `is_sure`."""
        sure = sure or (self.key(request) == key and self.is_sure(request))
        response.set_cookie(
            self.cookie, self._study.tokens.signed("rater" if sure else "returned", key), max_age=COOKIE_SECONDS,
            httponly=True, samesite="lax", secure=over_tls(request, self._url),
        )  # fmt: skip

    def may_arrive(self, request: Request) -> None:
        """Count an arrival.

        Raises:
            Refused: 429, too many from one address.
        """
        self._pass(self._arrivals, self._address(request))

    def rater_key(self, request: Request) -> str:
        """Return who asks for a file.

        Raises:
            Refused: 401, nobody whom we know; 429, too often.
        """
        key = self.key(request)
        if key is None:
            raise _unknown()
        self._pass(self._files, key)
        return key

    @contextmanager
    def asking(self, request: Request) -> Iterator[Asking]:
        """Yield the rater who asks; what the block changes is on the disk when it has ended.

        Raises:
            Refused: 401, nobody whom we know; 429, too often.
            HTTPException: 403, a POST without the proof.
        """
        key = self.key(request)
        if key is None:
            raise _unknown()
        self._pass(self._api, key)
        if request.method == "POST":
            proven(request, lambda given: self._study.tokens.proves("rater", key, given))
        with self._study.database.writing() as session:
            rater = find(session, key)
            if rater is None:
                raise _unknown()
            yield Asking(session, rater, self._study.clock())

    def may_delete(self, request: Request) -> None:
        """Let anybody try a deletion code: the cookie may be lost by now.

        Raises:
            Refused: 429, too often from one address.
            HTTPException: 403, without the proof of one of our pages.
        """
        self._pass(self._codes, self._address(request))
        tokens = self._study.tokens
        key = self.key(request) or ""
        proven(request, lambda given: tokens.proves("rater", key, given) or tokens.proves("rater", "", given))

    @staticmethod
    def _address(request: Request) -> str:
        return line_of(request.client.host) if request.client else ""

    @staticmethod
    def _pass(limit: RateLimit, key: str) -> None:
        seconds = limit.wait_seconds(key)
        if seconds > 0:
            raise Refused(429, "too many requests; wait a little", retry_seconds=seconds)


def over_tls(request: Request, url: str) -> bool:
    """Tell whether a browser asks by TLS, whether or not a proxy in between says so; a cookie then stays with that.

    Args:
        request: what came.
        url: under which the server is reached; who asks it on its own machine may do so without.
    """
    return request.url.scheme == "https" or (url.startswith("https:") and not is_loopback(request.url.hostname or ""))


def refused(request: Request, error: Exception) -> Response:
    """Return the answer to a request that is not granted."""
    if not isinstance(error, Refused):
        raise error
    headers = {} if error.retry_seconds is None else {"Retry-After": str(ceil(error.retry_seconds))}
    return refusal(request, error.status, headers=headers, **error.content)


def _unknown() -> Refused:
    return Refused(401, "the study does not know this browser; begin at its first page", next="/")
