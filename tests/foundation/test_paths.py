"""Names that may be part of a path, and folders that are searched with their links."""

import os

import pytest
from pydantic import TypeAdapter, ValidationError

from foundation.paths import FileName, check_name, fault_of_name, inside, search

OUTSIDE = [
    "", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "..\\x", "C:x", "c:\\x", "a\0b", "a\nb", "a\x1b[2J",
    "a\u2028b", "\ud800", " a", "a ", "a\t",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_may_lead_elsewhere_is_refused(name):
    with pytest.raises(ValueError, match=r"^expected the name of one file, got "):
        check_name(name)
    with pytest.raises(ValidationError, match="expected the name of one file, got "):
        TypeAdapter(FileName).validate_python(name)


@pytest.mark.parametrize(
    "name", ["-3qesirWAGt_000020", "a b", "...", ".hidden", "été", "v1.2", "ab:c", "=1+1", "nul", "~"]
)
def test_every_other_name_is_one(name):
    assert check_name(name) == name
    assert fault_of_name(name) == ""


def test_the_message_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"^expected the name of one folder, got '\.\./x': it holds '/'$"):
        check_name("../x", "folder")
    assert fault_of_name("a\nb") == r"it holds the control character '\n'"


def test_a_path_is_inside_where_its_links_lead(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "run" / "out").symlink_to(tmp_path / "other")
    (tmp_path / "way").symlink_to(tmp_path / "run")
    assert inside(tmp_path / "way" / "x.wav", tmp_path / "run")
    assert not inside(tmp_path / "run" / "out" / "x.wav", tmp_path / "run")
    assert inside(tmp_path / "run" / "out" / "x.wav", tmp_path / "run", tmp_path / "other")
    assert not inside(tmp_path / "running", tmp_path / "run")


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(folder, **options):
    return sorted(str(path.relative_to(folder)) for path in search(folder, **options))


def test_files_behind_links_are_found_and_each_folder_once(tmp_path, caplog):
    touch(tmp_path, "in/a/one", "in/b/two", "scratch/three", "scratch/deep/four")
    (tmp_path / "in" / "0first").symlink_to(tmp_path / "in" / "b")  # before the folder it leads to
    (tmp_path / "in" / "away").symlink_to(tmp_path / "scratch")
    (tmp_path / "in" / "file").symlink_to(tmp_path / "scratch" / "three")
    (tmp_path / "in" / "a" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "scratch" / "back").symlink_to(tmp_path / "in")
    assert found(tmp_path / "in") == ["a/one", "away/deep/four", "away/three", "b/two", "file"]
    said = caplog.text
    assert f"{tmp_path}/in/0first: skipped, a link to {tmp_path}/in/b, which is searched already" in said
    assert f"{tmp_path}/in/a/up: skipped, a link to {tmp_path}/in, which" in said
    assert f"{tmp_path}/in/away/back: skipped, a link to {tmp_path}/in, which" in said


def test_a_link_to_a_folder_above_finds_what_is_beside_and_nothing_twice(tmp_path):
    touch(tmp_path, "in/one", "beside/two")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    assert found(tmp_path / "in") == ["one", "up/beside/two"]


def test_what_cannot_be_read_is_named_and_never_opened(tmp_path, caplog):
    touch(tmp_path, "one")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    assert found(tmp_path) == ["one"]
    assert f"{tmp_path}/pipe: skipped, neither a file nor a folder" in caplog.text
    assert f"{tmp_path}/gone: skipped, a link to nothing (nowhere)" in caplog.text
    assert f"{tmp_path}/loop: skipped, a link to nothing (loop)" in caplog.text


def test_links_out_of_a_closed_folder_are_named_and_not_followed(tmp_path, caplog):
    touch(tmp_path, "in/run/record", "in/run/audio/x", "away/y")
    for place in ("in/run/out", "in/run/audio/out", "in/free"):
        (tmp_path / place).symlink_to(tmp_path / "away")
    assert found(tmp_path / "in", closed_by="record") == ["free/y", "run/audio/x", "run/record"]
    assert (
        f"{tmp_path}/in/run/out: skipped, a link to {tmp_path}/away in a folder that links may not leave" in caplog.text
    )
    assert f"{tmp_path}/in/run/audio/out: skipped" in caplog.text


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert found(tmp_path / "absent") == []
