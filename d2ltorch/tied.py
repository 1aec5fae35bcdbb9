"""Which names of a model are one parameter. Reads the model, never writes."""

from torch import nn


def tied_parameters(model: nn.Module) -> list[list[str]]:
    """Find the groups of names that lead to one `torch.nn.Parameter`.

    Only the identity of the object counts. Two Parameters that merely share memory, as
    after ``b.weight.data = a.weight.data`` or ``nn.Parameter(a.weight.T)``, are not a
    tie: each has its own gradient and its own optimiser state, and the two optimiser
    steps hit the same memory. Such a pair is not listed (`params_init` refuses it; the
    sign of it is an equal ``p.untyped_storage().data_ptr()``).

    Args:
        model: any module.

    Returns:
        One list of two or more names for each tied parameter, names and groups in the
        order of ``model.named_parameters(remove_duplicate=False)``; empty without ties.

    From the lesson "Parameters".
    """
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    return [group for group in names.values() if len(group) > 1]
