"""What both stages do to a network before they train it: everything is frozen but what they name."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def freeze(network: nn.Module, trained: Sequence[str]) -> None:
    """Let gradients reach the named parameters and no others.

    Args:
        network: changed in place: `requires_grad` of every parameter is set.
        trained: names as in `network.named_parameters()`.

    Raises:
        ValueError: no name, or one that the network does not have.
    """
    wanted = set(trained)
    trained_parameters(network, trained)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in wanted)


def trained_parameters(network: nn.Module, trained: Sequence[str]) -> list[nn.Parameter]:
    """Return the named parameters themselves, in the order of the names.

    Raises:
        ValueError: no name, or one that the network does not have.
    """
    if not trained:
        raise ValueError("trained: expected the name of at least one parameter, got none")
    known = dict(network.named_parameters())
    unknown = [name for name in trained if name not in known]
    if unknown:
        raise ValueError(f"trained: {type(network).__name__} has no parameter {', '.join(unknown[:3])}")
    return [known[name] for name in trained]
