"""What figures and pages call a run: the title of its model rather than the name that is typed on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

AFTER_A_NAME = ("@", " (")  # a seed, and the options in which runs of one model differ


def display_name(shown: str) -> str:
    """Return how a figure or a page calls a run or a model.

    Args:
        shown: what a table calls it. A registered model's name becomes the model's title, and what follows the name (a
            seed, options) stays; a name that the user gave stays as it is.

    Examples:
        >>> display_name("selva-s-16k@seed1"), display_name("mmaudio-s-16k (steps=5)"), display_name("my-run")
        ('SELVA-S-16k@seed1', 'MMAudio-S-16k (steps=5)', 'my-run')
    """
    ends = [place for mark in AFTER_A_NAME if (place := shown.find(mark)) > 0]
    name = shown[: min(ends, default=len(shown))]
    return _titles().get(name, name) + shown[len(name) :]


@cache
def _titles() -> Mapping[str, str]:
    """Return registered name to title, aliases with the title of what they stand for."""
    from baselines import list_models

    own = {entry.name: entry.title for entry in list_models() if entry.title}
    aliases = {entry.name: own[entry.alias_of] for entry in list_models() if entry.alias_of in own}
    return own | aliases
