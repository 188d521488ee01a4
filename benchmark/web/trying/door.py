"""Who may use the page: whoever has its link, which is another one every time that the server begins."""

from __future__ import annotations

import secrets

from fastapi import Request
from starlette.responses import Response

from benchmark.web.frame import proven
from benchmark.web.link import Link
from benchmark.web.tokens import SECRET_BYTES, Tokens


class Door:
    """Admits by a link with a secret, on this machine too: on a shared one others reach its loopback address."""

    def __init__(self) -> None:
        """Draw the secret; it is written nowhere, and ends with the server."""
        self._tokens = Tokens(secrets.token_bytes(SECRET_BYTES))
        self._link = Link(self._tokens, f"try-{self._tokens.proof('mark', '')[:8]}")

    @property
    def link(self) -> str:
        """The end of the address that admits."""
        return self._link.end

    @property
    def proof(self) -> str:
        """What a page sends back to show that it was served here."""
        return self._tokens.proof("page", "")

    def entered(self, request: Request) -> Response | None:
        """Return the answer to the address with the secret, see `Link.entered`."""
        return self._link.entered(request)

    def admitted(self, request: Request) -> None:
        """Check that a request has the secret.

        Raises:
            benchmark.web.link.NotAdmitted: it has not.
        """
        self._link.admitted(request)

    def asks(self, request: Request) -> None:
        """Check that a request that changes something comes from a page of ours.

        Raises:
            benchmark.web.link.NotAdmitted: without the secret.
            fastapi.HTTPException: 403, it is none of our pages' requests.
        """
        self.admitted(request)
        proven(request, lambda given: self._tokens.proves("page", "", given))
