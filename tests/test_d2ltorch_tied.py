"""tied_parameters: names that are one Parameter, told apart from shared memory."""

import copy

import torch
from torch import nn

from d2ltorch import tied_parameters


def test_a_layer_used_twice_ties_each_of_its_parameters() -> None:
    shared = nn.Linear(8, 8)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), shared, nn.ReLU(), shared)
    expected = [["2.weight", "4.weight"], ["2.bias", "4.bias"]]
    assert tied_parameters(net) == expected
    assert tied_parameters(copy.deepcopy(net)) == expected


def test_three_names_are_one_group_and_a_tie_ends_where_torch_breaks_it() -> None:
    with torch.device("meta"):
        net = nn.Sequential(*(nn.Linear(3, 3, bias=False) for _ in range(3)))
    assert tied_parameters(net) == []
    net[1].weight = net[0].weight
    net[2].register_parameter("weight", net[0].weight)
    assert tied_parameters(net) == [["0.weight", "1.weight", "2.weight"]]
    assert tied_parameters(net.to_empty(device="cpu")) == []


def test_shared_memory_and_equal_values_are_no_tie() -> None:
    net = nn.Sequential(*(nn.Linear(3, 3, bias=False) for _ in range(4)))
    net[1].weight.data = net[0].weight.data
    net[2].weight = nn.Parameter(net[0].weight.T)
    net[3].load_state_dict(net[0].state_dict())
    assert tied_parameters(net) == []
