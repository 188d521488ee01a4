"""Every page of curation in a real browser, for everybody: on a phone, in either colours, with and without content."""

import pytest
from support.chromium import NEEDS_CHROMIUM, axe_violations
from support.curation_pages import at
from support.decisions import decision

from vgg_monoaudio.selection.decisions import append_decisions, read_decisions

pytestmark = [pytest.mark.browser, NEEDS_CHROMIUM]

# Address of each page, and what is there when it is whole.
PAGES = {
    "/": "#evidence p",
    "/pairs": "#groups .line",
    "/conflicts": "#live article",
    "/agreement": "#live .reviewers li",
    "/name": "#name-form",
}


@pytest.fixture
def disputed(accepted, asked, clips):
    made = [
        decision(clips[0], "Ada", visible=False, note="hm"),
        decision(clips[3], "Ada"),
        decision(clips[3], "auto:x"),
    ]
    append_decisions(asked.decisions, made)


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (390, "light"),
        pytest.param(1440, "dark", marks=pytest.mark.slow),
        pytest.param(390, "dark", marks=pytest.mark.slow),
        pytest.param(1440, "light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_and_nothing_runs_over_the_edge(disputed, served, comes, clips, width, theme):
    page = comes(served, "Ada", width=width, color_scheme=theme, bypass_csp=True, known=True)
    page.wait_for_selector("#lines .line")
    found = {}
    for address, whole in PAGES.items():
        page.goto(f"{served}{address}#clip={clips[0]}&show=all")
        page.wait_for_selector(whole)
        found[address] = axe_violations(page)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, address
    page.goto(served)
    page.wait_for_selector("#evidence p")
    page.locator("#help-open").click()
    found["help"] = axe_violations(page)
    assert found == {name: [] for name in (*PAGES, "help")}


def test_axe_finds_nothing_where_there_is_nothing_yet_no_page_and_no_answer(served, comes):
    page = comes(served, "Ada", bypass_csp=True, expects=["ERR_FAILED", "404"])
    page.wait_for_selector("#evidence p")
    found = {}
    page.goto(f"{served}/pairs")
    page.wait_for_selector("#nothing")
    assert page.locator("#loading").is_hidden()
    found["no pairs"] = axe_violations(page)
    waiting = []
    page.route("**/api/*", lambda route: waiting.append(route))
    for address in ("/", "/pairs"):
        with page.expect_request("**/api/*"):
            page.goto(f"{served}{address}")
        found[f"{address} waits"] = axe_violations(page)
    waiting[-1].abort()
    page.wait_for_selector("#complaint:not([hidden])")
    assert "does not answer" in page.locator("#complaint").inner_text()
    found["no answer"] = axe_violations(page)
    page.goto(f"{served}/nothing")
    assert page.locator("h1").inner_text() == "Not Found"
    found["no page"] = axe_violations(page)
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len(found) == 5
    page.unroute_all(behavior="ignoreErrors")


def test_on_a_phone_a_clip_is_decided_with_the_thumb(served, comes, asked, clips):
    page = comes(served, "Ada", width=390, height=844, has_touch=True, is_mobile=True)
    at(page, clips[0])
    for criterion, answer in (("single_source", "Yes"), ("visible", "Yes"), ("label_matches", "No")):
        page.locator(f'[data-criterion="{criterion}"]').get_by_role("button", name=answer).tap()
    page.locator("#save").tap()
    at(page, clips[1])
    assert [one.label_matches for one in read_decisions(asked.decisions)] == [False]
