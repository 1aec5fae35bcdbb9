"""Measure what the checks cost, as ratios: python tools/benchmark_checks.py.

One run compares, alternating, in one environment: `make test LESSON=parameters`
against the same cells as plain scripts; an incremental `make html` against a full
one; `import d2ltorch` against `import torch`. Nothing here is a test, and all of it
happens in a temporary copy of the repository.
"""

import shutil
import subprocess
import sys
import tempfile
import time
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


def checks(copy: Path) -> None:
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
        f"{name:28} {ratio:>6} x {base_name} ({value:.2f} s / {base:.2f} s)", flush=True
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary)
        ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        for name in (*COPIED, "tools"):
            shutil.copytree(ROOT / name, copy / name, ignore=ignore)
        for name in FILES:
            shutil.copy(ROOT / name, copy)
        for measure in (checks, html, imports):
            measure(copy)


if __name__ == "__main__":
    main()
