import json
import re

import pandas as pd
import pytest

from benchmark.report import collect, write_report
from benchmark.report.rated import with_mean_ratings, with_ratings
from benchmark.report.ratings import read_ratings
from benchmark.report.samples import read_samples
from benchmark.report.tables.table import build_table


def study(world, folder, models=(("grand-foley", 4), ("tiny-foley", 3))):
    rows = [
        ("inter", sample, model, f"p{rater}", level + (rater + place) % 2, level)
        for rater in range(4)
        for place, sample in enumerate(world.sample_ids("inter"))
        for model, level in models
    ]
    path = folder / "ratings.csv"
    pd.DataFrame(rows, columns=["subset", "sample_id", "model", "rater", "AQ", "VA"]).to_csv(path, index=False)
    return path


def test_mean_opinions_become_columns_that_are_ranked_and_explained(made, world, tmp_path):
    path, results = study(world, tmp_path), collect(made.runs)
    table = build_table(with_ratings(results, read_ratings(path, results), path.name))
    assert [column.metric.name for column in table.columns][:2] == ["AQ", "VA"]
    assert table.groups[0] == ("Human Study", 2)
    cells = {line.row.key: line.cells[0] for line in table.blocks[0].lines}
    assert (cells["grand-foley"].text, cells["grand-foley"].rank) == ("4.50", 1)
    low, high = cells["grand-foley"].interval
    assert float(low) < 4.5 < float(high)
    assert cells["noise"].text == "–"
    assert "AQ, VA: mean opinion in points from 1 to 5" in table.notes[0]
    answers = 4 * 2 * len(world.sample_ids("inter"))  # each is one rating, by two criteria
    assert (
        f"{answers} ratings by 4 raters (ratings.csv); intervals over other raters and other scenes." in table.notes[0]
    )


def test_an_answer_carries_its_mean_rating_and_others_none(made, world, tmp_path):
    path, results = study(world, tmp_path), collect(made.runs)
    parts = with_mean_ratings(read_samples(results), read_ratings(path, results))
    inter, intra = parts
    assert inter.scored["grand-foley"]["AQ"].tolist() == [4.5] * len(inter.ids)
    assert inter.scored["noise"]["AQ"].isna().all()
    assert "AQ" not in intra.scored["grand-foley"]


def test_ratings_stand_on_the_cards_of_the_page_and_in_every_file(made, world, tmp_path):
    written = write_report(
        made.runs, tmp_path / "report", benchmark_dirs={"demo": made.benchmark}, ratings=study(world, tmp_path)
    )
    page = written.html.read_text()
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])
    assert [column["name"] for column in data["columns"] if column["headline"]][:2] == ["AQ", "VA"]
    inter = next(subset for subset in data["subsets"] if subset["name"] == "inter")
    assert inter["models"]["grand-foley"]["scores"]["AQ"] == [4.5] * len(inter["sample_id"])
    assert inter["models"]["noise"]["scores"]["AQ"] == [None] * len(inter["sample_id"])
    assert "AQ_low" in written.csv.read_text().splitlines()[0]
    assert "AQ ↑" in written.markdown.read_text()
    assert "Human Study" in written.latex.read_text()


def test_a_report_without_ratings_has_no_such_columns(made):
    assert "Human Study" not in made.paths.html.read_text()


def test_preferences_are_no_columns(made, tmp_path):
    path = tmp_path / "preferences.csv"
    path.write_text("rater,role,subset,sample_id,model_a,model_b,AQ\np,item,inter,s,m,n,tie\n")
    with pytest.raises(ValueError, match=r"preferences\.csv: holds preferences, expected ratings in points"):
        write_report(made.runs, tmp_path / "report", ratings=path)
