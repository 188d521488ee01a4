import dataclasses

import pandas as pd
import pytest
from support.decisions import NOON, A, B, C, decision

from vgg_monoaudio.selection.decisions import (
    COLUMNS,
    BadCuration,
    append_decisions,
    automatic_decisions,
    new_automatic_decisions,
    read_decisions,
)
from vgg_monoaudio.selection.verdicts import apply_decisions


def test_decisions_come_back_from_their_file_as_they_were(tmp_path):
    path = tmp_path / "curation.csv"
    given = [
        decision(start_offset_seconds=1.25, note='wind, "a bit"\nof it'),
        decision(B, visible=False, label="sheep bleating"),
    ]
    append_decisions(path, given[:1])
    append_decisions(path, given[1:])
    assert read_decisions(path) == given
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)
    assert path.read_text().count(COLUMNS[0]) == 1


def test_a_row_cut_off_by_a_crash_does_not_swallow_the_next(tmp_path):
    path = tmp_path / "curation.csv"
    append_decisions(path, [decision()])
    with path.open("a") as file:
        file.write(f"{B},yes,ye")
    append_decisions(path, [decision(C)])
    assert path.read_text().splitlines()[-1].startswith(C)
    with pytest.raises(BadCuration, match=r"curation\.csv:3: expected 9 fields, found 3$"):
        read_decisions(path)


def test_every_malformed_line_is_named(tmp_path):
    path = tmp_path / "curation.csv"
    row = f"{A},yes,yes,yes,dog barking,0.0,ada,,{NOON}"
    rows = [
        row,
        row.replace("yes", "maybe", 1),
        row.replace("0.0", "2.5"),
        row.replace("0.0", "late"),
        row.replace("dog barking", "dog"),
        row.replace("ada", " "),
        row.replace(NOON, "noon"),
        row.replace(A, "clip"),
    ]
    path.write_text("\n".join([",".join(COLUMNS), *rows, ""]))
    with pytest.raises(BadCuration) as caught:
        read_decisions(path)
    lines = str(caught.value).splitlines()
    for line, (number, reason) in zip(
        lines,
        [
            (3, "single_source: expected yes or no, found 'maybe'"),
            (4, "start_offset_seconds: expected 0 to 2, got 2.5"),
            (5, "start_offset_seconds: expected a number, found 'late'"),
            (6, "label 'dog' is not one of VGG-MonoAudio's"),
            (7, "reviewer: expected a name"),
            (8, "Invalid isoformat string: 'noon'"),
            (9, "clip id: expected 11 characters"),
        ],
        strict=True,
    ):
        assert line.startswith(f"{path}:{number}: {reason}")


@pytest.mark.parametrize("act", [read_decisions, lambda path: append_decisions(path, [decision()])])
def test_a_file_with_another_header_is_neither_read_nor_added_to(tmp_path, act):
    path = tmp_path / "curation.csv"
    path.write_text("clip,ok\n")
    with pytest.raises(BadCuration, match=r"expected the columns clip_id,single_source,.*found clip,ok"):
        act(path)
    assert path.read_text() == "clip,ok\n"


def test_the_screening_fills_in_decisions_that_say_so(screened):
    decisions = automatic_decisions(screened, label_version="1.0", time=NOON)
    assert {d.reviewer for d in decisions} == {"auto:vggsounder-1.0"}
    assert all(d.automatic for d in decisions)
    assert len(decisions) == screened["clip_id"].nunique()
    accepted = {(d.clip_id, d.label) for d in decisions if d.accepted}
    proposed = screened.loc[screened["proposed"], ["clip_id", "label"]]
    assert accepted == set(proposed.itertuples(index=False, name=None))
    assert len(apply_decisions(decisions).sources) == 519


def test_automatic_decisions_survive_their_file(screened, tmp_path):
    decisions = automatic_decisions(screened.head(200), label_version="1.0", time=NOON)
    append_decisions(tmp_path / "curation.csv", decisions)
    assert read_decisions(tmp_path / "curation.csv") == decisions


def test_a_decision_is_a_record_that_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        decision().visible = False  # type: ignore[misc]


# Filling a file, and several files


def evidence(clip: str, *, proposed: bool = True) -> dict[str, object]:
    return {
        "clip_id": clip, "label": "dog barking", "category": "Animal", "single_source": proposed, "visible": True,
        "label_matches": True, "proposed": proposed, "evidence": f"said of {clip}",
    }  # fmt: skip


def test_filling_a_file_twice_adds_nothing(tmp_path):
    screened = pd.DataFrame([evidence(A), evidence(B, proposed=False)])
    first = new_automatic_decisions(screened, [], label_version="1.0", time=NOON)
    assert [(made.clip_id, made.accepted, made.automatic) for made in first] == [(A, True, True), (B, False, True)]
    assert new_automatic_decisions(screened, first, label_version="1.0", time="2026-01-01T00:00:00") == []
    newer = new_automatic_decisions(screened, first, label_version="1.1", time=NOON)
    assert [made.reviewer for made in newer] == ["auto:vggsounder-1.1"] * 2


def test_decisions_in_another_encoding_are_refused_by_name(tmp_path):
    path = tmp_path / "curation.csv"
    append_decisions(path, [decision()])
    path.write_bytes(path.read_text().encode("utf-16"))
    for use in (read_decisions, lambda file: append_decisions(file, [decision()])):
        with pytest.raises(BadCuration, match=r"curation\.csv: text in UTF-16; save it as UTF-8"):
            use(path)
