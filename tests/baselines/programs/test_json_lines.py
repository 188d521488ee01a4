"""Programs that speak JSON Lines: the protocol, and what each kind of misbehaviour costs."""

import json
import os
import shlex
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from baselines import GenerationError, load_model
from baselines.programs import conversation as conversations
from baselines.programs.conversation import Conversation
from baselines.programs.json_lines import JsonLines, split_command
from baselines.programs.process import MissingProgram, ProgramFailed, started
from baselines.programs.settings import read_settings

ROOT = Path(__file__).parents[3]
TALKER = ROOT / "tests" / "support" / "programs" / "talker.py"
EXAMPLE = ROOT / "docs" / "examples" / "humming_model.py"


@pytest.fixture
def talker(tmp_path):
    """Makes the model whose program misbehaves as told; closes it at the end."""
    made = []

    def make(mood: str = "", at: str = "two", **options) -> JsonLines:
        env = {"MOOD": mood, "AT": at, "NOTES": str(tmp_path), **options.pop("env", {})}
        basic = {"command": [sys.executable, TALKER], "env": env, "log": tmp_path / "log", "time_limit_seconds": 60}
        made.append(JsonLines(**{**basic, **options}))
        return made[-1]

    yield make
    for model in made:
        model.close()


@pytest.fixture
def three(ask):
    return [ask(name, prompt, duration=1.0) for name, prompt in (("x", "one"), ("y", "two"), ("z", "three"))]


def test_a_request_has_the_members_of_the_documented_one(talker, ask, tmp_path):
    talker().generate(ask(duration=1.0))
    page = (ROOT / "docs" / "external-models.md").read_text()
    documented = json.loads(page.split("```json\n")[1].split("```")[0])
    (line,) = (tmp_path / "lines").read_text().splitlines()
    given = json.loads(line)
    assert list(given) == list(documented)
    assert {key: type(value) for key, value in given.items()} == {k: type(v) for k, v in documented.items()}
    assert (given["id"], given["prompt"], given["seed"]) == ("bell__gong", "bell", 7)
    assert Path(given["video"]).is_absolute()


@pytest.mark.parametrize("prompt", ['it\'s a "dog"', "two\nlines\r\n", "--help", "ünï 狗 \U0001f514", "\u2028", "{}"])
def test_any_prompt_and_path_comes_on_one_line_and_unchanged(talker, ask, tmp_path, prompt):
    talker(work_dir=tmp_path / "a b'c\"ü").generate(ask("a b'c\"ü", prompt, duration=1.0))
    (line,) = (tmp_path / "lines").read_text().splitlines()
    assert json.loads(line)["prompt"] == prompt


def test_a_program_is_started_once_and_told_to_end(talker, three, tmp_path):
    model = talker()
    for request in three:
        model.generate(request)
    assert len((tmp_path / "started").read_text().splitlines()) == 1
    model.close()
    assert (tmp_path / "ended").read_text() == "well\n"


def test_a_file_keeps_its_rate_and_a_longer_one_is_cut(talker, ask):
    sound, rate = talker(env={"RATE": "22050"}).generate(ask(duration=1.0))
    assert (sound.shape, sound.dtype, rate) == ((22_050,), np.float32, 22_050)


def test_answers_of_a_batch_may_come_in_any_order(talker, three):
    answers = talker("reverse").generate_batch(three)
    assert [answer[0].shape for answer in answers] == [(16_000,)] * 3


def test_a_path_may_be_relative_to_the_working_directory(talker, ask, tmp_path):
    model = talker("relative", "bell", checkout=tmp_path, work_dir=tmp_path)
    assert model.generate(ask(duration=1.0))[1] == 16_000


BAD = {
    "refuse": "the program says: the video is black",
    "null": "says it wrote .*\\x00.*, but there is no such file",
    "folder": "but that is a folder",
    "pipe": "but that is a pipe or a device, not a file",
    "device": "says it wrote /dev/zero, but that is a pipe or a device, not a file",
    "link": "but that is a pipe or a device, not a file",
    "huge": "but it has 300000000 bytes, at most 268435456 are read",
    "half a character": "the program says: black \ud800",
    "half a path": "says it wrote .*\ud800.wav, but there is no such file",
    "only an empty error": "the program says: nothing, and names no path",
    "error false": "is not an answer.*tried twice",
    "nothing": r"says it wrote .*00001.wav, but there is no such file",
    "garbage": "not a media file",
    "short": "has 8000 samples, at least 16000 needed",
    "rate": "has 44100 Hz, expected 16000",
    "crash": "status 1 before it had answered; its last lines: .*RuntimeError: out of memory.*tried twice",
    "full": "No space left on device.*tried twice",
    "quit": "the program ended before it had answered.*tried twice",
    "chat": "'loading ...' is not an answer.*tried twice",
    "stranger": "is not an answer.*tried twice",
    "no path": "is not an answer.*tried twice",
    "list": "is not an answer.*tried twice",
    "deep": "is not an answer.*tried twice",
    "many digits": r"'9{120}' is not an answer.*tried twice",
    "endless": r"'x{120}' is not an answer.*tried twice",
    "not a number": "sample 0 is not finite",
}


@pytest.mark.parametrize("mood", BAD)
def test_what_goes_wrong_with_one_sample_costs_that_sample_alone(talker, three, mood):
    import re

    first, second, third = talker(mood, sample_rate=16_000).generate_batch(three)
    assert first[0].shape == third[0].shape == (16_000,)
    assert isinstance(second, GenerationError)
    assert re.search(BAD[mood], str(second), re.DOTALL), str(second)


def test_a_crash_that_does_not_come_back_costs_nothing(talker, three, tmp_path):
    answers = talker("crash once").generate_batch(three)
    assert [answer[0].shape for answer in answers] == [(16_000,)] * 3
    asked = [json.loads(line)["id"] for line in (tmp_path / "lines").read_text().splitlines()]
    assert asked == ["x", "y", "y", "z"]


def test_a_program_that_hangs_is_stopped_and_the_others_go_on(talker, three, tmp_path, limits):
    limits.end_at(tmp_path / "hangs")
    first, second, third = talker("hang", time_limit_seconds=3).generate_batch(three)
    assert first[0].shape == third[0].shape == (16_000,)
    assert "answered nothing for 3 s and was stopped" in str(second)


def test_single_bytes_do_not_prolong_the_time_limit(talker, three, tmp_path, limits):
    limits.end_at(tmp_path / "drips", from_start=True)
    first, second, third = talker("drip", time_limit_seconds=3).generate_batch(three)
    assert first[0].shape == third[0].shape == (16_000,)
    assert "answered nothing for 3 s and was stopped" in str(second)


@pytest.fixture
def said(tmp_path, monkeypatch):
    """Makes the conversation with a program that has printed a text and ended before the first answer is asked for."""
    made = []

    def start(*arguments, **options):
        process = started(*arguments, **options)
        process.wait()
        return process

    def make(text: str) -> Conversation:
        settings = read_settings("external", log=tmp_path / "log", time_limit_seconds=3)
        made.append(Conversation([sys.executable, "-c", f"print({text!r}, end='')"], settings, dict(os.environ)))
        return made[-1]

    monkeypatch.setattr(conversations, "started", start)
    yield make
    for conversation in made:
        conversation.close()


class Over:
    """A time limit that is over."""

    passed = True

    def __init__(self, _seconds: float) -> None:
        pass


def test_blank_lines_do_not_prolong_the_time_limit(said, monkeypatch):
    monkeypatch.setattr(conversations, "Deadline", Over)
    with pytest.raises(ProgramFailed, match="answered nothing for 3 s and was stopped"):
        said("\n \n\n").answer(["x"])


def test_an_answer_after_blank_lines_is_one_though_the_time_is_over(said, monkeypatch):
    monkeypatch.setattr(conversations, "Deadline", Over)
    conversation = said('\n \n{"id": "x", "path": "a"}\n\n{"id": "y", "path": "b"}\n')
    assert [conversation.answer(["x", "y"])["path"] for _ in range(2)] == ["a", "b"]


def test_a_number_of_very_many_digits_beside_an_answer_does_no_harm(said):
    conversation = said(f'{{"id": "x", "path": "a", "steps": {"9" * 5000}}}\n')
    assert conversation.answer(["x"])["path"] == "a"


def test_a_program_that_never_reads_does_not_hold_us_for_ever(ask, tmp_path, limits):
    code = f"open({str(tmp_path / 'starts')!r}, 'a').write('x\\n'); import time; time.sleep(600)"
    limits.end_at(tmp_path / "starts")
    model = JsonLines(command=[sys.executable, "-c", code], time_limit_seconds=1, log=tmp_path / "log")
    with pytest.raises(GenerationError, match="answered nothing for 1 s"):
        model.generate(ask(prompt="long " * 100_000, duration=1.0))


def test_an_input_that_the_program_does_not_read_can_be_closed(ask, tmp_path):
    """The thread that still writes to it would hold us, if it shared a lock with us."""
    ready = tmp_path / "ready"
    code = f"open({str(ready)!r}, 'w').close(); import time; time.sleep(600)"
    settings = read_settings("external", log=tmp_path / "log")
    conversation = Conversation([sys.executable, "-c", code], settings, dict(os.environ))
    conversation.ask(["long " * 100_000])
    conversation.abandon()
    assert conversation._process.returncode == -signal.SIGTERM


def test_a_child_that_keeps_the_output_open_does_not_hold_us_when_the_program_has_ended(talker, three, tmp_path):
    first, second, third = talker("leave a child").generate_batch(three)
    child = int((tmp_path / "child").read_text())
    try:
        assert first[0].shape == third[0].shape == (16_000,)
        assert "the program ended before it had answered" in str(second)
        os.kill(child, 0)  # a daemon of the user's own is left alone
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_last_line_that_is_not_ended_is_an_answer(talker, ask):
    assert talker("no line break", "bell").generate(ask(duration=1.0))[1] == 16_000


@pytest.mark.parametrize("mood", ["error null", "error empty"])
def test_an_error_of_nothing_beside_a_path_is_none(talker, ask, tmp_path, mood):
    assert talker(mood, "bell").generate(ask(duration=1.0))[1] == 16_000
    assert len((tmp_path / "started").read_text().splitlines()) == 1


def test_a_program_is_ended_at_once_when_we_are_told_to_end(talker, ask, tmp_path, monkeypatch):
    model = talker("hang", "bell")

    def interrupted(self, waiting):
        raise KeyboardInterrupt

    model.generate(ask("first", "first", duration=1.0))
    process = model._conversation._process
    monkeypatch.setattr(Conversation, "answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.generate(ask(duration=1.0))
    assert process.returncode == -signal.SIGTERM  # not asked to end by the end of its input, and waited for
    assert model._conversation is None


def test_a_command_is_split_as_a_shell_would_and_run_by_none():
    assert split_command("python 'my model.py' --x=\"a b\" $HOME ;") == [
        "python", "my model.py", "--x=a b", "$HOME", ";",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="command: empty"):
        split_command("  ")
    with pytest.raises(ValueError, match="No closing quotation"):
        split_command("python 'x")


@pytest.mark.parametrize("name", ["/absent/program", "no-such-program", "./program"])
def test_a_program_that_is_not_there_is_refused_before_anything_is_asked(name):
    with pytest.raises(MissingProgram, match=f"command: {name} is not an executable; give its path, or an interpreter"):
        JsonLines(command=f"{name} --x")


def test_a_program_is_looked_for_where_it_will_run(ask, tmp_path):
    program = tmp_path / "tools" / "my program"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport sys\nfor line in sys.stdin: raise SystemExit('found')\n")
    program.chmod(0o755)
    for command, others in (
        (["./my program"], {"checkout": program.parent}),
        (["my program"], {"env": {"PATH": str(program.parent)}}),
    ):
        model = JsonLines(command=command, log=tmp_path / "log", **others)
        with pytest.raises(GenerationError, match="its last lines: found"):
            model.generate(ask(duration=1.0))


def test_a_program_that_ends_between_check_and_start_is_the_samples_failure(ask, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/absent/interpreter\n")
    program.chmod(0o755)
    model = JsonLines(command=[program], log=tmp_path / "log")
    with pytest.raises(GenerationError, match=r"cannot be started: .*No such file"):
        model.generate(ask(duration=1.0))


def test_progress_is_told_in_samples_of_the_batch(talker, three):
    model, seen = talker("crash once"), []
    model.on_progress = seen.append
    model.generate_batch(three)
    assert seen == [1, 2, 3]


def test_a_working_directory_that_is_none_is_refused(tmp_path):
    with pytest.raises(MissingProgram, match="absent is not a folder"):
        JsonLines(command="x", checkout=tmp_path / "absent")


def test_the_example_is_forty_lines_and_runs(ask, tmp_path):
    assert len(EXAMPLE.read_text().splitlines()) <= 40
    model = load_model("external", command=shlex.join([sys.executable, str(EXAMPLE)]), log=tmp_path / "log")
    sound, rate = model.generate(ask(duration=2.0))
    again, _ = model.generate(ask(duration=2.0))
    other, _ = model.generate(ask("other", "gong", duration=2.0))
    model.close()
    assert (sound.shape, rate) == ((32_000,), 16_000)
    np.testing.assert_array_equal(sound, again)
    assert np.abs(sound - other).max() > 0.1


def test_the_harness_names_the_sample_that_failed_and_asks_for_it_alone_the_next_time(
    benchmark_of_two, tmp_path, monkeypatch
):
    from benchmark import generate

    def run() -> tuple[int, list[str]]:
        options = {"command": [sys.executable, str(TALKER)], "log": str(tmp_path / "log")}
        made = generate(
            benchmark_of_two, "external", subset="inter", runs=tmp_path / "runs", options=options, batch_size=8
        )
        record = made.read_run()
        return record.counts.generated, [failure.reason for failure in record.failures]

    for name, value in {"NOTES": str(tmp_path), "MOOD": "crash", "AT": "dog"}.items():
        monkeypatch.setenv(name, value)
    generated, reasons = run()
    assert generated == 1
    assert len(reasons) == 1
    assert "RuntimeError: out of memory" in reasons[0]
    (tmp_path / "lines").unlink()
    monkeypatch.setenv("MOOD", "")
    assert run() == (2, [])
    assert [json.loads(line)["prompt"] for line in (tmp_path / "lines").read_text().splitlines()] == ["dog"]


def test_a_reason_that_is_not_unicode_is_recorded_escaped(benchmark_of_two, tmp_path, monkeypatch):
    from benchmark import generate

    for name, value in {"NOTES": str(tmp_path), "MOOD": "half a character", "AT": "dog"}.items():
        monkeypatch.setenv(name, value)
    options = {"command": [sys.executable, str(TALKER)], "log": str(tmp_path / "log")}
    made = generate(benchmark_of_two, "external", subset="inter", runs=tmp_path / "runs", options=options)
    record = made.read_run()
    assert (record.status, record.counts.generated) == ("finished", 1)
    assert [failure.reason for failure in record.failures] == [r"the program says: black \ud800"]


def test_the_harness_shows_how_far_a_long_batch_is(benchmark_of_two, tmp_path, monkeypatch):
    from benchmark import generate

    monkeypatch.setenv("NOTES", str(tmp_path))
    options, seen = {"command": [sys.executable, str(TALKER)], "log": str(tmp_path / "log")}, []
    generate(
        benchmark_of_two, "external", subset="inter", runs=tmp_path / "runs", options=options, batch_size=8,
        progress=lambda *told: seen.append(told),
    )  # fmt: skip
    assert seen == [("generate", done, 2) for done in (0, 1, 2, 2)]


def test_how_long_a_program_may_take_and_where_its_words_go_is_no_other_question(
    benchmark_of_two, tmp_path, monkeypatch
):
    from benchmark import generate
    from benchmark.runs import UnusableRun

    monkeypatch.setenv("NOTES", str(tmp_path))

    def run(**options):
        basic = {"command": [sys.executable, str(TALKER)], "log": str(tmp_path / "log")}
        generate(benchmark_of_two, "external", subset="inter", runs=tmp_path / "runs", options={**basic, **options})

    run()
    run(time_limit_seconds=5.0, work_dir=str(tmp_path), device="cpu", log=str(tmp_path / "other log"))
    assert len((tmp_path / "started").read_text().splitlines()) == 1
    for other in ({"sample_rate": 16_000}, {"env": {"A": "b"}}, {"checkout": str(tmp_path)}):
        with pytest.raises(UnusableRun, match="pass --fresh to replace them, or keep both: --run-name"):
            run(**other)
