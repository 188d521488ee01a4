"""`--config`: options of a verb from a TOML file, checked before anything begins and kept in run.json."""

import hashlib
import json

import pytest

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture
def write(tmp_path):
    """Write a settings file; return its path."""

    def put(text):
        file = tmp_path / "run.toml"
        file.write_text(text)
        return file

    return put


@pytest.fixture
def run_json(tmp_path):
    def read(model, runs="results/runs"):
        return json.loads((tmp_path / runs / "tiny" / "inter" / model / "run.json").read_text())

    return read


@pytest.fixture
def settings(tiny):
    return f"""
        benchmark = "{tiny.path}"
        subset = "inter"
        workers = 0

        [eval]
        model = ["humming"]
        profile = "signal"
        metrics = "kad"
        resamples = 50
        limit = 2
        batch_size = "auto"

        [generate]
        run-name = "other"
        limit = 3
    """


def test_eval_takes_its_options_from_a_file(command, write, settings, run_json):
    file = write(settings)
    done = command("eval", "--config", file)
    assert (done.status, done.err) == (0, "")
    record = run_json("humming")
    assert record["counts"]["generated"] == 2
    assert record["settings"]["file"] == "run.toml"
    assert record["settings"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert record["settings"]["options"]["limit"] == 2
    assert record["settings"]["options"]["batch-size"] == "auto"
    assert "run-name" not in record["settings"]["options"]


def test_the_command_line_wins_over_the_file(command, write, settings, run_json):
    done = command("eval", "--config", write(settings), "--limit", 1, "--model", "mixture")
    assert (done.status, done.err) == (0, "")
    assert run_json("mixture")["counts"]["generated"] == 1
    assert "humming" not in done.out


def test_a_table_is_for_its_verb_alone(command, write, settings, run_json):
    done = command("generate", "humming", "--config", write(settings))
    assert (done.status, done.err) == (0, "")
    assert run_json("other")["counts"]["generated"] == 3


def test_metrics_may_be_a_list(command, write, settings, tmp_path):
    done = command("eval", "--config", write(settings.replace('metrics = "kad"', 'metrics = ["kl", "KAD"]')))
    assert (done.status, done.err) == (0, "")
    scored = json.loads((tmp_path / "results" / "runs" / "tiny" / "inter" / "humming" / "metrics.json").read_text())
    assert list(scored["metrics"]) == ["kad", "kl"]


def test_a_run_that_was_there_before_the_file_keeps_it_like_the_runs_of_its_other_seeds(
    command, write, settings, run_json
):
    command("eval", "--config", write(settings.replace("limit = 2", "")))
    before = run_json("humming")
    assert command("eval", "--config", write(settings.replace("limit = 2", "seeds = 2"))).status == 0
    assert before["settings"] != run_json("humming")["settings"] == run_json("humming@seed1")["settings"]
    assert run_json("humming")["settings"]["options"]["seeds"] == 2
    assert {**before, "settings": 0} == {**run_json("humming"), "settings": 0}


def test_options_of_a_model_may_be_a_table(command, write, tiny):
    file = write("[generate]\nsubset = 'inter'\noption = { mood = 'breaks', bad = 'none' }\n")
    done = command("generate", "moody", "--benchmark", tiny.path, "--config", file)
    assert (done.status, done.err) == (0, "")
    refused = command("generate", "moody", "--config", write("option = { mod = 1 }\n"))
    assert refused.message.startswith("model 'moody' has no option 'mod'")


def test_a_run_without_a_file_says_nothing_of_one_and_one_that_goes_on_keeps_the_last(
    command, write, settings, run_json, tiny
):
    where = ("--benchmark", tiny.path, "--subset", "inter")
    command("generate", "humming", *where, "--limit", 1)
    assert "settings" not in run_json("humming")
    command("generate", "humming", "--config", write(settings), "--run-name", "humming")
    before = run_json("humming")["settings"]
    command("generate", "humming", *where)
    assert run_json("humming")["counts"]["generated"] == 4
    assert run_json("humming")["settings"] == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limits = 4", "limits: no option of eval; did you mean limit?"),
        ("zzz = 4", "zzz: no option of eval; see eval --help-all"),
        ("[eval]\nconfig = 'a.toml'", "eval.config: no option of eval"),
        ("[evall]\nlimit = 4", "evall: no verb that takes a settings file; did you mean eval or evaluate?"),
        ("[eval]\nprofile = 'papr'", "eval.profile: expected paper, open or signal, got 'papr'"),
        ("batch_size = 0", "batch_size: expected 1 or more, or auto, got '0'"),
        ("limit = 0", "limit: expected 1 or more, got 0"),
        ("limit = 2.5", "limit: expected a whole number, got 2.5"),
        ("seeds = 'three'", "seeds: expected a whole number, got 'three'"),
        ("limit = true", "limit: expected text or a number, got True"),
        ("subset = ['inter', 'intra']", "subset: expected text or a number, got ['inter', 'intra']"),
        ("fresh = 1", "fresh: expected true or false, got 1"),
        ("metrics = 'fda'", 'metrics: no metric is called "fda"'),
        ("metrics = ['kl', 'fda']", 'metrics: no metric is called "fda"'),
        ("metrics = ['kl', true]", "metrics: expected text or a number, got True"),
        ("batch-size = 2\nbatch_size = 3", "batch_size: the same option as batch-size; give it once"),
    ],
)
def test_what_a_file_says_wrongly_is_refused_by_its_key_before_anything_begins(command, write, tmp_path, text, message):
    file = write(text)
    done = command("eval", "--config", file)
    assert done.status == 2
    assert done.out == ""
    assert done.message.startswith(f"{file}: {message}")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"a b", "Expected '=' after a key"), (b"\xff\xfe", "'utf-8' codec can't decode"), (None, "No such file")],
)
def test_a_file_that_is_no_settings_file_is_named(command, tmp_path, content, reason):
    file = tmp_path / "run.toml"
    if content is not None:
        file.write_bytes(content)
    done = command("eval", "--config", file)
    assert done.status == 2
    assert done.message.startswith(f"--config: {file}: {reason}")
