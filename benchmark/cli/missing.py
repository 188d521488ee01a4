"""Weights that a command needs and that are missing: named all at once, for profile and models together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from benchmark.cli.asking import options_of
from benchmark.exits import tell
from foundation.checkpoints import MissingCheckpoint


@contextmanager
def naming_all(models: Sequence[str], own: Mapping[str, Any]) -> Iterator[None]:
    """Where weights of the profile are missing, name those of the models with them.

    Args:
        models: that are to be run.
        own: what they are told, see `options_of`.
    """
    try:
        yield
    except MissingCheckpoint as error:
        users = _of_models(models, own)
        both = {name: ", ".join([who, users.get(name, "")]).removesuffix(", ") for name, who in error.needs.items()}
        raise (MissingCheckpoint.of_all({**both, **users, **both}) or error) from None


def tell_missing(models: Sequence[str], own: Mapping[str, Any]) -> None:
    """Say before the first of several models is run which weights are missing for any of them; they cost their rows.

    A model that is run alone says it itself when it is loaded.

    Args:
        models: that have something left to answer.
        own: what they are told.
    """
    missing = MissingCheckpoint.of_all(_of_models(models, own)) if len(models) > 1 else None
    if missing:
        tell(str(missing), prefix="note: ")


def _of_models(models: Sequence[str], own: Mapping[str, Any]) -> dict[str, str]:
    """Return the official files that models of this suite open, each with the models that need it.

    Not those of models with files of the user's own, which replace some, nor those of programs, which look for theirs
    in their own checkouts.
    """
    from baselines import get_model
    from baselines.registry import program_of

    users: dict[str, list[str]] = {}
    for model in models:
        entry, told = get_model(model), options_of(model, own)
        native = entry.kind == "model" and entry.place.startswith("baselines.") and program_of(entry) is None
        if native and not told.get("random_weights") and not told.get("checkpoint"):
            for name in entry.checkpoints:
                users.setdefault(name, []).append(entry.name)
    return {name: ", ".join(dict.fromkeys(who)) for name, who in users.items()}
