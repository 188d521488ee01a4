"""A program as it is installed: its commit, and what of it is here."""

import hashlib
from dataclasses import replace

import pytest

from baselines.programs.process import MissingProgram
from baselines.programs.program import Installation, Program, ProgramFile, commit_of, parts
from baselines.programs.settings import read_settings
from foundation import checkpoints


def test_a_folder_without_git_has_no_commit(tmp_path):
    assert commit_of(tmp_path) == "unknown"


def test_a_checkout_at_another_commit_is_noted(checkout_of, caplog):
    program = Program("p", "https://example.org/p", "abc1234", "https://example.org", "run.py", (), (ProgramFile("x"),))
    checkout = checkout_of(program)
    installation = Installation(program, read_settings("p", **checkout.settings()))
    (note,) = installation.notes
    assert note == "https://example.org/p @ unknown (the adapter was written against abc1234)"
    assert "the adapter knows abc1234" in caplog.text


TOOL = Program(
    "p", "https://example.org/p", "abc1234", "https://example.org/p#readme", "run.py", ("torch",),
    (ProgramFile("weights/net.pt", "rewas", "--net"), ProgramFile("config.yaml")), ("ffmpeg",),
)  # fmt: skip


def installed(place, program=TOOL, **settings) -> Installation:
    return Installation(program, read_settings("p", **place.settings(**settings)))


@pytest.mark.parametrize("lacking", ["checkout", "python"])
def test_what_nothing_says_is_asked_for_with_file_option_and_instructions(checkout_of, tmp_path, monkeypatch, lacking):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingProgram, match=rf"p: nothing says where its {lacking} is") as failure:
        installed(checkout_of(TOOL), **{lacking: None})
    for part in ("models.toml, table [p]", f"--option {lacking}=", "https://example.org/p#readme", "abc1234", "doctor"):
        assert part in str(failure.value)


def test_a_folder_without_the_script_is_not_a_checkout(checkout_of):
    checkout = checkout_of(TOOL)
    (checkout.folder / "run.py").unlink()
    with pytest.raises(MissingProgram, match=r"(?s)holds no run\.py.*a checkout of https://example\.org/p at abc1234"):
        installed(checkout)


def test_a_tool_that_the_program_calls_must_be_on_its_path(checkout_of, monkeypatch, tmp_path):
    checkout = checkout_of(TOOL)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(MissingProgram, match="p: it calls ffmpeg, which is not on its PATH; install ffmpeg"):
        installed(checkout)


def test_weights_in_the_weights_folder_are_pointed_to_by_the_flag(checkout_of, tmp_path):
    checkout = checkout_of(TOOL)
    (checkout.folder / "weights" / "net.pt").unlink()
    stored = tmp_path / "weights" / checkpoints.get("rewas").filename
    with pytest.raises(checkpoints.MissingCheckpoint, match=r'(?s)checkpoint "rewas" is missing; p needs it.*net\.pt'):
        installed(checkout)
    stored.parent.mkdir(exist_ok=True, parents=True)
    stored.write_bytes(b"weights")
    installation = installed(checkout)
    assert installation.weights["rewas"].path == stored
    assert installation._flags == ["--net", str(stored)]


def test_weights_without_a_flag_must_lie_where_the_program_looks(checkout_of, tmp_path):
    program = replace(TOOL, files=(ProgramFile("weights/net.pt", "rewas"),))
    checkout = checkout_of(program)
    assert installed(checkout, program).weights["rewas"].sha256 == hashlib.sha256(b"weights").hexdigest()
    (checkout.folder / "weights" / "net.pt").unlink()
    with pytest.raises(checkpoints.MissingCheckpoint, match=r"link it to .*net\.pt, where the program looks"):
        installed(checkout, program)


def test_a_program_that_hands_paths_to_a_shell_refuses_a_folder_with_blanks(checkout_of, tmp_path):
    program = replace(TOOL, hands_paths_to_a_shell=True)
    checkout = checkout_of(program)
    with pytest.raises(ValueError, match=r"work_dir: p hands paths in .*a b to a shell unquoted"):
        installed(checkout, program, work_dir=tmp_path / "a b")
    assert installed(checkout, program, work_dir=tmp_path / "ab").weights


def test_parts_are_looked_for_without_starting_anything(checkout_of):
    checkout = checkout_of(TOOL)
    everything = {"checkout": True, "interpreter": True, "ffmpeg": True, "rewas": True, "config.yaml": True}
    assert parts(TOOL, read_settings("p", **checkout.settings())) == everything
    nothing = parts(TOOL, read_settings("p"))
    assert not any(there for name, there in nothing.items() if name != "ffmpeg")
    assert checkout.noted("starts") == []
