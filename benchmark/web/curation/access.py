"""Who asks: people who have the link, by the names they gave."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from benchmark.web.frame import proven
from benchmark.web.tokens import Tokens
from foundation.text import composed
from vgg_monoaudio.selection.decisions import is_program

LONGEST_NAME = 60  # characters
COOKIE_SECONDS = 90 * 24 * 3600


class WithoutName(Exception):
    """A request of somebody who has not said a name yet."""


class NotAdmitted(Exception):
    """A request from afar without the secret of the link."""


@dataclass(frozen=True)
class Access:
    """Tells reviewers apart by a cookie that was signed here.

    Attributes:
        tokens: signs.
        by_link: whether only those are admitted who have the link with the secret.
        default: name of whoever has said none; None: it is asked for.
    """

    tokens: Tokens
    by_link: bool = False
    default: str | None = None

    @property
    def link(self) -> str:
        """The end of the address that admits."""
        return f"/?key={self._key}" if self.by_link else "/"

    def admitted(self, request: Request) -> None:
        """Check that a request has the secret, if it needs one.

        Raises:
            NotAdmitted: it has not.
        """
        if self.by_link and not self.tokens.proves("link", "", request.cookies.get(self.cookie("key"), "")):
            raise NotAdmitted

    def entered(self, request: Request) -> Response | None:
        """Return the answer to the address with the secret: a cookie, and the address without it; None to others."""
        key = request.query_params.get("key")
        if key is None or not self.by_link or not self.tokens.proves("link", "", key):
            return None
        answer = RedirectResponse("/", 303)
        self._set(answer, request, self.cookie("key"), self._key)
        return answer

    def reviewer(self, request: Request) -> str:
        """Return the name of who asks.

        Raises:
            NotAdmitted: without the secret of the link.
            WithoutName: no name was given yet.
        """
        self.admitted(request)
        name = self.tokens.word("reviewer", request.cookies.get(self.cookie("reviewer"))) or self.default
        if name is None:
            raise WithoutName
        return name

    def writer(self, request: Request) -> str:
        """Return the name of who sends a decision from one of our pages.

        Raises:
            NotAdmitted, WithoutName: as `reviewer`.
            fastapi.HTTPException: 403, the request is none of a page that was served to this reviewer.
        """
        reviewer = self.reviewer(request)
        proven(request, lambda given: self.tokens.proves("page", reviewer, given))
        return reviewer

    def named(self, request: Request, name: str, known: Collection[str]) -> Response:
        """Return the answer that gives a browser its name.

        Args:
            request: what asks for it.
            name: as it was given.
            known: names of those who decided already.

        Raises:
            NotAdmitted: without the secret of the link.
            fastapi.HTTPException: 403, no page of ours asks; 422, no name for a person, or a known one spelled in
                another way.
        """
        self.admitted(request)
        proven(request, lambda given: self.tokens.proves("page", "", given))
        try:
            taken = checked_name(name)
            check_spelling(taken, known)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        answer = Response(status_code=204)
        self._set(answer, request, self.cookie("reviewer"), self.tokens.signed("reviewer", taken))
        return answer

    def cookie(self, what: str) -> str:
        """Return the name of a cookie; another one for each folder, since ports of a host share cookies."""
        return f"curation-{what}-{self.tokens.proof('mark', '')[:8]}"

    def proof(self, reviewer: str) -> str:
        """Return what a page served to this reviewer sends back; "" is nobody yet."""
        return self.tokens.proof("page", reviewer)

    @property
    def _key(self) -> str:
        return self.tokens.proof("link", "")

    def _set(self, answer: Response, request: Request, name: str, value: str) -> None:
        secure = request.url.scheme == "https"
        answer.set_cookie(name, value, max_age=COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure)


def check_spelling(name: str, known: Collection[str]) -> None:
    """Refuse a name that differs from a known one by small and capital letters alone: its decisions would count twice.

    Raises:
        ValueError: gives the known spelling.
    """
    same = sorted(other for other in known if other.casefold() == name.casefold())
    if same and name not in same:
        raise ValueError(f"name: {same[0]!r} has decided here; if that is you, spell it so, else take another name")


def checked_name(name: str) -> str:
    """Return a reviewer's name in its one form.

    Raises:
        ValueError: empty, too long, unprintable, or that of a program.
    """
    name = composed(" ".join(name.split()))
    if not name:
        raise ValueError("name: expected one, got none")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"name: expected at most {LONGEST_NAME} characters, got {len(name)}")
    if not name.isprintable():
        raise ValueError("name: expected characters that can be shown")
    if is_program(name):
        raise ValueError(f"name: {name!r} is kept for programs")
    return name
