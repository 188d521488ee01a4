from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text

from benchmark.report import MixedRuns, collect, write_figures
from benchmark.report.figures.drawing import COLOURS, new_figure, save, style
from benchmark.report.figures.panels import sample_panel
from benchmark.report.figures.scores import NO_INTERVAL, category_bars, desync_histogram, metric_scatter
from benchmark.report.figures.write import sample_panels
from benchmark.report.samples import read_samples
from metrics.registry import get_metric


@pytest.fixture(scope="module")
def drawn(made, tmp_path_factory):
    out = tmp_path_factory.mktemp("figures")
    inter = [run for run in made.runs if run.path.parent.name == "inter"]
    return write_figures(inter[:3], out, benchmark_dir=made.benchmark)


def test_every_figure_is_written_as_vectors_and_pixels(drawn, world):
    names = {figure.pdf.stem for figure in drawn}
    assert {"clips", "pairs", "inter-clap-desync", "inter-kl-by-category", "inter-desync-histogram"} <= names
    assert len([name for name in names if name.startswith("panel-")]) == 2
    for figure in drawn:
        assert figure.pdf.read_bytes().startswith(b"%PDF")
        assert figure.png.read_bytes().startswith(b"\x89PNG")


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    def draw(name):
        with style():
            figure = new_figure(2, 2)
            figure.subplots().plot([1, 2])
            return save(figure, tmp_path / name)

    one, two = draw("one"), draw("two")
    assert one.pdf.read_bytes() == two.pdf.read_bytes()
    assert one.png.read_bytes() == two.png.read_bytes()


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    with style():
        new_figure(1, 1).subplots()
    assert dict(matplotlib.rcParams) == before


def of(made, subset="inter"):
    results = collect(made.runs)
    part = next(part for part in read_samples(results) if part.subset == subset)
    return results, part, results.of(subset)


def test_a_scatter_shows_the_values_of_metrics_json_and_names_every_point(made):
    _, _, rows = of(made)
    figure = metric_scatter(rows, "kl", "desync")
    axes = figure.axes[0]
    shown = {tuple(container.lines[0].get_xydata()[0]) for container in axes.containers}
    assert shown == {(row.values["kl"].value, row.values["desync"].value) for row in rows}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        row.model + ("†" if row.model == "old-foley" else "") for row in rows
    ]
    assert axes.get_xlabel() == "KL [nat]   (left is better)"


def test_controls_are_hollow_in_a_scatter(made):
    _, _, rows = of(made)
    axes = metric_scatter(rows, "kl", "desync").axes[0]
    hollow = [container.lines[0].get_markerfacecolor() == "white" for container in axes.containers]
    assert hollow == [row.kind == "control" for row in rows]


def test_a_run_that_lacks_samples_is_marked_in_every_figure(made):
    results, part, rows = of(made)
    for figure in (
        metric_scatter(rows, "kl", "desync"),
        category_bars(rows, part, get_metric("kl"), results.scoring),
        desync_histogram(rows, part),
    ):
        shown = [text.get_text() for text in figure.findobj(Text)]
        assert "old-foley†" in shown
        assert any(text.startswith("† Not every sample of the subset was scored") for text in shown)


def test_values_without_an_interval_are_pointed_out(made, world, tmp_path):
    results, part, rows = of(made)  # a made category has too few clips for an interval
    bars = [text.get_text() for text in category_bars(rows, part, get_metric("kl"), results.scoring).findobj(Text)]
    assert any(text.endswith(NO_INTERVAL) for text in bars)
    bare = collect([world.write_run(tmp_path, "noise", "inter", world.Settings(intervals=False))]).rows
    for shown, told in ((rows, False), ([*rows, *bare], True)):
        texts = [text.get_text() for text in metric_scatter(shown, "kl", "desync").findobj(Text)]
        assert any(text.endswith(NO_INTERVAL) for text in texts) == told


def test_a_model_without_scores_in_the_first_category_is_in_the_legend(made):
    results, part, rows = of(made)
    table = part.scored["noise"].copy()
    table.loc[table["target_category"] == "Animal", "kl"] = float("nan")
    changed = replace(part, scored={**part.scored, "noise": table})
    legend = category_bars(rows, changed, get_metric("kl"), results.scoring).legends[0]
    assert "noise" in [text.get_text() for text in legend.get_texts()]


def test_every_point_of_a_scatter_looks_different_from_the_others(made):
    _, _, rows = of(made)
    many = [replace(row, model=f"{row.model}-{place}") for place in range(4) for row in rows]
    lines = [container.lines[0] for container in metric_scatter(many, "kl", "desync").axes[0].containers]
    looks = {(line.get_marker(), line.get_color(), line.get_markerfacecolor()) for line in lines}
    models = [row for row in many if row.kind != "control"]
    assert len(looks) >= len(models)


def test_bars_are_the_means_of_their_category(made):
    results, part, rows = of(made)
    axes = category_bars(rows, part, get_metric("kl"), results.scoring).axes[0]
    heights = sorted(round(patch.get_height(), 6) for patch in axes.patches)
    expected = []
    for row in rows:
        means = part.scored[row.key].groupby("target_category")["kl"].mean().dropna()
        expected += [round(float(mean), 6) for mean in means]
    assert heights == sorted(expected)


def test_the_histogram_counts_every_scored_sample(made, monkeypatch):
    _, part, rows = of(made)
    spread = np.array([0.0, 0.1, 0.1, 2.0, 1.0])
    scored = {key: table.assign(desync=spread) for key, table in part.scored.items()}
    changed = type(part)(part.subset, part.listing, scored)
    axes = desync_histogram(rows, changed).axes[0]
    heights = np.array([patch.get_height() for patch in axes.patches])
    assert list(heights[[0, 1, 10, 20]] * 2) == [1, 2, 1, 1]
    assert heights.sum() * 2 == 5


def test_a_panel_has_the_film_and_a_strip_for_target_and_every_model(made):
    _, part, rows = of(made)
    figure = sample_panel(part, 1, rows, made.benchmark)
    assert [axes.get_ylabel() for axes in figure.axes] == ["", "Target", *[row.model for row in rows]]
    assert len(figure.axes[0].images) == 8
    assert figure.axes[0].get_title(loc="left") or figure.axes[0].get_title()
    old = next(axes for axes in figure.axes if axes.get_ylabel() == "old-foley")
    assert "no such file" in old.texts[0].get_text()  # sample 1 failed there
    target = figure.axes[1]
    assert len(target.lines) == 1
    assert target.get_xlim() == figure.axes[0].get_xlim() == (0.0, 2.0)


def test_wanted_samples_are_drawn_and_unknown_ones_refused(made, world):
    results, sample = collect(made.runs), world.sample_ids("intra")[1]
    assert list(sample_panels(results, made.benchmark, [sample])) == [f"panel-{sample}"]
    with pytest.raises(ValueError, match=r"'nothing' is not among the 7 samples of these runs$"):
        sample_panels(results, made.benchmark, ["nothing"])
    with pytest.raises(ValueError, match=rf"did you mean {sample}\?$"):
        sample_panels(results, made.benchmark, [sample[:-3]])


def test_statistics_of_the_benchmark_need_no_run(made, tmp_path):
    assert {f.pdf.stem for f in write_figures([], tmp_path, benchmark_dir=made.benchmark)} == {"clips", "pairs"}
    with pytest.raises(ValueError, match="nothing to draw"):
        write_figures([], tmp_path)


def test_statistics_of_a_list_need_neither_run_nor_clip(made, tmp_path):
    drawn = write_figures([], tmp_path / "shipped", source_list="r1")
    assert {f.pdf.stem for f in drawn} == {"clips", "pairs"}
    rows = ["clip_id,label", "dog00000001_000010,dog barking", "bus00000003_000030,driving buses"]
    (tmp_path / "mine.csv").write_text("\n".join(rows))
    assert write_figures([], tmp_path / "own", source_list=tmp_path / "mine.csv")[0].png.is_file()
    with pytest.raises(ValueError, match="a benchmark directory or of a list of clips; give one of the two"):
        write_figures([], tmp_path, benchmark_dir=made.benchmark, source_list="r1")


@pytest.mark.parametrize(
    ("table", "subsets"),
    [("main", ["inter", "intra"]), ("sup-tokens", ["inter", "intra"]), ("vggsound", ["single"])],
)
def test_published_rows_are_drawn_without_any_run(tmp_path, table, subsets):
    stems = [f.pdf.stem for f in write_figures([], tmp_path, table=table, published=True)]
    expected = {f"{subset}-{name}" for subset in subsets for name in ("scores", "clap-desync", "fad-kl")}
    assert set(stems) == expected


def test_models_go_by_their_titles_in_every_figure(made, tmp_path, monkeypatch):
    kept = {}
    monkeypatch.setattr("benchmark.report.figures.write.save", lambda figure, out: kept.setdefault(out.name, figure))
    write_figures([run for run in made.runs if run.path.parent.name == "inter"], tmp_path, benchmark_dir=made.benchmark)
    for name, figure in kept.items():
        shown = {text.get_text().rstrip("†") for text in figure.findobj(Text)}
        assert not {"oracle", "noise"} & shown, name
        assert ("Oracle" in shown) == (name not in ("clips", "pairs")), name


def test_mixed_runs_are_not_drawn_together(world, tmp_path):
    runs = [
        world.write_run(tmp_path, "oracle"),
        world.write_run(tmp_path, "noise", "inter", world.Settings(profile="paper")),
    ]
    with pytest.raises(MixedRuns):
        write_figures(runs, tmp_path)


def test_neighbouring_colours_differ_in_lightness_so_that_grey_print_keeps_them_apart():
    luminance = [
        sum(weight * int(colour[i : i + 2], 16) for weight, i in zip((0.2126, 0.7152, 0.0722), (1, 3, 5), strict=True))
        for colour in COLOURS
    ]
    assert np.abs(np.diff(luminance)).min() > 20


def test_a_category_without_scores_has_no_bar(made, world):
    results, part, rows = of(made)
    row = rows[0]
    table = part.scored[row.key].copy()
    table.loc[table["target_category"] == "Music", "kl"] = float("nan")
    changed = type(part)(part.subset, part.listing, {row.key: table})
    axes = category_bars([row], changed, get_metric("kl"), results.scoring).axes[0]
    assert len(axes.patches) == table.loc[table["kl"].notna(), "target_category"].nunique()
