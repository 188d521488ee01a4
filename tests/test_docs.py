"""What the documents say of the project is true."""

import re
import shlex
from pathlib import Path

import pytest
from support.printed_commands import refusal

from baselines.tables import markdown_tables
from metrics.registry import list_metrics, markdown_table

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize(("title", "extended"), [("metrics", False), ("extended metrics", True)])
def test_the_table_of_metrics_is_the_registry(title, extended):
    page = (ROOT / "docs" / "metrics.md").read_text()
    shown = page.split(f"<!-- table: {title} -->\n")[1].split("\n<!-- end of table -->")[0]
    assert shown == markdown_table(extended=extended)
    assert shown.splitlines()[2:] == [
        f"| `{m.name}` | {m.label} | {m.better} | {m.unit or '–'} | {m.per} | {m.description} |"
        for m in list_metrics(extended=True)
        if m.extended == extended
    ]


@pytest.mark.parametrize("mark", markdown_tables())
def test_a_table_of_models_is_what_the_rows_say(mark):
    table = re.compile(rf"<!-- table: {mark} -->\n(.*?)\n<!-- end of table -->", re.DOTALL)
    (shown,) = [found for document in DOCUMENTS for found in table.findall(document.read_text())]
    assert shown == markdown_tables()[mark]


def test_the_tables_between_marks_are_written_from_the_rows():
    from benchmark.cli.docs_tables import with_tables

    outdated = [path.name for path, text in with_tables(ROOT / "docs").items() if path.read_text() != text]
    assert outdated == [], "run `make docs-tables`"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_module_that_the_architecture_names_is_there():
    house = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    named = re.findall(r"[\w/]*\w\.(?:py|csv)\b", house)
    rooms = ("benchmark", "vgg_monoaudio", "baselines", "metrics", "foundation")
    assert len(named) > 20
    assert [name for name in named if not any(list((ROOT / room).rglob(name)) for room in rooms)] == []


def test_every_room_is_in_the_architecture():
    house = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    rooms = ("benchmark", "vgg_monoaudio", "baselines", "metrics", "foundation")
    packages = [file.parent for room in rooms for file in (ROOT / room).rglob("__init__.py")]
    assert len(packages) > 40
    assert [
        str(folder) for folder in packages if f"{folder.name}/" not in house and "migrations" not in folder.parts
    ] == []


def test_every_verb_that_the_documents_use_exists():
    from benchmark.cli import app

    verbs = {command.name for command in (*app.registered_commands, *app.registered_groups)}
    used = set()
    for document in DOCUMENTS:
        used |= set(re.findall(r"python -m benchmark ([a-z][a-z-]+)", document.read_text()))
    assert used - verbs == set()


def commands() -> list[str]:
    """Every command line of the documents that begins with the suite's own, as it is printed."""
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    found = re.findall(r"python -m benchmark ([a-z][a-z-]+(?: [^`\n|#]+)?)", text)
    return sorted({re.sub(r"\.\.\.|[\[\]]", "", command).strip() for command in found})


@pytest.mark.parametrize("line", commands())
def test_the_parser_takes_every_command_that_the_documents_print(line):
    """Options by their names, none missing; that files are there is the verb's own affair."""
    assert refusal("benchmark", shlex.split(line)) is None


def test_every_make_target_that_the_documents_use_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    used = set()
    for document in DOCUMENTS:
        used |= set(re.findall(r"`make ([a-z-]+)", document.read_text()))
        used |= set(re.findall(r"^make ([a-z-]+)", document.read_text(), flags=re.MULTILINE))
    assert used - targets == set()
