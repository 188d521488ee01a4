"""Measured figures: one schema, one file a section, tables that say what the files say."""

import json
import platform

import pytest

from foundation.measurements import (
    Figure,
    Machine,
    markdown,
    measured_now,
    measured_tables,
    read_measurements,
    this_machine,
)  # fmt: skip

FIGURES = (
    Figure(what="scores", n=15_446, figure=51.0, unit="CPU s", usual=2640, usual_way="resamples", at_most=60.0),
    Figure(what="second prompt", figure=0.47, floor=0.33, floor_of="its arithmetic", at_most=0.40),
)


def kept(folder, section="scores", name="scores", **changes):
    record = measured_now(section, FIGURES, Machine(name="2 cores", torch="2.11.0"), "with other work beside it")
    content = {**json.loads(record.model_dump_json(by_alias=True, exclude_none=True)), "date": "2026-11-27"}
    path = folder / f"{name}.json"
    path.write_text(json.dumps({**content, **changes}))
    return path


def test_a_table_says_where_and_when_and_has_the_columns_that_are_filled(tmp_path):
    assert (
        markdown(read_measurements(kept(tmp_path)))
        == """\
2 cores, torch 2.11.0, 2026-11-27, with other work beside it.

| what | n | measured | the usual way | floor | promised |
|---|---|---|---|---|---|
| scores | 15,446 | 51 CPU s | 2,640 CPU s (resamples) |  | at most 60 CPU s |
| second prompt |  | 0.47 |  | 0.33 (its arithmetic) | at most 0.4: missed |"""
    )


def test_every_file_of_a_folder_is_a_table(tmp_path):
    kept(tmp_path)
    kept(tmp_path, "gpu-h100", "gpu-h100")
    assert list(measured_tables(tmp_path)) == ["measured gpu-h100", "measured scores"]
    assert measured_tables(tmp_path / "absent") == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"date": "yesterday"}, "scores.json: date: expected a text of the form .*, got 'yesterday'"),
        ({"host": "here"}, "scores.json: host: no such key, got 'here'"),
        ({"figures": []}, "scores.json: figures: expected 1 or more values, got 0"),
        ({"figures": [{"what": "x", "figure": "fast"}]}, "figures.0.figure: expected a number, got 'fast'"),
        ({"section": "others"}, "scores.json: holds section 'others'; call the file others.json"),
    ],
)  # fmt: skip
def test_a_record_that_is_none_is_named_with_what_is_wrong(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read_measurements(kept(tmp_path, **changes))


@pytest.mark.parametrize(
    ("bounds", "missed"),
    [({}, False), ({"at_most": 3}, False), ({"at_most": 2}, True), ({"at_least": 3}, False), ({"at_least": 4}, True)],
)
def test_a_figure_is_held_against_what_was_promised(bounds, missed):
    assert Figure(what="ratio", figure=3.0, **bounds).missed == missed


def test_this_machine_is_described_and_neither_host_nor_folder_is_named():
    record = measured_now("scores", FIGURES, this_machine())
    assert record.machine.cores >= 1
    assert record.machine.python == platform.python_version()
    assert record.machine.name.endswith("cores" if record.machine.cores > 1 else "core")
    text = record.model_dump_json()
    assert platform.node() not in text
    assert "/" not in text.replace("CPU s", "")


def test_a_card_is_named_with_the_cores_beside_it():
    assert this_machine("NVIDIA H100").name.startswith("one NVIDIA H100, ")
