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
from support.killed_servers import Forked, serve_on_a_disk_that_fills, serve_study
from typer.testing import CliRunner

from benchmark.cli import app
from benchmark.web.study.export import answers_of


@pytest.fixture
def server():
    """Begins servers of a study; the clock of each begins after that of the one before."""
    begun = []

    def begin(folder, serves=serve_study):
        begun.append(Forked(serves, folder, 1.8e9 + 1e6 * len(begun)))
        return begun[-1]

    yield begin
    for one in begun:
        one.end()


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


@pytest.mark.parametrize("kills", [5, pytest.param(20, marks=pytest.mark.slow(minutes=0.5))])
def test_no_answer_is_lost_or_doubled_however_often_the_server_is_killed(folder, server, kills):
    """Between any two requests, and while one is under way: what has no reply is sent again to the next server."""
    draw, client, acknowledged = np.random.default_rng(kills), Client(), {}
    serving = server(folder)
    client.begin(serving.address)
    for kill in range(kills):
        for step in range(int(draw.integers(1, 6))):
            status, body = client.ask(serving.address, "GET", "/api/item")
            item = json.loads(body)
            if "token" not in item:
                break
            client.ask(serving.address, "POST", "/api/played", token=item["token"], media=0)
            key, points = str(uuid.uuid4()), int(draw.integers(1, 6))
            given = {"token": item["token"], "answers": dict.fromkeys(("AQ", "TA", "VA"), points), "plays": [1],
                     "focus_losses": 0, "key": key}  # fmt: skip
            if step == 0 and kill % 2:  # the reply is lost with the server
                send_and_kill(serving, client, given)
                serving = server(folder)
            status, body = client.ask(serving.address, "POST", "/api/answer", **given)
            assert status == 200, body
            acknowledged[key] = points
        assert serving.end() == -signal.SIGKILL
        serving = server(folder)
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
    server.end()
    connection.close()


def test_a_second_server_on_one_study_is_refused(folder, server):
    server(folder)
    second = subprocess.run(
        [sys.executable, "-m", "benchmark", "study", "serve", str(folder), "--port", "0"],
        capture_output=True,
        text=True,
    )
    assert second.returncode == 2
    assert re.fullmatch(r"error: .*study: .* serves it already; one server at a time\n", second.stderr)


def test_a_disk_that_is_full_while_rating_is_told_and_the_answer_can_be_sent_again(folder, server):
    serving, client = server(folder, serve_on_a_disk_that_fills), Client()
    client.begin(serving.address)
    item = json.loads(client.ask(serving.address, "GET", "/api/item")[1])
    client.ask(serving.address, "POST", "/api/played", token=item["token"], media=0)
    given = {"token": item["token"], "answers": dict.fromkeys(("AQ", "TA", "VA"), 4), "plays": [1],
             "focus_losses": 0, "key": str(uuid.uuid4())}  # fmt: skip
    serving.send(signal.SIGUSR1)
    status, body = client.ask(serving.address, "POST", "/api/answer", **given)
    assert status == 507
    assert "the server cannot write to its disk" in json.loads(body)["error"]
    assert client.ask(serving.address, "POST", "/api/answer", **given)[0] == 507
    assert len(answers_of(folder)) == 0
    serving.send(signal.SIGUSR2)
    assert client.ask(serving.address, "POST", "/api/answer", **given) == (200, '{"next":"item"}')
    assert list(answers_of(folder)["AQ"]) == [4]


def test_a_database_that_was_removed_under_the_server_acknowledges_nothing(serve, caplog):
    served = serve()
    rater = served.rater().begin()
    item = rater.item()
    rater.watch(item)
    for path in served.study.folder.path.glob("answers.sqlite*"):
        path.unlink()
    assert rater.answer(item).status_code == 507
    assert "cannot write to its disk" in rater.answer(item).json()["error"]
    assert "answers.sqlite: removed while it was open; stop the server" in caplog.text


def test_status_and_export_work_while_the_study_is_served(folder, server):
    serving, client = server(folder), Client()
    client.begin(serving.address)
    for words in (["status", str(folder), "--json"], ["export", str(folder)]):
        done = CliRunner().invoke(app, ["study", *words])
        assert done.exit_code == 0, done.output
    assert (folder / "export" / "raters.csv").read_text().count("\n") == 2
    assert client.ask(serving.address, "GET", "/api/item")[0] == 200


def test_many_raters_at_once_get_different_places_and_no_item_too_many(ground, tmp_path, server):
    from concurrent.futures import ThreadPoolExecutor

    folder = tmp_path / "crowd"
    ground.create(
        folder, headphone_check=False, tutorial=False, samples=8, items_per_rater=24, repeats=0, attention=0,
        raters_per_item=2, claim_minutes=1440,
    )  # fmt: skip
    serving = server(folder)

    def rate(_number):
        client = Client()
        client.ask(serving.address, "GET", "/")
        status, page = client.ask(serving.address, "GET", "/consent")
        if status != 200:
            return
        client.proof = re.search(r'name="proof" content="([0-9a-f]+)"', page)[1]
        client.ask(serving.address, "POST", "/api/consent", agrees=True)
        client.ask(serving.address, "POST", "/api/checks/device", width=1, height=1, canPlay=True)
        for _ in range(6):
            item = json.loads(client.ask(serving.address, "GET", "/api/item")[1])
            if "token" not in item:
                return
            client.ask(serving.address, "POST", "/api/played", token=item["token"], media=0)
            status, body = client.ask(
                serving.address, "POST", "/api/answer", token=item["token"], answers={"AQ": 1, "TA": 1, "VA": 1},
                plays=[1], focus_losses=0, key=str(uuid.uuid4()),
            )  # fmt: skip
            assert status == 200, body

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(rate, range(12)))
    table = answers_of(folder)
    assert table.groupby(["sample_id", "model"]).size().max() <= 2
    assert len(table) >= 46  # who leaves may hold one more
    assert not table.duplicated(["rater", "sample_id", "model"]).any()
    assert not table.duplicated(["rater", "position"]).any()
