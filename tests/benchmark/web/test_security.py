"""What stands before every request."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from benchmark.web.security import LARGEST_BODY, Guard, host_name


async def taken(request):
    return PlainTextResponse(str(len(await request.body())))


def client(**options):
    app = Starlette(routes=[Route("/", taken, methods=["GET", "POST", "DELETE"])])
    return TestClient(Guard(app, **options))


def test_every_answer_forbids_what_this_server_does_not_serve():
    for answer in (client().get("/"), client().get("/no-such-page"), client().post("/", headers={"Origin": "null"})):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"  # with no-referrer our own forms say Origin: null
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="a program that says nothing"),
        pytest.param({"Origin": "http://testserver"}, 200, id="our own page"),
        pytest.param(
            {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}, 200, id="our page, by its browser"
        ),
        pytest.param({"Origin": "http://evil.example"}, 403, id="another site"),
        pytest.param({"Origin": "http://testserver.evil.example"}, 403, id="a site whose name begins like ours"),
        pytest.param({"Origin": "null"}, 403, id="a page without a site"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="another site, by the browser"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="a neighbour"),
    ],
)
def test_what_another_site_sends_is_refused(headers, status):
    assert client().post("/", headers=headers).status_code == status
    assert client().delete("/", headers=headers).status_code == status
    assert client().get("/", headers=headers).status_code == 200  # reading changes nothing


def test_a_body_is_bounded_whether_it_says_its_length_or_not():
    asked = client()
    assert asked.post("/", content=b"x" * LARGEST_BODY).text == str(LARGEST_BODY)
    assert asked.post("/", content=b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert asked.post("/", content=b"x", headers={"Content-Length": "-1"}).status_code == 413

    def pieces():
        for _ in range(LARGEST_BODY // 1024 + 1):
            yield b"x" * 1024

    refused = asked.post("/", content=pieces())
    assert (refused.status_code, list(refused.json())) == (413, ["error"])
    assert "default-src 'none'" in refused.headers["content-security-policy"]
    assert asked.post("/", content=(b"x" * 1024 for _ in range(3))).text == "3072"
    assert asked.post("/", content=b"", headers={"Content-Length": "9" * 5000}).status_code == 413


def test_an_address_that_takes_files_has_a_bound_of_its_own_and_the_others_keep_theirs():
    most = 3 * LARGEST_BODY
    asked = client(files={"/": most})
    assert asked.post("/", content=b"x" * most).text == str(most)
    assert asked.post("/", content=(b"x" * 1024 for _ in range(most // 1024))).text == str(most)
    told = asked.post("/", content=b"x" * (most + 1))
    assert (told.status_code, told.json()["error"]) == (413, f"the request is too large: at most {most:,} bytes")
    assert asked.post("/", content=(b"x" * 1024 for _ in range(most // 1024 + 1))).status_code == 413
    assert asked.post("/other", content=b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert asked.post("/", content=b"x", headers={"Origin": "http://evil.example"}).status_code == 403


def test_a_server_with_names_is_not_asked_by_another():
    asked = client(hosts=("127.0.0.1", "localhost"))
    assert asked.get("/", headers={"Host": "localhost:8321"}).status_code == 200
    assert asked.get("/", headers={"Host": "127.0.0.1:1"}).status_code == 200
    assert asked.get("/", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "host",
    [
        "evil@127.0.0.1",
        "127.0.0.1:80:80",
        "127.0.0.1:port",
        "127.0.0.1:123456",
        "127.0.0.1/x",
        "a b",
        "[::1",
        "[x]",
        "?",
    ],
)
def test_a_host_that_is_more_than_a_name_and_a_port_is_refused(host):
    for hosts in ((), ("127.0.0.1",)):
        assert client(hosts=hosts).get("/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Study.Lab.org:8443", "study.lab.org"), ("127.0.0.1", "127.0.0.1"), ("[::1]:80", "::1"), ("my_pc:", "my_pc"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_name_of_a_host_is_told_without_its_port(host, name):
    assert host_name(host) == name
