"""What `--fresh` removes: a run, and nothing else."""

import pytest

from benchmark.removal import remove_run
from benchmark.runs import RunDirectory, UnusableRun


def folder_with(path, *names):
    path.mkdir(parents=True)
    for name in names:
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text("kept")
    return RunDirectory(path)


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("run.json",),  # damaged
        ("audio/a.wav", "audio/.b.1.partial.wav"),
        ("metrics.json", "samples.parquet", ".run.1.partial.json"),
    ],
)
def test_a_folder_that_holds_nothing_but_parts_of_a_run_is_removed(tmp_path, names):
    run = folder_with(tmp_path / "run", *names)
    remove_run(run)
    remove_run(run)  # and one that is not there is no trouble
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [("thesis.tex",), ("run.json", "thesis.tex"), ("audio/song.mp3",), ("run.json/a",)])
def test_a_folder_of_something_else_is_left_whole_and_named(tmp_path, look, names):
    run = folder_with(tmp_path / "run", *names)
    before = look.tree(tmp_path)
    with pytest.raises(
        UnusableRun, match=r"run: has no record of a run and holds .*, which no run has; --fresh leaves"
    ):
        remove_run(run)
    assert look.tree(tmp_path) == before


def test_a_file_or_a_link_in_place_of_a_run_is_left(tmp_path):
    run = folder_with(tmp_path / "real", "run.json")
    (tmp_path / "link").symlink_to(run.path)
    (tmp_path / "file").touch()
    with pytest.raises(UnusableRun, match=r"link: a link to .*real, and --fresh removes nothing behind a link"):
        remove_run(RunDirectory(tmp_path / "link"))
    with pytest.raises(UnusableRun, match="file: not a folder, so not a run"):
        remove_run(RunDirectory(tmp_path / "file"))
    assert run.run_json.is_file()


def test_what_links_in_a_run_lead_to_is_kept(tmp_path, look):
    folder_with(tmp_path / "elsewhere", "a.wav")
    run = folder_with(tmp_path / "run", "run.json")
    (run.path / "audio").symlink_to(tmp_path / "elsewhere")
    remove_run(run)
    assert list(look.tree(tmp_path)) == ["elsewhere/a.wav"]
