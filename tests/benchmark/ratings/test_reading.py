import pandas as pd
import pytest
from support.rated_studies import Study, preferences, ratings, written

from benchmark.ratings.answers import Answers, Preferences
from benchmark.ratings.reading import answers_of_table, expected_answers, read_answers

SMALL = Study(raters=4, scenes=3, each=2, repeats=1, checks=1)


def small(tmp_path, change=None, *, row=0):
    table = ratings(SMALL, 1).astype(object)
    for name, value in (change or {}).items():
        table.loc[row, name] = value
    return written(table, tmp_path / "answers.csv")


def test_every_role_of_a_study_is_read_and_only_items_count(tmp_path):
    answers = read_answers(small(tmp_path))
    assert isinstance(answers, Answers)
    assert answers.criteria == ("AQ", "TA", "VA")
    assert answers.points == (1, 5)
    assert answers.table["role"].value_counts().to_dict() == {"item": 30, "repeat": 4, "attention": 4}
    assert len(answers.items) == 30
    assert answers.raters == ("p00", "p01", "p02", "p03")
    assert answers.models == ("a", "b", "c", "d", "e")
    assert answers.table["AQ"].dtype == answers.table["seconds"].dtype == "float64"


def test_a_table_handed_on_by_a_study_is_read_like_its_file(tmp_path):
    table = ratings(SMALL, 1)
    table.loc[3, "TA"] = float("nan")
    from_file, from_table = read_answers(written(table, tmp_path / "answers.csv")), answers_of_table(table, "a study")
    columns = [name for name in from_file.table.columns if name != "line"]
    pd.testing.assert_frame_equal(from_file.table[columns], from_table.table[columns])
    assert from_table.source == "a study"


def test_criteria_may_have_any_name_and_a_scale_more_points(tmp_path):
    table = ratings(SMALL, 1).rename(columns={"AQ": "realism"}).drop(columns=["TA", "VA"])
    table["expected"] = table["expected"].str.replace(r"AQ=(\d).*", r"realism=\1", regex=True)
    table.loc[0, "realism"] = 7
    answers = read_answers(written(table, tmp_path / "answers.csv"))
    assert (answers.criteria, answers.points) == (("realism",), (1, 7))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"AQ": "0"}, r"answers\.csv, line 2: AQ: expected a whole number from 1 to 100, got '0'"),
        ({"AQ": "2.5"}, r"line 2: AQ: expected a whole number"),
        ({"role": "test"}, r"line 2: role: expected one of item, repeat, attention, got 'test'"),
        ({"rater": " "}, r"line 2: rater is empty"),
        ({"model": ""}, r"line 2: model is empty"),
        (
            {"subset": "../../evil"},
            r"line 2: subset: expected a name that a file can have, but it holds '/', got '\.\./",
        ),
        ({"subset": "/tmp/evil"}, r"line 2: subset: .*'/tmp/evil'"),
        ({"subset": ".."}, r"line 2: subset: .*a folder's word for itself or the one above"),
        ({"subset": "in\u2028ter"}, r"line 2: subset: .*holds the control character"),
        ({"seconds": "-1"}, r"line 2: seconds: expected a number from 0 on"),
        ({"seconds": "inf"}, r"line 2: seconds: expected a number from 0 on"),
        ({"plays": "often"}, r"line 2: plays: expected a number from 0 on, or nothing, got 'often'"),
        ({"role": "attention"}, r"line 2: expected: expected what an attention item asks for, such as AQ=2;TA=2"),
        ({"role": "attention", "expected": "AQ=9"}, r"line 2: expected: expected points from 1 to 5, .* got 'AQ=9'"),
        ({"role": "attention", "expected": "AQ=2;TA=x"}, r"line 2: expected: expected points from 1 to 5"),
        ({"role": "attention", "expected": "XY=2"}, r"line 2: expected: expected some of the criteria AQ, TA, VA"),
    ],
)
def test_a_row_that_cannot_be_right_is_named_by_its_line(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        read_answers(small(tmp_path, change))


def test_a_second_answer_counts_only_where_it_is_marked_as_a_repeat(tmp_path):
    table = ratings(SMALL, 1)
    again = table.iloc[[0]].assign(position=99)
    with pytest.raises(ValueError, match=rf"line {len(table) + 2}: p00 rates . on s\d+ twice"):
        read_answers(written(pd.concat([table, again]), tmp_path / "answers.csv"))
    marked = pd.concat([table, again.assign(role="repeat")])
    assert len(read_answers(written(marked, tmp_path / "answers.csv")).items) == 30


@pytest.mark.parametrize("missing", ["rater", "sample_id", "model", "subset"])
def test_a_column_that_is_missing_is_named(tmp_path, missing):
    path = written(ratings(SMALL, 1).drop(columns=missing), tmp_path / "answers.csv")
    with pytest.raises(ValueError, match=f"no column {missing}; expected rater, role"):
        read_answers(path)


@pytest.mark.parametrize("name", ["line", "key", "raters", ""])
def test_a_criterion_cannot_have_the_name_of_an_own_column(tmp_path, name):
    path = tmp_path / "answers.csv"
    path.write_text(f"rater,role,subset,sample_id,model,AQ,{name}\np,item,inter,s1,m,3,4\n")
    with pytest.raises(ValueError, match=f"no criterion can be named '{name}'; rename that column, or leave it out"):
        read_answers(path)


def test_a_file_without_criteria_or_rows_is_refused(tmp_path):
    table = ratings(SMALL, 1)
    with pytest.raises(ValueError, match="no column of a criterion"):
        read_answers(written(table.drop(columns=["AQ", "TA", "VA"]), tmp_path / "answers.csv"))
    with pytest.raises(ValueError, match="no answer in it"):
        read_answers(written(table.head(0), tmp_path / "answers.csv"))


def test_the_short_form_is_read_with_its_own_scale(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("subset,sample_id,model,rater,AQ\ninter,s1,m,p,4.0\ninter,s1,m,q,\n")
    answers = read_answers(path)
    assert (answers.criteria, answers.points, len(answers.items)) == (("AQ",), (1, 5), 2)
    assert answers.items["AQ"].tolist()[0] == 4.0
    path.write_text("subset,sample_id,model,rater,AQ\ninter,s1,m,p,6\n")
    with pytest.raises(ValueError, match="line 2: AQ: expected a whole number from 1 to 5, got '6'"):
        read_answers(path)
    path.write_text("subset,sample_id,model,rater,AQ\n../up,s1,m,p,4\n")
    with pytest.raises(ValueError, match="line 2: subset: expected a name that a file can have"):
        read_answers(path)


def test_a_file_with_names_and_no_points_is_refused(tmp_path):
    path = tmp_path / "ratings.csv"
    told = r"ratings\.csv: no rating in it; the columns AQ, TA are empty"
    for text in (
        "subset,sample_id,model,rater,AQ,TA\ninter,s1,m,p,,\n",
        "rater,role,subset,sample_id,model,AQ,TA\np,item,inter,s1,m,,\n",
        "rater,role,subset,sample_id,model_a,model_b,AQ,TA\np,item,inter,s1,m,n,,\n",
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=told):
            read_answers(path)


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_columns_that_no_comma_separates_are_named(tmp_path, sign, name):
    path = tmp_path / "ratings.csv"
    path.write_text("subset,sample_id,model,rater,AQ\ninter,s1,m,p,4\n".replace(",", sign))
    with pytest.raises(ValueError, match=rf"ratings\.csv: its columns are separated by {name}, expected commas"):
        read_answers(path)


def test_a_second_rating_in_the_short_form_is_refused(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("subset,sample_id,model,rater,AQ\ninter,s1,m,p,4\ninter,s2,m,p,4\ninter,s1,m,p,1\n")
    with pytest.raises(ValueError, match="line 4: p rates m on s1 twice"):
        read_answers(path)


def test_preferences_are_read_and_their_order_of_models_checked(tmp_path):
    table = preferences({"x": 0.0, "y": 0.5}, 0.0, seed=1, raters=2, each=5)
    found = read_answers(written(table, tmp_path / "preferences.csv"))
    assert isinstance(found, Preferences)
    assert (found.criteria, found.models, len(found.items)) == (("AQ",), ("x", "y"), 10)
    swapped = table.rename(columns={"model_a": "model_b", "model_b": "model_a"})
    with pytest.raises(ValueError, match="line 2: model_b: expected a name after that of model_a"):
        read_answers(written(swapped, tmp_path / "preferences.csv"))
    table.loc[1, "AQ"] = "left"
    with pytest.raises(ValueError, match="line 3: AQ: expected one of a, b, tie, or nothing, got 'left'"):
        read_answers(written(table, tmp_path / "preferences.csv"))


def test_an_attention_item_of_preferences_asks_for_a_choice(tmp_path):
    table = preferences({"x": 0.0, "y": 0.5}, 0.0, seed=1, raters=2, each=5)
    for wanted, refused in (("AQ=tie", False), ("AQ=A", True)):
        table.loc[0, ["role", "expected"]] = "attention", wanted
        path = written(table, tmp_path / "preferences.csv")
        if refused:
            with pytest.raises(ValueError, match="line 2: expected: expected one of a, b, tie for each, got 'AQ=A'"):
                read_answers(path)
        else:
            read_answers(path)


def test_what_an_attention_item_asks_for_is_taken_apart():
    assert expected_answers("AQ=2; TA = 3") == {"AQ": "2", "TA": "3"}


def test_a_name_is_the_same_in_both_forms_of_unicode(tmp_path):
    path = tmp_path / "answers.csv"
    decomposed, composed = "Zoe\u0308", "Zo\u00eb"
    head = f"rater,role,subset,sample_id,model,g{decomposed},expected"
    path.write_text(f"{head}\n{decomposed},item,inter,s1,m,3,\n{composed},item,inter,s2,m,4,\n"
                    f"{composed},attention,,c1,,2,g{composed}=2\n")  # fmt: skip
    answers = read_answers(path)
    assert answers.raters == (composed,)
    assert answers.criteria == (f"g{composed}",)


def test_a_name_that_was_made_safe_for_spreadsheets_is_the_name_again(tmp_path):
    table = ratings(SMALL, 1)
    table["sample_id"] = "'-" + table["sample_id"]
    table["category"] = "'tis"
    answers = read_answers(written(table, tmp_path / "answers.csv"))
    assert set(answers.items["sample_id"]) == {"-s000", "-s001", "-s002"}
    assert set(answers.items["category"]) == {"'tis"}
