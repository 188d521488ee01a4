"""The help of every verb, in narrow terminals: no name and no word is cut or broken."""

import re

import pytest
import typer
from typer.core import TyperGroup

from benchmark.cli import app
from benchmark.report.__main__ import app as report_app

LONGEST = 38  # a word that has no line of its own in 60 columns

ROOT = typer.main.get_command(app)
REPORT = typer.main.get_command(report_app)


def walked(command, *words: str):
    """Yield every verb with its command, groups included."""
    yield words, command
    if isinstance(command, TyperGroup):
        for name, one in command.commands.items():
            yield from walked(one, *words, name)


VERBS = {" ".join(words): command for words, command in walked(ROOT)}


@pytest.fixture
def shown(monkeypatch, capsys):
    """What a program prints for a verb in a terminal of so many columns."""

    def show(verb: str, columns: int, program=ROOT, ask: str = "--help") -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        program.main([*verb.split(), ask], prog_name="python -m benchmark", standalone_mode=False)
        return capsys.readouterr().out

    return show


def check(text: str, command, columns: int) -> None:
    words = set(text.split())
    names = [name for option in command.params for name in (*option.opts, *option.secondary_opts) if name[0] == "-"]
    assert [name for name in names if not {name, f"{name},"} & words] == []
    said = " ".join([command.help, *(option.help or "" for option in command.params)])
    assert [word for word in said.split() if word not in words and len(word) < LONGEST] == []
    assert "…" not in text
    sentences = [line for line in text.splitlines() if " " in line.strip() and not line.lstrip().startswith(("-", "["))]
    assert [line for line in sentences if len(line) > columns] == []


def folded(command) -> bool:
    return any("--help-all" in option.opts for option in command.params)


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_every_verb_shows_every_name_and_word_whole(shown, columns):
    assert len(VERBS) > 40
    for verb, command in VERBS.items():
        check(shown(verb, columns, ask="--help-all" if folded(command) else "--help"), command, columns)
    check(shown("", columns, REPORT), REPORT, columns)


@pytest.mark.parametrize("columns", [40, 80])
def test_the_verbs_stand_under_headings(shown, columns):
    text = shown("", columns)
    headings = re.findall(r"^([A-Z]\w+):$", text, re.MULTILINE)
    assert headings == ["Options", "Build", "Run", "Score", "Report", "People", "Train", "Data"]
    verbs = set(re.findall(r"^  ([a-z][a-z-]+)(?:  |$)", text, re.MULTILINE))
    assert verbs == set(ROOT.commands)
    assert max(map(len, text.splitlines())) <= columns


@pytest.mark.parametrize("verb", ["eval", "generate", "evaluate", "reproduce"])
def test_a_verb_of_many_options_shows_20_at_most_and_says_where_the_rest_is(shown, verb):
    def options(text):
        return re.findall(r"^  (?:-h, )?(--[a-z-]+)", text, re.MULTILINE)

    some, everything = options(shown(verb, 80)), options(shown(verb, 80, ask="--help-all"))
    assert len(some) <= 20 < len(everything)
    assert set(some) < set(everything)
    assert {"--config", "--benchmark", "--help-all", "--help"} <= set(some)
    assert shown(verb, 80).endswith(f"{len(everything) - len(some)} more options: --help-all\n")


def test_a_verb_of_few_options_shows_them_all(shown):
    assert not folded(VERBS["slurm"])
    assert "--trace" in shown("train prepare", 80) or "--device" in shown("train prepare", 80)
    assert "more options" not in shown("train run", 80)


def test_a_group_lists_its_verbs_with_all_that_they_say_first(shown):
    text = " ".join(shown("train", 80).split())
    for name, command in VERBS["train"].commands.items():
        first = " ".join(command.help.partition("\n\n")[0].split())
        assert f"{name} {first}" in text
    assert "the same command goes on where it was interrupted." in text


def test_a_wide_terminal_is_used_up_to_what_is_still_easy_to_read(shown):
    longest = max(len(line) for line in shown("train run", 300).splitlines())
    assert 80 < longest <= 100


def test_a_group_without_a_verb_shows_its_help_and_leaves_with_status_2(capsys):
    for words in ([], ["train"], ["study"]):
        status = ROOT.main(words, prog_name="python -m benchmark", standalone_mode=False)
        told = capsys.readouterr()
        assert (status, told.err) == (2, "")
        assert re.match(r"Usage: python -m benchmark", told.out)
