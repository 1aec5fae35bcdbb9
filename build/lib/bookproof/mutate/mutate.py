"""Would a wrong lesson be noticed? `make mutate [LESSON=…]`.

Each stored output and each constant, operator, keyword argument and call in the code
cells is altered, one at a time, in memory; what no check notices is listed by lesson,
cell id and line. An alteration stands for one in every edition of the cell: only what
the altered cell gives counts, never that two languages or a checksum disagree.

Results are kept in _build/mutate, so that an interrupted run goes on where it was; they
hold for one state of notebook, package and checks. There is no threshold: a cell shows
its idea first, and what stays unnoticed is for an author to think about. No notebook
is changed.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bookproof.book import Book, NotebookError, Page, read
from bookproof.mutate import alterations, forked, mutations

CHECKS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Unnoticed:
    """An alteration that no check noticed."""

    lesson: str
    cell: str
    line: int
    change: str


def state(page: Page) -> str:
    """Return what the results of a notebook depend on, as a short hash."""
    cells = [[cell.id, cell.source, cell.outputs] for cell in page.code]
    digest = hashlib.sha256(json.dumps([cells, version("torch")]).encode())
    sources = [
        CHECKS / "figures.py",
        CHECKS / "outputs.py",
        *CHECKS.glob("mutate/*.py"),
    ]
    for name in page.book.imports:  # a package of the book's own
        sources += sorted((page.book.root / name).glob("*"))
    for path in sources:
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def altered_outputs(page: Page) -> tuple[int, list[Unnoticed]]:
    """Alter each stored output; return how many there were and what was unnoticed."""
    unnoticed, count = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for cell in page.code:
            for one in alterations.alterations(cell):
                count += 1
                if not alterations.noticed(page, one, Path(folder)):
                    found = Unnoticed(page.name, one.cell, one.line, one.change)
                    unnoticed.append(found)
    return count, unnoticed


def altered_code(page: Page) -> tuple[int, list[Unnoticed]]:
    """Run every alteration of the code; return their number and what was unnoticed."""
    kept = page.book.root / "_build" / "mutate"
    kept.mkdir(parents=True, exist_ok=True)
    stem = page.name.replace("/", "-")
    path = kept / f"{stem}.{state(page)}.jsonl"
    for old in kept.glob(f"{stem}.*.jsonl"):
        if old != path:
            old.unlink()
    whole_lines(path)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "bookproof.mutate.forked", page.path, path, folder],
            env=os.environ | forked.ENVIRONMENT,
            cwd=page.book.root,
        )
    if done.returncode:
        raise NotebookError(f"{page.name}: its code was not altered (see above).")
    results = {}
    for line in path.read_text("utf-8").splitlines():
        result = json.loads(line)
        results[result["cell"], result["source"]] = result
    mutants = [one for each in mutations.mutants_of(page).values() for one in each]
    if any((one.cell, one.source) not in results for one in mutants):
        raise NotebookError(f"{page.name} was changed meanwhile; repeat.")
    unnoticed = [
        Unnoticed(page.name, one.cell, one.line, one.change)
        for one in mutants
        if not results[one.cell, one.source]["noticed"]
    ]
    return len(results), unnoticed


def whole_lines(path: Path) -> None:
    """Make the results file if it is missing, and drop a line that was cut off."""
    text = path.read_text("utf-8") if path.exists() else ""
    path.write_text(text[: text.rfind("\n") + 1], "utf-8")


def share(count: int, unnoticed: list[Unnoticed]) -> str:
    """Return "720 altered, 713 noticed (99.0 %)"."""
    noticed = count - len(unnoticed)
    percent = 100 * noticed / count if count else 100
    return f"{count} altered, {noticed} noticed ({percent:.1f} %)"


def mutate(pages: list[Page]) -> list[Unnoticed]:
    """Alter every page; print shares; return what is not noticed."""
    left, lines = [], []
    for page in pages:
        for what, alter in (("outputs", altered_outputs), ("code", altered_code)):
            count, unnoticed = alter(page)
            lines.append(f"{page.name}, {what}: {share(count, unnoticed)}")
            left += unnoticed
    print("\n".join(lines))
    return left


def run(book: Book, lesson: str = "") -> None:
    """Alter a lesson, or all; print shares, and what no check notices."""
    left = mutate(read(book, lesson, originals=True))
    for one in left:
        print(f"{one.lesson}, cell {one.cell}, line {one.line}: {one.change}")
    if left:
        print(f"{len(left)} alterations go unnoticed.")
