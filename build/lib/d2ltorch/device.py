"""Choose a GPU if there is one, and the CPU otherwise. Reads the machine, sets nothing.

The environment variable D2LTORCH_DEVICE overrides the choice: ``cpu``, a kind such as
``cuda``, ``mps`` or ``xpu``, or one device such as ``cuda:1``; ValueError if not there.
"""

import os

import torch


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
