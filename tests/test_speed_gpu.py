"""The sections of `make bench-gpu` run on a CPU with shrunk networks, so that no GPU's time goes to a typing error."""

import json
import os
import sys

import pytest
from speed.gpu import eager, files, machine, precision, scoring, set_scores, shared, training
from speed.gpu.__main__ import main
from support.small_training_runs import narrow, narrow_store
from support.tiny_models import shrunk

from baselines.selva.model import SELVA
from foundation.measurements import Figure
from metrics import algebra, placement

SMALL = {"device": "cpu", "seconds": "0.64", "batches": "2", "batch": "2"}


@pytest.fixture
def tiny(monkeypatch):
    """SELVA of one layer, in place of the real one."""
    with shrunk():
        options = {"variant": "tiny_16k", "steps": 2, "device": "cpu", "random_weights": True}

        def made(_options, **native):
            return SELVA(**{**options, **native, "compile": False})

        for module in (eager, files, precision):
            monkeypatch.setattr(module, "model", made)
        yield


def rows(section, **options):
    return list(section.measure({**SMALL, **options}))


def test_the_machine_is_named_and_measured():
    facts, _, *rates = rows(machine)
    assert facts.name
    assert len(rates) == 4
    assert all(value >= 0 for row in rates for value in row.values() if isinstance(value, float))


@pytest.mark.slow(minutes=1)
def test_generation_from_memory_is_timed_by_batch_and_by_part(tiny):
    found = {row["what"]: row for row in rows(eager)}
    assert found["from memory, batch 2"]["samples_per_second"] > 0
    assert {f"part: {part}" for part in shared.TERAFLOPS} <= set(found)


@pytest.mark.slow(minutes=1)
def test_both_precisions_are_timed_and_compared(tiny):
    *timed, compared = rows(precision)
    assert [row["what"] for row in timed] == ["exact, batch 2", "fast, batch 2"]
    assert 10 < compared["lowest_db"] <= compared["median_db"] < 90


@pytest.mark.slow(minutes=1)
def test_generation_from_files_is_timed_with_threads_and_processes(tiny):
    found = rows(files, scenes="3")
    rates = [row["samples_per_second"] for row in found if "samples_per_second" in row]
    assert len(rates) == 4
    assert min(rates) > 0


def test_set_scores_are_timed_on_the_device_and_without_it_and_compared(monkeypatch):
    monkeypatch.setattr(placement, "WITH_FLOAT64", ("cpu",))
    monkeypatch.setattr(algebra, "THICK", 64)
    found = rows(set_scores, samples="2100", dimensions="64")
    timed = [row for row in found if "seconds" in row]
    assert [row["what"].rpartition(", ")[2] for row in timed] == ["cpu"] * 3 + ["numpy and scipy"] * 3
    apart = [row["error"] for row in found if "error" in row]
    assert len(apart) == 3
    assert 0 < max(apart) < 1e-9


def test_both_stages_of_training_are_timed_and_their_hours_said(monkeypatch):
    def made(path, clips, *, teacher, **_):
        return narrow_store(path, clips=len(clips), held_out=2)

    monkeypatch.setattr(training, "small_store", made)
    with narrow():
        found = rows(training, steps="4", workers="0", seconds="0.64")
    assert [row["what"].split(",")[1] for row in found] == [" encoder stage", " encoder stage", " generator stage"]
    assert all(row["n"] == 4 for row in found)
    for row, steps in zip(found, (50_000, 50_000, 25_000), strict=True):
        assert row["hours"] == pytest.approx(steps / row["steps_per_second"] / 3600)


def test_scoring_networks_are_held_against_the_card_s_rate(monkeypatch):
    def only_offsets(device, seconds):
        return {"synchformer.offsets": made["synchformer.offsets"]}

    class Light:
        """Stands for the large networks, which take a minute to build."""

        def __init__(self):
            self.audio = self.video = None

        def eval(self):
            return self

        def to(self, _device):
            return self

    from metrics.backbones import clap, imagebind, panns

    for module, name in ((clap, "Clap"), (imagebind, "ImageBind"), (panns, "Panns")):
        monkeypatch.setattr(module, name, Light)
    made = scoring._networks(__import__("torch").device("cpu"), 8.0)
    monkeypatch.setattr(scoring, "_networks", only_offsets)
    _, row = rows(scoring)
    assert row["share_of_float32_rate"] > 0


def test_a_section_that_fails_or_hangs_costs_itself(capfd, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    assert main(["machine", "device=nonsense"]) == 1
    said = capfd.readouterr()
    assert "left with status 1" in json.loads(said.out.splitlines()[-1])["failed"]
    assert "nonsense" in said.err
    assert main(["set_scores", "samples=60", "dimensions=4", "device=cpu"]) == 0
    *figures, took = map(json.loads, capfd.readouterr().out.splitlines())
    assert took["took"] >= 0
    assert [Figure.model_validate({k: v for k, v in line.items() if k != "section"}).n for line in figures] == [60] * 15
    monkeypatch.setattr(machine, "SECONDS", 0.0)
    assert main(["machine", "device=cpu"]) == 1
    assert "not done within" in capfd.readouterr().out


def test_a_section_that_is_not_there_is_named(capsys):
    assert main(["machines"]) == 2
    assert "no section 'machines'; there are machine, kernels, compiled" in capsys.readouterr().err
