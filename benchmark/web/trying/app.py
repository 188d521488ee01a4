"""The page as an application: what each address answers."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, unquote

import anyio
from fastapi import FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from benchmark.web.files import MediaFiles
from benchmark.web.frame import Pages, new_app, refusal
from benchmark.web.link import NotAdmitted
from benchmark.web.playing import PLAYED_TYPES
from benchmark.web.trying.answering import MOST_PROMPTS, Answer, Question
from benchmark.web.trying.door import Door
from benchmark.web.trying.films import LARGEST_FILM, MOST_SCENES, Film, Films, NoLongerKept, UnusableFilm
from benchmark.web.trying.line import Line, LineFull
from benchmark.web.trying.models import Models
from foundation.disk import UnusablePlace, check_room
from vgg_monoaudio.dataset import BenchmarkError
from vgg_monoaudio.encoding import EncodingStopped

ROOM = "benchmark.web.trying"
LONGEST_PROMPT = 300  # characters
LARGEST_SEED = 2**53 - 1  # a browser's numbers are exact up to here

log = logging.getLogger(__name__)

_TYPES = {".mp4": "video/mp4", ".wav": "audio/wav", ".jpg": "image/jpeg", ".png": "image/png"}
_STATUS = {LineFull: 503, UnusableFilm: 422, BenchmarkError: 409, NoLongerKept: 404, UnusablePlace: 507}

Prompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_PROMPT)]


class QuestionIn(BaseModel):
    """A question, as sent."""

    model_config = ConfigDict(extra="forbid")
    film: str = Field(max_length=500)
    models: list[str] = Field(min_length=1, max_length=100)
    prompts: list[Prompt] = Field(min_length=1, max_length=MOST_PROMPTS)
    negative_prompt: str = Field(default="", max_length=LONGEST_PROMPT)
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)


@dataclass(frozen=True)
class Site:
    """Everything that the page needs.

    Attributes:
        folder: of films and answers; gone when the server has ended.
        films: that may be asked about.
        models: that may be asked.
        line: of questions.
        door: who comes in.
    """

    folder: Path
    films: Films
    models: Models
    line: Line
    door: Door


def create_app(site: Site, *, hosts: Iterable[str] = ()) -> FastAPI:
    """Return the application of a site.

    Args:
        site: open.
        hosts: names that it may be asked by, see `benchmark.web.security.Guard`.
    """
    app = new_app(ROOM, hosts=hosts, files={"/api/films": LARGEST_FILM})
    pages = Pages(ROOM, language="en", direction="ltr")
    for kind, status in _STATUS.items():
        app.add_exception_handler(kind, _told(status))
    app.add_exception_handler(NotAdmitted, lambda request, _error: _not_admitted(request, pages))
    app.add_exception_handler(EncodingStopped, _no_copy)
    _add_page(app, site, pages)
    _add_films(app, site)
    _add_tries(app, site)
    return app


def _add_page(app: FastAPI, site: Site, pages: Pages) -> None:
    @app.get("/")
    def page(request: Request) -> Response:
        entered = site.door.entered(request)
        if entered is not None:
            return entered
        site.door.admitted(request)
        return pages.page(
            "page.html", proof=site.door.proof, models=site.models.shown, benchmark=site.films.benchmark.name,
            most_prompts=MOST_PROMPTS, longest_prompt=LONGEST_PROMPT, largest_seed=LARGEST_SEED,
            largest_film=LARGEST_FILM,
        )  # fmt: skip


def _add_films(app: FastAPI, site: Site) -> None:
    films = site.films

    @app.get("/api/scenes")
    def scenes(request: Request, find: Annotated[str, Query(max_length=LONGEST_PROMPT)] = "") -> Response:
        site.door.admitted(request)
        found, count = films.scenes(find)
        return JSONResponse({"scenes": found, "count": count, "most": MOST_SCENES})

    @app.get("/api/film")
    def film(request: Request, key: str) -> Response:
        site.door.admitted(request)
        return JSONResponse(_shown(films.film(key)))

    @app.get("/film")
    def played(request: Request, key: str) -> Response:
        site.door.admitted(request)
        path = films.film(key).played
        kind = PLAYED_TYPES.get(path.suffix.lower(), "video/mp4")
        return MediaFiles(path.parent, {"film": path}).response("film", media_type=kind)

    @app.post("/api/films")
    async def send(request: Request) -> Response:
        site.door.asks(request)
        name = unquote(request.headers.get("x-name", ""))
        path = films.new_path(name)
        try:
            await _written(request, path)
        except ClientDisconnect:  # nobody waits for an answer
            return Response(status_code=400)
        return JSONResponse(_shown(await run_in_threadpool(films.take, path, name)))


def _add_tries(app: FastAPI, site: Site) -> None:
    line, models = site.line, site.models

    @app.post("/api/tries")
    def ask(request: Request, given: QuestionIn) -> Response:
        site.door.asks(request)
        unknown = [name for name in given.models if name not in models]
        if unknown:
            there = ", ".join(one.name for one in models.shown)
            raise HTTPException(422, f"models: {unknown[0]!r} is not tried here; there are: {there}")
        film = site.films.film(given.film)
        names, prompts = tuple(dict.fromkeys(given.models)), tuple(dict.fromkeys(given.prompts))
        question = Question(film, names, prompts, given.negative_prompt.strip(), given.seed)
        return JSONResponse({"key": line.ask(question)})

    @app.get("/api/tries/{key}")
    def standing(request: Request, key: str) -> Response:
        site.door.admitted(request)
        found = line.standing(key)
        answers = [_answer(key, place, one) for place, one in enumerate(found.answers)]
        return JSONResponse({**asdict(found), "answers": answers})

    @app.post("/api/tries/{key}/stop")
    def stop(request: Request, key: str) -> Response:
        site.door.asks(request)
        line.stop(key)
        return Response(status_code=204)

    @app.get("/tries/{key}/{place}/{name}")
    def file(request: Request, key: str, place: int, name: str) -> Response:
        site.door.admitted(request)
        answers = line.standing(key).answers
        path = answers[place].files.get(name) if 0 <= place < len(answers) else None
        if path is None:
            raise NoLongerKept("there is no such file")
        return MediaFiles(site.folder, {name: path}).response(name, media_type=_TYPES[path.suffix])


async def _written(request: Request, path: Path) -> None:
    """Write what is sent; nothing is left of it where that fails.

    Raises:
        foundation.disk.UnusablePlace: the disk has no room for it.
        fastapi.HTTPException: 413, it is too large; 507, it cannot be written.
        starlette.requests.ClientDisconnect: who sends it has gone.
    """
    check_room(path.parent, int(request.headers.get("content-length", "0")), "the film that is sent")
    whole = False
    try:
        async with await anyio.open_file(path, "wb") as file:
            async for piece in request.stream():
                await file.write(piece)
        whole = True
    except OSError as error:
        log.error("%s: %s", path, error.strerror)
        raise HTTPException(507, f"the server cannot keep the film: {error.strerror}") from error
    finally:
        if not whole:
            path.unlink(missing_ok=True)


def _shown(film: Film) -> dict[str, Any]:
    """Return what the page is told of a film."""
    address = f"/film?key={quote(film.key, safe='')}"
    return {"key": film.key, "name": film.name, "seconds": film.seconds, "prompts": film.prompts, "address": address}


def _answer(key: str, place: int, answer: Answer) -> dict[str, Any]:
    """Return what the page is told of an answer: its files by their addresses."""
    files = {name: f"/tries/{key}/{place}/{name}" for name in answer.files}
    return {**asdict(answer.part), "fault": answer.fault, "seconds": answer.seconds, "files": files}


def _told(status: int) -> Any:
    return lambda request, error: refusal(request, status, str(error))


def _not_admitted(request: Request, pages: Pages) -> Response:
    if request.url.path == "/":
        return pages.page("no_link.html", status=403, proof="")
    return refusal(request, 403, "open the page by the address that the terminal shows")


def _no_copy(request: Request, error: Exception) -> Response:
    log.error("%s", error)
    reason = getattr(error, "reason", "") or str(error)
    return refusal(request, 507, f"no copy of the film can be made that browsers play: {reason}")
