"""What is taken for an answer, and when; what is sent again; what becomes of claims."""

import json
import uuid
from collections import Counter

import pandas as pd
import pytest
from sqlmodel import select

from benchmark.web.study.export import write_export
from benchmark.web.study.status import status
from benchmark.web.study.tables import Placement


def kept(served):
    with served.study.database.reading() as session:
        return session.exec(select(Placement).where(Placement.state == "answered")).all()


def skip(rater, item, reason="load"):
    return rater.post("/api/skip", token=item["token"], reason=reason, key=str(uuid.uuid4()))


def test_a_rating_before_the_end_of_the_clip_is_refused(serve):
    served = serve()
    rater = served.rater().begin()
    item = rater.item()
    seconds = item["media"][0]["seconds"]
    refused = rater.answer(item)
    assert (refused.status_code, refused.json()["code"]) == (409, "unplayed")
    rater.post("/api/played", token=item["token"], media=0)
    served.clock.forward(seconds - 0.4)
    refused = rater.answer(item)
    assert (refused.status_code, refused.json()["code"]) == (409, "early")
    assert refused.json()["wait_seconds"] == pytest.approx(0.1, abs=0.011)
    assert kept(served) == []
    served.clock.forward(0.11)
    assert rater.answer(item).status_code == 200


def test_a_later_start_does_not_move_the_first(serve):
    served = serve()
    rater = served.rater().begin()
    item = rater.item()
    rater.watch(item)
    rater.post("/api/played", token=item["token"], media=0)
    assert rater.answer(item, plays=[2]).status_code == 200
    (answered,) = kept(served)
    assert (answered.plays, answered.starts) == ("[2]", "[2]")


def test_of_a_pair_both_clips_have_to_be_heard(serve):
    served = serve(form="preference", items_per_rater=4, repeats=0)
    rater = served.rater().begin()
    item = rater.item()
    assert len(item["media"]) == 2
    rater.post("/api/played", token=item["token"], media=0)
    served.clock.forward(10)
    assert rater.answer(item, "first").json()["code"] == "unplayed"
    rater.post("/api/played", token=item["token"], media=1)
    assert rater.answer(item, "first").json()["code"] == "early"
    served.clock.forward(item["media"][1]["seconds"])
    assert rater.answer(item, "first").status_code == 200


def test_two_clips_at_once_are_not_two_clips_heard(serve):
    served = serve(form="preference", items_per_rater=4, repeats=0)
    rater = served.rater().begin()
    item = rater.item()
    for media in (0, 1):
        rater.post("/api/played", token=item["token"], media=media)
    served.clock.forward(1.2)
    assert rater.answer(item, "first").json()["code"] == "early"


def test_an_answer_sent_again_is_kept_once_and_answered_as_before(serve):
    served = serve()
    rater = served.rater().begin()
    item = rater.item()
    rater.watch(item)
    key = str(uuid.uuid4())
    first = rater.answer(item, 4, key=key)
    again = rater.answer(item, 4, key=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (200, {"next": "item"})
    assert len(kept(served)) == 1


@pytest.mark.parametrize("same_key", [True, False])
def test_another_answer_to_the_same_clip_is_refused(serve, same_key):
    served = serve()
    rater = served.rater().begin()
    item = rater.item()
    rater.watch(item)
    key = str(uuid.uuid4())
    rater.answer(item, 4, key=key)
    refused = rater.answer(item, 5, key=key if same_key else str(uuid.uuid4()))
    assert (refused.status_code, refused.json()["code"], refused.json()["next"]) == (409, "elsewhere", "item")
    assert '"AQ": 4' in kept(served)[0].answers


@pytest.mark.parametrize("points", [0, 6, 2.5, "3", True, None])
def test_points_off_the_scale_are_refused(serve, points):
    rater = serve().rater().begin()
    item = rater.item()
    rater.watch(item)
    assert rater.answer(item, points).status_code == 422
    assert rater.answer(item, 5).status_code == 200


def test_every_criterion_is_answered_and_no_other(serve):
    rater = serve().rater().begin()
    item = rater.item()
    rater.watch(item)
    assert rater.answer(item, answers={"AQ": 1, "TA": 1}).status_code == 422
    assert rater.answer(item, answers={"AQ": 1, "TA": 1, "VA": 1, "XX": 1}).status_code == 422


def test_a_preference_is_kept_by_answer_whatever_was_shown_first(serve):
    served = serve(form="preference", items_per_rater=4, repeats=0, attention=0, raters_per_item=4)
    for _ in range(6):
        rater = served.rater().begin()
        rater.rate(points="first")
    answered = kept(served)
    assert {(one.swapped, one.answers[:9]) for one in answered} == {(False, '{"AQ": "a'), (True, '{"AQ": "b')}


def test_a_clip_that_cannot_be_judged_is_passed_over_and_given_to_somebody_else(serve):
    served = serve(raters_per_item=1, samples=2, items_per_rater=6, repeats=0, attention=0)
    rater = served.rater().begin()
    first = rater.item()
    told = rater.post("/api/skip", token=first["token"], reason="does not load", key=str(uuid.uuid4()))
    assert told.json() == {"next": "item"}
    assert len(rater.rate()) == 5
    assert rater.post("/api/skip", token=first["token"], reason="again", key=str(uuid.uuid4())).status_code == 200
    assert len(served.rater().begin().rate()) == 1


def test_an_answer_cannot_be_taken_back_as_a_clip_that_was_passed_over(serve):
    rater = serve().rater().begin()
    (item,) = rater.rate(1)
    assert rater.post("/api/skip", token=item["token"], reason="x", key=str(uuid.uuid4())).status_code == 409


def test_nobody_comes_to_the_end_by_passing_clips_over(serve):
    served = serve(items_per_rater=12, repeats=1, samples=8, attention=2)  # 15 seats, of which 20 % are 3
    rater = served.rater().begin()
    codes = [skip(rater, rater.item()) for _ in range(5)]
    assert [told.status_code for told in codes] == [200] * 3 + [409] * 2
    assert codes[-1].json()["code"] == "no_more_skips"
    assert len([item for item in rater.rate() if item["instruction"]]) == 2


def test_who_answered_half_may_end_when_clips_fail_beyond_what_one_may_pass_over(serve, tmp_path):
    served = serve(items_per_rater=6, repeats=0, attention=0, raters_per_item=1, samples=2, completion_code="C0DE")
    rater = served.rater().begin()
    rater.rate(2)
    for _ in range(2):
        assert skip(rater, rater.item()).status_code == 200
    item = rater.item()
    for ends in (False, True):  # two of six answered, one too few
        refused = end(rater, item, ends=ends)
        assert (refused.status_code, refused.json()["code"], refused.json()["may_end"]) == (409, "no_more_skips", False)
    rater.rate(1)
    item = rater.item()
    offered = end(rater, item, ends=False)
    assert (offered.status_code, offered.json()["may_end"]) == (409, True)
    assert rater.item() == item  # nothing has happened yet
    for reason in ("disturbing", "other: load"):
        assert end(rater, item, reason).json()["may_end"] is False
    for _ in range(2):  # sent again, too
        assert end(rater, item, "load: black").json() == {"next": "/thanks"}
    rater.at = "/thanks"
    assert "C0DE" in rater.see()
    assert rater.browser.get("/api/item").json()["next"] == "/thanks"
    assert status(served.study).ended_early == 1
    assert status(served.study).places_left == 3  # what waited is free at once
    tables = {path.name: path for path, _ in write_export(served.study, tmp_path)}
    (row,) = pd.read_csv(tables["raters.csv"]).to_dict("records")
    assert (row["state"], row["ended_early"], row["answered"], row["skipped"]) == ("finished", True, 3, 3)


def test_nobody_comes_to_the_end_by_reports_of_clips_that_fail(serve):
    rater = serve().rater().begin()
    codes = [end(rater, rater.item()).status_code for _ in range(5)]
    assert codes == [200, 200, 409, 409, 409]
    assert rater.item()["number"] == 3


def end(rater, item, reason="load", *, ends=True):
    return rater.post("/api/skip", token=item["token"], reason=reason, key=str(uuid.uuid4()), ends=ends)


def test_what_is_passed_over_twice_is_so_once(serve):
    served = serve()
    rater = served.rater().begin()
    item = rater.item()
    assert [skip(rater, item, reason).status_code for reason in ("load", "other: again", "load")] == [200] * 3
    assert skip(rater, rater.item()).status_code == 200
    with served.study.database.reading() as session:
        skipped = session.exec(select(Placement).where(Placement.state == "skipped")).all()
    assert [one.reason for one in skipped] == ["load", "load"]


def test_an_item_that_checks_attention_is_due_until_it_is_answered(serve):
    served = serve(items_per_rater=6, repeats=0, attention=1)
    rater = served.rater().begin()
    while not (item := rater.item())["instruction"]:
        rater.watch(item)
        rater.answer(item)
    assert skip(rater, item).status_code == 200
    assert [one["prompt"] for one in rater.rate() if one["instruction"]] == [item["prompt"]]


def test_the_next_clip_is_named_beforehand_and_stays_the_next(serve):
    rater = serve().rater().begin()
    item = rater.item()
    (coming,) = item["next_media"]
    assert rater.item() == item  # asked again: nothing has changed
    rater.watch(item)
    rater.answer(item)
    assert rater.item()["media"][0]["url"] == coming


def test_a_rater_who_was_away_finds_the_clip_again_as_long_as_it_is_wanted(serve):
    served = serve(claim_minutes=5)
    rater = served.rater().begin()
    item = rater.item()
    served.clock.forward(3600)
    assert rater.item() == item


def test_a_clip_that_others_took_meanwhile_is_replaced(serve):
    served = serve(raters_per_item=1, samples=4, items_per_rater=6, repeats=0, attention=0, claim_minutes=5)
    away = served.rater().begin()
    item = away.item()
    served.clock.forward(301)
    for _ in range(2):
        assert len(served.rater().begin().rate()) == 6
    assert away.item() == {"next": "/thanks"}
    refused = away.answer(item)
    assert (refused.status_code, refused.json()["code"]) == (409, "elsewhere")


def test_a_token_of_a_clip_that_was_given_away_names_no_other(serve):
    served = serve()
    rater = served.rater().begin()
    item = rater.item()
    with served.study.database.writing() as session:  # as when others have taken both that were claimed
        for placement in session.exec(select(Placement)).all():
            session.delete(placement)
    new = rater.item()
    assert new["token"] != item["token"]
    rater.watch(new)
    assert rater.answer(item).json()["code"] == "elsewhere"
    assert rater.answer(new).status_code == 200


def test_what_was_watched_to_the_end_counts_though_the_claim_has_lapsed(serve):
    served = serve(raters_per_item=1, samples=2, items_per_rater=6, repeats=0, attention=0, claim_minutes=5)
    away = served.rater().begin()
    item = away.item()
    away.watch(item)
    served.clock.forward(301)
    served.rater().begin().rate()  # takes all six, this one too
    assert away.answer(item).status_code == 200
    counts = {}
    for one in kept(served):
        counts[one.item] = counts.get(one.item, 0) + 1
    assert sorted(counts.values()) == [1, 1, 1, 1, 1, 2]


def test_two_who_were_away_do_not_both_go_beyond_the_number(serve):
    served = serve(raters_per_item=2, samples=2, items_per_rater=6, repeats=0, attention=0, claim_minutes=5)
    away = [served.rater().begin() for _ in range(2)]
    items = [rater.item() for rater in away]
    for rater, item in zip(away, items, strict=True):
        rater.watch(item)
    served.clock.forward(301)
    for _ in range(2):
        served.rater().begin().rate()
    for rater, item in zip(away, items, strict=True):
        rater.answer(item)
        rater.rate()
    counts = {}
    for one in kept(served):
        counts[one.item] = counts.get(one.item, 0) + 1
    assert max(counts.values()) <= 3


def test_passing_a_clip_over_brings_no_lapsed_claim_to_life(serve):
    served = serve(raters_per_item=1, samples=4, items_per_rater=6, repeats=0, attention=0, claim_minutes=5)
    away = []
    for _ in range(5):
        rater = served.rater().begin()
        away.append((rater, rater.item()))
        served.clock.forward(301)
    for rater, item in away:
        assert skip(rater, item).status_code == 200
    for rater, _ in away:
        rater.rate()
    counts = Counter(one.item for one in kept(served))
    assert max(counts.values()) == 1


def test_a_slow_rater_is_not_kept_beyond_the_minutes_of_the_study(serve):
    served = serve(items_per_rater=None, minutes_per_rater=3, samples=8, tutorial=False, repeats=0, attention=0,
                   claim_minutes=30)  # fmt: skip
    quick, slow = served.rater().begin(), served.rater().begin()
    assert len(quick.rate()) == served.study.design.items_per_rater == 8
    done, spent = 0, 0.0
    while "token" in (item := slow.item()):
        began = served.clock.now
        slow.watch(item)
        served.clock.forward(30)
        slow.answer(item)
        spent += served.clock.now - began
        served.clock.forward(3600 * 5)  # a pause does not count
        done += 1
    assert (done, spent) == (4, 4 * 31.0)  # the last was begun within the limit of 120 s


def test_a_clock_that_is_set_back_while_a_clip_plays_costs_one_more_look_and_no_rater_waits_for_it_to_catch_up(serve):
    served = serve()
    rater = served.rater().begin()
    item = rater.item()
    rater.watch(item)
    served.clock.forward(-3600)
    assert rater.answer(item).json()["code"] == "unplayed"
    rater.watch(item)
    assert rater.answer(item).status_code == 200
    (answered,) = kept(served)
    assert answered.answered_at - json.loads(answered.started)[0] == item["media"][0]["seconds"]


def test_a_clock_that_is_set_back_keeps_no_claim_alive(serve):
    served = serve(raters_per_item=1, samples=2, items_per_rater=6, repeats=0, attention=0, claim_minutes=5)
    away = served.rater().begin()
    away.item()
    served.clock.forward(-3600)
    assert len(served.rater().begin().rate()) == 6


def test_a_clip_that_is_passed_over_after_the_clock_was_set_back_gives_no_time_back(serve):
    served = serve(items_per_rater=None, minutes_per_rater=3, samples=8, tutorial=False, repeats=0, attention=0)
    rater = served.rater().begin()  # has 120 s for items
    item = rater.item()
    rater.watch(item)
    served.clock.forward(-600)
    assert skip(rater, item).status_code == 200
    done = 0
    while "token" in (item := rater.item()):
        rater.watch(item)
        served.clock.forward(30)
        rater.answer(item)
        done += 1
    assert done == 4


def test_an_attention_item_says_after_the_clip_what_to_choose(serve):
    served = serve(attention=1)
    done = served.rater().begin().rate()
    told = [item["instruction"] for item in done if item["instruction"]]
    (item,) = served.study.design.attention
    wanted = item.expected["AQ"]
    assert told == [f"This clip checks that you are with us: please choose {wanted} on each scale."]


def test_of_a_preference_the_instruction_follows_the_side_that_is_shown(serve):
    served = serve(form="preference", items_per_rater=4, repeats=0, attention=2)
    done = served.rater().begin().rate(points="second")
    told = [item["instruction"] for item in done if item["instruction"]]
    wanted = {item.expected["AQ"] for item in served.study.design.attention}
    assert len(told) == 2
    assert wanted <= {"a", "b"}
    assert all("the first" in one or "the second" in one for one in told)
