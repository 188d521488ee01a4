"""Text that others chose (names, labels, reasons), written into Markdown, or into tables that spreadsheets open."""

from __future__ import annotations

import re

# An underscore within a word is none of Markdown's markup, so ids keep theirs.
_MARKUP = re.compile(r"[\\`*|<>\[\]]|(?<![^\W_])_|_(?![^\W_])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def one_line(text: str) -> str:
    """Return text without line breaks and control characters: each run of them, and of blanks, becomes one blank."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def markdown_escaped(text: str) -> str:
    """Return text as one line in which nothing is Markdown's or HTML's markup."""
    return _MARKUP.sub(r"\\\g<0>", one_line(text))


def spreadsheet_text(text: str) -> str:
    """Return a text cell that a spreadsheet shows and does not calculate: an apostrophe before what begins a formula.

    For tables that people open. Numbers never need it, and ids are written as they are, for programs look them up: 299
    of VGGSound begin with a dash. What has such an apostrophe of its own gets another one, so that nothing is lost.
    """
    return f"'{text}" if _is_formula(text) else text


def text_of_spreadsheet(text: str) -> str:
    """Return the text that `spreadsheet_text` made a cell of."""
    return text[1:] if text.startswith("'") and _is_formula(text) else text


def _is_formula(text: str) -> bool:
    """Tell whether a spreadsheet calculates a cell, or would without the apostrophes before it."""
    return text.lstrip("'").startswith(_FORMULA)
