"""The queue of the page: each clip once, its labels by who gives them, evidence beside it."""

import pytest

from vgg_monoaudio.selection.candidates import CANDIDATE_COLUMNS
from vgg_monoaudio.selection.queue import SCREENED_COLUMNS, BadQueue, LabelInQuestion, read_queue

DOG, CAR, ZERO = "aaaaaaaaaaa_000010", "bbbbbbbbb-b_000020", "00000000000_000030"


def candidates(*rows):
    return ",".join(CANDIDATE_COLUMNS) + "\n" + "".join(f"{clip},x,0,{a},{b},,,True\n" for clip, a, b in rows)


def screened(*rows):
    found = (f'{clip},{label},Animal,{word},True,True,{word},,,"says {label}"\n' for clip, label, word in rows)
    return ",".join(SCREENED_COLUMNS) + "\n" + "".join(found)


@pytest.fixture
def table(tmp_path):
    def write(text, name="table.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_candidates_bring_the_labels_of_both_datasets_in_our_spelling(table):
    rows = [
        (DOG, "dog barking", "dog barking"),
        (CAR, "police car (siren)", "car passing by"),
        (ZERO, "raining", "dog barking"),
    ]
    dog, car, zero = read_queue(table(candidates(*rows)))
    assert dog.labels == (LabelInQuestion("dog barking", "VGGSound and UnAV-100"),)
    assert [(one.label, one.given_by) for one in car.labels] == [
        ("police car siren", "VGGSound"), ("car passing by", "UnAV-100"),
    ]  # fmt: skip
    assert (zero.clip_id, zero.classes[0]) == (ZERO, ("VGGSound", "raining"))
    assert [one.label for one in zero.labels] == ["dog barking"]


def test_blank_rows_are_passed_over(table):
    text = candidates((DOG, "dog barking", "dog barking"), (CAR, "car passing by", "car passing by"))
    for blank in ("\n", ",,,,,,,\n"):
        spaced = "".join(blank + line for line in text.splitlines(keepends=True)) + blank
        assert read_queue(table(spaced)) == read_queue(table(text, "plain.csv"))


def test_screened_clips_come_once_with_all_their_evidence(table):
    rows = [(DOG, "dog barking", "True"), (CAR, "sheep bleating", "False"), (DOG, "sheep bleating", "False")]
    dog, car = read_queue(table(screened(*rows)))
    assert [(one.label, one.proposed, one.text) for one in dog.evidence] == [
        ("dog barking", True, "says dog barking"), ("sheep bleating", False, "says sheep bleating"),
    ]  # fmt: skip
    assert [one.label for one in dog.labels] == ["dog barking", "sheep bleating"]
    assert (car.evidence[0].single_source, car.evidence[0].visible) == (False, True)


def test_evidence_is_put_beside_candidates_that_have_some(table):
    beside = table(screened((CAR, "car passing by", "True")), "screened.csv")
    rows = [(DOG, "dog barking", "dog barking"), (CAR, "car passing by", "car passing by")]
    dog, car = read_queue(table(candidates(*rows)), beside)
    assert (len(dog.evidence), len(car.evidence)) == (0, 1)
    assert car.labels == (LabelInQuestion("car passing by", "VGGSound and UnAV-100"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "clip_id,label\n", "expected the columns clip_id, youtube_id.* or .*; found clip_id, label", id="other"
        ),
        pytest.param("", "found none", id="empty"),
        pytest.param(candidates(), "no clip in it", id="no rows"),
        pytest.param(candidates(("dog", "dog barking", "")), r"table.csv:2: .*clip id: expected", id="no clip id"),
        pytest.param(candidates()[:-1] + "\na,b\n", r"table.csv:2: ", id="a short row"),
        pytest.param(screened((DOG, "dog", "True")), "row 1: label 'dog' is not one", id="no label"),
        pytest.param(screened((DOG, "dog barking", "maybe")), "row 1: .*expected yes or no", id="no flag"),
    ],
)
def test_what_is_no_queue_is_refused_with_its_place(table, text, message):
    with pytest.raises(BadQueue, match=message):
        read_queue(table(text))
