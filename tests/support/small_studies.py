"""Small studies: one-second scenes, three trivial models, a clock that tests turn, and a rater who does all by HTTP."""

import re
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.testclient import TestClient

from benchmark import generate
from benchmark.web.study.app import Serving, study_app
from benchmark.web.study.creating import create_study
from benchmark.web.study.settings import settings_of
from benchmark.web.study.study import Study
from support.small_benchmarks import write_folder
from vgg_monoaudio.dataset import load_benchmark

CLIPS = (
    ("aaaaaaaaaaa_000001", "dog barking", "Animal"),
    ("bbbbbbbbb-b_000002", "bird chirping", "Animal"),
    ("ccccc_ccccc_000003", "playing harp", "Music"),
    ("ddddddddddd_000004", "dog barking", "Animal"),
    ("eeeeeeeeeee_000005", "playing cello", "Music"),
)
INTER = ((2, 0), (0, 2), (2, 1), (3, 2), (4, 0), (1, 4), (4, 3), (3, 4))
MODELS = ("distractor", "mixture", "oracle")
SECONDS, RATE = 1.0, 16_000
CONSENT = {"consent": "You watch clips.\n\nYou may stop.", "contact": "lab@example.org", "data_kept": "Answers."}


def tone(place: int) -> np.ndarray:
    """A tone of its own for each source, loud and soft in turn."""
    time = np.arange(RATE + 800) / RATE
    return (0.3 / (place + 1) * np.sin(2 * np.pi * 220 * (place + 1) * time)).astype(np.float32)


@dataclass(frozen=True)
class Ground:
    """A benchmark and the runs of three models on it."""

    benchmark: Path
    runs: tuple[Path, ...]

    def settings(self, **changes: object) -> dict:
        """What a file of settings holds."""
        return {
            "name": "trial", "title": "A trial", "runs": [str(run) for run in self.runs], "samples": 4,
            "raters_per_item": 2, "items_per_rater": 6, "repeats": 1, "attention": 1, **CONSENT, **changes,
        }  # fmt: skip

    def create(self, folder: Path, **changes: object):
        """Create a study there."""
        content = {name: value for name, value in self.settings(**changes).items() if value is not None}
        settings = settings_of(content, Path("study.toml"))
        return create_study(settings, Path("study.toml"), load_benchmark(self.benchmark), folder)


def lay_ground(folder: Path, film: bytes) -> Ground:
    """Write a benchmark of eight scenes, and let the models answer it."""
    path = write_folder(folder / "small", CLIPS, {"inter": INTER}, film, sound=tone, seconds=SECONDS)
    runs = tuple(
        generate(path, model, subset="inter", runs=folder / "runs", workers=0).path for model in MODELS
    )  # fmt: skip
    return Ground(path, runs)


@dataclass
class Clock:
    """Seconds since 1970, as a test says."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Served:
    """A study that answers in this process; all browsers ask in one event loop, else each request starts its own."""

    study: Study
    clock: Clock
    portal: BlockingPortal | None = None
    serving: Serving = field(default_factory=Serving)
    _apps: dict[Serving, FastAPI] = field(default_factory=dict)

    def browser(
        self, base_url: str = "http://testserver", client: tuple[str, int] = ("203.0.113.7", 4000)
    ) -> TestClient:
        """A browser without cookies."""
        browser = TestClient(self.app(self.serving), base_url=base_url, client=client, follow_redirects=False)
        browser.portal = self.portal
        return browser

    def app(self, serving: Serving) -> FastAPI:
        """The application, one for each way of serving: it counts who asks how often."""
        if serving not in self._apps:
            self._apps[serving] = study_app(self.study, serving, ticks=self.clock)
        return self._apps[serving]

    def rater(self, query: str = "") -> "Person":
        """A rater who has opened the first page."""
        return Person(self.browser(), self.clock, query)


class Person:
    """A rater: asks as the pages' script does."""

    def __init__(self, browser: TestClient, clock: Clock, query: str = "") -> None:
        self.browser, self.clock, self.proof = browser, clock, ""
        self.arrival = browser.get(f"/{query}")
        self.at = self.arrival.headers.get("location", "")
        if self.at == "/":
            self.at = browser.get("/").headers["location"]
        self.see()

    def see(self) -> str:
        """Look at the page on which the rater is; take its proof."""
        page = self.browser.get(self.at)
        self.proof = re.search(r'name="proof" content="([0-9a-f]*)"', page.text)[1]
        return page.text

    def post(self, path: str, **content: object):
        """Send JSON with the proof."""
        return self.browser.post(path, json=content, headers={"X-Proof": self.proof})

    def go(self, path: str, **content: object) -> "Person":
        """Send what leads to the next page."""
        answer = self.post(path, **content)
        assert answer.status_code == 200, answer.text
        self.at = answer.json()["next"]
        return self

    def begin(self, headphones: list[int] | None = None) -> "Person":
        """Come to the first item."""
        self.go("/api/consent", agrees=True)
        self.go("/api/checks/device", width=1280, height=720, canPlay=True)
        if headphones is not None:
            self.go("/api/checks/headphones", answers=headphones)
        if self.at == "/tutorial":
            self.go("/api/tutorial")
        assert self.at == "/rate"
        return self

    def item(self) -> dict:
        """The item on which the rater is, or where to go."""
        answer = self.browser.get("/api/item")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def watch(self, item: dict) -> None:
        """Play every clip of an item to its end."""
        for place, medium in enumerate(item["media"]):
            told = self.post("/api/played", token=item["token"], media=place)
            assert told.status_code == 200, told.text
            self.clock.forward(medium["seconds"])

    def answer(self, item: dict, points: object = 3, **more: object):
        """Answer every criterion alike."""
        content = {
            "token": item["token"], "answers": {one["id"]: points for one in item["criteria"]},
            "plays": [1] * len(item["media"]), "focus_losses": 0, "key": str(uuid.uuid4()), **more,
        }  # fmt: skip
        return self.post("/api/answer", **content)

    def rate(self, most: int = 1000, points: object = 3) -> list[dict]:
        """Watch and answer items until there are no more; return them."""
        done = []
        while len(done) < most:
            item = self.item()
            if "token" not in item:
                self.at = item["next"]
                break
            self.watch(item)
            answer = self.answer(item, points)
            assert answer.status_code == 200, answer.text
            done.append(item)
        return done
