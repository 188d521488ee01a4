"""Progress: bars on a terminal, silence elsewhere, nothing on stdout."""

import io

import pytest
import rich.console

from benchmark.cli.progress import progress


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


def test_a_total_that_becomes_known_later_is_shown(screen):
    with progress("panns") as report:
        report("bytes", 10, 10)
        report("bytes", 20, 80)
    assert "20/80" in screen.getvalue()


def test_elsewhere_nothing_is_printed(capsys):
    with progress("selva inter") as report:
        report("generate", 3, 4)
    assert capsys.readouterr() == ("", "")


def test_an_error_within_leaves_the_bars_and_is_not_held_back(screen):
    with pytest.raises(KeyError), progress() as report:  # noqa: PT012
        report("generate", 1, 4)
        raise KeyError("frames")
