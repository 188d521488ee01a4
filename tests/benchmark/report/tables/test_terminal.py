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
    assert "Not shown" not in text
    assert "Text win ↑" in text
    assert "In brackets: 95% bootstrap intervals" in text


def grid_of(text):
    """The rows of numbers, and the lines of their heads."""
    lines = [line.rstrip() for line in text.splitlines()]
    rule = next(place for place, line in enumerate(lines) if line.strip().startswith("──"))
    heads = lines[1:rule]
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines if re.search(r" \d+/\d+$", line)]
    return heads, rows


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
def test_no_number_is_cut_or_folded_and_no_line_is_too_long(made, width):
    text = printed(render_terminal(made.runs), width)
    every = {cell for row in grid_of(printed(render_terminal(made.runs, intervals=False), 1000))[1] for cell in row[1:]}
    _, rows = grid_of(text)
    assert len(rows) == 10
    assert {cell for row in rows for cell in row[1:]} <= every
    assert all(len(line) <= width for line in text.splitlines())
    assert "…" not in text


def test_eighty_columns_hold_every_column_of_the_paper_and_the_text_win_rate_beside_clap(made):
    text = printed(render_terminal(made.runs), 80)
    upper, lower = grid_of(text)[0][-2:]
    assert re.findall(r"\S+ [↑↓]", lower)[:6] == ["FAD ↓", "KAD ↓", "IS ↑", "KL ↓", "CLAP ↑", "win ↑"]
    assert upper.index("Text") == lower.index("win ↑") + 1
    assert "DeSync ↓" in lower
    assert "IB ↑" not in lower, "no row has a value, and something else would have to go"


def test_what_is_not_shown_is_named_with_the_files_that_have_it(made):
    shown = render_terminal(made.runs)
    text = " ".join(printed(TerminalTable(shown.table, shown.full, "report.html or report.csv"), 60).split())
    assert "Not shown in 60 columns: intervals, FAD∞, " in text
    assert text.endswith("Class margin. See report.html or report.csv.")
    assert " See " not in printed(shown, 60)
    assert "No interval" not in text, "none is shown"


def count_of(text):
    """How many metrics are shown, by the directions at their heads."""
    return sum(len(re.findall("[↑↓]", line)) for line in grid_of(text)[0])


def test_a_wider_window_never_shows_fewer_metrics_and_intervals_come_last(made):
    shown = {width: printed(render_terminal(made.runs), width) for width in range(60, 261, 20)}
    counts = [count_of(text) for text in shown.values()]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] == 14
    assert "Not shown in 160 columns: intervals.\n" in shown[160]
    assert "In brackets" not in shown[160]
    assert "Not shown" not in shown[260]
    assert "In brackets: 95% bootstrap" in shown[260]


def test_where_there_is_no_interval_none_is_spoken_of_and_every_metric_is_shown(world, tmp_path):
    run = world.write_run(tmp_path, "tiny-foley")
    record = run.read_metrics()
    alone = {name: value.model_copy(update={"ci95": None}) for name, value in record.metrics.items()}
    run.write(record.model_copy(update={"metrics": alone}))
    for width in (140, 200):
        text = printed(render_terminal([run]), width)
        assert count_of(text) == 14
        assert "In brackets" not in text
        assert "Not shown" not in text


def test_metrics_that_were_asked_for_by_name_come_before_win_rates(world, tmp_path):
    names = ("kl", "class_margin", "audio_margin")
    run = world.write_run(tmp_path, "tiny-foley")
    record = run.read_metrics()
    run.write(record.model_copy(update={"scoring": record.scoring.model_copy(update={"metrics": names})}))
    text = printed(render_terminal([run]), 40)
    assert "margin" in text.partition("Not shown")[0]
    assert "win" not in text.partition("Not shown")[0]


def test_standard_errors_are_named_where_they_are_not_shown(made):
    assert "Not shown in 80 columns: standard errors, " in printed(render_terminal(made.runs, standard_errors=True), 80)


def test_a_long_name_is_folded_before_a_number_goes_for_it(world, tmp_path):
    run = world.write_run(tmp_path, "foley-with-everything-that-a-name-can-hold-and-more")
    text = printed(render_terminal([run]), 80)
    assert "DeSync ↓" in text
    body = text.partition("──\n")[2].partition("demo 1.0")[0]
    assert "".join(line.split()[0] for line in body.split("\n") if line.strip()) == run.path.name


def test_where_not_even_one_number_fits_beside_a_name_each_row_is_a_list(made):
    text = printed(render_terminal(made.runs), 18)
    assert all(len(line) <= 18 for line in text.splitlines())
    lists = text.split("Controls")[0]
    assert re.search(r"grand-foley\s*\nFAD ↓ +1\.4\*?\s*\nKAD ↓ +4\.\d+", lists)
    assert re.search(r"n/N +[45]/5", lists)


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
