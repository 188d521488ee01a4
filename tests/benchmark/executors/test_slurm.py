"""The script of an array: bash reads it, its tasks run the command as it was said, and share the run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import benchmark
from benchmark.executors.slurm import SlurmJob, SubmissionFailed, submit


def directives(script):
    return [line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH ")]


def test_a_script_says_what_was_asked_for():
    job = SlurmJob(
        ["generate", "selva"], tasks=8, at_once=4, gpus=1, cpus=24, time="04:00:00", partition="gpu", name="night",
        extra=["--account=sound"], folder="/work space/x",
    )  # fmt: skip
    script = job.script()
    assert directives(script) == [
        "--job-name=night", "--array=0-7%4", "--ntasks=1", "--cpus-per-task=24", "--gpus-per-task=1",
        "--time=04:00:00", "--partition=gpu", "--requeue", "--open-mode=append", "--output=night-%A_%a.log",
        "--account=sound",
    ]  # fmt: skip
    assert "cd '/work space/x'\n" in script
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0


def test_every_word_of_the_command_arrives_as_it_was_said(tmp_path):
    words = ["generate", "my model.py:It's", "--option", 'prompt="$HOME `x`"', "--runs", "a b"]
    script = SlurmJob(words, folder=str(tmp_path), python="python3").script()
    fake = tmp_path / "srun"
    fake.write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_CPUS_PER_TASK": "3"}
    done = subprocess.run(["bash"], input=script, text=True, capture_output=True, env=environment, check=True)
    assert done.stdout.splitlines() == ["--cpus-per-task=3", "python3", "-P", "-m", "benchmark", *words]


def test_in_a_checkout_the_job_runs_the_checkout_and_elsewhere_no_folder_shadows_the_suite(tmp_path):
    """-P keeps the folder of the job off the path."""
    checkout = Path(benchmark.__file__).parents[1]
    assert "python3 -m benchmark eval" in SlurmJob(["eval"], folder=str(checkout), python="python3").script()
    assert "python3 -P -m benchmark eval" in SlurmJob(["eval"], folder=str(tmp_path), python="python3").script()


@pytest.mark.parametrize(
    ("words", "how", "named"),
    [
        (["report"], {}, "expected generate, evaluate or eval"),
        ([], {}, "got nothing"),
        (["generate", "selva", "--fresh"], {}, "--fresh: every task"),
        (["generate", "selva", "--trace", "t.json"], {}, "--trace: every task would write the same file"),
        (["generate", "selva", "--executor", "ray"], {}, "--executor ray"),
        (["generate", "selva"], {"tasks": 0}, "--tasks: expected 1 or more, got 0"),
        (["generate", "selva"], {"time": "a day"}, "--time: expected minutes"),
        (["generate", "selva"], {"partition": "gpu\n#SBATCH --x"}, "--partition: expected letters"),
        (["generate", "selva"], {"extra": ["account=x"]}, "--sbatch: expected one option"),
    ],
)
def test_what_tasks_cannot_share_and_slurm_cannot_read_is_refused(words, how, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        SlurmJob(words, **how)


def test_sbatch_is_asked_and_its_refusal_passed_on(tmp_path, monkeypatch):
    script = SlurmJob(["generate", "selva"]).write(tmp_path / "job.sbatch")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SubmissionFailed, match=r"sbatch is not here; submit .*job.sbatch where it is"):
        submit(script)
    sbatch = tmp_path / "sbatch"
    sbatch.write_text('#!/bin/sh\n[ "$1" = --parsable ] && echo "4711;cluster"\n')
    sbatch.chmod(0o755)
    assert submit(script) == "4711"
    sbatch.write_text("#!/bin/sh\necho 'invalid partition' >&2; exit 1\n")
    with pytest.raises(SubmissionFailed, match=r"refuses .*job.sbatch: invalid partition"):
        submit(script)


def test_the_command_line_writes_the_script(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command("slurm", "--tasks", 3, "--gpus", 0, "--", "evaluate", "runs/x", "--share")
    assert done.status == 0, done.err
    assert done.out == "vgg-monoaudio.sbatch; submit it with: sbatch vgg-monoaudio.sbatch\n"
    script = (tmp_path / "vgg-monoaudio.sbatch").read_text()
    assert "--array=0-2" in directives(script)
    assert shlex.join([sys.executable, "-P", "-m", "benchmark", "evaluate", "runs/x", "--share"]) in script


def test_an_option_that_the_verb_does_not_have_is_said_before_the_tasks_find_it(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command("slurm", "--", "generate", "selva", "--nosuch", "1")
    assert done.status == 2
    assert "--nosuch" in done.message
    assert list(tmp_path.iterdir()) == []
