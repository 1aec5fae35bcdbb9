"""Re-execute notebooks with nbval and read its verdicts.

`run` is what the check of a book, the varied machines and the check of anybody's
notebooks have in common. It changes no notebook; pictures that differ are left in the
book's _build/figures.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bookproof.book import Book, NotebookError

CELL_TIMEOUT = 120  # seconds
LAUNCH = """\
import sys
sys.path.insert(0, sys.argv.pop(1))
import bookproof.book  # before pytest, which spares it a second
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""
NOT_SAID = "[gw"  # a worker's name


@dataclass(frozen=True)
class Verdict:
    """What nbval found in one cell."""

    cell: str  # as nbval_plugin names it: page and cell
    kind: str  # "": the stored output; text, number, figure or error: what differs;
    # or "skipped", "unstored"
    said: str = ""
    seconds: float = 0.0

    @property
    def differs(self) -> bool:
        return self.kind not in ("", "skipped", "unstored")


def arguments(book: Book, paths: Sequence[Path], limit: float) -> list[str]:
    """Return what makes pytest run nbval on `paths`."""
    command = ["-q", "-p", "bookproof.nbval_plugin", "--nbval"]
    command += [f"--bookproof-root={book.root}", f"--rootdir={book.root}"]
    command += [f"--nbval-cell-timeout={limit:g}"]
    if book.configured:
        command += ["--nbval-current-env"]
    else:  # nothing of that folder may change what is found, or be written there
        command += ["-c", os.devnull, "--noconftest", "-p", "no:cacheprovider"]
    if book.sanitizer:
        command += [f"--nbval-sanitize-with={book.sanitizer}"]
    if len(paths) > 1:  # a notebook's cells stay on one worker
        command += ["-n", "2", "--dist", "loadfile"]
    return command + [str(path) for path in paths]


def run(
    book: Book,
    paths: Sequence[Path],
    extra: Sequence[str] = (),
    quiet: bool = False,
    limit: float = CELL_TIMEOUT,
) -> tuple[bool, list[Verdict]]:
    """Let pytest run nbval on `paths`, with `extra` arguments.

    Returns whether all is right, and the verdicts. Raises NotebookError if pytest
    could not do it.
    """
    env = dict(os.environ)
    if len(paths) > 1 or extra:  # two workers: more threads would wait for each other
        env.setdefault("OMP_NUM_THREADS", "1")
    if not book.configured:
        env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        home = str(Path(__file__).resolve().parents[1])
        command = [sys.executable, "-c", LAUNCH, home, *arguments(book, paths, limit)]
        done = subprocess.run(
            [*command, *extra, f"--junitxml={report}"],
            env=env,
            cwd=book.root,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
            text=True,
        )
        if done.returncode not in (0, 1, 5) or not report.exists():
            said = f"nbval could not run (pytest ended with {done.returncode})."
            raise NotebookError(f"{said}\n{done.stdout or ''}".strip())
        return done.returncode != 1, verdicts(report)


def verdicts(report: Path) -> list[Verdict]:
    """Read the verdicts out of a report of pytest."""
    found = []
    for case in ElementTree.parse(report).iter("testcase"):
        noted = {p.get("name"): p.get("value") for p in case.iter("property")}
        name, kind, said = case.get("name"), noted.get("kind", ""), ""
        if (skipped := case.find("skipped")) is not None:
            kind, said = "skipped", skipped.get("message", "")
        for problem in (*case.iter("failure"), *case.iter("error")):
            lines = (problem.text or "").split("\n")
            said = "\n".join(line for line in lines if not line.startswith(NOT_SAID))
            kind = kind or "error"
        where = noted.get("where", name)
        found.append(Verdict(where, kind, said, float(case.get("time"))))
    return found
