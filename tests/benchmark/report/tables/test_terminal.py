import io
import re

import pytest
from rich.console import Console

from benchmark.report import build_table, collect, render_terminal
from benchmark.report.tables.terminal import TerminalTable


def printed(table, width):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


@pytest.fixture(scope="module")
def results(made):
    return collect(made.runs)


def test_a_wide_terminal_shows_everything_and_leaves_nothing_out(results):
    text = printed(TerminalTable(build_table(results)), 400)
    assert "left out here" not in text
    assert "Text win ↑" in text
    assert "In brackets: 95% bootstrap intervals" in text


def test_intervals_go_first_and_then_the_win_rates(results):
    table, bare = (TerminalTable(build_table(results, intervals=shown)) for shown in (True, False))
    width = next(len(line) for line in printed(bare, 400).splitlines() if line.rstrip().endswith("n/N"))
    narrower = printed(table, width)
    assert "Intervals are left out here: the window is too narrow." in " ".join(narrower.split())
    assert "Text win ↑" in narrower
    narrow = printed(table, width - 1)
    assert "Intervals and win rates are left out here" in " ".join(narrow.split())
    assert "Text win" not in narrow


def test_without_intervals_only_the_win_rates_can_go(results):
    text = printed(TerminalTable(build_table(results, intervals=False)), 80).replace("\n", " ")
    assert "Win rates are left out here" in text
    assert "Intervals" not in text


def test_standard_errors_are_named_where_they_are_left_out(made):
    text = printed(render_terminal(made.runs, standard_errors=True), 80).replace("\n", " ")
    assert "Standard errors and win rates are left out here" in text


def test_a_terminal_too_narrow_for_any_form_gets_the_narrowest(results):
    text = printed(TerminalTable(build_table(results)), 30)
    assert "win rates are left out" in " ".join(text.split())


def test_sections_are_headed_and_every_row_has_its_count(results):
    lines = [line.strip() for line in printed(TerminalTable(build_table(results)), 400).splitlines()]
    assert lines.count("Controls") == 2
    assert sum(line.endswith("5/5") for line in lines) == 4
    assert sum(line.endswith("4/5") for line in lines) == 1
    assert sum(line.endswith("2/2") for line in lines) == 5


def test_best_is_bold_and_second_underlined(results):
    console = Console(width=400, record=True, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(TerminalTable(build_table(results)))
    shown = console.export_text(styles=True)
    intra = shown.split("Intra-class")[1]
    assert re.search(r"\x1b\[1m *1\.4\x1b\[0m", intra)
    assert re.search(r"\x1b\[4m *1\.5\x1b\[0m", intra)


def test_a_value_over_fewer_samples_has_its_star(world, tmp_path):
    run = world.write_run(tmp_path, "noise")
    record = run.read_metrics()
    fewer = record.metrics["fad"].model_copy(update={"n": 4})
    run.write(record.model_copy(update={"metrics": {**record.metrics, "fad": fewer}}))
    assert "2.2*" in printed(render_terminal([run], intervals=False), 200)
