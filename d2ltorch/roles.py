"""Decide what each parameter of a model becomes; refuse before anything is written.

The rules of `params_init`, as code. `plan` walks the model and returns one `Job` for
each tensor to write, and the report. It reads the model and never writes.
"""

import copy
import functools
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import ParametrizationList, is_parametrized

from .report import InitReport, InitRow

Rule = Callable[..., Any]
Rules = Mapping[str | type[nn.Module], Rule | None]

_INIT = "init"  # in the table: whatever the caller's `init` writes
_NORMS = (
    nn.modules.batchnorm._NormBase,  # batch and instance normalisation, also lazy, sync
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)


class _Refused(Exception):
    """Why something cannot be initialised, and what to do; never leaves this file."""


class Use:
    """One name under which a module owns a parameter or a parametrized weight."""

    def __init__(self, name: str, module: nn.Module, target) -> None:
        self.name, self.module, self.target = name, module, target
        self.key = name.rpartition(".")[2]
        self.chained = isinstance(target, ParametrizationList)
        # The parameters themselves: several under weight_norm, otherwise one.
        self.parts = list(target.parameters(False)) if self.chained else [target]

    def __str__(self) -> str:
        return f"{self.name} ({type(self.module).__name__})"

    @functools.cached_property
    def shape(self) -> torch.Size:
        if not self.chained:
            return self.target.shape
        try:  # on a copy, without a trace: computing the weight may change buffers
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                return copy.deepcopy(self.target).eval()().shape
        except Exception as error:
            raise _Refused(f"is parametrized and not computable: {error}") from error


@dataclass(eq=False)
class Job:
    """One thing to write: a parameter, a parametrized weight or a running statistic."""

    use: Use
    fill: float | Rule  # a number, or what is called with the tensor
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    takes_generator: bool = False
    padding: tuple[int, ...] = ()  # rows that become 0 afterwards
    staged: list[tuple[Tensor, Tensor]] | None = None  # (to, from), copied at the end

    @property
    def target(self) -> Tensor | ParametrizationList:
        return self.use.target


def plan(
    model: nn.Module,
    init: Rule,
    kwargs: Mapping[str, Any],
    rules: Rules,
    include_frozen: bool,
) -> tuple[list[Job], InitReport]:
    """Give every parameter its rule; ValueError if that cannot be done."""
    groups: dict[int, list[Use]] = {}  # all uses of one parameter
    for use in (uses := list(_uses(model))):
        groups.setdefault(id(use.target), []).append(use)
    draws = {id(f): takes_generator(f) for f in (init, *rules.values()) if f}
    jobs: list[Job] = []
    refused: list[tuple[Use, str]] = []
    texts: dict[int, str] = {}  # of the report
    left: set[int] = set()  # what is left alone
    for group in groups.values():
        use = group[0]
        try:
            fill, text = _decide(group, rules, include_frozen)
            size = use.shape.numel()
        except _Refused as why:
            refused.append((use, str(why)))
            continue
        if fill is None:
            left.add(id(use.target))
        else:
            job = Job(use, fill)
            if fill is _INIT:
                job.fill, job.kwargs, job.padding = init, kwargs, _padding(group)
                text = label(init, kwargs)
                text += "".join(f", row {row} is 0" for row in job.padding)
            if use.chained:
                text += f" via {type(use.target[0]).__name__.lstrip('_')}"
            job.takes_generator = draws.get(id(job.fill), False)
            jobs += [job] * (size > 0)
        texts[id(use.target)] = text
    if not refused:
        refused += _overlaps(groups, left)
    statistics = _statistics(model, left)
    for use in itertools.chain.from_iterable(statistics.values()):
        try:
            _check_ready(use.target)
        except _Refused as why:
            refused.append((use, str(why)))
        jobs.append(Job(use, 1.0 if use.key == "running_var" else 0.0))
    if refused:
        raise ValueError(_message(refused))
    _check_keys(rules, uses)
    rows = []
    for use in uses:
        first = groups[id(use.target)][0]
        text = texts[id(use.target)] if use is first else f"tied to {first.name}"
        written = use is first and id(use.target) not in left
        size = use.shape.numel() if written else 0
        rows.append(InitRow(use.name, tuple(use.shape), text, size))
    return jobs, InitReport(rows, list(statistics))


def label(function: Rule, kwargs: Mapping[str, Any] | None = None) -> str:
    """Text such as "normal_(std=0.01)"; never an address."""
    kwargs = dict(kwargs or {})
    while isinstance(function, functools.partial):
        kwargs = {**function.keywords, **kwargs}
        function = function.func
    plain = (int, float, complex, str, type(None))
    shown = ", ".join(
        f"{key}={value if isinstance(value, plain) else type(value).__name__}"
        for key, value in kwargs.items()
    )
    name = getattr(function, "__name__", type(function).__name__)
    return f"{name}({shown})" if shown else name


def takes_generator(function: Rule) -> bool:
    """Whether it can be called with generator=; yes where that cannot be known."""
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:  # written in C, such as torch.Tensor.normal_
        return True
    kinds = {parameter.kind for parameter in parameters.values()}
    return "generator" in parameters or inspect.Parameter.VAR_KEYWORD in kinds


def _uses(model: nn.Module) -> Iterator[Use]:
    """Every name of every parameter; a parametrized weight counts as one."""
    for prefix, module in model.named_modules(remove_duplicate=False):
        dot = f"{prefix}." if prefix else ""
        if not isinstance(module, ParametrizationList):
            for key, parameter in module.named_parameters("", False, False):
                yield Use(dot + key, module, parameter)
        if is_parametrized(module):
            for key, chain in module.parametrizations.items():
                use = Use(dot + key, module, chain)
                if use.parts:  # none if it is a buffer that is parametrized
                    yield use


def _table(use: Use) -> float | str | None:
    """The table in the docstring of `params_init`; None where it has no rule."""
    if isinstance(use.module, _NORMS) and use.key == "weight":
        return 1.0
    if use.key == "bias" or use.key.startswith("bias_") or use.key.endswith("_bias"):
        return 0.0
    if isinstance(use.module, nn.PReLU) and use.key == "weight":
        return float(use.module.init)
    if len(use.shape) < 2:
        return None
    if "weight" not in use.key and sum(n > 1 for n in use.shape) < 2:
        return None  # a vector in disguise, such as a scale of shape (1, C, 1, 1)
    return _INIT


def _own_key(use: Use, rules: Rules) -> str | type[nn.Module] | None:
    """The first key of `rules` that fits this name, if any."""
    for key in rules:
        if isinstance(key, type):
            if isinstance(use.module, key):
                return key
        elif use.name == key or use.name.endswith(f".{key}"):
            return key
    return None


def _check_keys(rules: Rules, uses: list[Use]) -> None:
    for key in rules.keys() - {_own_key(use, rules) for use in uses}:
        shown = repr(key) if isinstance(key, str) else key.__name__
        raise ValueError(
            f"params_init: the key {shown} of rules fits no parameter of the model "
            "(or none that an earlier key leaves). Nothing was changed."
        )


def _decide(
    group: list[Use], rules: Rules, include_frozen: bool
) -> tuple[float | str | Rule | None, str]:
    """What to fill a parameter with (None: leave it alone); the text of the report."""
    use = group[0]
    for part in use.parts:
        _check_ready(part)
    frozen = [not part.requires_grad and not include_frozen for part in use.parts]
    if all(frozen):
        return None, "frozen, left alone"
    if any(frozen):
        raise _Refused("is parametrized and frozen in part: freeze all of it or none")
    keys = [key for each in group if (key := _own_key(each, rules)) is not None]
    if keys:
        choices = list({id(rules[key]): rules[key] for key in keys}.values())
    else:
        choices = list({_table(each) for each in group} - {None})
        _check_recomputed(use)
    if len(choices) > 1:
        raise _Refused(
            f"is tied to {', '.join(each.name for each in group[1:])}, and their rules "
            f"differ: give one, as in rules={{{use.name!r}: torch.nn.init.normal_}}"
        )
    if not choices:
        raise _Refused(
            "has no rule: it is no matrix, no bias and no weight of a normalisation "
            f"layer. Give one, as in rules={{{use.key!r}: torch.nn.init.ones_}}"
        )
    (fill,) = choices
    if fill is None:
        return None, "left alone"
    for part in use.parts:
        _check_writable(part)
    return fill, f"{fill:g}" if isinstance(fill, float) else label(fill)


def _check_recomputed(use: Use) -> None:
    """Refuse weight_g, weight_v, weight_orig: a hook makes the weight out of them."""
    stem, _, end = use.key.rpartition("_")
    if end in ("g", "v", "orig") and isinstance(vars(use.module).get(stem), Tensor):
        raise _Refused(
            f"is only a part of {stem}, which a hook (old weight_norm, spectral_norm, "
            "or prune) makes anew before each forward pass: remove the hook first"
        )


def _check_ready(tensor: Tensor) -> None:
    if is_lazy(tensor):
        raise _Refused("has no shape yet: run one forward pass first")
    if tensor.is_meta:
        raise _Refused("is on the meta device: call model.to_empty(device=...) first")
    if tensor.is_inference():
        raise _Refused("was made in inference mode: build the model outside of it")


def _check_writable(part: nn.Parameter) -> None:
    if not _is_plain(part):
        raise _Refused(
            f"is a {type(part).__name__} with layout {part.layout}, not a plain "
            "Parameter: initialise the model before it is converted or wrapped"
        )
    if not (part.is_floating_point() or part.is_complex()):
        raise _Refused(f"holds {part.dtype} values, not real or complex ones")
    sizes_and_steps = zip(part.shape, part.stride(), strict=True)
    if any(size > 1 and step == 0 for size, step in sizes_and_steps):
        raise _Refused("is an expanded tensor, many elements in one: clone it first")


def _is_plain(part: nn.Parameter) -> bool:
    """Whether this is memory we may write: not sharded (DTensor), sparse, fake ..."""
    return issubclass(type(part), nn.Parameter) and part.layout == torch.strided


def _padding(group: list[Use]) -> tuple[int, ...]:
    """Rows of an embedding that stay 0, also if the weight has other names too."""
    modules = [use.module for use in group]
    embeddings = [m for m in modules if isinstance(m, nn.Embedding | nn.EmbeddingBag)]
    return tuple(sorted({m.padding_idx for m in embeddings} - {None}))


def _overlaps(
    groups: Mapping[int, list[Use]], left: set[int]
) -> Iterator[tuple[Use, str]]:
    """Two Parameters in one piece of memory: writing one would overwrite the other."""
    spans = []  # (storage, first byte, one past the last byte), owner
    owners: dict[int, Use] = {}
    firsts = [group[0] for group in groups.values()]
    for use, part in [(first, part) for first in firsts for part in first.parts]:
        other = owners.setdefault(id(part), use)
        if other is not use:
            yield use, f"is tied to {other.name}, and only one of them is parametrized"
        elif _is_plain(part) and part.numel():
            steps = zip(part.shape, part.stride(), strict=True)
            count = 1 + sum((n - 1) * step for n, step in steps)
            start = part.storage_offset() * part.itemsize
            storage = (str(part.device), part.untyped_storage().data_ptr())
            spans.append(((storage, start, start + count * part.itemsize), use))
    spans.sort(key=lambda span: span[0][:2])
    for (last, other), (span, use) in itertools.pairwise(spans):
        written = {id(use.target), id(other.target)} - left
        if span[0] == last[0] and span[1] < last[2] and written:
            yield (
                use,
                f"shares memory with {other.name} without being the same Parameter: "
                "assign one Parameter to both names, or clone one",
            )


def _statistics(model: nn.Module, left: set[int]) -> dict[str, list[Use]]:
    """Running statistics by layer: they belong to the old weights.

    Where a parameter of the layer is left alone, so are they.
    """
    layers = {}
    for name, module in model.named_modules():
        if isinstance(module, _NORMS[0]) and module.running_mean is not None:
            own = map(id, module.parameters(recurse=False))
            if left.isdisjoint(own):
                layers[name] = [
                    Use(f"{name}.{key}".lstrip("."), module, getattr(module, key))
                    for key in ("running_mean", "running_var", "num_batches_tracked")
                ]
    return layers


def _message(refused: list[tuple[Use, str]]) -> str:
    (use, why), *others = refused
    also = ", ".join(other.name for other, _ in others[:4])
    also += f" and {len(others) - 4} more" if len(others) > 4 else ""
    also = f" Also refused: {also}." if also else ""
    return f"params_init: {use} {why}.{also} Nothing was changed."
