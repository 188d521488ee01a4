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
    with pytest.raises(ValueError, match="g: a folder; a table with the columns name and prompt"):
        match(good, good, prompts=good)
    table = tmp_path / "p.csv"
    table.write_text("name,prompt\n")
    with pytest.raises(ValueError, match=r"p\.csv: a file; a folder of sounds is expected"):
        match(good, table)
    table.write_text("name,text\na,dog\n")
    with pytest.raises(ValueError, match="no column prompt, caption or label; there are name and text"):
        match(good, good, prompts=table)
    table.write_text("name,prompt\na,dog\na.wav,cat\n")
    with pytest.raises(ValueError, match="'a' has two prompts, 'dog' and 'cat'"):
        match(good, good, prompts=table)
    table.write_text("name,prompt\na,dog,x\n")
    with pytest.raises(BadListing, match="3 cells, the header has 2"):
        match(good, good, prompts=table)


def test_two_unicode_forms_of_one_name_are_refused_with_what_sets_them_apart(folder):
    with pytest.raises(ValueError, match=r"'Tu\\u0308r\.wav' and 'T\\xfcr\.wav', which differ in their Unicode form"):
        match(folder("g", "Tu\u0308r.wav", "T\u00fcr.wav"), folder("r", "a.wav"))


def test_names_count_with_their_subfolders_where_one_is_twice_in_folders_laid_out_alike(folder, tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("name,prompt\ncat/001.wav,a cat\ndog/001,a dog\n002,rain\n")
    sides = match(
        folder("g", "cat/001.wav", "dog/001.wav", "002.wav"), folder("r", "cat/001.flac", "dog/001.wav", "002.wav"),
        video=folder("v", "cat/001.mp4", "002.mp4"), prompts=table,
    )  # fmt: skip
    assert (sides.paired, sides.complete) == (True, ["002", "cat/001"])
    assert sides.lacking == {"dog/001": "no film of this name"}
    assert sides.prompts == {"cat/001": "a cat", "dog/001": "a dog", "002": "rain"}


def test_names_that_are_twice_are_refused_where_subfolders_do_not_tell_which_belong_together(folder):
    doubled, flat = folder("g", "cat/001.wav", "dog/001.wav", "2.wav"), folder("r", "001.wav", "2.wav")
    with pytest.raises(ValueError, match=r"two sounds are called '001'.*or lay out both folders of sounds in the same"):
        match(doubled, flat)
    assert match(doubled, flat, unpaired=True).complete == ["2", "cat/001", "dog/001"]


def test_a_blank_prompt_is_none_in_a_table_and_in_a_mapping(folder, tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("name,prompt\n4,dog\n5, \n")
    good = folder("g", "4.wav", "5.wav")
    for prompts in (table, {"4": " dog", "5": " "}, {"4": "dog", "5": None}):
        sides = match(good, good, prompts=prompts)
        assert (sides.prompts, sides.lacking) == ({"4": "dog"}, {"5": "no prompt of this name"})


def test_a_mapping_of_prompts_is_held_to_what_a_table_is(folder):
    good = folder("g", "5.wav")
    with pytest.raises(ValueError, match="prompts: expected names that are texts, got 5; write '5'"):
        match(good, good, prompts={5: "dog"})
    with pytest.raises(ValueError, match="prompts: '5': expected a text, got nan"):
        match(good, good, prompts={"5": float("nan")})
    with pytest.raises(ValueError, match="prompts: '5' has two prompts, 'dog' and 'cat'"):
        match(good, good, prompts={"5": "dog", "5.wav": "cat"})


def test_columns_count_in_any_letters_and_other_separators_are_named(folder, tmp_path):
    good, table = folder("g", "a.wav"), tmp_path / "p.csv"
    table.write_text("Name,PROMPT\na,dog\n")
    assert match(good, good, prompts=table).prompts == {"a": "dog"}
    table.write_text("name;prompt\na;a dog, barking\n")
    with pytest.raises(ValueError, match="columns are separated by semicolons, and commas are expected; save it with"):
        match(good, good, prompts=table)
    table.write_text("name\tprompt\na\tdog\n")
    with pytest.raises(
        ValueError, match=r"separated by tabs, and commas are expected; save it with commas, or as \.tsv"
    ):
        match(good, good, prompts=table)
    lines = tmp_path / "p.jsonl"
    lines.write_text('{"name": "a", "prompt": "dog"}\n{"name": "b"}\n')
    with pytest.raises(ValueError, match=r"a row without 'name' or 'prompt': \{'name': 'b'\}; every row needs both"):
        match(good, good, prompts=lines)
