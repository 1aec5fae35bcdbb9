"""Measure what the checks cost, as ratios: python tools/benchmark_checks.py [book …].

Each part compares, in one run and one environment: `book`, all notebooks with two
workers against half of what their cells take, and the contract against two seconds;
`lesson`, `make test LESSON=parameters` against the same cells as plain scripts;
`html`, an incremental `make html` against a full one; `imports`, `import d2ltorch`
against `import torch`. Without a name, all are measured. Nothing here is a test, and
all of it happens in a temporary copy of the repository.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

from notebooks import CHAPTER, ROOT, Page, select

LESSON = "parameters"
COPIED = ("chapter_deep-learning-computation", "book", "d2ltorch", "img", "tests")
FILES = ("pyproject.toml", "constraints.txt", "README.md", "LICENSE")


def seconds(command: list, folder: Path) -> float:
    """Return how long a command takes; stop if it fails."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = (done.stdout + done.stderr)[-3000:]
        sys.exit(f"{' '.join(map(str, command))} failed:\n{said}")
    return time.perf_counter() - start


def script(path: Path) -> str:
    """Return the code cells of a notebook as a program that does the same."""
    lines = ["import matplotlib", "matplotlib.use('agg')"]
    for cell in Page.read(path).code:
        code = [s for s in cell.source.split("\n") if not s.startswith("%")]
        if "raises-exception" in cell.metadata.get("tags", []):
            code = ["try:", *(f"    {s}" for s in code), "except Exception: pass"]
        lines += code
    return "\n".join(lines)


def lesson(copy: Path) -> None:
    """Compare checking one lesson with running its cells as plain scripts."""
    scripts = []
    for path in select(LESSON):
        there = copy / CHAPTER.name / path.relative_to(CHAPTER)
        scripts.append(there.with_suffix(".bench.py"))
        scripts[-1].write_text(script(path), "utf-8")
    check, plain = [], []
    for _ in range(5):  # alternating, so that both meet the same disturbances
        check.append(seconds([sys.executable, "tools/check.py", LESSON], copy))
        plain.append(sum(seconds([sys.executable, s], s.parent) for s in scripts))
    name = f"make test LESSON={LESSON}"
    show(name, median(check), "the same cells as scripts", median(plain))


PHASE = re.compile(r"([\d.]+)s (\w+) +\S*?((?:(?:zh|solutions)/)*[\w-]+)\.ipynb::")


def book(copy: Path) -> None:
    """Compare checking all notebooks with what their cells take on two workers.

    A cell's own time is from sending it to having its outputs: what it imports is in
    it, the start and end of the kernel are not. All times are of the one run, in which
    two kernels share the machine.
    """
    contract = [sys.executable, "tools/contract.py"]
    alone = median(seconds(contract, copy) for _ in range(5))
    show("contract, with Python's start", alone, "two seconds", 2)
    for path in (copy / "tests").glob("test_*.py"):
        path.unlink()  # of `make test`, only the notebooks are measured
    options = "-p no:cacheprovider -vv --durations=0 --durations-min=0"
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "tools/check.py"],
        cwd=copy,
        env=os.environ | {"PYTEST_ADDOPTS": options},
        stdout=subprocess.PIPE,
        text=True,
    )
    own, kernels, before, said = Counter(), 0.0, 0.0, ""
    for line in process.stdout:
        said += line
        if line.startswith("Contract: "):
            before = time.perf_counter() - start
        if phase := PHASE.match(line):
            taken, name, notebook = phase.groups()
            if name == "call":
                own[notebook] += float(taken)
            else:
                kernels += float(taken)
    whole = time.perf_counter() - start
    if process.wait():
        sys.exit(f"Checking the notebooks failed:\n{said[-3000:]}")
    cells = sum(own.values())
    print(f"the contract was kept after {before:.2f} s, then the first kernel started")
    name = f"{len(own)} notebooks, 2 workers"
    show(name, whole, "half of the cells' own time", cells / 2)
    show(name, whole, "half of that and the kernels' start", (cells + kernels) / 2)
    for notebook, taken in own.most_common():
        print(f"  {taken / cells:6.1%} of the cells' time: {notebook} ({taken:.2f} s)")


def html(copy: Path) -> None:
    """Compare building the book after touching one lesson with building it all."""
    build = [sys.executable, "tools/build_html.py"]
    full = seconds(build, copy)
    lesson = copy / CHAPTER.name / f"{LESSON}.ipynb"
    text = lesson.read_text("utf-8")
    lesson.write_text(text.replace("## Summary", "## Summary ", 1), "utf-8")
    show("incremental make html", seconds(build, copy), "full make html", full)


def imports(copy: Path) -> None:
    """Compare importing d2ltorch, which imports torch, with importing torch."""
    times = {"torch": [], "d2ltorch": []}
    for _ in range(11):  # alternating, so that both meet the same disturbances
        for module, taken in times.items():
            taken.append(seconds([sys.executable, "-c", f"import {module}"], copy))
    own, base = median(times["d2ltorch"]), median(times["torch"])
    show("import d2ltorch", own, "import torch", base)


def show(name: str, value: float, base_name: str, base: float) -> None:
    ratio = f"{value / base:.2f}"
    print(
        f"{name:29} {ratio:>5} x {base_name} ({value:.2f} s / {base:.2f} s)", flush=True
    )


def main() -> None:
    parts = {part.__name__: part for part in (book, lesson, html, imports)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", help=", ".join(parts))
    chosen = parser.parse_args().part or list(parts)
    if unknown := set(chosen) - set(parts):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(parts)}")
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary)
        ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        for name in (*COPIED, "tools"):
            shutil.copytree(ROOT / name, copy / name, ignore=ignore)
        for name in FILES:
            shutil.copy(ROOT / name, copy)
        for part in chosen:
            parts[part](copy)


if __name__ == "__main__":
    main()
