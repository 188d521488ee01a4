"""Starting a server."""

import json
import socket
import threading
import urllib.request
from dataclasses import replace

import pytest
import uvicorn
from fastapi import FastAPI

from benchmark.web import serving
from benchmark.web.serving import CannotServe, is_loopback, own_names, serve
from foundation.holders import Holder
from foundation.locks import Lock


def nothing(_address):
    pytest.fail("it began to serve")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("lab.example", False),
    ],
)
def test_what_reaches_beyond_this_machine(host, loopback):
    assert is_loopback(host) is loopback


def test_a_server_answers_and_gives_its_folder_back_when_it_is_asked_to_end(tmp_path, monkeypatch):
    app = FastAPI()

    @app.get("/hello")
    def hello() -> str:
        return "there"

    servers = []
    run = uvicorn.Server.run
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, sockets: (servers.append(server), run(server, sockets)))
    heard = []

    def started(address):
        def ask():
            with urllib.request.urlopen(f"{address}/hello", timeout=20) as answer:
                heard.append((json.load(answer), answer.headers["server"], Lock(tmp_path / "study").path.exists()))
            servers[0].should_exit = True

        threading.Thread(target=ask).start()

    serve(app, tmp_path / "study", host="127.0.0.1", port=0, started=started)
    assert heard == [("there", None, True)]
    assert not Lock(tmp_path / "study").path.exists()


def test_a_second_server_of_a_folder_is_refused(tmp_path):
    with Lock(tmp_path / "study"), pytest.raises(CannotServe, match=r"study: process \d+ on .* serves it already"):
        serve(FastAPI(), tmp_path / "study", host="127.0.0.1", port=0, started=nothing)


def test_a_server_of_another_machine_is_refused_when_it_gives_a_sign_of_life(tmp_path, monkeypatch):
    lock = Lock(tmp_path / "study").path
    holder = replace(Holder.this(), host="elsewhere")
    beats = iter(range(100))

    def time_passes(_seconds):
        lock.write_bytes(holder.written(next(beats)))

    time_passes(0)
    monkeypatch.setattr("foundation.locks.time.sleep", time_passes)
    with pytest.raises(CannotServe, match=r"on elsewhere .* serves it already"):
        serve(FastAPI(), tmp_path / "study", host="127.0.0.1", port=0, started=nothing)


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotServe, match=f"127.0.0.1:{port}: another program listens there; pass another --port"):
            serve(FastAPI(), tmp_path / "study", host="127.0.0.1", port=port, started=nothing)
    assert not Lock(tmp_path / "study").path.exists()


def test_an_address_that_this_machine_does_not_have_is_named(tmp_path):
    with pytest.raises(CannotServe, match=r"192\.0\.2\.1:0: Cannot assign requested address"):
        serve(FastAPI(), tmp_path / "study", host="192.0.2.1", port=0, started=nothing)


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("0.0.0.0", socket.gethostname()), ("::", socket.gethostname())],
)
def test_the_address_that_is_told_is_one_that_leads_here(host, name):
    assert serving._reached(host) == name


def test_a_server_that_listens_everywhere_is_not_called_by_that():
    assert own_names("0.0.0.0") == {"127.0.0.1", "::1", "localhost"}
    assert own_names("127.0.0.2") == {"127.0.0.1", "::1", "localhost", "127.0.0.2"}
