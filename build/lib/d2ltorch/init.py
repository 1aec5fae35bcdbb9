"""Initialise a whole model by the role of each parameter, all or nothing.

`_rule` says what a parameter becomes, `_draw` computes its values beside the model;
when none is refused and all are there, `params_init` copies them into the model.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from .report import InitReport

Rule = Callable[..., object]  # is called with a tensor, and writes into it
_NORMS = tuple(c for n, c in vars(nn).items() if "Norm" in n and isinstance(c, type))


@torch.no_grad()
def params_init(
    model: nn.Module,
    init: Rule,
    *,
    generator: torch.Generator | None = None,
    rules: dict[str | type[nn.Module], Rule | None] | None = None,
    **kwargs: object,
) -> InitReport:
    """Initialise every parameter of `model` by its role, or change nothing at all.

    >>> net = nn.Sequential(nn.Linear(20, 256), nn.BatchNorm1d(256))
    >>> params_init(net, nn.init.normal_, std=0.01)
    parameter  shape      rule               values
    0.weight   (256, 20)  normal_(std=0.01)   5,120
    0.bias     (256,)     0                     256
    1.weight   (256,)     1                     256
    1.bias     (256,)     0                     256
    5,888 values written; running statistics of 1 layer reset.

    Weights of normalisation layers become 1, biases 0, slopes of a PReLU its first one,
    all else of two or more dimensions ``init(weight, **kwargs)``, and then the padding
    row of an embedding 0. A tied parameter is written once, by its first name; a frozen
    one is left alone. A seed gives the same model on every device: values are drawn on
    the CPU, from the global stream or from `generator`, which leaves the former alone.

    What has no role, or is parametrized, needs one of `rules`, which go first.
    A key is a name, an end of names after a dot, or a type of module: the first to fit
    counts. Its value is called with the tensor; None leaves that alone.

    >>> net.scale = nn.Parameter(torch.ones(3))
    >>> params_init(net, nn.init.normal_)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: params_init: scale (Sequential) has no rule: ...
    >>> params_init(net, nn.init.normal_, rules={"scale": nn.init.ones_}).rows[0]
    ('scale', (3,), 'ones_', 3)

    After an error (ValueError: a parameter cannot be initialised; TypeError: a wrong
    kind of argument) the model and the random streams are as before. The price: new
    values are kept until all are there, as much memory again as the parameters.
    """
    rules = {} if rules is None else rules
    stream = torch.default_generator if generator is None else generator
    kinds = dict(model=nn.Module, init=Callable, generator=torch.Generator, rules=dict)
    for what, value in zip(kinds, (model, init, stream, rules), strict=True):
        if not isinstance(value, kinds[what]):
            got = f"{type(value).__name__}, not a {kinds[what].__name__}"
            raise TypeError(f"params_init: {what} is a {got}.")
    if stream.device.type != "cpu":
        raise TypeError(f"params_init: generator is on {stream.device}, not the CPU.")
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(stream.get_state())  # whatever draws, draws from `stream`
        new, rows = _compute(model, partial(init, **kwargs), rules)
        drawn = torch.get_rng_state()
    stream.set_state(drawn)
    for parameter, values in new.items():
        parameter.copy_(values)
    layers = []
    for path, layer in model.named_modules():
        mean = isinstance(layer, _NORMS) and getattr(layer, "running_mean", None)
        if isinstance(mean, Tensor) and {*layer.parameters(False)} <= new.keys():
            layer.reset_running_stats()
            layers.append(path)
    return InitReport(tuple(rows), tuple(layers))


def _compute(model, init, rules):
    """Return new values {parameter: values}, and the rows of the report."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    _refuse(model, {name: why for name, t in tensors if (why := _obstacle(t))})
    first, new, rows, refused, memory, unused = {}, {}, [], {}, {}, {*rules}
    for name, p in model.named_parameters(remove_duplicate=False):
        module, size = model.get_submodule(name.rpartition(".")[0]), 0
        text = f"tied to {first.setdefault(p, name)}"
        try:
            if first[p] == name:
                rule, text = _rule(name, p, module, init, rules, unused)
                if rule is not None:
                    new[p], size = _draw(rule, text, p), p.numel()
                plain = type(p) is nn.Parameter and p.layout == torch.strided
                other = memory.setdefault(p.data_ptr() if plain else name, p)
                if other is not p and p.numel() and {p, other} & new.keys():
                    raise ValueError(f"shares memory with {first[other]}: clone it")
            embedding = isinstance(module, nn.Embedding | nn.EmbeddingBag)
            if p in new and embedding and module.padding_idx is not None:
                new[p][module.padding_idx] = 0
                text += f", row {module.padding_idx} is 0"
        except ValueError as why:
            refused[name] = why
        rows.append((name, tuple(p.shape), text, size))
    _refuse(model, refused)
    for key in unused:
        what = f"key {key!r} of rules fits no parameter, or none that is left to it"
        raise ValueError(f"params_init: {what}. Nothing was changed.")
    return new, rows


def _refuse(model, refused):
    """Raise ValueError if any is refused: why the first is, and the names of others."""
    for name, why in refused.items():
        others = [*refused][1:]
        more = f" and {len(others) - 4} more" if len(others) > 4 else ""
        also = f" Also refused: {', '.join(others[:4])}{more}." if others else ""
        where = type(model.get_submodule(name.rpartition(".")[0])).__name__
        text = f"params_init: {name} ({where}) {why}.{also} Nothing was changed."
        raise ValueError(text) from getattr(why, "__cause__", None)


def _obstacle(t):
    """Say why this tensor cannot be written at all, and what to do."""
    if isinstance(t, nn.UninitializedParameter | nn.UninitializedBuffer):
        return "has no shape yet: run one forward pass first"
    if t.is_meta:
        return "is on the meta device: call model.to_empty(device=...) first"
    if t.is_inference():
        return "was made in inference mode: build the model outside of it"
    plain = issubclass(type(t), nn.Parameter) and t.layout == torch.strided
    if t.requires_grad and not (plain and 0 not in t.stride()):
        return "is sparse, sharded or expanded: initialise it before it is converted"


def _rule(name, p, module, init, rules, unused):
    """Return what fills it (None: leave it alone), and the text of the report."""
    for key, rule in rules.items():
        kind = key if isinstance(key, type) else ()
        if isinstance(module, kind) or f".{name}".endswith(f".{key}"):
            unused.discard(key)
            if p.requires_grad:
                return rule, "left alone" if rule is None else _label(rule)
    if not p.requires_grad:
        return None, "frozen, left alone"
    key = name.rpartition(".")[2]
    stem, _, end = key.rpartition("_")
    hooked = end in ("g", "v", "orig") and isinstance(vars(module).get(stem), Tensor)
    bias = key == "bias" or key.startswith("bias_") or key.endswith("_bias")
    matrix, norm = sum(n > 1 for n in p.shape) > 1, isinstance(module, _NORMS)
    why = "has no rule: it is no matrix, no bias, no weight of normalisation; give one"
    if hooked or isinstance(module, ParametrizationList):
        why = "is behind a parametrization or hook: initialise before adding that, or"
    elif key == "weight" and (norm or isinstance(module, nn.PReLU)):
        value = getattr(module, "init", 1)
        return partial(nn.init.constant_, val=value), f"{value:g}"
    elif bias and (norm or not matrix):
        return nn.init.zeros_, "0"
    elif bias:
        why = "has no rule: it is named as a bias, but is a matrix; give one"
    elif matrix or ("weight" in key and p.dim() > 1):
        return init, _label(init)
    example = f"torch.nn.init.{'normal_' if matrix else 'ones_'}"
    raise ValueError(f"{why} by rules={{{name!r}: {example}}}")


def _draw(rule, text, p):
    """Fill a new tensor of the shape and type of `p`, beside the model."""
    new = torch.full(p.shape, torch.nan, dtype=p.dtype, device="cpu")
    try:
        rule(new)
        missing = new.isnan().sum() if new.shape == p.shape else p.numel()
    except Exception as error:
        raise ValueError(f"cannot be initialised by {text}: {error}") from error
    if missing:
        what = f"{text} left {missing} of {p.numel()} values unwritten, or NaN"
        raise ValueError(f"is not initialised: {what}; it must write all, in place")
    return new


def _label(rule):
    """Text such as "normal_(std=0.01)"; never an address."""
    function, kwargs = getattr(rule, "func", rule), getattr(rule, "keywords", {})
    plain = (int, float, complex, str, type(None))
    values = (v if isinstance(v, plain) else type(v).__name__ for v in kwargs.values())
    shown = ", ".join(f"{k}={v}" for k, v in zip(kwargs, values, strict=True))
    name = getattr(function, "__name__", type(function).__name__)
    return f"{name}({shown})" if shown else name
