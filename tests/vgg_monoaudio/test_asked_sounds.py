"""What a prompt asks for comes from tables that hold together, and is None for a text that is in none."""

import numpy as np
import pytest

from vgg_monoaudio import asked_sounds
from vgg_monoaudio.asked_sounds import (
    CLASSES,
    asked_by,
    load_asked_sounds,
    load_audioset_classes,
    unasked_music,
    unasked_sources,
    unasked_speech,
)
from vgg_monoaudio.taxonomy import load_labels

NAMES = list(load_audioset_classes())


@pytest.fixture
def fresh_tables():
    """Read the tables anew, before and after a test that changes what is read."""
    for table in (load_audioset_classes, load_asked_sounds):
        table.cache_clear()
    yield
    for table in (load_audioset_classes, load_asked_sounds):
        table.cache_clear()


def test_audioset_s_classes_stand_where_taggers_have_them():
    places = {
        0: "Speech",
        74: "Dog",
        137: "Music",
        283: "Wind",
        465: "Basketball bounce",
        500: "Silence",
        526: "Field recording",
    }
    assert len(NAMES) == CLASSES
    assert {place: NAMES[place] for place in places} == places


def test_a_kind_holds_what_its_name_says():
    kinds = load_audioset_classes()
    expected = {"Babbling": "speech", "Male singing": "music", "Hi-hat": "music", "Silence": "scenery"}
    assert {name: kinds[name] for name in expected} == expected
    assert {kinds[name] for name in ("Bell", "Church bell", "Bicycle bell", "Cowbell")} == {"source"}
    assert kinds["Clicking"] == "manner"


def test_every_label_has_its_classes_and_every_class_of_vggsound_a_row(real_annotations):
    from vgg_monoaudio.selection.annotations import read_vggsound

    assert all(asked_by(label).classes for label in load_labels()["label"])
    spelled = set(read_vggsound(real_annotations / "vggsound_test.csv").rows["label"])
    assert [prompt for prompt in spelled if asked_by(prompt) is None] == []


def test_instruments_ask_for_music_and_voices_for_speech():
    labels = load_labels().set_index("label")["category"]
    music = {label for label in labels.index if asked_by(label).music}
    assert music == {*labels.index[labels == "Music"], "child singing", "male singing", "church bell ringing"}
    voices = {label for label in labels.index if asked_by(label).speech}
    assert voices == set(labels.index[labels == "Human"]) - {"people burping", "people sneezing"}


def test_a_class_in_vggsound_s_spelling_asks_for_what_its_label_asks():
    assert asked_by("car engine knocking") == asked_by("engine knocking")


def test_a_text_that_is_in_no_table_leaks_nothing():
    prompts = ["a dog barks while somebody talks", "dog barking"]
    assert asked_by(prompts[0]) is None
    assert unasked_speech(prompts).tolist() == [False, True]
    assert unasked_music(prompts).any(axis=1).tolist() == [False, True]
    assert unasked_sources(prompts).any(axis=1).tolist() == [False, True]


def test_a_dog_may_bark_and_howl_but_not_talk_play_or_drive():
    leaked = {name for name, is_leaked in zip(NAMES, unasked_sources(["dog barking"])[0], strict=True) if is_leaked}
    assert not leaked & {"Bark", "Howl", "Dog", "Animal"}
    assert {"Cat", "Vehicle", "Baby cry, infant cry"} <= leaked
    assert not leaked & {"Speech", "Music", "Silence", "Clicking"}  # other rows' business, or nobody's


def test_a_prompt_without_listed_classes_leaks_music_but_no_other_sound():
    assert unasked_music(["slot machine", "lions roaring"]).any(axis=1).tolist() == [False, True]
    assert not unasked_sources(["lions roaring"]).any()


def test_no_prompts_give_no_rows():
    assert unasked_speech([]).shape == (0,)
    assert unasked_music([]).shape == unasked_sources([]).shape == (0, CLASSES)


def test_masks_are_flags_of_one_row_a_prompt():
    for mask in (unasked_music(["dog barking"] * 3), unasked_sources(["dog barking"] * 3)):
        assert (mask.shape, mask.dtype) == ((3, CLASSES), np.bool_)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param([["dog barking", "no", "no", "Hund"]], "'dog barking': AudioSet has no class 'Hund'", id="class"),
        pytest.param([["dog barking", "no", "perhaps", "Dog"]], "expected yes or no, got 'perhaps'", id="flag"),
        pytest.param([["dog barking", "no", "no", "Dog"]] * 2, "'dog barking' is listed more than once", id="twice"),
        pytest.param([["dog barking", "no", "no", "Dog"]], "label 'baby crying' needs a row", id="label missing"),
    ],
)
def test_a_table_that_breaks_a_rule_is_refused(rows, message, monkeypatch, fresh_tables):
    load_audioset_classes()
    monkeypatch.setattr(asked_sounds, "_read", lambda _name, _columns: rows)
    with pytest.raises(ValueError, match=message):
        load_asked_sounds()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param([["Speech", "talk"]], "'Speech' is of kind 'talk'", id="kind"),
        pytest.param([["Speech", "speech"]] * 2, "'Speech' is listed more than once", id="twice"),
        pytest.param([["Speech", "speech"]], "expected 527 classes, found 1", id="too few"),
    ],
)
def test_classes_that_break_a_rule_are_refused(rows, message, monkeypatch, fresh_tables):
    monkeypatch.setattr(asked_sounds, "_read", lambda _name, _columns: rows)
    with pytest.raises(ValueError, match=message):
        load_audioset_classes()
