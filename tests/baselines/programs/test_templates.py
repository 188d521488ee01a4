"""Places in a recipe's texts: filled once, counted, and groups of words that are left out."""

import pytest

from baselines.programs.templates import as_text, filled, places, stray_brace, words


def test_a_value_is_not_read_for_places_again():
    assert filled("--prompt={prompt}", {"prompt": "{seed} {"}) == "--prompt={seed} {"


def test_zeros_are_put_in_front_where_a_place_says_so():
    assert [filled("{row:04}.wav", {"row": row}) for row in ("7", "12345")] == ["0007.wav", "12345.wav"]


def test_a_brace_that_is_no_place_is_written_twice():
    assert filled('{{"row": {row}}}', {"row": "7"}) == '{"row": 7}'
    assert places(["{a} {{b}}", ("--b", "{c:03}")]) == {"a", "c"}


@pytest.mark.parametrize("text", ["{}", "{A}", "{row-1}", "{ row }", "{row", "row}"])
def test_a_brace_that_is_neither_is_found(text):
    assert stray_brace(["{row}", ("{{row}}", text)]) == text
    assert stray_brace(["{row}", ("{{row}}",)]) is None


@pytest.mark.parametrize(("negative", "expected"), [("", ["run", ""]), ("rain", ["run", "rain", "--negative", "rain"])])
def test_a_group_with_an_empty_place_is_left_out_and_a_word_is_not(negative, expected):
    assert words(["run", "{negative}", ("--negative", "{negative}")], {"negative": negative}) == expected


def test_a_parameter_that_is_true_stands_for_its_flag_and_one_that_is_false_for_nothing():
    assert [as_text("half", value) for value in (True, False, 0, 0.5, "x")] == ["--half", "", "0", "0.5", "x"]
