"""The figure of a training run: what is drawn of which stage, and which files come of it."""

import numpy as np
import pytest
from matplotlib.image import imread

from baselines.selva.training.curve import Row
from baselines.selva.training.recipe import read_recipe
from baselines.selva.training.run_folder import RunFolder
from benchmark import training_curves
from benchmark.report.figures.drawing import style
from benchmark.training_curves import Series, check_format, curves_figure, running_mean
from metrics.registry import get_metric


def rows(steps, *, loss=1.0, scores=()):
    """Rows of a stage: a loss that falls, and scores at every tenth step."""
    found = []
    for step in range(1, steps + 1):
        row = {"loss": loss / step, "gradient_norm": 0.5, "learning_rate": 1e-4 * min(1, step / 10)}
        if step % 10 == 0:
            row |= {"validation_loss": 1.1 * loss / step, **{f"score_{name}": 1 / step for name in scores}}
        found.append(Row(step, row))
    return found


@pytest.fixture(autouse=True)
def _style():
    with style():
        yield


def panels(figure):
    return [axes for axes in figure.get_axes() if axes.get_visible()]


def lines_of(axes):
    return {line.get_label(): line.get_xydata() for line in axes.get_lines()}


def test_a_running_mean_is_over_the_values_so_far_and_never_over_later_ones():
    np.testing.assert_allclose(running_mean(np.array([4.0, 2.0, 0.0, 8.0]), 2), [4, 3, 1, 4])
    np.testing.assert_allclose(running_mean(np.array([4.0, 2.0, 0.0, 8.0]), 9), [4, 3, 2, 3.5])
    np.testing.assert_array_equal(running_mean(np.array([4.0, 2.0]), 1), [4, 2])


def test_a_series_has_the_steps_that_measured_it():
    series = Series.of(rows(20), "validation_loss")
    np.testing.assert_array_equal(series.steps, [10, 20])
    np.testing.assert_allclose(series.values, [0.11, 0.055])
    assert Series.of(rows(20), "kl").steps.size == 0


def test_each_stage_has_its_loss_gradient_and_rate_with_the_values_that_were_measured():
    figure = curves_figure({"encoder": rows(60), "generator": rows(30, loss=5)}, "sup-5")
    loss, other = panels(figure)[:2]
    assert (loss.get_title(loc="left"), other.get_title(loc="left")) == ("Video encoder", "Generator")
    assert figure.get_suptitle() == "sup-5"
    assert len(panels(figure)) == 6
    np.testing.assert_allclose(lines_of(loss)["held-out clips"], [(s, 1.1 / s) for s in range(10, 61, 10)])
    np.testing.assert_allclose(lines_of(other)["each step"], [(s, 5 / s) for s in range(1, 31)])


def test_a_stage_that_has_not_begun_has_no_panels():
    assert len(panels(curves_figure({"encoder": rows(5), "generator": []}))) == 3
    assert len(panels(curves_figure({"encoder": [], "generator": rows(5)}))) == 3


def test_every_score_has_a_panel_on_which_the_second_stage_follows_the_first():
    stages = {"encoder": rows(40, scores=["kl", "desync"]), "generator": rows(20, scores=["kl"])}
    kl, desync = panels(curves_figure(stages))[6:]
    assert kl.get_title(loc="left") == f"{get_metric('kl').label} ↓"
    first, second, boundary = (line.get_xdata() for line in kl.get_lines())
    np.testing.assert_array_equal(first, [10, 20, 30, 40])
    np.testing.assert_array_equal(second, [50, 60])
    assert set(boundary) == {40}
    np.testing.assert_array_equal(desync.get_lines()[0].get_ydata(), [1 / 10, 1 / 20, 1 / 30, 1 / 40])


def test_no_line_goes_through_scores_that_were_measured_in_two_ways_and_the_figure_says_which_is_which():
    stage = [Row(row.step, row.values, "old" if row.step <= 20 else "new") for row in rows(40, scores=["kl"])]
    figure = curves_figure({"encoder": stage}, scorings={"new": "tiny, all 9 samples"})
    old, new = panels(figure)[3].get_lines()
    assert (old.get_xdata().tolist(), new.get_xdata().tolist()) == ([10, 20], [30, 40])
    (legend,) = figure.subfigs[1].legends
    told = {text.get_text(): line for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)}
    assert list(told) == ["scored in a way that is not recorded", "scored on tiny, all 9 samples"]
    looks = [(line.get_linestyle(), line.get_marker()) for line in told.values()]
    assert looks == [(line.get_linestyle(), line.get_marker()) for line in (old, new)]
    assert looks[0] != looks[1]


def test_a_validation_that_failed_is_a_mark_among_the_scores_and_told_where_there_are_none():
    failed = [Row(15, {"score_validation_failed": 1.0}), Row(30, {"score_validation_failed": 1.0})]
    figure = curves_figure({"encoder": rows(20, scores=["kl"]), "generator": [*rows(30, scores=["kl"]), *failed]})
    marks = [line for line in panels(figure)[6].get_lines() if line.get_marker() == "x"]
    assert [line.get_xdata().tolist() for line in marks] == [[35, 50]]  # steps of the run
    (legend,) = figure.subfigs[1].legends
    assert legend.get_texts()[-1].get_text() == "a validation that failed"
    alone = curves_figure({"encoder": [*rows(30), *failed]}, "sup-5")
    assert len(panels(alone)) == 3
    assert alone.get_suptitle() == "sup-5: every validation failed"


def test_counts_beside_the_scores_are_no_curves():
    assert len(panels(curves_figure({"encoder": rows(10, scores=["samples_scored", "samples_asked"])}))) == 3


def test_a_loss_that_spans_powers_of_ten_is_drawn_on_a_logarithmic_scale_and_one_with_zeros_is_not():
    steep, flat = rows(200), [Row(row.step, {**row.values, "loss": 0.0}) for row in rows(20)]
    assert panels(curves_figure({"encoder": steep}))[0].get_yscale() == "log"
    assert panels(curves_figure({"encoder": flat}))[0].get_yscale() == "linear"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run's directory with curves of both stages."""
    folder = RunFolder.begun(tmp_path / "run", read_recipe("sup-5"), "0" * 64, {})
    for name, stage in (("encoder", rows(20, scores=["kl"])), ("generator", rows(10))):
        for row in stage:
            folder.stage(name).curve.append(row.step, row.values)
    return folder.path


@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")])
def test_a_figure_is_drawn_in_the_format_of_its_ending(run, tmp_path, suffix, begins):
    assert training_curves.draw(run, tmp_path / f"a{suffix}").read_bytes().startswith(begins)


def test_the_picture_shows_something(run, tmp_path):
    picture = imread(training_curves.draw(run, tmp_path / "a.png"))
    assert picture.shape[1] > 1000
    assert picture[..., :3].std() > 0.1


def test_another_ending_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"--out: expected a file that ends in .png, .svg, .pdf, got 'curves.jpg'"):
        check_format(training_curves.Path("curves.jpg"))


def test_what_is_no_run_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"not a training run"):
        training_curves.draw(tmp_path, tmp_path / "a.png")


def test_a_run_without_a_step_says_so_and_leaves_no_file(tmp_path):
    folder = RunFolder.begun(tmp_path / "run", read_recipe("sup-5"), "0" * 64, {})
    with pytest.raises(ValueError, match="no step has been taken yet"):
        training_curves.draw(folder.path, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
