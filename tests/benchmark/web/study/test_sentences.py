"""The pages' sentences: all that are shown are there, and all that are there are shown."""

import re
from importlib import resources

from benchmark.web.study.texts import default_texts

ROOM = resources.files("benchmark.web.study")
BY_SCRIPT = re.compile(r"""text\(\s*["`](\w+)\.(\w*)(\$\{)?""")  # text("page.key"), text(`page.key_${more}`)
ONE_OF_TWO = re.compile(r'"(\w+)\.(\w+)"')  # a key that a script chooses: wide ? "page.this" : "page.that"
WORDS = re.compile(r"\{% set words = texts\.(\w+) %\}")
BY_TEMPLATE = re.compile(r'\btexts\.(\w+)\.(\w+)|\bwords\.(\w+)|\bwords\[(?:"(\w+)" \+ \w+|\w+ \+ "(\w+)")\]')
ONLY_SERVER = {"attention"}  # what attention items ask for, which comes with the item


def asked_for(known):
    """Return a pattern of keys for each place that shows a sentence: (page, pattern)."""
    found = set()
    for file in (ROOM / "static").iterdir():
        if not file.name.endswith(".js"):
            continue
        source = file.read_text(encoding="utf-8")
        found |= {(page, f"{key}.*" if more else key) for page, key, more in BY_SCRIPT.findall(source)}
        found |= {(page, key) for page, key in ONE_OF_TWO.findall(source) if page in known}
    for file in (ROOM / "templates").iterdir():
        source = file.read_text(encoding="utf-8")
        page = (WORDS.findall(source) or ["frame"])[0]
        for other, key, own, start, end in BY_TEMPLATE.findall(source):
            pattern = f"{start}.*" if start else f".*{end}" if end else key or own
            found.add((other or page, pattern))
    return found


def test_every_sentence_that_is_shown_is_there_and_every_one_there_is_shown():
    texts = default_texts()
    asked = asked_for(texts)
    assert len(asked) > 80  # it looked
    matched = {(page, key) for page, pattern in asked for key in texts.get(page, {}) if re.fullmatch(pattern, key)}
    missing = [
        f"{page}.{pattern}" for page, pattern in sorted(asked)
        if not any(re.fullmatch(pattern, key) for key in texts.get(page, {}))
    ]  # fmt: skip
    assert missing == []
    there = {(page, key) for page, sentences in texts.items() if page not in ONLY_SERVER for key in sentences}
    assert sorted(there - matched) == []


def test_words_in_braces_are_filled_in_where_the_sentence_is_shown():
    sources = "".join(
        file.read_text(encoding="utf-8")
        for folder in ("static", "templates")
        for file in (ROOM / folder).iterdir()
        if file.name.endswith((".js", ".html"))
    )
    braces = {
        name
        for page, sentences in default_texts().items()
        if page not in ONLY_SERVER
        for sentence in sentences.values()
        for name in re.findall(r"\{(\w+)\}", sentence)
    }
    unfilled = [
        name for name in sorted(braces)
        if not re.search(rf'replace\("\{{{name}\}}"|[{{ ]{name}(:| \}}|,)', sources)
    ]  # fmt: skip
    assert len(braces) > 5
    assert unfilled == []
