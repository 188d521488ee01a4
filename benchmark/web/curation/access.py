"""Who asks: people who have the link, by the names they gave."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from benchmark.web.curation.names import Names
from benchmark.web.frame import proven
from benchmark.web.link import Link, set_cookie
from benchmark.web.tokens import Tokens

COOKIE_SECONDS = 90 * 24 * 3600


class WithoutName(Exception):
    """A request of somebody who has not said a name yet."""


@dataclass(frozen=True)
class Access:
    """Tells reviewers apart by a cookie that was signed here.

    Attributes:
        tokens: signs.
        names: of the reviewers.
        by_link: whether only those are admitted who have the link with the secret.
        default: name of whoever has said none; None: it is asked for.
    """

    tokens: Tokens
    names: Names
    by_link: bool = False
    default: str | None = None

    @property
    def link(self) -> str:
        """The end of the address that admits."""
        return self._link.end if self.by_link else "/"

    def admitted(self, request: Request) -> None:
        """Check that a request has the secret, if it needs one.

        Raises:
            benchmark.web.link.NotAdmitted: it has not.
        """
        if self.by_link:
            self._link.admitted(request)

    def entered(self, request: Request) -> Response | None:
        """Return the answer to the address with the secret, see `Link.entered`; None to others."""
        return self._link.entered(request) if self.by_link else None

    def reviewer(self, request: Request) -> str:
        """Return the name of who asks.

        Raises:
            benchmark.web.link.NotAdmitted: without the secret of the link.
            WithoutName: no name was given yet.
        """
        self.admitted(request)
        name = self._name(request)
        if name is None:
            raise WithoutName
        self.names.seen(name)
        return name

    def writer(self, request: Request) -> str:
        """Return the name of who sends a decision from one of our pages.

        Raises:
            benchmark.web.link.NotAdmitted, WithoutName: as `reviewer`.
            fastapi.HTTPException: 403, the request is none of a page that was served to this reviewer; 409, another
                spelling of the name has decided meanwhile.
        """
        reviewer = self.reviewer(request)
        proven(request, lambda given: self.tokens.proves("page", reviewer, given))
        try:
            self.names.decides(reviewer)
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
        return reviewer

    def named(self, request: Request, name: str, *, proof: str, is_me: bool) -> Response:
        """Return the answer that gives a browser its name.

        Args:
            request: what asks for it.
            name: as it was given.
            proof: that a page of ours asks.
            is_me: whether a name that is known here was said to be one's own.

        Raises:
            benchmark.web.link.NotAdmitted: without the secret of the link.
            ValueError: no page of ours asks, no name for a person, or a known one spelled in another way.
            benchmark.web.curation.names.NameKnown: it is known here, and `is_me` is false.
        """
        self.admitted(request)
        if not self.tokens.proves("page", "", proof):
            raise ValueError("this page was no longer valid; send your name again")
        taken = self.names.take(name, before=self._name(request), is_me=is_me)
        answer = RedirectResponse("/", 303)
        signed = self.tokens.signed("reviewer", taken)
        set_cookie(answer, request, self.cookie("reviewer"), signed, COOKIE_SECONDS)
        return answer

    def cookie(self, what: str) -> str:
        """Return the name of a cookie; another one for each folder, since ports of a host share cookies."""
        return f"curation-{what}-{self.tokens.proof('mark', '')[:8]}"

    def proof(self, reviewer: str) -> str:
        """Return what a page served to this reviewer sends back; "" is nobody yet."""
        return self.tokens.proof("page", reviewer)

    @property
    def _link(self) -> Link:
        return Link(self.tokens, self.cookie("key"), COOKIE_SECONDS)

    def _name(self, request: Request) -> str | None:
        """Return the name of the browser that asks; None where it has none."""
        return self.tokens.word("reviewer", request.cookies.get(self.cookie("reviewer"))) or self.default
