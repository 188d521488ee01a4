"""One rater in a real browser from the first page to the last, with a tab that is closed in the middle."""

import json

import pytest
from support.chromium import NEEDS_CHROMIUM, browser
from support.study_pages import Comer, answer, live, ready, watch

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, NEEDS_CHROMIUM]

RATINGS = 12
QUICK_TONES = """() => {
  const { play } = HTMLMediaElement.prototype;
  HTMLAudioElement.prototype.play = function () { this.playbackRate = 16; return play.call(this); };
}"""


@pytest.fixture(scope="module")
def served(ground, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "journey"
    changes = {"items_per_rater": RATINGS - 2, "headphone_check": True, "completion_code": "C0DE-77"}
    with live(ground, folder, **changes) as study:
        yield study


@pytest.fixture
def comes(browser):
    comer = Comer(browser)
    yield comer
    comer.close()


def test_a_rater_goes_from_consent_to_thanks_and_continues_elsewhere_in_between(comes, served):
    page = comes(served.address)
    page.context.add_init_script(f"({QUICK_TONES})()")
    agree(page)
    check_device(page)
    pass_headphones(page, served.softest(served.raters()[-1]))
    learn(page)
    given = [rate(page, number) for number in range(1, 6)]
    page.locator("summary", has_text="Options").click()
    link = page.locator("#resume").inner_text()
    page.close()

    elsewhere = comes(link, width=390, height=844)
    given += [rate(elsewhere, number) for number in range(6, RATINGS + 1)]
    finish(elsewhere)
    assert elsewhere.locator("#completion").inner_text() == "C0DE-77"

    (rater,) = served.raters()
    assert (rater.step, rater.headphones_passed) == ("thanks", True)
    assert json.loads(rater.questionnaire) == {"heard": "Headphones", "age": 41, "room": "Room 3"}
    assert [list(one.values()) for one in served.answers()] == given
    assert {one.role for one in served.placements()} == {"item", "repeat", "attention"}

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
    if number < RATINGS:
        ready(page, number + 1)
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
