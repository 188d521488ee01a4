"""One rater in a real browser from the first page to the last, with a tab that is closed in the middle."""

import json

import pytest
from support.chromium import NEEDS_CHROMIUM
from support.study_pages import answer, live, ready, watch

pytestmark = [pytest.mark.browser, NEEDS_CHROMIUM]

QUICK_TONES = """() => {
  const { play } = HTMLMediaElement.prototype;
  HTMLAudioElement.prototype.play = function () { this.playbackRate = 16; return play.call(this); };
}"""


@pytest.fixture
def served(ground, tmp_path, ratings):
    """A study in which a rater gives so many ratings: one checks attention; of many one comes again."""
    repeats = 1 if ratings > 7 else 0
    changes = {"items_per_rater": ratings - 1 - repeats, "repeats": repeats, "headphone_check": True}
    with live(ground, tmp_path / "journey", **changes, completion_code="C0DE-77") as study:
        yield study


@pytest.mark.parametrize("ratings", [3, pytest.param(12, marks=pytest.mark.slow(minutes=1))])
def test_a_rater_goes_from_consent_to_thanks_and_continues_elsewhere_in_between(served, comes, ratings):
    page = comes(served.address)
    page.context.add_init_script(f"({QUICK_TONES})()")
    agree(page)
    check_device(page)
    pass_headphones(page, served.softest(served.raters()[-1]))
    learn(page)
    half = ratings // 2
    given = [rate(page, number) for number in range(1, half + 1)]
    ready(page, half + 1)
    page.locator("summary", has_text="Options").click()
    link = page.locator("#resume").inner_text()
    page.close()

    elsewhere = comes(link, width=390, height=844)
    given += [rate(elsewhere, number) for number in range(half + 1, ratings + 1)]
    finish(elsewhere)
    assert elsewhere.locator("#completion").inner_text() == "C0DE-77"

    (rater,) = served.raters()
    assert (rater.step, rater.headphones_passed) == ("thanks", True)
    assert json.loads(rater.questionnaire) == {"heard": "Headphones", "age": 41, "room": "Room 3"}
    assert [list(one.values()) for one in served.answers()] == given
    roles = {"item", "attention", *(["repeat"] if ratings > 7 else [])}
    assert {one.role for one in served.placements()} == roles

    withdraw(elsewhere)
    assert served.raters() == []


def agree(page):
    page.get_by_role("button", name="Begin").click()
    assert page.locator("#complaint").inner_text().startswith("Please tick the box")
    page.get_by_label("I agree to take part").check()
    page.get_by_role("button", name="Begin").click()


def check_device(page):
    page.get_by_text("Your browser can play the clips.").wait_for()
    heard = page.get_by_role("button", name="I hear it well")
    assert heard.is_disabled()
    page.get_by_role("button", name="Play the tone").click()
    page.get_by_role("button", name="Stop the tone").wait_for()
    heard.click()


def pass_headphones(page, softest):
    for tone in softest:
        page.get_by_role("button", name="Play the three tones").click()
        page.wait_for_selector("#choices:not([disabled])")
        page.locator("#choices button").nth(tone - 1).click()
    page.get_by_role("heading", name="That worked").wait_for()
    page.get_by_role("button", name="Continue").click()


def learn(page):
    for name in ("Audio quality", "Text and sound", "Picture and sound"):
        page.get_by_role("heading", name=name).wait_for()
        assert page.locator("#next").is_disabled()
        for kind in ("good", "bad"):
            page.locator(f"#{kind}-clips .play").first.click()
            page.wait_for_selector(f"#{kind}-clips .watched")
        page.locator("#next").click()


def rate(page, number):
    """Rate an item by keyboard; return the points given. An attention item says which."""
    ready(page, number)
    watch(page)
    points = [1 + number % 5, 1 + number // 3, 5]
    if page.locator("#instruction").is_visible():
        points = [next(int(letter) for letter in page.locator("#instruction").inner_text() if letter.isdigit())] * 3
    answer(page, *points)
    return points


def finish(page):
    page.wait_for_url("**/questionnaire")
    page.get_by_role("button", name="Finish").click()
    assert page.locator(".fault:visible").count() == 1
    page.get_by_label("Headphones").check()
    page.get_by_label("How old are you?").fill("41")
    page.get_by_label("Where are you?").select_option("Room 3")
    page.get_by_role("button", name="Finish").click()
    page.wait_for_url("**/thanks")


def withdraw(page):
    page.get_by_role("button", name="Withdraw and delete my answers").click()
    page.get_by_role("button", name="No, keep them").click()
    page.get_by_role("button", name="Withdraw and delete my answers").click()
    page.get_by_role("button", name="Yes, delete everything").click()
    page.get_by_role("heading", name="Your answers are deleted").wait_for()
