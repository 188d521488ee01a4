"""The dataset card says what the directory holds, where it comes from, and whose it is."""

import json

import pytest

from vgg_monoaudio import load_benchmark
from vgg_monoaudio.demo.clips import demo_sources
from vgg_monoaudio.publishing.card import card, origin, write_card
from vgg_monoaudio.selection.source_list import load_source_list


def change_record(path, **changes):
    record = json.loads((path / "benchmark.json").read_text()) | changes
    (path / "benchmark.json").write_text(json.dumps(record))
    return load_benchmark(path)


def front_matter(text: str) -> dict:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(text.split("---\n")[1])


def test_the_card_is_written_as_the_readme_and_twice_the_same(small):
    assert write_card(small).path == small
    first = (small / "README.md").read_text()
    write_card(small)
    assert (small / "README.md").read_text() == first == card(load_benchmark(small))


def test_counts_are_those_of_the_manifests(small):
    text = card(load_benchmark(small))
    assert "6 samples (4 inter, 2 intra), made from 4 of 4 clips." in text
    assert "| Animal | 2 | 3 |" in text  # labels, clips
    assert "| Animal | 2 | 0 | 2 |" in text  # inter: with Music, with Animal, total


def test_every_setting_and_every_column_is_explained(small):
    benchmark = load_benchmark(small)
    text = card(benchmark)
    for name, value in benchmark.record.settings.content().items():
        assert f"| {name.replace('_', ' ')} | {'default' if value is None else value} |" in text
    for column in benchmark.manifests["inter"].columns:
        assert f"`{column}`" in text


def test_the_head_is_yaml_that_the_hub_reads(small):
    head = front_matter(card(load_benchmark(small), ["configs: []"]))
    assert head["license"] == "other"
    assert head["size_categories"] == ["n<1K"]
    assert head["configs"] == []
    assert head["pretty_name"] == "small 1.0"


def test_a_benchmark_of_r1_says_that_it_is_not_the_authors_list(write_benchmark):
    rows = load_source_list("r1")[["clip_id", "label", "category"]].to_numpy().tolist()
    path = write_benchmark("r1", clips=[tuple(row) for row in rows], pairs={"inter": ((0, 40),)})
    assert origin(load_benchmark(path)) == "r1"
    text = card(load_benchmark(path))
    assert "**This is not the list of the paper's authors**" in text
    assert "they were not watched for this purpose" in text


def test_r1_with_clips_left_out_is_still_r1_and_names_them(write_benchmark):
    rows = [tuple(row) for row in load_source_list("r1")[["clip_id", "label", "category"]].to_numpy().tolist()]
    lost = {"clip_id": rows[-1][0], "reason": "its audio is digital silence"}
    path = write_benchmark("r1", clips=rows[:-1], pairs={"inter": ((0, 40),)}, left_out=[lost])
    text = card(load_benchmark(path))
    assert origin(load_benchmark(path)) == "r1"
    assert "made from 66 of 67 clips" in text
    assert f"| {rows[-1][0]} | its audio is digital silence |" in text


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_the_card_shows_both_lists_how_they_differ_and_what_is_in_conflict(write_benchmark, name):
    rows = load_source_list(name)[["clip_id", "label", "category"]].to_numpy().tolist()
    built = load_benchmark(write_benchmark(name, clips=[tuple(row) for row in rows], pairs={"inter": ((0, 40),)}))
    assert origin(built) == name
    text = card(built)
    both = set(load_source_list("r1")["clip_id"]) & set(load_source_list("r2")["clip_id"])
    assert f"{len(both)} clips are on both" in text
    assert "| r1 | 67 | 53 | 14 |" in text
    assert "| r2 | 67 | 65 | 2 |" in text
    conflicts = text.partition(f"In conflict on {name}: ")[2].splitlines()[0].split("; `")
    assert len(conflicts) == {"r1": 14, "r2": 2}[name]
    assert "`9ofZp-R3BlY_000021` (car passing by; VGGSound: squishing water)" in text
    assert ("There is none for: train wheels squealing." in text) == (name == "r2")


def test_substitutes_stand_on_the_card_with_what_they_replaced(small):
    gone = {"clip_id": "gone", "label": "dog barking", "reason": "no file", "by": "ddddddddddd_000004", "rank": 1}
    text = card(change_record(small, replaced=[gone], version="2.0+reserves.1a2b3c4d"))
    assert "# small 2.0+reserves.1a2b3c4d" in text
    assert "and the reserves in their place" in text
    assert "| gone | dog barking | no file | ddddddddddd_000004 | 1 |" in text
    assert front_matter(text)["pretty_name"] == "small 2.0+reserves.1a2b3c4d"
    assert "| version without reserves | 1.0 |" in text
    assert "| version |" not in text
    assert "The clips are those of the list but for 1 that is replaced by reserves." in text
    assert "In conflict among" not in text


def test_a_substitute_that_vggsound_calls_something_else_is_in_conflict_on_the_card(write_benchmark):
    rows = [tuple(row) for row in load_source_list("r2")[["clip_id", "label", "category"]].to_numpy().tolist()]
    (clip, label, category), *others = sorted(rows, key=lambda row: row[0] != "9ofZp-R3BlY_000021")
    path = write_benchmark("r2", clips=[("spare", label, category), *others], pairs={"inter": ((0, 40),)})
    gone = {"clip_id": clip, "label": label, "reason": "gone", "by": "spare", "rank": 1}
    agreeing = {"clip_id": others[0][0], "label": others[0][1], "reason": "gone", "by": others[1][0], "rank": 1}
    conflict = {"conflict": "VGGSound labels it airplane"}
    text = card(change_record(path, replaced=[agreeing], version="2.0+reserves.1a2b3c4d"))
    assert "conflict |" not in text
    text = card(change_record(path, replaced=[gone | conflict], version="2.0+reserves.1a2b3c4d"))
    assert "lists/r2.csv` but for 1 that is replaced by reserves." in text
    assert "(car passing by; VGGSound: squishing water; replaced here)" in text
    assert "In conflict among the reserves in use: `spare` (car passing by; VGGSound labels it airplane)." in text
    assert f"| {clip} | car passing by | gone | spare | 1 | VGGSound labels it airplane |" in text


def test_the_card_says_how_the_sides_were_chosen(small):
    assert "The side of each pair is drawn by itself." in card(load_benchmark(small))
    settings = json.loads((small / "benchmark.json").read_text())["settings"]
    text = card(change_record(small, settings=settings | {"side_rule": "balanced"}))
    assert "Half of the targets of each subset and target category are on the left" in text
    assert "| side rule | balanced |" in text


def test_a_list_of_one_s_own_is_called_that(small):
    assert origin(load_benchmark(small)) == "other"
    assert "a list of the user's own" in card(load_benchmark(small))


def test_the_demo_is_called_synthetic_and_has_the_suite_s_own_licence(write_benchmark):
    rows = [tuple(row) for row in demo_sources().to_numpy().tolist()]
    text = card(load_benchmark(write_benchmark("demo", clips=rows, pairs={"intra": ((0, 2),)})))
    assert "synthetic" in text
    assert "VGGSounder" not in text


def test_licences_of_others_are_named(small):
    text = card(load_benchmark(small))
    licences = text[text.index("## Licences") : text.index("## Citation")]
    for word in ("copyright stays with those who made them", "CC BY 4.0", "VGGSounder", "UnAV-100"):
        assert word in licences
    assert "2512.02650" in text


def test_funnel_and_dropped_pairs_are_shown_where_they_are_recorded(small):
    assert "why" not in card(load_benchmark(small)).split()
    benchmark = change_record(
        small,
        funnel=[{"stage": "clips on the list", "clips": 5, "dropped": 0, "why": ""}],
        intra_dropped=[{"target_id": "a", "paired_id": "b", "reason": "a | names b"}],
    )
    text = card(benchmark)
    assert "| stage | clips | dropped | why |" in text
    assert "1 of 4 intra-class pairs are left out" in text
    assert "a \\| names b" in text  # a bar in a cell does not end it


def test_single_clips_of_vggsound_are_called_that(small):
    settings = {"name": "small", "version": "1.0", "duration_seconds": 8.0, "soundtrack": "target"}
    benchmark = change_record(small, kind="vggsound-test", settings=settings)
    assert origin(benchmark) == "vggsound-test"
    assert "whichever clips each group could still get" in card(benchmark)
