"""What the page's script is given."""

from pathlib import Path

import pandas as pd
import pytest

from benchmark.report import collect
from benchmark.report.page.data import page_data, wanted_media
from benchmark.report.page.media import Placed
from benchmark.report.samples import read_samples
from benchmark.report.tables.table import build_table


@pytest.fixture(scope="module")
def inter(made):
    results = collect([run for run in made.runs if run.path.parent.name == "inter"])
    return results, build_table(results, breadth="full"), read_samples(results)


def test_every_scene_source_and_answer_is_wanted_once(made, inter, world):
    results, _, samples = inter
    wanted = wanted_media(samples, results.rows, made.benchmark)
    by_folder = pd.Series([name.split("/")[0] for name in wanted]).value_counts().to_dict()
    assert by_folder == {"scenes": 5, "sources": 4, "answers": 5 * 5}
    sample = world.sample_ids("inter")[0]
    assert wanted[f"scenes/inter/{sample}.mp4"] == made.benchmark / "inter" / "video" / f"{sample}.mp4"
    assert wanted[f"answers/noise/inter/{sample}.wav"].is_file()


def test_without_the_benchmark_only_answers_are_wanted(inter):
    results, _, samples = inter
    assert {name.split("/")[0] for name in wanted_media(samples, results.rows, None)} == {"answers"}


def test_a_sample_without_a_paired_clip_wants_no_second_source(inter):
    results, _, samples = inter
    alone = [type(part)(part.subset, part.listing.assign(paired_id=""), part.scored) for part in samples]
    sources = [name for name in wanted_media(alone, results.rows, Path("b")) if name.startswith("sources/")]
    assert sources == [f"sources/{clip}.wav" for clip in pd.unique(samples[0].listing["target_id"])]


def test_the_script_gets_per_sample_metrics_only_with_direction_and_rounding(inter):
    results, table, samples = inter
    columns = {column["name"]: column for column in page_data(results, table, samples, {}, "media")["columns"]}
    assert "fad" not in columns
    assert columns["kl"] == {
        "name": "kl",
        "label": "KL",
        "arrow": "↓",
        "decimals": 2,
        "better": "lower",
        "headline": True,
        "about": columns["kl"]["about"],
    }
    assert columns["kl"]["about"]


def test_the_script_gets_each_margin_with_the_win_that_goes_with_it(inter):
    results, table, samples = inter
    ways = page_data(results, table, samples, {}, "media")["selectivity"]
    assert [(way["label"], way["margin"], way["win"]) for way in ways] == [
        ("Text", "text_margin", "text_win_rate"),
        ("Audio", "audio_margin", "audio_win_rate"),
        ("Class", "class_margin", "class_win_rate"),
    ]


def test_models_go_by_their_titles(inter):
    results, table, samples = inter
    models = page_data(results, table, samples, {}, "media")["models"]
    assert {"Oracle", "Noise", "tiny-foley"} <= {model["name"] for model in models}


def test_models_stand_in_the_order_of_the_table_with_their_kind(inter):
    results, table, samples = inter
    models = page_data(results, table, samples, {}, "media")["models"]
    assert [model["key"] for model in models] == [row.key for row in results.rows]
    assert {model["key"] for model in models if model["kind"] == "control"} == {"oracle", "noise"}


def test_media_that_could_not_be_placed_are_null_and_pictures_that_could_not_be_drawn_empty(inter, world):
    results, table, samples = inter
    first, second, *_ = world.sample_ids("inter")
    placed = {
        f"answers/noise/inter/{first}.wav": Placed("media/a.wav", "media/pictures/abc.jpg"),
        f"answers/noise/inter/{second}.wav": Placed("media/b.wav", "", "cannot be read"),
        f"scenes/inter/{second}.mp4": Placed(
            "media/b.mp4", "media/pictures/def.jpg", soundtrack="media/pictures/jkl.jpg"
        ),
        "sources/dog00000001_000010.wav": Placed("media/c.wav", "media/pictures/ghi.jpg"),
        "sources/harp0000002_000020.wav": Placed("", "", "no such file"),
    }
    data = page_data(results, table, samples, placed, "media")
    (subset,) = data["subsets"]
    assert subset["models"]["noise"]["pictures"] == ["abc.jpg", "", None, None, None]
    assert subset["scenes"] == [None, "def.jpg", None, None, None]
    assert subset["soundtracks"] == ["", "jkl.jpg", "", "", ""]
    assert data["sources"] == {"dog00000001_000010": "ghi.jpg"}


def test_fields_that_are_missing_in_the_listing_reach_the_script_as_empty_text(inter):
    results, table, samples = inter
    (part,) = samples
    gaps = type(part)(part.subset, part.listing.assign(paired_label=None, target_side=float("nan")), part.scored)
    (subset,) = page_data(results, table, [gaps], {}, "media")["subsets"]
    assert subset["paired_label"] == subset["target_side"] == [""] * 5


def test_a_score_that_a_run_does_not_have_is_left_out_and_one_that_a_sample_lacks_is_null(inter):
    results, table, samples = inter
    (part,) = samples
    scored = {"old-foley": part.scored["old-foley"].drop(columns="clap")}
    (subset,) = page_data(results, table, [type(part)(part.subset, part.listing, scored)], {}, "media")["subsets"]
    scores = subset["models"]["old-foley"]["scores"]
    assert "clap" not in scores
    assert scores["kl"][1] is None
    assert scores["kl"][0] == round(float(part.scored["old-foley"]["kl"][0]), 2)
    assert subset["models"]["old-foley"]["failed"] == {1: "GenerationError: no answer"}
