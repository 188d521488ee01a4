"""How far reviewers agree: closed forms, an independent implementation, and what is not defined."""

import sys

import pytest
from sklearn.metrics import cohen_kappa_score
from support.decisions import A, B, C, decision

from foundation.extras import command_for
from vgg_monoaudio.selection.agreement import agreement, cohen_kappa, fleiss_kappa, krippendorff_alpha
from vgg_monoaudio.selection.decisions import CRITERIA


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
    assert alone.reason == "nothing was judged by two people"


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


# Krippendorff 2011, example C: four observers, twelve units; a point is a judgement that was not made.
OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
UNITS = [[value for value in unit if value != "."] for unit in zip(*OBSERVERS, strict=True)]


def test_krippendorff_s_alpha_of_his_example_c():
    assert krippendorff_alpha(UNITS) == pytest.approx(0.743, abs=5e-4)  # published with three decimals


def test_alpha_in_closed_form_of_clips_that_one_two_and_three_judged():
    # Do = (4 / 2 + 2 / 1) / 5, of ordered pairs that differ; De = 2 * 3 * 2 / (5 * 4).
    assert krippendorff_alpha(["yyn", "yn", "y"]) == pytest.approx(1 - (4 / 5) / (12 / 20))


def test_alpha_does_not_depend_on_the_order_of_clips_or_judgements():
    assert krippendorff_alpha([unit[::-1] for unit in UNITS[::-1]]) == pytest.approx(
        krippendorff_alpha(UNITS), abs=1e-12
    )


@pytest.mark.parametrize(("judged", "message"), [(["y", "n"], "by two people"), (["yy", "yyy"], "all are the same")])
def test_alpha_without_anything_to_measure_is_refused(judged, message):
    with pytest.raises(ValueError, match=message):
        krippendorff_alpha(judged)


def test_alpha_takes_clips_that_kappa_must_leave_out():
    votes = [decision(A, "ada"), decision(A, "bob"), decision(B, "bob", visible=False), decision(B, "cyd")]
    visible = next(row for row in agreement(votes) if row.criterion == "visible")
    assert (visible.kappa, visible.reason) == (None, "nothing was judged by all 3 reviewers")
    assert visible.alpha == pytest.approx(krippendorff_alpha(["yy", "ny"]))


def test_where_the_package_is_missing_alpha_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "krippendorff", None)
    found = agreement([decision(A, "ada"), decision(A, "bob", visible=False)])
    assert {(row.alpha, row.alpha_reason) for row in found} == {
        (None, f"alpha needs the package krippendorff; to get it: {command_for('web')}")
    }
