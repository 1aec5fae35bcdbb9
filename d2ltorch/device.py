"""Choose a GPU if there is one, and the CPU otherwise. Reads the machine, sets nothing.

The environment variable D2LTORCH_DEVICE overrides the choice: ``cpu``, a kind such as
``cuda``, ``mps`` or ``xpu``, or one device such as ``cuda:1``.
"""

import os

import torch

_VARIABLE = "D2LTORCH_DEVICE"


def try_gpu(i: int = 0) -> torch.device:
    """Return GPU number `i`, or the CPU when there are not that many.

    A GPU is whatever `torch.accelerator` finds: CUDA, ROCm, MPS, XPU. The device always
    has its index, so that it equals the device of a tensor that lies on it.

    Args:
        i: which GPU, counted from 0 (among those that D2LTORCH_DEVICE allows, if set).

    Raises:
        ValueError: `i` is negative, or D2LTORCH_DEVICE is not a device of this machine.

    From the lesson "GPUs".
    """
    if i < 0:
        raise ValueError(f"try_gpu: GPUs are numbered from 0, and i is {i}.")
    gpus = _gpus()
    return gpus[i] if i < len(gpus) else torch.device("cpu")


def try_all_gpus() -> list[torch.device]:
    """Return every GPU, or a list with only the CPU when there is none.

    Raises:
        ValueError: D2LTORCH_DEVICE is not a device of this machine.

    From the lesson "GPUs".
    """
    return _gpus() or [torch.device("cpu")]


def _gpus() -> list[torch.device]:
    wanted = os.environ.get(_VARIABLE, "").strip().lower()
    if wanted:
        return _forced(wanted)
    # current_accelerator() answers "cuda" on a CUDA build without a GPU: ask first.
    if not torch.accelerator.is_available():
        return []
    return _all_of(torch.accelerator.current_accelerator().type)


def _forced(wanted: str) -> list[torch.device]:
    """The devices that the override allows; an absent one is an error, not the CPU."""
    try:
        device = torch.device(wanted)
        found = [] if device.type == "cpu" else _all_of(device.type)
    except (RuntimeError, AttributeError):  # no such word; or no kind of accelerator
        raise ValueError(
            f"{_VARIABLE}={wanted} is not a device that this PyTorch can compute on. "
            "Use cpu, cuda, cuda:1, mps or xpu, or unset it."
        ) from None
    if device.type == "cpu":
        return []
    if device.index is not None:
        found = [gpu for gpu in found if gpu == device]
    if not found:
        there = ", ".join(map(str, ["cpu", *_all_of(device.type)]))
        raise ValueError(
            f"{_VARIABLE}={wanted}, but this machine has no such device. "
            f"There is: {there}. Choose one of them, or unset {_VARIABLE}."
        )
    return found


def _all_of(kind: str) -> list[torch.device]:
    count = torch.get_device_module(kind).device_count()
    return [torch.device(kind, index) for index in range(count)]
