"""The study's server: its pages, each of which a rater sees when it is due and not before."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from math import ceil
from typing import Self
from urllib.parse import quote, urlsplit

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from benchmark.web.frame import READING, Pages, new_app
from benchmark.web.serving import is_loopback, own_names
from benchmark.web.study import raters, views
from benchmark.web.study.admin import Admin
from benchmark.web.study.api import Api
from benchmark.web.study.codes import deletion_code
from benchmark.web.study.door import Door, refused
from benchmark.web.study.messages import Refused
from benchmark.web.study.sitting import is_full, place_of
from benchmark.web.study.study import ROOM, Study
from benchmark.web.study.tables import Rater

log = logging.getLogger(__name__)

THREADS = 4  # at requests at a time: one writes, and many that wait for their turn would only keep it from doing so


@dataclass(frozen=True)
class Serving:
    """How a study is served.

    Attributes:
        url: under which raters reach it, without a slash at the end; "": as they asked.
        hosts: names that it may be asked by; empty: any.
        admin_anywhere: the page for those who hold the study answers other machines too.
    """

    url: str = ""
    hosts: tuple[str, ...] = ()
    admin_anywhere: bool = False

    @classmethod
    def on(cls, host: str, url: str = "", *, admin_anywhere: bool = False) -> Self:
        """Return how a study is served that listens on `host`.

        Raises:
            ValueError: `url` is no address of a whole server.
        """
        if not url:
            return cls("", tuple(own_names(host)) if is_loopback(host) else (), admin_anywhere)
        name = _name_of_server(url)
        if name is None:
            raise ValueError(f"--url: expected https://NAME without a path, got {url!r}")
        return cls(url.rstrip("/"), (*own_names(host), name), admin_anywhere)


def _name_of_server(url: str) -> str | None:
    """Return the name in the address of a whole server; None where it is no such address."""
    try:
        address = urlsplit(url)
        _ = address.port  # refuses one that is no number
    except ValueError:  # also "https://["
        return None
    more = address.path.strip("/") or "@" in address.netloc or "?" in url or "#" in url
    return None if more or address.scheme not in ("http", "https") else address.hostname


def study_app(study: Study, serving: Serving = Serving(), *, ticks: Callable[[], float] = time.monotonic) -> FastAPI:
    """Return the application that answers for a study; it closes the study when it ends.

    Args:
        study: which one.
        serving: how.
        ticks: seconds, by which it is counted how often one asks; never set, as the clock of the study may be.
    """
    app = new_app(ROOM, hosts=serving.hosts)
    app.router.lifespan_context = _closing(study)
    app.add_exception_handler(Refused, refused)
    design = study.design
    pages = Pages(
        ROOM, language=design.language, direction=design.direction, texts=design.texts, title=design.title,
        study=study.mark, form=design.form, contact=design.contact,
    )  # fmt: skip
    door = Door(study, url=serving.url, ticks=ticks)
    app.include_router(Api(study, door).router())
    app.include_router(_Way(study, door, pages, serving.url).router())
    app.include_router(Admin(study, pages, anywhere=serving.admin_anywhere, url=serving.url, ticks=ticks).router())
    return app


class _Way:
    """The routes of the pages."""

    def __init__(self, study: Study, door: Door, pages: Pages, url: str) -> None:
        self._study, self._door, self._pages, self._url = study, door, pages, url
        self._warned: set[str] = set()

    def router(self) -> APIRouter:
        router = APIRouter(default_response_class=Response)
        router.add_api_route("/", self.begin, methods=READING)
        router.add_api_route("/resume/{token}", self.resume, methods=READING)
        for step in (*raters.STEPS, "complete", "withdrawn"):
            router.add_api_route(f"/{step}", self.page, methods=READING)
        return router

    def begin(self, request: Request) -> Response:
        """Register who comes, or lead back who was here; the ids of a panel do not stay in the address."""
        query = dict(request.query_params)
        panel, key = raters.Panel.of(query), self._door.key(request)
        self._warn_of(query)
        with self._study.database.reading() as session:
            known = raters.find(session, key) if key and panel is None else None
            if known is not None:
                return _to(self._place(session, known))
            if panel is None and is_full(self._study, session, self._study.clock()):
                return _to("/complete")
        if request.method == "HEAD":
            return _to("/consent")  # a program that looks whether the address is right is no rater
        self._door.may_arrive(request)
        with self._study.database.writing() as session:
            forgotten = raters.forget_idle(session, self._study.clock())
            rater, sure = raters.arrived(self._study, session, panel, self._study.clock())
            key, place = rater.key, self._place(session, rater)
        if forgotten:
            self._study.database.compact(pauses=(0.0,))
        response = _to(place)
        self._door.remember(response, request, key, sure=sure)
        return response

    def resume(self, request: Request, token: str) -> Response:
        """Go on in another browser."""
        key = str(self._study.tokens.opened("resume", token))
        response = _to("/")
        self._door.remember(response, request, key)
        return response

    def page(self, request: Request) -> Response:
        """Return the page on which the rater is, or lead there."""
        asked, key = request.url.path, self._door.key(request)
        with self._study.database.reading() as session:
            rater = raters.find(session, key) if key else None
            place = self._place(session, rater) if rater else ""
        if rater is None:
            if asked not in ("/complete", "/withdrawn"):
                return _to("/")
            return self._shown(request, asked, None, "full")
        if place != asked:
            return _to(place)
        return self._shown(request, asked, rater, "headphones" if rater.step == raters.UNSUITED else "full")

    def _warn_of(self, query: dict[str, str]) -> None:
        """Say once what whoever wrote the link has to see; the ids themselves belong in no log."""
        for name in raters.unusable_ids(query):
            self._warn_once(
                f"{name} in the address of a rater is no id (letters, digits, - and _, at most 64); such raters count "
                "as coming without a panel; look whether the link given to the panel has the placeholder that it fills "
                "in"
            )
        for name in raters.without_session(query):
            self._warn_once(
                f"{name} is missing in the address of a rater whom a panel sent; who comes again in another browser "
                "then sees neither the deletion code nor the personal link; give the panel the link with all its "
                "placeholders"
            )

    def _warn_once(self, warning: str) -> None:
        if warning not in self._warned:
            self._warned.add(warning)
            log.warning(warning)

    def _place(self, session: Session, rater: Rater) -> str:
        return place_of(self._study, session, rater, self._study.clock())

    def _shown(self, request: Request, path: str, rater: Rater | None, reason: str) -> Response:
        name, key = path.removeprefix("/"), rater.key if rater else ""
        tokens = self._study.tokens
        sure = rater is not None and self._door.is_sure(request)
        base = self._url or str(request.base_url).rstrip("/")
        return self._pages.page(
            f"{name}.html",
            page=self._content(name, rater, reason, sure=sure),
            proof=tokens.proof("rater", key),
            resume=f"{base}/resume/{quote(tokens.signed('resume', key))}" if sure else "",
        )

    def _content(self, name: str, rater: Rater | None, reason: str, *, sure: bool) -> views.Page:
        design = self._study.design
        if name == "withdrawn":
            return views.WithdrawnPage()
        if rater is None or name == "complete":
            agreed = rater is not None and rater.panel != "" and rater.consented_at is not None and reason == "full"
            back = (design.completion_code, design.completion_url) if agreed else ("", "")
            return views.CompletePage(reason, *back)
        match name:
            case "consent":
                minutes = ceil(design.seconds_per_rater / 60)
                return views.ConsentPage(minutes, _paragraphs(design.consent), _paragraphs(design.data_kept))
            case "checks":
                left = design.headphone_tries - rater.headphone_tries
                required = design.headphone_check is True
                return views.ChecksPage(bool(rater.device), raters.needs_headphones(rater, design), required, left)
            case "questionnaire":
                return views.QuestionnairePage(design.questionnaire)
            case "thanks":
                deletion = deletion_code(self._study.tokens, rater.key) if sure else ""
                return views.ThanksPage(design.completion_code, design.completion_url, deletion)
        return views.TutorialPage() if name == "tutorial" else views.RatePage()


def _closing(study: Study) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        yield
        study.close()

    return running


def _to(place: str) -> RedirectResponse:
    return RedirectResponse(place, 303)


def _paragraphs(text: str) -> tuple[str, ...]:
    parts: Iterable[str] = (" ".join(part.split()) for part in text.split("\n\n"))
    return tuple(part for part in parts if part)
