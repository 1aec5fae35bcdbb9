"""Checks of the lesson on GPUs."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout

import torch
from torch import Tensor

from ..device import Waits
from . import Claims, hints


@hints(
    (
        "`to` makes another tensor only if something has to change, or if told to.",
        "只有设备或数据类型需要改变，或者明确要求复制时，`to`才返回新的张量。",
    ),
)
def same_object(itself: Sequence[bool]) -> Claims:
    yield (
        len(itself) == 4,
        f"there are {len(itself)} answers, and four calls",
        f"共有四个调用，却给出了{len(itself)}个答案",
    )
    x = torch.ones(3, device="cpu", dtype=torch.float32)
    calls = x.to("cpu"), x.to(torch.float32), x.to(x), x.to("cpu", copy=True)
    wrong = sum((y is x) != each for y, each in zip(calls, itself, strict=True))
    yield (
        not wrong,
        f"wrong answers among the four: {wrong}",
        f"四个答案中有{wrong}个不对",
    )


with Waits():  # PyTorch imports here what a mode needs, and no alarm may interrupt it
    torch.zeros(()).item()


def _watched(
    watch: Callable[[Iterable[Tensor]], Sequence[float]], losses: Tensor
) -> tuple[Sequence[float] | None, int, int]:
    """Return what an answer gives, the losses that it takes, and its waits."""
    taken, steps = [], list(losses)

    def one_by_one() -> Iterator[Tensor]:
        for loss in steps:
            taken.append(loss)
            yield loss

    with redirect_stdout(io.StringIO()), Waits() as mode:
        shown = watch(one_by_one())
    return shown, len(taken), mode.count


@hints(
    (
        "A wait is a number that Python asks for: to print it, or to decide an `if`.",
        "Python每需要一个数值，就要等待一次，打印时如此，用`if`判断时也如此。",
    ),
    (
        "Every ten steps, keep `loss.item()` under a name, and use that name twice.",
        "每十步把`loss.item()`存入一个变量，记录和判断都用这个变量。",
    ),
)
def waits(count: int, watch: Callable[[Iterable[Tensor]], Sequence[float]]) -> Claims:
    yield (
        count == 110,
        f"the loop does not wait {count} times; count each number that is needed",
        f"原来的循环并不是等待{count}次，每需要一个数值都要计一次",
    )
    losses = torch.arange(100.0, 0.0, -1.0)
    shown, _, waited = _watched(watch, losses)
    yield shown is not None, "`watch` returns nothing", "`watch`没有返回任何内容"
    yield (
        waited == 10,
        f"for 100 losses `watch` asks for {waited} numbers by `item()` or `if`, not 10",
        f"损失有100个时，`watch`通过`item()`或`if`取得了{waited}次数值，而不是10次",
    )
    tensors = sum(isinstance(each, Tensor) for each in shown)
    english = "it returns tensors, which may hold on to their graphs, and not numbers"
    yield (
        not tensors,
        english,
        "`watch`返回的是张量，张量可能还保留着计算图，请返回数值",
    )
    shown = list(shown)
    starts = [k for k in range(10) if shown == losses[k::10].tolist()]
    yield (
        bool(starts),
        f"the {len(shown)} numbers returned are not those of every tenth step",
        f"返回的{len(shown)}个数不是每十步取一个的损失",
    )
    for late in (int(torch.randint(1, 10, ())), 0):
        stop = starts[0] + 10 * int(torch.randint(3, 8, ()))
        low = stop - late
        high, below = torch.linspace(0.0019, 0.0011, low), torch.linspace(9e-4, 0, 60)
        losses = torch.cat([high, below])
        shown, taken, waited = _watched(watch, losses)
        where = f"the losses are below 1e-3 from step {low} on"
        wo = f"从`step`为{low}的那一步起，损失都小于1e-3"
        yield (
            low < taken <= low + 10,
            f"{where}, but `watch` stops after {taken} losses",
            f"{wo}，`watch`却在读了{taken}个损失后停止",
        )
        seen = losses[starts[0] : stop + 1 : 10].tolist()
        yield (
            waited == len(seen),
            f"{where}, and `watch` waits {waited} times, not {len(seen)}",
            f"{wo}，`watch`却等待了{waited}次，而不是{len(seen)}次",
        )
        yield (
            list(shown) in (seen, seen[:-1]),  # the last may be printed or not
            f"{where}, and the numbers returned are not those of every tenth step",
            f"{wo}，返回的却不是每十步取一个的损失",
        )


def _parts(value: object, name: str = "batch") -> Iterator[tuple[str, object]]:
    """Yield all that is in a batch, by the expression that finds it."""
    yield name, value
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _parts(each, f"{name}[{key!r}]")
    if isinstance(value, (list, tuple)):
        for at, each in enumerate(value):
            yield from _parts(each, f"{name}[{at}]")


@hints(
    (
        "A list may hold lists: let the function call itself for what is inside.",
        "列表里还可以有列表，所以函数要对其中的每一项调用自身。",
    ),
    (
        "Four cases: a tensor, a dictionary, a list or tuple, anything else.",
        "分四种情况处理，即张量、字典、列表或元组，以及其他内容。",
    ),
)
def to_device(to_device: Callable[[object, object], object]) -> Claims:
    n, *kinds = torch.randint(0, 3, (5,)).tolist()
    nested: object = (torch.rand(2), ["deep"])
    for kind in kinds:
        nested = ([nested], (nested, 1), {"in": nested})[kind]
    batch = {
        "x": torch.rand(n + 2, 3),
        "y": (torch.arange(n + 2), ["cat", b"dog", torch.rand(3) > 0.5]),
        7: [None, 2.5, range(3), {}, (), []],
        "nested": nested,
    }
    one = to_device(torch.rand(3), torch.device("meta"))
    english = "a batch that is one tensor does not move"
    yield one.is_meta, english, "批量本身就是一个张量时，这个张量没有移动"
    before, moved = dict(_parts(batch)), dict(_parts(to_device(batch, "meta")))
    after = dict(_parts(batch))
    english = "it changes the batch that it was given; return a new one"
    kept = all(after.get(name, after) is part for name, part in before.items())
    yield kept, english, "传入的批量被改动了，请返回新的批量"
    same = dict(_parts(to_device(batch, "cpu")))
    lost = min(before.keys() - moved.keys(), default="")
    yield not lost, f"the result has no `{lost}`", f"结果中没有`{lost}`"
    for name, part in before.items():
        now, kind = moved[name], type(moved[name]).__name__
        yield (
            type(now) is type(part),
            f"`{name}` comes back as an object of type {kind}",
            f"`{name}`在结果中变成了{kind}类型",
        )
        if isinstance(part, Tensor):
            yield now.is_meta, f"`{name}` has not moved", f"`{name}`没有移动"
            yield (
                repr(same[name]) == repr(part),
                f"`{name}`, asked for on the CPU, has other numbers or another dtype",
                f"移到CPU之后，`{name}`的数值或数据类型变了",
            )
        elif not isinstance(part, (dict, list, tuple)):
            yield now == part, f"`{name}` is {now!r}", f"`{name}`变成了{now!r}"


def _first(copies: int, latency: float = 10e-6, bandwidth: float = 25e9) -> int:
    return next(
        n
        for n in range(1, 2000)
        if copies * (latency + 4 * n**2 / bandwidth) + n**3 / 1e13 < n**3 / 5e10
    )


@hints(
    (
        "Write the time on each side, as `stay` and `move` in the lesson; only the "
        "number of copies is new.",
        "像课文里的`stay`和`move`那样，分别写出在CPU上和在GPU上用的时间，"
        "不同的只是复制几次。",
    ),
    (
        "Each copy takes latency + 4n²/bandwidth.",
        "每次复制用的时间是延迟加上4n²/带宽。",
    ),
)
def first_n(first_n: Callable[..., int]) -> Claims:
    found = first_n(3)
    yield (
        found == 124,
        f"in the lesson, with three copies, it is 124, not {found}",
        f"课文里复制三次，结果是124，而不是{found}",
    )
    found = first_n(1)
    yield (
        found == _first(1),
        f"if one matrix travels, it is not {found}",
        f"只传输一个矩阵时，结果不是{found}",
    )
    u, v = torch.rand(2).tolist()
    for copies, latency, bandwidth in (
        (0, 1e-5, 1e10),
        (3, (1 + u) * 1e-5, (8 + 2 * v) * 1e8),  # a slow link
        (int(1 + 2 * u), (1 + v) * 1e-5, (1 + u) * 1e10),
    ):
        found = first_n(copies, latency, bandwidth)
        case = f"first_n({copies}, {latency:.3g}, {bandwidth:.3g})"
        yield (
            found == _first(copies, latency, bandwidth),
            f"`{case}` is not {found}",
            f"`{case}`的结果不是{found}",
        )
