"""Settings, processes and retries that all programs share."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from baselines import GenerationError, Request
from baselines.programs.process import (
    MissingProgram,
    ProgramFailed,
    environment,
    find_interpreter,
    last_words,
    run_program,
)
from baselines.programs.program import Attempt, Program, ProgramFile, answer_with_retries, commit_of, naming_disk_errors
from baselines.programs.settings import read_settings

SOUND = np.zeros(4, np.float32)


def requests(names: str) -> list[Request]:
    return [Request(name, Path("x.mp4"), name, "", 1.0, 0) for name in names]


class Program4Tests:
    """A program that dies at some samples, a number of times each, and answers those before."""

    def __init__(self, **deaths: int) -> None:
        self.deaths, self.asked = deaths, []

    def __call__(self, waiting):
        self.asked.append("".join(request.sample_id for request in waiting))
        answers = {}
        for request in waiting:
            if self.deaths.get(request.sample_id, 0) > 0:
                self.deaths[request.sample_id] -= 1
                return Attempt(answers, f"died at {request.sample_id}")
            answers[request.sample_id] = SOUND
        return Attempt(answers)


@pytest.mark.parametrize(
    ("deaths", "asked", "failed"),
    [
        pytest.param({}, ["abcd"], "", id="well"),
        pytest.param({"c": 1}, ["abcd", "cd"], "", id="once: only what is left is asked again"),
        pytest.param({"c": 9}, ["abcd", "cd", "d"], "c", id="twice at one sample: that one has failed"),
        pytest.param({"a": 9, "c": 9}, ["abcd", "abcd", "bcd", "cd", "d"], "ac", id="two bad ones"),
        pytest.param({"c": 1, "d": 1}, ["abcd", "cd", "d"], "", id="another place is another chance"),
        pytest.param(dict.fromkeys("abcd", 9), ["abcd", "abcd", "bcd", "bcd"], "abcd", id="broken: given up"),
    ],
)
def test_a_program_that_dies_is_asked_for_what_it_left(deaths, asked, failed):
    program = Program4Tests(**deaths)
    answers = answer_with_retries(requests("abcd"), program)
    assert program.asked == asked
    outcome = dict(zip("abcd", answers, strict=True))
    assert "".join(name for name, answer in outcome.items() if isinstance(answer, GenerationError)) == failed
    for name in failed:
        assert "died at" in str(outcome[name])


def test_a_program_that_ends_well_without_an_answer_is_not_asked_again():
    (answer,) = answer_with_retries(requests("a"), lambda waiting: Attempt({}))
    assert str(answer) == "the program ended well but left no answer"


def run(code: str, tmp_path: Path, **others):
    basic = {"folder": tmp_path, "env": dict(os.environ), "log": tmp_path / "x.log", "time_limit_seconds": 60}
    run_program([sys.executable, "-c", code, "it's; $HOME\n--x"], **{**basic, **others})


def test_both_streams_and_the_command_are_in_the_log_and_no_shell_reads_the_arguments(tmp_path):
    run("import sys; print(sys.argv[1:]); print('oh', file=sys.stderr)", tmp_path)
    log = (tmp_path / "x.log").read_text()
    assert repr(["it's; $HOME\n--x"]) in log
    assert "\noh\n" in log
    assert log.startswith(f"\n$ {sys.executable} -c ")


def test_a_status_comes_with_the_last_words_of_this_start_alone(tmp_path):
    (tmp_path / "x.log").write_text("words of yesterday\n")
    with pytest.raises(ProgramFailed, match=r"status 3; its last words: b \| c \| d \| e \(log: ") as failure:
        run("print('a\\nb\\nc\\r\\nd\\n\\ne'); raise SystemExit(3)", tmp_path)
    assert "yesterday" not in str(failure.value)


def test_a_silent_end_is_called_so(tmp_path):
    with pytest.raises(ProgramFailed, match="status 3; its log is empty"):
        run("raise SystemExit(3)", tmp_path)


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended, whether or not init has taken note of its end."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_children_of_a_program_that_is_stopped_end_too(tmp_path):
    code = (
        "import pathlib, subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "pathlib.Path('child').write_text(str(child.pid)); time.sleep(600)"
    )
    with pytest.raises(ProgramFailed, match="finished nothing"):
        run(code, tmp_path, time_limit_seconds=2)
    child = int((tmp_path / "child").read_text())
    for _ in range(3000):  # it was made to end; the system takes a moment for that
        if not is_running(child):
            break
        time.sleep(0.01)
    assert not is_running(child)


def test_progress_is_told_to_the_last_output_however_quick_the_program_is(tmp_path):
    seen = []
    count = lambda: len(list(tmp_path.glob("*.out")))  # noqa: E731
    run("import pathlib; pathlib.Path('1.out').touch(); pathlib.Path('2.out').touch()", tmp_path, finished=count,
        progress=seen.append)  # fmt: skip
    assert seen[-1] == 2


def test_the_limit_counts_from_the_last_output(tmp_path):
    code = "import pathlib, time\nfor k in range(4):\n    time.sleep(1); pathlib.Path(f'{k}.out').touch()"
    seen = []
    count = lambda: len(list(tmp_path.glob("*.out")))  # noqa: E731
    run(code, tmp_path, time_limit_seconds=3.5, finished=count, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[0] == 1


def test_a_program_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ProgramFailed, match=r"cannot be started: .*No such file"):
        run_program([str(tmp_path / "absent")], folder=tmp_path, env={}, log=tmp_path / "l", time_limit_seconds=1)


def test_last_words_are_bounded_and_survive_bytes_that_are_no_text(tmp_path):
    (tmp_path / "log").write_bytes(b"x" * 50_000 + b"\xff\xfe end\n")
    words = last_words(tmp_path / "log", 0)
    assert len(words) < 800
    assert "end (log:" in words


@pytest.mark.parametrize(
    ("device", "visible"), [("cuda", "7"), ("cuda:3", "3"), ("cpu", ""), (None, "7")]
)  # the programs have cuda:0 hard-coded
def test_the_device_is_the_only_one_visible(device, visible, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert environment(None, device, {})["CUDA_VISIBLE_DEVICES"] == visible


def test_a_strange_device_is_refused():
    with pytest.raises(ValueError, match="device: expected cuda, cuda:N or cpu, got 'tpu'"):
        environment(None, "tpu", {})


def test_a_program_sees_its_own_environment_and_not_ours(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("VIRTUAL_ENV", "/ours")
    env = environment(tmp_path / "bin" / "python", None, {"HF_HOME": "/models", "PATH_TO": "é"})
    assert not {"PYTHONPATH", "VIRTUAL_ENV"} & set(env)
    assert env["PATH"].split(os.pathsep)[0] == str(tmp_path / "bin")
    assert (env["HF_HOME"], env["PATH_TO"], env["PYTHONUTF8"]) == ("/models", "é", "1")


def test_an_interpreter_is_a_file_or_an_environment_and_links_are_not_followed(tmp_path):
    (tmp_path / "env" / "bin").mkdir(parents=True)
    link = tmp_path / "env" / "bin" / "python"
    link.symlink_to(sys.executable)
    assert find_interpreter(str(tmp_path / "env")) == find_interpreter(str(link)) == link
    with pytest.raises(MissingProgram, match="is no executable; give an interpreter, an environment or conda:NAME"):
        find_interpreter(str(tmp_path / "absent"))


def test_a_conda_environment_is_found_by_name(tmp_path, monkeypatch):
    prefix = tmp_path / "envs" / "rewas"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").symlink_to(sys.executable)
    conda = tmp_path / "conda"
    conda.write_text(f'#!/bin/sh\necho \'{{"envs": ["{tmp_path}", "{prefix}"]}}\'\n')
    conda.chmod(0o755)
    monkeypatch.setenv("CONDA_EXE", str(conda))
    assert find_interpreter("conda:rewas") == prefix / "bin" / "python"
    with pytest.raises(MissingProgram, match=r"no environment 'vintage'; it has .*rewas"):
        find_interpreter("conda:vintage")


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "models.toml"
    path.write_text(text)
    return path


def test_settings_of_the_file_stand_under_those_given_and_paths_count_from_the_file(tmp_path):
    path = toml(
        tmp_path, '[rewas]\ncheckout = "here"\npython = "env/bin/python"\ntime_limit_seconds = 5\nenv = {A = 1}'
    )
    settings = read_settings("rewas", models_toml=path, time_limit_seconds=9, device=None)
    assert settings.checkout == tmp_path / "here"
    assert settings.python == str(tmp_path / "env" / "bin" / "python")
    assert (settings.time_limit_seconds, settings.env, settings.device) == (9.0, {"A": "1"}, None)
    assert read_settings("vintage", models_toml=path, default_time_limit_seconds=3).time_limit_seconds == 3


def test_a_table_that_is_nearly_called_so_is_mentioned(tmp_path):
    path = toml(tmp_path, '[rewass]\ncheckout = "here"')
    assert read_settings("rewas", models_toml=path).table == f"{path}, table [rewas] (it has [rewass] instead)"
    assert read_settings("vintage", models_toml=path).table.endswith("table [vintage] (it has no such table)")
    assert read_settings("rewass", models_toml=path).table == f"{path}, table [rewass]"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[rewas]\nchekout = "x"', r"no setting 'chekout'; did you mean 'checkout'\? there are: checkout, python"),
        ("[rewas]\nseed = 3", r"table \[rewas\]: no setting 'seed'; .* is given as --option"),
        ("[rewas]\ncheckout = 3", "checkout: expected a text, got 3"),
        ("[rewas]\ntime_limit_seconds = -1", "expected seconds above 0, got -1"),
        ("[rewas]\nenv = 3", "env: expected names and texts, got 3"),
        ("rewas = 3", r"rewas is 3, expected a table \[rewas\]"),
        ("[rewas", "not TOML"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_file_and_key(tmp_path, text, reason):
    with pytest.raises(ValueError, match=reason):
        read_settings("rewas", models_toml=toml(tmp_path, text))


def test_a_file_that_was_asked_for_must_be_there(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"absent.toml: no such file; docs/models.toml.example"):
        read_settings("rewas", models_toml=tmp_path / "absent.toml")
    monkeypatch.chdir(tmp_path)
    assert read_settings("rewas").checkout is None


def test_the_documented_settings_are_settings():
    example = Path(__file__).parents[3] / "docs" / "models.toml.example"
    for name in ("rewas", "vintage", "vos-mmaudio", "external"):
        assert read_settings(name, models_toml=example).checkout is not None


def test_a_full_disk_is_called_so():
    with pytest.raises(GenerationError, match="the disk is full"), naming_disk_errors():
        raise OSError(28, "No space left on device", "x.wav")


def test_a_folder_without_git_has_no_commit(tmp_path):
    assert commit_of(tmp_path) == "unknown"


def test_a_checkout_at_another_commit_is_noted(checkout_of, caplog):
    from baselines.programs.program import Installation

    program = Program("p", "https://example.org/p", "abc1234", "https://example.org", "run.py", (), (ProgramFile("x"),))
    checkout = checkout_of(program)
    installation = Installation(program, read_settings("p", **checkout.settings()))
    (note,) = installation.notes
    assert note == "https://example.org/p @ unknown (the adapter was written against abc1234)"
    assert "the adapter knows abc1234" in caplog.text
