"""A rater's way through a study, as the pages' script asks for it."""


def test_a_rater_goes_through_every_step_to_the_end(serve):
    served = serve(questionnaire=[{"id": "age", "question": "How old are you?", "kind": "number"}])
    rater = served.rater()
    assert rater.at == "/consent"
    rater.begin()
    done = rater.rate()
    assert len(done) == 8  # six items, one of them again, one that says what to choose
    assert [item["number"] for item in done] == list(range(1, 9))
    assert rater.at == "/questionnaire"
    rater.go("/api/questionnaire", answers={"age": 40})
    assert rater.at == "/thanks"
    assert rater.browser.get("/thanks").status_code == 200
