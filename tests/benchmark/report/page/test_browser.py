"""The page in a real browser, from disk."""

from urllib.parse import parse_qs, urlsplit

import pytest
from support.chromium import NEEDS_CHROMIUM, axe_violations, browser

from benchmark.report import write_report
from benchmark.report.run_samples import read_run_samples

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, NEEDS_CHROMIUM]


@pytest.fixture
def opened(browser, made):
    """Open the page, at an address and a size; afterwards nothing may have been logged or asked of a network."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    heard, asked = [], []

    def open_page(address="", **size):
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        if size:
            page.set_viewport_size(size)
        page.goto(made.paths.html.as_uri() + address)
        page.wait_for_selector(".card")
        return page

    yield open_page
    context.close()
    assert heard == []
    assert asked
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []


def models(page, subset="inter", section="models"):
    lines = page.locator(f'tbody[data-subset="{subset}"][data-section="{section}"] .line:visible')
    return [lines.nth(place).get_attribute("data-name") for place in range(lines.count())]


def test_sorting_by_a_metric_puts_the_best_on_top_and_turns_around(opened):
    page = opened()
    head = page.get_by_role("button", name="FAD", exact=False).first
    head.click()
    assert models(page) == ["grand-foley", "tiny-foley", "old-foley"]
    assert page.locator('th[aria-sort="ascending"]').count() == 1
    head.click()
    assert models(page) == ["old-foley", "tiny-foley", "grand-foley"]
    assert models(page, section="controls") == ["Noise", "Oracle"]  # controls sort among themselves
    page.locator('[data-sort="inception_score"]').click()
    assert models(page) == ["grand-foley", "tiny-foley", "old-foley"]  # higher is better here


def test_filtering_models_and_hiding_controls(opened):
    page = opened()
    page.fill("#model-filter", "tiny")
    assert models(page) == ["tiny-foley"]
    page.fill("#model-filter", "")
    assert models(page, section="controls") == ["Oracle", "Noise"]
    page.uncheck("#show-controls")
    assert models(page, section="controls") == []


def test_all_metrics_are_shown_on_request(opened):
    page = opened()
    assert not page.locator('[data-sort="text_margin"]').is_visible()
    page.check("#show-more")
    assert page.locator('[data-sort="text_margin"]').is_visible()


def test_finding_samples_by_label_category_and_subset(opened):
    page = opened()
    assert page.locator(".card").count() == 7
    page.fill("#sample-filter", "harp")
    assert page.locator(".card").count() == 4
    page.fill("#sample-filter", "nothing of the kind")
    assert page.locator("#found").inner_text().startswith("No sample matches")
    assert page.locator(".pages").is_hidden()
    page.fill("#sample-filter", "")
    page.select_option("#subset-filter", "intra")
    assert page.locator(".card").count() == 2
    page.select_option("#subset-filter", "")
    page.select_option("#category-filter", "Animal")
    assert page.locator(".prompt").all_inner_texts() == ["dog barking"]


def test_a_search_without_result_names_its_filters_and_one_press_clears_them(opened):
    page = opened()
    assert page.locator("#clear-filters").is_hidden()
    page.select_option("#subset-filter", "intra")
    page.select_option("#category-filter", "Animal")
    page.fill("#sample-filter", "zebra")
    told = page.locator("#found").inner_text()
    assert told == "No sample matches “zebra” and subset Intra-class and category Animal."
    page.get_by_role("button", name="Clear the filters").click()
    assert page.locator(".card").count() == 7
    assert page.evaluate("() => document.activeElement.id") == "sample-filter"
    assert page.evaluate("() => location.hash") in ("", "#")


def test_a_table_without_rows_says_why_and_one_press_brings_them_back(opened):
    page = opened()
    page.fill("#model-filter", "oracle")
    assert models(page, section="controls") == ["Oracle"]
    page.uncheck("#show-controls")
    assert page.locator("#no-models").inner_text() == (
        "No model shown has “oracle” in its name; the controls are hidden."
    )
    assert page.locator("#scores .block-title:visible").count() == 0
    page.get_by_role("button", name="Clear the filter", exact=True).click()
    assert len(models(page)) == 3
    assert models(page, section="controls") == ["Oracle", "Noise"]
    assert page.locator("#no-models").inner_text() == ""


def copied(page, form):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name=form).click()
    page.wait_for_function(
        "form => document.querySelector('#toast').textContent.startsWith(`Copied as ${form}`)", arg=form
    )
    return page.evaluate("() => navigator.clipboard.readText()").split("\n\n")


def test_a_copied_table_says_its_subset_and_how_it_was_scored(opened):
    page = opened()
    inter, intra = copied(page, "TSV")
    assert page.locator("#toast").inner_text() == "Copied as TSV: Inter-class, Intra-class"
    assert inter.splitlines()[0] == "Inter-class, demo 1.0, profile signal"
    assert intra.splitlines()[0] == "Intra-class, demo 1.0, profile signal"
    head, *rows = [line.split("\t") for line in inter.splitlines()[1:]]
    assert head[:3] == ["Model", "FAD ↓", "KAD ↓"]
    assert {len(row) for row in rows} == {len(head)}
    assert [row[0] for row in rows if row[0] == "Controls" or row[-1]][-3:] == ["Controls", "Oracle", "Noise"]


def test_a_table_copied_as_markdown_is_what_is_shown_with_best_and_second(opened):
    page = opened()
    page.uncheck("#show-controls")
    page.locator('[data-sort="fad"]').click()
    titles = [part for part in copied(page, "Markdown") if part.startswith("**")]
    assert titles[0] == "**Inter-class, demo 1.0, profile signal**"
    grid = page.evaluate("() => navigator.clipboard.readText()").split("\n\n")[1].splitlines()
    assert grid[0].startswith("| Model | FAD ↓ | KAD ↓ |")
    assert grid[1] == "| :-- |" + " --: |" * grid[0].count(" | ")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in grid[2:]]
    assert [row[0] for row in rows] == ["grand-foley", "tiny-foley", "old-foley†"]  # in the order shown, no controls
    assert [row[1][:2] for row in rows[:1]] == ["**"]


def test_every_answer_says_in_words_which_sound_it_is_nearer_to(opened, made):
    page = opened()
    row = page.locator(".card").first.locator('[data-track="m.oracle"]')
    verdict = row.locator('[data-metric="audio_margin"]')
    table = read_run_samples(
        next(run for run in made.runs if "inter" in run.path.parts and "oracle" in run.path.name)
    ).table
    margin, win = table["audio_margin"][0], table["audio_win_rate"][0]
    word, mark = {1.0: ("won: target", "✓"), 0.5: ("tied: neither", "="), 0.0: ("lost: paired", "✗")}[win]
    assert verdict.locator("b").inner_text() == word
    assert verdict.locator(".mark").inner_text() == mark
    assert verdict.locator(".by").inner_text() == f"{margin:+.3f}".replace("-", "−")
    assert page.locator(".card").first.locator('[data-track="target"] .verdict').count() == 0


def test_the_scene_s_own_sound_has_a_spectrogram_beside_the_answers(opened):
    strip = opened().locator(".card").first.locator('[data-track="scene"] img')
    assert strip.get_attribute("alt") == "Spectrogram of Scene"
    assert (
        strip.evaluate("async (image) => { image.loading = 'eager'; await image.decode(); return image.naturalWidth; }")
        > 0
    )


def test_ordering_by_a_score_of_a_model(opened):
    page = opened()
    page.select_option("#order", "kl:worst")
    page.select_option("#order-model", "tiny-foley")
    shown = page.locator('.card [data-track="m.tiny-foley"] [data-metric="kl"]').all_inner_texts()
    assert shown == sorted(shown, reverse=True)
    assert len(set(shown)) > 1


def test_the_target_side_is_marked_on_the_scene(opened):
    page = opened()
    first, second = page.locator(".card").nth(0), page.locator(".card").nth(1)
    assert first.locator(".half.target").inner_text() == "target: dog barking"
    assert "left" in first.locator(".half.target").get_attribute("class")
    assert "right" in second.locator(".half.target").get_attribute("class")


def test_video_and_sound_play_together_and_switching_leaves_no_gap(opened):
    page = opened()
    card = page.locator(".card").first
    card.get_by_role("button", name="tiny-foley").click()
    page.wait_for_function("() => document.querySelector('.card video').currentTime > 0.15")
    before = page.evaluate("() => window.monoaudio.playing()")
    assert before["picture"]["readyState"] >= 2
    assert before["heard"] == "m.tiny-foley"
    assert [track for track in before["tracks"] if not track["muted"]] == [
        next(track for track in before["tracks"] if track["key"] == "m.tiny-foley")
    ]
    assert all(not track["paused"] and track["readyState"] >= 2 for track in before["tracks"])
    card.get_by_role("button", name="grand-foley").click()
    after = page.evaluate("() => window.monoaudio.playing()")
    assert after["heard"] == "m.grand-foley"
    assert not after["picture"]["paused"]  # nothing stopped
    assert {track["key"] for track in after["tracks"] if not track["muted"]} == {"m.grand-foley"}
    assert after["picture"]["time"] >= before["picture"]["time"]


def test_the_picture_and_every_track_stand_where_the_slider_is_set(opened):
    page = opened()
    card = page.locator(".card").first
    card.get_by_role("button", name="tiny-foley").click()
    page.wait_for_function("() => document.querySelector('.card video').currentTime > 0")
    card.locator(".play").click()
    page.wait_for_function("() => window.monoaudio.playing().tracks.every((track) => track.paused)")
    card.locator(".seek").fill("0.4")
    set_ = page.evaluate("() => window.monoaudio.playing()")
    assert set_["picture"]["paused"]
    assert [track["time"] for track in set_["tracks"]] == pytest.approx([0.4] * len(set_["tracks"]), abs=1e-3)
    assert set_["picture"]["time"] == pytest.approx(0.4, abs=1e-3)


KEEP_SOUNDS = """() => {
  const Plain = window.Audio;
  window.sounds = [];
  window.Audio = function () { const sound = new Plain(); window.sounds.push(sound); return sound; };
}"""


@pytest.mark.parametrize("place", [pytest.param(1.2, id="ahead"), pytest.param(1.95, id="at its end already")])
def test_a_track_that_fell_out_of_step_is_brought_back_while_playing(opened, place):
    page = opened()
    page.evaluate(KEEP_SOUNDS)
    page.locator(".card").first.get_by_role("button", name="tiny-foley").click()
    page.wait_for_function("() => document.querySelector('.card video').currentTime > 0.05")
    page.evaluate("place => { window.sounds[0].currentTime = place; }", place)
    page.wait_for_function(
        """() => {
      const video = document.querySelector('.card video');
      const [sound] = window.sounds;
      return video.currentTime < 1.6 && !sound.paused && Math.abs(sound.currentTime - video.currentTime) < 0.1;
    }""",
        timeout=10_000,
    )


def test_the_scene_can_be_heard_itself(opened):
    page = opened()
    page.locator(".card").first.get_by_role("button", name="Scene").click()
    page.wait_for_function("() => document.querySelector('.card video').currentTime > 0.1")
    state = page.evaluate("() => window.monoaudio.playing()")
    assert not state["picture"]["muted"]
    assert all(track["muted"] for track in state["tracks"])


def test_scrubbing_moves_every_track(opened):
    page = opened()
    card = page.locator(".card").first
    card.get_by_role("button", name="tiny-foley").click()
    page.wait_for_function("() => document.querySelector('.card video').currentTime > 0.05")
    card.get_by_role("button", name="Pause").click()
    card.locator(".seek").fill("1.2")
    page.wait_for_function("() => Math.abs(document.querySelector('.card video').currentTime - 1.2) < 0.05")
    state = page.evaluate("() => window.monoaudio.playing()")
    assert all(abs(track["time"] - 1.2) < 0.05 for track in state["tracks"])
    assert card.locator(".clock").inner_text() == "1.2 s"


def test_only_one_sample_plays_at_a_time_and_media_load_only_when_asked_for(opened):
    page = opened()
    assert page.evaluate("() => [...document.querySelectorAll('video')].every(v => v.readyState === 0)")
    page.locator(".card").nth(0).get_by_role("button", name="tiny-foley").click()
    page.wait_for_function("() => document.querySelector('.card video').currentTime > 0.05")
    page.locator(".card").nth(1).get_by_role("button", name="tiny-foley").click()
    page.wait_for_function("() => document.querySelectorAll('.card video')[1].currentTime > 0.05")
    assert page.evaluate("() => document.querySelectorAll('.card video')[0].paused")
    assert page.locator(".card.current").count() == 1


def test_a_link_leads_to_sample_track_and_moment(opened, world):
    sample = f"inter/{world.sample_ids('inter')[2]}"
    page = opened(f"#sample={sample.replace('/', '%2F')}&track=m.old-foley&t=0.80&find=bus")
    page.wait_for_function("() => Math.abs((document.querySelector('.current video')?.currentTime ?? 0) - 0.8) < 0.05")
    assert page.locator(".current").get_attribute("data-sample") == sample
    assert page.locator(".current .heard").get_attribute("data-track") == "m.old-foley"
    assert page.locator("#sample-filter").input_value() == "bus"


def test_a_link_to_a_filtered_out_sample_shows_it_all_the_same(opened, world):
    sample = f"inter/{world.sample_ids('inter')[2]}"
    page = opened(f"#sample={sample.replace('/', '%2F')}&subset=intra")
    assert page.locator(".current").get_attribute("data-sample") == sample


def test_a_copied_link_restores_the_table_too(opened, made):
    page = opened()
    page.locator('[data-sort="fad"]').click()
    page.fill("#model-filter", "foley")
    again = opened(page.evaluate("() => location.hash"))
    assert models(again) == ["grand-foley", "tiny-foley", "old-foley"]
    assert models(again, section="controls") == []


def test_keys_play_switch_and_walk(opened):
    page = opened()
    page.keyboard.press("j")
    assert page.locator(".card.current").count() == 1
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.current video').currentTime > 0.05")
    page.keyboard.press(" ")
    assert page.evaluate("() => document.querySelector('.current video').paused")
    first = page.locator(".current .heard").get_attribute("data-track")
    page.keyboard.press("ArrowDown")
    assert page.locator(".current .heard").get_attribute("data-track") != first
    page.keyboard.press("2")
    assert page.locator(".current .heard").get_attribute("data-track") == "target"
    before = page.locator(".current").get_attribute("data-sample")
    page.keyboard.press("j")
    assert page.locator(".current").get_attribute("data-sample") != before
    page.keyboard.press("/")
    page.keyboard.type("jkl")
    assert page.locator("#sample-filter").input_value() == "jkl"  # keys are letters while one types


def test_keys_move_in_time_go_back_copy_a_link_and_list_themselves(opened):
    page = opened()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("j")
    first = page.locator(".current").get_attribute("data-sample")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.locator(".current").get_attribute("data-sample") == first
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")  # also before anything has been loaded
    page.wait_for_function("() => Math.abs(window.monoaudio.playing().picture.time - 1.0) < 0.05")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => Math.abs(window.monoaudio.playing().picture.time - 0.5) < 0.05")
    page.keyboard.press("3")
    page.keyboard.press("ArrowUp")
    assert page.locator(".current .heard").get_attribute("data-track") == "target"
    page.keyboard.press(" ")  # choosing a track by its number plays it
    page.wait_for_function("() => window.monoaudio.playing().picture.paused")
    page.keyboard.press("l")
    page.wait_for_function("() => document.querySelector('#toast').textContent === 'Link copied'")
    link = page.evaluate("() => navigator.clipboard.readText()")
    asked = parse_qs(urlsplit(link).fragment)
    assert (asked["sample"], asked["track"]) == ([first], ["target"])
    moment = page.evaluate("() => window.monoaudio.playing().picture.time")
    assert asked["t"] == [f"{moment:.2f}"]
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def test_the_colours_can_be_chosen_and_stay_chosen(opened):
    page = opened()
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator("#theme").click()
    page.locator("#theme").click()
    assert page.locator("#theme").get_attribute("aria-label") == "Colours: dark"
    assert page.evaluate(ground) != light
    page.reload()
    page.wait_for_selector(".card")
    assert page.locator("#theme").get_attribute("aria-label") == "Colours: dark"


def test_a_failed_sample_says_why(opened):
    row = opened().locator(".card").nth(1).locator('[data-track="m.old-foley"]')
    assert "GenerationError: no answer" in row.inner_text()
    assert row.locator(".listen").is_disabled()


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_runs_over_the_edge(opened, width):
    page = opened(width=width, height=844)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser, made, theme):
    context = browser.new_context(color_scheme=theme)
    page = context.new_page()
    page.goto(made.paths.html.as_uri())
    page.wait_for_selector(".card")
    weak = page.evaluate(WEAK_TEXT)
    context.close()
    assert weak == []


WEAK_TEXT = """() => {
  const channels = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const part = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest(".screen, :disabled, .unseen") || element.offsetParent === null) continue;
    const [a, b] = [light(channels(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) weak.push(`${element.className || element.tagName}: ${contrast.toFixed(2)}`);
  }
  return [...new Set(weak)];
}"""


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (390, "light"),
        pytest.param(1440, "dark", marks=pytest.mark.slow),
        pytest.param(390, "dark", marks=pytest.mark.slow),
        pytest.param(1440, "light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_against_the_page(browser, made, theme, width):
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    page.goto(made.paths.html.as_uri())
    page.wait_for_selector(".card")
    page.check("#show-more")
    page.locator(".card").first.get_by_role("button", name="tiny-foley").click()
    page.wait_for_selector(".card.current")
    found = [axe_violations(page)]
    page.locator("#help-open").click()
    found.append(axe_violations(page))
    context.close()
    assert found == [[], []]


def test_everything_that_can_be_pressed_has_a_name_and_can_be_reached(opened):
    page = opened()
    nameless = page.evaluate("""() => [...document.querySelectorAll("button, input, select, video")].filter((e) => {
      const label = e.closest("label")?.textContent.trim() || e.getAttribute("aria-label") || e.textContent.trim();
      return !label;
    }).map((e) => e.outerHTML)""")
    assert nameless == []
    assert page.evaluate("() => [...document.querySelectorAll('[tabindex]')].every((e) => e.tabIndex <= 0)")
    assert page.evaluate("() => [...document.querySelectorAll('img')].every((i) => i.alt)")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"


def test_a_page_of_printed_numbers_alone_sorts_and_has_no_samples(browser, tmp_path):
    page, heard = browser.new_page(), []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(write_report([], tmp_path / "report", published=True).html.as_uri())
    page.locator('[data-sort="kad"]').click()
    shown = models(page, section="published")
    best = page.locator("#scores td.best").all_inner_texts()
    second = page.locator("#scores td.second").count()
    assert page.locator("#samples").is_hidden()
    page.keyboard.press("j")
    page.close()
    assert heard == []
    assert shown == ["SELVA-M-44k", "SELVA-S-44k", "SELVA-L-44k", "SELVA-S-16k"]
    assert {"51.7", "0.548"} <= set(best)
    assert second > 0
