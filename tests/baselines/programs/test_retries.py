"""A program that dies is asked again for what it left, and given up when it is broken."""

from pathlib import Path

import numpy as np
import pytest

from baselines import GenerationError, Request
from baselines.programs.retries import Attempt, answer_with_retries, only_answer

SOUND = np.zeros(4, np.float32)


def requests(names: str) -> list[Request]:
    return [Request(name, Path("x.mp4"), name, "", 1.0, 0) for name in names]


class Program4Tests:
    """A program that dies at some samples, a number of times each, and answers those before."""

    def __init__(self, **deaths: int) -> None:
        self.deaths, self.asked = deaths, []

    def __call__(self, waiting):
        self.asked.append("".join(request.sample_id for request in waiting))
        answers = {}
        for request in waiting:
            if self.deaths.get(request.sample_id, 0) > 0:
                self.deaths[request.sample_id] -= 1
                return Attempt(answers, f"died at {request.sample_id}")
            answers[request.sample_id] = SOUND
        return Attempt(answers)


@pytest.mark.parametrize(
    ("deaths", "asked", "failed"),
    [
        pytest.param({}, ["abcd"], "", id="well"),
        pytest.param({"c": 1}, ["abcd", "cd"], "", id="once: only what is left is asked again"),
        pytest.param({"c": 9}, ["abcd", "cd", "d"], "c", id="twice at one sample: that one has failed"),
        pytest.param({"a": 9, "c": 9}, ["abcd", "abcd", "bcd", "cd", "d"], "ac", id="two bad ones"),
        pytest.param({"c": 1, "d": 1}, ["abcd", "cd", "d"], "", id="another place is another chance"),
        pytest.param(dict.fromkeys("abcd", 9), ["abcd", "abcd", "bcd", "bcd"], "abcd", id="broken: given up"),
    ],
)
def test_a_program_that_dies_is_asked_for_what_it_left(deaths, asked, failed):
    program = Program4Tests(**deaths)
    answers = answer_with_retries(requests("abcd"), program)
    assert program.asked == asked
    outcome = dict(zip("abcd", answers, strict=True))
    assert "".join(name for name, answer in outcome.items() if isinstance(answer, GenerationError)) == failed
    for name in failed:
        assert "died at" in str(outcome[name])


def test_a_program_that_ends_well_without_an_answer_is_not_asked_again():
    (answer,) = answer_with_retries(requests("a"), lambda waiting: Attempt({}))
    assert str(answer) == "the program ended well but left no answer"


def test_the_one_answer_is_returned_and_the_one_failure_raised():
    assert only_answer([SOUND]) is SOUND
    with pytest.raises(GenerationError, match="no sound"):
        only_answer([GenerationError("no sound")])
