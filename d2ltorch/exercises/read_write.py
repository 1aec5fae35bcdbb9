"""Checks of the lesson on files."""

import copy
import datetime
import io
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader

from . import Claims, hints

SIX = 0.5, {1, 2}, range(3), datetime.date(2026, 1, 1), torch.float32, Path("data")


@hints(
    (
        "A checkpoint holds each weight, and the two numbers that Adam keeps for it.",
        "检查点里既有每个权重，也有Adam为它另存的两个数。",
    ),
)
def sizes(weights: float, checkpoint: float) -> Claims:
    yield (
        abs(weights / 28 - 1) < 0.01,
        f"the weights do not take {weights:,} GB (1 GB is 10⁹ bytes)",
        f"权重文件的大小不是{weights:,} GB（1 GB是10⁹个字节）",
    )
    yield (
        abs(checkpoint / 84 - 1) < 0.01,
        f"the checkpoint does not take {checkpoint:,} GB",
        f"检查点的大小不是{checkpoint:,} GB",
    )


def _loads(thing: object) -> bool:
    file = io.BytesIO()
    torch.save(thing, file)
    file.seek(0)
    try:
        torch.load(file)
    except Exception:
        return False
    return True


@hints(
    (
        "Tensors and their types, numbers, strings and the usual containers load.",
        "张量及其数据类型、数、字符串和常用的容器都能加载。",
    ),
)
def refused(refused: Iterable[object]) -> Claims:
    said = list(refused)
    other = [thing for thing in said if thing not in SIX]
    yield not other, f"not one of the six: {other}", f"{other}不在这六个之中"
    loaded = sum(map(_loads, said))
    yield not loaded, f"{loaded} of these load", f"列出的对象中有{loaded}个能加载"
    missed = sum(not _loads(thing) for thing in SIX if thing not in said)
    yield not missed, f"{missed} more are refused", f"还有{missed}个会被拒绝的没有列出"


def _mlp(classes: int) -> nn.Sequential:
    hidden, output = nn.Linear(20, 32), nn.Linear(32, classes)
    layers = {"hidden": hidden, "activation": nn.ReLU(), "output": output}
    return nn.Sequential(OrderedDict(layers))


@hints(
    (
        "Section 2, “Load a part”: choose by name, then look at what is missing.",
        "见第2节“只加载一部分参数”，先按名称选取，再看缺少哪些。",
    ),
    (
        "`net.load_state_dict(part, strict=False)` returns the missing names; "
        "`assert` that they are those of the new layer.",
        "`net.load_state_dict(part, strict=False)`返回缺少的名称。"
        "请用`assert`确认，这些恰好是新的一层的参数名称。",
    ),
)
def load_hidden(load_hidden: Callable[[nn.Sequential, Path], object]) -> Claims:
    classes = int(torch.randint(3, 8, ()))
    saved, net = _mlp(classes + 2).state_dict(), _mlp(classes)
    before = copy.deepcopy(net.state_dict())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mlp.pt"
        torch.save(saved, path)
        load_hidden(net, path)
        torch.save({"0.weight": saved["hidden.weight"]}, path)
        try:
            load_hidden(_mlp(classes), path)
            accepts = True
        except Exception:
            accepts = False
    after = net.state_dict()
    for name in ("hidden.weight", "hidden.bias"):
        yield (
            torch.equal(after[name], saved[name]),
            f"{name} is not that of the file",
            f"{name}与文件里的不同",
        )
    for name in ("output.weight", "output.bias"):
        yield (
            torch.equal(after[name], before[name]),
            f"{name} has changed, too",
            f"{name}也改变了",
        )
    learns = sorted(name for name, p in net.named_parameters() if p.requires_grad)
    yield (
        learns == ["output.bias", "output.weight"],
        f"of the parameters these are left to learn: {learns}",
        f"没有冻结的参数是{learns}",
    )
    yield (
        not accepts,
        "a file without hidden.weight and hidden.bias gives no error",
        "文件里没有hidden.weight和hidden.bias，却没有报错",
    )


class _PowerCut(BaseException):
    """No `except Exception` in an answer can catch it."""


def _run(
    fit: Callable, path: Path, epochs: int, cut: int = 0, saving: bool = False
) -> tuple[list[float] | None, int]:
    """Return the losses, None after a power cut, and how many steps were taken.

    The power is cut in the optimiser's step number `cut`, or in the save after it.
    `fsync` would take a third of the time, and has no effect that a test could see.
    """
    steps, save = 0, torch.save

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == cut and not saving:
            raise _PowerCut

    def half(thing: object, file: object, *args: object, **named: object) -> None:
        whole = io.BytesIO()
        save(thing, whole, *args, **named)
        cuts = saving and steps >= cut
        part = whole.getvalue()[: whole.tell() // (2 if cuts else 1)]
        if hasattr(file, "write"):
            file.write(part)
        else:
            Path(file).write_bytes(part)
        if cuts:
            raise _PowerCut

    hook = register_optimizer_step_post_hook(count)
    try:
        with mock.patch.object(torch, "save", half), mock.patch("os.fsync"):
            losses = fit(path, epochs)
    except _PowerCut:
        return None, steps
    finally:
        hook.remove()
    return None if losses is None else [float(loss) for loss in losses], steps


@hints(
    (
        "Section 3: build all, load all, set the random state last. Section 4: write "
        "elsewhere, then replace.",
        "按照第3节，先全部构建，再全部加载，最后设定随机状态。"
        "按照第4节，先写到别处，再替换。",
    ),
    (
        "If the first loss after the crash is wrong, look at the random state; if the "
        "second, at the optimiser; if the third, at the scheduler.",
        "中断之后，如果第一个损失就错了，请检查随机状态。如果第二个才错，"
        "请检查优化器。如果第三个才错，请检查调度器。",
    ),
)
def fit(fit: Callable[[Path, int], list[float]], loader: DataLoader) -> Claims:
    epochs = int(torch.randint(3, 5, ()))
    done = int(torch.randint(1, epochs, ()))  # epochs before a crash
    each, seed = len(loader), int(torch.randint(10**6, ()))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "whole.pt"
        torch.manual_seed(seed)
        whole, steps = _run(fit, path, epochs)
        yield whole is not None, "it returns no losses", "函数没有返回损失"
        yield (
            steps == epochs * each,
            f"{epochs} epochs are {epochs * each} steps; the optimiser takes {steps}",
            f"{epochs}轮应当更新{epochs * each}步，优化器却更新了{steps}步",
        )
        yield (
            len(whole) > 0 and len(whole) % epochs == 0,
            f"for {epochs} epochs it returns {len(whole)} losses",
            f"训练{epochs}轮，函数返回了{len(whole)}个损失",
        )
        yield path.exists(), "there is no file at path", "path处没有文件"
        again, more = _run(fit, path, epochs)
        yield (
            more == 0,
            f"all {epochs} epochs are done, and a second call takes {more} steps more",
            f"{epochs}轮已经训练完，再次调用却又更新了{more}步",
        )
        yield (
            again == whole,
            "a second call does not return the losses of the first",
            "再次调用，返回的损失与第一次不同",
        )
        other, _ = _run(fit, Path(folder) / "other.pt", 1)
        yield (
            other != whole[: len(other)],
            "other seeds give the same losses; leave the seed to the caller",
            "换了种子，损失却不变，请不要在函数里设定种子",
        )
        for saving, english, chinese in (
            (False, "in the middle of", "进行到一半"),
            (True, "in the save after", "结束后保存"),
        ):
            at = f"after a crash {english} epoch {done + 1}"
            chinese_at = f"第{done + 1}轮{chinese}时中断"
            path = Path(folder) / f"{saving}.pt"
            cut = each if saving else int(torch.randint(1, each, ()))
            torch.manual_seed(seed)
            _, steps = _run(fit, path, epochs, done * each + cut, saving)
            yield (
                steps == done * each + cut,
                "it does not call torch.save after every epoch",
                "函数没有在每轮之后调用torch.save",
            )
            yield (
                zipfile.is_zipfile(path),
                f"{at}, the file is not whole",
                f"{chinese_at}，文件不完整",
            )
            torch.manual_seed(seed + 1)
            rest, steps = _run(fit, path, epochs)
            left = (epochs - done) * each
            yield (
                steps == left,
                f"{at}, it takes {steps} steps more, not {left}",
                f"{chinese_at}，之后又更新了{steps}步，而不是{left}步",
            )
            pairs = enumerate(zip_longest(rest, whole), 1)
            first = next((n for n, (a, b) in pairs if a != b), 0)
            yield (
                not first,
                f"{at}, loss {first} of {len(whole)} is the first that is wrong",
                f"{chinese_at}，{len(whole)}个损失中首先出错的是第{first}个",
            )
