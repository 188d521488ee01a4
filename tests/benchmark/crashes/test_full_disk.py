"""A disk that is full at some step: path and reason are named, nothing is half-written, the same command goes on."""

import re
import shutil
import subprocess

import pytest
from support.annotations import write_unav100
from support.decisions import decision
from support.journeys import Journey, Whole, files_below

from vgg_monoaudio.selection.decisions import append_decisions

__all__ = ["write_unav100"]

NAMES = ("build", "generate", "evaluate", "report")
SMALL = ("card", "statistics", "export hf", "export webdataset", "curate", "candidates")
DISK_BYTES = 1 << 24


@pytest.fixture
def disk(tmp_path):
    """A disk of its own, where one may be mounted; else a folder, and files may not grow."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mounting, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    yield folder
    if mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_and_go_on(whole, commands, disk, at):
    """Let the disk be full before a step; look at what is said; make room and give the same command again."""
    journey = whole.journey
    ended = journey.run(commands, journey.set_out(disk), at=at, what="full")
    (disk / "ballast").unlink(missing_ok=True)
    if ended.status == 0:  # nothing was left to write
        assert journey.outcome(disk) == whole.outcome, f"step {at}"
        return False
    assert ended.status == 2, (at, ended)
    (line,) = ended.err.splitlines()
    named = re.match(r"error: (\S+?): ", line)
    assert named, (at, line)
    assert (disk / named[1]).is_relative_to(disk), (at, line)
    reasons = ("No space left on device", "File too large", "SIGXFSZ", "MB free, ")  # the last: before a model is asked
    assert any(reason in line for reason in reasons), (at, line)
    ended = journey.run(commands, disk)
    assert (ended.status, ended.err) == (0, ""), (at, ended)
    assert journey.outcome(disk) == whole.outcome, f"step {at}"
    leavings = [path for path in disk.rglob(".*") if "partial" in path.name or ".lock" in path.name]
    assert leavings == [], f"step {at}"
    return True


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_is_said_and_the_same_command_goes_on(undisturbed, commands, disk, name):
    whole = undisturbed(name)
    early, late = whole.steps // 4, 3 * whole.steps // 4
    assert [fill_and_go_on(whole, commands, disk, at) for at in (early, late)] == [True, True]


@pytest.fixture
def small_journeys(tiny, write_unav100, tmp_path):
    """The commands that write little, by name."""
    given = tmp_path / "given"
    shutil.copytree(tiny.path, given / "bench")
    append_decisions(given / "curation.csv", [decision()])
    (tmp_path / "vggsound.csv").write_text("aaaaaaaaaaa,10,dog barking,test\n")
    unav = write_unav100({"aaaaaaaaaaa": [(11, 15, "dog barking")]})
    words = {
        "card": ("card", "bench"),
        "statistics": ("statistics", "bench", "--csv", "tables"),
        "export hf": ("export-benchmark", "bench", "--to", "hf", "--out", "export"),
        "export webdataset": ("export-benchmark", "bench", "--to", "webdataset", "--out", "export"),
        "curate": ("curate", "apply", "curation.csv"),
        "candidates": ("candidates", "--unav", str(unav), "--vggsound", str(tmp_path / "vggsound.csv")),
    }
    return {
        name: Journey(name, said, lambda folder: files_below(folder, "."), before=given) for name, said in words.items()
    }


def small(name, small_journeys, commands, folder):
    journey = small_journeys[name]
    ended = journey.run(commands, journey.set_out(folder))
    assert ended.status == 0, ended
    return Whole(journey, journey.outcome(folder), ended.steps)


@pytest.mark.parametrize("name", SMALL)
def test_what_is_written_at_once_is_written_by_the_same_command_when_there_is_room(
    small_journeys, commands, disk, tmp_path, name
):
    whole = small(name, small_journeys, commands, tmp_path / "folder")
    assert fill_and_go_on(whole, commands, disk, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_what_is_written_at_once_may_find_no_room_at_any_step(small_journeys, commands, disk, tmp_path, name):
    whole = small(name, small_journeys, commands, tmp_path / "folder")
    assert sum([fill_and_go_on(whole, commands, disk, at) for at in range(1, whole.steps + 1)]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_is_full_at_any_step_is_said_and_the_same_command_goes_on(undisturbed, commands, disk, name):
    whole = undisturbed(name)
    assert sum([fill_and_go_on(whole, commands, disk, at) for at in range(1, whole.steps + 1)]) > 3
