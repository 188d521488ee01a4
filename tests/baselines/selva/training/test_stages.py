"""What is frozen, and what is handed to the optimiser."""

import pytest
from torch import nn

from baselines.selva.training.stages import freeze, trained_parameters


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))


def test_only_the_named_parts_can_be_trained_whatever_could_before():
    net = network()
    net[0].weight.requires_grad_(False)
    freeze(net, ["0.weight", "1.bias"])
    assert [name for name, p in net.named_parameters() if p.requires_grad] == ["0.weight", "1.bias"]


def test_the_parameters_come_in_the_order_of_their_names():
    net = network()
    bias, weight = trained_parameters(net, ["1.bias", "0.weight"])
    assert bias is net[1].bias
    assert weight is net[0].weight


@pytest.mark.parametrize("act", [freeze, trained_parameters])
def test_names_that_the_network_lacks_are_refused_and_nothing_is_changed(act):
    net = network()
    with pytest.raises(ValueError, match=r"Sequential has no parameter 2\.weight"):
        act(net, ["0.weight", "2.weight"])
    with pytest.raises(ValueError, match="got none"):
        act(net, [])
    assert all(p.requires_grad for p in net.parameters())
