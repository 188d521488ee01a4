"""A program as it is installed: its commit, and what of it is here."""

from baselines.programs.program import Installation, Program, ProgramFile, commit_of
from baselines.programs.settings import read_settings


def test_a_folder_without_git_has_no_commit(tmp_path):
    assert commit_of(tmp_path) == "unknown"


def test_a_checkout_at_another_commit_is_noted(checkout_of, caplog):
    program = Program("p", "https://example.org/p", "abc1234", "https://example.org", "run.py", (), (ProgramFile("x"),))
    checkout = checkout_of(program)
    installation = Installation(program, read_settings("p", **checkout.settings()))
    (note,) = installation.notes
    assert note == "https://example.org/p @ unknown (the adapter was written against abc1234)"
    assert "the adapter knows abc1234" in caplog.text
