"""Files of two folders are paired by name, and what is ambiguous is refused."""

import pytest

from benchmark.folders.matching import match
from vgg_monoaudio.public.benchmark import BadListing


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of empty files."""

    def make(name, *files):
        for file in files:
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / name

    return make


def test_names_count_without_their_endings_and_folders(folder):
    sides = match(folder("g", "a.flac", "deep/b.b.wav", "notes.txt", ".c.wav"), folder("r", "a.wav", "b.b.mp4"))
    assert sides.paired
    assert (sides.complete, sides.lacking) == (["a", "b.b"], {})


def test_a_name_is_the_same_in_both_unicode_forms(folder):
    assert match(folder("g", "Tu\u0308r.wav"), folder("r", "T\u00fcr.wav")).complete == ["T\u00fcr"]


def test_films_and_prompts_that_nobody_asked_for_do_not_count(folder, tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("label,id\na dog,a.wav\na cat,z\n")
    sides = match(
        folder("g", "a.wav"), folder("r", "a.wav"), video=folder("v", "a.mp4", "a.wav", "z.mp4"), prompts=table
    )
    assert (sides.expected, sides.lacking, sides.prompts["a"]) == (["a"], {}, "a dog")


def test_folders_without_a_common_name_are_sets(folder):
    sides = match(folder("g", "a.wav"), folder("r", "b.wav", "c.wav"))
    assert (sides.paired, sides.expected, sides.lacking) == (False, ["a"], {})


def test_what_is_ambiguous_or_not_there_is_refused(folder, tmp_path):
    good = folder("g", "a.wav")
    with pytest.raises(ValueError, match=r"two sounds are called 'a'.*keep one"):
        match(folder("two", "a.wav", "a.mp4"), good)
    with pytest.raises(ValueError, match="no such folder; a folder of sounds is expected"):
        match(tmp_path / "nowhere", good)
    with pytest.raises(ValueError, match=r"no film in it \(\.mp4"):
        match(good, good, video=good)
    with pytest.raises(ValueError, match="no such file; a table with the columns name and prompt"):
        match(good, good, prompts=tmp_path / "none.csv")
    table = tmp_path / "p.csv"
    table.write_text("name,text\na,dog\n")
    with pytest.raises(ValueError, match="no column prompt or caption or label; there are name, text"):
        match(good, good, prompts=table)
    table.write_text("name,prompt\na,dog\na.wav,cat\n")
    with pytest.raises(ValueError, match="'a' has two prompts, 'dog' and 'cat'"):
        match(good, good, prompts=table)
    table.write_text("name,prompt\na,dog,x\n")
    with pytest.raises(BadListing, match="3 cells, the header has 2"):
        match(good, good, prompts=table)
