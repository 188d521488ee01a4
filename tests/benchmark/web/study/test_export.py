"""What is exported is what was answered, in the columns that analysis reads."""

import csv
from datetime import datetime

import pandas as pd
import pytest

from benchmark.ratings.reading import read_answers
from benchmark.web.study.export import answers_of, preferences_of, write_export
from benchmark.web.study.status import status

ANSWERS = [
    "rater", "position", "role", "subset", "sample_id", "model", "category", "AQ", "TA", "VA", "expected", "seconds",
    "clip_seconds", "plays", "focus_losses", "answered_at",
]  # fmt: skip
PREFERENCES = [
    "rater", "position", "role", "subset", "sample_id", "model_a", "model_b", "category", "AQ", "TA", "VA", "expected",
    "seconds", "clip_seconds", "plays_a", "plays_b", "focus_losses", "answered_at", "shown_first",
]  # fmt: skip


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def exported(served, out, **how):
    return {path.name: path for path, _ in write_export(served.study, out, **how)}


def test_answers_are_exported_as_they_were_given(serve, tmp_path):
    served = serve()
    rater = served.rater().begin()
    given = []
    for points in (1, 2, 3, 4, 5, 1, 2, 3):
        item = rater.item()
        rater.watch(item)
        served.clock.forward(2)
        rater.answer(item, points, plays=[points], focus_losses=points - 1)
        given.append((item["prompt"], points))
    table = answers_of(served.study.folder.path)
    assert list(table.columns) == ANSWERS
    assert list(table["position"]) == list(range(1, 9))
    assert [*zip(table["AQ"], table["VA"], strict=True)] == [(points, points) for _, points in given]
    assert list(table["plays"]) == [points for _, points in given]
    assert list(table["focus_losses"]) == [points - 1 for _, points in given]
    assert set(table["rater"]) == {"r001"}
    assert table["role"].value_counts().to_dict() == {"item": 6, "repeat": 1, "attention": 1}
    assert (table["seconds"] - table["clip_seconds"]).round(3).eq(2).all()
    assert table["answered_at"][0] == "2027-01-15T08:00:03+00:00"
    items = {item.item: item for item in served.study.design.items}
    for _, row in table[table["role"] != "attention"].iterrows():
        assert any((item.sample_id, item.answers[0].model, item.category) == (row.sample_id, row.model, row.category)
                   for item in items.values())  # fmt: skip
    attention = table[table["role"] == "attention"].iloc[0]
    assert attention["expected"] in ("AQ=1;TA=1;VA=1", "AQ=2;TA=2;VA=2")
    assert (table["expected"] == "").sum() == 7
    files = exported(served, tmp_path / "out")
    assert sorted(files) == ["answers.csv", "raters.csv", "ratings.csv"]
    assert list(rows(files["answers.csv"])[0]) == ANSWERS
    assert pd.read_csv(files["answers.csv"], keep_default_na=False).astype(str).equals(table.astype(str))


def test_ratings_have_neither_repeats_nor_attention_items_and_are_read_by_the_report(serve, tmp_path):
    served = serve()
    served.rater().begin().rate(points=4)
    found = read_answers(exported(served, tmp_path)["ratings.csv"])
    assert len(found.table) == 6
    assert set(found.table["model"]) == {"distractor", "mixture", "oracle"}
    assert set(found.table[["AQ", "TA", "VA"]].itertuples(index=False, name=None)) == {(4, 4, 4)}


def test_preferences_are_exported_by_answer_not_by_side(serve, tmp_path):
    served = serve(form="preference", items_per_rater=4, repeats=0, attention=0)
    raters = [served.rater().begin() for _ in range(6)]
    for rater in raters:
        while "token" in (item := rater.item()):
            rater.watch(item)
            assert rater.answer(item, "second", plays=[1, 2]).status_code == 200  # the first once, the second twice
    table = preferences_of(served.study.folder.path)
    assert list(table.columns) == PREFERENCES
    assert (table["model_a"] < table["model_b"]).all()
    assert set(zip(table["shown_first"], table["AQ"], strict=True)) == {("a", "b"), ("b", "a")}
    plays = set(zip(table["shown_first"], table["plays_a"], table["plays_b"], strict=True))
    assert plays == {("a", 1, 2), ("b", 2, 1)}
    assert sorted(exported(served, tmp_path)) == ["preferences.csv", "raters.csv"]
    with pytest.raises(ValueError, match="a study of form 'preference', not 'rating'"):
        answers_of(served.study.folder.path)


def test_raters_are_exported_without_the_panel_s_ids_unless_asked(serve, tmp_path):
    served = serve(questionnaire=[{"id": "remarks", "question": "?"}])
    rater = served.rater("?PROLIFIC_PID=p123456&STUDY_ID=s1&SESSION_ID=t1").begin()
    rater.rate()
    rater.go("/api/questionnaire", answers={"remarks": "=HYPERLINK(1)\n+2"})
    served.rater()  # has not agreed to take part
    path = exported(served, tmp_path)["raters.csv"]
    (row,) = rows(path)
    assert "p123456" not in path.read_text()
    assert (row["state"], row["answered"], row["panel"]) == ("finished", "8", "prolific")
    assert row["question_remarks"] == "'=HYPERLINK(1) +2"
    (row,) = rows(exported(served, tmp_path, with_ids=True)["raters.csv"])
    assert (row["panel_id"], row["panel_study"], row["panel_session"]) == ("p123456", "s1", "t1")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        pytest.param(592, ("10.0", ""), id="a pause"),
        pytest.param(-3600, ("", "the server's clock was set back meanwhile"), id="set back beyond the beginning"),
        pytest.param(-3, ("", "the server's clock was set back meanwhile"), id="set back by less than it took"),
    ],
)
def test_the_minutes_of_a_rater_are_those_between_consent_and_end_or_unknown(serve, tmp_path, seconds, told):
    served = serve()
    rater = served.rater().begin()
    rater.rate(6)
    served.clock.forward(seconds)
    (row,) = rows(exported(served, tmp_path / "before")["raters.csv"])
    assert (row["minutes"], row["minutes_unknown"]) == ("", "has not finished")
    assert len(rater.rate()) == 2
    served.rater().begin()
    first, second = rows(exported(served, tmp_path / "after")["raters.csv"])
    assert (first["state"], first["minutes"], first["minutes_unknown"]) == ("finished", *told)
    assert (second["state"], second["minutes_unknown"]) == ("rate", "has not finished")


def test_nothing_answered_gives_tables_with_their_columns(serve, tmp_path):
    served = serve(questionnaire=[{"id": "remarks", "question": "?"}])
    assert list(answers_of(served.study.folder.path).columns) == ANSWERS
    empty = exported(served, tmp_path / "empty", with_ids=True)
    assert rows(empty["answers.csv"]) == []
    header = empty["raters.csv"].read_text()
    served.rater("?PROLIFIC_PID=p123456").begin()
    path = exported(served, tmp_path / "one", with_ids=True)["raters.csv"]
    assert path.read_text().splitlines(keepends=True)[0] == header
    assert "" not in rows(path)[0]


def test_status_counts_answers_and_raters(serve):
    served = serve(samples=2, raters_per_item=2, items_per_rater=6, repeats=0, attention=0)
    found = status(served.study)
    assert (found.items, found.answers, found.fewest, found.lacking, found.raters_left) == (6, 0, 0, 12, 2)
    served.rater().begin().rate()
    active = served.rater().begin()
    active.rate(2)
    active.item()
    served.rater()
    found = status(served.study)
    assert (found.answers, found.fewest, found.median, found.most, found.complete) == (8, 1, 1.0, 2, 2)
    assert found.raters == {"consent": 1, "rate": 1, "thanks": 1}
    assert (found.active, found.lacking, found.held, found.held_by, found.places_left) == (1, 4, 2, 1, 2)
    served.clock.forward(3600)
    assert (status(served.study).active, status(served.study).places_left) == (0, 4)
    active.go("/api/withdraw")
    assert (status(served.study).withdrawn, status(served.study).answers) == (1, 6)


def test_answers_for_which_raters_hold_items_are_still_wanted_and_told_until_they_are_free(serve):
    served = serve(samples=2, raters_per_item=1, items_per_rater=6, repeats=0, attention=0, claim_minutes=20)
    for _ in range(3):  # each sees one item, has the next loaded, and leaves
        served.rater().begin().item()
        served.clock.forward(30.5)
    last_seen = served.clock() - 30.5
    found = status(served.study)
    assert (found.answers, found.lacking, found.raters_left) == (0, 6, 1)
    assert (found.held, found.held_by, found.places_left) == (6, 3, 0)
    until = datetime.fromisoformat(found.held_until)
    assert 0 <= until.timestamp() - (last_seen + 20 * 60) < 60
    told = f"6 answers, by 3 raters who are not done; free by {until:%H:%M} if none of them goes on"
    assert found.told_held == told
    browser = served.browser(base_url="http://127.0.0.1:8321", client=("127.0.0.1", 4000))
    browser.post("/admin", data={"secret": served.study.folder.admin.read_text()})
    assert f"<dt>Held of these</dt><dd>{told}</dd>" in browser.get("/admin").text
    served.clock.forward(until.timestamp() - served.clock())
    found = status(served.study)
    assert (found.lacking, found.held, found.held_by, found.held_until, found.told_held) == (6, 0, 0, None, "")
    assert "Held of these" not in browser.get("/admin").text
