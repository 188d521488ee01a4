"""Logs of programs: bounded, with the last lines kept, and quoted as the end of a message."""

import os
import sys

import pytest

from baselines.programs import log
from baselines.programs.log import Log, last_lines
from baselines.programs.process import ProgramFailed, run_program


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(log, "LARGEST_LOG_BYTES", 1000)
    monkeypatch.setattr(log, "KEPT_LOG_BYTES", 400)


def test_last_lines_are_bounded_and_survive_bytes_that_are_not_text(tmp_path):
    (tmp_path / "log").write_bytes(b"x" * 50_000 + b"\xff\xfe end\n")
    words = last_lines(tmp_path / "log", 0)
    assert len(words) < 800
    assert "end (log:" in words


def test_a_log_that_another_has_cut_is_quoted_from_its_end(tmp_path):
    (tmp_path / "log").write_text("short\n")
    assert "its last lines: short (log:" in last_lines(tmp_path / "log", 10_000)


def test_a_log_that_grows_too_large_keeps_its_end_and_who_writes_goes_on(tmp_path, small):
    path = tmp_path / "folder" / "log"
    with Log(path, ["program"]) as words, path.open("ab", buffering=0) as program:
        program.write(b"".join(b"line %03d\n" % number for number in range(100)))
        assert path.stat().st_size <= 1000
        words.cut()
        assert path.read_bytes().count(b"line") == 100  # not yet too large
        program.write(b"".join(b"line %03d\n" % number for number in range(100, 200)))
        words.cut()
        program.write(b"after\n")
        lines = path.read_text().splitlines()
        assert lines[0].endswith("bytes were left out here: a log has at most 1000 bytes")
        assert lines[-3:] == ["line 198", "line 199", "after"]
        assert path.stat().st_size < 500
        assert words.last_lines().startswith("; its last lines: line 197 | line 198 | line 199 | after (log:")


def test_words_of_an_earlier_start_are_not_quoted_after_a_cut(tmp_path, small):
    (tmp_path / "log").write_text("yesterday\n" * 200)
    with Log(tmp_path / "log", ["program"]) as words:
        assert "its log is empty" in words.last_lines()
    assert (tmp_path / "log").stat().st_size < 600


def test_a_program_that_babbles_is_bounded_and_its_last_words_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(log, "LARGEST_LOG_BYTES", 1 << 20)
    monkeypatch.setattr(log, "KEPT_LOG_BYTES", 1 << 16)
    code = "import sys\nfor _ in range(64): sys.stderr.write('x' * 99 * 1000 + chr(10))\nsys.exit('last words')"
    with pytest.raises(ProgramFailed, match=r"\| last words \(log: ") as failure:
        run_program(
            [sys.executable, "-c", code], folder=tmp_path, env=dict(os.environ), log=tmp_path / "log",
            time_limit_seconds=600,
        )  # fmt: skip
    assert len(str(failure.value)) < 1000
    assert (tmp_path / "log").stat().st_size <= 1 << 20
