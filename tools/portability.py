"""Do the stored outputs hold on other machines? `make portability [LESSON=…]`.

Every notebook runs under each instruction set this processor has, with 1, 2 and 4
threads, two hash seeds, and on the GPU if there is one; each run is compared with
what is stored, as the check compares it. A cell that differs is to be changed, not
the comparison. With --quick (for CI) every value is covered once, not every pair. It
changes no notebook; pictures that differ are left in _build/figures.
"""

import argparse
import itertools
import os
import subprocess
import sys
import time
from dataclasses import dataclass

from execution import differences, run_all
from notebooks import NotebookError, Page, select

LEVELS = ("default", "avx2", "avx512")  # what torch calls them, in ascending order
THREADS = (1, 2, 4)
PROBE = """\
import torch
print(torch.backends.cpu.get_cpu_capability().lower())
there = torch.accelerator.is_available()
print(torch.accelerator.current_accelerator().type if there else "")
"""


@dataclass(frozen=True)
class Configuration:
    """One kind of machine to run on."""

    level: str
    threads: int
    hash_seed: int
    device: str = "cpu"

    @property
    def name(self) -> str:
        name = f"{self.level}, threads {self.threads}, hash seed {self.hash_seed}"
        return name if self.device == "cpu" else f"{name}, {self.device}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process such a machine (tests/test_portability.py proves it)."""
        return {
            "ATEN_CPU_CAPABILITY": self.level,
            "OMP_NUM_THREADS": str(self.threads),
            "MKL_NUM_THREADS": str(self.threads),
            "MKL_DYNAMIC": "FALSE",  # else MKL, and torch, use no more than the cores
            "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait leave the cores to others
            "PYTHONHASHSEED": str(self.hash_seed),
            "D2LTORCH_DEVICE": self.device,
        }


def machine() -> tuple[list[str], str]:
    """Return the instruction sets of this processor and its kind of GPU, or ""."""
    ours = ("ATEN_CPU_CAPABILITY", "D2LTORCH_DEVICE")
    environment = {k: v for k, v in os.environ.items() if k not in ours}
    command = [sys.executable, "-c", PROBE]
    said = subprocess.check_output(command, env=environment, text=True)
    best, gpu = said.split("\n")[:2]
    known = LEVELS.index(best) + 1 if best in LEVELS else 1
    return list(LEVELS[:known]), gpu


def configurations(levels: list[str], gpu: str, quick: bool) -> list[Configuration]:
    """Return what to run: every pair of level and thread count, or every value once."""
    pairs = list(itertools.product(levels, THREADS))
    if quick:
        longest = max(len(levels), len(THREADS))
        pairs = [
            (levels[min(n, len(levels) - 1)], THREADS[min(n, len(THREADS) - 1)])
            for n in range(longest)
        ]
    chosen = [Configuration(*pair, n % 2) for n, pair in enumerate(pairs)]
    if gpu:
        chosen.append(Configuration(levels[-1], THREADS[-1], 0, gpu))
    return chosen


def table(rows: list[Configuration], pages: list[Page], found: dict) -> str:
    """Return how many cells differ, one row per configuration."""
    width = max(len(row.name) for row in rows)
    widths = [max(len(page.name), len("10 cells differ")) for page in pages]
    heads = (page.name.ljust(w) for page, w in zip(pages, widths, strict=True))
    lines = ["  ".join([" " * width, *heads]).rstrip()]
    for row in rows:
        texts = [verdict(len(found[row, page.name])) for page in pages]
        marks = (text.ljust(w) for text, w in zip(texts, widths, strict=True))
        lines.append("  ".join([row.name.ljust(width), *marks]).rstrip())
    return "\n".join(lines)


def verdict(count: int) -> str:
    cells = "1 cell differs" if count == 1 else f"{count} cells differ"
    return cells if count else "same"


def by_cell(rows: list[Configuration], pages: list[Page], found: dict) -> list[str]:
    """Return each difference once, with the configurations that have it."""
    said: dict[tuple[str, str], dict[str, list[str]]] = {}
    for page, row in itertools.product(pages, rows):
        for cell_id, messages in found[row, page.name].items():
            where = said.setdefault((page.name, cell_id), {})
            where.setdefault("\n".join(messages), []).append(row.name)
    return [
        f"{lesson}, cell {cell_id}, under {'; '.join(names)}:\n{message}"
        for (lesson, cell_id), messages in said.items()
        for message, names in messages.items()
    ]


def portability(pages: list[Page], rows: list[Configuration]) -> int:
    """Run every page under every configuration, and say what differs; return how many.

    The number is that of cells that differ somewhere.
    """
    jobs = list(itertools.product(rows, pages))
    start, found = time.monotonic(), {}
    environments = [(page, row.environment) for row, page in jobs]
    for number, given in run_all(environments):
        row, page = jobs[number]
        label = row.name.replace(", ", "-").replace(" ", "")
        found[row, page.name] = differences(page, given, label)
        seconds = time.monotonic() - start
        left = seconds / len(found) * (len(jobs) - len(found))
        print(
            f"  {len(found)}/{len(jobs)} {page.name} ({row.name}):"
            f" {verdict(len(found[row, page.name]))}; {left:.0f} s left",
            flush=True,
        )
    print(table(rows, pages, found))
    for message in by_cell(rows, pages, found):
        print(message)
    cells = {(name, cell_id) for (_, name), ids in found.items() for cell_id in ids}
    if cells:
        print(
            f"{verdict(len(cells))} on some machine. Make them show what holds anywhere"
            " (fewer digits, a comparison, another seed), then make refresh."
        )
    return len(cells)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesson", nargs="?", default="", help="for example parameters")
    parser.add_argument("--quick", action="store_true", help="each value once")
    asked = parser.parse_args()
    try:
        pages = [Page.read(path) for path in select(asked.lesson)]
        # The Chinese edition has the same code and outputs; the contract sees to it.
        pages = [page for page in pages if not page.name.startswith("zh/")]
        levels, gpu = machine()
        missing = [level for level in LEVELS if level not in levels]
        absent = [*missing, *([] if gpu else ["a GPU"])]
        if absent:
            print(f"Not covered, because not on this machine: {', '.join(absent)}.")
        rows = configurations(levels, gpu, asked.quick)
        return 1 if portability(pages, rows) else 0
    except NotebookError as error:
        print(f"make portability: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted; no notebook was changed.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
