"""`study create`, `serve`, `status`, `export` as a lab types them."""

import json
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import urllib.request

import pytest
from support.small_benchmarks import short_film
from support.small_studies import lay_ground

from benchmark.cli.studying import _admin_address
from benchmark.web.study.texts import default_criteria, default_texts

__all__ = ["short_film"]


@pytest.fixture(scope="module")
def ground(tmp_path_factory, short_film):
    return lay_ground(tmp_path_factory.mktemp("ground"), short_film)


@pytest.fixture
def example(command, ground, tmp_path):
    """A file of settings as `--example` writes it, for the runs of the ground."""
    done = command("study", "create", "--example", "study.toml", "--runs", ground.runs[0].parents[2])
    assert done.status == 0, done.err
    return tmp_path / "study.toml", done


def test_an_example_names_the_finished_runs_and_is_ready_to_use(command, ground, example, tmp_path):
    path, done = example
    assert "3 finished runs" in done.out
    assert done.out.splitlines()[-1] == f"next: read it through, then python -m benchmark study create {path.name}"
    assert tomllib.loads(path.read_text())["runs"] == [str(run) for run in ground.runs]
    created = command("study", "create", path, "--benchmark", ground.benchmark)
    assert created.status == 0, created.err
    assert "results/studies/first-study: created" in created.out
    assert "24 items, 5 raters each: 120 answers, at least 6 raters" in created.out
    assert "criteria: AQ (Audio quality), TA (Text and sound), VA (Picture and sound)" in created.out
    assert "tutorial: 12 examples" in created.out
    assert created.err == ""
    again = command("study", "create", path, "--benchmark", ground.benchmark)
    assert "is there already, whole" in again.out
    shown = command("study", "status", "results/studies/first-study", "--json")
    assert json.loads(shown.out)["places_left"] == 120
    told = command("study", "status", "results/studies/first-study").out
    assert "0 of 120" in told
    assert "120 answers, at least 6 raters" in told
    exported = command("study", "export", "results/studies/first-study", "--out", "tables")
    assert exported.out.splitlines()[0] == "tables/answers.csv: 0 rows"


def test_an_example_tells_raters_of_all_that_is_stored_of_them(example):
    told = " ".join(tomllib.loads(example[0].read_text())["data_kept"].split())
    stored = ("answers and when", "how often you played", "left the page", "reported of clips", "agreed and finished",
              "size of your window", "sound check", "write at the end", "panel")  # fmt: skip
    assert [one for one in stored if one not in told] == []


def test_an_example_does_not_replace_a_file(command, example):
    path, _ = example
    done = command("study", "create", "--example", path)
    assert (done.status, "is there already" in done.err) == (2, True)


def test_an_example_without_runs_says_how_to_make_one_and_is_not_written(command, tmp_path):
    done = command("study", "create", "--example", "study.toml")
    assert done.status == 2
    assert done.message.startswith("results/runs: no finished run; `python -m benchmark eval` makes one")
    assert not (tmp_path / "study.toml").exists()


def test_an_example_leaves_out_a_run_that_cannot_be_read_and_says_so(command, ground, tmp_path):
    for run in ground.runs[:2]:
        shutil.copytree(run, tmp_path / "runs" / run.name)
    (tmp_path / "runs" / ground.runs[0].name / "run.json").write_text("{")
    done = command("study", "create", "--example", "study.toml", "--runs", "runs")
    assert (done.status, "1 finished runs of runs" in done.out) == (0, True)
    assert f"left out: runs/{ground.runs[0].name}/run.json" in done.err


def test_an_example_elsewhere_names_runs_as_they_are_seen_from_there(command, ground, tmp_path, monkeypatch):
    shutil.copytree(ground.runs[0], tmp_path / "runs" / "oracle")
    (tmp_path / "plans").mkdir()
    path = tmp_path / "plans" / "study.toml"
    assert command("study", "create", "--example", "plans/study.toml", "--runs", "runs").status == 0
    assert tomllib.loads(path.read_text())["runs"] == ["../runs/oracle"]
    monkeypatch.chdir("/")
    done = command("study", "create", path, "--benchmark", ground.benchmark, "--out", tmp_path / "study")
    assert done.status == 0, done.err
    path.write_text(path.read_text().replace("../runs/oracle", "runs/oracle"))
    done = command("study", "create", path, "--benchmark", ground.benchmark, "--out", tmp_path / "other")
    assert f"runs: {tmp_path}/plans/runs/oracle/run.json: no such file" in done.err


def test_where_no_benchmark_is_none_is_built_and_the_places_are_named(command, example, tmp_path):
    path, _ = example
    done = command("study", "create", path)
    assert done.status == 2
    assert f"looked for {tmp_path}/data/vgg-monoaudio and {tmp_path}/data/demo" in done.message
    assert done.message.startswith("--benchmark: ")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["study.toml"]


def test_every_problem_of_the_settings_is_a_line(command, example):
    path, _ = example
    path.write_text(path.read_text().replace("raters_per_item", "raters_an_item").replace('"rating"', '"stars"'))
    done = command("study", "create", path)
    assert done.status == 2
    first, *others = done.err.splitlines()
    assert first == f"error: {path}: 2 problems"
    assert [line.split(":")[0].strip() for line in others] == ["form", "raters_an_item"]


def test_a_number_of_items_that_was_lowered_is_told(command, ground, example):
    path, _ = example
    path.write_text(path.read_text().replace('"rating"', '"preference"').replace("repeats = 1", "repeats = 0"))
    done = command("study", "create", path, "--benchmark", ground.benchmark)
    assert "items_per_rater: 20 asked for, 8 given" in done.err
    assert "24 items, 5 raters each: 120 answers, at least 15 raters" in done.out
    assert "a rater: 8 items" in done.out


def test_criteria_in_place_of_the_default_ones_are_told_with_what_the_tutorial_lacks(command, ground, example):
    path, _ = example
    asked = '[criteria.AQ]\nname = "Klang"\nquestion = "Wie gut?"\nwords = ["1", "2", "3", "4", "5"]\n'
    path.write_text(path.read_text() + asked)
    done = command("study", "create", path, "--benchmark", ground.benchmark)
    assert done.status == 0
    assert "criteria: AQ (Klang)\ntutorial: no examples" in done.out
    first, second = done.err.splitlines()[-2:]
    assert first == "[criteria] of the file stands in place of AQ, TA and VA: nobody is asked TA, VA"
    assert second == "tutorial: none of AQ, for want of the keys good, bad and bad_example"


def test_criteria_that_the_example_shows_are_ready_to_use(command, ground, example):
    path, _ = example
    text = path.read_text()
    start = text.index("# [criteria.Q]")
    shown, others = text[start:].split("\n\n", 1)
    path.write_text(text[:start] + re.sub("^# ", "", shown, flags=re.M) + "\n" + others)
    done = command("study", "create", path, "--benchmark", ground.benchmark)
    assert "criteria: Q (Quality)\ntutorial: 4 examples" in done.out, done.err


def test_an_example_in_another_language_has_every_sentence_and_those_left_in_english_are_told(
    command, ground, tmp_path
):
    words = ("study", "create", "--example", "study.toml", "--language", "de", "--runs", ground.runs[0].parents[2])
    assert command(*words).status == 0
    path = tmp_path / "study.toml"
    written = tomllib.loads(path.read_text())
    assert (written["language"], written["texts"]) == ("de", default_texts())
    assert {name: one["words"] for name, one in written["criteria"].items()} == {
        name: list(one.words) for name, one in default_criteria().items()
    }
    some = (
        path.read_text().replace('title = "Before you begin"\n', "").replace('name = "Audio quality"', 'name = "Ton"')
    )
    path.write_text(some.replace('skip = "Skip to the content"', 'skip = "Zum Inhalt"'))
    done = command("study", "create", path, "--benchmark", ground.benchmark)
    assert "  texts: sentences are missing in 'de', the 1 that follow; `python -m benchmark study create" in done.err
    assert "  texts.consent: title" in done.err.splitlines()
    path.write_text(path.read_text().replace("[texts.consent]", '[texts.consent]\ntitle = "Vorab"'))
    done = command("study", "create", path, "--benchmark", ground.benchmark)
    assert done.status == 0, done.err
    sentences = sum(map(len, default_texts().values())) - 2 + 3 * 5 - 1
    assert f"language: de, but {sentences} texts are as they are in English: texts.frame.options, " in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--example", "--language", "german!"], "--language: expected a tag such as de or pt-BR, got 'german!'"),
        (["--language", "de"], "--language: goes with --example; of a study it is a key of its settings"),
    ],
)
def test_a_language_that_is_none_or_is_not_asked_for_here_is_refused(command, ground, tmp_path, words, told):
    done = command("study", "create", "study.toml", *words, "--runs", ground.runs[0].parents[2])
    assert (done.status, done.message) == (2, told)
    assert not (tmp_path / "study.toml").exists()


@pytest.mark.parametrize("verb", ["serve", "status", "export"])
def test_a_folder_that_holds_no_study_is_named(command, verb):
    done = command("study", verb, "nowhere")
    assert done.status == 2
    assert done.message.startswith("nowhere: no study; `python -m benchmark study create`")


def test_an_address_that_no_study_is_reached_by_is_refused(command, ground, tmp_path):
    ground.create(tmp_path / "study", headphone_check=False, tutorial=False, samples=1, repeats=0)
    for url in ("study.example.org", "https://example.org/study", "ftp://example.org"):
        done = command("study", "serve", "study", "--url", url)
        assert done.message == f"--url: expected https://NAME without a path, got {url!r}"


def test_a_server_says_where_raters_go_and_where_the_secret_is_not_what_it_is(ground, tmp_path):
    ground.create(tmp_path / "study", headphone_check=False, tutorial=False, samples=1, repeats=0)
    words = [sys.executable, "-m", "benchmark", "study", "serve", str(tmp_path / "study"), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            told = "".join(server.stdout.readline() for _ in range(4))
            address = re.search(r"raters: (\S+)", told)[1]
            urllib.request.urlopen(f"{address}/static/frame/frame.css", timeout=30).close()  # it has begun
            server.send_signal(signal.SIGINT)
            _, err = server.communicate()
        finally:
            server.kill()
    assert re.search(r"^raters: http://127\.0\.0\.1:\d+$", told, re.M)
    assert "?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}" in told
    assert f"opened by what the file {tmp_path / 'study' / 'admin-secret'} holds" in told
    assert (tmp_path / "study" / "admin-secret").read_text() not in told + err
    assert (server.returncode, err) == (130, f"{tmp_path / 'study'}: stopped; the same command serves it again\n")


@pytest.mark.parametrize(
    ("host", "anywhere", "told"),
    [
        ("127.0.0.1", False, "http://lab:8321/admin"),
        ("0.0.0.0", False, "http://127.0.0.1:8321/admin"),
        ("0.0.0.0", True, "http://lab:8321/admin"),
        ("192.0.2.7", False, "not reached at 192.0.2.7 without --admin-anywhere; http://lab:8321/admin with it"),
    ],
)
def test_the_address_of_the_admin_page_is_one_at_which_it_answers(host, anywhere, told):
    assert _admin_address("http://lab:8321", host, anywhere=anywhere) == told
