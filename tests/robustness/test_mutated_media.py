"""Damaged files: the measure sees what it is to see, and a share of its files ends as it should."""

import os
import threading
from pathlib import Path

import pytest

from robustness import workers
from robustness.mutated_media import examine, failures, run
from robustness.mutations import MUTATIONS, SEEDS, make_seeds, mutant
from robustness.workers import examined


def obedient(path: Path) -> str:
    """Does what the name of a file says."""
    if path.name == "dies":
        os._exit(139)
    if path.name == "waits":
        threading.Event().wait()
    return f"read {path.name}"


def test_a_file_that_kills_its_process_is_named_and_the_others_are_read():
    found = examined([Path("a"), Path("dies"), Path("b")], obedient, count=1)
    assert found == {Path("a"): "read a", Path("dies"): "crash: exit status 139", Path("b"): "read b"}


def test_a_file_that_never_ends_is_named_and_the_others_are_read(monkeypatch):
    monkeypatch.setattr(workers, "HANG_SECONDS", 20)
    assert examined([Path("a")], obedient, count=1) == {Path("a"): "read a"}
    monkeypatch.setattr(workers, "HANG_SECONDS", 0)  # whatever is asked takes too long
    assert examined([Path("waits")], obedient, count=1) == {Path("waits"): "hang: over 0 s"}


def test_whole_files_are_as_long_as_ffmpeg_makes_them(tmp_path):
    for path in make_seeds(tmp_path):
        outcome = examine(path)
        assert not outcome.faults, path.name
        assert bool(outcome.by_design) == (path.name == "between.mp4"), path.name
        assert "sound" in outcome.seconds, path.name
        assert ("picture" in outcome.seconds) == (path.suffix in {".mp4", ".mkv", ".webm", ".avi"}), path.name


def test_every_container_is_damaged_in_every_way_and_always_alike(tmp_path):
    seeds = []
    for number, name in enumerate(SEEDS):
        seeds.append(tmp_path / name)
        seeds[-1].write_bytes(bytes((number + k) % 256 for k in range(5_000)))
    made = [mutant(number, seeds) for number in range(len(SEEDS) * len(MUTATIONS))]
    assert made == [mutant(number, seeds) for number in range(len(made))]
    assert len({name.partition("-")[2] for name, _ in made}) == len(made)
    changed = [content != (tmp_path / name.rpartition("-")[2]).read_bytes() for name, content in made]
    assert sum(changed) > 0.95 * len(made)  # a block may be exchanged for one like it


@pytest.mark.slow
def test_damaged_files_are_refused_by_name_or_as_long_as_ffmpeg_makes_them(tmp_path):
    outcomes = run(tmp_path, range(400))  # of 2,000; the whole is `python -m robustness.mutated_media`
    assert failures(outcomes) == []
    accepted = sum("sound" in outcome.seconds for outcome in outcomes.values())
    assert 100 < accepted < 300  # neither everything nor nothing is refused
