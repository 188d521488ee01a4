"""Decisions about pairs: each reviewer's last word counts, a tie drops the pair, and verdicts survive their file."""

import pandas as pd
import pytest

from vgg_monoaudio.selection.decision_files import BadCuration
from vgg_monoaudio.selection.pair_decisions import (
    PAIR_DECISIONS,
    PairDecision,
    pair_agreement,
    pair_conflicts,
    pair_verdicts,
    read_pair_verdicts,
    write_pair_verdicts,
)

NOON = "2026-01-31T12:00:00+00:00"


def says(answer: str, reviewer: str = "ann", pair: str = "ab", note: str = "") -> PairDecision:
    labels = {"a": "car passing by", "b": "driving buses", "c": "fire truck siren"}
    return PairDecision(pair[0], pair[1], labels[pair[0]], labels[pair[1]], answer == "yes", reviewer, note, NOON)


@pytest.mark.parametrize(
    ("answers", "drops", "reason"),
    [
        pytest.param([says("yes")], True, "1 of 1 say", id="yes drops"),
        pytest.param([says("no")], False, "0 of 1 say", id="no keeps"),
        pytest.param([says("yes"), says("no", "bob")], True, "undecided, 1 of 2 say", id="a tie drops"),
        pytest.param([says("yes"), says("no", "bob"), says("no", "cyd")], False, "1 of 3", id="most say no"),
        pytest.param([says("yes"), says("no")], False, "0 of 1", id="the last word counts"),
        pytest.param([says("yes", "auto:words"), says("no")], False, "0 of 1", id="a person outweighs a program"),
        pytest.param([says("yes", note="a bus is a car")], True, "(a bus is a car)", id="the note is a reason"),
    ],
)
def test_verdicts_follow_most_reviewers(answers, drops, reason):
    verdicts = pair_verdicts(answers)
    assert verdicts["also_describes"].to_list() == [drops]
    assert reason in verdicts["reason"][0]


def test_directions_of_a_pair_are_judged_apart():
    verdicts = pair_verdicts([says("yes", pair="ab"), says("no", pair="ba")])
    assert dict(zip(verdicts["target_id"], verdicts["also_describes"], strict=True)) == {"a": True, "b": False}


def test_a_pair_of_one_label_is_no_pair():
    with pytest.raises(ValueError, match="two clips of two labels"):
        PairDecision("a", "b", "dog barking", "dog barking", True, "ann", "", NOON)


def test_conflicts_say_who_said_what_and_agreement_counts_people():
    made = [says("yes"), says("no", "bob"), says("no", pair="ac"), says("no", "bob", pair="ac"), says("no", "auto:x")]
    assert pair_conflicts(made)["votes"].to_list() == ["ann: yes; bob: no"]
    found = pair_agreement(made)
    assert (found.reviewers, found.clips, found.observed) == (2, 2, 0.5)


def test_decisions_and_verdicts_survive_their_files(tmp_path):
    made = [says("yes", 'Zoë "Z"', note="a,b\nc"), says("no", pair="bc")]
    PAIR_DECISIONS.append(tmp_path / "decisions.csv", made)
    assert PAIR_DECISIONS.read(tmp_path / "decisions.csv") == made
    verdicts = pair_verdicts(made)
    write_pair_verdicts(tmp_path / "pairs.csv", verdicts)
    pd.testing.assert_frame_equal(read_pair_verdicts(tmp_path / "pairs.csv"), verdicts, check_dtype=False)


def test_blank_rows_among_verdicts_are_passed_over(tmp_path):
    verdicts = pair_verdicts([says("yes"), says("no", pair="ac")])
    write_pair_verdicts(tmp_path / "pairs.csv", verdicts)
    text = (tmp_path / "pairs.csv").read_text()
    (tmp_path / "pairs.csv").write_text("\n" + text.replace("\n", "\n\n,,,,,\n"))
    pd.testing.assert_frame_equal(read_pair_verdicts(tmp_path / "pairs.csv"), verdicts, check_dtype=False)


def test_decisions_given_as_verdicts_are_refused_with_the_way_out(tmp_path):
    PAIR_DECISIONS.append(tmp_path / "decisions.csv", [says("yes")])
    with pytest.raises(BadCuration, match=r"`curate pairs .*decisions.csv` turns them into verdicts"):
        read_pair_verdicts(tmp_path / "decisions.csv")


def test_a_pair_judged_again_after_a_clip_got_another_label_is_read_under_both(tmp_path):
    again = PairDecision("a", "b", "car passing by", "fire truck siren", False, "ann", "", NOON)
    verdicts = pair_verdicts([says("yes"), again])
    write_pair_verdicts(tmp_path / "pairs.csv", verdicts)
    found = read_pair_verdicts(tmp_path / "pairs.csv").set_index("paired_label")["also_describes"]
    assert found.to_dict() == {"driving buses": True, "fire truck siren": False}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param("a,b,x,y,maybe,", "expected yes or no, found 'maybe'", id="neither yes nor no"),
        pytest.param("a,b,x,y,yes", ":2: ", id="a field too few"),
        pytest.param("a,b,x,y,yes,r\na,b,x,y,no,r", ":3: a with b is listed more than once", id="twice"),
    ],
)
def test_a_malformed_verdict_is_named_by_its_line(tmp_path, row, message):
    (tmp_path / "pairs.csv").write_text(f"target_id,paired_id,target_label,paired_label,also_describes,reason\n{row}\n")
    with pytest.raises(BadCuration, match=message):
        read_pair_verdicts(tmp_path / "pairs.csv")
