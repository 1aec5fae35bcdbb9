"""try_gpu and try_all_gpus on machines with and without a GPU, by stand-ins; Waits.

The stand-ins replace what torch.accelerator answers, so the tests say the same on every
machine; two tests look at the machine as it is.
"""

import pytest
import torch

from d2ltorch import Waits, try_all_gpus, try_gpu

CPU = torch.device("cpu")
TWO = ["cuda:0", "cuda:1"]


@pytest.fixture
def machine(monkeypatch):
    """Set up a machine with `count` GPUs of a kind, and D2LTORCH_DEVICE."""

    def set_up(kind, count, override=""):
        # A CUDA build without a GPU has a current accelerator that is not available.
        stand_ins = {
            "is_available": lambda: count > 0,
            "current_accelerator": lambda: torch.device(kind),
            "device_count": lambda: count,
        }
        for name, stand_in in stand_ins.items():
            monkeypatch.setattr(torch.accelerator, name, stand_in)
        monkeypatch.setenv("D2LTORCH_DEVICE", override)

    return set_up


@pytest.mark.parametrize(
    ("kind", "count", "override", "expected"),
    [
        ("cuda", 0, "", ["cpu"]),
        ("cuda", 2, "", TWO),
        ("mps", 1, "", ["mps:0"]),
        ("cuda", 2, "cpu", ["cpu"]),
        ("cuda", 2, "cpu:0", ["cpu"]),
        ("cuda", 2, " CUDA ", TWO),
        ("cuda", 2, "cuda:1", ["cuda:1"]),
    ],
)
def test_every_gpu_is_found_unless_the_environment_decides(
    machine, kind, count, override, expected
) -> None:
    machine(kind, count, override)
    devices = [torch.device(name) for name in expected]
    assert try_all_gpus() == devices
    assert [try_gpu(i) for i in range(4)] == [*devices, CPU, CPU, CPU, CPU][:4]
    assert try_gpu() == devices[0]


@pytest.mark.parametrize("override", ["mps", "cuda:2", "gpu", "cuda:x", "meta", "0"])
def test_a_forced_device_that_is_absent_is_an_error(machine, override) -> None:
    machine("cuda", 2, override)
    there = "There is: cpu, cuda:0, cuda:1. Choose one"
    for call in (try_gpu, try_all_gpus):
        with pytest.raises(ValueError, match=f"{override}, but this .* {there}"):
            call()


def test_the_number_must_be_an_integer_from_0(machine) -> None:
    machine("cuda", 2)
    with pytest.raises(ValueError, match="i is -1"):
        try_gpu(-1)
    with pytest.raises(TypeError, match="number of a GPU, such as 0, not '0'"):
        try_gpu("0")


def test_on_this_machine_the_device_can_be_computed_on(monkeypatch) -> None:
    monkeypatch.delenv("D2LTORCH_DEVICE", raising=False)
    for device in try_all_gpus():
        assert torch.ones(2, device=device).device == device


def test_waits_are_the_numbers_that_python_asks_for() -> None:
    x = torch.full((2,), 2.5, device=try_gpu())
    counted = torch.Tensor.item, float, int, bool, "{:.1f}".format
    with Waits() as waits:
        first = x.sum(dim=0, keepdim=True)[0]
        assert [ask(first) for ask in counted] == [5.0, 5.0, 5, True, "5.0"]
        assert waits.count == len(counted)
        for uncounted in print, torch.Tensor.tolist, torch.Tensor.cpu:
            uncounted(x)
        assert waits.count == len(counted)
    first.item()
    assert waits.count == len(counted)
    assert Waits().count == 0
