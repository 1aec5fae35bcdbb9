"""Checks of the lesson on parameters."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from . import Claims, hints

SHAPES = {"0.weight": (4, 3), "0.bias": (4,), "2.weight": (1, 4), "2.bias": (1,)}


@hints(
    (
        "A parameter's name begins with its layer's position; ReLU takes one too.",
        "参数名以层的位置开头，ReLU也占一个位置。",
    ),
    (
        "A linear layer's weight has the shape (outputs, inputs).",
        "线性层的权重形状是（输出数, 输入数）。",
    ),
)
def small_network(shapes: dict[str, tuple[int, ...]], count: int) -> Claims:
    left = len(SHAPES.keys() - shapes.keys())
    yield (
        not left,
        f"{left} parameters are missing or have other names",
        f"有{left}个参数没有写出，或者名称不对",
    )
    more = sorted(shapes.keys() - SHAPES.keys())
    yield not more, f"no parameter is called {more}", f"没有名为{more}的参数"
    for name, shape in SHAPES.items():
        yield (
            tuple(shapes[name]) == shape,
            f"{name} has another shape than {tuple(shapes[name])}",
            f"{name}的形状不是{tuple(shapes[name])}",
        )
    yield count == 21, f"there are not {count} numbers in all", f"总数不是{count}"


@hints(
    (
        "One line each: a fraction of zeros, a standard deviation, a largest value, "
        "a list of names.",
        "每题只要一行：零的个数、标准差、最大值、名称列表。",
    ),
)
def claims(wrong: set[str]) -> Claims:
    wrong = set(wrong)
    yield (
        wrong <= set("abcd"),
        "name claims by their letters, a to d",
        "请用a到d的字母表示各个说法",
    )
    right, missed = len(wrong - {"a", "d"}), len({"a", "d"} - wrong)
    yield not right, f"{right} of these are right", f"其中有{right}个说法是对的"
    yield not missed, f"{missed} more are wrong", f"还有{missed}个说法是错的"


@hints(
    (
        "The mean is 0, so the variance is the mean of w². Which a gives 2/n_in?",
        "均值是0，所以方差就是w²的平均值。a取多少时它等于2/n_in？",
    ),
    (
        "One uniform number in [0, 1) for each weight decides: below 1/4, above 3/4, "
        "or between.",
        "为每个权重抽取一个[0, 1)上的均匀随机数：小于1/4、大于3/4，还是介于两者之间？",
    ),
)
def three_point(three_point_: Callable[[Tensor], Tensor]) -> Claims:
    n_in = int(torch.randint(15, 40, ()))
    weight = nn.Parameter(torch.full((400, n_in), 9.0))
    result = three_point_(weight)
    yield (
        result is weight,
        "it returns another tensor; fill the one it was given, and return that",
        "返回的是另一个张量；请填充传入的张量并返回它",
    )
    yield weight.requires_grad, "the weight is frozen after it", "调用后权重被冻结了"
    w = weight.detach()
    values = w.unique()
    yield (
        len(values) == 3,
        f"the weight has {len(values)} different values, not 3",
        f"权重有{len(values)}个不同的值，而不是3个",
    )
    yield (
        values[1] == 0 and values[0] == -values[2],
        f"the values are {values.tolist()}, not −a, 0, a",
        f"取值是{values.tolist()}，而不是−a、0、a",
    )
    for value, share in zip(values, (0.25, 0.5, 0.25), strict=True):
        found = (w == value).double().mean().item()
        yield (
            abs(found - share) < 0.02,
            f"the share of {value:.3g} is {found:.3f}, not {share}",
            f"{value:.3g}所占的比例是{found:.3f}，而不是{share}",
        )
    found, wanted = w.double().square().mean().item(), 2 / n_in
    yield (
        abs(found / wanted - 1) < 0.05,
        f"the variance is 2/n_in; for {n_in} inputs {wanted:.4f}, not {found:.4f}",
        f"方差应为2/n_in；有{n_in}个输入时它是{found:.4f}，而不是{wanted:.4f}",
    )
    again = three_point_(torch.empty(400, n_in))
    yield (
        not torch.equal(again, w),
        "a second call draws the same numbers; leave the seed alone",
        "第二次调用抽到了相同的数；请不要在函数里设置种子",
    )


@hints(
    (
        "`copy.deepcopy` keeps a tie inside what it copies.",
        "`copy.deepcopy`会保留所复制对象内部的绑定。",
    ),
    (
        "Copy the network, then put a copy of its layer 2 in place of its layer 4.",
        "先复制网络，再用第2层的副本替换它的第4层。",
    ),
)
def untie(untie: Callable[[nn.Sequential], nn.Sequential]) -> Claims:
    width = int(torch.randint(3, 9, ()))
    shared = nn.Linear(width, width)
    layers = [nn.Linear(3, width), nn.ReLU(), shared, nn.ReLU()]
    tied = nn.Sequential(*layers, shared, nn.ReLU(), nn.Linear(width, 1))
    before = copy.deepcopy(tied.state_dict())
    net = untie(tied)
    yield (
        isinstance(net, nn.Sequential) and len(net) == 7,
        "it does not return a network of seven layers",
        "返回的不是有七层的网络",
    )
    yield (
        tied[4] is tied[2],
        "it unties the network it was given; untie a copy",
        "它解除了传入网络的绑定；请在副本上操作",
    )
    mine = {id(p) for p in tied.parameters()} & {id(p) for p in net.parameters()}
    yield (
        not mine,
        f"{len(mine)} parameters are still those of the network it was given",
        f"有{len(mine)}个参数仍然是传入网络的参数",
    )
    yield (
        net[4].weight is not net[2].weight and net[4].bias is not net[2].bias,
        "layers 2 and 4 are still tied",
        "第2层和第4层仍然绑定在一起",
    )
    kept = [
        name for name, t in net.state_dict().items() if torch.equal(before[name], t)
    ]
    yield (
        len(kept) == len(before),
        f"{len(before) - len(kept)} tensors start with other values",
        f"有{len(before) - len(kept)}个张量的初始值变了",
    )
    x = torch.rand(64, 3)
    for each in (tied, net):
        each.zero_grad()
        each(x).square().mean().backward()
    total = net[2].weight.grad + net[4].weight.grad
    yield (
        torch.allclose(tied[2].weight.grad, total, atol=1e-6),
        "the two gradients do not add up to the shared one",
        "两个梯度之和不等于共享权重的梯度",
    )
