"""Pairs on the page: those of two labels together, a whole group at one stroke, undone together."""

from dataclasses import replace

import pytest
from support.decisions import NOON, decision

from benchmark.web.curation.pairs import PairAnswer
from benchmark.web.curation.site import pairs_path
from benchmark.web.files import NoSuchFile
from vgg_monoaudio.selection.pair_decisions import PAIR_DECISIONS


@pytest.fixture
def listed(asked, tmp_path):
    """A site whose pairs are those of a list: two buses, two cars and a dog."""
    rows = ["driving buses", "driving buses", "car passing by", "car passing by", "dog barking"]
    text = "".join(f"own{place},{label},{place / 10}\n" for place, label in enumerate(rows))
    (tmp_path / "mine.csv").write_text(f"clip_id,label,start_seconds\n{text}")
    return replace(asked, sources=tmp_path / "mine.csv")


@pytest.fixture
def pairs(listed, opened):
    return opened(listed).pairs


def answer(target, paired, yes, whole=False):
    return PairAnswer(f"own{target}", f"own{paired}", yes, "", whole)


def mine(pairs, reviewer="ada"):
    return {f"{line.target_id[3:]}{line.paired_id[3:]}": line.mine for line in pairs.lines(reviewer)}


def test_pairs_of_two_labels_stand_together_with_the_proposal_of_the_table(pairs):
    lines = pairs.lines("ada")
    assert [(line.target_id, line.paired_id) for line in lines] == [
        (f"own{target}", f"own{paired}") for target, paired in ("20", "21", "30", "31", "02", "03", "12", "13")
    ]
    assert {(line.target_label, "bus is the vehicle" in line.proposal) for line in lines} == {
        ("car passing by", True), ("driving buses", False),
    }  # fmt: skip
    assert (lines[1].target_start, lines[1].paired_start) == (0.2, 0.1)


def test_a_whole_group_is_said_and_taken_back_at_one_stroke(pairs):
    assert [line.mine for line in pairs.decide(answer(2, 1, False), "ada", NOON)] == ["no"]
    assert [line.mine for line in pairs.decide(answer(2, 0, True, whole=True), "ada", NOON)] == ["yes"] * 3
    assert mine(pairs) == {
        "20": "yes", "21": "no", "30": "yes", "31": "yes", "02": "", "03": "", "12": "", "13": ""
    }  # fmt: skip
    assert [line.mine for line in pairs.undo("ada")] == [""] * 3
    assert mine(pairs)["20"] == ""
    assert mine(pairs)["21"] == "no"


def test_undo_leaves_pairs_that_are_there_no_more_but_for_those_of_the_same_stroke(site, candidates):
    clips = [row.partition(",")[0] for row in candidates.read_text().splitlines()[1:]]
    labels = ["dog barking", "sheep bleating", "sheep bleating"]
    for clip, label in zip(clips, labels, strict=False):
        site.desk.decide(decision(clip, label=label))
    said = lambda target, paired, whole=False: PairAnswer(clips[target], clips[paired], True, "", whole)  # noqa: E731
    site.pairs.decide(said(0, 1, whole=True), "ada", NOON)
    site.pairs.decide(said(2, 0), "ada", NOON)
    site.desk.decide(decision(clips[2], label="sheep bleating", visible=False))
    assert [(line.target_id, line.paired_id) for line in site.pairs.undo("ada")] == [(clips[0], clips[1])]
    left = site.pair_decisions.standing()
    assert [(made.target_id, made.paired_id) for made in left] == [(clips[2], clips[0])]
    assert site.pairs.undo("ada") == []
    assert site.pair_decisions.standing() == left


def test_the_same_answer_again_adds_nothing(pairs, listed):
    assert [len(pairs.decide(answer(2, 0, True), "ada", NOON)) for _ in range(2)] == [1, 1]
    assert len(PAIR_DECISIONS.read(pairs_path(listed.decisions))) == 1


def test_a_pair_that_is_none_is_refused(pairs):
    with pytest.raises(NoSuchFile):
        pairs.decide(answer(0, 4, True), "ada", NOON)  # two categories


def test_conflicts_are_told_to_those_who_decided(pairs):
    pairs.decide(answer(2, 0, True), "ada", NOON)
    pairs.decide(answer(2, 0, False), "bob", NOON)
    assert [one.votes for one in pairs.conflicts("bob")] == [(("ada", "yes"), ("bob", "no"))]
    assert pairs.conflicts("cyd") == []
    assert pairs.agreement().observed == 0.0


def test_pairs_come_of_the_clips_that_are_accepted_so_far(site, candidates):
    clips = [row.partition(",")[0] for row in candidates.read_text().splitlines()[1:]]
    assert site.pairs.lines("ada") == []
    site.desk.decide(decision(clips[0]))
    site.desk.decide(decision(clips[1], label="sheep bleating", start_offset_seconds=0.4))
    assert [(line.target_label, line.paired_start) for line in site.pairs.lines("ada")] == [
        ("dog barking", 0.4), ("sheep bleating", 0.0),
    ]  # fmt: skip
    site.desk.decide(decision(clips[1], label="sheep bleating", visible=False))
    assert site.pairs.lines("ada") == []


def test_r1_makes_560_pairs(asked, opened):
    from vgg_monoaudio.selection.source_list import R1

    lines = opened(replace(asked, sources=R1)).pairs.lines("ada")
    assert len(lines) == 560
    assert sum(bool(line.proposal) for line in lines) == 11
