"""Measure d2ltorch.params_init against doing the same by hand, in one run, as ratios.

    python tools/benchmark_params_init.py [--layers N] [--rounds N]

Prints one line for each comparison, with the ratio that is aimed at. Each alternates
its two sides, after a warm-up round (the first touch of memory and the first use of
meta cost much), and divides their best times. Peak memory is that of a new process
(only Linux tells it). It tests nothing and writes nothing.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from d2ltorch import params_init

WIDTH = 4096  # a layer of WIDTH x WIDTH has 16.8 million parameters, 67 MB


def model(layers: int) -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(layers)))


def small(layers: int) -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(4, 4) for _ in range(layers)))


def on_meta(build: Callable[[int], nn.Module], layers: int) -> nn.Module:
    with torch.device("meta"):
        built = build(layers)
    return built.to_empty(device="cpu")


def by_hand(net: nn.Module) -> None:
    """What params_init does to a model of linear layers, without its promises."""
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.02)
            else:
                parameter.zero_()


def normal(net: nn.Module) -> None:
    params_init(net, nn.init.normal_, std=0.02)


def by_name(net: nn.Module) -> None:
    params_init(net, nn.init.normal_, std=0.02, by_name=True)


def own(net: nn.Module) -> None:
    params_init(net, lambda weight: weight.normal_(0, 0.02))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def show(what: str, one: float, two: float, aim: str) -> None:
    print(f"{what:<57} {one:8.3f} {two:8.3f} {one / two:6.3f}  {aim}", flush=True)


def peak_of(way: str, layers: int) -> float:
    """By how many MB a new process grows that builds and initialises a model."""
    command = [sys.executable, __file__, "--peak", way, "--layers", str(layers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def peak(way: str, layers: int) -> float:
    """The same, in this process."""

    def highest() -> float:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6

    initialise = {"normal": normal, "by_name": by_name, "own": own}[way]
    initialise(on_meta(small, 1))  # the first use loads parts of torch
    before = highest()
    initialise(on_meta(model, layers))
    return highest() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=8, help="16.8 M parameters each")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    layers = options.layers
    if options.peak:
        print(peak(options.peak, layers))
        return

    def compare(what: str, one: Callable, two: Callable, aim: str) -> None:
        rounds = [(seconds(one), seconds(two)) for _ in range(options.rounds + 1)]
        show(f"{what} [s]", *(min(side) for side in zip(*rounds[1:], strict=True)), aim)

    net, threads = model(layers), torch.get_num_threads()
    size = sum(parameter.nbytes for parameter in net.parameters()) / 1e6
    print(f"torch {torch.__version__}, {threads} threads, {size / 4:.0f} M parameters")
    what = "params_init / filling the same tensors"
    compare(what, lambda: normal(net), lambda: by_hand(net), "<= 1.05")
    what = "params_init by name / filling the same tensors"
    compare(what, lambda: by_name(net), lambda: by_hand(net), "<= 0.60 on 2 threads")
    for way, aim in ((normal, "<= 0.65"), (by_name, "")):
        compare(
            f"meta, to_empty, params_init {way.__name__} / constructor, fill",
            lambda way=way: way(on_meta(model, layers)),
            lambda: by_hand(model(layers)),
            aim,
        )
    for way, aim in (
        ("normal", "<= 1.05"),
        ("by_name", "<= 1.05"),
        ("own", "staged: 2"),
    ):
        what = f"peak memory, {way} / size of the model [MB]"
        show(what, peak_of(way, layers), size, aim)
    many, few = small(10_000), small(1_000)
    compare(
        "10,000 small layers / ten times 1,000",
        lambda: normal(many),
        lambda: [normal(few) for _ in range(10)],
        "<= 1.2",
    )


if __name__ == "__main__":
    main()
