"""`weights` on the command line: listed, chosen by name, profile, model; fetched only when asked for."""

import hashlib
import json

import pytest

from benchmark.cli import weights
from foundation import extras
from foundation.checkpoints import CHECKPOINTS, EXTENDED_METRICS, OPEN_PROFILE, PAPER_PROFILE, Checkpoint

BODY = b"weights of a toy"


@pytest.fixture
def toy(monkeypatch):
    row = Checkpoint(
        "toy", "toy.pth", "http://127.0.0.1:9/toy.pth", "MIT", 2_350_000_000, sha256=hashlib.sha256(BODY).hexdigest()
    )
    monkeypatch.setitem(CHECKPOINTS, "toy", row)
    return row


@pytest.fixture
def fetched(monkeypatch):
    """Names that would be downloaded."""
    names = []
    monkeypatch.setattr(weights, "_fetch", lambda name, weights_dir: names.append(name))
    return names


@pytest.fixture
def rows(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")  # rows for programs are whole whatever the terminal

    def run(*arguments, status=0):
        done = command("weights", *arguments)
        assert (done.status, done.err) == (status, "")
        return {line.split()[0]: line.split() for line in done.out.splitlines()[1:]}

    return run


def test_without_names_everything_is_listed_and_nothing_is_fetched(rows, fetched):
    assert list(rows()) == list(CHECKPOINTS)
    assert fetched == []


def test_a_row_shows_state_size_kind_of_hash_licence_and_file(rows, toy, fetched, tmp_path):
    assert rows("toy") == {"toy": ["toy", "missing", "2.35", "GB", "SHA-256", "MIT", "toy.pth"]}
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "toy.pth").write_bytes(BODY)
    assert rows("toy", "--weights-dir", folder)["toy"][1] == "verified"
    (folder / "toy.pth").write_bytes(b"another")
    assert rows("toy", "--weights-dir", folder)["toy"][1] == "wrong"


def test_what_is_not_known_of_a_file_is_said(rows, fetched):
    shown = rows("panns", "pe-av")
    assert shown["panns"][2:5] == ["0.32", "GB", "MD5"]
    assert shown["pe-av"] == [
        "pe-av", "missing", *("not", "known") * 2, "Apache-2.0", "pe-av-small-16-frame/model.safetensors"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["panns", "clap"], ["panns", "clap"]),
        (["--profile", "paper"], list(PAPER_PROFILE)),
        (["--profile", "open"], list(OPEN_PROFILE)),
        (["--extended"], list(EXTENDED_METRICS)),
        (
            ["clap", "--profile", "paper", "--extended"],
            ["clap", *[name for name in PAPER_PROFILE if name != "clap"], *EXTENDED_METRICS],
        ),
        (["--profile", "open", "--extended"], [*OPEN_PROFILE, *EXTENDED_METRICS]),
    ],
)
def test_what_is_named_is_fetched(rows, fetched, arguments, names):
    rows(*arguments)
    assert fetched == names


def test_the_weights_of_a_model_are_those_of_its_row(rows, fetched):
    from baselines import get_model

    shown = rows("--model", "selva")
    assert fetched == list(get_model("selva").checkpoints)
    assert list(shown) == list(dict.fromkeys(fetched))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["clap"], "clap needs the package transformers; to get it: pip install "),
        (["--model", "selva"], "selva needs the package transformers; to get it: pip install "),
        (["vggish"], ""),
    ],
)
def test_packages_that_are_still_missing_are_told_of_before_weights_are_fetched(
    command, fetched, monkeypatch, arguments, told
):
    there = extras.is_installed
    monkeypatch.setattr(extras, "is_installed", lambda package: package != "transformers" and there(package))
    done = command("weights", *arguments)
    assert done.err.startswith(told)
    assert bool(done.err) == bool(told)
    assert done.status == 0
    assert fetched != []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--profile", "signal"], "profile signal: no weights needed\n"),
        (["--model", "oracle"], "model oracle: no weights needed\n"),
        (["--model", "oracle", "--profile", "signal"], "profile signal and model oracle: no weights needed\n"),
        (["--profile", "signal", "--json"], "[]\n"),
    ],
)
def test_what_needs_no_weights_is_said_to_need_none_and_lists_none(command, fetched, arguments, told):
    done = command("weights", *arguments, "--offline")
    assert (done.status, done.out, done.err) == (0, told, "")
    assert fetched == []


def test_offline_a_missing_file_is_status_2_and_nothing_is_fetched(rows, toy, fetched, tmp_path):
    assert rows("toy", "--offline", status=2)["toy"][1] == "missing"
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "toy.pth").write_bytes(BODY)
    assert rows("toy", "--offline")["toy"][1] == "verified"
    assert fetched == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pans"], "unknown checkpoint 'pans'; did you mean panns"),
        (["nope"], "unknown checkpoint 'nope'; `python -m benchmark weights` lists all"),
        (["--profile", "papr"], "--profile: expected paper, open or signal, got 'papr'"),
        (["--model", "selvaa"], "unknown model 'selvaa'; did you mean selva"),
    ],
)
def test_names_that_do_not_exist_are_one_line(command, arguments, message):
    done = command("weights", *arguments)
    assert done.status == 2
    assert done.message.startswith(message)


def test_in_a_narrow_terminal_names_and_files_are_whole(command, monkeypatch, fetched):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    lines = command("weights", "--offline").out.splitlines()
    assert max(map(len, lines[::2])) <= 80
    words = set(" ".join(lines).split())
    for name, row in CHECKPOINTS.items():
        assert name in words
        assert set(row.filename.split()) <= words


def test_as_json_every_fact_is_there_for_a_program(command, toy, tmp_path):
    done = command("weights", "toy", "--offline", "--json", "--weights-dir", tmp_path / "mine")
    assert done.status == 2
    (row,) = json.loads(done.out)
    assert row["name"] == "toy"
    assert row["state"] == "missing"
    assert row["size_bytes"] == 2_350_000_000
    assert row["sha256"] == hashlib.sha256(BODY).hexdigest()
    assert row["url"] == "http://127.0.0.1:9/toy.pth"
    assert row["path"] == str(tmp_path / "mine" / "toy.pth")


def test_a_misspelt_name_is_refused_before_another_is_fetched(command, toy, fetched):
    assert command("weights", "toy", "pans").status == 2
    assert fetched == []


def test_origin_and_licence_are_stated_before_anything_is_fetched(command, toy, monkeypatch):
    asked = []

    def download(name, weights_dir, progress):
        asked.append((name, weights_dir))
        progress(5, None)  # the server does not say how much there is
        progress(16, 16)

    monkeypatch.setattr("foundation.checkpoints.download", download)
    done = command("weights", "toy")
    assert done.status == 0
    assert done.err == "toy: http://127.0.0.1:9/toy.pth (MIT)\n"
    assert asked == [("toy", None)]
