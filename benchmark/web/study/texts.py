"""The wordings of a study: every sentence that its pages show, of one language, with what the study words otherwise."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from benchmark.web.study.settings import Criterion, Problem, Settings, UnusableSettings

Texts = Mapping[str, Mapping[str, str]]  # page to key to sentence

_PAGES, _CRITERIA = "{}.toml", "criteria.{}.toml"
TEXTS_FILES = _PAGES.format("en"), _CRITERIA.format("en")
_FILLED_IN = re.compile(r"\{(\w+)\}")


def wordings(settings: Settings, path: Path) -> tuple[dict[str, dict[str, str]], dict[str, Criterion]]:
    """Return every sentence of the pages by page and key, and the criteria by id.

    Args:
        settings: of the study.
        path: of its file, for messages.

    Raises:
        UnusableSettings: a sentence is missing in the study's language, a key that no page has, or words in braces that
            are not filled in there.
    """
    base, criteria = default_texts(), default_criteria()
    own = default_texts(settings.language) if settings.language in known_languages() else {}
    problems, found = [], {}
    for page, sentences in base.items():
        given = {**own.get(page, {}), **settings.texts.get(page, {})}
        found[page] = given
        problems += _faults(page, sentences, settings.texts.get(page, {}))
    problems += [Problem(f"texts.{page}: no such page; there are {', '.join(base)}") for page in settings.texts
                 if page not in base]  # fmt: skip
    missing = {page: [key for key in sentences if key not in found[page]] for page, sentences in base.items()}
    if count := sum(map(len, missing.values())):
        problems.append(Problem(
            f"texts: sentences are missing in {settings.language!r}, the {count} that follow; `python -m benchmark "
            f"study create --example FILE --language {settings.language}` writes all in English, to be translated"
        ))  # fmt: skip
        problems += [Problem(f"texts.{page}: {', '.join(keys)}") for page, keys in missing.items() if keys]
    if not settings.criteria and settings.language not in known_languages():
        problems.append(Problem(f"criteria: expected some, worded in {settings.language!r}; the default is English"))
    if problems:
        raise UnusableSettings(path, problems)
    return found, dict(settings.criteria) or criteria


def still_english(texts: Texts, criteria: Mapping[str, Criterion]) -> list[str]:
    """Return the keys of sentences and criteria that are word for word as they come in English."""
    found = [f"texts.{page}.{key}" for page, sentences in default_texts().items()
             for key, sentence in sentences.items() if texts[page][key] == sentence]  # fmt: skip
    for name, default in default_criteria().items():
        given, english = criteria[name].content() if name in criteria else {}, default.content()
        found += [f"criteria.{name}.{key}" for key in ("name", "question", "words", "good", "bad")
                  if given.get(key) == english[key]]  # fmt: skip
    return found


def filled(sentence: str, **values: object) -> str:
    """Return a sentence with its words in braces filled in; nothing else in it means anything."""
    return _FILLED_IN.sub(lambda found: str(values.get(found[1], found[0])), sentence)


def known_languages() -> list[str]:
    """Return the languages whose sentences come with this package."""
    names = (file.name for file in (files(__package__) / "texts").iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.count(".") == 1 and name.endswith(".toml"))


def default_texts(language: str = "en") -> dict[str, dict[str, str]]:
    """Return the sentences that come with this package, by page and key."""
    return {**_read(_PAGES.format(language)), "attention": _read(_CRITERIA.format(language))["attention"]}


def default_criteria(language: str = "en") -> dict[str, Criterion]:
    """Return the paper's three criteria, audio quality and what sound has to do with text and picture, in our words."""
    found = _read(_CRITERIA.format(language))["criteria"]
    return {name: Criterion.model_validate(content) for name, content in found.items()}


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "texts" / name).read_text(encoding="utf-8"))


def _faults(page: str, sentences: Mapping[str, str], given: Mapping[str, str]) -> list[Problem]:
    """Return what is wrong with the sentences that a study gives for a page."""
    found = []
    for key, sentence in given.items():
        if key not in sentences:
            found.append(Problem(f"texts.{page}.{key}: no such key, got {sentence!r}"))
            continue
        unknown = set(_FILLED_IN.findall(sentence)) - set(_FILLED_IN.findall(sentences[key]))
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in _FILLED_IN.findall(sentences[key])) or "no words in braces"
            found.append(Problem(f"texts.{page}.{key}: {{{min(unknown)}}} is not filled in there; expected {known}"))
    return found
