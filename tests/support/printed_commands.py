"""Command lines of the documents: what they start, whether its parser takes them, and running them in this process."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from benchmark import exits
from support.documents import ROOT

PYTHON = ("python", ".venv/bin/python")
SUITE = ("benchmark", "benchmark.report")  # modules whose command lines are the suite's
SETTING = re.compile(r"[A-Z_]+=\S*")


def words_of(line: str) -> list[str]:
    """Split a line as a shell does, without its comment and without the brackets of what may be left out."""
    return [word for word in shlex.split(re.sub(r"\.\.\.|[\[\]](?![^']*')", "", line), comments=True) if word]


def started(line: str) -> list[list[str]]:
    """Return what a line starts: itself, or the recipe of a target of make, as make expands it.

    Raises:
        AssertionError: make knows no such target.
    """
    words = words_of(line)
    if not words or words[0] != "make":
        return [words] if words else []
    installed = ("-o", ".venv/.installed", "-o", ".venv/.developed")
    asked = ["make", "--no-print-directory", "-n", "-C", str(ROOT), *installed, *words[1:]]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 0, f"{line}: {done.stderr}"
    recipe = [words_of(step) for step in done.stdout.splitlines() if not step.startswith("test -n ")]
    assert recipe, f"{line}: the target does nothing"
    return recipe


def asked_of_the_suite(words: list[str]) -> tuple[str, list[str]] | None:
    """Return which module of the suite the words start, and with what; None where they start another program."""
    while words and SETTING.fullmatch(words[0]):
        words = words[1:]
    if words[:1] == ["vgg-monoaudio"]:
        return "benchmark", words[1:]
    if words and words[0] in PYTHON and words[1:2] == ["-m"] and words[2] in SUITE:
        return words[2], words[3:]
    return None


def _apps() -> dict[str, typer.Typer]:
    from benchmark.cli import app
    from benchmark.report import __main__ as report

    return {"benchmark": app, "benchmark.report": report.app}


def refusal(module: str, words: list[str]) -> str | None:
    """Return why the suite's parser refuses words, by names of verbs and options alone; None where it takes them."""
    command = typer.main.get_command(_apps()[module])
    name, rest = module, list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in command.commands:
            return f"no verb {name!r}"
        command = command.commands[name]
    with command.context_class(command, info_name=name) as context:
        try:
            given, left, _ = command.make_parser(context).parse_args(list(rest))
        except Exception as error:  # of click, as typer brings it
            return f"{name}: {error}"
    if unknown := [word for word in left if word.startswith("-")]:
        return f"{name}: no option {unknown[0]}"
    if not rest or hasattr(command, "commands"):
        return None
    lacking = [option.name for option in command.params if option.required and not given.get(option.name)]
    return f"{name}: needs {lacking[0]}" if lacking else None


def run_here(words: list[str], patch: pytest.MonkeyPatch) -> None:
    """Run words that start a module of the suite, in this process and the folder where it is.

    Raises:
        AssertionError: it ended with another status than 0, or it is no module of the suite.
    """
    asked = asked_of_the_suite(words)
    assert asked is not None, f"{shlex.join(words)}: not of the suite; run it, or mark what it needs"
    module, rest = asked
    patch.setattr(sys, "argv", [module, *rest])
    with pytest.raises(SystemExit) as leaving:
        exits.run(_apps()[module])
    assert leaving.value.code in (None, 0), f"{shlex.join(words)} ended with status {leaving.value.code}"


def module_is_there(words: list[str]) -> bool:
    """Tell whether `python -m MODULE` or `python FILE` names what this repository or the environment has."""
    from importlib.util import find_spec

    if words[1] != "-m":
        return (ROOT / words[1]).is_file()
    first = words[2].partition(".")[0]
    return any(Path(ROOT, room, first).exists() for room in ("", "tests")) or find_spec(first) is not None
