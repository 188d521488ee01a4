"""Asking a model: a batch at once, one by one where that fails, and every answer checked."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from baselines import GenerationError, Request
from benchmark.answers import BatchSize, answers_to, checked

SOUND = np.linspace(-0.5, 0.5, 80, dtype=np.float32)
REQUESTS = [Request(name, Path("x.mp4"), name, "", 0.01, 0) for name in "abc"]


class Model:
    """Answers its requests by what `answers` holds for them; raises what is an exception."""

    sample_rate = 8_000

    def __init__(self, batches=True, **answers):
        self.asked, self._answers = [], answers
        if batches:
            self.generate_batch = lambda requests: [self._answer(request) for request in requests]

    def generate(self, request):
        self.asked.append(request.sample_id)
        return self._answer(request)

    def _answer(self, request):
        answer = self._answers.get(request.sample_id, SOUND)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def test_a_batch_is_asked_at_once():
    model = Model()
    assert all(answer is SOUND for answer in answers_to(model, REQUESTS))
    assert model.asked == [], "none is asked alone"


def test_a_batch_that_fails_is_asked_one_by_one_and_one_sample_fails(caplog):
    model = Model(b=KeyError("frames"))
    first, second, third = answers_to(model, REQUESTS)
    assert model.asked == ["a", "b", "c"]
    assert first is third is SOUND
    assert str(second) == "KeyError: 'frames'"
    assert "a batch of 3 failed (KeyError: 'frames')" in caplog.text


def test_a_refusal_keeps_its_words_and_is_not_logged(caplog):
    (answer,) = answers_to(Model(a=GenerationError("too dark")), REQUESTS[:1])
    assert str(answer) == "too dark"
    assert caplog.text == ""


def test_an_interruption_is_passed_on():
    class Stopped(Model):
        def generate(self, request):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(answers_to(Stopped(), REQUESTS[:1]))


def test_a_good_answer_is_float32_with_its_rate():
    waveform, rate = checked(SOUND.astype(np.float64), 8_000, 0.01)
    assert (waveform.dtype, waveform.shape, rate) == (np.float32, (80,), 8_000)
    assert checked((SOUND, np.int64(8_000)), None, 0.01)[1] == 8_000


class Gpu:
    """What torch says of a tensor that is not on the CPU."""

    def __array__(self, *arguments, **named):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


@pytest.mark.parametrize(
    ("answer", "rate", "reason"),
    [
        (GenerationError("too dark"), 8_000, "too dark"),
        (SOUND, 0, "the model's sample rate is 0; expected Hz"),
        (SOUND, 8_000.0, r"the model's sample rate is 8000\.0; expected Hz"),
        (Gpu(), 8_000, "the answer is not an array: TypeError: can't convert cuda:0"),
        (SOUND[np.newaxis], 8_000, r"the answer is float32 \(1, 80\), expected floats"),
        (SOUND[:-1], 8_000, r"the answer has 79 samples, expected 80 \(0\.01 s at 8000 Hz\)"),
        (SOUND * 32_768 + 0.5, 8_000, r"not a waveform: its samples reach \S+ where full scale is 1; .* by 32768"),
        (np.where(np.arange(80) < 3, SOUND, np.inf), 8_000, "sample 3 of the waveform is not finite"),
    ],
)
def test_a_bad_answer_is_named(answer, rate, reason):
    with pytest.raises(GenerationError, match=reason):
        checked(answer, rate, 0.01)


class Unreadable(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize("batches", [True, False])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RecursionError("maximum recursion depth exceeded"), "RecursionError: maximum recursion depth exceeded"),
        (MemoryError(), "MemoryError: "),
        (asyncio.CancelledError("task"), "CancelledError: task"),
        (GeneratorExit(), "GeneratorExit: "),
        (Unreadable(), "Unreadable: (its message cannot be read)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_model_raises_costs_its_sample(batches, error, reason):
    first, second, third = answers_to(Model(batches, b=error), REQUESTS)
    assert first is third is SOUND
    assert str(second) == reason


@pytest.mark.parametrize("requests", [REQUESTS, REQUESTS[:1]])
def test_ctrl_c_is_not_an_answer(requests):
    with pytest.raises(KeyboardInterrupt):
        list(answers_to(Model(a=KeyboardInterrupt()), requests))


def test_an_answer_that_cannot_be_an_array_is_named_whatever_it_raises():
    class Odd:
        def __array__(self, dtype=None, copy=None):
            raise KeyError("device")

    with pytest.raises(GenerationError, match="the answer is not an array: KeyError: 'device'"):
        checked(Odd(), 8_000, 0.01)


def test_an_answer_that_is_too_long_is_refused_not_cut():
    with pytest.raises(GenerationError, match=r"the answer has 81 samples, expected 80 \(0\.01 s at 8000 Hz\)"):
        checked(np.append(SOUND, np.float32(0)), 8_000, 0.01)


class Prepared(Model):
    """Answers from what was prepared; a batch larger than its memory fails."""

    def __init__(self, fits=100, **answers):
        super().__init__(**answers)
        self.fits, self.batches = fits, []

    def generate_prepared(self, requests, prepared):
        self.batches.append([request.sample_id for request in requests])
        if len(requests) > self.fits:
            raise OutOfMemoryError("CUDA out of memory")
        return [self._answer(request) * part["level"] for request, part in zip(requests, prepared, strict=True)]


class OutOfMemoryError(RuntimeError):
    """Called as torch calls it."""


def test_what_was_prepared_is_handed_over_and_a_failure_takes_its_own_place():
    model = Prepared()
    parts = [{"level": 1}, GenerationError("too dark"), {"level": 3}]
    first, second, third = answers_to(model, REQUESTS, parts)
    assert model.batches == [["a", "c"]]
    assert (first == SOUND).all()
    assert str(second) == "too dark"
    assert (third == 3 * SOUND).all()


def test_a_prepared_batch_that_fails_is_asked_one_by_one(caplog):
    model = Prepared(b=KeyError("frames"))
    parts = [{"level": 1}] * 3
    first, second, third = answers_to(model, REQUESTS, parts)
    assert model.batches == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert str(second) == "KeyError: 'frames'"
    assert (first == third).all()


def test_a_batch_that_does_not_fit_the_memory_is_halved_and_so_are_those_to_come(caplog):
    model, size = Prepared(fits=2), BatchSize(3)
    assert all((answer == SOUND).all() for answer in answers_to(model, REQUESTS, [{"level": 1}] * 3, size))
    assert model.batches == [["a", "b", "c"], ["a", "b"], ["c"]]
    assert size.now == 2
    assert "a batch of 3 does not fit the GPU's memory; from now on 2" in caplog.text
    assert isinstance(next(answers_to(Prepared(fits=0), REQUESTS[:1], [{"level": 1}])), GenerationError)
