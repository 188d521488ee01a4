"""Records in JSON files: fixed once read, and without fields that the class does not have."""

import pytest
from pydantic import ValidationError

from foundation.records import Record


class Clip(Record):
    name: str
    seconds: float = 8.0


def test_a_record_comes_back_from_its_json():
    clip = Clip(name="bell", seconds=5.5)
    assert Clip.model_validate_json(clip.model_dump_json()) == clip


def test_a_field_that_the_class_does_not_have_is_refused():
    with pytest.raises(ValidationError, match="mood\n  Extra inputs are not permitted"):
        Clip.model_validate_json('{"name": "bell", "mood": "good"}')


def test_a_record_cannot_be_changed():
    with pytest.raises(ValidationError, match="Instance is frozen"):
        Clip(name="bell").seconds = 3.0


def test_the_schema_of_what_is_written_requires_every_field_also_those_with_a_default():
    assert Clip.model_json_schema(mode="serialization")["required"] == ["name", "seconds"]
    assert Clip.model_json_schema(mode="serialization")["additionalProperties"] is False
