"""The learning rate's rise, and the optimiser's constants."""

import pytest
import torch
from support.reference_weights import given
from torch.optim import lr_scheduler

from baselines.selva.training.schedule import learning_rate_factor, optimiser


def test_the_rate_equals_the_published_schedule(golden):
    steps = (0, 1, 10, 500, 999, 1000, 1001, 5000)
    assert [learning_rate_factor(step) for step in steps] == pytest.approx(golden("schedule")["factor"], rel=1e-9)


def test_the_rate_rises_in_equal_parts_and_then_stays():
    assert [learning_rate_factor(step, warmup=3) for step in range(6)] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    assert learning_rate_factor(0, warmup=0) == 1.0


@pytest.mark.parametrize(("steps", "warmup"), [(300, 7), (53, 0), (1003, 100)])
def test_the_rate_that_falls_equals_torch_s_own_schedule_with_the_published_constants(steps, warmup):
    """As MMAudio puts it together: 80% and 90% of all steps, a tenth each, counted from the end of the warm-up."""
    rule = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    rises = lr_scheduler.LambdaLR(rule, lambda done: (done + 1) / (warmup + 1))
    falls = lr_scheduler.MultiStepLR(rule, [int(0.8 * steps), int(0.9 * steps)], 0.1)
    published = lr_scheduler.SequentialLR(rule, [rises, falls], [warmup]) if warmup else falls
    rates, factors = [], []
    for step in range(steps + warmup):
        rates.append(rule.param_groups[0]["lr"])
        factors.append(learning_rate_factor(step, warmup, after_warmup="falls at 80% and 90%", steps=steps))
        rule.step()
        published.step()
    assert factors == pytest.approx(rates, rel=1e-12)
    assert min(factors[warmup:]) == pytest.approx(0.01)


def test_a_rate_that_falls_needs_the_number_of_steps():
    with pytest.raises(ValueError, match="steps: expected how many the stage has"):
        learning_rate_factor(5, 2, after_warmup="falls at 80% and 90%")


@pytest.mark.parametrize(("step", "warmup"), [(-1, 10), (0, -1)])
def test_negative_steps_are_refused(step, warmup):
    with pytest.raises(ValueError, match=f"expected 0 or more, got {step} and {warmup}"):
        learning_rate_factor(step, warmup)


def test_three_steps_equal_those_of_the_published_constants(golden):
    """In float64 at 2e-7, a missing weight decay (2e-6) and an epsilon of 1e-8 (3e-5) both show."""
    start = [given("adamw_a", 3, 4).double(), given("adamw_b", 5).double()]
    parameters = [torch.nn.Parameter(values.clone()) for values in start]
    rule, moved = optimiser(parameters, 1e-4), []
    for step, size in enumerate((1.0, 0.05, 3.0)):
        for name, parameter in zip("ab", parameters, strict=True):
            parameter.grad = size * given(f"adamw_grad{step}_{name}", *parameter.shape).double()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        rule.step()
        moved.append(torch.cat([(p.detach() - x).flatten() for p, x in zip(parameters, start, strict=True)]))
    want = torch.as_tensor(golden("schedule")["adamw_moved"])
    assert (torch.stack(moved) - want).abs().max() / want.abs().max() < 2e-7


def test_nothing_to_train_is_refused():
    with pytest.raises(ValueError, match="at least one to train"):
        optimiser([], 1e-4)
