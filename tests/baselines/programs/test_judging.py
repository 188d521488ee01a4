"""The judge: a driver against a strict stand-in for its package, and what comes of its numbers."""

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from support.recipes import driven_checkout

from baselines import GenerationError, UnknownModel, get_model, list_models
from baselines.programs.judging import JUDGE, Opinion, judge_at, judge_class
from baselines.programs.process import MissingProgram
from baselines.recipes import RECIPES

RATE = 48_000


@pytest.fixture
def place(tmp_path):
    return driven_checkout(JUDGE, tmp_path)


def sound(level, samples=RATE // 2, rate=RATE):
    return np.full(samples, level, np.float32), rate


def asked(place):
    return [json.loads(line) for line in (place.notes / "separated.jsonl").read_text().splitlines()]


def judge_both(place, requests, mixture, answer, mood="", at=""):
    judge = judge_class()(**place.options(mood, at), device="cpu")
    try:
        ids = [request.sample_id for request in requests]
        return judge.judge(requests, dict.fromkeys(ids, mixture), dict.fromkeys(ids, answer))
    finally:
        judge.close()


def test_each_number_comes_from_its_own_place_and_the_mixture_is_not_taken_for_the_answer(place, ask):
    found = judge_both(place, [ask("a", "Ringing Bell"), ask("b", "gong")], sound(0.5), sound(0.25))
    assert found == [Opinion(recall=0.25, precision=0.5, faithfulness=0.5)] * 2
    assert asked(place) == [
        {"loaded": "facebook/sam-audio-judge"}, {"judged": "ringing bell"}, {"judged": "gong"},  # loaded once
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ("refuse", "the program says: RuntimeError: no opinion of it"),
        ("crash", "tried twice"),
        ("not finite", "the program's numbers cannot be used: precision: expected a finite number, got nan"),
    ],
)
def test_a_sample_that_the_judge_fails_on_fails_alone(place, ask, mood, reason):
    requests = [ask("a", "bell"), ask("b", "gong"), ask("c", "harp")]
    first, second, third = judge_both(place, requests, sound(0.5), sound(0.25), mood, at="gong")
    assert first == third == Opinion(0.25, 0.5, 0.5)
    assert isinstance(second, GenerationError)
    assert reason in str(second)


@pytest.mark.parametrize(
    ("mixture", "answer"),
    [
        (sound(0.5), sound(0.5, samples=100)),
        (sound(0.5, rate=16_000), sound(0.5, rate=16_000)),
        (sound(0.5, samples=0), sound(0.5, samples=0)),
        ((np.zeros((2, 100), np.float32), RATE), (np.zeros((2, 100), np.float32), RATE)),
    ],
)
def test_sounds_that_cannot_be_laid_one_over_the_other_are_refused_before_anything_is_started(
    place, ask, mixture, answer
):
    with pytest.raises(ValueError, match=r"a: expected two sounds of one shape \(samples,\) at 48000 Hz, got \["):
        judge_both(place, [ask("a")], mixture, answer)
    assert not (place.notes / "separated.jsonl").exists()


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("[1, 2, 3]", "not an object of the numbers recall, precision and faithfulness"),
        ('{"recall": 1.0, "precision": 2.0}', "not an object of the numbers"),
        ('{"recall": 1.0, "precision": true, "faithfulness": 1}', "precision: expected a number, got True"),
        (
            '{"recall": 1' + "0" * 400 + ', "precision": 1, "faithfulness": 1}',
            "recall: expected a finite number, got inf",
        ),
        ('{"recall": 1, "precision": 1e39, "faithfulness": 1}', "precision: expected a finite number, got inf"),
        (None, "No such file or directory"),
    ],
)
def test_what_a_driver_writes_is_not_believed_unread(place, ask, tmp_path, written, reason):
    judge = judge_class()(**place.options())
    path = tmp_path / "said.json"
    if written is not None:
        path.write_text(written)
    found = judge._lines._sound({"id": "a", "path": str(path)}, ask("a"))
    assert isinstance(found, GenerationError)
    assert reason in str(found)


def test_an_opinion_is_of_finite_numbers_and_stays_as_it_is():
    with pytest.raises(ValueError, match="recall: expected a finite number, got inf"):
        Opinion(float("inf"), 1.0, 1.0)
    with pytest.raises(FrozenInstanceError):
        Opinion(1.0, 1.0, 1.0).recall = 2.0


def test_the_key_moves_with_the_judge_and_with_the_weights_of_a_folder_but_not_with_its_place(place, tmp_path):
    def key(**options):
        return judge_class()(**place.options(), **options).key

    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        (folder / "checkpoint.pt").write_bytes(b"weights")
        (folder / "config.json").write_text("{}")
    first, second = (key(judge=str(folder)) for folder in folders)
    assert first == second == key(judge=str(folders[0]))  # notes of hashes, beside the files, are none of them
    (folders[1] / "checkpoint.pt").write_bytes(b"other weights")
    keys = {key(), key(judge="facebook/another"), first, key(judge=str(folders[1]))}
    assert len(keys) == 4
    assert all(one.startswith("v1-") for one in keys)


def test_a_place_that_is_neither_a_folder_nor_a_name_of_the_hub_is_refused(tmp_path):
    assert judge_at("facebook/sam-audio-judge") == "facebook/sam-audio-judge"
    assert judge_at(str(tmp_path)) == str(tmp_path)
    with pytest.raises(ValueError, match="judge: expected a name of the hub, as facebook/sam-audio-judge, or a folder"):
        judge_at(str(tmp_path / "absent"))


def test_a_judge_that_is_not_set_up_says_where_to_look(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingProgram, match="sam-audio-judge: nothing says where its checkout is"):
        judge_class()()


def test_the_judge_is_no_model():
    assert JUDGE not in {entry.name for entry in list_models()}
    with pytest.raises(UnknownModel):
        get_model(JUDGE)
    with pytest.raises(ValueError, match="role: a judge answers no video"):
        get_model(str(RECIPES / f"{JUDGE}.toml"))


def test_a_sound_is_handed_over_without_rounding(place, ask):
    """16 bits would take the quietest of an answer away."""
    tiny = np.full(RATE // 2, 1e-6, np.float32), RATE
    (opinion,) = judge_both(place, [ask("a")], sound(0.5), tiny)
    assert opinion.recall == pytest.approx(1e-6)
