"""What the pages' templates are given: one record per page, beside what every page knows.

A template `NAME.html` below `templates/` is rendered with `page` (the record below), and with these by name: `texts`
(page to key to sentence), `language`, `direction`, `title` (of the study), `study` (a short mark of it, for what a
browser keeps), `form`, `contact`, `proof` (for `<meta name="proof">`) and `resume` (this rater's link for another
device). Where nobody is known, as on `complete.html` and `withdrawn.html`, `resume` is empty and `proof` is nobody's,
which is good for deleting answers by their code.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.web.study.settings import Question


@dataclass(frozen=True)
class ConsentPage:
    """`consent.html`.

    Attributes:
        minutes: how long it takes, rounded up.
        what: paragraphs on what taking part means.
        data_kept: paragraphs on what is kept.
    """

    minutes: int
    what: tuple[str, ...]
    data_kept: tuple[str, ...]


@dataclass(frozen=True)
class ChecksPage:
    """`checks.html`.

    Attributes:
        device_done: the device has been checked already.
        headphones: there is a headphone check to do.
        required: who fails it may not take part.
        tries_left: of it.
    """

    device_done: bool
    headphones: bool
    required: bool
    tries_left: int


@dataclass(frozen=True)
class TutorialPage:
    """`tutorial.html`; its content comes from /api/tutorial."""


@dataclass(frozen=True)
class RatePage:
    """`rate.html`; its content comes from /api/item."""


@dataclass(frozen=True)
class QuestionnairePage:
    """`questionnaire.html`.

    Attributes:
        questions: in the order asked.
    """

    questions: tuple[Question, ...]


@dataclass(frozen=True)
class ThanksPage:
    """`thanks.html`.

    Attributes:
        completion_code: "" where there is none.
        completion_url: "" where there is none; the full address to return to.
        deletion_code: with which answers are deleted later; "" in a browser that may be somebody else's.
    """

    completion_code: str
    completion_url: str
    deletion_code: str


@dataclass(frozen=True)
class CompletePage:
    """`complete.html`: this person is not asked to rate.

    Attributes:
        reason: full: every item has its raters; headphones: the headphone check was not passed.
        completion_code: for whom a panel sent, who had agreed before the study was full; "" for others.
        completion_url: likewise; the full address to return to.
    """

    reason: str
    completion_code: str = ""
    completion_url: str = ""


@dataclass(frozen=True)
class WithdrawnPage:
    """`withdrawn.html`: nothing of this person is kept."""


Page = (
    ConsentPage | ChecksPage | TutorialPage | RatePage | QuestionnairePage | ThanksPage | CompletePage | WithdrawnPage
)
