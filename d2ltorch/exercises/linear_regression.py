"""Checks of the lesson on linear regression."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from . import Claims, hints


@hints(
    (
        "Outputs first. Every input has a weight to every output; a bias belongs to an "
        "output.",
        "输出在前。每个输入到每个输出都有一个权重，偏置则属于输出。",
    ),
)
def linear_layer(weight: tuple, bias: tuple, count: int) -> Claims:
    yield (
        not isinstance(bias, int),
        f"a shape with one number is written with a comma, ({bias},)",
        f"只有一个数的形状要写逗号，即({bias},)",
    )
    for name, right, shape in (
        ("weight", (256, 20), weight),
        ("bias", (256,), bias),
    ):
        yield (
            tuple(shape) == right,
            f"the {name} has another shape than {tuple(shape)}",
            f"{name}的形状不是{tuple(shape)}",
        )
    yield count == 5376, f"there are not {count} numbers in all", f"参数量不是{count}"


@hints(
    (
        "Each prediction is compared with all targets. Which one number is nearest to "
        "all of them, in mean square?",
        "每个预测都要与所有目标值比较。哪一个数对所有目标值的均方误差最小？",
    ),
)
def flat_target(weights: list[float], bias: float, y: Tensor) -> Claims:
    found = [round(w, 4) for w in torch.as_tensor(weights).flatten().tolist()]
    yield len(found) == 2, "there are two weights", "权重应当有两个"
    yield (
        max(abs(w) for w in found) < 0.02,
        f"training ends with other weights than {found}",
        f"训练得到的权重不是{found}",
    )
    bias = round(float(bias), 4)
    yield (
        abs(bias - y.mean().item()) < 0.01,
        f"training ends with another bias than {bias}",
        f"训练得到的偏置不是{bias}",
    )


@hints(
    (
        "A part's loss is the mean over that part. Which multiple of it does the mean "
        "over all examples contain?",
        "每一份的损失是这一份样本上的均值。要合成全部样本的均值，它应当乘以多少？",
    ),
    (
        "`X.split(sizes)` gives the parts. Multiply a part's loss by its share of the "
        "examples, then call `backward()`.",
        "`X.split(sizes)`给出各份。把每一份的损失乘以它的样本数所占的比例，"
        "再调用`backward()`。",
    ),
)
def accumulation(
    accumulate: Callable[[nn.Module, Tensor, Tensor, list[int]], None],
) -> Claims:
    features = int(torch.randint(2, 6, ()))
    size = int(torch.randint(20, 40, ()))
    for sizes in ([size] * 4, [3 * size, 2 * size + 1, size, 10]):
        n = sum(sizes)
        X = torch.randn(n, features)
        y = X.sum(dim=1, keepdim=True) + torch.linspace(0, 6, n).reshape(-1, 1)
        net, calls, turns = nn.Linear(features, 1), [], []
        nn.functional.mse_loss(net(X), y).backward()
        whole = [p.grad.clone() for p in net.parameters()]
        before = [p.detach().clone() for p in net.parameters()]
        net.zero_grad()
        net.register_forward_hook(
            lambda *given, calls=calls: calls.append(len(given[2]))
        )
        net.bias.register_hook(lambda grad, turns=turns: turns.append(1))
        accumulate(net, X, y, list(sizes))
        yield (
            set(calls) == set(sizes),
            f"with sizes {sizes} the calls of net get {calls} examples",
            f"sizes为{sizes}时，各次调用网络的样本数是{calls}",
        )
        yield (
            len(turns) == len(sizes),
            f"there are {len(sizes)} parts, and backward() came {len(turns)} times",
            f"样本分成{len(sizes)}份，backward()却执行了{len(turns)}次",
        )
        yield (
            all(map(torch.equal, before, net.parameters())),
            "the parameters changed; only their gradient is asked for",
            "参数的值变了，而这里只求梯度",
        )
        found = [p.grad for p in net.parameters()]
        yield (
            None not in found,
            "no gradient is left in grad",
            "参数的grad里没有梯度",
        )
        ratio = (found[1] / whole[1]).item()
        yield (
            all(map(_near, found, whole)),
            f"with sizes {sizes} the bias has {ratio:.2f} times its gradient on all "
            "examples",
            f"sizes为{sizes}时，偏置的梯度是用全部样本算得的{ratio:.2f}倍",
        )


def _near(found: Tensor, right: Tensor) -> bool:
    return torch.allclose(found, right, rtol=1e-3, atol=1e-3)


@hints(
    (
        "`normal_equations` of the lesson fits one set; loop over the sets, or stack "
        "them.",
        "课文中的`normal_equations`只拟合一个数据集。可以用循环逐个拟合，"
        "也可以把各个数据集堆叠起来。",
    ),
    (
        "`torch.linalg.lstsq(A, targets).solution` also takes a stack: `A` of shape "
        "(sets, size, 3), `targets` of shape (sets, size, 1).",
        "`torch.linalg.lstsq(A, targets).solution`也接受堆叠的数据集，"
        "即形状为(sets, size, 3)的`A`和形状为(sets, size, 1)的`targets`，"
        "sets是数据集的个数。",
    ),
)
def mean_losses(
    mean_losses: Callable[[Tensor, Tensor, Tensor, Tensor, int], tuple],
) -> Claims:
    for _ in range(2):
        sets, size = torch.randint(8, 15, (2,)).tolist()
        w, b = torch.tensor([[2.0], [-1.0]]), 3.0
        X, X_val = torch.randn(sets * size, 2), torch.randn(40, 2)
        y, y_val = (x @ w + b + 0.5 * torch.randn(len(x), 1) for x in (X, X_val))
        losses = []
        for X_part, y_part in zip(X.split(size), y.split(size), strict=True):
            fit = torch.linalg.lstsq(_with_ones(X_part), y_part.double()).solution
            losses.append([_loss(fit, X_part, y_part), _loss(fit, X_val, y_val)])
        case = f"{sets} sets of {size}", f"{sets}个数据集，每个{size}个样本"
        right = torch.tensor(losses).mean(dim=0).tolist()
        found = mean_losses(X, y, X_val, y_val, size)
        yield (
            isinstance(found, tuple | list) and len(found) == 2,
            "it does not return two losses",
            "返回的不是两个损失",
        )
        for name, there, here, value in zip(
            ("training", "validation"),
            ("训练", "验证"),
            map(float, found),
            right,
            strict=True,
        ):
            yield (
                abs(here / value - 1) < 0.01,
                f"for {case[0]} the mean {name} loss is {value:.4f}, not {here:.4f}",
                f"{case[1]}，{there}损失的均值是{value:.4f}，而不是{here:.4f}",
            )


def _with_ones(X: Tensor) -> Tensor:
    return torch.cat([X, torch.ones(len(X), 1)], dim=1).double()


def _loss(fit: Tensor, X: Tensor, y: Tensor) -> float:
    return (_with_ones(X) @ fit - y).square().mean().item()


@hints(
    (
        "The entries of AᵀA/n are means of products: 1 on the diagonal, 0.95 between "
        "the features, 0 beside the column of ones. The Hessian is twice that.",
        "AᵀA/n的元素是乘积的均值，对角线上是1，两个特征之间是0.95，"
        "特征与全为1的列之间是0。海森矩阵是AᵀA/n的两倍。",
    ),
    (
        "(1, 1) and (1, −1) are eigenvectors for the two features. The scatter of w_j "
        "is sigma times the root of entry (j, j) of (AᵀA)⁻¹.",
        "对两个特征来说，(1, 1)和(1, −1)是特征向量。"
        "w_j的标准差等于sigma乘以(AᵀA)⁻¹的(j, j)元素的平方根。",
    ),
)
def correlated(curvatures: list[float], limit: float, scatter: float) -> Claims:
    found = sorted(map(float, curvatures))
    yield len(found) == 3, "there are three curvatures", "曲率应当有三个"
    right = sum(map(_close, found, (0.1, 2, 3.9)))
    yield (
        right == 3,
        f"of the three curvatures {right} are right",
        f"三个曲率中对了{right}个",
    )
    limit, scatter = float(limit), float(scatter)
    yield (
        _close(limit, 2 / 3.9),
        f"the limit of the learning rate is not {limit:.3g}",
        f"学习率的上限不是{limit:.3g}",
    )
    yield (
        _close(scatter, 0.0506),
        f"the standard deviation of the fitted w1 is not {scatter:.3g}",
        f"拟合所得w1的标准差不是{scatter:.3g}",
    )


def _close(found: float, right: float) -> bool:
    return abs(found / right - 1) < 0.03
