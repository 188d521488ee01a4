"""What stands before every request."""

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from benchmark.web.security import LARGEST_BODY, Guard


async def taken(request):
    try:
        return PlainTextResponse(str(len(await request.body())))
    except ClientDisconnect:
        return PlainTextResponse("broken off", 400)


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

    assert asked.post("/", content=pieces()).status_code == 400


def test_a_server_with_names_is_not_asked_by_another():
    asked = client(hosts=("127.0.0.1", "localhost"))
    assert asked.get("/", headers={"Host": "localhost:8321"}).status_code == 200
    assert asked.get("/", headers={"Host": "127.0.0.1:1"}).status_code == 200
    assert asked.get("/", headers={"Host": "evil.example"}).status_code == 421
