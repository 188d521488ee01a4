"""What the pages' script and the server say to each other, as JSON.

Every POST carries the header `X-Proof` with the content of `<meta name="proof">`. Refusals have the key `error`, and
where a script can go on by itself more: `next` (where to), `wait_seconds` (an answer before the clip's end), `code`
(unplayed: /api/played has not arrived, send it again; early: wait; elsewhere: the clip was answered or given away
meanwhile, go on with the next; no_more_skips: no further clip may be passed over; with `may_end` true the rater may end
here: the same with `ends`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StringConstraints

from foundation.records import Record

ShortText = Annotated[str, StringConstraints(max_length=1000)]
Key = Annotated[str, StringConstraints(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]


class Refused(Exception):
    """A request that is understood and not granted.

    Attributes:
        status: of HTTP.
        content: of the answer; `error` tells a person, the rest a script.
        retry_seconds: for `Retry-After`; None: asking again does not help.
    """

    def __init__(self, status: int, error: str, *, retry_seconds: float | None = None, **more: Any) -> None:
        super().__init__(error)
        self.status, self.content, self.retry_seconds = status, {"error": error, **more}, retry_seconds


class Consent(Record):
    """POST /api/consent."""

    agrees: StrictBool


class Device(Record):
    """POST /api/checks/device: size of the window in CSS pixels, and whether the browser plays H.264 with AAC."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    width: Annotated[StrictInt, Field(ge=0, le=100_000)]
    height: Annotated[StrictInt, Field(ge=0, le=100_000)]
    can_play: StrictBool = Field(alias="canPlay")


class HeadphoneAnswers(Record):
    """POST /api/checks/headphones: of each trial, which tone is the softest."""

    answers: list[Annotated[StrictInt, Field(ge=1, le=3)]] = Field(max_length=20)


class Played(Record):
    """POST /api/played: a clip has started; `media` is its place in the item."""

    token: str
    media: Annotated[StrictInt, Field(ge=0, le=1)]


class Answered(Record):
    """POST /api/answer.

    Attributes:
        answers: criterion to points, or to first, second or tie.
        plays: of each clip, how often it was played.
        focus_losses: how often the page was left while a clip played.
        key: drawn by the script for this answer; the same when it is sent again.
    """

    token: str
    answers: dict[str, StrictInt | str] = Field(max_length=50)
    plays: list[Annotated[StrictInt, Field(ge=0, le=10_000)]] = Field(default_factory=list, max_length=2)
    focus_losses: Annotated[StrictInt, Field(ge=0, le=10_000)] = 0
    key: Key


class Skipped(Record):
    """POST /api/skip: a clip that cannot be judged, and why; it is not given to this rater again.

    Attributes:
        reason: load, silent, disturbing or other; after a colon what the rater wrote.
        ends: no further clip is wanted, where so many have failed that the rater may end.
    """

    token: str
    reason: ShortText
    key: Key
    ends: StrictBool = False


class Questionnaire(Record):
    """POST /api/questionnaire: answers by id of the question; what is left out is not answered."""

    answers: dict[str, StrictInt | StrictFloat | ShortText | None] = Field(max_length=100)


class Withdraw(Record):
    """POST /api/withdraw: without a code the rater who asks."""

    code: Annotated[str, StringConstraints(max_length=100)] = ""


@dataclass(frozen=True)
class Next:
    """Where to go on: the path of a page, or "item": ask /api/item."""

    next: str


@dataclass(frozen=True)
class TrialSound:
    """One trial of the headphone check."""

    sound: str


@dataclass(frozen=True)
class Trials:
    """GET /api/checks/headphones."""

    trials: tuple[TrialSound, ...]


@dataclass(frozen=True)
class HeadphoneResult:
    """Whether the check is passed; `next` is where to go on, /checks for another try."""

    passed: bool
    tries_left: int
    next: str


@dataclass(frozen=True)
class Medium:
    """A clip: its address, and how long it plays."""

    url: str
    seconds: float


@dataclass(frozen=True)
class Scale:
    """A criterion, as it is shown; `words` at its points, the worst first."""

    id: str
    name: str
    question: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class ShownExample:
    """A clip of the tutorial, what it should sound like, and what is said to it."""

    media: Medium
    good: bool
    prompt: str
    text: str


@dataclass(frozen=True)
class ScaleWithExamples(Scale):
    """A criterion with its examples."""

    examples: tuple[ShownExample, ...]


@dataclass(frozen=True)
class TutorialContent:
    """GET /api/tutorial."""

    criteria: tuple[ScaleWithExamples, ...]


@dataclass(frozen=True)
class ShownItem:
    """GET /api/item, where there is one.

    Attributes:
        token: names this item to this rater, and nothing else.
        number: its place, of `of`.
        media: one clip, or two to compare in the order in which they are shown.
        instruction: what an attention item asks for; it is shown after the clip.
        next_media: addresses worth loading beforehand.
    """

    token: str
    form: Literal["rating", "preference"]
    number: int
    of: int
    media: tuple[Medium, ...]
    prompt: str
    criteria: tuple[Scale, ...]
    instruction: str | None
    next_media: tuple[str, ...]
