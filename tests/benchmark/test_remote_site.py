"""Runs on an object store: the same bytes and numbers as in a folder, for every verb that reads or writes one."""

import json
import threading

import numpy as np
import pytest

from benchmark import evaluate, generate
from benchmark.choices import Choices
from benchmark.feature_store import FeatureStore
from benchmark.features import Extractor
from benchmark.job import Job
from benchmark.remote_site import RemoteSite, brought_here, folder_here, site_at, site_of
from benchmark.report.comparison.compare import compare_runs
from benchmark.runs import RunDirectory
from benchmark.site import LocalSite
from foundation.locks import Lock
from foundation.remote.places import Place

CHOICES = Choices(profile="signal", resamples=100)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Working copies and caches are below the working directory."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def run_at(tiny):
    """Generates and scores a control where it is told."""

    def run(root, model="mixture"):
        made = generate(tiny.benchmark, model, subset="inter", runs=root)
        evaluate(made, tiny.benchmark, CHOICES, workers=0)
        return site_at(made)

    return run


def numbers(read):
    """What a run's metrics.json says, but for the moment at which it was scored."""
    return {**json.loads(read), "scored_at": ""}


def test_a_run_on_an_object_store_has_the_bytes_and_numbers_of_one_in_a_folder(run_at, bucket, tmp_path):
    here = run_at(tmp_path / "runs").directory
    there = Place(run_at(f"{bucket}/runs").url)
    sounds = {path.relative_to(here.path).as_posix(): path.read_bytes() for path in here.audio_folder.iterdir()}
    assert len(sounds) == 4
    assert {name: there.read(name) for name in there.listing("audio")} == sounds
    assert numbers(there.read("metrics.json")) == numbers(here.metrics_json.read_bytes())
    assert sorted(there.listing()) == sorted([*sounds, "metrics.json", "run.json", "samples.parquet"])


def test_a_run_that_is_there_is_not_made_again_elsewhere(run_at, new_bucket, tmp_path, monkeypatch):
    root = f"{new_bucket('memory')}/runs"
    there = Place(run_at(root).url)
    before = there.read("run.json")
    (tmp_path / "other machine").mkdir()
    monkeypatch.chdir(tmp_path / "other machine")
    monkeypatch.setattr(Job, "load", lambda _job: pytest.fail("asked again"))
    run_at(root)
    assert there.read("run.json") == before


def test_a_place_is_a_folder_or_an_address(tmp_path):
    site = site_of(tmp_path, "tiny", "inter", "model")
    assert site == LocalSite(RunDirectory(tmp_path / "tiny" / "inter" / "model"))
    there = site_of("memory://bucket/runs/", "tiny", "inter", "model")
    assert isinstance(there, RemoteSite)
    assert there.url == "memory://bucket/runs/tiny/inter/model"
    assert there.directory.path.parts[-3:] == ("tiny", "inter", "model")
    with pytest.raises(ValueError, match="expected the name of one folder"):
        site_of("memory://bucket/runs", "tiny", "inter", "../model")


def test_a_working_copy_is_known_for_where_it_came_from():
    there = RemoteSite("memory://bucket/runs/tiny/inter/model")
    assert site_at(there.directory) is there
    assert site_at("memory://bucket/runs/tiny/inter/model").directory == there.directory


def test_two_drivers_do_not_hold_a_run_at_once(bucket):
    site, order = RemoteSite(f"{bucket}/runs/tiny/inter/model"), []

    def second():
        with RemoteSite(site.url).lock():
            order.append("second")

    with site.lock():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(1.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not isinstance(site.lock(), Lock)


def test_readers_bring_runs_here(run_at, bucket, tiny):
    first, second = run_at(f"{bucket}/runs"), run_at(f"{bucket}/runs", "oracle")
    assert brought_here(first.url).read_metrics().model.name == "mixture"
    found = sorted(path.parent.name for path in folder_here(f"{bucket}/runs").rglob("metrics.json"))
    assert found == ["mixture", "oracle"]
    compared = compare_runs(first.url, second.url)
    assert (compared.first, compared.second) == ("mixture", "oracle")


def test_the_command_line_takes_addresses(run_at, new_bucket, command, tiny):
    bucket = new_bucket("memory")
    first, second = run_at(f"{bucket}/runs"), run_at(f"{bucket}/runs", "oracle")
    Place(first.url).remove("metrics.json")
    done = command(
        "evaluate", first.url, "--benchmark", tiny.path, "--profile", "signal", "--resamples", 100, "--workers", 0,
        "--cache", f"{bucket}/cache",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert "4 of 4 scored" in done.out
    assert Place(first.url).read("metrics.json")
    assert Place(f"{bucket}/cache").listing()
    assert command("compare", first.url, second.url).status == 0
    done = command("report", f"{bucket}/runs", "--out", "table")
    assert done.status == 0, done.err
    assert "oracle" in done.out


def test_a_store_that_cannot_be_read_is_one_line_of_the_command_line(s3_settings, command):
    done = command("compare", "s3://no-such-bucket/runs/a", "s3://no-such-bucket/runs/b")
    assert done.status == 2
    assert done.message.startswith("s3://no-such-bucket/runs/a: cannot be read: The specified bucket does not exist")


def test_features_that_another_machine_has_added_meanwhile_are_found(new_bucket, tmp_path, monkeypatch):
    cache, extractor = f"{new_bucket('memory')}/cache", Extractor("toy", "v1", "audio", prepare=dict)
    mine = FeatureStore(cache)
    assert mine.why_not(extractor, "a" * 64) == ""
    (tmp_path / "other machine").mkdir()
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path / "other machine")
        FeatureStore(cache).write(extractor, "a" * 64, {"x": np.zeros(3, np.float32)})
    assert mine.why_not(extractor, "a" * 64) == ""  # it was listed just now
    mine._remote._due.clear()
    assert mine.why_not(extractor, "a" * 64) is None


def test_features_on_an_object_store_are_computed_once(bucket, tmp_path, monkeypatch, run_at, tiny):
    site = run_at(tmp_path / "runs")
    cache = f"{bucket}/cache"
    evaluate(site.directory, tiny.benchmark, Choices(profile="signal", resamples=101), cache=cache, workers=0)
    kept = Place(cache).listing()
    assert kept
    (tmp_path / "other machine").mkdir()
    monkeypatch.chdir(tmp_path / "other machine")
    monkeypatch.setattr(FeatureStore, "write_many", lambda *given: pytest.fail("computed again"))
    evaluate(site.directory, tiny.benchmark, Choices(profile="signal", resamples=102), cache=cache, workers=0)
    assert Place(cache).listing() == kept
