"""The page for those who hold a study: how far it is. It needs a secret, and answers this machine alone by default."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from benchmark.web.files import NoSuchFile
from benchmark.web.frame import READING, Pages
from benchmark.web.limits import RateLimit, line_of
from benchmark.web.security import host_name
from benchmark.web.serving import is_loopback
from benchmark.web.study.door import over_tls
from benchmark.web.study.messages import Refused
from benchmark.web.study.status import status
from benchmark.web.study.study import Study
from benchmark.web.tokens import read_secret

TRIES_PER_SECOND, TRIES_AT_ONCE = 0.2, 10  # of the secret, from one address: who guesses shuts nobody else out
COOKIE_SECONDS = 12 * 3600


class Admin:
    """The routes below /admin."""

    def __init__(
        self, study: Study, pages: Pages, *, anywhere: bool, url: str = "", ticks: Callable[[], float] = time.monotonic
    ) -> None:
        """Answer for a study; `anywhere`: other machines too; for `url` and `ticks` see `Door`."""
        self._study, self._pages, self._anywhere, self._url = study, pages, anywhere, url
        self._secret = read_secret(study.folder.admin).hex()
        self._tries = RateLimit(TRIES_PER_SECOND, TRIES_AT_ONCE, clock=ticks)

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(default_response_class=Response)
        router.add_api_route("/admin", self.page, methods=READING)
        router.add_api_route("/admin", self.enter, methods=["POST"])
        return router

    def page(self, request: Request) -> Response:
        """Return how far the study is; or the form that asks for the secret."""
        self._check_place(request)
        if not self._is_known(request):
            return self._pages.page("admin_enter.html", wrong=False)
        return self._pages.page("admin.html", found=status(self._study))

    async def enter(self, request: Request) -> Response:
        """Take the secret, as the form sends it; it is in no address and in no log."""
        self._check_place(request)
        seconds = self._tries.wait_seconds(line_of(request.client.host) if request.client else "")
        if seconds > 0:
            raise Refused(429, "too many tries; wait a little", retry_seconds=seconds)
        given = parse_qs((await request.body()).decode("utf-8", "replace")).get("secret", [""])[0].strip()
        if not secrets.compare_digest(given.encode(), self._secret.encode()):
            return self._pages.page("admin_enter.html", status=403, wrong=True)
        response = RedirectResponse("/admin", 303)
        response.set_cookie(
            self._cookie, self._study.tokens.signed("admin", self._secret_mark), max_age=COOKIE_SECONDS, httponly=True,
            samesite="strict", secure=over_tls(request, self._url), path="/admin",
        )  # fmt: skip
        return response

    @property
    def _cookie(self) -> str:
        return f"admin-{self._study.mark}"

    @property
    def _secret_mark(self) -> str:
        """Another one for another secret, so that a new secret ends what the old one opened."""
        return self._study.tokens.proof("admin", self._secret)[:16]

    def _is_known(self, request: Request) -> bool:
        return self._study.tokens.word("admin", request.cookies.get(self._cookie)) == self._secret_mark

    def _check_place(self, request: Request) -> None:
        """Refuse other machines: by the address that asks, and by the name that is asked, which a proxy passes on."""
        client = request.client.host if request.client else ""
        name = host_name(request.headers.get("host", "")) or ""
        if not self._anywhere and not (is_loopback(client) and is_loopback(name)):
            raise NoSuchFile("/admin is asked from another machine")
