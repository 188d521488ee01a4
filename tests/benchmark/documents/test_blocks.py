"""Every fenced block of the documents is run, or says why not; and what is not run can at least be read."""

import ast
import configparser
import csv
import json
import tomllib
from importlib import import_module
from importlib.util import find_spec

import pytest
from support.documents import COMMANDS, LANGUAGES, REASONS, BadMark, all_blocks, blocks_of
from support.printed_commands import PYTHON, asked_of_the_suite, module_is_there, refusal, started

BLOCKS = all_blocks()
ROOMS = {"baselines", "benchmark", "foundation", "metrics", "vgg_monoaudio"}
LINES = [
    pytest.param(block, number, line, id=f"{block.page}:{block.line + number}")
    for block in BLOCKS
    if block.is_commands
    for number, line in block.commands()
]


def of(language):
    return [pytest.param(block, id=str(block)) for block in BLOCKS if block.language == language]


def page(text, mark="", language=""):
    """A page with one block."""
    return f"Words.\n\n{mark}\n```{language}\n{text}\n```\n\nMore.\n"


def test_every_block_has_a_language_that_is_known():
    assert len(BLOCKS) > 60
    assert [str(block) for block in BLOCKS if block.language not in LANGUAGES] == []


def test_no_mark_stands_where_it_marks_nothing():
    assert [str(block) for block in BLOCKS if block.needs and block.language not in (*COMMANDS, "python")] == []


def test_most_kinds_of_blocks_run_somewhere():
    running = [block for block in BLOCKS if block.runs]
    assert len([block for block in running if block.is_commands]) >= 15
    assert len([block for block in running if block.language == "python"]) >= 6


def test_every_reason_is_used():
    assert {reason for block in BLOCKS for reason in block.needs.values()} == set(REASONS)


@pytest.mark.parametrize(("block", "number", "line"), LINES)
def test_a_command_exists_and_its_parser_takes_it_or_it_is_marked(block, number, line):
    for words in started(line):
        asked = asked_of_the_suite(words)
        if asked is not None:
            refused = refusal(*asked)
            assert refused is None or block.needs.get(number) == "names", refused
        else:
            assert number in block.needs or words[0] == "$EDITOR", "not of the suite, so it needs a mark"
            words = [word for word in words if "=" not in word or word.startswith("-")]
            assert words[0] not in PYTHON or module_is_there(words), f"{words}: nothing of that name"


@pytest.mark.parametrize("block", of("python"))
def test_python_compiles_and_what_it_imports_of_the_suite_is_there(block):
    tree = ast.parse(block.text, str(block))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    for node in imports:
        if node.module and node.module.partition(".")[0] in ROOMS:
            module = import_module(node.module)
            names = [name.name for name in node.names if not hasattr(module, name.name)]
            assert [name for name in names if find_spec(f"{node.module}.{name}") is None] == []


@pytest.mark.parametrize("block", of("toml"))
def test_toml_can_be_read(block):
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("block", of("json"))
def test_json_can_be_read_whole_or_line_by_line(block):
    decoder, rest = json.JSONDecoder(), block.text.strip()
    while rest:
        _, end = decoder.raw_decode(rest)
        rest = rest[end:].strip()


@pytest.mark.parametrize("block", of("ini"))
def test_the_file_of_a_service_can_be_read(block):
    parser = configparser.ConfigParser()
    parser.read_string(block.text)
    assert parser.has_section("Service")
    asked = asked_of_the_suite([".venv/bin/python", *parser["Service"]["ExecStart"].split()[1:]])
    assert asked is not None
    assert refusal(*asked) is None


@pytest.mark.parametrize("block", of("csv"))
def test_every_row_of_csv_has_the_columns_of_the_first(block):
    rows = list(csv.reader(block.text.splitlines()))
    assert {len(row) for row in rows} == {len(rows[0])}


def test_a_mark_for_a_block_marks_each_of_its_lines():
    (block,) = blocks_of(page("one\n\ntwo", "<!-- needs: gpu -->"), "x.md")
    assert (block.line, dict(block.needs), block.runs) == (4, {1: "gpu", 3: "gpu"}, False)


def test_a_mark_may_name_lines():
    (block,) = blocks_of(page("a\nb\nc\nd", "<!-- needs: network in line 1; weights in lines 3, 4 -->"), "x.md")
    assert (dict(block.needs), block.runs) == ({1: "network", 3: "weights", 4: "weights"}, True)


def test_a_block_in_a_list_has_its_text_without_the_indent():
    (block,) = blocks_of("1. Do\n\n   <!-- needs: rater -->\n   ```sh\n   look\n     twice\n   ```\n", "x.md")
    assert (block.text, block.language, dict(block.needs)) == ("look\n  twice\n", "sh", {1: "rater", 2: "rater"})


@pytest.mark.parametrize(
    "mark",
    [
        "<!-- needs: time -->", "<!-- needs: weights in line 3 -->", "<!-- needs: weights in line 1; gpu in line 1 -->",
        "<!-- needs: weights, gpu -->", "<!-- needs: -->", "<!--needs: weights-->",
    ],
)  # fmt: skip
def test_a_mark_that_says_nothing_is_refused(mark):
    with pytest.raises(BadMark, match=r"x\.md:4: "):
        blocks_of(page("one\ntwo", mark), "x.md")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("python -m benchmark evaluat x", "no verb 'evaluat'"),
        ("vgg-monoaudio eval --modell selva", "eval: No such option: --modell"),
        ("make eval ARGS=--modell", "eval: No such option: --modell"),
        ("python -m benchmark study creat study.toml", "no verb 'creat'"),
        ("python -m benchmark.report --tabel main", "benchmark.report: No such option: --tabel"),
        ("python -m benchmark build-public --out x", "build-public: needs name"),
    ],
)
def test_a_command_that_was_renamed_is_refused(line, reason):
    (words,) = started(line)
    assert refusal(*asked_of_the_suite(words)) == reason


def test_a_target_that_make_does_not_know_is_refused():
    with pytest.raises(AssertionError, match="make evaluate: "):
        started("make evaluate")
