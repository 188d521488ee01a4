"""What a shell offers for a value that is being typed; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Offer = Callable[[str], list[str]]


def words(known: Iterable[str]) -> Offer:
    """Return what offers those of some words that begin as typed."""
    listed = list(known)
    return lambda incomplete: [word for word in listed if word.startswith(incomplete)]


def devices(incomplete: str) -> list[str]:
    """Offer the devices that torch may know."""
    return words(["cpu", "cuda", "mps"])(incomplete)


def models(incomplete: str) -> list[str]:
    """Offer the names of `list-models`."""
    from baselines import list_models

    return words(entry.name for entry in list_models())(incomplete)


def checkpoints(incomplete: str) -> list[str]:
    """Offer the names of `weights`."""
    from foundation.checkpoints import CHECKPOINTS

    return words(CHECKPOINTS)(incomplete)


def metrics(incomplete: str) -> list[str]:
    """Offer names of metrics for the last of a list with commas."""
    from metrics.registry import list_metrics

    before, comma, last = incomplete.rpartition(",")
    names = words(metric.name for metric in list_metrics(extended=True))
    return [f"{before}{comma}{name}" for name in names(last)]


def public_benchmarks(incomplete: str) -> list[str]:
    """Offer the names of `list-benchmarks`."""
    from vgg_monoaudio.public.catalogue import BENCHMARKS

    return words(row.name for row in BENCHMARKS)(incomplete)
