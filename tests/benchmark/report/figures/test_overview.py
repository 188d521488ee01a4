"""A table as a figure shows the table's digits, and marks what the table marks."""

from benchmark.report import collect
from benchmark.report.figures.overview import score_figure
from benchmark.report.figures.rows import as_drawn, drawn_table
from benchmark.report.tables.published import published_alone


def figure_of(results, name="main", block=0):
    table = drawn_table(as_drawn(results, name), name)
    return table, table.blocks[block], score_figure(table, table.blocks[block])


def panel(figure, title):
    return next(
        axes for axes in figure.axes if axes.get_title(loc="center") == title or axes.get_title("left") == title
    )


def marked(axes):
    """Text to mark of every number in a panel, from top to bottom."""
    return [
        (text.get_text(), "best" if text.get_fontweight() == "bold" else "second" if text.get_bbox_patch() else "")
        for text in axes.texts
    ]


def names(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_published_rows_have_their_digits_with_best_and_second_as_printed():
    _, _, figure = figure_of(published_alone("main"))
    assert names(figure) == ["SELVA-S-16k", "SELVA-S-44k", "SELVA-M-44k", "SELVA-L-44k"]
    assert marked(panel(figure, "KAD ↓")) == [("0.676", ""), ("0.561", "second"), ("0.548", "best"), ("0.595", "")]
    assert marked(panel(figure, "CLAP ↑")) == [
        ("0.292", ""),
        ("0.305", "second"),
        ("0.315", "best"),
        ("0.305", "second"),
    ]


def test_an_ablation_stands_in_the_order_of_its_numbers(world, tmp_path):
    settings = {n: world.Settings(profile="paper", options={"num_sup_tokens": n}, without=()) for n in (10, 5, 0, 3, 1)}
    runs = [world.write_run(tmp_path / str(n), "selva", "inter", chosen) for n, chosen in settings.items()]
    _, _, figure = figure_of(collect(runs), "sup-tokens")
    assert names(figure) == [f"{n} [SUP]" for n in (0, 1, 3, 5, 10)]


def test_runs_are_dots_with_their_intervals_and_controls_are_hollow(made):
    results = collect([run for run in made.runs if run.path.parent.name == "inter"])
    table, block, figure = figure_of(results)
    assert set(names(figure)[:3]) == {"tiny-foley", "grand-foley", "old-foley†"}
    assert names(figure)[3:] == ["Oracle", "Noise"]
    axes = panel(figure, "KL ↓")
    at = next(place for place, column in enumerate(table.columns) if column.metric.name == "kl")
    assert [text for text, _ in marked(axes)] == [line.cells[at].text for line in block.lines]
    dots = [container.lines[0] for container in axes.containers]
    assert [dot.get_xdata()[0] for dot in dots] == [line.cells[at].value for line in block.lines]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [
        line.row.kind == "control" for line in block.lines
    ]


def test_a_column_without_any_value_has_no_panel(made):
    results = collect([run for run in made.runs if run.path.parent.name == "inter"])
    _, _, figure = figure_of(results)  # these runs have no IB
    shown = [axes.get_title() or axes.get_title("left") for axes in figure.axes if axes.get_visible()]
    assert "KL ↓" in shown
    assert "IB ↑" not in shown


def test_what_the_looks_mean_stands_below(made):
    printed = figure_of(published_alone("main"))[2].get_supxlabel()
    assert printed.startswith("bold: best; underlined: second; half filled: printed, ranked among themselves\n")
    assert printed.endswith("Printed: arXiv:2512.02650, Table D5.")
    controls = [run for run in made.runs if run.path.name in ("oracle", "noise")]
    assert figure_of(collect(controls))[2].get_supxlabel() == "hollow: controls"
