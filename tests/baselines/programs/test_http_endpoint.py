"""Models behind a service, on 127.0.0.1."""

import base64
import io
import json
import socket
import struct
import threading
import wave
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from baselines import GenerationError, load_model
from baselines.programs import exchange, http_endpoint
from baselines.programs.http_endpoint import HttpEndpoint
from benchmark.cli import app

OPENAPI = json.loads((Path(__file__).parents[3] / "docs" / "external-models.openapi.json").read_text())


def wav(seconds: float = 1.0, rate: int = 16_000) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(b"\x00\x40" * round(seconds * rate))
    return buffer.getvalue()


def not_a_number() -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.full(16_000, np.nan, np.float32), 16_000, "FLOAT", format="WAV")
    return buffer.getvalue()


class Service:
    """Answers with what it is told to, one after the other; the last again and again. Keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = [(200, wav())]
        self.bodies: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.release = threading.Event()
        self.hangs, self.kind = False, ""
        self.more: dict[str, str] = {}  # headers of every refusal
        self.instead = None  # what is done in place of an answer
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                service.bodies.append(json.loads(content))
                service.headers.append(dict(self.headers))
                if service.hangs:
                    service.release.wait()
                if service.instead is not None and service.instead(self):
                    return
                status, body = service.answers.pop(0) if len(service.answers) > 1 else service.answers[0]
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://elsewhere")
                for name, value in service.more.items() if status >= 400 else ():
                    if name == "Date":
                        continue  # sent already
                    self.send_header(name, value)
                if service.kind:
                    self.send_header("Content-Type", service.kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def date_time_string(self, timestamp=None) -> str:
                return service.more.get("Date") or super().date_time_string(timestamp)

            def log_message(self, *_args) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_args) -> None:
                pass  # who asked has hung up

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/generate"


@pytest.fixture
def service(monkeypatch) -> Iterator[Service]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Service()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.release.set()
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_a_service_is_sent_the_scene_and_answers_with_its_sound(service, ask):
    request = ask(prompt='it\'s "--x"\nü', duration=1.0)
    sound, rate = load_model("http", endpoint=service.address).generate(request)
    assert (sound.shape, sound.dtype, rate) == ((16_000,), np.float32, 16_000)
    assert sound[0] == 0.5
    (body,) = service.bodies
    assert base64.b64decode(body.pop("video")) == request.video.read_bytes()
    assert body == {
        "id": "bell__gong", "prompt": request.prompt, "negative_prompt": "", "duration_seconds": 1.0, "seed": 7,
    }  # fmt: skip


def test_the_document_describes_what_is_sent(service, ask):
    HttpEndpoint(endpoint=service.address).generate(ask(duration=1.0))
    schema = OPENAPI["components"]["schemas"]["Request"]
    kinds = {"string": str, "number": float, "integer": int}
    (body,) = service.bodies
    assert sorted(body) == sorted(schema["properties"]) == sorted(schema["required"])
    for name, value in body.items():
        assert isinstance(value, kinds[schema["properties"][name]["type"]])


def test_the_address_has_an_option_of_its_own(service, benchmark_of_two, tmp_path):
    words = ["generate", "http", "--benchmark", str(benchmark_of_two), "--runs", str(tmp_path / "runs")]
    result = CliRunner().invoke(app, [*words, "--endpoint", service.address])
    assert result.exit_code == 0, result.output
    assert "2 of 2 generated" in result.output
    assert {body["prompt"] for body in service.bodies} == {"bell", "dog"}
    result = CliRunner().invoke(app, [*words, "--run-name", "other", "--endpoint", "localhost"])
    assert "endpoint: expected http://... or https://..., got 'localhost'" in str(result.exception)


def test_a_token_is_read_from_the_environment_and_never_recorded(service, ask, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "abc")
    model = HttpEndpoint(endpoint=service.address, token_env="MY_TOKEN")
    model.generate(ask(duration=1.0))
    assert service.headers[0]["Authorization"] == "Bearer abc"
    assert "abc" not in "".join(model.notes)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        pytest.param(422, b'{"error": "a black video"}', "answered 422: a black video", id="refused"),
        pytest.param(404, b"", "answered 404: Not Found", id="wrong address"),
        pytest.param(422, b'{"error": "black", "n": ' + b"9" * 5000 + b"}", "422: black$", id="many digits"),
        pytest.param(422, b"9" * 5000, "answered 422: 9{300}$", id="only digits"),
        pytest.param(422, b'{"error": ' + b"[" * 9000, 'answered 422: {"error": ', id="deep"),
        pytest.param(501, b"<h1>No\n POST</h1>", "answered 501: No POST$", id="a page"),
        pytest.param(200, b"no sound", "not a media file", id="garbage"),
        pytest.param(200, b"", "not a media file|cannot be decoded", id="nothing"),
        pytest.param(200, wav(0.5), "has 8000 samples, at least 16000", id="short"),
        pytest.param(200, wav(1.0, 44_100), "has 44100 Hz, expected 16000", id="rate"),
        pytest.param(200, not_a_number(), "sample 0 is not finite", id="not a number"),
        pytest.param(200, wav()[:9000], r"the service's answer .*: truncated", id="cut"),
        pytest.param(302, b"", "answered 302: it has moved to http://elsewhere", id="moved"),
    ],
)
def test_what_is_wrong_with_an_answer_is_this_samples_failure_and_not_asked_again(service, ask, status, body, reason):
    service.answers = [(status, body)]
    with pytest.raises(GenerationError, match=reason):
        HttpEndpoint(endpoint=service.address, sample_rate=16_000).generate(ask(duration=1.0))
    assert len(service.bodies) == 1


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("text/html", b"<html><style>b{}</style>\n <b>Log in", "with text/html, not with sound: Log in$"),
        ("application/json", b'{"error": "no GPU"}', "with application/json, not with sound: no GPU"),
        ("audio/wav", b"<html>", r"the service's answer \(audio/wav, 6 bytes\): not a media file"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_sound_is_shown(service, ask, kind, body, reason):
    service.kind, service.answers = kind, [(200, body)]
    with pytest.raises(GenerationError, match=reason):
        HttpEndpoint(endpoint=service.address).generate(ask(duration=1.0))


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<" * (1 << 18), "<" * 300),
        ("x<y <i>late</i>", "x<y late"),  # a tag ends before the next: nothing is searched twice
        ("<!-- a <b> c -->Log <I>in</I>", "Log in"),
        ("<script>if (a<b) c()</script>Log<br\n/>in<style>b", "Log in"),
        ("<hr>" * 30_000 + "late", "nothing"),  # what comes so late is not read
    ],
    ids=["open", "less", "comment", "script", "long"],
)
def test_the_words_of_a_page_are_shown(page, words):
    assert http_endpoint._said(page.encode(), "nothing") == words


def test_what_is_there_but_speaks_no_http_is_named(ask, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def talk(listening):
        for _ in range(2):
            connection, _address = listening.accept()
            with connection:
                connection.recv(1 << 20)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=talk, args=(listening,), daemon=True).start()
        with pytest.raises(GenerationError, match=r"cannot be reached: BadStatusLine: SSH-2\.0-OpenSSH; tried twice"):
            HttpEndpoint(endpoint=f"http://127.0.0.1:{listening.getsockname()[1]}").generate(ask(duration=1.0))


def test_a_token_that_no_header_may_have_is_refused_and_not_shown(monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "sec\nret")
    with pytest.raises(ValueError, match="'MY_TOKEN' holds characters that no header may have") as refused:
        HttpEndpoint(endpoint="http://x", token_env="MY_TOKEN")
    assert "sec" not in str(refused.value)
    monkeypatch.setenv("MY_TOKEN", "\n")
    with pytest.raises(ValueError, match="or nothing in it"):
        HttpEndpoint(endpoint="http://x", token_env="MY_TOKEN")


def test_a_service_that_is_busy_is_asked_once_more(service, ask):
    service.answers = [(503, b"later"), (200, wav())]
    assert HttpEndpoint(endpoint=service.address).generate(ask(duration=1.0))[1] == 16_000
    assert len(service.bodies) == 2


def test_a_service_that_stays_broken_is_named_with_what_it_said(service, ask):
    service.answers = [(500, b'{"error": "CUDA out of memory"}')]
    with pytest.raises(GenerationError, match="answered 500: CUDA out of memory; tried twice"):
        HttpEndpoint(endpoint=service.address).generate(ask(duration=1.0))
    assert len(service.bodies) == 2


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """How long was waited for the service, in place of waiting."""
    made: list[float] = []
    monkeypatch.setattr(http_endpoint, "pause", made.append)
    return made


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Fri, 31 Dec 1999 23:58:49 GMT"}, 70.0),
        ({"Retry-After": "0"}, 1.0),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 1.0),
    ],
    ids=["seconds", "date", "at once", "a date that has been"],
)
def test_a_busy_service_is_waited_for_as_it_asks(service, ask, pauses, status, headers, wait):
    service.answers, service.more = [(status, b"busy")] * 4 + [(200, wav())], headers
    assert HttpEndpoint(endpoint=service.address).generate(ask(duration=1.0))[1] == 16_000
    assert pauses == [wait] * 4


@pytest.mark.parametrize(("asked", "waits"), [("21", 0), ("9" * 5000, 0), ("8", 2), ("0", 20)])
def test_a_service_that_asks_for_too_long_a_wait_is_named_and_not_asked_again(
    service, ask, pauses, asked, waits, monkeypatch
):
    monkeypatch.setattr(http_endpoint, "LONGEST_WAIT_SECONDS", 20.0)
    service.answers, service.more = [(429, b'{"error": "quota"}')], {"Retry-After": asked}
    with pytest.raises(GenerationError, match=r"answered 429: quota; it asks to wait \S+ s, more than 20 s in all"):
        HttpEndpoint(endpoint=service.address).generate(ask(duration=1.0))
    assert len(pauses) == waits
    assert len(service.bodies) == waits + 1


NO_DATES = [
    "Fri, 99 Dec 1999 23:59:59 GMT",
    f"Fri, 31 Dec {'9' * 14} 23:59:59 GMT",
    f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT",
    f"Fri, 31 Dec 1999 23:59:59 +{'9' * 14}",
    f"Fri, 31 Dec 1999 23:59:59 +{'9' * 20}",
]


@pytest.mark.parametrize("asked", ["soon", "", "-1", "1.5", *NO_DATES])
def test_a_wait_that_is_none_counts_as_none(service, ask, pauses, asked):
    service.answers, service.more = [(503, b"busy")], {"Retry-After": asked}
    with pytest.raises(GenerationError, match="answered 503: busy; tried twice"):
        HttpEndpoint(endpoint=service.address).generate(ask(duration=1.0))
    assert pauses == []


@pytest.mark.parametrize("date", NO_DATES)
def test_a_wait_counts_from_now_where_the_answers_own_date_is_none(service, ask, pauses, date):
    service.answers = [(503, b"busy"), (200, wav())]
    service.more = {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": date}
    assert HttpEndpoint(endpoint=service.address).generate(ask(duration=1.0))[1] == 16_000
    assert pauses == [1.0]


def test_a_service_that_says_nothing_is_given_up(service, ask):
    service.hangs = True
    with pytest.raises(GenerationError, match=r"gave no whole answer within 0\.05 s; tried twice"):
        HttpEndpoint(endpoint=service.address, time_limit_seconds=0.05).generate(ask(duration=1.0))


@pytest.mark.parametrize("head", [b"", b"HTTP/1.0 200 OK\r\nContent-Length: 999999\r\n\r\n"], ids=["head", "body"])
def test_single_bytes_do_not_prolong_the_time_limit(service, ask, head):
    def drip(handler) -> bool:
        handler.wfile.write(head)
        while not service.release.wait(0.001):
            handler.wfile.write(b"x")
        return True

    service.instead = drip
    with pytest.raises(GenerationError, match=r"gave no whole answer within 0\.2 s; tried twice"):
        HttpEndpoint(endpoint=service.address, time_limit_seconds=0.2).generate(ask(duration=1.0))


def reset(handler) -> None:
    """Break the connection as a service does that dies: the other side is told so."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


@pytest.mark.parametrize("times", [1, 2])
def test_a_connection_that_is_reset_is_tried_once_more(service, ask, times):
    left = [times]

    def instead(handler) -> bool:
        left[0] -= 1
        if left[0] >= 0:
            reset(handler)
        return left[0] >= 0

    service.instead = instead
    model = HttpEndpoint(endpoint=service.address)
    if times == 1:
        assert model.generate(ask(duration=1.0))[1] == 16_000
    else:
        with pytest.raises(GenerationError, match=r"cannot be reached: .*(reset|closed).*; tried twice"):
            model.generate(ask(duration=1.0))
    assert len(service.bodies) == 2


@pytest.mark.parametrize(("length", "named"), [("999", "999"), ("9" * 5000, "inf")], ids=["short", "many digits"])
def test_an_answer_that_breaks_off_is_tried_once_more_and_named(service, ask, length, named):
    def instead(handler) -> bool:
        handler.wfile.write(f"HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\nRIFF".encode())
        return True

    service.instead = instead
    with pytest.raises(GenerationError, match=f"broke off its answer after 4 of {named} bytes; tried twice"):
        HttpEndpoint(endpoint=service.address).generate(ask(duration=1.0))


def test_a_service_that_is_not_there_is_named(service, ask):
    service.server.server_close()
    with pytest.raises(GenerationError, match=r"http://127\.0\.0\.1:\d+/generate cannot be reached.*tried twice"):
        HttpEndpoint(endpoint=service.address).generate(ask(duration=1.0))


def test_an_answer_without_end_is_cut_off(service, ask, monkeypatch):
    for module in (exchange, http_endpoint):
        monkeypatch.setattr(module, "LARGEST_ANSWER_BYTES", 1000)
    with pytest.raises(GenerationError, match="answered with more than"):
        HttpEndpoint(endpoint=service.address).generate(ask(duration=1.0))


def test_a_scene_that_is_not_there_is_this_samples_failure(service, ask):
    request = ask(duration=1.0)
    request.video.unlink()
    with pytest.raises(GenerationError, match="cannot read or write"):
        HttpEndpoint(endpoint=service.address).generate(request)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"endpoint": "file:///etc/passwd"}, "expected http://... or https://..., got"),
        ({"endpoint": "example.org"}, "expected http"),
        ({"endpoint": "http://me:secret@example.org"}, "a password in it would be recorded; use token_env"),
        ({"endpoint": "http://x:99999"}, "expected http.*Port out of range"),
        ({"endpoint": "http://x y"}, "expected http"),
        ({"endpoint": "http://ü"}, "expected http"),
        ({"endpoint": 8000}, "expected http.* got 8000"),
        ({"endpoint": "http://x", "time_limit_seconds": "long"}, "expected seconds, got 'long'"),
        ({"endpoint": "http://x", "time_limit_seconds": 0}, "expected seconds above 0, got 0"),
        ({"endpoint": "http://x", "token_env": "NO_SUCH"}, "no environment variable 'NO_SUCH', or nothing in it"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, reason):
    with pytest.raises(ValueError, match=reason):
        HttpEndpoint(**options)
