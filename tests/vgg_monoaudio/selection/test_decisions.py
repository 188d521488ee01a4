import dataclasses

import pytest
from sklearn.metrics import cohen_kappa_score

from vgg_monoaudio.selection.agreement import agreement, cohen_kappa, fleiss_kappa
from vgg_monoaudio.selection.decisions import (
    COLUMNS,
    CRITERIA,
    BadCuration,
    Decision,
    append_decisions,
    apply_decisions,
    automatic_decisions,
    conflicts,
    read_decisions,
)

A, B, C = "3qesirWAGt4_000020", "6jiO0tPLK7U_000090", "--0PQM4-hqg_000030"
NOON = "2026-01-31T12:00:00+00:00"


def decision(clip_id: str = A, reviewer: str = "ada", **change: object) -> Decision:
    given = {
        "single_source": True,
        "visible": True,
        "label_matches": True,
        "label": "dog barking",
        "start_offset_seconds": 0.0,
        "note": "",
        "time": NOON,
    }
    return Decision(clip_id=clip_id, reviewer=reviewer, **(given | change))


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


def test_an_accepted_clip_becomes_a_source():
    applied = apply_decisions([decision(start_offset_seconds=1.5)])
    assert applied.sources.to_dict("records") == [
        {
            "clip_id": A,
            "label": "dog barking",
            "category": "Animal",
            "start_offset_seconds": 1.5,
            "reviewers": "ada",
        }
    ]
    assert applied.rejected.empty


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_clip_that_fails_one_criterion_is_rejected_with_it(criterion):
    applied = apply_decisions([decision(**{criterion: False})])
    assert applied.sources.empty
    assert applied.rejected["reason"].to_list() == [f"{criterion}: no, 0 of 1 say yes"]


def test_more_than_half_of_the_reviewers_decide_and_a_tie_rejects():
    two_of_three = [decision(), decision(reviewer="bob"), decision(reviewer="cyd", visible=False)]
    assert apply_decisions(two_of_three).sources["reviewers"].to_list() == ["ada, bob, cyd"]
    tie = apply_decisions(two_of_three[1:])
    assert tie.rejected["reason"].to_list() == ["visible: undecided, 1 of 2 say yes"]


def test_reviewers_who_differ_on_label_or_offset_reject_the_clip():
    votes = [decision(), decision(reviewer="bob", label="sheep bleating", start_offset_seconds=1.0)]
    assert apply_decisions(votes).rejected["reason"].to_list() == [
        "reviewers differ on the label: dog barking, sheep bleating; reviewers differ on where the 8 s begin"
    ]


def test_a_reviewer_s_last_word_counts():
    applied = apply_decisions([decision(visible=False), decision()])
    assert applied.sources["clip_id"].to_list() == [A]


def test_a_person_s_word_counts_against_any_number_of_programs():
    programs = [decision(reviewer="auto"), decision(reviewer="auto:vggsounder-1.0")]
    assert len(apply_decisions(programs).sources) == 1
    assert apply_decisions([*programs, decision(visible=False)]).rejected["reason"].to_list() == [
        "visible: no, 0 of 1 say yes"
    ]
    assert not decision(reviewer="autumn").automatic


def test_conflicts_are_listed_with_who_said_what():
    votes = [decision(), decision(reviewer="bob", visible=False, start_offset_seconds=0.5), decision(B)]
    assert conflicts(votes).to_numpy().tolist() == [
        [A, "visible", "ada: yes; bob: no"],
        [A, "start_offset_seconds", "ada: 0.0; bob: 0.5"],
    ]


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


@pytest.mark.parametrize(
    ("first", "second", "kappa"),
    [
        pytest.param("yynn", "yynn", 1.0, id="full agreement"),
        pytest.param("yynn", "ynyn", 0.0, id="chance"),
        pytest.param("yynn", "nnyy", -1.0, id="the opposite"),
        pytest.param(
            "y" * 25 + "n" * 25, "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15, 0.4, id="50 judgements, 20 5 10 15"
        ),
    ],
)
def test_cohen_s_kappa_in_closed_form(first, second, kappa):
    assert cohen_kappa(first, second) == pytest.approx(kappa, abs=1e-12)
    assert cohen_kappa(second, first) == pytest.approx(kappa, abs=1e-12)


def test_cohen_s_kappa_equals_scikit_learn_s():
    first, second = "aabbccabcacbbaacab", "abbbccaacacbcaabab"
    assert cohen_kappa(first, second) == pytest.approx(cohen_kappa_score(list(first), list(second)), abs=1e-12)


def test_fleiss_kappa_of_his_own_kind_of_table():
    # 10 clips, 14 judgements each over 5 classes: the worked example of the article on Fleiss' kappa in Wikipedia.
    counts = [
        (0, 0, 0, 0, 14),
        (0, 2, 6, 4, 2),
        (0, 0, 3, 5, 6),
        (0, 3, 9, 2, 0),
        (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0),
        (3, 2, 6, 3, 0),
        (2, 5, 3, 2, 2),
        (6, 5, 2, 1, 0),
        (0, 2, 2, 3, 7),
    ]
    judgements = [[value for value, n in enumerate(row) for _ in range(n)] for row in counts]
    assert fleiss_kappa(judgements) == pytest.approx(0.210, abs=5e-4)  # given there with three decimals


def test_fleiss_kappa_in_closed_form():
    assert fleiss_kappa(["yyy", "nnn"]) == pytest.approx(1.0)
    assert fleiss_kappa(["yyn", "nny"]) == pytest.approx(-1 / 3)  # (1/3 - 1/2) / (1 - 1/2)
    assert fleiss_kappa(["yny", "ynn"]) == fleiss_kappa(["nny", "yyn"])


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: cohen_kappa("", ""), "two lists of one length, got 0 and 0"),
        (lambda: cohen_kappa("yy", "y"), "two lists of one length, got 2 and 1"),
        (lambda: cohen_kappa("yy", "yy"), r"all are the same.*0/0"),
        (lambda: fleiss_kappa([]), "at least 2, got no clips"),
        (lambda: fleiss_kappa(["y"]), r"at least 2, got \[1\]"),
        (lambda: fleiss_kappa(["yy", "yyy"]), r"equally many for each clip, at least 2, got \[2, 3\]"),
        (lambda: fleiss_kappa(["yy", "yy"]), r"all are the same.*0/0"),
    ],
)
def test_kappa_where_it_is_not_defined_is_an_error(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_two_reviewers_are_compared_by_cohen_s_kappa_over_their_common_clips():
    decisions = [
        decision(A),
        decision(A, "bob"),
        decision(B, visible=False),
        decision(B, "bob", visible=False, label="sheep bleating"),
        decision(C, visible=False),  # bob did not judge this one
        decision(A, "auto:vggsounder-1.0", visible=False),
    ]
    found = {a.criterion: a for a in agreement(decisions)}
    assert list(found) == [*CRITERIA, "label", "accepted"]
    visible = found["visible"]
    assert (visible.method, visible.reviewers, visible.clips) == ("cohen", 2, 2)
    assert (visible.observed, visible.kappa, visible.reason) == (1.0, 1.0, "")
    assert (found["label"].observed, found["label"].kappa) == (0.5, 0.0)


def test_agreement_that_is_not_defined_has_a_reason_and_no_number():
    always_yes = {a.criterion: a for a in agreement([decision(), decision(reviewer="bob")])}
    assert always_yes["visible"].observed == 1.0
    assert always_yes["visible"].kappa is None
    assert "0/0" in always_yes["visible"].reason
    alone = agreement([decision(), decision(B, "bob")])[0]
    assert (alone.clips, alone.observed, alone.kappa) == (0, None, None)
    assert alone.reason == "no clip was judged by two people"


def test_programs_are_no_reviewers_to_agree_with():
    programs = agreement([decision(reviewer="auto"), decision(reviewer="auto:vggsounder-1.0")])
    assert {(a.reviewers, a.clips, a.kappa) for a in programs} == {(0, 0, None)}


def test_three_reviewers_are_compared_by_fleiss_kappa_over_the_clips_of_all():
    names = ("ada", "bob", "cyd")
    votes = {A: (True, True, True), B: (False, False, True)}
    decisions = [
        decision(clip, name, visible=said)
        for clip, all_said in votes.items()
        for name, said in zip(names, all_said, strict=True)
    ]
    found = {a.criterion: a for a in agreement([*decisions, decision(C), decision(C, "bob", visible=False)])}["visible"]
    assert (found.method, found.reviewers, found.clips) == ("fleiss", 3, 3)
    assert found.kappa == pytest.approx(fleiss_kappa([votes[A], votes[B]]))
    assert found.observed == pytest.approx((1 + 1 / 3 + 0) / 3)


def test_a_decision_is_a_record_that_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        decision().visible = False  # type: ignore[misc]
