"""Do the stored outputs hold on any machine? `make portability [LESSON=…] [SEEDS=10]`.

nbval runs the English notebooks (the Chinese ones have the same code and outputs) in
kernels that round otherwise, each in its own way (worst_machine.py), with other
numbers of threads, hash seeds, instruction sets and matrix libraries, and on the GPU
if there is one. Random generators are set to another value before each cell. What a
cell prints and draws must be what is stored. A cell that differs is to be changed,
not the comparison. It changes no notebook; pictures that differ are left in
_build/figures.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from check import arguments
from notebooks import NotebookError, name_of, select

SWITCHES = {  # what makes PyTorch's libraries compute as on another processor
    "PyTorch's kernels without AVX": {"ATEN_CPU_CAPABILITY": "default"},
    "MKL's portable kernels": {"MKL_CBWR": "COMPATIBLE"},
    "MKL's SSE4.2 kernels": {"MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    "oneDNN's SSE4.1 kernels": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
}
PROBE = """\
import hashlib, torch
g = torch.Generator().manual_seed(0)
a = torch.rand(300, 300, generator=g)
image = a[:256, :256].reshape(1, 4, 128, 128)
kernel = torch.rand(8, 4, 3, 3, generator=g)
found = [a @ a, a.sin(), torch.nn.functional.gelu(a), a.cumsum(0).log()]
found += [torch.randn(300, generator=g)]
found.append(torch.nn.functional.conv2d(image, kernel))
print(hashlib.sha256(b"".join(t.numpy().tobytes() for t in found)).hexdigest())
"""
GPU = """\
import torch
there = torch.accelerator.is_available()
print(torch.accelerator.current_accelerator().type if there else "")
"""
STARTUP = """\
import sys
sys.path.insert(0, {folder!r})
import worst_machine
sys.path.pop(0)
worst_machine.load(get_ipython())
"""
NOT_SAID = ("[gw", "If the change is meant")  # a worker's name; not the advice here
HELP = """
Make each cell named above show what holds on any machine: an inequality, a count,
fewer digits, an exponent with room, a band in a figure, fewer layers or steps, or
float64; or let it set its own seed. Then make refresh."""


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

    @property
    def environment(self) -> dict[str, str]:
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
            "D2LTORCH_DEVICE": self.device,
            **(threads if self.threads else {}),
            **SWITCHES.get(self.switch, {}),
        }


@dataclass
class Verdicts:
    """How many cells a machine ran, and what was said of those that differ."""

    ran: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # by "lesson, cell id"


def answer(probe: str, **environment: str) -> str:
    """Return what a fresh Python prints."""
    known = {key for switch in SWITCHES.values() for key in switch}
    clean = {
        k: v for k, v in os.environ.items() if k not in known | {"D2LTORCH_DEVICE"}
    }
    command = [sys.executable, "-c", probe]
    return subprocess.check_output(command, env=clean | environment, text=True).strip()


def heeded() -> list[str]:
    """Return the switches that change what this processor computes."""
    own = answer(PROBE)
    return [name for name, values in SWITCHES.items() if answer(PROBE, **values) != own]


def machines(seeds: int, switches: list[str], gpu: str) -> list[Machine]:
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
def playing(machine: Machine, folder: str) -> Iterator[None]:
    """Let kernels started in this block be that machine."""
    startup = Path(folder, "profile_default", "startup")
    startup.mkdir(parents=True, exist_ok=True)
    tools = str(Path(__file__).resolve().parent)
    (startup / "worst_machine.py").write_text(STARTUP.format(folder=tools), "utf-8")
    before = dict(os.environ)
    os.environ |= machine.environment | {"IPYTHONDIR": folder, "PYTHONPATH": tools}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def run(machine: Machine, paths: list[Path]) -> Verdicts:
    """Let nbval run the notebooks on a machine; return what it found."""
    with tempfile.TemporaryDirectory() as folder, playing(machine, folder):
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", *arguments(paths, everything=False)]
        command += ["-p", "no:cacheprovider", "--no-header", "--no-summary"]
        code = subprocess.call([*command, f"--junitxml={report}"])
        if code not in (0, 1):
            said = f"nbval could not run the notebooks (pytest ended with {code})."
            raise NotebookError(said)
        verdicts = Verdicts()
        for case in ElementTree.parse(report).iter("testcase"):
            verdicts.ran += case.find("skipped") is None
            for problem in (*case.iter("failure"), *case.iter("error")):
                lines = (problem.text or "").split("\n")
                kept = [line for line in lines if not line.startswith(NOT_SAID)]
                cell = kept[0].partition(":")[0]
                verdicts.failed[cell] = "\n".join(kept)
    return verdicts


def portability(paths: list[Path], rows: list[Machine]) -> int:
    """Run the notebooks on every machine, and say what differs; return how many cells.

    What differs on some machine is looked at once more on this very one, with nothing
    but other seeds: that tells a missing seed from rounding.
    """
    start, found, table = time.monotonic(), {}, []
    for number, machine in enumerate(rows, start=1):
        print(f"Machine {number} of {len(rows)}: {machine.name}", flush=True)
        verdicts = run(machine, paths)
        count = len(verdicts.failed)
        said = f"{count} of {verdicts.ran} cells differ" if count else "same"
        seconds = time.monotonic() - start
        table.append(f"{machine.name}: {said} ({verdicts.ran} cells, {seconds:.0f} s)")
        for cell, message in verdicts.failed.items():
            found.setdefault(cell, {}).setdefault(message, []).append(machine.name)
    by_chance = set()
    if found:
        lessons = {cell.partition(",")[0] for cell in found}
        again = [path for path in paths if name_of(path) in lessons]
        print("Once more with other seeds only: is it rounding, or chance?")
        by_chance = set(run(Machine(None, 999), again).failed)
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
        print(HELP)
    return len(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesson", nargs="?", default="", help="for example parameters")
    parser.add_argument("--seeds", type=int, default=2, help="how many machines")
    asked = parser.parse_args()
    try:
        paths = [path for path in select(asked.lesson) if "zh" not in path.parts]
        switches, gpu = heeded(), answer(GPU)
        absent = [name for name in SWITCHES if name not in switches]
        if absent:
            print(f"Not heeded by this processor: {', '.join(absent)}.")
        if not gpu:
            print("Not covered, because there is none here: a GPU.")
        return 1 if portability(paths, machines(asked.seeds, switches, gpu)) else 0
    except NotebookError as error:
        print(f"make portability: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted; no notebook was changed.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
