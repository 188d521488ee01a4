"""Progress: bars on a terminal, silence elsewhere, nothing on stdout."""

import io
import sys
from types import SimpleNamespace

import pytest
import rich.console

from benchmark.cli import live
from benchmark.cli.progress import progress
from foundation import events
from foundation.events import Event, Timed, span


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


def test_where_there_is_no_terminal_lines_say_how_far_it_is_if_they_are_asked_for(capsys):
    with progress("prepare", lines_every=0.0) as report:
        report("clips", 640, 15_000)
    with progress("prepare", lines_every=3600.0) as report:
        report("clips", 641, 15_000)
    assert capsys.readouterr() == ("", "prepare: 640 of 15,000 clips\n")


def test_on_a_terminal_bars_take_the_place_of_lines(screen, capsys):
    with progress("prepare", lines_every=0.0) as report:
        report("clips", 640, 15_000)
    assert capsys.readouterr() == ("", "")


def test_a_total_that_becomes_known_later_is_shown(screen):
    with progress("panns") as report:
        report("bytes", 10, 10)
        report("bytes", 20, 80)
    assert "20/80" in screen.getvalue()


def test_elsewhere_nothing_is_printed_and_nobody_listens(capsys):
    with progress("selva inter") as report:
        report("generate", 3, 4)
        assert events._listeners == ()
    assert capsys.readouterr() == ("", "")


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
