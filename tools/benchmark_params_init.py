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


def on_meta(layers: int) -> nn.Sequential:
    with torch.device("meta"):
        built = model(layers)
    return built.to_empty(device="cpu")


def by_hand(net: nn.Module) -> None:
    """What params_init does to a model of linear layers, without its promises."""
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.02)
            else:
                parameter.zero_()


def normal(net: nn.Module, **options: object) -> None:
    params_init(net, nn.init.normal_, std=0.02, **options)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(first: Callable, second: Callable, rounds: int) -> tuple[float, float, float]:
    """Best seconds of both, alternating, after one round of warm-up; their ratio."""
    times = [(seconds(first), seconds(second)) for _ in range(rounds + 1)][1:]
    one, two = (min(side) for side in zip(*times, strict=True))
    return one, two, one / two


def show(what: str, one: float, two: float, quotient: float, aim: str) -> None:
    print(f"{what:<54} {one:8.3f} {two:8.3f} {quotient:7.3f}  {aim}", flush=True)


def peak_of(way: str, layers: int) -> float:
    """By how many MB a new process grows that builds and initialises a model."""
    command = [sys.executable, __file__, "--peak", way, "--layers", str(layers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def peak(way: str, layers: int) -> float:
    """The same, in this process."""

    def highest() -> float:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024 * 1.048576

    normal(nn.Sequential(nn.Linear(2, 2)))  # load what is loaded on first use
    with torch.device("meta"):
        nn.Linear(2, 2).to_empty(device="cpu")
    before = highest()
    net = on_meta(layers)
    if way == "own":
        params_init(net, lambda weight: weight.normal_(0, 0.02))
    else:
        normal(net, by_name=way == "by_name")
    return highest() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=8, help="16.8 M parameters each")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    layers, rounds = options.layers, options.rounds
    if options.peak:
        print(peak(options.peak, layers))
        return
    net = model(layers)
    count = sum(parameter.numel() for parameter in net.parameters())
    threads = torch.get_num_threads()
    print(
        f"torch {torch.__version__}, {threads} threads, {count / 1e6:.0f} M parameters"
    )
    print(f"{'':<54} {'this':>8} {'that':>8} {'ratio':>7}  aim")
    show(
        "params_init / filling the same tensors [s]",
        *ratio(lambda: normal(net), lambda: by_hand(net), rounds),
        "<= 1.05",
    )
    show(
        f"by_name on {threads} threads / filling the same tensors [s]",
        *ratio(lambda: normal(net, by_name=True), lambda: by_hand(net), rounds),
        "<= 0.60 on 2",
    )
    show(
        "meta, to_empty, params_init / constructor, fill [s]",
        *ratio(lambda: normal(on_meta(layers)), lambda: by_hand(model(layers)), rounds),
        "<= 0.65",
    )
    size = count * 4 / 1e6
    for way, aim in (
        ("torch", "<= 1.05"),
        ("by_name", "<= 1.05"),
        ("own", "2: staged"),
    ):
        grown = peak_of(way, layers)
        show(
            f"peak memory, {way} init / size of the model [MB]",
            grown,
            size,
            grown / size,
            aim,
        )
    small, large = (
        nn.Sequential(*(nn.Linear(4, 4) for _ in range(n))) for n in (1_000, 10_000)
    )
    show(
        "10,000 small layers / ten times 1,000 [s]",
        *ratio(
            lambda: normal(large), lambda: [normal(small) for _ in range(10)], rounds
        ),
        "<= 1.2",
    )
    show(
        "10,000 small layers / filling the same tensors [s]",
        *ratio(lambda: normal(large), lambda: by_hand(large), rounds),
        "",
    )


if __name__ == "__main__":
    main()
