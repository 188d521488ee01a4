"""The study's pages in a real browser: a study that is served, a rater's browser, and what raters do there."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sqlmodel import select

from benchmark.web.study.app import Serving, study_app
from benchmark.web.study.raters import trials_of
from benchmark.web.study.study import Study
from benchmark.web.study.tables import Placement, Rater
from support.servers import answering
from support.small_studies import Ground

QUESTIONS = [
    {"id": "heard", "question": "What did you listen with?", "kind": "choice",
     "options": ["Headphones", "Loudspeakers"], "required": True},
    {"id": "age", "question": "How old are you?", "kind": "number"},
    {"id": "room", "question": "Where are you?", "kind": "choice", "options": [f"Room {k}" for k in range(8)]},
    {"id": "remarks", "question": "Anything else?"},
]  # fmt: skip


@dataclass
class MachineClock:
    """The machine's clock, which may be made to stand still."""

    stands_at: float | None = None

    def __call__(self) -> float:
        return time.time() if self.stands_at is None else self.stands_at

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Let no time pass in the block."""
        self.stands_at = time.time()
        yield
        self.stands_at = None


@dataclass
class Live:
    """A study that answers on loopback."""

    study: Study
    address: str
    clock: MachineClock

    def raters(self) -> list[Rater]:
        """Those who came, in order."""
        with self.study.database.reading() as session:
            return list(session.exec(select(Rater).order_by(Rater.id)))

    def placements(self, rater: Rater | None = None) -> list[Placement]:
        """Items given to a rater (the last who came), in order."""
        with self.study.database.reading() as session:
            whose = (rater or self.raters()[-1]).id
            return list(session.exec(select(Placement).where(Placement.rater_id == whose).order_by(Placement.position)))

    def answers(self, rater: Rater | None = None) -> list[dict]:
        """What a rater (the last who came) answered, in order."""
        return [json.loads(one.answers) for one in self.placements(rater) if one.state == "answered"]

    def softest(self, rater: Rater) -> list[int]:
        """The right answers of a rater's headphone check."""
        return [trial.softest for trial in trials_of(rater, self.study.design)]


@contextmanager
def live(ground: Ground, folder: Path, **changes: object) -> Iterator[Live]:
    """Create a study with these settings and serve it; its clock is the machine's, since films run by that."""
    ground.create(folder, **{"headphone_check": False, "raters_per_item": 1000, "questionnaire": QUESTIONS, **changes})
    clock = MachineClock()
    study = Study.opened(folder, clock=clock)
    try:
        with answering(study_app(study, Serving())) as address:
            yield Live(study, address, clock)
    finally:
        study.close()


def send(page, path: str, **content: object) -> dict:
    """Send what the page that is shown could send; return the server's answer."""
    proof = page.locator("meta[name=proof]").get_attribute("content")
    address = f"{urlsplit(page.url)._replace(path='', query='').geturl()}{path}"
    told = page.context.request.post(address, data=content, headers={"X-Proof": proof})
    assert told.ok, told.text()
    return told.json()


def advance(page, address: str) -> None:
    """Bring the rater of this browser from the consent to the first item, without the pages in between."""
    send(page, "/api/consent", agrees=True)
    send(page, "/api/checks/device", width=1440, height=900, canPlay=True)
    page.goto(f"{address}/rate")


def ready(page, number: int | None = None) -> None:
    """Wait for an item whose first clip can be played."""
    if number is not None:
        page.wait_for_function(
            "number => document.querySelector('#place')?.textContent.includes(` ${number} of`)", arg=number
        )
    page.wait_for_selector("#clips .clip:first-child[data-state=ready], #clips .clip:first-child[data-state=ended]")


@contextmanager
def becomes(page, *states: str) -> Iterator[None]:
    """Wait until a clip has come into these states, one after the other, since the block began."""
    mark = page.evaluate("clipStates.length")
    yield
    come = """([mark, states]) => {
      const left = [...states];
      for (const state of clipStates.slice(mark)) if (state === left[0]) left.shift();
      return left.length === 0;
    }"""
    page.wait_for_function(come, arg=[mark, list(states)])


def while_playing(page, script: str) -> object:
    """Play the clip, and run a script in the page in the moment in which it has begun; return what it returns."""
    page.evaluate(f"""() => {{
      globalThis.found = new Promise((tell) => {{
        const act = async () => {{ {script} }};
        document.querySelector("video").addEventListener("playing", () => tell(act()), {{ once: true }});
      }});
    }}""")
    page.keyboard.press("Space")
    return page.evaluate("found")


def watch(page) -> None:
    """Play every clip of the item to its end, by keyboard."""
    for _ in range(page.locator("#clips .clip").count()):
        with becomes(page, "playing", "ended"):
            page.keyboard.press("Space")
    page.wait_for_selector(".scale:not([disabled])")


def answer(page, *points: int) -> None:
    """Answer the questions in turn by keyboard, and go on."""
    for point in points:
        page.keyboard.press(str(point))
    page.keyboard.press("Enter")
