"""Deletion codes: made from a rater's key with the study's secret, and found again by a mark of theirs."""

from __future__ import annotations

import re

from benchmark.web.tokens import Tokens

_DIGITS = 16


def deletion_code(tokens: Tokens, key: str) -> str:
    """Return the code with which a rater has everything deleted later."""
    digits = _digits(tokens, key)
    return "-".join(digits[at : at + 4] for at in range(0, _DIGITS, 4))


def mark_of_key(tokens: Tokens, key: str) -> str:
    """Return the mark of a rater's code."""
    return _mark(tokens, _digits(tokens, key))


def mark_of_code(tokens: Tokens, code: str) -> str:
    """Return the mark of a code as somebody typed it.

    The database holds the mark in place of the code: whoever reads it there learns no code, and how long a look-up in
    the index takes tells nothing of one.
    """
    return _mark(tokens, re.sub(r"[^0-9A-F]", "", code.upper()))


def _digits(tokens: Tokens, key: str) -> str:
    return tokens.proof("deletion", key)[:_DIGITS].upper()


def _mark(tokens: Tokens, digits: str) -> str:
    return tokens.proof("mark of a deletion code", digits)
