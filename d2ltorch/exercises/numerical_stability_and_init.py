"""Checks of the lesson on numerical stability and initialisation."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from . import Claims, hints


@hints(
    (
        "Of how many terms is an activation a sum, and of how many the gradient at an "
        "input? ReLU keeps half of the mean square.",
        "一个激活值是多少项之和，一个输入的梯度又是多少项之和？ReLU保留均方值的一半。",
    ),
)
def sigmas(forward: float, back: float) -> Claims:
    for sigma, terms, what, chinese in (
        (forward, 300, "activations", "激活值"),
        (back, 100, "gradients", "梯度"),
    ):
        factor = float(sigma) * math.sqrt(terms / 2)
        yield (
            abs(factor - 1) < 0.03,
            f"{float(sigma):.3g} multiplies the RMS of the {what} by {factor:.2g}",
            f"σ取{float(sigma):.3g}时，{chinese}的RMS变为原来的{factor:.2g}倍",
        )


@hints(
    (
        "The gradient of a weight is its input times what comes back to its output. Go "
        "from the last layer to the first.",
        "权重的梯度，等于它的输入与传回输出端的梯度之积。请从最后一层往前推。",
    ),
)
def not_zero(relu: list[str], sigmoid: list[str]) -> Claims:
    for act, names, right in (
        ("ReLU", relu, {"2.bias"}),
        ("sigmoid", sigmoid, {"2.weight", "2.bias"}),
    ):
        named = {names} if isinstance(names, str) else set(names)
        other = sorted(named - {"0.weight", "0.bias", "2.weight", "2.bias"})
        chinese = f"没有名为{'、'.join(other)}的参数"
        yield not other, f"no parameter is called {other}", chinese
        zero, missed = len(named - right), len(right - named)
        yield (
            not zero,
            f"with {act}, names whose gradient is zero: {zero}",
            f"使用{act}时，写出的参数中有{zero}个的梯度是零",
        )
        yield (
            not missed,
            f"with {act}, names not found yet: {missed}",
            f"使用{act}时，还有{missed}个梯度不为零的参数没有写出",
        )


@hints(
    (
        "Half of the h are negative, and the mean square of each half is the same. "
        "How much of it is left in each?",
        "h有一半是负数，正负两半的均方值相等。经过激活函数，每一半各剩下多少？",
    ),
)
def gains(gain_abs: float, gain_leaky: float) -> Claims:
    for gain, left, act in ((gain_abs, 1, "|h|"), (gain_leaky, 0.625, "leaky ReLU")):
        factor = float(gain) * math.sqrt(left)
        yield (
            abs(factor - 1) < 0.01,
            f"with {gain:.4g}, 50 layers of {act} multiply the RMS by {factor**50:.1g}",
            f"以{act}为激活函数，取{gain:.4g}，50层使RMS变为原来的{factor**50:.1g}倍",
        )


@hints(
    (
        "Forward the factor is sqrt(n_in / 2) * sigma, back it is sqrt(n_out / 2) * "
        "sigma. Take a layer from 128 to 512 and one from 512 to 128 together.",
        "前向的倍数是sqrt(n_in / 2) * sigma，反向的倍数是sqrt(n_out / 2) * sigma。"
        "请把从128到512的一层和从512到128的一层合起来看。",
    ),
    (
        "Xavier gives both layers sigma = sqrt(2) * sqrt(2 / 640), and there are 25 "
        "such pairs. Do not measure: fifty random layers have their luck.",
        "Xavier使两层的sigma都等于sqrt(2) * sqrt(2 / 640)，这样的两层共有25对。"
        "请推算而不要测量，因为测量值含有这五十层随机抽样的偶然。",
    ),
)
def alternating(fan_in: tuple, fan_out: tuple, xavier: tuple) -> Claims:
    for name, found, right in (
        ("fan_in", fan_in, 1),
        ("fan_out", fan_out, 1),
        ("xavier", xavier, 0.8**25),
    ):
        yield len(found) == 2, f"{name} does not hold two numbers", f"{name}不是两个数"
        for value, where, chinese in zip(
            map(float, found),
            ("RMS at the end", "RMS of the gradient at the input"),
            ("最后一层的RMS", "输入处梯度的RMS"),
            strict=True,
        ):
            yield (
                abs(value / right - 1) < 0.1,
                f"{name}: the theory predicts another {where} than {value:.2g}",
                f"按理论推算，{name}对应的{chinese}不是{value:.2g}",
            )


class _Residual(nn.Module):
    def __init__(self, n: int):
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(n, n), nn.ReLU(), nn.Linear(n, n))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def _networks(n: int) -> Iterator[tuple[str, str, nn.Module]]:
    a, b = torch.randint(8, 40, (2,)).tolist()
    for name, act in ("ReLU", nn.ReLU()), ("tanh", nn.Tanh()):
        plain = [nn.Linear(n, a), act, nn.Linear(a, b), act, nn.Linear(b, 1)]
        yield f"a {name} network", f"使用{name}的网络", nn.Sequential(*plain)
    blocks = nn.Sequential(nn.Linear(n, a), _Residual(a), _Residual(a), nn.Linear(a, b))
    yield "a residual network", "残差网络", blocks


def _size(net: nn.Module, layer: nn.Module, X: Tensor) -> float:
    """Return the RMS of the output of a layer of the network on X."""
    outs = []
    hook = layer.register_forward_hook(lambda *given: outs.append(given[2]))
    net(X)
    hook.remove()
    return outs[0].square().mean().sqrt().item()


@hints(
    (
        "Divide the first layers first. A forward hook sees any layer's output.",
        "要先处理前面的层。任何一层的输出，都可以用前向钩子取得。",
    ),
    (
        "Let the hook divide `layer.weight` by the RMS of `out`, and return `out` "
        "divided by it too: what a hook returns replaces the output. One pass will do.",
        "在钩子里把`layer.weight`除以`out`的RMS，并返回除以同一个数的`out`。"
        "钩子的返回值会取代这一层的输出，所以一次前向传播就够了。",
    ),
)
def calibrate(calibrate: Callable[[nn.Module, Tensor], None]) -> Claims:
    n = int(torch.randint(2, 6, ()))
    for name, chinese, net in _networks(n):
        X = (3 * torch.rand(()) + 2) * torch.randn(64, n) + 1
        linear = {k: m for k, m in net.named_modules() if isinstance(m, nn.Linear)}
        before = {key: layer.weight.detach().clone() for key, layer in linear.items()}
        calibrate(net, X.clone())
        yield (
            not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules()),
            f"in {name} a hook is left behind",
            f"{chinese}里留下了钩子",
        )
        frozen = [key for key, p in net.named_parameters() if not p.requires_grad]
        names = "、".join(frozen)
        yield (
            not frozen,
            f"in {name} these are frozen: {frozen}",
            f"{chinese}的{names}被冻结了",
        )
        for key, old in before.items():
            layer = net.get_submodule(key)  # it may be another now
            size = _size(net, layer, X)
            yield (
                abs(size - 1) < 1e-3,
                f"in {name} the output of layer {key} on X has RMS {size:.4g}",
                f"在{chinese}里，名为{key}的层在X上输出的RMS是{size:.4g}",
            )
            share = (layer.weight * old).sum() / old.square().sum()
            yield (
                share > 0 and torch.allclose(layer.weight, share * old, atol=1e-4),
                f"in {name} the weight of layer {key} was not divided by one number",
                f"在{chinese}里，名为{key}的层的权重不是除以同一个数得到的",
            )
