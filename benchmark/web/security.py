"""What stands before every request: how large it may be, who sends it, what browsers may do with the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 64 * 1024  # bytes; an answer has a few hundred, a note some thousand

# Nothing but what this server itself serves: no inline script or style, no other host, no frame around it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all, forms of our own pages come from the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}
_LONGEST_NUMBER = 20  # digits of a length
_HOST = re.compile(r"((?P<name>[A-Za-z0-9._-]*)|\[(?P<address>[0-9A-Fa-f:.]+)\])(:[0-9]{0,5})?")
_SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """ASGI middleware: refuses large bodies and requests that other sites send, and adds the headers above.

    The proof that a page was served here (`Tokens.proof`) is checked by the routes, which know whose page it was.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = (), files: Mapping[str, int] | None = None) -> None:
        """Stand before `app`.

        Args:
            app: what answers.
            hosts: names that requests may ask this server by; empty: any. With names, a page of another site cannot
                reach a server on this machine by giving its own name this address.
            files: addresses that take files, and how many bytes each takes. What is sent there is handed on piece by
                piece, for the route to write down; all else is taken whole, and has `LARGEST_BODY` at most.
        """
        self._app, self._hosts, self._files = app, frozenset(hosts), dict(files or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if "cache-control" not in headers:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        most = self._files.get(scope["path"], LARGEST_BODY)
        refused = self._refusal(scope, most)
        if refused is not None:
            await refused(scope, receive, with_headers)
            return
        if scope["path"] in self._files:
            await self._app(scope, _Counted(receive, most), with_headers)
            return
        body = await _body(receive)
        if body is None:
            await _too_large(most)(scope, receive, with_headers)
        elif body["type"] == "http.request":  # else who asked has gone
            await self._app(scope, _Again(body, receive), with_headers)

    def _refusal(self, scope: Scope, most: int) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        name = host_name(host)
        if name is None:
            return JSONResponse({"error": "the header Host holds no name"}, 400)
        if self._hosts and name not in self._hosts:
            return JSONResponse({"error": "this server does not answer to that name"}, 421)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > _LONGEST_NUMBER or int(length) > most:
            return _too_large(most)
        if scope["method"] not in _SAFE and not _same_site(headers, host):
            return JSONResponse({"error": "sent from another site"}, 403)
        return None


def _same_site(headers: Headers, host: str) -> bool:
    """Tell whether a browser says that one of our own pages sends this; programs that are no browsers say nothing."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == host
    except ValueError:  # "http://["
        return False


def host_name(host: str) -> str | None:
    """Return the name in the header Host, in small letters and without its port; None where it is no NAME[:PORT]."""
    found = _HOST.fullmatch(host)
    return None if found is None else (found["name"] or found["address"] or "").lower()


def _too_large(most: int) -> JSONResponse:
    return JSONResponse({"error": _sentence(most)}, 413)


def _sentence(most: int) -> str:
    return f"the request is too large: at most {most:,} bytes"


async def _body(receive: Receive) -> Message | None:
    """Return a body in one message, or that there is none since the client has gone; None: it is too large.

    It is taken before anything else, so that one that says nothing of its length is refused like any other.
    """
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        if not message.get("more_body", False):
            return {"type": "http.request", "body": body, "more_body": False}


class _Again:
    """Gives a message that was taken already, then those that follow."""

    def __init__(self, first: Message, receive: Receive) -> None:
        self._first: Message | None = first
        self._receive = receive

    async def __call__(self) -> Message:
        first, self._first = self._first, None
        return await self._receive() if first is None else first


class _Counted:
    """Hands on a body piece by piece, and stops where it is larger than it may be: it need not say its length."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most, self._left = receive, most, most

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, _sentence(self._most))
        return message
