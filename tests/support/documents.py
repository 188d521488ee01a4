"""The fenced blocks of the documents, and the marks that say which of their lines need what a test has not.

A mark is a comment in the line before the fence: `<!-- needs: weights -->` for a whole block, or line by line,
`<!-- needs: network in line 1; weights in lines 3, 4 -->`. What is not marked runs. A fence without a language holds
commands; what a command prints, and all else that nobody types, is `text`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REASONS = {  # why a line is not run; the list is closed
    "weights": "trained weights, or features that were computed with them",
    "network": "a download",
    "clips": "the clips or annotations of VGGSound and other public sets",
    "gpu": "a GPU",
    "cluster": "Slurm, or several machines",
    "program": "a program or a service of others",
    "rater": "people who look, listen and decide",
    "names": "a word in capitals or brackets that the reader replaces",
    "shell": "the reader's own shell, whose settings it changes",
    "suite": "these very tests",
}
COMMANDS = ("", "sh", "bash")
DATA = ("csv", "html", "ini", "json", "toml")
LANGUAGES = (*COMMANDS, *DATA, "python", "text")
MARK = re.compile(r"\s*<!-- needs: (?P<parts>.+) -->")
PART = re.compile(r"(?P<reason>[a-z]+)(?: in lines? (?P<lines>\d+(?:, \d+)*))?")
FENCE = re.compile(r"(?P<indent> *)```(?P<language>[a-z]*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)


class BadMark(ValueError):
    """A mark that says nothing, or something of a line that is not there."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: the document, relative to the root.
        line: of the fence, counted from 1.
        language: what the fence says.
        text: what stands in it, without the fence's own indent.
        needs: number of a line, counted from 1 in the block, to the reason why it is not run.
    """

    page: str
    line: int
    language: str
    text: str
    needs: Mapping[int, str]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_commands(self) -> bool:
        return self.language in COMMANDS

    @property
    def runs(self) -> bool:
        """Whether anything of the block is run; of Python all or nothing."""
        if self.language == "python":
            return not self.needs
        return self.is_commands and any(number not in self.needs for number, _ in self.commands())

    @property
    def file_name(self) -> str | None:
        """The name that a first line `# mymodel.py` gives the block as a file."""
        named = re.match(r"# ([\w-]+\.(?:py|toml))\n", self.text)
        return named[1] if named else None

    def commands(self) -> list[tuple[int, str]]:
        """Every line with its number, but for blank ones."""
        return [(number, line) for number, line in enumerate(self.text.splitlines(), 1) if line.strip()]


def pages() -> list[Path]:
    """Every document by hand; docs/reference is written from the code."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return sorted(path for path in found if "reference" not in path.parts)


def blocks_of(text: str, page: str) -> list[Block]:
    """Return the blocks of a page in their order.

    Raises:
        BadMark: see there.
    """
    found = []
    for fence in re.finditer(rf"^{FENCE.pattern}", text, FENCE.flags):
        before = text[: fence.start()].splitlines()
        block = textwrap.dedent(fence["text"]) if fence["indent"] else fence["text"]
        needs = _needs(before[-1] if before else "", block, f"{page}:{len(before) + 1}")
        found.append(Block(page, len(before) + 1, fence["language"], block, needs))
    return found


def all_blocks() -> list[Block]:
    """Return the blocks of every page."""
    return [
        block
        for path in pages()
        for block in blocks_of(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    ]


def _needs(before: str, text: str, where: str) -> dict[int, str]:
    mark = MARK.fullmatch(before)
    if mark is None:
        if "needs:" in before:
            raise BadMark(f"{where}: {before.strip()}: expected <!-- needs: REASON --> or REASON in line N")
        return {}
    written = {number for number, line in enumerate(text.splitlines(), 1) if line.strip()}
    needs: dict[int, str] = {}
    for word in mark["parts"].split("; "):
        part = PART.fullmatch(word)
        if part is None or part["reason"] not in REASONS:
            raise BadMark(f"{where}: needs {word!r}; expected one of {', '.join(REASONS)}, and `in line N` for a part")
        lines = set(map(int, part["lines"].split(", "))) if part["lines"] else written
        if not lines <= written or lines & needs.keys():
            raise BadMark(f"{where}: needs {word!r}: the block has no such line, or it is marked twice")
        needs |= dict.fromkeys(lines, part["reason"])
    return needs
