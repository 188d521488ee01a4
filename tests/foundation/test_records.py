"""Records kept as JSON: strict, unchanging, and described by a schema of their own."""

import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, Field, ValidationError

from foundation.records import DIALECT, Record, in_words, schema_text, what_is_wrong


def checked_even(number: int) -> int:
    if number % 2:
        raise ValueError(f"expected an even number, got {number}")
    return number


class Part(Record):
    """A part."""

    length: int


class Whole(Record):
    """A whole."""

    version: int = Field(default=1, alias="schema")
    parts: tuple[Part, ...]
    note: str | None = None
    share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    sides: Annotated[tuple[Literal["a", "b"], ...], Field(min_length=2)] = ("a", "b")
    code: Annotated[str, Field(pattern="^[a-z]+$")] = "x"
    even: Annotated[int, AfterValidator(checked_even)] = 2


def test_the_content_of_a_record_is_what_was_given_under_the_names_of_the_file():
    given = {"schema": 1, "parts": [{"length": 3}]}
    assert Whole.model_validate(given).content() == given
    assert Whole(parts=(Part(length=3),), note=None).content() == {"parts": [{"length": 3}], "note": None}


def test_unknown_fields_and_later_changes_are_refused():
    with pytest.raises(ValidationError, match="Extra inputs"):
        Part(length=1, width=2)
    with pytest.raises(ValidationError, match="frozen"):
        Part(length=1).length = 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"parts": [{"length": 1}, {}]}, "parts.1.length: is missing"),
        ({}, "parts: is missing"),
        ([], "the whole file: expected an object, got a list"),
        ({"parts": 3}, "parts: expected a list, got 3"),
        ({"parts": [3]}, "parts.0: expected an object, got 3"),
        ({"parts": [{"length": "long"}]}, "parts.0.length: expected a whole number, got 'long'"),
        ({"parts": [{"length": 0.5}]}, "parts.0.length: expected a whole number, got 0.5"),
        ({"parts": [{"length": {}}]}, "parts.0.length: expected a whole number, got an object"),
        ({"parts": [], "note": True}, "note: expected a text, got true"),
        ({"parts": [], "note": ["a"]}, "note: expected a text, got a list"),
        ({"parts": [], "share": 2.5}, "share: expected 1 or less, got 2.5"),
        ({"parts": [], "share": 0}, "share: expected more than 0, got 0"),
        ({"parts": [], "share": None}, "share: expected a number, got null"),
        ({"parts": [], "share": float("nan")}, "share: expected a finite number, got nan"),
        ({"parts": [], "sides": ["a"]}, "sides: expected 2 or more values, got 1"),
        ({"parts": [], "sides": ["a", "c"]}, "sides.1: expected 'a' or 'b', got 'c'"),
        ({"parts": [], "code": "x1"}, "code: expected a text of the form ^[a-z]+$, got 'x1'"),
        ({"parts": [], "even": 3}, "even: expected an even number, got 3"),
        ({"parts": [], "width": 4}, "width: no such key, got 4"),
        ({"parts": [], "code": "1" * 200}, f"code: expected a text of the form ^[a-z]+$, got '{'1' * 59}…"),
    ],
)
def test_what_is_wrong_names_the_place_what_was_expected_and_what_is_there(given, message):
    with pytest.raises(ValidationError) as refused:
        Whole.model_validate(given)
    assert what_is_wrong(refused.value) == message


def test_what_is_no_json_is_said_to_be_none():
    with pytest.raises(ValidationError) as refused:
        Whole.model_validate_json("{")
    assert what_is_wrong(refused.value).startswith("the whole file: not JSON: EOF while parsing")


def test_a_fault_that_has_no_words_here_keeps_those_of_pydantic():
    assert in_words({"type": "new_in_2030", "msg": "Input is odd", "input": 3}) == "Input is odd"


def test_a_schema_is_a_whole_file_in_the_named_dialect():
    text = schema_text(Whole)
    schema = json.loads(text)
    assert text.endswith("}\n")
    assert schema["$schema"] == DIALECT
    assert schema["additionalProperties"] is False
    assert json.loads(schema_text(Whole, mode="validation"))["required"] == ["parts"]


def test_a_text_that_no_file_can_hold_is_escaped_wherever_it_stands():
    class Line(Record):
        """A line."""

        text: str

    class Page(Record):
        """A page."""

        options: dict[str, Any]
        lines: list[Line]

    odd = "black \ud800, \udcff"
    page = Page(options={odd: [odd, {"deep": odd}, 1], "ü": "狗"}, lines=[Line(text=odd)])
    written = r"black \ud800, \udcff"
    assert page.options == {written: [written, {"deep": written}, 1], "ü": "狗"}
    assert page.lines[0].text == written
    assert Page.model_validate_json(page.model_dump_json()) == page
