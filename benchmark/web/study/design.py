"""`study.json`: a study as it was frozen when it was created. What reaches a browser of it goes by way of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from benchmark.web.study.settings import Criterion, Form, Question
from foundation.files import write_text
from foundation.records import Record, read_bounded, what_is_wrong

SCHEMA_VERSION: Literal[1] = 1
TRIALS, FEWEST_RIGHT = 6, 5  # of the headphone check, after Woods et al. 2017

Role = Literal["item", "repeat", "attention"]


class UnusableStudy(Exception):
    """A folder that holds no study, an unfinished one, or one of a later version; the message says what to do."""


class Clip(Record):
    """One film that raters see.

    Attributes:
        media: its name below `media/`, without ending: drawn from the study's secret and what it is made of.
        seconds: how long it plays.
        sha256: of its bytes.
        size_bytes: how many they are; looked at when a study is opened, where hashing all would take long.
        gain_db: that its sound was changed by.
    """

    media: str = Field(pattern=r"^[0-9a-f]{24}$")
    seconds: float = Field(gt=0)
    sha256: str
    size_bytes: int
    gain_db: float


class Answer(Record):
    """Whose sound a clip has: of a model under test, or made here (`oracle`, `oracle-noisy`)."""

    model: str
    run: str = Field(description="run directory; empty where the sound was made here")
    clip: Clip


class Item(Record):
    """What is judged at a time: one answer to a scene, or two in the order of their models' names.

    Attributes:
        item: opaque id.
        expected: what an attention item asks for, by criterion: points, or a or b; empty for others.
    """

    item: str = Field(pattern=r"^[0-9a-f]{24}$")
    subset: str
    sample_id: str
    category: str
    prompt: str
    answers: tuple[Answer, ...] = Field(min_length=1, max_length=2)
    expected: dict[str, str] = Field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it takes to hear it once."""
        return sum(answer.clip.seconds for answer in self.answers)


class Example(Record):
    """A clip of the tutorial; the prompt is what it should sound like."""

    criterion: str
    good: bool
    prompt: str
    clip: Clip


class Trial(Record):
    """One set of three tones of the headphone check: its sound below `sounds/`, and which tone is the softest."""

    sound: str = Field(pattern=r"^[0-9a-f]{24}$")
    softest: Literal[1, 2, 3]
    size_bytes: int


class Design(Record):
    """Everything that a server needs to know of a study.

    Attributes:
        fingerprint: SHA-256 over the settings and the runs that it was made of.
        asked: the settings but for criteria and texts, which are here whole; runs by subset, model and fingerprint. To
            say what differs where others are given.
        benchmark: name and version of the benchmark.
        items_per_rater: how many items a rater judges, beside repeats and attention items.
        seconds_per_rater: how long all is expected to take.
        each_seconds: of it one item, watched once and judged.
        limit_seconds: after so long at the items no further one is given; null: no limit.
        target_lufs: that all clips were brought to; null: as they are.
        items: what is judged.
        attention: items that say what to choose.
        tutorial: examples, a good one first.
        headphones: trials of the headphone check; empty where there is none.
    """

    schema_version: Literal[1] = Field(SCHEMA_VERSION, alias="schema")
    fingerprint: str
    asked: dict[str, Any] = Field(default_factory=dict)
    name: str
    title: str
    language: str
    direction: Literal["ltr", "rtl"]
    form: Form
    benchmark: str
    criteria: dict[str, Criterion]
    texts: dict[str, dict[str, str]]
    raters_per_item: int
    items_per_rater: int
    repeats: int
    seconds_per_rater: float
    each_seconds: float
    limit_seconds: float | None
    claim_minutes: float
    headphone_check: Literal["warn"] | bool
    headphone_tries: int
    consent: str
    contact: str
    data_kept: str
    questionnaire: tuple[Question, ...]
    completion_code: str
    completion_url: str
    target_lufs: float | None
    seed: int
    items: tuple[Item, ...] = Field(min_length=1)
    attention: tuple[Item, ...]
    tutorial: tuple[Example, ...]
    headphones: tuple[Trial, ...]

    @property
    def clips(self) -> dict[str, Clip]:
        """Every clip by the name of its media."""
        found = [answer.clip for item in (*self.items, *self.attention) for answer in item.answers]
        return {clip.media: clip for clip in [*found, *(example.clip for example in self.tutorial)]}


@dataclass(frozen=True)
class StudyFolder:
    """The paths of a study."""

    path: Path

    @property
    def design(self) -> Path:
        """The frozen design; written last."""
        return self.path / "study.json"

    @property
    def media(self) -> Path:
        """The folder of the clips."""
        return self.path / "media"

    @property
    def sounds(self) -> Path:
        """The folder of the headphone check's sounds."""
        return self.path / "sounds"

    @property
    def answers(self) -> Path:
        """The database."""
        return self.path / "answers.sqlite"

    @property
    def secret(self) -> Path:
        """What tokens are signed with."""
        return self.path / "secret"

    @property
    def admin(self) -> Path:
        """The secret that opens the admin page."""
        return self.path / "admin-secret"

    def clip(self, media: str) -> Path:
        """Return where a clip is."""
        return self.media / f"{media}.mp4"

    def sound(self, sound: str) -> Path:
        """Return where a sound of the headphone check is."""
        return self.sounds / f"{sound}.wav"

    def read(self) -> Design:
        """Return the design.

        Raises:
            UnusableStudy: there is none, or not one that this version reads.
        """
        if not self.design.is_file():
            known = "not finished; give the command that creates it again" if self.secret.is_file() else "no study"
            raise UnusableStudy(f"{self.path}: {known}; `python -m benchmark study create` makes one")
        try:
            return Design.model_validate_json(read_bounded(self.design))
        except ValidationError as error:
            raise UnusableStudy(
                f"{self.design}: not a study that this version reads: {what_is_wrong(error)}"
            ) from error
        except ValueError as error:
            raise UnusableStudy(f"{self.design}: {error}") from error

    def write(self, design: Design) -> None:
        """Write the design, whole or not at all."""
        write_text(self.design, design.model_dump_json(by_alias=True, indent=1) + "\n")
