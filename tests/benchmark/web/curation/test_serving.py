"""The server as a process: one at a time, and what it acknowledged survives its death."""

import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from support.decisions import decision
from support.killed_servers import Forked, serve_curation_of

from benchmark.web.curation.serving import serve_curation, told
from benchmark.web.serving import CannotServe
from vgg_monoaudio.selection.decision_files import BadCuration
from vgg_monoaudio.selection.decisions import append_decisions, read_decisions
from vgg_monoaudio.selection.source_list import BadSourceList

ROOT = Path(__file__).parents[4]


class Reviewer:
    """A browser at the page, whatever server answers."""

    def __init__(self):
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(self, address, path, body=None, proof=""):
        headers = {} if body is None else {"content-type": "application/json", "x-proof": proof}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address.rstrip("/") + path, data, headers)
        with self._opener.open(request, timeout=20) as answer:
            return answer.read()

    def decide(self, address, clip, start):
        proof = re.search(r'name="proof" content="([0-9a-f]+)"', self.ask(address, "/").decode())[1]
        body = dict.fromkeys(("single_source", "visible", "label_matches"), True)
        body |= {"label": "dog barking", "start_offset_seconds": start, "note": ""}
        self.ask(address, f"/api/clips/{clip}", body, proof)


@pytest.fixture
def command(asked):
    """Begins `curate serve` as it is typed; returns the process and its address."""
    begun = []

    def begin(asked=asked):
        words = [sys.executable, "-m", "benchmark", "curate", "serve", asked.candidates, "--clips", asked.clips]
        words += ["--decisions", asked.decisions, "--port", "0", "--reviewer", "Ada"]
        process = subprocess.Popen(
            [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=asked.decisions.parent,
        )  # fmt: skip
        begun.append(process)
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.stderr.read()
        return process, address

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


@pytest.fixture
def clip(candidates):
    return candidates.read_text().splitlines()[1].partition(",")[0]


def began(address):
    raise AssertionError(f"a server began at {address}")


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.slow(minutes=0.5))])
def test_a_killed_server_loses_no_decision_that_it_acknowledged(asked, opened, clip, kills):
    asked, reviewer, acknowledged = replace(asked, reviewer="Ada"), Reviewer(), []
    for kill in range(kills):
        server = Forked(serve_curation_of, asked)
        for again in range(2):
            start = round(0.04 * (2 * kill + again), 2)
            reviewer.decide(server.address, clip, start)
            acknowledged.append(start)
        assert server.end() == -signal.SIGKILL
        assert [made.start_offset_seconds for made in read_decisions(asked.decisions)] == acknowledged
    site = opened(asked)
    assert (site.decisions.met.added, site.decisions.met.restored) == (0, 0)
    assert site.desk.view(clip, "Ada").mine.start_offset_seconds == acknowledged[-1]


def test_a_second_server_over_one_file_is_refused_and_the_first_gives_it_back(command, asked, clip):
    (process, address), reviewer = command(), Reviewer()
    reviewer.decide(address, clip, 0.4)
    with pytest.raises(CannotServe, match=r"curation.csv: .* serves it already; one server at a time"):
        serve_curation(asked, host="127.0.0.1", port=0, tell=print, started=began)
    reviewer.decide(address, clip, 0.8)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert not list(asked.decisions.parent.glob(".*.lock"))
    assert [made.start_offset_seconds for made in read_decisions(asked.decisions)] == [0.4, 0.8]


def test_clips_of_a_relative_folder_play(command, asked, clip):
    (asked.decisions.parent / "clips").symlink_to(asked.clips)  # where the server is started
    _, address = command(replace(asked, clips=Path("clips")))
    assert Reviewer().ask(address, f"/clips/{clip}") == (asked.clips / f"{clip}.mp4").read_bytes()


def test_where_others_come_in_nobody_has_a_name_by_default(asked):
    with pytest.raises(ValueError, match=r"--reviewer: several may come in at 0.0.0.0"):
        serve_curation(replace(asked, reviewer="Ada"), host="0.0.0.0", port=0, tell=print, started=began)


def test_a_place_that_is_none_for_decisions_is_refused(asked, tmp_path):
    (tmp_path / "taken").mkdir()
    for place, why in (("taken", "a folder; expected a file"), ("typo/curation.csv", "no folder .*typo; make it")):
        with pytest.raises(ValueError, match=rf"--decisions .*{place}: {why}"):
            serve_curation(
                replace(asked, decisions=tmp_path / place), host="127.0.0.1", port=0, tell=print, started=began
            )
    assert [path.name for path in tmp_path.rglob("*")] == ["taken"]


def malformed(asked):
    asked.decisions.write_text("no decisions")
    return BadCuration, 0


def ambiguous(asked):
    (asked.clips / "a.mp4").write_bytes(b"1")
    (asked.clips / "a.mkv").write_bytes(b"2")
    return BadSourceList, 0


def busy(asked):
    return CannotServe, None


@pytest.mark.parametrize("fault", [malformed, ambiguous, busy])
def test_a_start_that_is_refused_leaves_nothing_behind(asked, tmp_path, fault):
    (tmp_path / "clips").mkdir()
    asked = replace(asked, clips=tmp_path / "clips")
    refusal, port = fault(asked)
    before = sorted(tmp_path.rglob("*"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] if port is None else port
        with pytest.raises(refusal):
            serve_curation(asked, host="127.0.0.1", port=port, tell=print, started=began)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_default_name_is_spelled_as_it_is_known(asked):
    append_decisions(asked.decisions, [decision(reviewer="Ann")])
    with pytest.raises(ValueError, match="'Ann' is a reviewer here"):
        serve_curation(replace(asked, reviewer="ann"), host="127.0.0.1", port=0, tell=print, started=began)


def test_what_was_taken_in_and_what_is_missing_is_said(asked, opened, candidates, tmp_path):
    append_decisions(asked.decisions, [decision()])
    append_decisions(tmp_path / "bob.csv", [decision(reviewer="bob"), decision(reviewer="cyd")])
    (tmp_path / "empty").mkdir()
    site = opened(replace(asked, clips=tmp_path / "empty", imports=(tmp_path / "bob.csv",)))
    assert told(site) == [
        f"{asked.decisions}: 1 decisions taken in",
        f"{asked.decisions}: 2 decisions added by --import",
        "10 of 10 clips cannot be shown; the page says why",
    ]
