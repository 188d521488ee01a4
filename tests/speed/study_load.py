"""Fifty raters at once on loopback: how long a rating's POST takes, and whether one is lost or doubled.

    PYTHONPATH=tests python -m speed study_load

The server is a process of its own, as `study serve` starts it; the raters are threads of this one, each with a
connection, so both share the machine's cores. A rater watches clips of one second and answers at their end.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from foundation.measurements import Figure
from speed.board import show, significant

RATERS, SECONDS = 50, 60.0
TARGET_MILLISECONDS = 200.0
SCENES, FRAMES_PER_SECOND, SIZE = 60, 25, (360, 640)  # 60 scenes by 3 models, wanted of so many raters:
WANTED = 60
_HEADERS = {"Content-Type": "application/json"}


@dataclass
class Tally:
    """What all raters met.

    Attributes:
        kept: (key, answers) of every rating that was acknowledged.
        posts: seconds that each POST of a rating took.
        errors: anything but what was expected.
        received: bytes of media.
    """

    kept: list[tuple[str, dict[str, int]]] = field(default_factory=list)
    posts: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    received: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Rater(threading.Thread):
    """One rater: comes, rates until the time is over, and comes again as another one when there is nothing more."""

    def __init__(self, address: str, until: float, number: int, tally: Tally) -> None:
        super().__init__(daemon=True)
        self._address, self._until, self._tally = urlsplit(address), until, tally
        self._draw = np.random.default_rng(number)
        self._connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=30)
        self._cookie = self._proof = ""

    def run(self) -> None:
        """Rate until the time is over."""
        try:
            while time.monotonic() < self._until:
                self._begin()
                while time.monotonic() < self._until and self._rate():
                    pass
        except Exception as error:  # whatever it is, it is counted and shown
            self._tally.errors.append(f"{type(error).__name__}: {error}")

    def _ask(self, method: str, path: str, content: object = None) -> tuple[int, bytes, str]:
        headers = {"Cookie": self._cookie, "X-Proof": self._proof, **_HEADERS}
        self._connection.request(method, path, None if content is None else json.dumps(content), headers)
        answer = self._connection.getresponse()
        body = answer.read()
        self._cookie = (answer.getheader("Set-Cookie") or self._cookie).partition(";")[0]
        return answer.status, body, answer.getheader("Location") or ""

    def _post(self, path: str, **content: object) -> dict[str, str]:
        status, body, _ = self._ask("POST", path, content)
        if status != 200:
            raise ValueError(f"{path}: {status} {body.decode()}")
        return dict(json.loads(body))

    def _begin(self) -> None:
        self._cookie = ""
        _, _, place = self._ask("GET", "/")
        if place != "/consent":
            raise ValueError(f"led to {place}")
        page = self._ask("GET", place)[1].decode()
        self._proof = re.findall(r'name="proof" content="([0-9a-f]+)"', page)[0]
        self._post("/api/consent", agrees=True)
        self._post("/api/checks/device", width=1280, height=720, canPlay=True)

    def _rate(self) -> bool:
        status, body, _ = self._ask("GET", "/api/item")
        item = json.loads(body)
        if status != 200:
            raise ValueError(f"/api/item: {status} {item}")
        if "token" not in item:
            return False
        medium = item["media"][0]
        sent = self._ask("GET", medium["url"])[1]
        self._post("/api/played", token=item["token"], media=0)
        time.sleep(medium["seconds"] + float(self._draw.uniform(0.5, 1.5)))
        answers = {one["id"]: int(self._draw.integers(1, 6)) for one in item["criteria"]}
        key = str(uuid.uuid4())
        began = time.perf_counter()
        self._post("/api/answer", token=item["token"], answers=answers, plays=[1], focus_losses=0, key=key)
        took = time.perf_counter() - began
        with self._tally.lock:
            self._tally.posts.append(took)
            self._tally.kept.append((key, answers))
            self._tally.received += len(sent)
        return True


def make_study(folder: Path) -> Path:
    """Create a study of 60 scenes by three models, of clips of one second in the size of a small window."""
    from support.small_benchmarks import write_folder
    from support.small_studies import CONSENT, MODELS, tone

    from benchmark import generate
    from benchmark.web.study.creating import create_study
    from benchmark.web.study.settings import settings_of
    from foundation import media
    from vgg_monoaudio.dataset import load_benchmark

    noise = np.random.default_rng(0)
    frames = [noise.integers(0, 255, (*SIZE, 3), np.uint8) for _ in range(FRAMES_PER_SECOND)]
    media.write_video(folder / "film.mp4", frames, fps=FRAMES_PER_SECOND, waveform=tone(0), sample_rate=16_000, crf=40)
    clips = tuple((f"clip{place:08d}_000000", f"label {place}", f"Kind {place % 4}") for place in range(SCENES))
    pairs = {"inter": tuple((place, (place + 1) % SCENES) for place in range(SCENES))}
    built = write_folder(
        folder / "bench",
        clips,
        pairs,
        (folder / "film.mp4").read_bytes(),
        sound=lambda place: tone(place % 5),
        seconds=1.0,
    )
    runs = [str(generate(built, model, subset="inter", runs=folder / "runs", workers=0).path) for model in MODELS]
    content = {
        "name": "load", "title": "Load", "runs": runs, "samples": SCENES, "raters_per_item": WANTED,
        "items_per_rater": 30, "headphone_check": False, "tutorial": False, "claim_minutes": 1, **CONSENT,
    }  # fmt: skip
    path = Path("study.toml")
    return create_study(settings_of(content, path), path, load_benchmark(built), folder / "study").folder.path


def measure(_arguments: Sequence[str] = ()) -> Iterator[Figure]:
    """Yield what 50 raters meet within a minute."""
    with tempfile.TemporaryDirectory() as name:
        study = make_study(Path(name))
        command = [sys.executable, "-m", "benchmark", "study", "serve", str(study), "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            address = next(line.split()[1] for line in server.stdout if line.startswith("raters:"))
            tally = Tally()
            until = time.monotonic() + SECONDS
            raters = [Rater(address, until, number, tally) for number in range(RATERS)]
            for rater in raters:
                rater.start()
            for rater in raters:
                rater.join(SECONDS + 60)
            peak = _peak_megabytes(server.pid)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
        yield from _figures(study, tally, peak)
        shutil.rmtree(study)


def _figures(study: Path, tally: Tally, peak: float) -> Iterator[Figure]:
    import sqlite3

    for error in tally.errors[:5]:
        print(f"error: {error}", file=sys.stderr)
    with sqlite3.connect(study / "answers.sqlite") as database:
        rows = database.execute("SELECT key, answers FROM placements WHERE state = 'answered'").fetchall()
    stored = sorted((key, json.loads(answers)) for key, answers in rows)
    differing = len({key for key, _ in stored} ^ {key for key, _ in tally.kept}) + len(stored) - len(dict(stored))
    wrong = sum(dict(stored).get(key) != answers for key, answers in tally.kept)
    if not tally.posts:
        raise ValueError(f"no rating was kept: {tally.errors[:1]}")
    settings = f"{RATERS} raters for {SECONDS:g} s"
    told = {"n": len(tally.kept), "note": settings}
    yield Figure(what="ratings lost, doubled or changed", figure=differing + wrong, at_most=0, **told)
    yield Figure(what="errors", figure=len(tally.errors), at_most=0, **told)
    for share, name, most in (
        (50, "median", None),
        (95, "95th percentile", TARGET_MILLISECONDS),
        (100, "longest", None),
    ):
        value = significant(1000 * float(np.percentile(tally.posts, share)))
        yield Figure(what=f"a rating's POST, {name}", figure=value, unit="ms", at_most=most, **told)
    yield Figure(what="ratings a second", figure=significant(len(tally.kept) / SECONDS), unit="1/s", **told)
    yield Figure(what="media sent", figure=significant(tally.received / 1e6 / SECONDS), unit="MB/s", **told)
    yield Figure(what="memory of the server, at most", figure=peak, unit="MB", **told)


def _peak_megabytes(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return round(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1000)


if __name__ == "__main__":
    sys.exit(show(measure()))
