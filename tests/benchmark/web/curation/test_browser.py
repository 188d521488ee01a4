"""The pages in a real browser: by keyboard alone, by two people at once, and where something is amiss."""

import subprocess
from dataclasses import replace

import pytest
from support.chromium import NEEDS_CHROMIUM, axe_violations
from support.curation_pages import at, press
from support.decisions import decision
from support.servers import answering

from benchmark.web.curation.app import create_app
from benchmark.web.curation.site import pairs_path
from foundation import media
from vgg_monoaudio.selection.decisions import read_decisions
from vgg_monoaudio.selection.pair_decisions import PAIR_DECISIONS, pair_verdicts
from vgg_monoaudio.selection.verdicts import apply_decisions

pytestmark = [pytest.mark.browser, NEEDS_CHROMIUM]


def test_one_reviewer_curates_ten_clips_by_keyboard_alone(served, comes, asked, clips):
    page = comes(served, "Ada")
    at(page, clips[0])
    for place, clip in enumerate(clips):
        at(page, clip)
        press(page, "1", "2", "3")
        if place == 2:
            press(page, "l", "l")  # VGGSound's, then UnAV-100's
        if place == 4:
            press(page, "2", "n")  # not in view, and why
            page.keyboard.type('behind "the" player, 1 2 3')
            press(page, "Escape")
        if place == 6:
            press(page, "Enter")  # refused: no label is chosen yet
            assert "choose the label" in page.locator("#complaint").inner_text()
            press(page, "l")
        if place == 7:
            press(page, "]", "]", "{")
        press(page, "Enter")
    page.wait_for_function("() => document.querySelector('#count').textContent === '10 of 10 decided'")
    made = {one.clip_id: one for one in read_decisions(asked.decisions)}
    assert list(made) == clips
    assert {one.reviewer for one in made.values()} == {"Ada"}
    assert made[clips[2]].label == "driving buses"
    assert (made[clips[4]].visible, made[clips[4]].note) == (False, 'behind "the" player, 1 2 3')
    assert made[clips[6]].label == "baby laughter"
    assert made[clips[7]].start_offset_seconds == 0.36
    assert [clip for clip, one in made.items() if not one.accepted] == [clips[4]]


def test_enter_ends_the_choice_of_another_label_and_keys_are_keys_again(served, comes, asked, clips):
    page = comes(served, "Ada")
    at(page, clips[0])
    press(page, "o")
    page.keyboard.type("playing harp")
    press(page, "Enter", "a", "Enter")
    at(page, clips[1])
    assert [(one.label, one.accepted) for one in read_decisions(asked.decisions)] == [("playing harp", True)]


def test_keys_do_nothing_where_there_are_no_pairs(served, comes, clips):
    page = comes(served, "Ada")
    at(page, clips[0])
    page.goto(f"{served}/pairs")
    page.wait_for_selector("#nothing")
    press(page, "j", "k", " ", "1", "2", "g", "y", "n", "u")  # what fails is logged, which `comes` refuses
    page.wait_for_function("() => document.querySelector('#toast').textContent.startsWith('Nothing of yours')")


def test_undo_and_reload_lose_nothing(served, comes, asked, clips):
    page = comes(served, "Ada")
    at(page, clips[0])
    press(page, "1", "1", "2", "3", "Enter")
    at(page, clips[1])
    press(page, "1", "2", "]", "n")
    page.keyboard.type("not yet")
    page.reload()
    at(page, clips[1])
    assert page.locator("#note").input_value() == "not yet"
    assert page.locator("#start-shown").inner_text() == "0.20 s"
    assert page.locator('[aria-pressed=true][data-answer="yes"]').count() == 2
    press(page, "u")
    at(page, clips[0])
    assert read_decisions(asked.decisions) == []
    pressed = page.locator('[data-criterion="single_source"] [aria-pressed=true]')
    assert pressed.inner_text() == "No"
    press(page, "1", "1", "Enter")  # undecided, then yes
    at(page, clips[1])
    assert [one.single_source for one in read_decisions(asked.decisions)] == [True]
    assert page.locator("#note").input_value() == "not yet"


def test_two_reviewers_differ_and_settle_it(served, comes, asked, clips):
    ada, bob = comes(served, "Ada"), comes(served, "Bob <i>B</i>")
    for page, keys in ((ada, "123"), (bob, "1223")):
        at(page, clips[0])
        press(page, *keys, "Enter")
        at(page, clips[1])
    bob.goto(f"{served}/conflicts")
    row = bob.locator("tbody tr")
    assert [cell.strip() for cell in row.first.locator("th, td").all_inner_texts()] == ["visible", "yes", "no", "open"]
    assert bob.locator("thead th").all_inner_texts()[1:3] == ["Ada", "Bob <i>B</i>"]
    bob.get_by_role("link", name="Decide anew").click()
    at(bob, clips[0])
    assert "Ada" in bob.locator("#others").inner_text()
    assert bob.locator("#mark").inner_text() == "reviewers differ"
    press(bob, "2", "2", "Enter")
    bob.wait_for_function("() => document.querySelector('#mark').textContent === 'accepted'")
    bob.goto(f"{served}/conflicts")
    assert "differ about no clip" in bob.locator("main").inner_text()
    bob.goto(f"{served}/agreement")
    assert bob.locator("tbody tr").nth(1).locator("td").nth(2).inner_text() == "100%"
    assert apply_decisions(read_decisions(asked.decisions)).sources["clip_id"].to_list() == [clips[0]]


def test_the_page_of_numbers_renews_itself(served, comes, site, clips):
    page = comes(served, "Ada")
    at(page, clips[0])
    page.goto(f"{served}/agreement")
    assert "Zoe" not in page.locator("main").inner_text()
    site.desk.decide(decision(clips[0], "Zoe"))
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_function("() => document.querySelector('#live').textContent.includes('Zoe')")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_known_name_is_asked_about_and_taken_or_changed_by_keyboard(served, comes, site, clips, scripts):
    site.desk.decide(decision(clips[0], "Ann"))
    page = comes(served, "Ann", expects=["422"], bypass_csp=True, java_script_enabled=scripts, width=390)
    question = "#question:focus:text('Ann has decided here; is that you?')"
    page.wait_for_selector(question)
    if scripts:
        assert axe_violations(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    press(page, "Tab", "Tab", "Enter")
    page.wait_for_selector("#name:focus")
    page.keyboard.type("ann")
    press(page, "Enter")
    page.get_by_role("alert").wait_for()
    assert "spell it so" in page.get_by_role("alert").inner_text()
    if scripts:
        assert axe_violations(page) == []
    page.wait_for_selector("#name:focus")
    press(page, "Control+a")
    page.keyboard.type("Ann")
    press(page, "Enter")
    page.wait_for_selector(question)
    press(page, "Tab", "Enter")
    page.locator(".who", has_text="Ann").wait_for()


LATEST_MOMENT = """() => new Promise((tell) => {
  const film = document.querySelector('#film');
  let latest = 0;
  const look = () => {
    latest = Math.max(latest, film.currentTime);
    if (film.currentTime < 2) tell(latest);
    else requestAnimationFrame(look);
  };
  film.addEventListener('seeked', () => { film.play(); look(); }, { once: true });
  film.currentTime = 8.1;
})"""


def test_frames_steps_loop_and_the_start_on_the_time_line(served, comes, clips):
    page = comes(served, "Ada")
    at(page, clips[0])
    moment = "() => document.querySelector('#film').currentTime"
    press(page, "j")
    at(page, clips[1])
    press(page, "k")
    at(page, clips[0])
    page.evaluate("() => document.querySelector('#film').pause()")
    press(page, "]")
    page.wait_for_function("() => Math.abs(document.querySelector('#film').currentTime - 0.2) < 0.01")
    before = page.evaluate(moment)
    press(page, ".")
    page.wait_for_function("before => document.querySelector('#film').currentTime > before", arg=before)
    press(page, ",")
    page.wait_for_function(
        "before => Math.abs(document.querySelector('#film').currentTime - before) < 0.01", arg=before
    )  # a frame has 0.03 s at least
    assert page.evaluate(LATEST_MOMENT) < 9.5  # the 8 s from 0.2 s on; the film has 10 s, and the machine may be slow
    page.evaluate("() => document.querySelector('#film').pause()")
    box = page.locator("#wave").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 100 + box["width"] / 10, box["y"] + 40, steps=4)
    page.mouse.up()
    assert float(page.locator("#start").input_value()) == pytest.approx(1.2, abs=0.05)
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"], box["y"] + 40, steps=4)
    page.mouse.up()
    assert page.locator("#start-shown").inner_text() == "2.00 s"
    page.evaluate("() => { document.querySelector('#film').currentTime = 9.9; }")
    press(page, " ")
    page.wait_for_function(
        "() => document.querySelector('#film').currentTime > 2.05 && document.querySelector('#film').currentTime < 5"
    )


def test_the_outline_of_the_sound_is_drawn(served, comes, clips):
    page = comes(served, "Ada", expects=("willReadFrequently",))  # advice to who looks often, as the wait below does
    at(page, clips[0])
    page.wait_for_function("""() => {
      const canvas = document.querySelector('#wave');
      const { data, width } = canvas.getContext('2d').getImageData(0, 8, canvas.width, canvas.height - 30);
      const pixels = new Uint32Array(data.buffer);
      const columns = [...Array(width).keys()].map((x) => pixels.filter((_, at) => at % width === x).join());
      return new Set(columns).size > 20; // without a sound: the ground, the edges of the 8 s, and where one is
    }""")


def test_a_missing_clip_says_why_and_an_odd_one_is_shown_as_a_preview(comes, asked, opened, clips, odd_folder):
    with answering(create_app(opened(replace(asked, clips=odd_folder)))) as address:
        page = comes(address, "Ada")
        at(page, clips[1])  # the first undecided one that is there
        assert "shown as a copy" in page.locator("#footage").inner_text()
        assert page.evaluate("() => document.querySelector('#film').src").endswith("?preview=true")
        page.select_option("#show", "missing")
        page.wait_for_function("clip => document.querySelector('#clip-title').textContent === clip", arg=clips[0])
        assert page.locator("#missing").inner_text() == "no file of this clip in the folder odd"
        assert page.locator("#save").is_disabled()
        assert page.locator("#lines .line").count() == 9
        page.context.close()


@pytest.fixture
def odd_folder(ten_clips, clips, tmp_path):
    """Two of the ten clips: one is not there, and the second is in a container that no browser opens."""
    folder = tmp_path / "odd"
    folder.mkdir()
    command = [media.ffmpeg_executable(), "-v", "error", "-i", str(ten_clips / f"{clips[1]}.mp4"), "-t", "1"]
    subprocess.run([*command, "-vcodec", "mpeg4", "-acodec", "pcm_s16le", str(folder / f"{clips[1]}.avi")], check=True)
    return folder


def test_what_could_not_be_saved_stays_and_is_saved_when_the_server_is_back(served, comes, asked, clips):
    page = comes(served, "Ada", expects=["ERR_FAILED"])
    at(page, clips[0])
    page.route("**/api/clips/*", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    press(page, "a", "Enter")
    page.wait_for_selector("#complaint:not([hidden])")
    assert "does not answer" in page.locator("#complaint").inner_text()
    assert page.locator("#clip-title").inner_text() == clips[0]
    assert not asked.decisions.exists()
    page.unroute("**/api/clips/*")
    press(page, "Enter")
    at(page, clips[1])
    assert len(read_decisions(asked.decisions)) == 1
    assert page.locator("#complaint").is_hidden()


def test_pairs_are_decided_by_keyboard_one_by_one_and_as_a_group(accepted, served, comes, asked, clips):
    page = comes(served, "Ada")
    at(page, clips[0])
    page.goto(f"{served}/pairs")
    count = "text => document.querySelector('#count').textContent === text"
    page.wait_for_function(count, arg="0 of 8 pairs decided")
    assert page.locator(".question").inner_text().replace("\n", " ") == (
        "Does the prompt dog barking also describe the paired clip, sheep bleating?"
    )
    press(page, "y")
    page.wait_for_function(count, arg="1 of 8 pairs decided")
    press(page, "g", "n")
    page.wait_for_function(count, arg="4 of 8 pairs decided")
    assert "sheep bleating" in page.locator(".question q").inner_text()  # the other direction is next
    press(page, "u")
    page.wait_for_function(count, arg="1 of 8 pairs decided")
    press(page, "g", "n")
    page.wait_for_function(count, arg="4 of 8 pairs decided")
    press(page, "g", "y")
    page.wait_for_function(count, arg="8 of 8 pairs decided")
    made = PAIR_DECISIONS.read(pairs_path(asked.decisions))
    assert sorted(pair_verdicts(made)["also_describes"]) == [False] * 3 + [True] * 5
    assert page.locator("#groups .line").all_inner_texts() == [
        "dog barking → sheep bleating\n1 of 4 dropped", "sheep bleating → dog barking\n4 of 4 dropped",
    ]  # fmt: skip


def test_of_two_clips_one_plays(accepted, served, comes, clips):
    page = comes(served, "Ada")
    at(page, clips[0])
    page.goto(f"{served}/pairs")
    page.wait_for_selector(".side.heard")
    playing = "() => [...document.querySelectorAll('.side video')].map((video) => !video.paused)"
    for key, wanted in (("1", [True, False]), ("2", [False, True]), (" ", [False, False]), (" ", [False, True])):
        press(page, key)
        page.wait_for_function(f"wanted => ({playing})().join() === wanted.join()", arg=wanted)
    assert page.locator(".side.heard").get_attribute("data-side") == "paired"


def test_the_clip_of_a_pair_that_cannot_be_shown_says_why(accepted, comes, asked, opened, tmp_path):
    (tmp_path / "few").mkdir()
    with answering(create_app(opened(replace(asked, clips=tmp_path / "few")))) as address:
        page = comes(address, "Ada", expects=("404",))
        page.wait_for_selector("#lines li")
        page.goto(f"{address}/pairs")
        for side in ("target", "paired"):
            said = page.locator(f".side[data-side={side}] .missing")
            said.wait_for(state="visible")
            assert said.inner_text() == "no file of this clip in the folder few"


def test_marks_of_other_clips_change_with_the_next_decision(served, comes, site, clips):
    page = comes(served, "Ada")
    at(page, clips[0])
    page.select_option("#show", "all")
    state = "([clip, state]) => document.querySelector(`[data-clip='${clip}']`).dataset.state === state"
    for name, visible in (("Bob", True), ("Zoe", False)):
        site.desk.decide(decision(clips[5], name, label="playing accordion", visible=visible))
    assert page.evaluate(state, [clips[5], "undecided"])
    press(page, "a", "Enter")
    page.wait_for_function(state, arg=[clips[0], "accepted"])
    page.wait_for_function(state, arg=[clips[5], "conflict"])
    site.desk.undo("Zoe")
    press(page, "u")
    page.wait_for_function(state, arg=[clips[0], "undecided"])
    page.wait_for_function(state, arg=[clips[5], "undecided"])
