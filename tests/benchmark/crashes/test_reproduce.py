"""`reproduce` killed at chosen steps: the same command goes on, does nothing twice, and its verdicts are right."""

import json
import signal

import numpy as np
import pytest
from support.checkpoint_files import write_checkpoint
from support.printed import write_printed
from support.small_benchmarks import short_film, write_folder

from benchmark.runs import RunDirectory
from foundation.checkpoints import WEIGHTS_VARIABLE

__all__ = ["short_film"]

CLIPS = tuple((f"clip{place:07d}_000010", f"sound {place}", f"Kind {place % 4}") for place in range(16))
PAIRS = tuple((target, 10 + (target + step) % 6) for step in (0, 1, 2) for target in range(10))
SECONDS = 1.0
ROWS = (("alone", "inter", "oracle"), ("both", "inter", "mixture"), ("other", "inter", "distractor"))
METRICS = ("kl", "fad")


def sound(place):
    """Noise of a colour of its own, with strokes."""
    random = np.random.default_rng(place)
    time = np.arange(round((SECONDS + 0.1) * 16_000)) / 16_000
    tone = np.sin(2 * np.pi * 110 * 2 ** (place / 3) * time) * (np.sin(2 * np.pi * (place + 2) * time) > 0)
    return (0.2 * tone + 0.02 * (place % 5) * random.normal(size=time.size)).astype(np.float32)


@pytest.fixture
def folder(tmp_path, short_film):
    """A benchmark of 30 scenes and seeded weights of PANNs in the official layout."""
    write_folder(tmp_path / "bench", CLIPS, {"inter": PAIRS}, short_film, sound=sound, seconds=SECONDS)
    write_checkpoint("panns", tmp_path / "weights")
    return tmp_path


def words(table="T"):
    return (
        "reproduce", table, "--published", f"{table}.csv", "--benchmark", "bench", "--profile", "paper", "--device",
        "cpu", "--metrics", ",".join(METRICS), "--allow-unverified", "--resamples", 200, "--workers", 0,
        *(word for row, *_ in ROWS for word in ("--rows", row)),
    )  # fmt: skip


def printed(folder, table, texts):
    """Write the rows, and one that is not made: its numbers are far from all others, so no interval holds a column."""
    far = ("far", "inter", "silence", {"kl": "99", "fad": "9999"})
    write_printed(
        folder / f"{table}.csv", [*((*row, texts[row[2]]) for row in ROWS), far], table=table, samples=len(PAIRS)
    )


def verdicts(folder, table):
    record = json.loads((folder / f"results/reproduce/{table}.json").read_text())
    return {row["row"]: {cell["metric"]: cell["verdict"] for cell in row["cells"]} for row in record["rows"]}


@pytest.mark.slow(minutes=1)
def test_a_killed_reproduction_goes_on_and_its_verdicts_are_right(folder, commands, look):
    printed(folder, "T", {model: {"kl": "0.50", "fad": "1.0"} for *_, model in ROWS})
    first = f"import os; os.environ['{WEIGHTS_VARIABLE}'] = 'weights'"
    # While the first row answers, before its scores are kept, and as the second begins.
    for moment in (CLIPS[7][0], "metrics.json", "mixture"):
        ended = commands.run(folder, *words(), at=moment, first=first)
        assert ended.status == -signal.SIGKILL, ended
    kept = look.written(folder / "results")
    ended = commands.run(folder, *words(), first=first)
    assert ended.status == 0, ended
    after = look.written(folder / "results")
    same = {name: when for name, when in kept.items() if name.endswith((".wav", "metrics.json", ".pack"))}
    assert len(same) > 30
    assert {name: after[name] for name in same} == same, "nothing is made twice"

    runs = {model: RunDirectory.locate(folder / "results/runs", "bench", "inter", model) for *_, model in ROWS}
    values = {model: run.read_metrics().metrics for model, run in runs.items()}
    measured = {model: {name: f"{values[model][name].value:.6f}" for name in METRICS} for model in values}
    printed(folder, "same", measured)
    beyond = {
        model: {name: f"{values[model][name].ci95[1] + 0.01:.6f}" for name in METRICS}
        for model in ("mixture", "distractor")
    }
    printed(folder, "other", {**beyond, "oracle": measured["oracle"]})
    runs_after = look.written(folder / "results/runs")
    for table in ("same", "other"):
        ended = commands.run(folder, *words(table), first=first)
        assert ended.status == 0, ended
    assert look.written(folder / "results/runs") == runs_after, "another table, no new run"
    assert verdicts(folder, "same") == {row: dict.fromkeys(METRICS, "inside") for row, *_ in ROWS}
    assert verdicts(folder, "other") == {
        "alone": dict.fromkeys(METRICS, "inside"),
        "both": dict.fromkeys(METRICS, "outside"),
        "other": dict.fromkeys(METRICS, "outside"),
    }
