import csv
import json
import re
import shutil
import subprocess
from types import SimpleNamespace

import pandas as pd
import pytest
from support.rated_studies import preferences, written

from benchmark.cli.analysing import analyse, read_study
from benchmark.ratings.analysis import Settings, analyse_preferences, analyse_ratings, to_json
from benchmark.ratings.reading import answers_of_table, read_answers
from benchmark.report import collect
from benchmark.report.ratings import read_ratings
from benchmark.report.study.write import write_study
from foundation.extras import MissingPackage

PNG = b"\x89PNG\r\n\x1a\n"


def analysed(path, **settings):
    """The analysis of ratings, drawn from few resamples."""
    return analyse_ratings(read_answers(path), Settings(resamples=60, **settings))


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def study(rated, made, tmp_path_factory):
    """The folder of an analysis with runs."""
    out = tmp_path_factory.mktemp("study") / "out"
    analyse(rated, runs=[made.runs[0].path.parents[2]], out=out)
    return out


def test_a_study_with_runs_has_every_table_and_figure_and_nothing_else(study):
    tables = ("agreement", "categories", "differences", "mixed", "opinions", "planning", "raters", "reliability")
    figures = [f"{s}-{kind}" for s in ("inter", "intra") for kind in ("agreement", "opinions", "scatter")]
    drawn = {f"{name}.{ending}" for name in figures for ending in ("pdf", "png")}
    expected = {"study.md", "study.tex", "study.html", "metrics.md", "metrics.tex", "analysis.json", *drawn}
    expected |= {f"{name}.csv" for name in (*tables, "metrics", "kept-ratings")}
    assert {path.name for path in study.iterdir()} == expected
    assert all((study / f"{name}.png").read_bytes().startswith(PNG) for name in figures)


def test_the_opinions_of_the_files_are_those_of_the_raters_who_count(study, rated):
    table = read_answers(rated).items
    kept = table[table["rater"] != "p7"]
    for row in rows_of(study / "opinions.csv"):
        subset = {"Inter-class": "inter", "Intra-class": "intra"}[row["Subset"]]
        own = kept[(kept["subset"] == subset) & (kept["model"] == row["Model"])]
        for criterion in ("AQ", "TA", "VA"):
            assert float(row[criterion]) == pytest.approx(own[criterion].mean(), abs=1e-4)
        assert int(row["Raters"]) == 7
    assert {row["Rater"] for row in rows_of(study / "raters.csv") if row["Outcome"] == "left out"} == {"p7"}


def test_the_file_that_was_read_is_never_written_over(rated, tmp_path):
    for name in ("kept-ratings.csv", "opinions.csv", "ratings.csv"):
        path = tmp_path / name
        shutil.copyfile(rated, path)
        before = path.read_bytes()
        if name == "ratings.csv":  # a name that no file of an analysis has
            write_study(analysed(path), tmp_path, title="x")
        else:
            with pytest.raises(ValueError, match=f"{name}: the analysis would write its own file of this name there"):
                write_study(analysed(path), tmp_path, title="x")
            assert sorted(p.name for p in tmp_path.iterdir()) == [name]
        assert path.read_bytes() == before
        path.unlink()


def test_what_an_earlier_analysis_wrote_and_this_one_does_not_is_removed(rated, tmp_path):
    out = tmp_path / "out"
    write_study(analysed(rated), out, title="x")
    (out / "notes.txt").write_text("mine")
    choices = written(preferences({"x": -0.5, "y": 0.5}, -1.0, seed=1, raters=4, each=20), tmp_path / "p.csv")
    files = write_study(analyse_preferences(read_answers(choices), Settings(resamples=60)), out, title="x").files
    assert {path.name for path in out.iterdir()} == {"notes.txt", *(path.name for path in files)}


def test_a_list_of_files_that_names_others_removes_nothing_of_them(tmp_path):
    out, mine = tmp_path / "out", tmp_path / "mine.txt"
    out.mkdir()
    mine.write_text("mine")
    (out / "old.csv").touch()
    (out / "analysis.json").write_text(json.dumps({"files": ["../mine.txt", str(mine), "old.csv"]}))
    choices = written(preferences({"x": -0.5, "y": 0.5}, -1.0, seed=1, raters=4, each=20), tmp_path / "p.csv")
    write_study(analyse_preferences(read_answers(choices), Settings(resamples=60)), out, title="x")
    assert mine.read_text() == "mine"
    assert not (out / "old.csv").exists()


def test_an_analysis_of_an_exported_file_is_named_after_its_folder(tmp_path, monkeypatch, capsys):
    choices = preferences({"x": -0.5, "y": 0.5}, -1.0, seed=1, raters=4, each=20)
    (tmp_path / "loud").mkdir()
    monkeypatch.chdir(tmp_path)
    analyse(written(choices, tmp_path / "loud" / "preferences.csv"))
    analyse(written(choices, tmp_path / "loud" / "pilot.csv"))
    capsys.readouterr()
    assert {path.name for path in (tmp_path / "results" / "analyses").iterdir()} == {"loud-preferences", "pilot"}


def test_the_table_beside_metrics_has_both(study):
    (row,) = [r for r in rows_of(study / "metrics.csv") if (r["model"], r["subset"]) == ("grand-foley", "inter")]
    assert float(row["clap"]) > 0
    assert 3.5 < float(row["AQ"]) < 4.7
    text = (study / "metrics.md").read_text()
    assert "Human Study" in text
    assert "ratings by 7 raters (answers.csv)" in text


def test_the_kept_ratings_are_those_that_count_and_are_read_again_by_report_and_figures(study, rated, made):
    again = read_answers(study / "kept-ratings.csv")
    columns = ["subset", "sample_id", "model", "rater", "AQ", "TA", "VA"]
    items = read_answers(rated).items
    kept = items[items["rater"] != "p7"][columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(again.items[columns].reset_index(drop=True), kept)
    found = read_ratings(study / "kept-ratings.csv", collect(made.runs))
    assert {part.subset for part in found} == {"inter", "intra"}
    assert again.raters == tuple(f"p{n}" for n in range(7))
    assert again.points == (1, 5)


def test_ratings_on_another_scale_are_kept_in_a_form_that_is_read_again(rated, tmp_path):
    table = pd.read_csv(rated, keep_default_na=False)
    table = table[(table["role"] == "item") & (table["subset"] == "inter")].rename(columns={"TA": "=realism"})
    table = table.drop(columns="VA").astype(object)
    table.loc[0, "AQ"] = 7
    analysis = analysed(written(table, tmp_path / "own.csv"))
    write_study(analysis, tmp_path / "out", title="own")
    assert (
        (tmp_path / "out" / "kept-ratings.csv")
        .read_text()
        .startswith("subset,sample_id,model,rater,role,AQ,'=realism\n")
    )
    again = read_answers(tmp_path / "out" / "kept-ratings.csv")
    assert (again.criteria, again.points) == (("AQ", "=realism"), (1, 7))


def test_the_page_is_one_file_that_loads_nothing_and_escapes_names(rated, tmp_path):
    table = pd.read_csv(rated, keep_default_na=False)
    table["model"] = table["model"].replace("tiny-foley", "<script>alert(1)</script>")
    write_study(analysed(written(table, tmp_path / "answers.csv")), tmp_path / "out", title="<b>bold</b>")
    page = (tmp_path / "out" / "study.html").read_text()
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert re.findall(r'src="(?!data:image/png;base64,)', page) == []
    assert "default-src &#39;none&#39;" in page
    assert page.count('src="data:image/png;base64,') == 2


def test_screening_is_reversed_by_name_and_switched_off(rated):
    assert analysed(rated).screening.left_out == ("p7",)
    by_hand = analysed(rated, keep=("p7",), drop=("p0",))
    assert by_hand.screening.left_out == ("p0",)
    assert {one.rater for one in by_hand.screening.overruled} == {"p7"}
    assert analysed(rated, screening=False).screening.left_out == ()


def test_the_command_tells_who_is_left_out_and_prints_strict_json(rated, tmp_path, capsys):
    analyse(rated, out=tmp_path / "out", seed=3, as_json=True)
    out, err = capsys.readouterr()
    assert "left out p7: 100% of 2 attention items missed, at most 33% allowed" in err
    printed = json.loads(out, parse_constant=pytest.fail)
    in_file = json.loads((tmp_path / "out" / "analysis.json").read_text())
    assert in_file.pop("files") == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert printed == in_file
    assert (printed["settings"]["seed"], printed["screening"]["left_out"]) == (3, ["p7"])
    assert {"opinions", "differences", "tests", "reliability", "mixed", "plans"} <= set(printed)


def test_the_numbers_are_the_same_for_a_seed(rated):
    first, again, other = (to_json(analysed(rated, seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first["opinions"][0]["interval"] != other["opinions"][0]["interval"]


def test_a_study_of_preferences_has_strengths_and_comparisons(tmp_path, capsys):
    path = written(preferences({"x": -0.5, "y": 0.0, "z": 0.5}, -1.0, seed=1), tmp_path / "preferences.csv")
    analyse(path, out=tmp_path / "out", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [one["model"] for one in found["ranking"]["strengths"]] == ["z", "y", "x"]
    assert {p.name for p in (tmp_path / "out").iterdir()} >= {"strengths.csv", "comparisons.csv", "study.html"}


def test_a_strength_that_is_open_is_a_dash_with_the_reason_below(tmp_path):
    table = preferences({"x": -0.5, "y": 0.5}, -1.0, seed=1, raters=4, each=20).assign(AQ="b")
    analysis = analyse_preferences(answers_of_table(table, "made"), Settings(resamples=60, screening=False))
    written_to = write_study(analysis, tmp_path / "out", title="x").folder
    assert [row["Strength"] for row in rows_of(written_to / "strengths.csv")] == ["", ""]
    told = "Inter-class, AQ: no strengths, as y won every choice against the other models"
    assert told in (written_to / "study.md").read_text()
    assert json.loads((written_to / "analysis.json").read_text())["ranking"]["strengths"][0]["strength"] is None


def test_preferences_have_no_metrics_beside_them(made, tmp_path):
    path = written(preferences({"x": -0.5, "y": 0.5}, -1.0, seed=1), tmp_path / "preferences.csv")
    analysis = analyse_preferences(read_answers(path), Settings(resamples=60))
    with pytest.raises(ValueError, match="metrics are compared with ratings in points"):
        write_study(analysis, tmp_path / "out", title="x", results=collect(made.runs))


def exporting(answers=None, preferences=None):
    """A stand-in for the export of studies: each function refuses a study of the other form."""

    def of(table, form):
        def read(folder):
            if table is None:
                raise ValueError(f"{folder}: a study of another form than {form}")
            return table

        return read

    return SimpleNamespace(answers_of=of(answers, "rating"), preferences_of=of(preferences, "preference"))


def test_a_folder_of_a_study_is_asked_for_answers_and_else_for_preferences(rated, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "my-study"
    folder.mkdir()
    table = pd.read_csv(rated)
    monkeypatch.setattr("foundation.extras.import_module", lambda name: exporting(answers=table))
    assert read_study(folder).criteria == ("AQ", "TA", "VA")
    choices = preferences({"x": -0.5, "y": 0.5}, -1.0, seed=1)
    monkeypatch.setattr("foundation.extras.import_module", lambda name: exporting(preferences=choices))
    monkeypatch.chdir(tmp_path)
    analyse(folder, as_json=True)
    assert len(json.loads(capsys.readouterr().out)["ranking"]["strengths"]) == 2
    assert (tmp_path / "results" / "analyses" / "my-study" / "study.html").is_file()


def test_a_study_without_the_extra_web_says_how_to_get_it(tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'sqlmodel'", name="sqlmodel")

    monkeypatch.setattr("foundation.extras.import_module", missing)
    with pytest.raises(MissingPackage, match=r"package sqlmodel; to get it: pip install 'vgg-monoaudio\[web\]'"):
        read_study(tmp_path)


def test_ratings_of_answers_that_no_run_has_are_named_by_line(rated, made, tmp_path):
    table = pd.read_csv(rated, keep_default_na=False)
    table.loc[4, "model"] = "nobody"
    path = written(table, tmp_path / "answers.csv")
    with pytest.raises(ValueError, match=r"answers\.csv, line 6: no run of 'nobody' on 'inter'"):
        analyse(path, runs=[made.runs[0].path.parents[2]], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_public_ratings_are_those_of_the_one_subset_that_the_runs_have(made, world, tmp_path):
    lines = [
        {"data_path": f"x/{model}/{sample}.wav", "Production_Quality": [float(level), level + 1.0]}
        for level, model in enumerate(("tiny-foley", "grand-foley"), 5)
        for sample in world.sample_ids("inter")
    ]
    path = tmp_path / "public.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    inter = [run.path for run in made.runs if run.path.parent.name == "inter"]
    analyse(path, runs=inter, out=tmp_path / "out")
    assert {row["Criterion"] for row in rows_of(tmp_path / "out" / "agreement.csv")} == {"PQ"}
    assert not (tmp_path / "out" / "kept-ratings.csv").exists()
    with pytest.raises(ValueError, match="names no subset; give runs on one subset alone, there are inter, intra"):
        analyse(path, runs=[run.path for run in made.runs], out=tmp_path / "out")


def test_when_screening_leaves_nobody_the_way_out_is_told(tmp_path):
    rows = [("p", "item", "inter", f"s{n}", "m", 3, "") for n in range(20)]
    columns = ["rater", "role", "subset", "sample_id", "model", "AQ", "expected"]
    path = written(pd.DataFrame(rows, columns=columns), tmp_path / "answers.csv")
    told = r"screening left out every rater \(p: the same answer in 100% of 20, .*\); --keep RATER keeps one"
    with pytest.raises(ValueError, match=told):
        analyse(path, out=tmp_path / "out")
    with pytest.raises(ValueError, match=r"--drop leaves out all 1 raters \(p\); name fewer"):
        analyse(path, out=tmp_path / "out", drop=["p"])


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex (Debian: texlive-latex-base)")
def test_the_tables_compile_as_latex(study, tmp_path):
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", study / "study.tex"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
