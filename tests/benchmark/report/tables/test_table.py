import pytest

from benchmark.report import build_table, collect
from benchmark.report.tables.cells import Column
from benchmark.report.tables.marks import DASH
from metrics.registry import get_metric


def table_of(world, folder, settings, **options):
    """Table of runs on the inter-class subset; `settings` by model."""
    return build_table(
        collect([world.write_run(folder, model, "inter", chosen) for model, chosen in settings.items()]), **options
    )


def cell(table, model, metric):
    place = [column.metric.name for column in table.columns].index(metric)
    return next(line.cells[place] for line in table.blocks[0].lines if line.row.model == model)


def ranks(table, metric):
    return {line.row.model: cell(table, line.row.model, metric).rank for line in table.blocks[0].lines}


def test_the_best_and_the_second_model_are_marked_and_controls_never(world, tmp_path):
    table = table_of(world, tmp_path, dict.fromkeys(("tiny-foley", "grand-foley", "old-foley", "oracle")))
    for metric in ("fad", "inception_score"):  # one where lower is better, one where higher is; oracle leads in both
        assert ranks(table, metric) == {"grand-foley": 1, "tiny-foley": 2, "old-foley": 0, "oracle": 0}


def test_models_that_look_equal_after_rounding_share_the_mark(world, tmp_path, monkeypatch):
    monkeypatch.setitem(world.LEVELS, "tiny-foley", world.LEVELS["grand-foley"] + 0.001)
    table = table_of(world, tmp_path, dict.fromkeys(("tiny-foley", "grand-foley", "old-foley")))
    assert cell(table, "tiny-foley", "fad").value != cell(table, "grand-foley", "fad").value
    assert ranks(table, "fad") == {"grand-foley": 1, "tiny-foley": 1, "old-foley": 2}


def test_one_model_alone_is_neither_best_nor_second(world, tmp_path):
    table = table_of(world, tmp_path, dict.fromkeys(("tiny-foley", "oracle")))
    assert set(ranks(table, "fad").values()) == {0}


@pytest.mark.parametrize(("change", "mark"), [({"failed": (0,)}, "†"), ({"untrained": True}, "§")])
def test_a_run_with_missing_samples_or_random_weights_is_marked_and_not_ranked(world, tmp_path, change, mark):
    settings = dict.fromkeys(("tiny-foley", "old-foley")) | {"grand-foley": world.Settings(**change)}
    table = table_of(world, tmp_path, settings)
    assert ranks(table, "fad") == {"tiny-foley": 1, "old-foley": 0, "grand-foley": 0}
    assert next(line.marks for line in table.blocks[0].lines if line.row.model == "grand-foley") == mark
    assert any(note.startswith(mark) for note in table.notes)


def test_unverified_weights_are_marked(world, tmp_path):
    table = table_of(world, tmp_path, {"tiny-foley": world.Settings(unverified=True)})
    assert table.blocks[0].lines[0].marks == "‡"
    assert any("hash was not verified" in note for note in table.notes)


def test_partial_coverage_shows_n_of_n(world, tmp_path):
    table = table_of(world, tmp_path, {"tiny-foley": world.Settings(failed=(0, 3))})
    assert table.blocks[0].lines[0].coverage == "3/5"


def test_a_missing_value_is_a_dash_with_its_reason(world, tmp_path):
    missing = cell(table_of(world, tmp_path, {"oracle": None}), "oracle", "imagebind")
    assert (missing.text, missing.reason) == (DASH, "profile signal has no counterpart")


def test_a_value_without_interval_is_named_in_the_notes(world, tmp_path):
    table = table_of(world, tmp_path, {"oracle": None, "noise": world.Settings(intervals=False)})
    assert "No interval for FAD of noise (Inter-class)." in table.notes


def test_the_paper_columns_are_always_there_and_the_others_only_with_values(world, tmp_path):
    without = ("text_win_rate", "audio_win_rate", "class_win_rate", "imagebind")
    table = table_of(world, tmp_path, {"oracle": world.Settings(without=without)})
    assert [column.metric.label for column in table.columns] == ["FAD", "KAD", "IS", "KL", "CLAP", "IB", "DeSync"]
    assert table.groups == (("Audio Quality", 3), ("Semantic Alignment", 3), ("Temporal Alignment", 1))


def test_the_full_table_has_every_metric_that_was_scored(world, tmp_path):
    table = table_of(world, tmp_path, {"oracle": None}, breadth="full")
    assert {"fad_infinity", "text_margin", "class_margin"} <= {column.metric.name for column in table.columns}


def test_the_caption_names_profile_reference_video_counts_and_version(world, tmp_path):
    caption = table_of(world, tmp_path, {"oracle": None}).caption
    assert "demo 1.0 (5 inter-class samples), profile signal; reference video: target" in caption


@pytest.mark.parametrize(("value", "text"), [(51.25, "51.2"), (-0.04, "0.0"), (-0.06, "-0.1"), (0.0, "0.0")])
def test_values_are_rounded_half_to_even_and_never_show_minus_zero(value, text):
    assert Column(get_metric("fad"), 1).text(value) == text
