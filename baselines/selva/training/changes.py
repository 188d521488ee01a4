"""What of a recipe may have become another value when a run goes on.

A run with more steps than it was begun with is the run that had them from its beginning, as long as nothing before
them depends on their number; only the averages have a snapshot more, of the step at which it was to end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from baselines.selva.training.recipe import FREE

# Neither weights nor what is measured of them depend on these.
_AT_ANY_TIME = (*FREE, "validate_every")
_STEPS = ("encoder.steps", "generator.steps")


@dataclass(frozen=True)
class Change:
    """A value of a recipe that is another one than before.

    Attributes:
        key: dotted.
        before, now: its values; None where there is none.
    """

    key: str
    before: Any
    now: Any


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    """Yield what differs between two recipes, given by dotted key; see `recipe.flat`."""
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            yield Change(key, before.get(key), now.get(key))


def refused(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Change, str] | None:
    """Return the first change under which a run cannot go on, with what to do; None where it can.

    Args:
        before: the recipe that it was started with, by dotted key.
        now: the one that it is asked to go on with.
    """
    for change in changes(before, now):
        if change.key in _AT_ANY_TIME:
            continue
        if change.key not in _STEPS:
            return change, _way_out(change)
        if change.now < change.before:
            return change, f"steps can be raised, not lowered; {_way_out(change)}"
        after_warmup = change.key.replace(".steps", ".after_warmup")
        if before[after_warmup] != "constant":
            why = f"the rate follows from the number of steps, because {after_warmup} is {before[after_warmup]!r}"
            return change, f"{why}; {_way_out(change)}"
    return None


def _way_out(change: Change) -> str:
    """Return what to do about a change that is refused."""
    back = "take it out" if change.before is None else f"put {change.before!r} back"
    return f"{back}, or choose another --out for a run of its own"
