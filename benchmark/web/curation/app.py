"""The curation page as an application: what each address answers."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, RedirectResponse, Response

from benchmark.web.curation.access import WithoutName
from benchmark.web.curation.media import Footage
from benchmark.web.curation.names import LONGEST_NAME, NameKnown
from benchmark.web.curation.pairs import PairAnswer
from benchmark.web.curation.site import Site
from benchmark.web.files import NoSuchFile
from benchmark.web.frame import Pages, new_app
from benchmark.web.link import NotAdmitted
from foundation.files import WriteFailed
from foundation.media import MediaError
from foundation.records import escaped
from vgg_monoaudio.encoding import EncodingStopped
from vgg_monoaudio.selection.clip_ids import WINDOW_SECONDS
from vgg_monoaudio.selection.decision_files import BadCuration
from vgg_monoaudio.selection.decisions import SCENE_SECONDS, Decision
from vgg_monoaudio.taxonomy import CATEGORIES, load_labels

ROOM = "benchmark.web.curation"
LONGEST_NOTE = 2_000  # characters

log = logging.getLogger(__name__)


class DecisionIn(BaseModel):
    """A decision about a clip, as sent."""

    model_config = ConfigDict(extra="forbid")
    single_source: bool
    visible: bool
    label_matches: bool
    label: str = Field(max_length=200)
    start_offset_seconds: float = Field(ge=0, le=WINDOW_SECONDS - SCENE_SECONDS, allow_inf_nan=False)
    note: str = Field(default="", max_length=LONGEST_NOTE)


class PairAnswerIn(BaseModel):
    """A decision about a pair, as sent."""

    model_config = ConfigDict(extra="forbid")
    target_id: str = Field(max_length=300)
    paired_id: str = Field(max_length=300)
    also_describes: bool
    note: str = Field(default="", max_length=LONGEST_NOTE)
    whole_group: bool = False


def create_app(site: Site, *, hosts: Iterable[str] = ()) -> FastAPI:
    """Return the application of a site.

    Args:
        site: open, and held by this process.
        hosts: names that it may be asked by, see `benchmark.web.security.Guard`.
    """
    app = new_app(ROOM, hosts=hosts)
    pages = Pages(ROOM, language="en", direction="ltr", longest_name=LONGEST_NAME, longest_note=LONGEST_NOTE)
    app.add_exception_handler(NotAdmitted, lambda _request, _error: pages.page("no_link.html", status=403, proof=""))
    app.add_exception_handler(WithoutName, _ask_for_name)
    app.add_exception_handler(WriteFailed, _not_written)
    app.add_exception_handler(BadCuration, _malformed)
    app.add_exception_handler(MediaError, _unplayable)
    app.add_exception_handler(EncodingStopped, _unplayable)
    _add_pages(app, site, pages)
    _add_files(app, site)
    _add_clips(app, site)
    _add_footage(app, site)
    _add_pairs(app, site)
    return app


def _add_pages(app: FastAPI, site: Site, pages: Pages) -> None:
    access = site.access

    def page(request: Request, name: str, **values: Any) -> Response:
        reviewer = access.reviewer(request)
        return pages.page(name, proof=access.proof(reviewer), reviewer=reviewer, **values)

    @app.get("/")
    def clips(request: Request) -> Response:
        entered = access.entered(request)
        if entered is not None:
            return entered
        table = load_labels()
        labels = [(category, table.loc[table["category"] == category, "label"].to_list()) for category in CATEGORIES]
        return page(request, "clips.html", tab="clips", labels=labels)

    @app.get("/pairs")
    def pairs(request: Request) -> Response:
        return page(request, "pairs.html", tab="pairs")

    @app.get("/conflicts")
    def conflicts(request: Request) -> Response:
        reviewer = access.reviewer(request)
        found, hidden = site.desk.conflicts(reviewer)
        pairs = site.pairs.conflicts(reviewer)
        return page(request, "conflicts.html", tab="conflicts", conflicts=found, hidden=hidden, pairs=pairs)

    @app.get("/agreement")
    def agreement(request: Request) -> Response:
        standing = site.desk.standing()
        rows = [*standing.agreement, site.pairs.agreement()]
        return page(request, "agreement.html", tab="agreement", standing=standing, rows=rows)

    @app.get("/name")
    def name(request: Request) -> Response:
        access.admitted(request)
        return pages.page("name.html", proof=access.proof(""), name="", complaint="")

    @app.post("/name")
    async def take_name(request: Request) -> Response:  # a form, so that it needs no script
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        given, proof = form.get("name", ""), access.proof("")
        try:
            return access.named(request, given, proof=form.get("proof", ""), is_me=form.get("is_me") == "yes")
        except NameKnown as known:
            return pages.page("name_known.html", proof=proof, name=known.name, decided=known.decided)
        except ValueError as error:
            return pages.page("name.html", status=422, proof=proof, name=given, complaint=str(error))


def _add_files(app: FastAPI, site: Site) -> None:
    access = site.access

    @app.get("/files/curation.csv")
    def curation_file(request: Request) -> Response:
        access.reviewer(request)
        return _csv(site.decisions.text(), site.decisions.path.name)

    @app.get("/files/pairs.csv")
    def pairs_file(request: Request) -> Response:
        access.reviewer(request)
        return _csv(site.pair_decisions.text(), site.pair_decisions.path.name)


def _add_clips(app: FastAPI, site: Site) -> None:
    access, desk = site.access, site.desk

    @app.get("/api/clips")
    def lines(request: Request) -> Response:
        return JSONResponse([asdict(line) for line in desk.lines(access.reviewer(request))])

    @app.get("/api/clips/{clip_id}")
    def view(request: Request, clip_id: str) -> Response:
        return JSONResponse(asdict(desk.view(clip_id, access.reviewer(request))))

    @app.post("/api/clips/{clip_id}")
    def decide(request: Request, clip_id: str, given: DecisionIn) -> Response:
        reviewer = access.writer(request)
        try:
            decision = Decision(
                clip_id=clip_id, **given.model_dump(exclude={"note"}), note=_text(given.note), reviewer=reviewer,
                time=site.now(),
            )  # fmt: skip
            desk.decide(decision)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return JSONResponse(asdict(desk.line(clip_id, reviewer)))

    @app.post("/api/undo")
    def undo(request: Request) -> Response:
        reviewer = access.writer(request)
        gone = desk.undo(reviewer)
        if gone is None:
            return JSONResponse(None)
        return JSONResponse({"line": asdict(desk.line(gone.clip_id, reviewer)), "taken_back": asdict(gone)})


def _add_footage(app: FastAPI, site: Site) -> None:
    access = site.access

    @app.get("/api/clips/{clip_id}/peaks")
    def peaks(request: Request, clip_id: str) -> Response:
        access.reviewer(request)
        return JSONResponse(asdict(site.clips.peaks(clip_id)))

    @app.get("/api/clips/{clip_id}/footage")
    def footage(request: Request, clip_id: str) -> Response:
        access.reviewer(request)
        try:
            return JSONResponse(asdict(site.clips.footage(clip_id)))
        except NoSuchFile:  # a pair may be about a clip that was decided on elsewhere
            return JSONResponse(asdict(Footage("it is not in the table of clips that is served")))

    @app.get("/clips/{clip_id}")
    def film(request: Request, clip_id: str, preview: Annotated[bool, Query()] = False) -> Response:
        access.reviewer(request)
        return site.clips.film(clip_id, preview=preview)


def _add_pairs(app: FastAPI, site: Site) -> None:
    access = site.access

    @app.get("/api/pairs")
    def lines(request: Request) -> Response:
        return JSONResponse([asdict(line) for line in site.pairs.lines(access.reviewer(request))])

    @app.post("/api/pairs")
    def decide(request: Request, given: PairAnswerIn) -> Response:
        reviewer = access.writer(request)
        answer = PairAnswer(**given.model_dump(exclude={"note"}), note=_text(given.note))
        return JSONResponse([asdict(line) for line in site.pairs.decide(answer, reviewer, site.now())])

    @app.post("/api/pairs/undo")
    def undo(request: Request) -> Response:
        return JSONResponse([asdict(line) for line in site.pairs.undo(access.writer(request))])


def _csv(text: str, name: str) -> Response:
    """Return a file of decisions as it stands."""
    safe = name.encode("ascii", "replace").decode().replace('"', "_").replace("?", "_")
    headers = {"Content-Disposition": f'attachment; filename="{safe}"'}
    return Response(text.encode("utf-8"), media_type="text/csv; charset=utf-8", headers=headers)


def _text(note: str) -> str:
    """Return a note as a file can hold it: lines end in one way, and no character is without a shape."""
    lines = note.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(c if c.isprintable() else " " for c in escaped(line)) for line in lines).strip()


def _ask_for_name(request: Request, _error: Exception) -> Response:
    if request.method == "GET" and not request.url.path.startswith("/api/"):
        return RedirectResponse("/name", 303)
    return JSONResponse({"error": "say your name first: load the page again"}, 401)


def _not_written(_request: Request, error: Exception) -> Response:
    log.error("not written yet: %s", error)
    told = "the server cannot write to its disk; nothing is lost if this page stays open: send it again later"
    return JSONResponse({"error": told}, 507)


def _malformed(_request: Request, error: Exception) -> Response:
    log.error("%s", error)
    told = "the file of decisions was changed by hand and is malformed; put it right, then send this again"
    return JSONResponse({"error": f"{told}: {error}"}, 409)


def _unplayable(_request: Request, error: Exception) -> Response:
    log.warning("%s", error)
    return JSONResponse({"error": getattr(error, "reason", "") or str(error)}, 422)
