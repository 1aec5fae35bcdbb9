"""Which names of a model are one parameter. Reads the model, never writes."""

from torch import nn


def tied_parameters(model: nn.Module) -> list[list[str]]:
    """List the groups of names, in the order of the model, that are one Parameter.

    >>> shared = nn.Linear(8, 8)
    >>> tied_parameters(nn.Sequential(nn.Linear(4, 8), shared, nn.ReLU(), shared))
    [['1.weight', '3.weight'], ['1.bias', '3.bias']]

    Two Parameters in one piece of memory are no tie: each has its own gradient and its
    own state in the optimiser. (`params_init` refuses them.)

    >>> pair = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    >>> pair[1].weight.data = pair[0].weight.data
    >>> tied_parameters(pair)
    []
    """
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    return [group for group in names.values() if len(group) > 1]
