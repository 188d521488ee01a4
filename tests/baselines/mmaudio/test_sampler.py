"""Euler steps from noise to latent."""

import pytest
import torch

from baselines.mmaudio.sampler import euler


def test_a_straight_flow_arrives_in_any_number_of_steps():
    noise, goal = torch.randn(2, 5, 3), torch.randn(2, 5, 3)
    for steps in (1, 4, 25):
        torch.testing.assert_close(euler(lambda x, t: goal - noise, noise, steps), goal)


def test_exponential_growth_is_compounded_once_a_step():
    start = torch.tensor([1.0, -2.0])
    torch.testing.assert_close(euler(lambda x, t: x, start, steps=25), start * (1 + 1 / 25) ** 25)


def test_the_field_is_asked_at_the_left_end_of_each_step():
    asked = []
    euler(lambda x, t: asked.append(float(t)) or torch.zeros_like(x), torch.zeros(1), steps=4)
    assert asked == [0.0, 0.25, 0.5, 0.75]


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        euler(lambda x, t: x, torch.zeros(1), steps=0)
