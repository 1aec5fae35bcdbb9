"""Checks of the lesson on deferred initialisation."""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout

import torch
from torch import nn

from . import Claims, hints


@hints(
    (
        "Count the matrices: 4 of d × d and 3 of d × f in each block, and 2 of "
        "32000 × d outside. Each normalisation layer adds d.",
        "先数矩阵。每个块里有4个d×d和3个d×f的矩阵，块外有2个32000×d的矩阵。"
        "每个归一化层再加d个参数。",
    ),
    (
        "There are 81 normalisation layers, two in each block and one behind them.",
        "归一化层共有81个，每个块里有2个，最后还有1个。",
    ),
)
def larger_llama(count: int, gigabytes: float) -> Claims:
    count, gigabytes = float(count), float(gigabytes)
    yield (
        abs(count / 13_015_864_320 - 1) < 0.001,
        f"there are not {count:,.0f} parameters",
        f"参数量不是{count:,.0f}",
    )
    yield (
        count == 13_015_864_320,
        f"{count:,.0f} is close, but some vectors are missing or counted twice",
        f"{count:,.0f}已经很接近，但还有向量漏算或者多算了",
    )
    yield (
        abs(gigabytes - count * 2 / 2**30) > 0.05,
        "a GB is 10⁹ bytes here, not 2³⁰",
        "这里的1 GB是10⁹字节，而不是2³⁰字节",
    )
    yield (
        abs(gigabytes - count * 2 / 1e9) < 0.05,
        f"with 2 bytes for each parameter the weights are not {gigabytes:.4g} GB",
        f"每个参数占2字节，权重占用的内存不是{gigabytes:.4g} GB",
    )


@hints(
    (
        "`math.prod(p.size())` raises no error. Print `p.size()` of one parameter.",
        "`math.prod(p.size())`不会报错。打印一个参数的`p.size()`看看。",
    ),
    (
        "A lazy layer is made just before its own first call. Which of the two calls "
        "fails?",
        "惰性层在自己第一次被调用之前初始化。两层之中，失败的是哪一层的调用？",
    ),
)
def half_made(counted: int, first: str | type) -> Claims:
    yield (
        counted == 0,
        f"math.prod(p.size()) does not give {counted} in all",
        f"用math.prod(p.size())统计，得到的不是{counted}",
    )
    name = getattr(first, "__name__", str(first)).rpartition(".")[2]
    yield (
        name == "Linear",
        f"after the error the class of the first layer is not {name}",
        f"报错之后，第一层所属的类不是{name}",
    )


@hints(
    (
        "Write down when each layer draws its values, and when the seed is set.",
        "写出每一层在什么时候抽样，种子又在什么时候设定。",
    ),
    (
        "The eager network draws the first layer, then the last. `nn.Linear` draws "
        "when it is built, `nn.LazyLinear` in the dry run.",
        "普通网络先对第一层抽样，再对最后一层抽样。`nn.Linear`在创建时抽样，"
        "`nn.LazyLinear`在试运行时抽样。",
    ),
)
def mixed(seed_then_build: int, seed_then_dry_run: int) -> Claims:
    yield (
        seed_then_build == 0,
        f"with the seed before building, not {seed_then_build} of the four are equal",
        f"种子设在创建网络之前时，相等的张量不是{seed_then_build}个",
    )
    yield (
        seed_then_dry_run == 2,
        f"with the seed before the dry run, not {seed_then_dry_run} are equal",
        f"种子设在试运行之前时，相等的张量不是{seed_then_dry_run}个",
    )


@hints(
    (
        "A forward hook is called with the module, its inputs and its output. "
        "`modules()` lists the parts of parts too.",
        "前向钩子得到的参数是模块、输入和输出。`modules()`也会列出子模块的子模块。",
    ),
    (
        'Under `torch.device("meta")` build, register the hook where '
        "`list(module.children())` is empty, call the model on `torch.empty(size)`, "
        "and count last.",
        '在`torch.device("meta")`之下创建模型，在`list(module.children())`为空的'
        "模块上注册钩子，用`torch.empty(size)`调用模型，最后统计参数量。",
    ),
)
def summary(summary: Callable[[Callable[[], nn.Module], tuple], int]) -> Claims:
    batch, channels, side, n = (torch.randint(4, (4,)) + 4).tolist()
    row, devices = channels * side**2, []

    def build() -> nn.Module:
        devices.append(torch.empty(0).device.type)
        pictures = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU())
        scores = nn.Sequential(nn.Tanh(), nn.Linear(n, 2))
        return nn.Sequential(pictures, nn.Flatten(), nn.LazyLinear(n), scores)

    with redirect_stdout(io.StringIO()) as printed:
        count = summary(build, (batch, 1, side, side))
    left = torch.get_default_device().type
    if left == "meta":
        torch.set_default_device("cpu")
    yield (
        set(devices) == {"meta"},
        "build() is not called on meta",
        "build()不是在meta设备上调用的",
    )
    yield (
        left != "meta",
        "afterwards every new tensor is on meta",
        "函数返回之后，新的张量都创建在meta设备上",
    )
    lines = [line for line in printed.getvalue().split("\n") if _classes(line)]
    found = [name for line in lines for name in _classes(line)]
    yield (
        len(lines) == 6,
        f"a model with 6 modules without parts gets {len(lines)} lines, {found}",
        f"模型有6个没有子模块的模块，却打印了{len(lines)}行（{found}）",
    )
    picture = (batch, channels, side, side)
    right = {"Conv2d": picture, "ReLU": picture, "Flatten": (batch, row)}
    right = [*right.items(), ("Linear", (batch, n)), ("Tanh", (batch, n))]
    for line, (name, shape) in zip(
        lines, [*right, ("Linear", (batch, 2))], strict=True
    ):
        yield (
            name in _classes(line) and ", ".join(map(str, shape)) in line,
            f"the line “{line}” has another class or shape than its module",
            f"“{line}”这一行的类名或形状与模块的不符",
        )
    yield (
        count == 10 * channels + (row + 1) * n + (n + 1) * 2,
        f"it returns {count}, which is not the number of parameters",
        f"函数返回{count}，而参数量不是这个数",
    )


def _classes(line: str) -> list[str]:
    words = re.findall(r"\w+", line)
    return [word for word in words if isinstance(getattr(nn, word, None), type)]


@hints(
    (
        "`apply` goes to every module. Ask with `isinstance` whether it has attention's "
        "own parameters.",
        "`apply`会作用于每个模块。用`isinstance`判断它是不是注意力层。",
    ),
    (
        "Call `reset(module)` first; then, for an `nn.MultiheadAttention`, set its "
        "three tensors with `nn.init`. `holding_nan` does not show all three.",
        "先调用`reset(module)`。如果是`nn.MultiheadAttention`，再用`nn.init`设定那三个"
        "张量。`holding_nan`并不会把三个都列出来。",
    ),
)
def reset_all(reset_all: Callable[[nn.Module], None]) -> Claims:
    heads, depth, hidden, seed = (torch.randint(4, (4,)) + 2).tolist()
    n = heads * depth

    def build() -> nn.Module:
        layers = (nn.TransformerEncoderLayer(n, heads, k * hidden) for k in (2, 3))
        return nn.Sequential(nn.Linear(3, n), nn.BatchNorm1d(n), *layers)

    with torch.device("meta"):
        model = build()
    model.to_empty(device="cpu")
    torch.manual_seed(seed)
    eager = build().state_dict()
    torch.manual_seed(seed)
    model.apply(reset_all)
    state = model.state_dict()
    empty = [name for name, t in state.items() if t.isnan().any()]
    yield (
        not empty,
        f"{len(empty)} tensors still hold nan, the first is {empty[:1]}",
        f"还有{len(empty)}个张量含有nan，第一个是{empty[:1]}",
    )
    other = [name for name, t in state.items() if not t.equal(eager[name])]
    yield (
        not other,
        f"under the same seed {len(other)} tensors differ from an eager model's, the "
        f"first is {other[:1]}",
        f"种子相同时，有{len(other)}个张量与普通模型的不同，第一个是{other[:1]}",
    )
