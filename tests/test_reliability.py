"""The page on reliability names tests, and every one of them exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)` \|$", (ROOT / "docs" / "reliability.md").read_text(), re.MULTILINE)


def test_every_line_of_the_table_names_a_test():
    lines = [line for line in (ROOT / "docs" / "reliability.md").read_text().splitlines() if line.startswith("|")]
    rows = [line for line in lines if not line.startswith(("| accident |", "|---"))]
    assert len(NAMED) == len(rows) > 80


def test_every_test_that_is_named_exists():
    tests = {
        file: {
            node.name for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.FunctionDef)
        }
        for file in {file for file, _ in NAMED}
        if (ROOT / file).is_file()
    }
    assert [f"{file}::{name}" for file, name in NAMED if name not in tests.get(file, ())] == []
