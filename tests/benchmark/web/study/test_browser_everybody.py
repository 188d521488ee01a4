"""Every page of a study in a real browser, for everybody: on a phone, in either colours, read aloud, from the right."""

import pytest
from support.chromium import NEEDS_CHROMIUM, axe_violations
from support.study_pages import advance, answer, live, ready, send, watch

pytestmark = [pytest.mark.browser, NEEDS_CHROMIUM]

SMALLEST_TARGET = 44  # CSS pixels either way
SMALL_TARGETS = """smallest => [...document.querySelectorAll("button, summary, select, a, textarea, input")]
  .map((element) => element.matches("[type=radio], [type=checkbox]") ? element.closest("label") : element)
  .filter((element) => element.checkVisibility() && !element.closest(".skip"))
  .map((element) => [element.getBoundingClientRect(), element.textContent.trim() || element.id])
  .filter(([box]) => box.width < smallest || box.height < smallest)
  .map(([box, name]) => `${name}: ${box.width} x ${box.height}`)"""


@pytest.fixture(scope="module")
def served(ground, tmp_path_factory):
    shortest = {"items_per_rater": 1, "repeats": 0, "attention": 0, "samples": 1}
    ending = {"completion_code": "C0DE-77", "completion_url": "https://panel.example.org/complete?cc=C0DE-77"}
    folder = tmp_path_factory.mktemp("study") / "everybody"
    with live(ground, folder, headphone_check="warn", **shortest, **ending) as study:
        yield study


def every_page(page, address):
    """Go through a study; yield the name of each page, and of what opens on it, while it is shown."""
    page.locator("summary", has_text="Took part before").click()
    yield "consent"
    page.get_by_label("I agree to take part").check()
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("Your browser can play the clips.").wait_for()
    yield "device"
    page.get_by_role("button", name="Play the tone").click()
    page.get_by_role("button", name="I hear it well").click()
    page.wait_for_selector("#trial-play:enabled")
    yield "headphones"
    for _ in range(2):
        send(page, "/api/checks/headphones", answers=[1] * 6)
    page.goto(f"{address}/tutorial")
    page.wait_for_selector(".clip[data-state=ready]")
    yield "tutorial"
    send(page, "/api/tutorial")
    page.goto(f"{address}/rate")
    ready(page)
    yield "rate"
    watch(page)
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    yield "rate, open"
    page.locator("summary", has_text="Options").click()
    yield "options"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Report a problem").click()
    yield "report"
    page.keyboard.press("Escape")
    answer(page, 3, 3)
    page.wait_for_url("**/questionnaire")
    page.get_by_role("button", name="Finish").click()
    yield "questionnaire"
    page.get_by_label("Headphones").check()
    page.get_by_role("button", name="Finish").click()
    page.wait_for_url("**/thanks")
    yield "thanks"
    page.get_by_role("button", name="Withdraw and delete my answers").click()
    yield "withdraw"
    page.get_by_role("button", name="Yes, delete everything").click()
    page.wait_for_url("**/withdrawn")
    yield "withdrawn"
    page.goto(f"{address}/complete")
    yield "complete"


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        pytest.param(390, "dark", id="phone, dark"),
        pytest.param(1440, "light", id="desk, light", marks=pytest.mark.slow(minutes=0.5)),
        pytest.param(1440, "dark", id="desk, dark", marks=pytest.mark.slow(minutes=0.5)),
        pytest.param(390, "light", id="phone, light", marks=pytest.mark.slow(minutes=0.5)),
    ],
)
def test_axe_finds_nothing_and_everything_fits(comes, served, width, scheme):
    page = comes(served.address, width=width, height=844, color_scheme=scheme, bypass_csp=True)
    faults = {}
    for name in every_page(page, served.address):
        found = axe_violations(page)
        if width < 400:
            found += page.evaluate(SMALL_TARGETS, SMALLEST_TARGET)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        faults[name] = [*found, *([f"{wide} pixels too wide"] if wide > 0 else [])]
    assert {name: found for name, found in faults.items() if found} == {}
    assert len(faults) == 13


def test_axe_finds_nothing_while_a_page_waits_and_where_there_is_none(comes, served):
    page = comes(f"{served.address}/nothing", bypass_csp=True, expects=("404", "403"))
    assert page.locator("h1").inner_text() == "Not Found"
    found = {"no page": axe_violations(page)}
    page.goto(f"{served.address}/resume/none")
    found["no rater"] = axe_violations(page)
    page.goto(f"{served.address}/admin")
    found["secret"] = axe_violations(page)
    page.get_by_label("Secret").fill(served.study.folder.admin.read_text(encoding="utf-8").strip())
    page.get_by_role("button", name="Open").click()
    page.get_by_text("Still wanted").wait_for()
    found["admin"] = axe_violations(page)
    page.goto(served.address)
    send(page, "/api/consent", agrees=True)
    waiting = []
    page.route("**/api/*", lambda route: waiting.append(route))
    page.route("**/api/checks/headphones", lambda route: waiting.append(route))
    send(page, "/api/checks/device", width=1440, height=900, canPlay=True)
    for name, address in (("headphones", "checks"), ("tutorial", "tutorial"), ("rate", "rate")):
        with page.expect_request("**/api/**"):
            page.goto(f"{served.address}/{address}")
        found[f"{name} waits"] = axe_violations(page)
        if name == "headphones":
            for _ in range(2):
                send(page, "/api/checks/headphones", answers=[1] * 6)
        elif name == "tutorial":
            send(page, "/api/tutorial")
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert (len(found), len(waiting)) == (7, 3)
    page.unroute_all(behavior="ignoreErrors")


@pytest.mark.slow(minutes=0.1)
def test_pages_of_another_language_and_direction_are_laid_out_from_the_right(comes, ground, tmp_path):
    words = {"rate": {"next": "הבא", "locked": "צפו בקטע עד סופו"}}
    with live(ground, tmp_path / "study", direction="rtl", tutorial=False, texts=words) as served:
        page = comes(served.address, width=390, height=844)
        advance(page, served.address)
        ready(page)
        assert page.locator("#lock").inner_text() == "צפו בקטע עד סופו"
        assert page.get_by_role("button", name="הבא").is_disabled()
        first, last = (page.locator(f".scale:first-child .point:nth-child({k})").bounding_box()["x"] for k in (1, 5))
        assert first > last
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow(minutes=0.1)
def test_what_changes_is_read_aloud_and_the_keyboard_is_where_it_is_needed(comes, served):
    page = comes(served.address)
    send(page, "/api/consent", agrees=True)
    send(page, "/api/checks/device", width=1440, height=900, canPlay=True)
    for _ in range(2):
        send(page, "/api/checks/headphones", answers=[1] * 6)
    page.goto(f"{served.address}/tutorial")
    send(page, "/api/tutorial")
    page.goto(f"{served.address}/rate")
    ready(page)
    assert page.evaluate("document.activeElement.id") == "place"
    prompt = page.locator("#prompt").inner_text()
    live_region = "text => document.querySelector('#live').textContent === text"
    page.wait_for_function(live_region, arg=f"Clip 1 of 1. The sound should be: {prompt}")
    watch(page)
    page.wait_for_function(live_region, arg="Answer now. You may play the clip again.")
    assert page.evaluate("document.activeElement.className") == "scale"  # the question, none of its points
    page.keyboard.press("Enter")
    assert page.locator("#complaint[role=alert]").inner_text() == "3 questions are still open."


def test_who_holds_the_study_sees_how_far_it_is_with_the_secret(comes, served):
    page = comes(f"{served.address}/admin", expects=("403",))
    page.get_by_label("Secret").fill("guessed")
    page.get_by_role("button", name="Open").click()
    assert page.get_by_role("alert").inner_text() == "That is not the secret."
    page.get_by_label("Secret").fill(served.study.folder.admin.read_text(encoding="utf-8").strip())
    page.get_by_role("button", name="Open").click()
    page.get_by_text("Still wanted").wait_for()


@pytest.mark.parametrize("width", [390, 640, 1440])
def test_words_of_the_tutorial_s_scale_are_not_broken(comes, served, width):
    page = comes(served.address, width=width, height=844)
    send(page, "/api/consent", agrees=True)
    send(page, "/api/checks/device", width=width, height=844, canPlay=True)
    for _ in range(2):
        send(page, "/api/checks/headphones", answers=[1] * 6)
    page.goto(f"{served.address}/tutorial")
    page.locator("#words li").first.wait_for()
    lines = page.evaluate("""words => [...document.querySelectorAll("#words li")].map((point, place) => {
      point.textContent = words[place];
      const range = document.createRange();
      range.selectNodeContents(point);
      return new Set([...range.getClientRects()].map(({top}) => top)).size;
    })""", ["Schlecht", "Dürftig", "Ordentlich", "Gut", "Ausgezeichnet"])  # fmt: skip
    assert lines == [1] * 5
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
