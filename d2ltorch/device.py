"""Choose a GPU if there is one, and the CPU otherwise; count how often Python waits.

The environment variable D2LTORCH_DEVICE overrides the choice: ``cpu``, a kind such as
``cuda``, ``mps`` or ``xpu``, or one device such as ``cuda:1``; ValueError if not there.
"""

import os

import torch
from torch.utils._python_dispatch import TorchDispatchMode


def try_gpu(i: int = 0) -> torch.device:
    """Return GPU number `i`, or the CPU when there are not that many.

    >>> X = torch.ones(2, 3, device=try_gpu())  # on the GPU where there is one
    >>> X.device == try_gpu()
    True
    >>> try_gpu(1000)
    device(type='cpu')
    """
    if not isinstance(i, int):
        raise TypeError(f"try_gpu: i is the number of a GPU, such as 0, not {i!r}.")
    if i < 0:
        raise ValueError(f"try_gpu: GPUs are numbered from 0, and i is {i}.")
    return dict(enumerate(_gpus())).get(i, torch.device("cpu"))


def try_all_gpus() -> list[torch.device]:
    """Return every GPU (CUDA, ROCm, MPS or XPU), or only the CPU when there is none.

    >>> try_all_gpus()  # doctest: +SKIP
    [device(type='cuda', index=0), device(type='cuda', index=1)]
    """
    return _gpus() or [torch.device("cpu")]


class Waits(TorchDispatchMode):
    """Count how often Python asks for a number: by `item()`, `float()` or an `if`.

    Not counted, though they wait for a GPU as well: `print()`, `tolist()`, `cpu()`.
    >>> with Waits() as waits:
    ...     assert torch.tensor(2.5).item() == 2.5
    >>> waits.count
    1
    """

    count: int = 0

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        self.count += op == torch.ops.aten._local_scalar_dense.default
        return op(*args, **(kwargs or {}))


def _gpus() -> list[torch.device]:
    gpus = []
    if torch.accelerator.is_available():  # a CUDA build has a kind also without a GPU
        kind = torch.accelerator.current_accelerator().type
        gpus = [torch.device(kind, k) for k in range(torch.accelerator.device_count())]
    wanted = os.environ.get("D2LTORCH_DEVICE", "").strip().lower()
    found = [gpu for gpu in gpus if wanted in ("", gpu.type, str(gpu))]
    if not found and wanted not in ("", "cpu", "cpu:0"):
        there = f"There is: {', '.join(map(str, ['cpu', *gpus]))}"
        what = f"D2LTORCH_DEVICE={wanted}, but this machine has no such device"
        raise ValueError(f"{what}. {there}. Choose one of them, or unset it.")
    return found
