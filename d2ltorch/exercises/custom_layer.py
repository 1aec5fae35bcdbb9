"""Checks of the lesson on custom layers."""

import torch
from torch import Tensor, nn
from torch.autograd import gradcheck
from torch.func import functional_call

from . import Claims, hints


def _differs(y: Tensor, wanted: Tensor) -> float:
    return (y.double() - wanted.double()).abs().max().nan_to_num(torch.inf).item()


def _gradients_hold(layer: nn.Module, x: Tensor) -> bool:
    named = dict(layer.named_parameters())

    def run(x: Tensor, *values: Tensor) -> Tensor:
        return functional_call(layer, dict(zip(named, values, strict=True)), x)

    x = x.double().requires_grad_()
    return gradcheck(run, (x, *named.values()), raise_exception=False)


@hints(
    (
        "Only the squares are too large for 16 bits.",
        "只有平方会超出16位的范围。",
    ),
    (
        "`torch.promote_types(x.dtype, torch.float32)` has at least 32 bits. Square in "
        "it, and return to the type of x before you multiply by the weight.",
        "`torch.promote_types(x.dtype, torch.float32)`得到的类型至少有32位。"
        "用这种类型计算平方，在乘以权重之前再转换回x的类型。",
    ),
)
def safe(layer: type[nn.Module]) -> Claims:
    size = int(torch.randint(300, 60_000, ()))
    x = torch.full((1, 2), size).half()
    y = layer(2).half()(x)
    yield (
        y.dtype == torch.float16,
        f"in half precision it returns {y.dtype}",
        f"转换成半精度之后，输出的类型是{y.dtype}",
    )
    said = tuple(y[0].tolist())
    yield (
        _differs(y, torch.ones(1, 2)) < 0.02,
        f"in half precision ({size}, {size}) becomes {said}",
        f"半精度的({size}, {size})变成了{said}",
    )
    n = int(torch.randint(3, 7, ()))
    factors = torch.rand(n) + 0.5
    half, wide = layer(n, 0.1).half(), layer(n, 0.1).double()
    for each in (half, wide):
        each.load_state_dict({"weight": factors})
    x = 1000 * torch.randn(2, 3, n).half()
    off = _differs(half(x), nn.functional.rms_norm(x.float(), (n,), factors))
    yield (
        off < 0.02,
        f"in half precision it is {off:.2g} off what 32 bits give, with another weight",
        f"换用另一组权重时，半精度的输出与32位的相差{off:.2g}",
    )
    x = torch.randn(2, 3, n).double()
    off = _differs(wide(x), nn.functional.rms_norm(x, (n,), wide.weight, 0.1))
    yield (
        off < 1e-11,
        f"in 64 bits, with eps=0.1, it is {off:.2g} off PyTorch's RMSNorm",
        f"使用64位和eps=0.1时，输出与PyTorch的RMSNorm相差{off:.2g}",
    )
    yield (
        _gradients_hold(wide, x),
        "in 64 bits gradcheck finds a wrong gradient",
        "使用64位时，gradcheck发现梯度有错",
    )


@hints(
    (
        "One fault is in `__init__`, two are in one line of `forward`.",
        "一处错误在`__init__`里，另外两处在`forward`的同一行里。",
    ),
    (
        "A plain list registers nothing; `x -= …` changes the caller's tensor; a mean "
        "without `dim` is taken over the whole batch.",
        "普通列表不会注册参数。`x -= …`会修改调用者的张量。如果不写`dim`，"
        "均值就是对整个小批量求的。",
    ),
)
def mended(layer: type[nn.Module]) -> Claims:
    n = int(torch.randint(3, 7, ()))
    it, X = layer(n), 3 * torch.randn(4, n) + 2
    before, wanted = X.clone(), X - X.mean(dim=-1, keepdim=True)
    Y = it(X)
    yield (
        torch.equal(X, before),
        "it changes the tensor that it is given",
        "这一层修改了传入的张量",
    )
    alone = it(X[:1])
    yield (
        torch.allclose(alone, Y[:1], atol=1e-5),
        "an example has another output alone than in the batch",
        "同一个样本单独输入时，输出与它在小批量里时不同",
    )
    numbers = sum(p.numel() for p in it.parameters())
    yield (
        numbers == 2 * n,
        f"of its {2 * n} factors and shifts, parameters() lists {numbers}",
        f"系数和偏移量一共{2 * n}个数，parameters()列出的却是{numbers}个",
    )
    yield (
        torch.allclose(Y, wanted, atol=1e-5),
        "at the start it does not just take away the mean of each example",
        "在初始状态，输出不等于每个样本减去自己的均值",
    )
    values = torch.rand(2, n) + 1
    nn.utils.vector_to_parameters(values.flatten(), it.parameters())
    yield (  # which of the two comes first is free
        any(
            torch.allclose(it(X), factor * wanted + shift, atol=1e-4)
            for factor, shift in (values, values.flip(0))
        ),
        "with other factors and shifts it does not multiply and add them",
        "改变系数和偏移量之后，输出不是先乘以系数、再加上偏移量的结果",
    )
    yield (
        _gradients_hold(it.double(), X),
        "gradcheck finds a wrong gradient",
        "gradcheck发现梯度有错",
    )


def _like_pytorchs(layer: type[nn.Module], *sizes: int) -> Claims:
    """Claim of a layer all that section 4 asks."""
    named = layer(*sizes, dtype=torch.float64).named_parameters()
    off = [name for name, p in named if p.dtype != torch.float64]
    yield (
        not off,
        f"with dtype=torch.float64, these are not in 64 bits: {off}",
        f"指定了dtype=torch.float64，参数{off}却不是64位",
    )
    it, seed = layer(*sizes, device="meta"), int(torch.randint(10**6, ()))
    off = [name for name, p in it.named_parameters() if not p.is_meta]
    yield (
        not off,
        f'with device="meta", these are elsewhere: {off}',
        f'指定了device="meta"，参数{off}却不在meta设备上',
    )
    torch.manual_seed(seed)
    start = layer(*sizes).state_dict()
    it.to_empty(device="cpu")
    for p in it.parameters():
        p.detach().fill_(torch.nan)
    torch.manual_seed(seed)
    it.reset_parameters()
    off = [name for name, t in it.state_dict().items() if not t.equal(start[name])]
    yield (
        not off,
        f"reset_parameters() gives other numbers than the start has, in {off}",
        f"在同一种子下调用reset_parameters()，{off}却与刚创建时不同",
    )
    yield (
        all(str(size) in repr(it) for size in sizes),
        f"it prints as {it!r}, without its sizes",
        f"打印结果是{it!r}，没有显示大小",
    )


@hints(
    (
        "`reset_parameters` draws the weight, then the bias; it is called at the end "
        "of `__init__`.",
        "`reset_parameters`先对权重抽样，再对偏置抽样。要在`__init__`的末尾调用它。",
    ),
    (
        "`nn.init.uniform_(self.weight, -bound, bound)`, and the same for the bias.",
        "`nn.init.uniform_(self.weight, -bound, bound)`，偏置也一样。",
    ),
)
def dense(layer: type[nn.Module]) -> Claims:
    n_in, n_out = int(torch.randint(11, 20, ())), int(torch.randint(20, 30, ()))
    seed = int(torch.randint(10**6, ()))
    torch.manual_seed(seed)
    it = layer(n_in, n_out)
    torch.manual_seed(seed)
    linear = nn.Linear(n_in, n_out)
    shapes = {name: tuple(p.shape) for name, p in it.named_parameters()}
    yield (
        shapes == {name: tuple(p.shape) for name, p in linear.named_parameters()},
        f"Dense({n_in}, {n_out}) has the parameters {shapes}; nn.Linear's are others",
        f"Dense({n_in}, {n_out})的参数是{shapes}，与nn.Linear的不同",
    )
    for name, p in linear.named_parameters():
        yield (
            torch.allclose(it.get_parameter(name), p, rtol=0, atol=1e-6),
            f"under one seed its {name} starts with other numbers than nn.Linear's",
            f"随机种子相同，{name}的初始值却与nn.Linear的不同",
        )
    x = torch.randn(2, 3, n_in)
    y = it(x)
    yield (
        y.shape == (2, 3, n_out) and _differs(y, linear(x)) < 1e-4,
        "with the same numbers its outputs are not those of nn.Linear",
        "参数相同，输出却与nn.Linear的不同",
    )
    y.sum().backward()
    off = [name for name, p in it.named_parameters() if p.grad is None]
    yield not off, f"these get no gradient: {off}", f"参数{off}没有得到梯度"
    yield from _like_pytorchs(layer, n_in, n_out)


@hints(
    (
        "The weight is W, of shape (m, n, n); einsum has a letter for each index and "
        "one for the example.",
        "权重就是W，形状是(m, n, n)。在einsum里，每个下标用一个字母，样本也用一个。",
    ),
    (
        '`torch.einsum("bi,kij,bj->bk", x, self.weight, x)`',
        '`torch.einsum("bi,kij,bj->bk", x, self.weight, x)`',
    ),
)
def quad(layer: type[nn.Module]) -> Claims:
    n, m = int(torch.randint(6, 10, ())), int(torch.randint(3, 6, ()))
    it, x = layer(n, m), torch.randn(4, n)
    shapes = [tuple(p.shape) for p in it.parameters()]
    yield (
        shapes == [(m, n, n)],
        f"the parameters of Quad({n}, {m}) have the shapes {shapes}; there is only W",
        f"Quad({n}, {m})的参数形状是{shapes}，而参数应当只有W",
    )
    (W,) = it.parameters()
    nn.init.normal_(W)
    y, wanted = it(x), nn.functional.bilinear(x, x, W)
    yield (
        y.shape == wanted.shape,
        f"for 4 examples the output of Quad({n}, {m}) has the shape {tuple(y.shape)}",
        f"输入4个样本时，Quad({n}, {m})的输出形状是{tuple(y.shape)}",
    )
    yield (
        _differs(y, wanted) < 1e-3,
        f"its outputs are {_differs(y, wanted):.2g} off the sum, with a random W",
        f"随机取W时，输出与公式里的和相差{_differs(y, wanted):.2g}",
    )
    yield (
        _gradients_hold(layer(3, 2).double(), x[:1, :3]),
        "gradcheck finds a wrong gradient",
        "gradcheck发现梯度有错",
    )
    yield from _like_pytorchs(layer, n, m)


@hints(
    (
        "Which two numbers of W stand before the same product of features?",
        "W里的哪两个数，所乘的特征之积是相同的？",
    ),
)
def enough(numbers: int) -> Claims:
    yield numbers <= 45, f"fewer than {numbers} will do", f"不需要{numbers}个数这么多"
    yield numbers >= 45, f"{numbers} are too few", f"{numbers}个数不够"
