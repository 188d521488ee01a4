"""`study.toml`: what a study asks of whom, checked as a whole, so that every problem is named at once."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, ValidationError, model_validator

from benchmark.ratings.reading import RESERVED
from foundation.names import joined
from foundation.paths import FolderName
from foundation.records import Record, expected_of, in_words, read_bounded, shown

Form = Literal["rating", "preference"]
Loudness = Literal["as-is", "equal"]
BadExample = Literal["noisy", "paired", "shifted"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"  # a tag such as "en" or "pt-BR"
POINTS = 5  # of a scale, as in the paper
GAP = 5  # answers between an item and its repeat
# Columns that the export has beside the criteria, in any of its files, and those of the analysis.
_TAKEN = frozenset({
    "rater", "position", "role", "subset", "sample_id", "model", "model_a", "model_b", "category", "expected",
    "seconds", "clip_seconds", "plays", "plays_a", "plays_b", "focus_losses", "answered_at", "shown_first", *RESERVED,
})  # fmt: skip
_MOST_BYTES = 1 << 20
_LONGEST_NAME = 200  # bytes; a folder's name may have 255, and files made beside it have longer ones

_Several = TypeVar("_Several", bound=tuple[str, ...])


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file of settings: key, value, what was expected."""

    reason: str


class UnusableSettings(ValueError):
    """Settings that no study can be made of; the message names the file, `problems` each key with its value."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        super().__init__(f"{path}: {len(problems)} problem{'s' if len(problems) > 1 else ''}")
        self.problems = problems


def _check_link(address: str) -> str:
    if not address:
        return address
    if not address.startswith("https://") or any(letter.isspace() for letter in address):
        raise ValueError("expected an address that begins with https:// and holds no blank")
    if not urlsplit(address).hostname:  # raises ValueError itself for "https://["
        raise ValueError("expected the name of a host after https://")
    return address


def _check_length(name: str) -> str:
    if len(name.encode()) > _LONGEST_NAME:
        raise ValueError(f"expected at most {_LONGEST_NAME} bytes in UTF-8, as the name of a folder")
    return name


def _check_different(values: _Several) -> _Several:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} is there more than once")
    return values


# TOML has numbers and truth values of its own: text or true in place of a number is a slip.
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]


class Criterion(Record):
    """What one scale is about.

    Attributes:
        name: a few words above the scale.
        question: that it answers.
        words: at its five points, the worst first.
        good: what is said to a good example in the tutorial.
        bad: what is said to a bad one.
        bad_example: how a bad example is made: the target's sound with noise and clipping, the paired sound, or the
            target's sound out of step; null: the tutorial has no examples of this criterion.
    """

    name: Text
    question: Text
    words: Annotated[tuple[Text, ...], Field(min_length=POINTS, max_length=POINTS), AfterValidator(_check_different)]
    good: str = ""
    bad: str = ""
    bad_example: BadExample | None = None

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if self.bad_example is not None and not (self.good and self.bad):
            raise ValueError("a criterion with a bad_example needs the sentences good and bad")
        return self


class Question(Record):
    """One question of the questionnaire at the end.

    Attributes:
        id: names its column in the export.
        kind: choice: one of `options`; number; text: up to 1,000 characters.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    question: Text
    kind: Literal["choice", "number", "text"] = "text"
    options: Annotated[tuple[Text, ...], AfterValidator(_check_different)] = ()
    required: StrictBool = False

    @model_validator(mode="after")
    def _options_belong(self) -> Self:
        if (self.kind == "choice") != (len(self.options) > 1):
            raise ValueError("options: expected two or more for the kind choice, and none for another")
        return self


class Settings(Record):
    """A study as its file describes it.

    Attributes:
        name: names the folder, and what raters' browsers keep.
        title: shown on every page.
        language: of the pages, a language tag such as "en" or "pt-BR".
        direction: ltr or rtl.
        form: rating: each answer on scales; preference: two answers to one scene beside each other.
        runs: run directories, one or more of each model; relative ones are seen from the folder of the file.
        subsets: of the benchmark; empty: those of the runs.
        samples: how many of each subset, drawn by `seed` and balanced over the targets' categories, or which by their
            ids. The same for every model.
        raters_per_item: how many answers each item is to have.
        items_per_rater: how many items a rater judges, beside repeats and attention items.
        minutes_per_rater: in its place, how long a rater is to be at it at most.
        repeats: items that a rater judges a second time.
        attention: items that say what to choose.
        claim_minutes: how long an item is held for a rater who shows no sign of life.
        criteria: id, as the columns of the export are called, to what is asked.
        loudness: as-is, or equal: all clips brought to one loudness (ITU-R BS.1770).
        headphone_check: true: who fails may not take part; "warn": it is on record; false: none.
        headphone_tries: how often it may be taken.
        tutorial: examples of each criterion before the first item.
        questionnaire: questions at the end.
        consent: text of what taking part means; blank lines part paragraphs.
        contact: whom to ask.
        data_kept: text of what is kept, for how long and who sees it.
        completion_code: shown at the end.
        completion_url: where the end leads back to.
        texts: other words for any sentence of the pages, by page and key.
        seed: decides every draw.
    """

    name: Annotated[FolderName, AfterValidator(_check_length)]
    title: Text
    language: str = Field("en", pattern=LANGUAGE)
    direction: Literal["ltr", "rtl"] = "ltr"
    form: Form = "rating"
    runs: tuple[Path, ...] = Field(min_length=1)
    subsets: Annotated[tuple[Literal["inter", "intra", "single"], ...], AfterValidator(_check_different)] = ()
    samples: (
        Annotated[Whole, Field(ge=1)]
        | Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_check_different)]
    ) = 20  # fmt: skip
    raters_per_item: Whole = Field(5, ge=1, le=1000)
    items_per_rater: Whole | None = Field(None, ge=1, le=500)
    minutes_per_rater: Number | None = Field(None, gt=0, le=240)
    repeats: Whole = Field(1, ge=0, le=50)
    attention: Whole = Field(2, ge=0, le=20)
    claim_minutes: Number = Field(20, ge=1, le=24 * 60)
    criteria: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,15}$")], Criterion] = Field(
        default_factory=dict
    )
    loudness: Loudness = "as-is"
    headphone_check: Literal["warn"] | StrictBool = "warn"
    headphone_tries: Whole = Field(2, ge=1, le=10)
    tutorial: StrictBool = True
    questionnaire: tuple[Question, ...] = ()
    consent: Text
    contact: Text
    data_kept: Text
    completion_code: str = ""
    completion_url: Annotated[str, AfterValidator(_check_link)] = ""
    texts: dict[str, dict[str, str]] = Field(default_factory=dict)
    seed: Whole = 0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        problems = list(self._contradictions())
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _contradictions(self) -> Iterator[str]:
        """Yield what is wrong with values that are fine each by itself, a line each."""
        if (self.items_per_rater is None) == (self.minutes_per_rater is None):
            yield "items_per_rater, minutes_per_rater: expected one of the two"
        if self.items_per_rater is not None:
            yield from too_few_for_repeats(self.repeats, self.items_per_rater)
        for name in self.criteria:
            if name.lower() in _TAKEN:
                yield f"criteria.{name}: a column that the export or the analysis has already; choose another id"
        for name, count in Counter(name.lower() for name in self.criteria).items():
            if count > 1:
                alike = " and ".join(other for other in self.criteria if other.lower() == name)
                yield f"criteria: {alike} differ in capitals alone; choose ids that nobody takes for one another"
        for name, count in Counter(question.id for question in self.questionnaire).items():
            if count > 1:
                yield f"questionnaire: {count} questions have the same id {name!r}"


def too_few_for_repeats(repeats: int, items: int) -> Iterator[str]:
    """Yield what is wrong where a rater who judges so many items cannot judge so many of them again."""
    if repeats and items < GAP + repeats:
        yield (
            f"repeats: {repeats} of the {items} items of a rater; a repeat comes {GAP} items after the first answer, "
            f"so expected at least {GAP + repeats} items"
        )


def read_settings(path: Path) -> Settings:
    """Return the settings of a file.

    Raises:
        UnusableSettings: not TOML, an unknown key, a value of another kind; names each key with its value.
    """
    try:
        content = tomllib.loads(read_bounded(path, _MOST_BYTES).decode("utf-8-sig"))
    except FileNotFoundError as error:
        made = "`study create --example` writes one to begin with"
        raise UnusableSettings(path, [Problem(f"no such file of settings; {made}")]) from error
    except OSError as error:
        raise UnusableSettings(path, [Problem(f"cannot be read: {error.strerror}")]) from error
    except ValueError as error:  # not UTF-8, not TOML, or too large
        raise UnusableSettings(path, [Problem(f"not a file of TOML: {error}")]) from error
    return settings_of(content, path)


def settings_of(content: dict[str, Any], path: Path) -> Settings:
    """Return settings from what a file holds.

    Raises:
        UnusableSettings: see `read_settings`.
    """
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise UnusableSettings(path, [*_problems(error), *_contradictions_of_others(content, error)]) from error


# What stands for a key that is needed and cannot be used, while the others are looked at.
_IN_PLACE = {"name": "x", "title": "x", "runs": ["x"], "consent": "x", "contact": "x", "data_kept": "x"}


def _contradictions_of_others(content: dict[str, Any], error: ValidationError) -> list[Problem]:
    """Return what contradicts among keys that are fine by themselves; pydantic looks no further where some are not."""
    faulty = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
    if not faulty:
        return []  # then the contradictions are the error
    fine = {name: value for name, value in content.items() if name not in faulty}
    try:
        Settings.model_validate({**_IN_PLACE, **fine})
    except ValidationError as other:
        return [problem for problem in _problems(other) if faulty.isdisjoint(_keys(problem))]
    return []


def _keys(problem: Problem) -> set[str]:
    """Return the keys of the file that a contradiction is between."""
    return {key.partition(".")[0] for key in problem.reason.partition(":")[0].split(", ")}


def _problems(error: ValidationError) -> list[Problem]:
    """Return one problem per key; of a value that might be of several kinds, what each kind expected."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in error.errors():
        key = ".".join(str(part) for part in one["loc"] if not _names_a_kind(part))
        if key:
            found.setdefault(key, []).append(one)
        else:  # of the file as a whole: each line names its keys itself
            found.update((line, []) for line in in_words(one).splitlines())
    return [Problem(f"{key}: {_said(faults)}" if faults else key) for key, faults in found.items()]


def _said(faults: Sequence[Mapping[str, Any]]) -> str:
    """Return what is wrong with a value, in one line."""
    first, *others = faults
    kinds = [expected_of(one) for one in faults]
    if others and None not in kinds:
        return f"expected {joined(dict.fromkeys(filter(None, kinds)))}, got {shown(first['input'])}"
    said = joined(dict.fromkeys(in_words(one) for one in faults))
    ours = first["type"] == "value_error" and not isinstance(first["input"], dict | list | tuple)
    return f"{said}, got {shown(first['input'])}" if ours else said  # what we refuse ourselves does not say it


def _names_a_kind(part: int | str) -> bool:
    """Tell whether a part of a place is pydantic's name for one kind of several (`constrained-int`), no key of ours."""
    return isinstance(part, str) and (part in {"int", "bool"} or not part.isidentifier())
