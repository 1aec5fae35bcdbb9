"""Checks of the lesson on deferred initialisation."""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout

import torch
from torch import nn

from . import Claims, hints


@hints(("Section 3 has the formula for 32 blocks.", "第3节有32个块时的公式。"))
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
        "Print `p.size()` of one parameter. A lazy layer is made just before its own "
        "first call; which layer's call fails?",
        "打印一个参数的`p.size()`看看。惰性层在自己第一次计算之前完成初始化，而报错的"
        "是哪一层？",
    ),
)
def half_made(counted: int, first: str | type) -> Claims:
    yield (
        counted == 0,
        f"math.prod(p.size()) does not give {counted} in all",
        f"用math.prod(p.size())统计，得到的不是{counted}",
    )
    first = type(first) if isinstance(first, nn.Module) else first
    name = getattr(first, "__name__", str(first)).rpartition(".")[2]
    yield (
        name == "Linear",
        f"after the error the class of the first layer is not {name}",
        f"报错之后，第一层所属的类不是{name}",
    )


@hints(
    (
        "The eager network draws its first layer, then its last. `nn.Linear` draws "
        "when it is built, `nn.LazyLinear` in the dry run.",
        "普通网络先对第一层抽样，再对最后一层抽样。`nn.Linear`在创建时抽样，"
        "`nn.LazyLinear`在试运行时抽样。",
    ),
)
def mixed(seed_then_build: int, seed_then_dry_run: int) -> Claims:
    yield (
        seed_then_build == 0,
        f"with the seed before building, the count is not {seed_then_build}",
        f"种子设在创建网络之前时，相等的张量不是{seed_then_build}个",
    )
    yield (
        seed_then_dry_run == 2,
        f"with the seed before the dry run, the count is not {seed_then_dry_run}",
        f"种子设在试运行之前时，相等的张量不是{seed_then_dry_run}个",
    )


@hints(
    (
        "A forward hook is given the module, its inputs and its output. Register it "
        "where `list(module.children())` is empty; `modules()` lists parts of parts.",
        "前向钩子接收模块、输入和输出。把它注册在`list(module.children())`为空的模块上。"
        "`modules()`也会列出子模块的子模块。",
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
        torch.set_default_device(None)  # or no other check would run
    yield (
        set(devices) == {"meta"},
        "build() is not called on meta",
        "build()不是在meta设备上调用的",
    )
    yield (
        left != "meta",
        "afterwards every new tensor is on meta",
        "函数返回之后，新建的张量仍都在meta设备上",
    )
    lines = [line for line in printed.getvalue().split("\n") if _classes(line)]
    found = [name for line in lines for name in _classes(line)]
    yield (
        len(lines) == 6,
        f"a model with 6 modules without parts gets {len(lines)} lines, {found}",
        f"模型有6个没有子模块的模块，却打印了{len(lines)}行（{found}）",
    )
    names = ["Conv2d", "ReLU", "Flatten", "Linear", "Tanh", "Linear"]
    shapes = [(channels, side, side)] * 2 + [(row,), (n,), (n,), (2,)]
    for line, name, shape in zip(lines, names, shapes, strict=True):
        yield (
            name in _classes(line) and ", ".join(map(str, (batch, *shape))) in line,
            f"“{line}” is not the class and output shape of its module",
            f"“{line}”不是相应模块的类名和输出形状",
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
        "Call `reset(module)` first; then set three tensors of `nn.MultiheadAttention` "
        "with `nn.init`. `holding_nan` does not name all three.",
        "先调用`reset(module)`。如果模块是`nn.MultiheadAttention`，再用`nn.init`设定那"
        "三个张量。`holding_nan`并不会把三个都列出来。",
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
        f"{len(empty)} tensors still hold nan, {empty[:2]} among them",
        f"还有{len(empty)}个张量含有nan，其中有{empty[:2]}",
    )
    other = [name for name, t in state.items() if not t.equal(eager[name])]
    yield (
        not other,
        f"under the same seed {len(other)} tensors are not an eager model's, "
        f"{other[:2]} among them",
        f"种子相同时，有{len(other)}个张量与普通模型的不同，其中有{other[:2]}",
    )
