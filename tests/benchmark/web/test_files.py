"""Media on their way to a browser."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from benchmark.web.files import MediaFiles, NoSuchFile

CONTENT = bytes(range(256)) * 1024


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "x.mp4").write_bytes(CONTENT)
    (tmp_path / "outside.mp4").write_bytes(b"not for you")
    return tmp_path / "media"


def client(files):
    def send(request):
        try:
            return files.response(request.path_params["name"], media_type="video/mp4")
        except NoSuchFile:
            return PlainTextResponse("", 404)

    return TestClient(Starlette(routes=[Route("/media/{name:path}", send)]))


def test_a_file_is_sent_whole_or_the_part_that_is_asked_for(folder):
    asked = client(MediaFiles(folder, {"one": folder / "x.mp4"}))
    whole = asked.get("/media/one")
    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    part = asked.get("/media/one", headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, CONTENT[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(CONTENT)}"
    assert asked.get("/media/one", headers={"Range": f"bytes={len(CONTENT)}-"}).status_code == 416


@pytest.mark.parametrize(
    "name",
    [
        "x.mp4",
        "../outside.mp4",
        "..%2Foutside.mp4",
        "%2e%2e/outside.mp4",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "one/../x.mp4",
        "one%00",
    ],
)
def test_nothing_that_a_request_says_becomes_a_path(folder, name):
    answer = client(MediaFiles(folder, {"one": folder / "x.mp4"})).get(f"/media/{name}")
    assert answer.status_code == 404


def test_a_file_outside_the_folder_is_not_listed(folder):
    with pytest.raises(NoSuchFile, match="leads out of"):
        MediaFiles(folder, {"one": folder / ".." / "outside.mp4"})


def test_a_link_that_leads_out_is_refused_when_listed_and_when_sent(folder):
    (folder / "link.mp4").symlink_to(folder.parent / "outside.mp4")
    with pytest.raises(NoSuchFile, match="leads out of"):
        MediaFiles(folder, {"one": folder / "link.mp4"})
    files = MediaFiles(folder, {"one": folder / "x.mp4"})
    (folder / "x.mp4").unlink()
    (folder / "x.mp4").symlink_to(folder.parent / "outside.mp4")
    with pytest.raises(NoSuchFile, match="leads out of"):
        files.response("one", media_type="video/mp4")


def test_a_file_that_has_gone_is_no_crash(folder):
    files = MediaFiles(folder, {"one": folder / "x.mp4"})
    (folder / "x.mp4").unlink()
    with pytest.raises(NoSuchFile, match="has gone"):
        files.response("one", media_type="video/mp4")


@pytest.mark.parametrize("path", ["media/x.mp4", "y.mp4", "."])
def test_a_path_that_is_no_file_in_the_folder_is_not_listed(folder, monkeypatch, path):
    """As a relative path is that has the relative folder in front of it already."""
    monkeypatch.chdir(folder.parent)
    with pytest.raises(NoSuchFile, match="no such file"):
        MediaFiles(Path("media"), {"one": Path(path)})
