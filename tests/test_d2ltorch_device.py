"""try_gpu and try_all_gpus on machines with and without a GPU, by stand-ins.

The stand-ins replace what torch.accelerator and torch.get_device_module answer, so the
tests say the same on every machine; one test looks at the machine as it is.
"""

from types import SimpleNamespace

import pytest
import torch

from d2ltorch import try_all_gpus, try_gpu

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    """Set up a machine: number of devices by kind, the current kind first."""

    def set_up(override=None, **counts):
        def module(kind):
            if kind not in ("cuda", "mps", "xpu"):
                raise RuntimeError(f"no module {kind}")
            return SimpleNamespace(device_count=lambda: counts.get(kind, 0))

        monkeypatch.setattr(torch, "get_device_module", module)
        # A CUDA build without a GPU has a current accelerator that is not available.
        kind = next(iter(counts), "cuda")
        monkeypatch.setattr(
            torch.accelerator, "is_available", lambda: any(counts.values())
        )
        monkeypatch.setattr(
            torch.accelerator, "current_accelerator", lambda: torch.device(kind)
        )
        if override is None:
            monkeypatch.delenv("D2LTORCH_DEVICE", raising=False)
        else:
            monkeypatch.setenv("D2LTORCH_DEVICE", override)

    return set_up


def devices(*names: str) -> list[torch.device]:
    return [torch.device(name) for name in names]


def test_without_a_gpu_there_is_the_cpu(machine) -> None:
    machine(cuda=0)
    assert try_gpu() == try_gpu(3) == CPU
    assert try_all_gpus() == [CPU]


@pytest.mark.parametrize("kind", ["cuda", "mps", "xpu"])
def test_a_gpu_has_its_index(machine, kind) -> None:
    machine(**{kind: 1})
    assert try_gpu() == torch.device(kind, 0) != torch.device(kind)
    assert try_gpu(1) == CPU
    assert try_all_gpus() == [torch.device(kind, 0)]


def test_all_gpus_are_found(machine) -> None:
    machine(cuda=2)
    assert try_all_gpus() == devices("cuda:0", "cuda:1")
    assert try_gpu(1) == torch.device("cuda:1")
    assert try_gpu(2) == CPU


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("cpu", ["cpu"]),
        ("cpu:0", ["cpu"]),
        (" CUDA ", ["cuda:0", "cuda:1"]),
        ("cuda:1", ["cuda:1"]),
        ("xpu", ["xpu:0"]),
        ("", ["cuda:0", "cuda:1"]),
    ],
)
def test_the_environment_variable_decides(machine, override, expected) -> None:
    machine(override, cuda=2, xpu=1)
    assert try_all_gpus() == devices(*expected)
    assert try_gpu() == torch.device(expected[0])
    assert try_gpu(len(expected)) == CPU


@pytest.mark.parametrize("override", ["mps", "cuda:2", "mps:0"])
def test_a_forced_device_that_is_absent_is_an_error(machine, override) -> None:
    machine(override, cuda=2)
    there = "cpu, cuda:0, cuda:1" if "cuda" in override else "cpu"
    for call in (try_gpu, try_all_gpus):
        with pytest.raises(ValueError, match=f"{override}, but this .* is: {there}\\."):
            call()


@pytest.mark.parametrize("override", ["gpu", "cuda:x", "meta", "0", "cuda,xpu"])
def test_a_forced_device_that_is_no_device_is_an_error(machine, override) -> None:
    machine(override, cuda=1)
    with pytest.raises(ValueError, match=f"D2LTORCH_DEVICE={override} is not a device"):
        try_gpu()


def test_negative_numbers_are_an_error(machine) -> None:
    machine(cuda=2)
    with pytest.raises(ValueError, match="i is -1"):
        try_gpu(-1)


def test_on_this_machine_the_device_can_be_computed_on(monkeypatch) -> None:
    monkeypatch.delenv("D2LTORCH_DEVICE", raising=False)
    for device in try_all_gpus():
        assert torch.ones(2, device=device).device == device
    assert try_gpu() == try_all_gpus()[0]
    assert try_gpu(10_000) == CPU
    monkeypatch.setenv("D2LTORCH_DEVICE", "cpu")
    assert try_gpu() == CPU
