"""The rating page in a real browser: what can be answered when, and that no answer is lost or given twice."""

import json

import pytest
from support.chromium import NEEDS_CHROMIUM
from support.study_pages import advance, answer, becomes, live, ready, watch, while_playing

pytestmark = [pytest.mark.browser, NEEDS_CHROMIUM]


@pytest.fixture(scope="module")
def rating(ground, tmp_path_factory):
    with live(ground, tmp_path_factory.mktemp("study") / "rating", tutorial=False) as served:
        yield served


@pytest.fixture(scope="module")
def preference(ground, tmp_path_factory):
    changes = {"form": "preference", "items_per_rater": 3, "repeats": 0, "attention": 0, "samples": 3}
    with live(ground, tmp_path_factory.mktemp("study") / "preference", tutorial=False, **changes) as served:
        yield served


def at_first_item(comes, served, **how):
    page = comes(served.address, **how)
    advance(page, served.address)
    ready(page)
    return page


def test_no_answer_can_be_given_before_the_clip_has_ended(comes, rating):
    page = at_first_item(comes, rating, expects=("409",))
    for key in ("1", "2", "3", "Enter"):
        page.keyboard.press(key)
    assert page.locator(".scale[disabled]").count() == 3
    assert page.locator("#next").is_disabled()
    assert page.locator("#lock").inner_text() == "Watch the clip to its end; then you can answer."
    assert page.locator("input:checked").count() == 0
    pressed = """document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "1", bubbles: true }));
    return [document.querySelectorAll(".scale[disabled]").length, document.querySelectorAll("input:checked").length];"""
    with rating.clock.standing():
        with page.expect_response("**/api/played"):
            assert while_playing(page, pressed) == [3, 0]
        refused = page.evaluate("""async () => {
          const { post } = await import("/static/study/server.js");
          const { kept } = await import("/static/study/store.js");
          const { token, key } = kept("draft", null);
          const letter = { token, key, answers: { AQ: 1, TA: 1, VA: 1 } };
          return post("/api/answer", letter).then(() => "kept", (error) => [error.status, error.told.code]);
        }""")
    assert refused == [409, "early"]
    page.wait_for_selector(".scale:not([disabled])")
    assert rating.answers() == []


def test_a_clip_that_comes_again_is_not_the_next_to_be_forgotten(comes, rating):
    page = at_first_item(comes, rating, bypass_csp=True)
    reads = page.evaluate("""async () => {
      const { clip } = await import("/static/study/clips.js");
      const real = globalThis.fetch;
      globalThis.fetch = async (url) => new Response(url);
      const first = await clip("/media/repeated.mp4");
      for (let number = 0; number < 30; number += 1) {
        await clip(`/media/${number}.mp4`);
        if ((await clip("/media/repeated.mp4")) !== first) return `fetched again after ${number}`;
      }
      globalThis.fetch = real;
      return (await real(first)).text();
    }""")
    assert reads == "/media/repeated.mp4"


def test_a_clip_can_be_neither_wound_on_nor_hurried_nor_muted(comes, rating):
    page = at_first_item(comes, rating)
    found = while_playing(
        page,
        """const video = document.querySelector("video");
        const [start, before] = [performance.now(), video.currentTime];
        const moved = new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }));
        Object.assign(video, { playbackRate: 4, muted: true, volume: 0.1, currentTime: video.duration - 0.05 });
        await moved;
        const gained = video.currentTime - before - (performance.now() - start) / 1000;
        return { gained, rate: video.playbackRate, muted: video.muted, volume: video.volume };""",
    )
    assert found.pop("gained") < 0.3  # seconds
    assert found == {"rate": 1, "muted": False, "volume": 1}
    assert page.locator("video[controls]").count() == 0


def test_an_end_that_comes_too_early_is_no_end(comes, rating):
    page = at_first_item(comes, rating)
    state = """document.querySelector("video").dispatchEvent(new Event("ended"));
    return document.querySelector(".clip").dataset.state;"""
    assert while_playing(page, state) == "interrupted"
    assert page.locator(".scale[disabled]").count() == 3


def test_leaving_the_page_while_a_clip_plays_stops_it_and_is_counted(comes, rating):
    page = at_first_item(comes, rating)
    left = """dispatchEvent(new Event("blur"));
    return [document.querySelector(".clip").dataset.state, document.querySelector("video").paused];"""
    assert while_playing(page, left) == ["interrupted", True]
    assert page.locator(".clip-note").inner_text().startswith("Interrupted.")
    watch(page)
    answer(page, 3, 4, 5)
    ready(page, 2)
    (first, *_) = rating.placements()
    assert (first.focus_losses, json.loads(first.plays), json.loads(first.starts)) == (1, [2], [2])
    assert rating.answers() == [{"AQ": 3, "TA": 4, "VA": 5}]


def test_replays_are_counted_and_a_double_click_sends_once(comes, rating):
    page = at_first_item(comes, rating)
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/api/answer") else None)
    watch(page)
    with becomes(page, "playing", "ended"):
        page.get_by_role("button", name="Play again").click()
    for scale, point in zip(page.locator(".scale").all(), (2, 5, 1), strict=True):
        scale.locator(".point").nth(point - 1).click()
    page.locator("#next").dblclick()
    ready(page, 2)
    assert rating.answers() == [{"AQ": 2, "TA": 5, "VA": 1}]
    assert json.loads(rating.placements()[0].plays) == [2]
    assert len(sent) == 1


@pytest.mark.slow(minutes=0.1)
def test_what_is_not_answered_yet_is_said_and_arrows_change_the_question(comes, rating):
    page = at_first_item(comes, rating)
    watch(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    assert page.locator("#complaint").inner_text() == "2 questions are still open."
    assert page.locator(".scale.lacking").count() == 2
    page.keyboard.press("5")
    assert page.locator("#complaint").inner_text() == "One question is still open."
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("1")
    assert page.locator("input:checked").evaluate_all("points => points.map((point) => point.value)") == ["1", "4"]
    assert rating.answers() == []


def no_room(page):
    """The server's disk takes no more."""
    page.route("**/api/answer", lambda route: route.fulfill(status=507, json={"error": "full"}))
    return lambda: page.unroute("**/api/answer")


def not_reached(page):
    """The network is gone."""
    page.context.set_offline(True)
    return lambda: page.context.set_offline(False)


def reply_lost(page):
    """The server keeps the answer, and its reply is lost."""
    page.route("**/api/answer", lambda route: (route.fetch(), route.abort()))
    return lambda: page.unroute("**/api/answer")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        pytest.param(no_room, "the server has no room for it just now", id="no room"),
        pytest.param(not_reached, "the server cannot be reached", id="offline"),
        pytest.param(reply_lost, "the server cannot be reached", id="reply lost", marks=pytest.mark.slow(minutes=0.1)),
    ],
)
def test_an_answer_that_cannot_be_sent_is_kept_and_sent_again_once(comes, rating, fault, told):
    page = at_first_item(comes, rating, expects=("507", "ERR_INTERNET_DISCONNECTED", "ERR_FAILED"))
    watch(page)
    mended = fault(page)
    answer(page, 4, 3, 2)
    page.wait_for_selector("#notice:not([hidden])")
    said = page.locator("#notice-text").inner_text()
    assert "Your answer is safe on this device" in said
    assert told in said
    mended()
    page.evaluate("document.querySelector('#send-now').click()")  # where the network's return did not do so already
    ready(page, 2)
    assert page.locator("#notice").is_hidden()
    assert rating.answers() == [{"AQ": 4, "TA": 3, "VA": 2}]


@pytest.mark.slow(minutes=0.1)
def test_an_answer_kept_in_a_tab_that_was_closed_is_sent_when_the_study_is_opened_again(comes, rating):
    page = at_first_item(comes, rating, expects=("507",))
    watch(page)
    no_room(page)
    answer(page, 5, 5, 4)
    page.wait_for_selector("#notice:not([hidden])")
    page.close()
    assert rating.answers() == []
    page = page.context.new_page()
    page.goto(rating.address)
    ready(page, 2)
    assert rating.answers() == [{"AQ": 5, "TA": 5, "VA": 4}]


@pytest.mark.slow(minutes=0.1)
def test_a_reloaded_page_knows_what_was_watched_and_answered(comes, rating):
    page = at_first_item(comes, rating)
    watch(page)
    page.keyboard.press("2")
    page.reload()
    ready(page, 1)
    assert page.locator(".scale:not([disabled])").count() == 3
    assert page.locator("input:checked").evaluate_all("points => points.map((point) => point.value)") == ["2"]
    answer(page, 3, 3)
    ready(page, 2)
    assert rating.answers() == [{"AQ": 2, "TA": 3, "VA": 3}]
    assert json.loads(rating.placements()[0].plays) == [1]


@pytest.mark.slow(minutes=0.1)
def test_a_clip_answered_in_another_window_is_passed_over(comes, rating):
    page = at_first_item(comes, rating, expects=("409",))
    other = page.context.new_page()
    other.goto(f"{rating.address}/rate")
    ready(other)
    watch(page)
    other.bring_to_front()
    watch(other)
    answer(other, 1, 1, 1)
    ready(other, 2)
    page.bring_to_front()
    for scale in page.locator(".scale").all():
        scale.locator(".point").nth(4).click()
    page.locator("#next").click()
    ready(page, 2)
    assert page.locator("#toast").inner_text() == "This clip was answered in another window; here is the next one."
    assert rating.answers() == [{"AQ": 1, "TA": 1, "VA": 1}]


def test_an_answer_that_another_window_has_sent_is_not_waited_for_without_end(comes, rating):
    page = at_first_item(comes, rating, expects=("503",))
    watch(page)
    page.route("**/api/played", lambda route: route.fulfill(status=503))  # holds up what comes after
    with becomes(page, "playing", "ended"):
        page.keyboard.press("Space")
    answer(page, 1, 2, 3)
    page.wait_for_function("() => JSON.stringify(localStorage).includes('/api/answer')")
    with page.expect_response("**/api/answer"):
        page.evaluate("""async () => {
          const { kept, keep } = await import("/static/study/store.js");
          const { post } = await import("/static/study/server.js");
          const answers = kept("outbox", []).filter(({ path }) => path === "/api/answer");
          for (const { path, body } of answers) await post(path, body);
          keep("outbox", kept("outbox", []).filter(({ path }) => path !== "/api/answer"));
        }""")
    page.unroute("**/api/played")
    page.evaluate("document.querySelector('#send-now').click()")
    ready(page, 2)
    assert rating.answers() == [{"AQ": 1, "TA": 2, "VA": 3}]


def test_a_clip_that_does_not_load_is_tried_again_or_reported_and_never_rated(comes, rating):
    page = comes(rating.address, expects=("ERR_FAILED",))
    page.route("**/media/**", lambda route: route.abort())
    advance(page, rating.address)
    page.wait_for_selector(".clip[data-state=broken]")
    page.unroute("**/media/**")
    page.get_by_role("button", name="Try again").click()
    ready(page, 1)
    page.get_by_role("button", name="Report a problem").click()
    page.get_by_label("Something else").check()
    page.get_by_label("In a few words").fill("=it flickers")
    page.get_by_role("button", name="Report and go on").click()
    page.wait_for_function("() => document.querySelector('#toast').textContent.startsWith('Reported')")
    ready(page, 2)
    first = rating.placements()[0]
    assert (first.state, first.reason, first.answers) == ("skipped", "other: =it flickers", "")


def test_whose_clips_fail_too_often_may_end_and_comes_to_the_last_questions(comes, rating):
    page = at_first_item(comes, rating, expects=("409",))

    def report():
        page.get_by_role("button", name="Report a problem").click()
        page.get_by_label("It does not load or play").check()
        page.get_by_role("button", name="Report and go on").click()

    for number in (2, 3):
        report()
        ready(page, number)
    report()
    page.get_by_text("You have reported as many clips").wait_for()
    page.locator("#place").focus()  # off the button, which Space would press
    for number in range(4, 8):  # half of the session
        watch(page)
        answer(page, 3, 3, 3)
        ready(page, number)
    report()
    page.get_by_role("button", name="Back to the clip").click()
    assert page.locator("#end").is_hidden()
    report()
    page.get_by_role("button", name="End here").click()
    page.wait_for_url("**/questionnaire")
    assert rating.raters()[-1].ended_early
    assert [one.state for one in rating.placements()] == ["skipped"] * 2 + ["answered"] * 4 + ["skipped"]


@pytest.mark.slow(minutes=0.1)
def test_a_browser_that_does_not_start_the_clip_says_so_and_tries_again(comes, rating):
    page = at_first_item(comes, rating)
    page.evaluate("""() => {
      const { play } = HTMLMediaElement.prototype;
      HTMLMediaElement.prototype.play = async function () {
        HTMLMediaElement.prototype.play = play;
        throw new DOMException("not allowed", "NotAllowedError");
      };
    }""")
    page.keyboard.press("Space")
    page.wait_for_selector(".clip[data-state=refused]")
    assert (
        page.locator(".clip-note").inner_text() == "Your browser did not start the clip. Please press Play once more."
    )
    watch(page)


def test_the_next_clip_is_there_before_it_is_shown(comes, rating):
    page = at_first_item(comes, rating, expects=("ERR_FAILED",))
    fetched = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/media/')).length"
    page.wait_for_function(f"() => {fetched} > 1")
    watch(page)
    page.route("**/media/**", lambda route: route.abort())
    answer(page, 3, 3, 3)
    ready(page, 2)
    assert page.locator(".clip[data-state=ready]").count() == 1


def test_two_clips_are_compared_after_both_have_ended_and_the_sides_are_undone(comes, preference):
    page = at_first_item(comes, preference)
    given = []
    choices = (("First", "No difference", "Second"), ("Second", "Second", "First"))
    for number, words in enumerate(choices, 1):
        ready(page, number)
        assert page.locator(".clip[data-state=held] .clip-note").inner_text() == "After the first"
        with becomes(page, "playing", "ended"):
            page.get_by_role("button", name="Play the first").click()
        assert page.locator(".scale[disabled]").count() == 3
        with becomes(page, "playing", "ended"):
            page.get_by_role("button", name="Play the second").click()
        for scale, word in zip(page.locator(".scale").all(), words, strict=True):
            scale.get_by_role("radio", name=word).check()
        page.locator("#next").click()
        given.append(words)
        if number < len(choices):
            ready(page, number + 1)
    ready(page, 3)
    for placement, words in zip(preference.placements(), given, strict=False):
        first, second = ("b", "a") if placement.swapped else ("a", "b")
        sides = {"First": first, "Second": second, "No difference": "tie"}
        kept = json.loads(placement.answers)
        assert [kept[name] for name in ("AQ", "TA", "VA")] == [sides[word] for word in words]
        assert json.loads(placement.plays) == [1, 1]
