import csv
import importlib
import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
from support.blank_figures import blank_figure, sketched
from support.rated_studies import preferences, written

from benchmark.cli.analysing import analyse, read_study
from benchmark.ratings.analysis import Settings, analyse_preferences, analyse_ratings, to_json
from benchmark.ratings.reading import answers_of_table, read_answers
from benchmark.report import collect, write_report
from benchmark.report.ratings import ratings_of, read_ratings
from benchmark.report.study.write import write_study
from foundation.extras import MissingPackage

__all__ = ["blank_figure", "sketched"]

PNG = b"\x89PNG\r\n\x1a\n"


def analysed(path, **settings):
    """The analysis of ratings, drawn from few resamples."""
    return analyse_ratings(read_answers(path), Settings(resamples=60, **settings))


def analysed_preferences(path):
    """The analysis of choices, drawn from few resamples."""
    return analyse_preferences(read_answers(path), Settings(resamples=60))


@pytest.fixture(scope="module")
def whole(rated):
    """The analysis of all ratings; nobody changes it."""
    return analysed(rated)


@pytest.fixture(scope="module")
def narrow(rated, tmp_path_factory):
    """The answers on one subset by one criterion, which are analysed in a sixth of the time."""
    table = pd.read_csv(rated, keep_default_na=False).drop(columns=["TA", "VA"])
    table = table[table["subset"] != "intra"].assign(expected=table["expected"].str.partition(";")[0])
    return written(table, tmp_path_factory.mktemp("narrow") / "answers.csv")


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


@pytest.mark.usefixtures("sketched")
def test_the_file_that_was_read_is_never_written_over(whole, rated, tmp_path):
    for name in ("kept-ratings.csv", "opinions.csv", "ratings.csv"):
        path = tmp_path / name
        shutil.copyfile(rated, path)
        before = path.read_bytes()
        of_it = replace(whole, answers=replace(whole.answers, source=str(path)))
        if name == "ratings.csv":  # a name that no file of an analysis has
            write_study(of_it, tmp_path, title="x")
        else:
            with pytest.raises(ValueError, match=f"{name}: the analysis would write its own file of this name there"):
                write_study(of_it, tmp_path, title="x")
            assert sorted(p.name for p in tmp_path.iterdir()) == [name]
        assert path.read_bytes() == before
        path.unlink()


@pytest.mark.usefixtures("sketched")
def test_what_an_earlier_analysis_wrote_and_this_one_does_not_is_removed(whole, tmp_path):
    out = tmp_path / "out"
    write_study(whole, out, title="x")
    (out / "notes.txt").write_text("mine")
    choices = written(preferences({"x": -0.5, "y": 0.5}, -1.0, seed=1, raters=4, each=20), tmp_path / "p.csv")
    files = write_study(analysed_preferences(choices), out, title="x").files
    assert {path.name for path in out.iterdir()} == {"notes.txt", *(path.name for path in files)}


@pytest.mark.usefixtures("sketched")
def test_a_list_of_files_that_names_others_removes_nothing_of_them(tmp_path):
    out, mine = tmp_path / "out", tmp_path / "mine.txt"
    out.mkdir()
    mine.write_text("mine")
    (out / "old.csv").touch()
    (out / "analysis.json").write_text(json.dumps({"files": ["../mine.txt", str(mine), "old.csv"]}))
    choices = written(preferences({"x": -0.5, "y": 0.5}, -1.0, seed=1, raters=4, each=20), tmp_path / "p.csv")
    write_study(analysed_preferences(choices), out, title="x")
    assert mine.read_text() == "mine"
    assert not (out / "old.csv").exists()


@pytest.mark.usefixtures("sketched")
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


@pytest.fixture
def by_two(rated, tmp_path):
    """Ratings of two raters, too few for an interval."""
    table = pd.read_csv(rated, keep_default_na=False)
    return written(table[table["rater"].isin(["p0", "p1"])], tmp_path / "two.csv")


@pytest.fixture
def undrawn(monkeypatch):
    """Leave out the figures, which take most of the time."""
    monkeypatch.setattr("benchmark.report.study.write.rating_figures", lambda *given: {})


@pytest.mark.usefixtures("undrawn")
def test_without_an_interval_over_models_the_tables_of_a_study_say_why(by_two, made, tmp_path):
    table = pd.read_csv(by_two, keep_default_na=False)
    more = table[table["model"] == "tiny-foley"].assign(model="oracle", AQ=5.0)  # old-foley lacks a sample: no third
    both = written(pd.concat([table, more]), tmp_path / "more.csv")
    analyse(both, runs=[made.runs[0].path.parents[2]], out=tmp_path / "out")
    rows = [row for row in rows_of(tmp_path / "out" / "agreement.csv") if row["Over"] == "models"]
    assert rows
    assert all(row["Spearman"] for row in rows)
    assert not any(row.get("Spearman low") for row in rows)
    text = (tmp_path / "out" / "study.md").read_text()
    assert re.search(r"- No interval over models \(\d+ rows\): too few to resample: 2 of at least 3 raters\.", text)
    assert "too few to resample: 2 of at least 3 raters" in (tmp_path / "out" / "study.html").read_text()
    assert "No interval: too few to resample: 2 of at least 3 raters." in (tmp_path / "out" / "metrics.md").read_text()


@pytest.mark.usefixtures("undrawn")
def test_models_too_few_for_a_correlation_are_a_dash_and_the_reason(by_two, made, tmp_path):
    analyse(by_two, runs=[made.runs[0].path.parents[2]], out=tmp_path / "out")
    text = (tmp_path / "out" / "study.md").read_text()
    assert re.search(r"No correlation over models \(\d+ rows\): too few to correlate: 2 of at least 3 models\.", text)


def test_a_report_says_why_a_mean_opinion_has_no_interval(by_two, made, tmp_path):
    found = write_report(made.runs, tmp_path / "report", ratings=by_two)
    for path in (found.markdown, found.html, found.latex):
        assert "No interval: too few to resample: 2 of at least 3 raters." in path.read_text()


def test_the_opinions_beside_metrics_are_those_of_the_study(study):
    opinions = {(row["Subset"], row["Model"]): row for row in rows_of(study / "opinions.csv")}
    rows = [row for row in rows_of(study / "metrics.csv") if row["AQ"]]
    assert len(rows) == len(opinions)
    for row in rows:
        own = opinions[{"inter": "Inter-class", "intra": "Intra-class"}[row["subset"]], row["model"]]
        for beside, alone in (("AQ", "AQ"), ("AQ_low", "AQ low"), ("AQ_high", "AQ high")):
            assert row[beside] == (f"{float(own[alone]):.2f}" if own[alone] else "")
    assert any(row["AQ_low"] for row in rows)


@pytest.mark.usefixtures("sketched")
def test_runs_are_read_and_resampled_once(rated, made, tmp_path, monkeypatch):
    counts = Counter()

    def counted(module, name):
        function = getattr(importlib.import_module(module), name)
        monkeypatch.setattr(f"{module}.{name}", lambda *a, **k: (counts.update([name]), function(*a, **k))[1])

    counted("benchmark.report.samples", "read_run_samples")
    counted("benchmark.report.study.beside", "with_ratings")
    counted("benchmark.ratings.analysis", "opinions")
    counted("benchmark.report.rated", "opinions")
    analyse(rated, runs=[made.runs[0].path.parents[2]], out=tmp_path / "out")
    # of each run once; of all together and by category
    assert counts == {"read_run_samples": len(made.runs), "with_ratings": 1, "opinions": 2}


@pytest.mark.usefixtures("undrawn")
def test_intervals_have_the_level_of_the_runs(whole, narrow, made, tmp_path, monkeypatch):
    results = collect(made.runs)
    results = replace(results, scoring=results.scoring.model_copy(update={"confidence": 0.8}))
    monkeypatch.setattr("benchmark.report.results.collect", lambda runs: results)
    analyse(narrow, runs=[made.runs[0].path.parents[2]], out=tmp_path / "out")
    found = json.loads((tmp_path / "out" / "analysis.json").read_text())
    assert found["settings"]["level"] == found["opinions"][0]["interval"]["level"] == 0.8
    with pytest.raises(ValueError, match=r"the runs have intervals of 0\.8, the analysis of 0\.95; analyse with"):
        write_study(whole, tmp_path / "other", title="x", results=results)


def test_a_model_by_two_names_is_refused(rated, made, world, tmp_path):
    results = collect([world.write_run(tmp_path / "runs", "tiny-foley", folder="tiny foley")])
    name, key = results.rows[0].model, results.rows[0].key
    assert (name, key) == ("tiny foley", "tiny-foley")
    table = pd.read_csv(rated, keep_default_na=False)
    table = table[(table["model"] == "tiny-foley") & (table["subset"] == "inter")]
    table["model"] = [name, *[key] * (len(table) - 1)]
    with pytest.raises(ValueError, match=r"answers\.csv, line 3: .* are one model; call it by one name"):
        ratings_of(read_answers(written(table, tmp_path / "answers.csv")), results)


@pytest.mark.usefixtures("sketched")
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


@pytest.mark.usefixtures("sketched")
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


def test_screening_is_reversed_by_name_and_switched_off(narrow):
    assert analysed(narrow).screening.left_out == ("p7",)
    by_hand = analysed(narrow, keep=("p7",), drop=("p0",))
    assert by_hand.screening.left_out == ("p0",)
    assert {one.rater for one in by_hand.screening.overruled} == {"p7"}
    assert analysed(narrow, screening=False).screening.left_out == ()


@pytest.mark.usefixtures("sketched")
def test_the_command_tells_who_is_left_out_and_prints_strict_json(narrow, tmp_path, capsys):
    analyse(narrow, out=tmp_path / "out", seed=3, as_json=True)
    out, err = capsys.readouterr()
    assert "left out p7: 100% of 2 attention items missed, at most 33% allowed" in err
    printed = json.loads(out, parse_constant=pytest.fail)
    in_file = json.loads((tmp_path / "out" / "analysis.json").read_text())
    assert in_file.pop("files") == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert printed == in_file
    assert (printed["settings"]["seed"], printed["screening"]["left_out"]) == (3, ["p7"])
    assert {"opinions", "differences", "tests", "reliability", "mixed", "plans"} <= set(printed)


def test_the_numbers_are_the_same_for_a_seed(narrow):
    first, again, other = (to_json(analysed(narrow, seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first["opinions"][0]["interval"] != other["opinions"][0]["interval"]


def test_a_study_of_preferences_has_strengths_and_comparisons(tmp_path, capsys):
    path = written(preferences({"x": -0.5, "y": 0.0, "z": 0.5}, -1.0, seed=1), tmp_path / "preferences.csv")
    analyse(path, out=tmp_path / "out", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [one["model"] for one in found["ranking"]["strengths"]] == ["z", "y", "x"]
    drawn = {f"inter-{kind}.{ending}" for kind in ("strengths", "wins") for ending in ("pdf", "png")}
    tables = {"strengths.csv", "comparisons.csv", "raters.csv"}
    texts = {"study.html", "study.md", "study.tex", "analysis.json"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == drawn | tables | texts
    page = (tmp_path / "out" / "study.html").read_text()
    strengths, comparisons = (page.index(f'id="{name}"') for name in ("strengths", "comparisons"))
    assert strengths < page.index('alt="Figure: inter, strengths"') < comparisons
    assert comparisons < page.index('alt="Figure: inter, wins"')


@pytest.mark.usefixtures("sketched")
def test_a_strength_that_is_open_is_a_dash_with_the_reason_below(tmp_path):
    table = preferences({"x": -0.5, "y": 0.5}, -1.0, seed=1, raters=4, each=20).assign(AQ="b")
    analysis = analyse_preferences(answers_of_table(table, "made"), Settings(resamples=60, screening=False))
    written_to = write_study(analysis, tmp_path / "out", title="x").folder
    assert [row["Strength"] for row in rows_of(written_to / "strengths.csv")] == ["", ""]
    assert not (written_to / "inter-strengths.png").exists()
    assert (written_to / "inter-wins.png").exists()
    told = "Inter-class, AQ: no strengths, as y won every choice against the other models"
    assert told in (written_to / "study.md").read_text()
    assert json.loads((written_to / "analysis.json").read_text())["ranking"]["strengths"][0]["strength"] is None


def test_preferences_have_no_metrics_beside_them(made, tmp_path):
    path = written(preferences({"x": -0.5, "y": 0.5}, -1.0, seed=1), tmp_path / "preferences.csv")
    analysis = analysed_preferences(path)
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


@pytest.mark.usefixtures("sketched")
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
    with pytest.raises(MissingPackage, match=r"package sqlmodel; to get it: pip install .*\[web\]"):
        read_study(tmp_path)


def test_ratings_of_answers_that_no_run_has_are_named_by_line(rated, made, tmp_path):
    table = pd.read_csv(rated, keep_default_na=False)
    table.loc[4, "model"] = "nobody"
    path = written(table, tmp_path / "answers.csv")
    with pytest.raises(ValueError, match=r"answers\.csv, line 6: no run of 'nobody' on 'inter'"):
        analyse(path, runs=[made.runs[0].path.parents[2]], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("sketched")
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
