"""A link with a secret: whoever opens it is admitted from then on, by a cookie."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from benchmark.web.tokens import Tokens


class NotAdmitted(Exception):
    """A request without the secret of the link."""


@dataclass(frozen=True)
class Link:
    """The secret of a page.

    Attributes:
        tokens: of the page; the secret is theirs.
        cookie: its name, another one for each page, since ports of a host share cookies.
        seconds: how long a browser keeps it; None: until it is closed.
    """

    tokens: Tokens
    cookie: str
    seconds: int | None = None

    @property
    def end(self) -> str:
        """The end of the address that admits."""
        return f"/?key={self._key}"

    def entered(self, request: Request) -> Response | None:
        """Return the answer to the address with the secret: a cookie, and the address without it; None to others."""
        if not self.tokens.proves("link", "", request.query_params.get("key", "")):
            return None
        answer = RedirectResponse("/", 303)
        set_cookie(answer, request, self.cookie, self._key, self.seconds)
        return answer

    def admitted(self, request: Request) -> None:
        """Check that a request has the secret.

        Raises:
            NotAdmitted: it has not.
        """
        if not self.tokens.proves("link", "", request.cookies.get(self.cookie, "")):
            raise NotAdmitted

    @property
    def _key(self) -> str:
        return self.tokens.proof("link", "")


def set_cookie(answer: Response, request: Request, name: str, value: str, seconds: int | None) -> None:
    """Give a browser a cookie that no script reads and no other site sends."""
    secure = request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=secure)
