import pandas as pd
import pytest
from support.rated_studies import Study, preferences, ratings

from benchmark.ratings.answers import Answers
from benchmark.ratings.reading import answers_of_table
from benchmark.ratings.screening import EARLY_SECONDS, Limits, screen

STUDY = Study(raters=12, scenes=20, each=4, repeats=4, checks=3)


def careful(**changes):
    table = ratings(STUDY, 5)
    mine = table["rater"] == "p03"
    for name, value in changes.items():
        table.loc[mine, name] = value
    return table


def broken(table, **settings):
    answers, screening = screen(answers_of_table(table, "made"), **settings)
    assert set(answers.raters).isdisjoint(screening.left_out)
    return {(one.rater, one.rule): one for one in screening.exclusions}


def test_careful_raters_all_stay():
    answers, screening = screen(answers_of_table(careful(), "made"))
    assert (screening.exclusions, screening.left_out, screening.raters) == ((), (), 12)
    assert len(answers.raters) == 12


def test_who_misses_attention_items_is_named_with_the_share():
    table = careful()
    missed = (table["rater"] == "p03") & (table["role"] == "attention")
    table.loc[missed, "AQ"] = table.loc[missed, "AQ"] % 5 + 1
    (one,) = broken(table).values()
    assert (one.rater, one.rule, one.value) == ("p03", "attention", 1.0)
    assert one.told == "100% of 3 attention items missed, at most 33% allowed"


def test_one_slip_in_three_is_forgiven():
    table = careful()
    first = table.index[(table["rater"] == "p03") & (table["role"] == "attention")][0]
    table.loc[first, "TA"] = table.loc[first, "TA"] % 5 + 1
    assert not broken(table)


@pytest.mark.parametrize(("checks", "missed", "out"), [(1, 1, False), (2, 1, False), (2, 2, True), (3, 2, True)])
def test_one_slip_is_forgiven_however_few_attention_items_there_are(checks, missed, out):
    table = ratings(Study(raters=12, scenes=20, each=4, checks=checks), 5)
    mine = table.index[(table["rater"] == "p03") & (table["role"] == "attention")][:missed]
    table.loc[mine, "AQ"] = table.loc[mine, "AQ"] % 5 + 1
    assert [rule for _, rule in broken(table)] == (["attention"] if out else [])


@pytest.mark.parametrize(
    ("early", "count", "out"), [(0.4, 1, False), (0.4, 4, True), (0.29, 4, False)], ids=["one", "four", "tolerated"]
)
def test_one_answer_before_the_end_and_what_the_page_lets_pass_are_forgiven(early, count, out):
    table = careful()
    mine = table.index[(table["rater"] == "p03") & (table["role"] == "item")]
    few = table.drop(mine[8:])  # one of these eight, and four repeats, is more than 5 %
    few.loc[mine[:count], "seconds"] = few.loc[mine[:count], "clip_seconds"] - early
    assert [rule for _, rule in broken(few)] == (["too fast"] if out else [])


def test_the_median_of_a_single_answer_excludes_nobody():
    table = careful()
    mine = table.index[(table["rater"] == "p03") & (table["role"] != "attention")]
    few = table.drop(mine[1:])
    few.loc[mine[0], "seconds"] = few.loc[mine[0], "clip_seconds"] + 0.1
    assert not broken(few)


def test_who_answers_repeats_otherwise_is_named_with_the_distance():
    table = careful()
    repeats = (table["rater"] == "p03") & (table["role"] == "repeat")
    table.loc[repeats, ["AQ", "TA", "VA"]] = (table.loc[repeats, ["AQ", "TA", "VA"]] + 2) % 5 + 1
    (one,) = broken(table).values()
    assert (one.rater, one.rule) == ("p03", "repetition")
    assert one.value > 0.3
    assert "of the scale away from the first ones, mean of 12, at most 0.30 allowed" in one.told


def test_answers_before_the_end_of_the_clip_are_too_fast():
    (one,) = broken(careful(seconds=7.0)).values()
    assert (one.rater, one.rule, one.value, one.limit) == ("p03", "too fast", 1.0, 0.05)


def test_answers_right_at_the_end_of_the_clip_are_too_fast_by_their_median():
    (one,) = broken(careful(seconds=8.2)).values()
    assert (one.rule, one.value) == ("too fast", pytest.approx(0.2))
    assert one.told.startswith("0.20 s from the end of the clip to the answer, median of")


def test_the_same_answer_every_time_is_straight_lining():
    table = careful()
    items = (table["rater"] == "p03") & (table["role"] != "attention")
    table.loc[items, ["AQ", "TA", "VA"]] = 3.0
    found = broken(table)
    assert found["p03", "straight lining"].value == 1.0


def test_who_contradicts_the_others_is_named_and_they_are_not():
    table = careful()
    items = (table["rater"] == "p03") & (table["role"] != "attention")
    table.loc[items, ["AQ", "TA", "VA"]] = 6 - table.loc[items, ["AQ", "TA", "VA"]]
    (one,) = broken(table).values()
    assert (one.rater, one.rule) == ("p03", "agreement")
    assert one.value < 0


def test_two_careless_raters_of_thirty_are_named_and_hardly_anybody_else():
    study = Study(careless=2, repeats=4, checks=3, leave=0.3)
    found = [{rater for rater, _ in broken(ratings(study, seed))} for seed in range(5)]
    assert all(study.careless_names <= named for named in found)
    assert sum(len(named - study.careless_names) for named in found) <= 4  # of 140; some 8 in 1,000 are expected


def test_a_study_on_hard_clips_does_not_lose_its_careful_raters():
    study = Study(careless=2, repeats=4, checks=3, noise=1.0, scene=0.3)
    found = {rater for rater, _ in broken(ratings(study, 1))}
    assert study.careless_names <= found
    assert len(found) <= 4


def test_exclusions_are_reversed_by_name_or_all_together_and_stay_on_record():
    table = ratings(Study(careless=2, checks=3), 1)
    answers, screening = screen(answers_of_table(table, "made"), keep=["p28"], drop=["p00"])
    assert screening.left_out == ("p00", "p29")
    assert "p28" in answers.raters
    assert {one.rater for one in screening.overruled} == {"p28"}
    assert next(one.told for one in screening.exclusions if one.rater == "p00") == "left out by request"
    answers, screening = screen(answers_of_table(table, "made"), enabled=False)
    assert (screening.left_out, len(answers.raters)) == ((), 30)
    assert {one.rater for one in screening.overruled} == {"p28", "p29"}


def test_a_rater_who_is_not_there_is_named_with_the_nearest():
    answers = answers_of_table(careful(), "made")
    with pytest.raises(ValueError, match=r"--keep: no rater 'p3' among the 12 of made; did you mean p03\?"):
        screen(answers, keep=["p3"])
    with pytest.raises(ValueError, match="p03 is given to both --keep and --drop"):
        screen(answers, keep=["p03"], drop=["p03"])


def test_limits_can_be_set():
    assert not broken(careful(seconds=8.2), limits=Limits(fewest_seconds=0.1))
    assert ("p03", "too fast") in broken(careful(seconds=8.9), limits=Limits(fewest_seconds=1.0))


def test_what_could_not_be_judged_is_said():
    table = ratings(Study(raters=4, scenes=4, each=3), 1).assign(seconds=float("nan"))
    _, screening = screen(answers_of_table(table, "made"))
    assert [note.split(":")[0] for note in screening.notes] == ["No attention items", "No times", "No repeated items"]


def test_raters_without_names_cannot_be_screened():
    answers = answers_of_table(careful(), "made")
    nameless = Answers(answers.table, answers.criteria, answers.points, "made", named=False)
    _, screening = screen(nameless)
    assert (screening.raters, screening.notes) == (0, ("Raters have no names in this file, so none can be screened.",))


def test_preferences_are_screened_by_attention_repeats_and_straight_lining():
    table = preferences({"x": 0.0, "y": 0.3, "z": 0.6}, -1.0, seed=1, raters=8, each=20)
    mine = table["rater"] == "p03"
    table.loc[mine, "AQ"] = "a"
    repeats = table.groupby("rater").head(4).assign(role="repeat")
    mine = repeats["rater"] == "p04"
    repeats.loc[mine, "AQ"] = repeats.loc[mine, "AQ"].map({"a": "b", "b": "a", "tie": "a"})
    checks = table.groupby("rater").head(3).assign(role="attention", expected="AQ=a", model_a="", model_b="", AQ="a")
    checks.loc[checks["rater"] == "p05", "AQ"] = "b"
    found = broken(pd.concat([table, repeats, checks], ignore_index=True))
    assert set(found) == {("p03", "straight lining"), ("p04", "repetition"), ("p05", "attention")}


def test_the_server_and_the_rule_allow_the_same():
    sitting = pytest.importorskip("benchmark.web.study.sitting")
    assert sitting.EARLY_SECONDS == EARLY_SECONDS


def test_an_answer_as_early_as_the_server_allows_is_not_hasty():
    limits = Limits(fewest_seconds=-1.0)
    assert not broken(careful(seconds=7.7), limits=limits)  # of a clip of eight seconds
    assert broken(careful(seconds=7.68), limits=limits)
