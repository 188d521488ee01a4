"""The page in a real browser: a film of one's own, two prompts, and answers that play one at a time."""

from contextlib import ExitStack

import pytest
from support.chromium import NEEDS_CHROMIUM, Comer, axe_violations, browser
from support.servers import answering

from benchmark.web.trying.app import create_app

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, NEEDS_CHROMIUM]


@pytest.fixture
def visit(browser):
    """Somebody comes to a site with a browser of their own."""
    comer = Comer(browser)
    with ExitStack() as stack:

        def come(site, **how):
            address = stack.enter_context(answering(create_app(site)))
            return comer(f"{address}{site.door.link}", **how)

        yield come
        comer.close()


def asked(page, *prompts):
    for place, prompt in enumerate(prompts, start=1):
        page.locator(f"#prompt-{place}").fill(prompt)
    page.locator("#ask").click()
    return page.locator(".try").first


def send(page, clip):
    page.locator("#upload").set_input_files(str(clip))
    page.wait_for_selector("#chosen:not([hidden])")


def test_a_film_of_ones_own_and_two_prompts_give_answers_side_by_side_that_play_one_at_a_time(open_site, visit, clip):
    page = visit(open_site("reading", "failing"), width=2000)
    send(page, clip)
    assert page.locator("#film-name").inner_text() == "my clip.mp4: 2.00 s are used"
    one = asked(page, "dog barking", "break")
    one.locator(".answer").nth(3).wait_for()
    assert one.locator("h4").all_inner_texts() == ["dog barking", "break"] * 2
    page.wait_for_function("() => document.querySelector('.try').dataset.state === 'done'")
    assert one.locator(".state").inner_text() == "Done; of 4, 1 failed"
    assert one.locator(".complaint").all_inner_texts() == ["KeyError: 'frames'"]
    first, second = one.locator(".answer").nth(0).bounding_box(), one.locator(".answer").nth(1).bounding_box()
    assert first["y"] == second["y"]
    assert first["x"] < second["x"]
    other = one.locator(".answer").nth(2).bounding_box()  # the other model begins a row
    assert (other["x"], other["y"] > first["y"]) == (first["x"], True)
    players = one.locator("video")
    players.nth(0).evaluate("(video) => video.play()")
    page.wait_for_function("() => document.querySelector('.try video').currentTime > 0.2")
    assert page.locator(".now").first.evaluate("(line) => parseFloat(line.style.left)") > 0
    players.nth(1).evaluate("(video) => video.play()")
    assert players.nth(0).evaluate("(video) => video.paused")
    assert one.locator(".spectrogram img").first.evaluate("(image) => image.naturalWidth") == 80


def test_a_scene_is_found_by_its_labels_and_puts_them_where_nothing_was_written(open_site, visit, tiny):
    page = visit(open_site("reading", "oracle"))
    sample = next(iter(tiny.benchmark))
    page.locator("#prompt-2").fill("my own words")
    page.locator("#find").fill(sample.sample_id)
    page.wait_for_function("() => document.querySelector('#scene').options.length === 2")
    page.locator("#scene").select_option(index=1)
    page.wait_for_selector("#chosen:not([hidden])")
    assert page.locator("#prompt-1").input_value() == sample.label
    assert page.locator("#prompt-2").input_value() == "my own words"
    page.locator("#ask").click()
    page.locator(".answer").nth(2).wait_for()
    assert page.locator(".answer").nth(2).locator("h4").inner_text() == "whatever the prompt"


def test_what_lacks_is_said_on_the_page_and_so_is_a_film_that_is_none(open_site, visit, clip, tmp_path):
    page = visit(open_site("reading"), expects=("422",))
    page.locator("#ask").click()
    complaint = page.locator("#complaint")
    assert complaint.inner_text() == "Choose a film first: send one of your own, or take a scene."
    (tmp_path / "notes.mp4").write_text("not a film" * 100)
    page.locator("#upload").set_input_files(str(tmp_path / "notes.mp4"))
    page.wait_for_function(
        "() => document.querySelector('#complaint').textContent.startsWith('The film notes.mp4 cannot be used: ')"
    )
    send(page, clip)
    assert complaint.is_hidden()
    page.locator("#ask").click()
    assert complaint.inner_text() == "Write a prompt: what do you want to hear?"


def test_a_question_that_waits_says_so_and_can_be_stopped(open_site, visit, clip):
    site = open_site("waiting")
    page = visit(site)
    send(page, clip)
    asked(page, "bell")
    second = asked(page, "gong")
    second.get_by_text("Waiting: one question is before this one").wait_for()
    second.get_by_role("button", name="Stop").click()
    second.get_by_text("Stopped after 0 of 1").wait_for()
    assert page.locator(".try").nth(1).locator(".state").inner_text() == "Working on 1 of 1: waiting, bell"


@pytest.mark.parametrize(("width", "theme"), [(400, "dark"), pytest.param(1440, "light", marks=pytest.mark.slow)])
def test_axe_finds_nothing_and_nothing_runs_over_the_edge(open_site, visit, clip, width, theme):
    page = visit(open_site("failing", "oracle"), width=width, color_scheme=theme, bypass_csp=True)
    page.wait_for_function("() => document.querySelector('#scene').options.length > 2")
    found = {"empty": axe_violations(page)}
    send(page, clip)
    page.locator("#more").click()
    asked(page, "a prompt of many words " * 8, "break", "thunderous" * 20)
    page.wait_for_function("() => document.querySelector('.try')?.dataset.state === 'done'")
    found["answers"] = axe_violations(page)
    assert found == {"empty": [], "answers": []}
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
