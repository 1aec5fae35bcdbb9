"""Checks of the lesson on model construction."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

import torch
from torch import Tensor, nn

from . import Claims, hints

LISTED = ["shift", "first.weight", "first.bias", "rest.1.weight", "rest.1.bias"]
KEYS = {*LISTED, "scale", "again.weight", "again.bias"}


@hints(
    (
        "`again` is a second name for one layer, and a plain dictionary is no module.",
        "`again`是同一个层的第二个名称，普通字典则不是模块。",
    ),
    (
        "A module's own parameters come first. `state_dict()` also holds buffers, and "
        "keeps both names of a layer that has two.",
        "模块自己的参数排在最前。`state_dict()`还包含缓冲区，"
        "一个层有两个名称时，两个都会出现。",
    ),
)
def puzzle(parameters: list[str], keys: list[str]) -> Claims:
    for answer, there, where, place in (
        (parameters, set(LISTED), "named_parameters()", "`named_parameters()`"),
        (keys, KEYS, "state_dict()", "`state_dict()`"),
    ):
        yield (
            not isinstance(answer, str),
            "write each name as a string, in a list",
            "请把每个名称写成字符串，放进列表",
        )
        more = sorted(set(answer) - there)
        yield not more, f"{where} has no {more}", f"{place}里没有{more}"
        left = len(there - set(answer))
        yield (
            not left,
            f"{where} has {left} more than you wrote",
            f"{place}里还有{left}个名称没有写出",
        )
        yield (
            len(answer) == len(there),
            f"{where} has no name twice",
            f"{place}里没有重复的名称",
        )
    yield (
        list(parameters) == LISTED,
        "the names of the parameters are right, their order is not",
        "参数的名称都对，顺序不对",
    )


@hints(
    (
        "Which parameters does it find, what does `state_dict()` hold, and does a hook "
        "on each layer run?",
        "它能找到哪些参数？`state_dict()`里有什么？挂在各层上的钩子都会执行吗？",
    ),
    (
        "Look at what `__init__` leaves out, at the list, at the plain tensor, and at "
        "the last line.",
        "请看`__init__`漏写了什么，再看列表、普通张量和最后一行。",
    ),
)
def mended(mended: Callable[[], nn.Module]) -> Claims:
    net = mended()
    yield isinstance(net, nn.Module), "it makes no module", "它创建的不是模块"
    count = sum(p.numel() for p in net.parameters())
    yield (
        count == 37,
        f"the model finds {count} numbers to learn, not 37",
        f"模型找到的参数量是{count}，而不是37",
    )
    layers = [m for m in net.modules() if isinstance(m, nn.Linear)]
    shapes = [tuple(layer.weight.shape) for layer in layers]
    yield (
        shapes == [(4, 2), (4, 4), (1, 4)],
        "the three linear layers are not those of the broken class, in their order",
        "三个线性层与原来的类不同，或者顺序不同",
    )
    saved = [b for name, b in net.named_buffers() if name in net.state_dict()]
    means = [b for b in saved if b.flatten().tolist() == [1, -1]]
    yield (
        len(means) == 1,
        "the mean (1, −1) is not saved with the model",
        "均值(1, −1)没有随模型保存",
    )
    X, ran = torch.randn(6, 2), []
    for layer in layers:
        layer.register_forward_hook(lambda *_: ran.append(1))
    found, count = net(X), len(ran)
    yield (
        count == 3,
        f"one call of the model runs hooks on the three layers {count} times, not 3",
        f"调用一次模型，三个层上的钩子共执行{count}次，而不是3次",
    )

    def expected(mean: Tensor) -> Tensor:
        hidden = torch.relu(layers[1](torch.relu(layers[0](X - mean))))
        return layers[2](hidden)

    yield (
        torch.allclose(found, expected(torch.tensor([1.0, -1.0])), atol=1e-5),
        "it computes something else than the broken class was meant to",
        "计算的结果与原来的类想要计算的不同",
    )
    means[0].add_(torch.tensor([2, 3]).reshape(means[0].shape))
    yield (
        torch.allclose(net(X), expected(means[0].flatten()), atol=1e-5),
        "if another mean is loaded, forward does not use it",
        "载入另一个均值之后，forward没有使用它",
    )


def residual(residual: Callable[[nn.Module], nn.Module]) -> Claims:
    width = int(torch.randint(3, 9, ()))
    f = nn.Sequential(nn.Linear(width, width), nn.ReLU())
    block, X = residual(f), torch.randn(5, width)
    yield isinstance(block, nn.Module), "Residual is no module", "Residual不是模块"
    yield (
        any(module is f for module in block.modules()),
        "f is not registered as a part of the block",
        "f没有注册为残差块的子模块",
    )
    before, expected, ran = X.clone(), X + f(X), []
    f.register_forward_hook(lambda *_: ran.append(1))
    found = block(X)
    yield (
        torch.equal(X, before),
        "the block changes the tensor X that it is given",
        "残差块改动了传入的张量X",
    )
    yield (
        found.shape == X.shape and torch.allclose(found, expected, atol=1e-5),
        "the output is not X + f(X)",
        "输出不等于X + f(X)",
    )
    yield (
        len(ran) == 1,
        f"one call of the block runs a hook on f {len(ran)} times, not once",
        f"调用一次残差块，f上的钩子执行{len(ran)}次，而不是一次",
    )


@hints(
    (
        "Each block needs a layer of its own, made anew for each.",
        "每个残差块都要有自己的层，每次都要新建。",
    ),
    (
        "A layer has a matrix and a bias. `nn.Sequential(*blocks)` unpacks a list.",
        "每一层有一个矩阵和一个偏置。`nn.Sequential(*blocks)`可以把列表解包。",
    ),
)
def chain(
    chain: Callable[[int, int], nn.Sequential], count: Callable[[int, int], int]
) -> Claims:
    for depth in torch.randperm(4)[:2].add(2).tolist():
        width = int(torch.randint(3, 9, ()))
        case = f"chain({width}, {depth})"
        net = chain(width, depth)
        yield (
            isinstance(net, nn.Sequential) and len(net) == depth,
            f"{case} is no Sequential of {depth} blocks",
            f"{case}不是由{depth}个残差块组成的Sequential",
        )
        layers = [m for m in net.modules() if isinstance(m, nn.Linear)]
        yield (
            len(layers) == depth,
            f"{case} has {len(layers)} different linear layers, not {depth}",
            f"{case}里有{len(layers)}个不同的线性层，而不是{depth}个",
        )
        X = torch.randn(5, width)
        expected = X
        for layer in layers:
            expected = expected + layer(expected)
        yield (
            torch.allclose(net(X), expected, atol=1e-4, rtol=1e-4),
            f"{case} does not compute X + f(X) block after block",
            f"{case}没有逐块计算X + f(X)",
        )
        learnt = sum(p.numel() for p in net.parameters())
        found = count(width, depth)
        yield (
            found == learnt,
            f"{case} learns {learnt} numbers, not count({width}, {depth}) = {found}",
            f"{case}的参数量是{learnt}，而count({width}, {depth})是{found}",
        )


class _Root(nn.Module):
    """Takes the square root, which is nan for negative numbers."""

    def forward(self, X: Tensor) -> Tensor:
        return X.sqrt()


class _Heal(nn.Module):
    def forward(self, X: Tensor) -> Tensor:
        return X.nan_to_num()


class _Pair(nn.Module):
    def forward(self, X: Tensor) -> tuple[Tensor, Tensor]:
        return X, X.sqrt()


class _Parts(nn.Module):
    """Registers `after` first and uses it last, on one tensor."""

    def __init__(self, before: nn.Module, after: nn.Module):
        super().__init__()
        self.after, self.before = after, before

    def forward(self, X: Tensor) -> Tensor:
        X = self.before(X)
        return self.after(X[0] if isinstance(X, tuple) else X)


class _Own(_Parts):
    """Spoils the output of its parts itself."""

    def forward(self, X: Tensor) -> Tensor:
        return super().forward(X).sqrt()


def _hooks(model: nn.Module) -> int:
    """Return how many forward hooks there are, those for all modules included."""
    each = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    return sum(each) + len(nn.modules.module._global_forward_hooks)


@hints(
    (
        "Hooks run in the order in which modules finish; the first one that sees a "
        "`nan` has the answer. `watch` in section 6 shows how to hang them.",
        "钩子按各模块执行完毕的顺序执行，最先见到`nan`的就是答案。"
        "第6节的`watch`说明了怎样挂钩子。",
    ),
    (
        "Let each hook append its module's name to a list if a tensor of its output "
        "has a `nan`; remove the hooks in `finally`; the root's name is empty, and yet "
        "it is a name.",
        "让每个钩子在输出的某个张量含有`nan`时，把模块的名称添加到一个列表里。"
        "在`finally`里移除钩子。根模块的名称是空字符串，但空字符串也是名称。",
    ),
)
def first_nan(first_nan: Callable[[nn.Module, Tensor], str | None]) -> Claims:
    at, length = torch.randint(0, 3, ()).item(), 4
    body = nn.Sequential(
        *(_Root() if n == at else nn.Identity() for n in range(length))
    )
    net = nn.Sequential(OrderedDict(body=body, last=nn.ReLU()))
    keep = body[at].register_forward_hook(lambda module, args, output: None)
    hooks = _hooks(net)
    spoilt, clean = torch.tensor([4.0, -1.0]), torch.tensor([4.0, 1.0])
    found = first_nan(net, spoilt)
    yield (
        found is None or isinstance(found, str),
        f"it returns a {type(found).__name__}, not a name or None",
        f"返回的是{type(found).__name__}，而不是名称或None",
    )
    name = f"body.{at}"
    yield (
        found == name,
        f"the first nan comes from {name!r}, not from {found!r}",
        f"最先输出nan的是{name!r}，而不是{found!r}",
    )
    yield (
        _hooks(net) == hooks and keep.id in body[at]._forward_hooks,
        "the hooks are not those that the model had before",
        "调用之后，模型的钩子与调用之前不同",
    )
    for X, english, chinese in (
        (clean, "no output has a nan", "所有输出都不含nan"),
        (clean / 0, "an output is infinite, which is no nan", "输出是无穷大而不是nan"),
    ):
        found = first_nan(net, X)
        yield (
            found is None,
            f"{english}, and it returns {found!r}, not None",
            f"{chinese}，返回的却是{found!r}，而不是None",
        )
    for model, name, english, chinese in (
        (
            nn.Sequential(_Root(), _Heal()),
            "0",
            "if a later module replaces the nan",
            "如果后面的模块把nan换成了别的数",
        ),
        (
            _Parts(_Root(), nn.ReLU()),
            "before",
            "if parts are used in another order than they were registered in",
            "如果子模块使用的顺序与注册的顺序不同",
        ),
        (
            _Own(nn.Identity(), nn.Identity()),
            "",
            "if only the model's own forward makes the nan",
            "如果nan只出现在模型自己的forward里",
        ),
        (
            _Parts(_Pair(), nn.Identity()),
            "before",
            "if a module gives a tuple with a nan in its second tensor",
            "如果模块的输出是元组，其中第二个张量含有nan",
        ),
    ):
        found = first_nan(model, spoilt)
        yield (
            found == name,
            f"{english}, the answer is {name!r}, not {found!r}",
            f"{chinese}，答案应当是{name!r}，而不是{found!r}",
        )
    wrong = nn.Sequential(nn.Identity(), nn.Linear(3, 3))
    hooks = _hooks(wrong)
    with suppress(RuntimeError):
        first_nan(wrong, torch.ones(1, 2))
    yield (
        _hooks(wrong) == hooks,
        "hooks are left behind if the model stops with an error",
        "如果模型运行出错，就会留下钩子",
    )
