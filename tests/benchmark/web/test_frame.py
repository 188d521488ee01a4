"""The frame of both servers."""

import sqlite3
import sys

import pytest
from fastapi import HTTPException, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy.exc import DatabaseError, OperationalError

from benchmark.web.files import NoSuchFile
from benchmark.web.frame import Pages, new_app, proven
from benchmark.web.tokens import BadToken


@pytest.fixture
def room(tmp_path, monkeypatch):
    package = tmp_path / "rooms" / "paper_room"
    (package / "static").mkdir(parents=True)
    (package / "templates").mkdir()
    (package / "__init__.py").write_text("")
    (package / "static" / "rate.js").write_text("export {};\n")
    (package / "templates" / "hello.html").write_text(
        "{% extends 'frame.html' %}{% block title %}Hello{% endblock %}{% block main %}<p>{{ name }}</p>{% endblock %}"
    )
    monkeypatch.syspath_prepend(tmp_path / "rooms")
    monkeypatch.delitem(sys.modules, "paper_room", raising=False)
    return "paper_room"


@pytest.fixture
def app(room):
    return new_app(room)


def raised(app, error):
    """Return the answer to a request that fails with `error`."""

    @app.get("/fails")
    def fails():
        raise error

    return TestClient(app, raise_server_exceptions=False).get("/fails")


def sqlite_error(kind, name, told):
    error = kind(told)
    error.sqlite_errorname = name
    return error


def test_static_files_of_the_frame_and_of_the_room_are_served(app):
    client = TestClient(app)
    assert "--accent" in client.get("/static/frame/frame.css").text
    assert client.get("/static/paper_room/rate.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/static/paper_room/../__init__.py").status_code == 404
    assert client.get("/static/paper_room/%2e%2e/__init__.py").status_code == 404


def test_there_is_no_page_that_describes_the_server(app):
    assert {TestClient(app).get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")} == {404}


def test_whatever_a_page_shows_is_escaped(room):
    pages = Pages(room, language="en", direction="ltr")
    shown = pages.page("hello.html", name="<script>alert(1)</script>").body.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script" not in shown


def test_a_value_that_a_page_lacks_is_an_error(room):
    with pytest.raises(Exception, match="'name' is undefined"):
        Pages(room, language="en", direction="ltr").page("hello.html")


def test_a_request_that_is_not_understood_is_told_which_field(app):
    class Answer(BaseModel):
        points: int

    @app.post("/answer")
    def answer(given: Answer) -> Answer:
        return given

    refused = TestClient(app).post("/answer", json={"points": "many"})
    assert refused.status_code == 422
    assert refused.json()["error"] == "points: expected a whole number"  # not what was sent: it may be anything


@pytest.mark.parametrize("error", [BadToken("x7"), NoSuchFile("/home/lab/x7: has gone")])
def test_what_is_unknown_and_what_is_forbidden_look_alike(app, error):
    answer = raised(app, error)
    assert answer.status_code == 404
    assert "x7" not in answer.text


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"), ("*/*", "application/json"), ("", "application/json")],
)
def test_what_is_refused_is_a_page_to_who_looks_and_json_to_a_script(app, accept, kind):
    @app.get("/busy")
    def busy():
        raise HTTPException(429, "<b>wait</b>", {"Retry-After": "7"})

    answer = TestClient(app).get("/busy", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.headers["content-type"].startswith(kind)
    assert ("<h1>Too Many Requests</h1>" in answer.text) is (kind == "text/html")
    assert ("&lt;b&gt;wait" if kind == "text/html" else '{"error":"<b>wait</b>"}') in answer.text


def test_a_full_disk_is_told_and_logged(app, caplog):
    cause = sqlite_error(sqlite3.OperationalError, "SQLITE_FULL", "database or disk is full")
    answer = raised(app, OperationalError("INSERT", {"rater": "PID7"}, cause))
    assert answer.status_code == 507
    assert "cannot write to its disk" in answer.json()["error"]
    assert "database or disk is full" in caplog.text
    assert "PID7" not in caplog.text


def test_a_busy_database_asks_to_come_back(app):
    cause = sqlite_error(sqlite3.OperationalError, "SQLITE_BUSY", "database is locked")
    answer = raised(app, OperationalError("INSERT", {}, cause))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_another_fault_of_the_database_is_a_defect(app):
    cause = sqlite_error(sqlite3.IntegrityError, "SQLITE_CONSTRAINT", "UNIQUE constraint failed")
    assert raised(app, DatabaseError("INSERT", {}, cause)).status_code == 500


def test_an_error_that_nobody_expected_is_answered_with_the_headers_of_every_answer(app):
    answer = raised(app, RuntimeError("/home/lab/x7"))
    assert answer.status_code == 500
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "x7" not in answer.text


def test_a_page_without_its_proof_is_refused(app):
    @app.post("/act")
    def act(request: Request) -> dict[str, bool]:
        proven(request, lambda given: given == "right")
        return {"done": True}

    client = TestClient(app)
    assert client.post("/act").status_code == 403
    assert client.post("/act", headers={"X-Proof": "wrong"}).status_code == 403
    assert client.post("/act", headers={"X-Proof": "right"}).json() == {"done": True}
