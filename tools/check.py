"""Check the book: `make test [LESSON=parameters]`.

First the notebook contract, which needs no kernel and takes under two seconds; if
it holds, nbval runs the notebooks, in both languages, and without LESSON pytest
runs all of tests/ too (but tests/site, which needs a built book and a browser).
It changes no notebook; pictures that differ are left in _build/figures.
"""

import argparse
import os
import sys

import contract
from notebooks import ROOT, NotebookError, select
from sanitizer import SANITIZER

# isort: split
import pytest  # after notebooks, which spares it a second

CELL_TIMEOUT = 120  # seconds


def arguments(paths: list, everything: bool) -> list[str]:
    """Return what makes pytest run nbval on `paths`, and tests/ if everything."""
    command = ["-q", "-p", "nbval_lessons", "--nbval", "--nbval-current-env"]
    command += [f"--nbval-cell-timeout={CELL_TIMEOUT}"]
    command += [f"--nbval-sanitize-with={SANITIZER}", f"--rootdir={ROOT}"]
    if len(paths) > 1:  # a notebook's cells stay on one worker
        command += ["-n", "2", "--dist", "loadfile"]
    if everything:
        command += [f"--ignore={ROOT / 'tests' / 'site'}", str(ROOT / "tests")]
    return command + [str(path) for path in paths]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesson", nargs="?", default="", help="for example parameters")
    lesson = parser.parse_args().lesson
    try:
        paths = select(lesson)
    except NotebookError as error:
        print(f"make test: {error}", file=sys.stderr)
        return 2
    if contract.report(paths):
        return 1
    if len(paths) > 1:  # two workers: more threads would wait for one another
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    return pytest.main(arguments(paths, everything=not lesson))


if __name__ == "__main__":
    sys.exit(main())
