"""Draws: a rank per name, the same everywhere, evenly spread."""

import pytest

from vgg_monoaudio.draws import rank


def test_a_rank_is_the_same_on_every_machine():
    """Recorded: a rank that moves makes another benchmark."""
    assert [rank(0, "pair", "a", "b"), rank("r1", "clip", "3qesirWAGt4_000020")] == [
        4621481711342973388,
        5816061804163066174,
    ]


def test_ranks_lie_in_64_bits_and_spread_evenly():
    ranks = [rank(7, "clip", str(place)) for place in range(4_000)]
    assert len(set(ranks)) == len(ranks)
    assert all(0 <= value < 2**64 for value in ranks)
    upper = sum(value >= 2**63 for value in ranks)
    assert abs(upper - 2_000) < 160  # binomial: five standard deviations of 31.6


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param((0, "a", "b"), (1, "a", "b"), id="seed"),
        pytest.param((0, "a", "b"), (0, "b", "a"), id="order"),
        pytest.param((0, "ab", "c"), (0, "a", "bc"), id="where one word ends"),
        pytest.param((1, "a"), ("1", "a"), id="number and text"),
        pytest.param((0, "\u00e9"), (0, "e\u0301"), id="two spellings of one letter"),
    ],
)
def test_whatever_differs_draws_another_rank(first, second):
    assert rank(*first) != rank(*second)


def test_who_joins_leaves_the_order_of_the_others():
    few = sorted("abc", key=lambda word: rank(3, word))
    many = sorted("abcdefgh", key=lambda word: rank(3, word))
    assert [word for word in many if word in few] == few
