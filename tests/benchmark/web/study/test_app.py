"""A rater's way through a study, as the pages' script asks for it."""

import re
from urllib.parse import quote

import pytest
from sqlmodel import select

from benchmark.web.study.tables import Rater

PAGES = ("consent", "checks", "tutorial", "rate", "questionnaire", "thanks")
DELETION_CODE = re.compile(r"\b[0-9A-F]{4}(-[0-9A-F]{4}){3}\b")
AGE = {"id": "age", "question": "How old are you?", "kind": "number", "required": True}


def test_a_rater_goes_through_every_step_to_the_end(serve):
    served = serve(questionnaire=[AGE], completion_code="C0DE")
    rater = served.rater()
    assert rater.at == "/consent"
    rater.begin()
    done = rater.rate()
    assert len(done) == 8  # six items, one of them again, one that says what to choose
    assert [item["number"] for item in done] == list(range(1, 9))
    assert {item["of"] for item in done} == {8}
    assert rater.at == "/questionnaire"
    rater.go("/api/questionnaire", answers={"age": 40})
    assert rater.at == "/thanks"
    assert "C0DE" in rater.see()


def test_no_step_can_be_skipped_and_none_done_twice(serve):
    rater = serve(questionnaire=[AGE], tutorial=True).rater()
    steps = [
        ("/api/consent", {"agrees": True}), ("/api/checks/device", {"width": 1, "height": 1, "canPlay": True}),
        ("/api/tutorial", {}), ("", {}), ("/api/questionnaire", {"answers": {"age": 3}}),
    ]  # fmt: skip
    for place, page in enumerate(PAGES):
        assert rater.at == f"/{page}"
        for other in PAGES:
            shown = rater.browser.get(f"/{other}")
            wanted = (200, None) if other == page else (303, f"/{page}")
            assert (shown.status_code, shown.headers.get("location")) == wanted
        for later, (path, content) in enumerate(steps):
            if path and later != place:
                assert rater.post(path, **content).status_code == 409
        if page != "rate":
            assert rater.browser.get("/api/item").json()["next"] == f"/{page}"
        if page == "rate":
            rater.rate()
        elif page != "thanks":
            rater.go(steps[place][0], **steps[place][1])


def test_steps_that_a_study_does_not_have_are_left_out(serve):
    rater = serve().rater().begin()
    rater.rate()
    assert rater.at == "/thanks"


def test_pages_and_clips_are_looked_at_without_their_bodies_and_nobody_has_come(serve):
    served = serve()
    looked = served.browser().head("/")
    assert (looked.status_code, looked.headers["location"], "set-cookie" in looked.headers) == (303, "/consent", False)
    with served.study.database.reading() as session:
        assert session.exec(select(Rater)).all() == []
    rater = served.rater().begin()
    for path in ("/rate", rater.item()["media"][0]["url"]):
        got, looked = rater.browser.get(path), rater.browser.head(path)
        assert (looked.status_code, looked.headers["content-length"]) == (200, str(len(got.content)))


def test_who_does_not_agree_leaves_nothing_behind(serve):
    served = serve()
    rater = served.rater().go("/api/consent", agrees=False)
    assert rater.at == "/withdrawn"
    assert rater.browser.get("/withdrawn").status_code == 200
    with served.study.database.reading() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM raters").scalar() == 0


def test_who_does_not_agree_leaves_no_byte_behind(serve):
    served = serve()
    person = "5f3c9d1e7a7b4c2d8e6f0a1b"
    rater = served.rater(f"?PROLIFIC_PID={person}&STUDY_ID=s&SESSION_ID=t")
    assert person.encode() in journal(served)
    rater.go("/api/consent", agrees=False)
    assert person.encode() not in journal(served) + served.study.folder.answers.read_bytes()


def journal(served):
    return served.study.folder.answers.with_name("answers.sqlite-wal").read_bytes()


def test_a_rater_goes_on_in_another_browser_by_the_personal_link(serve):
    served = serve()
    rater = served.rater().begin()
    rater.rate(3)
    item = rater.item()
    token = served.study.tokens.signed("resume", rater_key(served, rater))
    other = served.rater(f"resume/{token}")
    assert other.at == "/rate"
    assert other.item() == item
    other.watch(item)
    assert other.answer(item).status_code == 200


def rater_key(served, rater):
    return served.study.tokens.opened("rater", rater.browser.cookies[f"rater-{served.study.mark}"])


@pytest.mark.parametrize(
    ("ids", "other"),
    [
        ("?PROLIFIC_PID=abc123&STUDY_ID=s1&SESSION_ID=x1", "?PROLIFIC_PID=abd123&STUDY_ID=s1&SESSION_ID=x1"),
        ("?workerId=W1&assignmentId=A1&hitId=H1", "?workerId=W2&assignmentId=A1&hitId=H1"),
    ],
)
def test_a_panel_s_rater_goes_on_by_its_id_in_any_browser(serve, ids, other):
    served = serve()
    first = served.rater(ids).begin()
    assert "=" not in first.arrival.headers["location"]  # the ids do not stay in the address
    first.rate(2)
    item = first.item()
    again = served.rater(ids)
    assert again.at == "/rate"
    assert again.item() == item
    assert served.rater(other).at == "/consent"


@pytest.mark.parametrize("person", ["${workerId}", "{{%PROLIFIC_PID%}}", "x" * 65, "a b", "ä"])
@pytest.mark.parametrize("name", ["PROLIFIC_PID", "workerId"])
def test_what_is_no_id_of_a_panel_makes_no_two_people_one(serve, caplog, name, person):
    served = serve()
    query = f"?{name}={quote(person)}&STUDY_ID=s"
    first = served.rater(query).begin()
    assert served.rater(query).at == "/consent"
    with served.study.database.reading() as session:
        assert [rater.panel for rater in session.exec(select(Rater))] == ["", ""]
    (told,) = [one.getMessage() for one in caplog.records if one.name.startswith("benchmark")]
    assert told.startswith(f"{name} in the address of a rater is no id")
    assert first.item()["number"] == 1


def panel_sessions(served):
    with served.study.database.reading() as session:
        return [rater.panel_session for rater in session.exec(select(Rater))]


@pytest.mark.parametrize("session", ["&SESSION_ID=x2", ""])
def test_who_knows_a_panel_s_id_of_somebody_goes_on_for_them_and_deletes_nothing(serve, session):
    served = serve(questionnaire=[AGE])
    victim = served.rater("?PROLIFIC_PID=abc&STUDY_ID=s&SESSION_ID=x1").begin()
    victim.rate()
    for _ in range(2):  # the second time, too, it is not the participation that was there first
        other = served.rater(f"?PROLIFIC_PID=abc&STUDY_ID=s{session}")
        assert other.at == "/questionnaire"
        assert "/resume/" not in other.see()
        refused = other.post("/api/withdraw")
        assert (refused.status_code, refused.json()["code"]) == (409, "needs_code")
    other.go("/api/questionnaire", answers={"age": 40})
    assert DELETION_CODE.search(other.see()) is None
    assert panel_sessions(served) == ["x1 x2" if session else "x1"]
    victim.at = "/thanks"
    code = DELETION_CODE.search(victim.see())[0]
    assert other.post("/api/withdraw", code=code).status_code == 200


@pytest.mark.parametrize("again", ["", "&SESSION_ID=any", "&assignmentId=A9"])
@pytest.mark.parametrize(
    "link",
    [
        "?PROLIFIC_PID=abc&STUDY_ID=s", "?PROLIFIC_PID=abc", "?workerId=W1", "?workerId=W1&hitId=H1",
        "?workerId=W1&assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE", "?PROLIFIC_PID=abc&SESSION_ID={{%25SESSION_ID%25}}",
    ],
)  # fmt: skip
def test_without_a_participation_nobody_is_sure_to_be_the_person_of_a_panel(serve, link, again):
    served = serve(samples=2, repeats=0, attention=0)
    victim = served.rater(link).begin()
    victim.rate()
    for _ in range(2):  # the second time, too, what a stranger brings is not what was there first
        stranger = served.rater(link + again)
        assert stranger.at == "/thanks"
        shown = stranger.see()
        assert (DELETION_CODE.search(shown), "/resume/" in shown) == (None, False)
        assert stranger.post("/api/withdraw").json()["code"] == "needs_code"
    victim.browser.get(f"/{link}")  # once more by the link, in the browser in which it began
    assert DELETION_CODE.search(victim.see())
    assert victim.post("/api/withdraw").status_code == 200


def test_a_link_without_a_participation_is_told_of_once(serve, caplog):
    served = serve()
    for query in ("?PROLIFIC_PID=abc", "?PROLIFIC_PID=abd", "?PROLIFIC_PID=abe&SESSION_ID=x", "?workerId=W1"):
        served.rater(query)
    told = [one.getMessage() for one in caplog.records if one.name.startswith("benchmark")]
    assert [line.partition(" in ")[0] for line in told] == ["SESSION_ID is missing", "assignmentId is missing"]
    assert "abc" not in caplog.text


def test_who_comes_again_in_the_same_browser_by_a_new_participation_keeps_every_right(serve):
    served = serve()
    rater = served.rater("?PROLIFIC_PID=abc&STUDY_ID=s&SESSION_ID=x1").begin()
    rater.browser.get("/?PROLIFIC_PID=abc&STUDY_ID=s&SESSION_ID=x2")
    rater.rate()
    assert DELETION_CODE.search(rater.see())
    assert rater.post("/api/withdraw").status_code == 200


def test_who_comes_when_every_item_has_its_raters_is_turned_away(serve):
    served = serve(raters_per_item=1, samples=2, items_per_rater=6, repeats=0)
    waiting = served.rater()
    served.rater().begin().rate()
    late = served.rater()
    assert late.at == "/complete"
    assert waiting.browser.get("/consent").headers["location"] == "/complete"
    assert waiting.browser.get("/complete").status_code == 200


def test_who_agreed_before_the_study_was_full_is_told_so_at_once_and_led_back_to_the_panel(serve):
    served = serve(
        raters_per_item=1, samples=2, items_per_rater=6, repeats=0, tutorial=True, completion_code="C0DE",
        completion_url="https://panel.example/back",
    )  # fmt: skip
    names = ("agreed", "waits")
    agreed, waits = (served.rater(f"?PROLIFIC_PID={name}&STUDY_ID=s&SESSION_ID=x") for name in names)
    plain = served.rater().go("/api/consent", agrees=True)
    agreed.go("/api/consent", agrees=True)
    served.rater().begin().rate()
    for rater in (agreed, plain):
        rater.go("/api/checks/device", width=1280, height=720, canPlay=True)
    waits.go("/api/consent", agrees=True)
    assert [rater.at for rater in (agreed, plain, waits)] == ["/complete"] * 3
    pages = [rater.see() for rater in (agreed, plain, waits)]
    assert ["C0DE" in page and "https://panel.example/back" in page for page in pages] == [True, False, False]


def test_a_place_becomes_free_when_somebody_leaves(serve):
    served = serve(raters_per_item=1, samples=2, items_per_rater=6, repeats=0, attention=0, claim_minutes=5)
    leaver = served.rater().begin()
    leaver.rate(5)
    leaver.item()
    assert served.rater().at == "/complete"
    served.clock.forward(5 * 60 + 1)
    rater = served.rater().begin()
    assert len(rater.rate()) == 1


def test_a_questionnaire_takes_what_was_asked_and_nothing_else(serve):
    choice = {"id": "ears", "question": "?", "kind": "choice", "options": ["good", "bad"]}
    rater = serve(questionnaire=[AGE, choice, {"id": "remarks", "question": "?"}]).rater().begin()
    rater.rate()
    for answers, named in (
        ({}, "age"), ({"age": "old"}, "age"), ({"age": 3, "ears": "none"}, "ears"), ({"age": 3, "x": 1}, "x"),
        ({"age": 3, "remarks": 7}, "remarks"), ({"age": True}, "age"),
    ):  # fmt: skip
        refused = rater.post("/api/questionnaire", answers=answers)
        assert (refused.status_code, named in refused.json()["error"]) == (422, True), answers
    assert rater.post("/api/questionnaire", answers={"age": 3, "remarks": "x" * 1001}).status_code == 422
    rater.go("/api/questionnaire", answers={"age": 3, "ears": "bad", "remarks": "fine"})
    assert rater.at == "/thanks"


def test_every_refusal_tells_its_reason_under_the_same_key_and_names_the_place(serve):
    rater = serve().rater()
    for content, headers, told in (
        (b"{", {}, "the body is not JSON: "), (b"", {}, "the body: is missing"), (b"[]", {}, "the body: "),
        (b"{}", {}, "agrees: is missing"), (b'{"agrees": true}', {"X-Proof": ""}, "this page is no longer valid"),
        (b'{"agrees": "\xff"}', {}, "There was an error parsing the body"),
    ):  # fmt: skip
        headers = {"Content-Type": "application/json", "X-Proof": rater.proof, **headers}
        answer = rater.browser.post("/api/consent", content=content, headers=headers)
        assert answer.status_code in (400, 403, 422)
        assert answer.json()["error"].startswith(told), answer.text
    assert list(rater.browser.get("/nothing").json()) == ["error"]
    assert list(rater.browser.put("/").json()) == ["error"]


def test_a_browser_that_cannot_play_the_clips_does_not_go_on(serve):
    rater = serve().rater().go("/api/consent", agrees=True)
    refused = rater.post("/api/checks/device", width=1, height=1, canPlay=False)
    assert (refused.status_code, refused.json()["code"]) == (422, "cannot_play")
    assert rater.browser.get("/").headers["location"] == "/checks"


def right(served, rater):
    """What a rater with headphones answers."""
    softest = {trial.sound: trial.softest for trial in served.study.design.headphones}
    sounds = rater.browser.get("/api/checks/headphones").json()["trials"]
    key = rater_key(served, rater)
    tokens = (one["sound"].removeprefix("/sound/").removesuffix(".wav") for one in sounds)
    return [softest[served.study.tokens.opened("sound", token, owner=key)] for token in tokens]


def at_headphones(served):
    rater = served.rater().go("/api/consent", agrees=True)
    rater.go("/api/checks/device", width=1280, height=720, canPlay=True)
    assert rater.at == "/checks"
    return rater


def wrong(answers, count):
    return [answer % 3 + 1 for answer in answers[:count]] + answers[count:]


def test_five_of_six_trials_pass_the_headphone_check_and_four_do_not(serve):
    served = serve(headphone_check=True, headphone_tries=2, tutorial=True)
    rater = at_headphones(served)
    answers = right(served, rater)
    assert len(answers) == 6
    told = rater.post("/api/checks/headphones", answers=wrong(answers, 2)).json()
    assert told == {"passed": False, "tries_left": 1, "next": "/checks"}
    told = rater.post("/api/checks/headphones", answers=wrong(right(served, rater), 1)).json()
    assert told == {"passed": True, "tries_left": 0, "next": "/tutorial"}


def test_another_try_has_other_trials(serve):
    served = serve(headphone_check=True)
    rater = at_headphones(served)
    first = right(served, rater)
    rater.post("/api/checks/headphones", answers=wrong(first, 6))
    sounds = rater.browser.get("/api/checks/headphones").json()
    assert sounds == rater.browser.get("/api/checks/headphones").json()
    assert right(served, rater) != first


@pytest.mark.parametrize(("check", "place"), [(True, "/complete"), ("warn", "/tutorial")])
def test_who_fails_the_headphone_check_is_not_asked_to_rate_unless_it_only_warns(serve, check, place):
    served = serve(headphone_check=check, headphone_tries=1, tutorial=True)
    rater = at_headphones(served)
    told = rater.post("/api/checks/headphones", answers=wrong(right(served, rater), 3)).json()
    assert told == {"passed": False, "tries_left": 0, "next": place}
    assert rater.browser.get("/").headers["location"] == place
    assert rater.browser.get(place).status_code == 200
    assert rater.post("/api/checks/headphones", answers=[1] * 6).status_code == 409


def test_the_tutorial_has_two_good_and_two_bad_examples_of_each_criterion(serve):
    rater = serve(tutorial=True).rater().go("/api/consent", agrees=True)
    rater.go("/api/checks/device", width=1280, height=720, canPlay=True)
    criteria = rater.browser.get("/api/tutorial").json()["criteria"]
    assert [one["id"] for one in criteria] == ["AQ", "TA", "VA"]
    for one in criteria:
        assert [example["good"] for example in one["examples"]] == [True, False, True, False]
        assert all(example["text"] for example in one["examples"])
        for example in one["examples"]:
            assert rater.browser.get(example["media"]["url"]).headers["content-type"] == "video/mp4"


def test_deletion_by_code_takes_everything_of_that_rater_and_of_nobody_else(serve):
    served = serve()
    leaving, staying = served.rater("?PROLIFIC_PID=gone1&STUDY_ID=s&SESSION_ID=t").begin(), served.rater().begin()
    leaving.rate()
    staying.rate()
    code = DELETION_CODE.search(leaving.see())[0]
    later = served.rater()
    assert later.post("/api/withdraw", code="AAAA-AAAA-AAAA-AAAA").status_code == 404
    assert later.post("/api/withdraw", code=code.lower()).json() == {"next": "/withdrawn"}
    assert leaving.browser.get("/").headers["location"] == "/consent"
    with served.study.database.reading() as session:
        left = session.connection().exec_driver_sql("SELECT DISTINCT rater_id FROM placements").scalars().all()
    assert len(left) == 1
    assert staying.browser.get("/thanks").status_code == 200
    assert later.post("/api/withdraw", code=code).status_code == 404


def test_who_lost_the_cookie_withdraws_by_code_when_the_study_is_full(serve):
    served = serve(raters_per_item=1, samples=2, items_per_rater=6, repeats=0)
    leaving = served.rater().begin()
    leaving.rate()
    code = DELETION_CODE.search(leaving.see())[0]
    stranger = served.rater()
    assert stranger.at == "/complete"
    assert 'id="delete"' in stranger.see()
    assert not stranger.browser.cookies
    assert stranger.post("/api/withdraw").status_code == 401
    assert stranger.post("/api/withdraw", code="AAAA-AAAA-AAAA-AAAA").status_code == 404
    assert stranger.browser.post("/api/withdraw", json={"code": code}).status_code == 403  # no page of ours
    assert stranger.post("/api/withdraw", code=code).json() == {"next": "/withdrawn"}
    assert served.rater().at == "/consent"


def test_codes_cannot_be_guessed_at_will(serve):
    served = serve(raters_per_item=1, samples=2, items_per_rater=6, repeats=0)
    served.rater().begin().rate()
    stranger = served.rater()
    codes = [stranger.post("/api/withdraw", code="AAAA-AAAA-AAAA-AAAA").status_code for _ in range(25)]
    assert codes == [404] * 20 + [429] * 5


def test_a_wrong_code_is_looked_up_in_an_index_and_waits_for_no_turn(serve, monkeypatch):
    served = serve()
    rater = served.rater()
    with served.study.database.reading() as session:
        plan = session.connection().exec_driver_sql("EXPLAIN QUERY PLAN SELECT * FROM raters WHERE code_mark = 'x'")
        assert "USING INDEX by_code" in str(plan.all())
    monkeypatch.setattr(served.study.database, "writing", None)
    assert rater.post("/api/withdraw", code="AAAA-AAAA-AAAA-AAAA").status_code == 404
    assert rater.post("/api/withdraw", code="-").status_code == 404


def test_who_looked_at_the_consent_a_day_ago_and_no_more_is_forgotten_when_somebody_comes(serve):
    served = serve()
    person = "5f3c9d1e7a7b4c2d8e6f0a1b"
    served.rater(f"?PROLIFIC_PID={person}&STUDY_ID=s&SESSION_ID=t")
    agreed = served.rater().begin()
    served.clock.forward(24 * 3600 - 1)
    waiting = served.rater()
    with served.study.database.reading() as session:
        assert len(session.exec(select(Rater)).all()) == 3
    served.clock.forward(2)
    served.rater()
    with served.study.database.reading() as session:
        assert [rater.step for rater in session.exec(select(Rater))] == ["rate", "consent", "consent"]
    assert person.encode() not in journal(served) + served.study.folder.answers.read_bytes()
    assert agreed.browser.get("/").headers["location"] == "/rate"
    waiting.go("/api/consent", agrees=True)


def test_who_withdraws_frees_the_items_and_no_byte_stays(serve):
    served = serve(raters_per_item=1, samples=2, items_per_rater=6, repeats=0)
    person = "5f3c9d1e7a7b4c2d8e6f0a1b"
    rater = served.rater(f"?PROLIFIC_PID={person}&STUDY_ID=s&SESSION_ID=t").begin()
    rater.rate(4)
    files = [served.study.folder.answers, served.study.folder.answers.with_name("answers.sqlite-wal")]
    assert any(person.encode() in file.read_bytes() for file in files)
    assert rater.go("/api/withdraw").at == "/withdrawn"
    assert not any(person.encode() in file.read_bytes() for file in files)
    assert len(served.rater().begin().rate()) == 7


def test_who_withdraws_while_somebody_reads_is_forgotten_when_that_has_ended_and_others_answer_meanwhile(serve):
    served = serve()
    person = "5f3c9d1e7a7b4c2d8e6f0a1b"
    leaving = served.rater(f"?PROLIFIC_PID={person}&STUDY_ID=s&SESSION_ID=t").begin()
    other = served.rater().begin()
    leaving.rate(2)
    with served.study.database.reading() as session:
        session.exec(select(Rater)).all()
        assert leaving.go("/api/withdraw").at == "/withdrawn"
        assert len(other.rate(1)) == 1
    assert person.encode() not in journal(served) + served.study.folder.answers.read_bytes()
