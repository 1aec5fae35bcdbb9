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
        "线性层的权重形状是(输出的个数, 输入的个数)。",
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
    yield not more, f"no parameter is called {more}", f"没有名为{'、'.join(more)}的参数"
    for name, shape in SHAPES.items():
        yield (
            tuple(shapes[name]) == shape,
            f"{name} has another shape than {tuple(shapes[name])}",
            f"{name}的形状不是{tuple(shapes[name])}",
        )
    yield count == 21, f"there are not {count} numbers in all", f"参数量不是{count}"


@hints(
    (
        "One line each: a fraction of zeros, a standard deviation, a largest value, "
        "a list of names.",
        "每个说法只用一行代码就能判断，依次看零的个数、标准差、最大值和参数名。",
    ),
)
def claims(wrong: set[str]) -> Claims:
    wrong = set(wrong)
    yield (
        wrong <= set("abcd"),
        "name claims by their letters, a to d",
        "请写出说法的字母，从a到d",
    )
    right, missed = len(wrong - {"a", "d"}), len({"a", "d"} - wrong)
    yield (
        not right,
        f"right claims among those named: {right}",
        f"所选的说法中，有{right}个其实是对的",
    )
    yield (
        not missed,
        f"wrong claims not named yet: {missed}",
        f"还有{missed}个错误的说法没有选出来",
    )


@hints(
    (
        "The mean is 0, so the variance is the mean of w². Which a gives 2/n_in?",
        "均值是0，所以方差就是w²的平均值。a取多少时它等于2/n_in？",
    ),
    (
        "One uniform number in [0, 1) for each weight decides: below 1/4, above 3/4, "
        "or between.",
        "为每个权重产生一个[0, 1)上的均匀随机数，"
        "看它小于1/4、大于3/4，还是在两者之间。",
    ),
)
def three_point(three_point_: Callable[[Tensor], Tensor]) -> Claims:
    n_in = int(torch.randint(15, 40, ()))
    weight = nn.Parameter(torch.full((400, n_in), 9.0))
    result = three_point_(weight)
    yield (
        result is weight,
        "it returns another tensor; fill the one it was given, and return that",
        "返回的是另一个张量，请改为填充传入的张量，再返回它",
    )
    yield (
        weight.requires_grad,
        "the weight is frozen after it",
        "调用之后，权重被冻结了",
    )
    w = weight.detach()
    values = w.unique()
    yield (
        len(values) == 3,
        f"the weight has {len(values)} different values, not 3",
        f"权重有{len(values)}种不同的取值，而不是3种",
    )
    yield (
        values[1] == 0 and values[0] == -values[2],
        f"the values are {values.tolist()}, not −a, 0, a",
        f"权重的取值是{values.tolist()}，而不是−a、0、a",
    )
    for value, share in zip(values, (0.25, 0.5, 0.25), strict=True):
        found = (w == value).double().mean().item()
        yield (
            abs(found - share) < 0.02,
            f"the share of {value:.3g} is {found:.3f}, not {share}",
            f"取值为{value:.3g}的权重占{found:.3f}，而不是{share}",
        )
    found, wanted = w.double().square().mean().item(), 2 / n_in
    yield (
        abs(found / wanted - 1) < 0.05,
        f"the variance is 2/n_in; for {n_in} inputs {wanted:.4f}, not {found:.4f}",
        f"方差应为2/n_in，{n_in}个输入时应为{wanted:.4f}，现在却是{found:.4f}",
    )
    again = three_point_(torch.empty(400, n_in))
    yield (
        not torch.equal(again, w),
        "a second call draws the same numbers; leave the seed alone",
        "再次调用得到了相同的随机数，请不要在函数里设置随机种子",
    )


@hints(
    (
        "`copy.deepcopy` keeps a tie inside what it copies.",
        "`copy.deepcopy`会保留所复制对象内部的绑定。",
    ),
    (
        "Copy the network, then put a copy of its layer 2 in place of its layer 4.",
        "先深拷贝整个网络，再把其中的`net[4]`换成`net[2]`的深拷贝。",
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
        "返回的不是一个七层的网络",
    )
    yield (
        tied[4] is tied[2],
        "it unties the network it was given; untie a copy",
        "传入的网络被解绑了，请在它的深拷贝上操作",
    )
    mine = {id(p) for p in tied.parameters()} & {id(p) for p in net.parameters()}
    yield (
        not mine,
        f"{len(mine)} parameters are still those of the network it was given",
        f"有{len(mine)}个参数还是传入的网络里的参数",
    )
    yield (
        net[4].weight is not net[2].weight and net[4].bias is not net[2].bias,
        "layers 2 and 4 are still tied",
        "`net[2]`和`net[4]`仍然绑定在一起",
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
        "两处的梯度之和不等于共享权重的梯度",
    )
