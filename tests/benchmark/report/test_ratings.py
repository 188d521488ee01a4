from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.rated_answers import MODELS, inter, read, study, written

from benchmark.report import collect, write_figures
from benchmark.report.figures.panels import sample_panel
from benchmark.report.figures.ratings import case_figure
from benchmark.report.ratings import alike_but_apart, read_ratings
from metrics.registry import get_metric
from vgg_monoaudio.dataset import load_benchmark


def test_a_rated_answer_has_the_mean_of_its_raters_without_empty_fields(made, world, tmp_path):
    table = study(world)
    table["VA"] = table["VA"].astype(object)
    table.loc[0, "AQ"], table.loc[1, "VA"] = 1, ""
    means = read(made, table, tmp_path).means
    first = means.iloc[0]
    assert (first["sample_id"], first["key"], first["raters"]) == (world.sample_ids("inter")[0], "tiny-foley", 2)
    assert (first["AQ"], first["TA"], first["VA"]) == (2.5, 3.0, 4.0)
    assert len(means) == 14


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"AQ": "6"}, "line 4: AQ: expected a whole number from 1 to 5, got '6'"),
        ({"TA": "3.5"}, "line 4: TA: expected a whole number"),
        ({"model": "nobody"}, "line 4: no run of 'nobody' on 'inter'; there are grand-foley"),
        ({"subset": "test"}, "line 4: no run of 'grand-foley' on 'test'"),
        ({"sample_id": "x"}, "line 4: .* on inter has no scored answer to 'x'"),
        ({"rater": "r2", "AQ": "1"}, "line 5: r2 rates grand-foley on .* twice"),
    ],
)
def test_a_line_that_cannot_be_right_is_refused_by_number(made, world, tmp_path, change, message):
    table = study(world).astype(str)
    for name, value in change.items():
        table.loc[2, name] = value
    with pytest.raises(ValueError, match=message):
        read(made, table, tmp_path)


def written_as(folder, world, *lines, encoding="utf-8", head="subset,sample_id,model,rater,AQ"):
    start = f"inter,{world.sample_ids('inter')[0]},tiny-foley"
    path = folder / "study.csv"
    path.write_bytes("\n".join([head, *(line.replace("@", start) for line in lines), ""]).encode(encoding))
    return path


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["", "", "", "@,p0,1", "  ", "@,p1,9"], r"study\.csv, line 7: AQ: expected a whole number .*, got '9'"),
        (["@,p0,1,3"], r"line 2: 6 values for 5 columns; put a name that holds a comma in quotes"),
        (["@,p0,1", "@,p1,1,,"], r"line 3: 7 values for 5 columns"),
        (["@"], "line 2: rater is empty"),
        (['@,"p', '0",1', "@,p1,9"], r"line 4: AQ"),
        (["@,p0,1", '@,"p1"x,1'], r"line 3: not a line of a CSV"),
        (['@,"p0,1'], r"line 2: not a line of a CSV"),
        (["@,p0,4.5"], r"line 2: AQ: expected a whole number from 1 to 5, got '4\.5'"),
        (["@,p0,0"], r"got '0'"),
        (["@,p0,nan"], r"got 'nan'"),
        (["@,p0,1" + "0" * 5000], r"line 2: AQ: expected a whole number"),
        (["@,p0,1", "@,p0 ,5"], r"line 3: p0 rates tiny-foley on .* twice"),
        ([], "no rating in it"),
    ],
)
def test_what_is_wrong_is_named_by_the_line_of_the_file(made, world, tmp_path, lines, message):
    with pytest.raises(ValueError, match=message):
        read_ratings(written_as(tmp_path, world, *lines), collect(made.runs))


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("latin-1", r"study\.csv, line 3: not UTF-8 \(byte 0xeb\), perhaps latin-1; save it as CSV UTF-8"),
        ("utf-16", r"study\.csv: is in UTF-16, expected UTF-8"),
    ],
)
def test_another_encoding_is_named_with_the_file(made, world, tmp_path, encoding, message):
    path = written_as(tmp_path, world, "@,p0,1", "@,Zoë,1", encoding=encoding)
    with pytest.raises(ValueError, match=message):
        read_ratings(path, collect(made.runs))


def test_blanks_around_names_a_byte_order_mark_and_4_0_do_no_harm(made, world, tmp_path):
    lines = ["@ ,p0 ,4.0", "", " @,p1, 5 ", "@,p2,", "@,p3"]
    path = written_as(tmp_path, world, *lines, encoding="utf-8-sig", head="subset, sample_id,model ,rater,AQ")
    (ratings,) = read_ratings(path, collect(made.runs))
    assert ratings.means[["raters", "AQ"]].to_numpy().tolist() == [[4, 4.5]]


def test_a_column_that_stands_twice_is_refused(made, world, tmp_path):
    path = written_as(tmp_path, world, "@,p0,1,2", head="subset,sample_id,model,rater,AQ,AQ")
    with pytest.raises(ValueError, match=r"expected the columns .*, each once, got .*AQ, AQ"):
        read_ratings(path, collect(made.runs))


def test_ratings_of_an_answer_that_failed_are_refused(made, world, tmp_path):
    table = study(world)
    table.loc[len(table)] = ("inter", world.sample_ids("inter")[1], "old-foley", "r1", 3, 3, 3)
    with pytest.raises(ValueError, match="old-foley on inter has no scored answer"):
        read(made, table, tmp_path)


def test_other_columns_than_those_of_a_study_are_refused(made, world, tmp_path):
    for table in (study(world).drop(columns="rater"), study(world).drop(columns=["AQ", "TA", "VA"])):
        with pytest.raises(ValueError, match="expected the columns subset, sample_id, model, rater and some of AQ"):
            read(made, table, tmp_path)
    with pytest.raises(ValueError, match=r"nothing\.csv: no such file of ratings"):
        read_ratings(tmp_path / "nothing.csv", collect(made.runs))


def with_clap(part, scores):
    changed = {key: part.scored[key].assign(clap=values) for key, values in scores.items()}
    return replace(part, scored={**part.scored, **changed})


def test_the_case_is_the_pair_that_clap_finds_alike_and_people_find_furthest_apart(made, world, tmp_path):
    table, (part, _) = study(world), inter(made)
    third = table["sample_id"] == world.sample_ids("inter")[2]
    table.loc[third & (table["model"] == "grand-foley"), "TA"] = 5
    table.loc[third & (table["model"] == "tiny-foley"), "TA"] = 1
    scores = {"tiny-foley": [0.1, 0.2, 0.344, 0.4, 0.5], "grand-foley": [0.3, 0.5, 0.349, 0.1, 0.2]}
    part = with_clap(part, scores | {"old-foley": [0.9, 0.9, 0.9, 0.9, 0.9]})
    case = alike_but_apart(read(made, table, tmp_path), part, get_metric("clap"))
    assert case.sample == world.sample_ids("inter")[2]
    assert (case.criterion, case.better, case.worse) == ("TA", "grand-foley", "tiny-foley")
    assert (case.scores, case.ratings) == ((0.349, 0.344), (5.0, 1.0))
    assert case.captions["tiny-foley"] == "CLAP 0.344\nTA 1.0"
    assert len(case.gaps) == 13  # three pairs a sample, one where an answer is missing


def test_without_a_pair_that_the_metric_finds_alike_there_is_no_case(made, world, tmp_path):
    part, _ = inter(made)
    part = with_clap(part, {model: np.full(5, at) for model, at in zip(MODELS, (0.1, 0.5, 0.9), strict=True)})
    assert alike_but_apart(read(made, study(world), tmp_path), part, get_metric("clap")) is None


def test_the_figure_of_the_case_circles_it_and_names_both_models(made, world, tmp_path):
    table, (part, _) = study(world), inter(made)
    part = with_clap(part, {model: [0.1, 0.2, 0.3, 0.4, 0.5] for model in MODELS})
    case = alike_but_apart(read(made, table, tmp_path), part, get_metric("clap"))
    axes = case_figure(case, "inter", {model: model for model in MODELS}).axes[0]
    dots, circle = axes.collections
    assert tuple(circle.get_offsets()[0]) == (0.0, 4.0)  # VA: 5 points for grand-foley, 1 for old-foley
    assert len(dots.get_offsets()) == len(case.gaps)
    assert axes.texts[0].get_text().startswith("grand-foley against old-foley:")


@pytest.mark.slow
def test_a_study_adds_its_figures(made, world, tmp_path):
    settings = world.Settings(fingerprint=load_benchmark(made.benchmark).fingerprint("inter"))
    runs = [
        world.write_run(tmp_path / "runs", model, settings=settings, audio=True)
        for model in ("tiny-foley", "grand-foley")
    ]
    for run in runs:
        pd.read_parquet(run.samples_parquet).assign(clap=[0.1, 0.2, 0.3, 0.4, 0.5]).to_parquet(run.samples_parquet)
    path = written(study(world, models=("tiny-foley", "grand-foley")), tmp_path)
    with_scenes = write_figures(runs, tmp_path / "a", benchmark_dir=made.benchmark, ratings=path)
    without = write_figures(runs, tmp_path / "b", ratings=path)
    names = {"inter-ratings", "inter-ratings-against-clap"}
    assert {figure.pdf.stem for figure in with_scenes} > {*names, "inter-ratings-panel"}
    assert {figure.pdf.stem for figure in without if "ratings" in figure.pdf.stem} == names
    with pytest.raises(ValueError, match="ratings are of answers; give the runs"):
        write_figures([], tmp_path / "c", benchmark_dir=made.benchmark, ratings=path)


def test_the_panel_of_the_case_has_score_and_rating_below_each_name(made, world, tmp_path):
    part, results = inter(made)
    part = with_clap(part, {model: [0.1, 0.2, 0.3, 0.4, 0.5] for model in MODELS})
    case = alike_but_apart(read(made, study(world), tmp_path), part, get_metric("clap"))
    rows = [row for row in results.of("inter") if row.key in (case.better, case.worse)]
    figure = sample_panel(part, 0, rows, made.benchmark, captions=case.captions)
    assert [axes.get_ylabel() for axes in figure.axes[2:]] == [
        "grand-foley\nCLAP 0.100\nVA 5.0",
        "old-foley\nCLAP 0.100\nVA 1.0",
    ]
