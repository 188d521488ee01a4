"""Text that others chose, in Markdown and in spreadsheets."""

import pytest

from foundation.markup import markdown_escaped, one_line, spreadsheet_text, text_of_spreadsheet


@pytest.mark.parametrize("text", ["=1+1", "+1", "-3qesirWAGt", "@sum", "\t=1", "\r=1", "-"])
def test_a_text_that_a_spreadsheet_would_calculate_gets_an_apostrophe(text):
    assert spreadsheet_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=b", " =1", "dog barking", "'", "'tis", "1-2"])
def test_other_texts_are_left(text):
    assert spreadsheet_text(text) == text


@pytest.mark.parametrize(
    "text", ["", "=1", "-", "\t", "'", "''", "'=1", "''=1", "'-", "'tis", "''tis", "dog barking", "'\r", "'\n=1"]
)
def test_a_text_comes_back_from_a_spreadsheet_as_it_was(text):
    cell = spreadsheet_text(text)
    assert text_of_spreadsheet(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_markup_is_escaped_and_underscores_within_words_are_left():
    assert markdown_escaped("[a](b) *c* |d| `e` <f> \\") == r"\[a\](b) \*c\* \|d\| \`e\` \<f\> \\"
    assert markdown_escaped("a_b_000030 _c_ __d __") == r"a_b_000030 \_c\_ \_\_d \_\_"


def test_text_stays_on_one_line():
    assert one_line("a\nb\r\n\x1b[31m c\u2028d") == "a b [31m c d"
    assert markdown_escaped("a\n# b") == "a # b"
