"""Who may use the page: whoever has its link, which is another one every time that the server begins."""

from __future__ import annotations

import secrets

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from benchmark.web.frame import proven
from benchmark.web.tokens import SECRET_BYTES, Tokens


class NotAdmitted(Exception):
    """A request without the secret of the link."""


class Door:
    """Admits by a link with a secret, on this machine too: on a shared one others reach its loopback address."""

    def __init__(self) -> None:
        """Draw the secret; it is written nowhere, and ends with the server."""
        self._tokens = Tokens(secrets.token_bytes(SECRET_BYTES))

    @property
    def link(self) -> str:
        """The end of the address that admits."""
        return f"/?key={self._key}"

    @property
    def proof(self) -> str:
        """What a page sends back to show that it was served here."""
        return self._tokens.proof("page", "")

    @property
    def cookie(self) -> str:
        """The name of the cookie; another one for each server, since ports of a host share cookies."""
        return f"try-{self._tokens.proof('mark', '')[:8]}"

    def entered(self, request: Request) -> Response | None:
        """Return the answer to the address with the secret: a cookie, and the address without it; None to others."""
        if not self._tokens.proves("link", "", request.query_params.get("key", "")):
            return None
        answer = RedirectResponse("/", 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(self.cookie, self._key, httponly=True, samesite="lax", secure=secure)
        return answer

    def admitted(self, request: Request) -> None:
        """Check that a request has the secret.

        Raises:
            NotAdmitted: it has not.
        """
        if not self._tokens.proves("link", "", request.cookies.get(self.cookie, "")):
            raise NotAdmitted

    def asks(self, request: Request) -> None:
        """Check that a request that changes something comes from a page of ours.

        Raises:
            NotAdmitted: without the secret.
            fastapi.HTTPException: 403, it is none of our pages' requests.
        """
        self.admitted(request)
        proven(request, lambda given: self._tokens.proves("page", "", given))

    @property
    def _key(self) -> str:
        return self._tokens.proof("link", "")
