"""Progress: bars on a terminal and in a notebook, lines elsewhere, nothing on stdout."""

import io
import sys
from types import SimpleNamespace

import pytest
import rich.console

from benchmark import live
from benchmark.progress import Lines, progress, shown
from foundation import events
from foundation.events import Event, Timed, span


@pytest.fixture(autouse=True)
def wanted(monkeypatch):
    monkeypatch.delenv("VGG_MONOAUDIO_PROGRESS")


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    """A terminal that keeps what is drawn on it, in place of stderr."""
    drawn = Terminal()
    real = rich.console.Console

    def console(stderr):
        assert stderr
        return real(file=drawn, width=100, force_terminal=True, color_system=None)

    monkeypatch.setattr(rich.console, "Console", console)
    return drawn


def test_a_stage_is_a_bar_with_its_counts(screen, capsys):
    with progress("selva inter") as report:
        report("generate", 0, 4)
        report("generate", 3, 4)
    assert "selva inter generate" in screen.getvalue()
    assert "3/4" in screen.getvalue()
    assert capsys.readouterr() == ("", "")


def test_stages_appear_as_they_begin_each_with_a_bar_of_its_own(screen):
    with progress() as report:
        report("decode", 2, 2)
        before = screen.getvalue()
        report("score", 1, 5)
    assert "score" not in before
    assert "decode" in screen.getvalue()
    assert "1/5" in screen.getvalue()


def test_where_there_is_no_terminal_a_line_says_that_a_stage_begins_and_one_every_30_s_how_far_it_is(capsys, clock):
    report = Lines("selva inter", clock)
    for clock.now, done in ((0.0, 0), (10.0, 20), (29.0, 100), (30.0, 120), (59.0, 230), (120.0, 240)):
        report("generate", done, 1560)
    report("features", 3, 60)
    clock.now = 130.0
    report("features", 60, 60)
    clock.now = 390.0
    report("generate", 1560, 1560)
    assert capsys.readouterr() == (
        "",
        "selva inter generate: 0 of 1,560\n"
        "selva inter generate: 120 of 1,560, 4.0/s, 0:06:00 left\n"
        "selva inter generate: 240 of 1,560, 2.0/s, 0:11:00 left\n"
        "selva inter features: 3 of 60\n"
        "selva inter features: 60 of 60, in 0:00:10, 5.7/s\n"
        "selva inter generate: 1,560 of 1,560, in 0:06:30, 4.0/s\n",
    )


def test_the_end_of_a_stage_is_told_once(capsys, clock):
    report = Lines("selva", clock)
    report("generate", 130, 140)  # of a run that goes on
    clock.now = 29.0
    report("generate", 139, 140)
    clock.now = 50.0
    report("generate", 140, 140)
    report("generate", 140, 140)
    assert capsys.readouterr().err == "selva generate: 130 of 140\nselva generate: 140 of 140, in 0:00:50, 5.0 s each\n"


def test_the_end_of_a_short_stage_is_told_and_where_the_others_stood_when_the_work_was_over(capsys, clock):
    lines = Lines("selva", clock)
    lines("generate", 0, 4)
    lines("metrics", 0, 14)
    lines("read", 2, 2)
    clock.now = 4.0
    lines("generate", 4, 4)
    lines("metrics", 3, 14)
    lines.close()
    assert capsys.readouterr().err == (
        "selva generate: 0 of 4\nselva metrics: 0 of 14\nselva read: 2 of 2\n"
        "selva generate: 4 of 4, in 0:00:04, 1.0/s\nselva metrics: ended at 3 of 14, after 0:00:04\n"
    )


def test_work_that_is_broken_off_says_where_it_stood(capsys):
    with pytest.raises(KeyboardInterrupt), progress("selva inter") as report:  # noqa: PT012
        report("generate", 1, 4)
        raise KeyboardInterrupt
    assert capsys.readouterr().err.endswith("selva inter generate: ended at 1 of 4, after 0:00:00\n")


def test_bytes_are_told_in_units_and_may_have_a_total_later(capsys, clock):
    report = Lines("panns", clock)
    for clock.now, done, total in ((0.0, 10, 10), (1.0, 1000, 1000), (31.0, 62_000_010, 300_000_000)):
        report("bytes", done, total)
    assert capsys.readouterr().err == (
        "panns bytes: 10 bytes of 10 bytes\npanns bytes: 62.0 MB of 300.0 MB, 2.0 MB/s, 0:01:59 left\n"
    )


def test_lines_hold_no_control_character_however_the_terminal_is_called(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    with progress("selva inter") as report:
        report("generate", 0, 4)
        report("generate", 4, 4)
    out, err = capsys.readouterr()
    assert (out, err.isascii(), "\r" in err or "\x1b" in err) == ("", True, False)
    assert err.splitlines()[1].startswith("selva inter generate: 4 of 4, in 0:00:00")


def test_the_environment_turns_all_of_it_off(screen, monkeypatch):
    monkeypatch.setenv("VGG_MONOAUDIO_PROGRESS", "0")
    with progress("selva inter") as report:
        report("generate", 0, 4)
    assert screen.getvalue() == ""


def test_a_caller_s_own_callback_takes_the_place_of_lines_and_false_asks_for_none(capsys):
    seen = []
    for given in (lambda *step: seen.append(step), False):
        with shown(given, "selva") as report:
            report("generate", 1, 2)
    assert (seen, capsys.readouterr().err) == ([("generate", 1, 2)], "")
    for given in (None, True):
        with shown(given, "selva") as report:
            report("generate", 1, 2)
    assert capsys.readouterr().err.count("selva generate: 1 of 2\n") == 2


def test_from_python_lines_come_by_themselves(tiny, models, tmp_path, capsys):
    from benchmark import Choices, evaluate, generate

    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path / "runs")
    choices = Choices(profile="signal", resamples=40, metrics=("kl", "clap"))
    evaluate(run, tiny.path, choices, cache=tmp_path / "cache", workers=0)
    told = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    stages = ["humming inter generate", "humming inter features", "humming inter metrics"]
    assert told == [stage for stage in stages for _ in ("begun", "ended")]
    generate(tiny.path, "humming", subset="inter", runs=tmp_path / "quiet", progress=False)
    evaluate(run, tiny.path, Choices(profile="signal", resamples=40), cache=tmp_path / "c", workers=0, progress=False)
    assert capsys.readouterr().err == ""


NOTEBOOK = """
from benchmark.progress import progress
with progress("selva inter") as report:
    report("generate", 1, 4)
"""


def test_a_notebook_shows_a_bar_as_a_widget(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipywidgets")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    client = nbclient.NotebookClient(book, store_widget_state=True, resources={"metadata": {"path": tmp_path}})
    client.execute()
    kinds = {output.output_type for output in book.cells[0].outputs}
    assert "stream" not in kinds, "lines on stderr"
    assert any(state["_model_name"] == "OutputModel" for state in map(dict, client.widget_state.values()))


def test_a_total_that_becomes_known_later_is_shown(screen):
    with progress("panns") as report:
        report("bytes", 10, 10)
        report("bytes", 20, 80)
    assert "20/80" in screen.getvalue()


def test_where_lines_are_told_nobody_listens_to_events(capsys):
    with progress("selva inter") as report:
        report("generate", 3, 4)
        assert events._listeners == ()
    assert capsys.readouterr().out == ""


def test_rates_and_queues_stand_below_the_bars(screen):
    with progress("selva inter") as report:
        report("generate", 1, 4)
        for sample in "abc":
            Timed(None, 1, 2, 3, 4).told("decode", sample)
        with span("generate", ("a",)):
            pass
    last = screen.getvalue()
    assert "/s" in last
    assert "2 wait to generate · 1 wait to write" in last
    assert events._listeners == ()


def test_a_stage_s_rate_is_that_of_the_last_seconds(monkeypatch):
    clock = [0]
    monkeypatch.setattr(live.time, "perf_counter_ns", lambda: clock[0])
    shown = live.Live()
    assert shown.text() == ""
    for second, samples in ((1, ("a", "b")), (4, ("c", "d")), (12, ("e", "f", "g"))):
        clock[0] = second * 10**9
        shown(Event("generate", 0, 1, 2, 3, samples))
        if second == 4:
            assert shown.text() == "generate 1.0/s · 4 wait to write"
    assert shown.text() == "generate 0.5/s · 7 wait to write"
    shown(Event("write", 0, 1, 2, 3, tuple("abcdefg")))
    clock[0] = 60 * 10**9
    assert shown.text() == ""


def test_a_gpu_s_memory_is_told_where_this_process_uses_one(monkeypatch):
    class Cuda:
        used = False

        def is_initialized(self):
            return self.used

        def mem_get_info(self):
            return 71_000_000_000, 79_700_000_000

    cuda = Cuda()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert live.gpu_memory() == ""
    cuda.used = True
    assert live.gpu_memory() == "GPU 8.7 of 80 GB"
    monkeypatch.delitem(sys.modules, "torch")
    assert live.gpu_memory() == ""


def test_an_error_within_leaves_the_bars_and_is_not_held_back(screen):
    with pytest.raises(KeyError), progress() as report:  # noqa: PT012
        report("generate", 1, 4)
        raise KeyError("frames")
