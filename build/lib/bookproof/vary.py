"""Do the stored outputs hold on any machine? `make portability [LESSON=…] [SEEDS=10]`.

nbval runs the notebooks of the first language in kernels that load the book's start-up
file, which makes each round otherwise in its own way, with other numbers of threads,
hash seeds and the settings' switches, and on the GPU if there is one. Random
generators are set to another value before each cell. What a cell prints and draws must
be what is stored. A cell that differs is to be changed, not the comparison. It changes
no notebook; pictures that differ are left in _build/figures.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bookproof import check
from bookproof.book import Book, select

STARTUP = """\
import sys
sys.path.insert(0, {folder!r})
import {name}
sys.path.pop(0)
{name}.load(get_ipython())
"""
NOT_SAID = "If the change is meant"  # is not the advice here
HELP = """
Make each cell named above show what holds on any machine: an inequality, a count,
fewer digits, an exponent with room, a band in a figure, fewer layers or steps, or
float64; or let it set its own seed. Then {}."""


@dataclass(frozen=True)
class Machine:
    """One machine to be: how it rounds, and what its libraries do."""

    rounding: int | None  # None: as this one does
    cell_seed: int
    threads: int = 0  # 0: as many as this one has
    hash_seed: int = 0
    switch: str = ""
    device: str = "cpu"

    @property
    def name(self) -> str:
        parts = [
            "" if self.rounding is None else f"rounding {self.rounding}",
            f"{self.threads} thread{'s' * (self.threads > 1)}" if self.threads else "",
            self.switch,
            "" if self.device == "cpu" else self.device,
        ]
        return ", ".join(filter(None, parts))

    def environment(self, book: Book) -> dict[str, str]:
        """What makes a kernel such a machine (tests/test_portability.py proves it)."""
        threads = {
            "OMP_NUM_THREADS": str(self.threads),
            "MKL_NUM_THREADS": str(self.threads),
            "MKL_DYNAMIC": "FALSE",  # else MKL, and torch, use no more than the cores
            "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait leave the cores to others
        }
        return {
            "ROUNDING_SEED": "" if self.rounding is None else str(self.rounding),
            "CELL_SEED": str(self.cell_seed),
            "PYTHONHASHSEED": str(self.hash_seed),
            **({book.device: self.device} if book.device else {}),
            **(threads if self.threads else {}),
            **book.switches.get(self.switch, {}),
        }


def answer(book: Book, question: str, **environment: str) -> str:
    """Return what the start-up file, run as a program, answers to `question`."""
    if not book.startup:
        return ""
    known = {key for switch in book.switches.values() for key in switch}
    clean = {k: v for k, v in os.environ.items() if k not in known | {book.device}}
    command = [sys.executable, book.startup, question]
    return subprocess.check_output(command, env=clean | environment, text=True).strip()


def heeded(book: Book) -> list[str]:
    """Return the switches that change what this processor computes."""
    own = answer(book, "probe")
    return [
        name
        for name, values in book.switches.items()
        if answer(book, "probe", **values) != own
    ]


def machines(seeds: int, switches: Sequence[str], gpu: str) -> list[Machine]:
    """Return as many machines as seeds, every value in turn, and one with the GPU."""
    kinds = [*switches, ""]
    found = [
        Machine(n, 1000 + n, (1, 4)[n % 2], n % 2, kinds[n % len(kinds)])
        for n in range(seeds)
    ]
    if gpu:
        found.append(Machine(None, 1000, device=gpu))
    return found


@contextmanager
def playing(machine: Machine, book: Book, folder: str) -> Iterator[None]:
    """Let kernels started in this block be that machine."""
    before = dict(os.environ)
    os.environ |= machine.environment(book)
    if book.startup:
        startup = Path(folder, "profile_default", "startup")
        startup.mkdir(parents=True, exist_ok=True)
        home, name = str(book.startup.parent), book.startup.stem
        text = STARTUP.format(folder=home, name=name)
        (startup / f"{name}.py").write_text(text, "utf-8")
        os.environ["IPYTHONDIR"] = folder
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def run(machine: Machine, book: Book, paths: Sequence[Path]) -> list[check.Verdict]:
    """Let nbval run the notebooks on a machine; return what it found."""
    extra = ["-p", "no:cacheprovider", "--no-header", "--no-summary"]
    with tempfile.TemporaryDirectory() as folder, playing(machine, book, folder):
        return check.run(book, paths, extra)[1]


def portability(book: Book, paths: Sequence[Path], rows: Sequence[Machine]) -> int:
    """Run the notebooks on every machine, and say what differs; return how many cells.

    What differs on some machine is looked at once more on this very one, with nothing
    but other seeds: that tells a missing seed from rounding.
    """
    start, found, table = time.monotonic(), {}, []
    for number, machine in enumerate(rows, start=1):
        print(f"Machine {number} of {len(rows)}: {machine.name}", flush=True)
        verdicts = run(machine, book, paths)
        failed = [verdict for verdict in verdicts if verdict.differs]
        ran = sum(verdict.kind != "skipped" for verdict in verdicts)
        said = f"{len(failed)} of {ran} cells differ" if failed else "same"
        seconds = time.monotonic() - start
        table.append(f"{machine.name}: {said} ({ran} cells, {seconds:.0f} s)")
        for verdict in failed:
            message = verdict.said.partition(f"\n{NOT_SAID}")[0]
            found.setdefault(verdict.cell, {}).setdefault(message, []).append(
                machine.name
            )
    by_chance = set()
    if found:
        pages = {cell.partition(",")[0] for cell in found}
        again = [path for path in paths if book.name_of(path) in pages]
        print("Once more with other seeds only: is it rounding, or chance?")
        verdicts = run(Machine(None, 999), book, again)
        by_chance = {verdict.cell for verdict in verdicts if verdict.differs}
    print("\n".join(table))
    for cell, messages in found.items():
        why = (
            "It differs by chance: it draws without a seed of its own, or shows a set."
            if cell in by_chance
            else "Its last bits show: another processor rounds otherwise."
        )
        for message, names in messages.items():
            print(f"\nUnder {'; '.join(names)}:\n{message}\n{why}")
    if found:
        print(HELP.format(book.command("refresh")))
    return len(found)


def vary(book: Book, lesson: str = "", seeds: int = 2) -> int:
    """Run a lesson, or all, on as many machines as seeds; return how many differ."""
    paths = select(book, lesson, originals=True)
    switches, gpu = heeded(book), answer(book, "gpu")
    absent = [name for name in book.switches if name not in switches]
    if absent:
        print(f"Not heeded by this processor: {', '.join(absent)}.")
    if not gpu:
        print("Not covered, because there is none here: a GPU.")
    return portability(book, paths, machines(seeds, switches, gpu))
