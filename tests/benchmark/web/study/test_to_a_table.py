"""From raters to a table: what people answered on the pages is what the analysis and the tables of a report show."""

import csv
import json

import pytest
from support.blank_figures import blank_figure, sketched
from typer.testing import CliRunner

from benchmark.cli import app
from benchmark.web.study.export import write_export

__all__ = ["blank_figure", "sketched"]

pytestmark = pytest.mark.usefixtures("sketched")

MERIT = {"oracle": 5, "mixture": 3, "distractor": 2}


def rated_by_merit(served, people):
    """Let people rate each clip by whose it is, which they cannot see: the test looks it up in the database."""
    models = {item.item: item.answers[0].model for item in served.study.design.items}
    expected = {item.item: item.expected for item in served.study.design.attention}
    given = []
    for _ in range(people):
        rater = served.rater().begin()
        while "token" in (item := rater.item()):
            with served.study.database.reading() as session:
                row = session.connection().exec_driver_sql(
                    "SELECT item FROM placements WHERE state = 'claimed' ORDER BY rater_id DESC, position LIMIT 1"
                )
                name = row.scalar_one()
            rater.watch(item)
            served.clock.forward(3)
            points = MERIT[models[name]] if name in models else int(next(iter(expected[name].values())))
            assert rater.answer(item, points).status_code == 200
            given.append((name, points))
    return given


def run(*words):
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_study_s_folder_and_its_exports_give_the_means_that_were_answered(serve, ground, tmp_path, monkeypatch):
    served = serve()
    rated_by_merit(served, people=4)
    folder = served.study.folder.path
    found = json.loads(run("study", "analyse", folder, "--out", tmp_path / "a", "--no-screening", "--json"))
    assert {(one["model"], one["mean"]) for one in found["opinions"] if one["criterion"] == "TA"} == set(MERIT.items())
    assert found["screening"]["left_out"] == []
    exported = {path.name: path for path, _ in write_export(served.study, tmp_path / "export")}
    for name in ("answers.csv", "ratings.csv"):
        again = json.loads(
            run("study", "analyse", exported[name], "--out", tmp_path / name, "--no-screening", "--json")
        )
        assert again["opinions"] == found["opinions"]
    words = ("study", "analyse", tmp_path / "export", "--no-screening", "--json")
    monkeypatch.chdir(tmp_path)
    assert json.loads(run(*words))["opinions"] == found["opinions"]
    assert (tmp_path / "results" / "analyses" / "export-answers" / "study.html").is_file()
    (tmp_path / "export" / "preferences.csv").touch()
    with pytest.raises(ValueError, match=r"export: holds answers\.csv and preferences\.csv; name the one to analyse"):
        run(*words)


def test_a_preference_study_puts_the_models_in_the_order_that_people_chose(serve, tmp_path):
    served = serve(form="preference", items_per_rater=4, repeats=0, attention=0, raters_per_item=4)
    models = {item.item: tuple(answer.model for answer in item.answers) for item in served.study.design.items}
    for turn in range(6):
        rater = served.rater().begin()
        while "token" in (item := rater.item()):
            with served.study.database.reading() as session:
                row = session.connection().exec_driver_sql(
                    "SELECT item, swapped FROM placements WHERE state = 'claimed' ORDER BY rater_id DESC, position"
                )
                name, swapped = row.first()
            rater.watch(item)
            served.clock.forward(3)
            first, second = models[name][::-1] if swapped else models[name]
            better = MERIT[first] > MERIT[second]
            side = "first" if better != (turn == 5) else "second"  # the last of them chooses the worse
            assert rater.answer(item, side).status_code == 200
    found = json.loads(run("study", "analyse", served.study.folder.path, "--out", tmp_path / "p", "--json"))
    strengths = [one for one in found["ranking"]["strengths"] if one["criterion"] == "TA"]
    ordered = [one["model"] for one in sorted(strengths, key=lambda one: -one["strength"])]
    assert ordered == ["oracle", "mixture", "distractor"]
    with (tmp_path / "p" / "strengths.csv").open(newline="", encoding="utf-8") as file:
        assert {row["Model"] for row in csv.DictReader(file)} == set(MERIT)


def test_runs_that_were_rated_stand_beside_the_ratings(serve, ground, tmp_path):
    served = serve()
    rated_by_merit(served, people=3)
    run("study", "analyse", served.study.folder.path, "--out", tmp_path / "a", "--no-screening")
    assert "| oracle" in (tmp_path / "a" / "study.md").read_text(encoding="utf-8")
    with pytest.raises(Exception, match="no scored run"):  # they have answers and no scores yet
        run("study", "analyse", served.study.folder.path, "--runs", ground.runs[0].parent, "--out", tmp_path / "b")
