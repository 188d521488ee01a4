"""The frame of all servers: an application without routes, its pages, and how its errors are told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from sqlalchemy.exc import DatabaseError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp

from benchmark.web.database import LostDatabase, is_busy, storage_fault
from benchmark.web.files import NoSuchFile
from benchmark.web.security import Guard
from benchmark.web.tokens import BadToken
from foundation.records import in_words

log = logging.getLogger(__name__)

READING = ["GET", "HEAD"]  # of pages and media; the server that sends an answer leaves out the body of HEAD


class _Guarded(FastAPI):
    """An application behind `Guard` with all that it answers: also what it says where an error was not expected."""

    hosts: Iterable[str] = ()
    files: Mapping[str, int] | None = None

    def build_middleware_stack(self) -> ASGIApp:
        return Guard(super().build_middleware_stack(), hosts=self.hosts, files=self.files)


def new_app(room: str, *, hosts: Iterable[str] = (), files: Mapping[str, int] | None = None) -> FastAPI:
    """Return an application that has everything but routes.

    Args:
        room: package whose folder `static` is served below /static/<last part of its name>/; the frame's own is
            below /static/frame/.
        hosts: names that it may be asked by, see `Guard`.
        files: addresses that take files, and how many bytes each takes, see `Guard`.
    """
    app = _Guarded(docs_url=None, redoc_url=None, openapi_url=None)  # no page that loads scripts from elsewhere
    app.hosts, app.files = tuple(hosts), files
    app.mount("/static/frame", StaticFiles(packages=[("benchmark.web", "static")]))
    app.mount(f"/static/{room.rpartition('.')[2]}", StaticFiles(packages=[(room, "static")]))
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(BadToken, _unknown)
    app.add_exception_handler(NoSuchFile, _unknown)
    app.add_exception_handler(DatabaseError, _not_kept)
    app.add_exception_handler(LostDatabase, _not_kept)
    return app


class Pages:
    """The pages of one server, from templates in which every value is escaped and a missing one is an error."""

    def __init__(self, room: str, **always: Any) -> None:
        """Find the templates of the frame and of `room`; `always` is known to each of them."""
        self._pages = Environment(
            loader=ChoiceLoader([PackageLoader(room, "templates"), PackageLoader("benchmark.web", "templates")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.globals.update(always)

    def page(self, template: str, /, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return the page of a template."""
        return HTMLResponse(self._pages.get_template(template).render(**values), status_code=status)


def refusal(
    request: Request, status: int, error: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Return the answer to a request that is not granted: a page where a browser was to show one, else JSON.

    Args:
        request: what was asked.
        status: of HTTP.
        error: tells a person why.
        headers: of the answer.
        more: what a script needs to go on by itself, beside `error`.
    """
    shown = dict(headers or {})
    if request.method in READING and "text/html" in request.headers.get("accept", ""):
        page = _OWN.page("refusal.html", status=status, name=HTTPStatus(status).phrase, error=error)
        page.headers.update(shown)
        return page
    return JSONResponse({"error": error, **more}, status, headers=shown)


def proven(given: Request, proves: Callable[[str], bool]) -> None:
    """Check the header in which our pages send their proof.

    Raises:
        HTTPException: 403, it is missing or another page's.
    """
    if not proves(given.headers.get("x-proof", "")):
        raise HTTPException(403, "this page is no longer valid; load it again")


_OWN = Pages("benchmark.web", language="en", direction="ltr")


def _not_understood(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    return refusal(request, 422, "; ".join(_told(one) for one in found) or "not understood")


def _told(fault: Mapping[str, Any]) -> str:
    """Return a fault of what was sent with the place at which it is: a field, or the whole body."""
    if fault["type"] == "json_invalid":
        return f"the body is not JSON: {fault['ctx']['error']}"
    return f"{'.'.join(str(part) for part in fault['loc'][1:]) or 'the body'}: {in_words(fault, with_value=False)}"


def _refused(request: Request, error: Exception) -> Response:
    """Tell what the framework itself refuses, and what `proven` does, in the form that every other refusal has."""
    if not isinstance(error, HTTPException):
        raise error
    return refusal(request, error.status_code, error.detail, headers=error.headers)


def _unknown(request: Request, _error: Exception) -> Response:
    return refusal(request, 404, "there is no such thing, or not for you")


def _not_kept(request: Request, error: Exception) -> Response:
    fault = storage_fault(error)
    if fault is not None:
        log.error("an answer could not be kept: %s", fault)
        return refusal(request, 507, "the server cannot write to its disk; nothing is lost if this page stays open")
    if is_busy(error):
        return refusal(request, 503, "busy; ask again", headers={"Retry-After": "1"})
    raise error
