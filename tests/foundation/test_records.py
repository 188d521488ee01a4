"""Records kept as JSON: strict, unchanging, and described by a schema of their own."""

import json
from typing import Any

import pytest
from pydantic import Field, ValidationError

from foundation.records import DIALECT, Record, schema_text, what_is_wrong


class Part(Record):
    """A part."""

    length: int


class Whole(Record):
    """A whole."""

    version: int = Field(default=1, alias="schema")
    parts: tuple[Part, ...]
    note: str | None = None


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
        ({"parts": [{"length": 1}, {}]}, "parts.1.length: Field required"),
        ({}, "parts: Field required"),
        ([], "the whole file: Input should be"),
    ],
)
def test_what_is_wrong_names_the_place_and_what_was_expected(given, message):
    with pytest.raises(ValidationError) as refused:
        Whole.model_validate(given)
    assert what_is_wrong(refused.value).startswith(message)


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
