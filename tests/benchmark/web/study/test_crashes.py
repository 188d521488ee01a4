"""A server that is killed, a disk that is full, a second server: nothing that was acknowledged is lost or doubled."""

import http.client
import json
import re
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections import Counter
from urllib.parse import urlsplit

import numpy as np
import pytest

from benchmark.web.study.export import answers_of

SERVE = """
import resource, sys
from pathlib import Path
from benchmark.web.serving import serve
from benchmark.web.study.app import study_app
from benchmark.web.study.study import Study

class Clock:  # every look at it is a minute later, so that no clip has to be waited for
    now = float(sys.argv[2])
    def __call__(self):
        self.now += 60
        return self.now

study = Study.opened(Path(sys.argv[1]), clock=Clock())
serve(study_app(study), Path(sys.argv[1]), host="127.0.0.1", port=0, started=lambda url: print(url, flush=True))
"""


class Server:
    """A process that serves a study, and can be killed. The clock of each begins after that of the one before."""

    started = 0

    def __init__(self, folder, program=SERVE):
        Server.started += 1
        words = [sys.executable, "-c", program, str(folder), str(1.8e9 + 1e6 * Server.started)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate()


class Client:
    """A rater who keeps cookie and proof, whatever server answers."""

    def __init__(self):
        self.cookie = self.proof = ""

    def ask(self, address, method, path, **content):
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        headers = {"Cookie": self.cookie, "X-Proof": self.proof, "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(content) if method == "POST" else None, headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        self.cookie = (answer.getheader("Set-Cookie") or self.cookie).partition(";")[0]
        connection.close()
        return answer.status, body

    def begin(self, address):
        self.ask(address, "GET", "/")
        page = self.ask(address, "GET", "/consent")[1]
        self.proof = re.search(r'name="proof" content="([0-9a-f]+)"', page)[1]
        assert self.ask(address, "POST", "/api/consent", agrees=True)[0] == 200
        assert self.ask(address, "POST", "/api/checks/device", width=1, height=1, canPlay=True)[0] == 200


@pytest.fixture
def folder(ground, tmp_path):
    ground.create(
        tmp_path / "study", headphone_check=False, tutorial=False, samples=8, items_per_rater=24, repeats=0,
        attention=0, raters_per_item=9, claim_minutes=1440,
    )  # fmt: skip
    return tmp_path / "study"


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow(minutes=3))])
def test_no_answer_is_lost_or_doubled_however_often_the_server_is_killed(folder, kills):
    """Between any two requests, and while one is under way: what has no reply is sent again to the next server."""
    draw, client, acknowledged = np.random.default_rng(kills), Client(), {}
    server = Server(folder)
    client.begin(server.address)
    for kill in range(kills):
        for step in range(int(draw.integers(1, 6))):
            status, body = client.ask(server.address, "GET", "/api/item")
            item = json.loads(body)
            if "token" not in item:
                break
            client.ask(server.address, "POST", "/api/played", token=item["token"], media=0)
            key, points = str(uuid.uuid4()), int(draw.integers(1, 6))
            given = {"token": item["token"], "answers": dict.fromkeys(("AQ", "TA", "VA"), points), "plays": [1],
                     "focus_losses": 0, "key": key}  # fmt: skip
            if step == 0 and kill % 2:  # the reply is lost with the server
                send_and_kill(server, client, given)
                server = Server(folder)
            status, body = client.ask(server.address, "POST", "/api/answer", **given)
            assert status == 200, body
            acknowledged[key] = points
        server.kill()
        server = Server(folder)
    server.end()
    with sqlite3.connect(folder / "answers.sqlite") as database:
        rows = database.execute("SELECT key, answers FROM placements WHERE state = 'answered'").fetchall()
    assert Counter(key for key, _ in rows) == Counter(acknowledged.keys())
    assert {key: json.loads(answers)["AQ"] for key, answers in rows} == acknowledged
    assert len(answers_of(folder)) == len(acknowledged) >= kills


def send_and_kill(server, client, given):
    """Send an answer, and kill the server without waiting for its reply."""
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=30)
    headers = {"Cookie": client.cookie, "X-Proof": client.proof, "Content-Type": "application/json"}
    connection.request("POST", "/api/answer", json.dumps(given), headers)
    server.kill()
    connection.close()


def test_a_second_server_on_one_study_is_refused(folder):
    server = Server(folder)
    try:
        second = subprocess.run(
            [sys.executable, "-m", "benchmark", "study", "serve", str(folder), "--port", "0"],
            capture_output=True,
            text=True,
        )
        assert second.returncode == 2
        assert re.fullmatch(r"error: .*study: .* serves it already; one server at a time\n", second.stderr)
    finally:
        server.end()


FULL = SERVE.replace(
    "study = Study",
    """import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def full(*_):  # no file may grow any more
    size = max(path.stat().st_size for path in Path(sys.argv[1]).glob("answers.sqlite*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
def roomy(*_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
signal.signal(signal.SIGUSR1, full)
signal.signal(signal.SIGUSR2, roomy)
study = Study""",
)


def test_a_disk_that_is_full_while_rating_is_told_and_the_answer_can_be_sent_again(folder):
    server, client = Server(folder, FULL), Client()
    try:
        client.begin(server.address)
        item = json.loads(client.ask(server.address, "GET", "/api/item")[1])
        client.ask(server.address, "POST", "/api/played", token=item["token"], media=0)
        given = {"token": item["token"], "answers": dict.fromkeys(("AQ", "TA", "VA"), 4), "plays": [1],
                 "focus_losses": 0, "key": str(uuid.uuid4())}  # fmt: skip
        server.process.send_signal(signal.SIGUSR1)
        status, body = client.ask(server.address, "POST", "/api/answer", **given)
        assert status == 507
        assert "the server cannot write to its disk" in json.loads(body)["error"]
        assert len(answers_of(folder)) == 0
        assert client.ask(server.address, "POST", "/api/answer", **given)[0] == 507
        server.process.send_signal(signal.SIGUSR2)
        assert client.ask(server.address, "POST", "/api/answer", **given) == (200, '{"next":"item"}')
        assert list(answers_of(folder)["AQ"]) == [4]
    finally:
        server.end()


def test_status_and_export_work_while_the_study_is_served(folder):
    server, client = Server(folder), Client()
    try:
        client.begin(server.address)
        for words in (["status", str(folder), "--json"], ["export", str(folder)]):
            done = subprocess.run([sys.executable, "-m", "benchmark", "study", *words], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        assert (folder / "export" / "raters.csv").read_text().count("\n") == 2
        assert client.ask(server.address, "GET", "/api/item")[0] == 200
    finally:
        server.end()


def test_many_raters_at_once_get_different_places_and_no_item_too_many(ground, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    folder = tmp_path / "crowd"
    ground.create(
        folder, headphone_check=False, tutorial=False, samples=8, items_per_rater=24, repeats=0, attention=0,
        raters_per_item=2, claim_minutes=1440,
    )  # fmt: skip
    server = Server(folder)

    def rate(_number):
        client = Client()
        client.ask(server.address, "GET", "/")
        status, page = client.ask(server.address, "GET", "/consent")
        if status != 200:
            return
        client.proof = re.search(r'name="proof" content="([0-9a-f]+)"', page)[1]
        client.ask(server.address, "POST", "/api/consent", agrees=True)
        client.ask(server.address, "POST", "/api/checks/device", width=1, height=1, canPlay=True)
        for _ in range(6):
            item = json.loads(client.ask(server.address, "GET", "/api/item")[1])
            if "token" not in item:
                return
            client.ask(server.address, "POST", "/api/played", token=item["token"], media=0)
            status, body = client.ask(
                server.address, "POST", "/api/answer", token=item["token"], answers={"AQ": 1, "TA": 1, "VA": 1},
                plays=[1], focus_losses=0, key=str(uuid.uuid4()),
            )  # fmt: skip
            assert status == 200, body

    try:
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(rate, range(12)))
    finally:
        server.end()
    table = answers_of(folder)
    assert table.groupby(["sample_id", "model"]).size().max() <= 2
    assert len(table) >= 46  # who leaves may hold one more
    assert not table.duplicated(["rater", "sample_id", "model"]).any()
    assert not table.duplicated(["rater", "position"]).any()
