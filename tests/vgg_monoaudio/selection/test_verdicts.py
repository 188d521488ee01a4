"""What decisions amount to: majorities, ties, people before programs, and conflicts."""

import pytest
from support.decisions import A, B, decision

from vgg_monoaudio.selection.decisions import CRITERIA
from vgg_monoaudio.selection.verdicts import apply_decisions, conflicts, last_words


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
    ]
    votes[1] = decision(reviewer="bob", label="sheep bleating", start_offset_seconds=0.5)
    assert conflicts(votes).to_numpy().tolist() == [
        [A, "label", "ada: dog barking; bob: sheep bleating"],
        [A, "start_offset_seconds", "ada: 0.0; bob: 0.5"],
    ]


def test_where_the_8_s_begin_is_for_those_to_say_who_accept_the_clip():
    votes = [decision(), decision(reviewer="bob", start_offset_seconds=0.5)]
    late = [*votes, decision(reviewer="cyd", start_offset_seconds=0.5)]
    assert apply_decisions(late).sources["start_offset_seconds"].to_list() == [0.5]
    against = [*votes, decision(reviewer="cyd", visible=False, start_offset_seconds=0.5)]
    assert apply_decisions(against).rejected["reason"].to_list() == ["reviewers differ on where the 8 s begin"]


def test_the_last_words_are_sorted_by_clip_and_reviewer_and_those_of_programs_give_way():
    made = [decision(B, "zoe"), decision(A, "auto"), decision(B, "bob"), decision(B, "auto:x")]
    heard = last_words(made)
    assert list(heard) == sorted([A, B])
    assert [vote.reviewer for vote in heard[B]] == ["bob", "zoe"]
    assert [vote.reviewer for vote in heard[A]] == ["auto"]
