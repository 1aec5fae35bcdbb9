"""Anybody's notebooks: what differs is told, the rest is named, nothing is written."""

import json
import os
import re
from itertools import count
from pathlib import Path

import conftest
import pytest
from conftest import DRAW, MOVED, bookproof, error, markdown, result, stream

NAMES = (f"c{number}" for number in count())


def code(source: str, *outputs: dict, id: str = "") -> dict:
    return conftest.code(id or next(NAMES), source, *outputs) | {"execution_count": 1}


# A cell, and what has to be said of it.
CELLS = {
    "1 + 1": (code("1 + 1", result("2")), ""),
    "0.5 * 3": (
        code("0.5 * 3", result("1.6")),
        "number\n  first difference, line 1 of text/plain:\n"
        "    stored: 1.6\n    now:    1.5\n",
    ),
    "print('a b')": (
        code("print('a b')", stream("a c\n")),
        "text\n  first difference, line 1 of stdout:\n"
        "    stored: a c\n    now:    a b\n",
    ),
    "import base64": (
        code(DRAW, result("<Dot>", **{"image/png": MOVED})),
        "figure\n  the figure differs",
    ),
    "Dot() ": (
        code("# again\nDot() ", result("<Dot>", **{"image/png": "iVBORw0KGgo="})),
        "figure\n  the figure differs, and one of the two is no picture",
    ),
    "1 / 0": (code("1 / 0", error("ZeroDivisionError", "division by zero")), ""),
    "[][0]": (
        code("[][0]", error("IndexError", "out of range")),
        "error\n  first difference, line 1 of evalue:\n    stored: out of range\n"
        "    now:    list index out of range\n",
    ),
    "9": (code("9"), "text\n  its outputs are of another kind"),
    "10": (code("10") | {"execution_count": None}, None),  # never run by its author
    "int('x')": (
        code("int('x')", result("7")),
        "error: raised an exception; the cells after it were not run.\n"
        "    stored: 7\n    now:    ValueError: invalid literal",
    ),
    "11": (code("11", result("12")), None),
}


def write(path: Path, *cells: dict, minor: int = 5, ids=True, **metadata) -> None:
    made = [{k: v for k, v in cell.items() if ids or k != "id"} for cell in cells]
    raw = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(raw), "utf-8")


# What cannot be run, and what is said of it; below, what can.
PASSED_OVER = {
    "not-json": ("{", "is not JSON ("),
    "binary": (b"\xff\xfe", "is not JSON ("),
    "list": ("[]", "is no notebook."),
    "cells": ('{"nbformat": 4, "cells": 3}', "has not the form of a notebook ("),
    "v3": ('{"nbformat": 3, "worksheets": []}', "has the format 3; convert it"),
    "kernel": ("", "wants the kernel “no-such”, which is not installed."),
    "prose": ("", "has no code."),
}


@pytest.fixture(scope="module")
def looked(tmp_path_factory) -> tuple[int, str]:
    """Check a folder of notebooks, good, bad and unreadable, from outside it."""
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "conftest.py").write_text("raise SystemExit('it was loaded')")
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts='-x'")
    (folder / "old").mkdir()
    (folder / "old" / "helper.py").write_text("TEN = 10")
    for name, (text, _) in PASSED_OVER.items():
        data = text if isinstance(text, bytes) else text.encode()
        (folder / f"{name}.ipynb").write_bytes(data)
    kernel = {"name": "no-such", "display_name": "No", "language": "python"}
    one = code("import helper\n\nhelper.TEN", result("11"))
    write(folder / "kernel.ipynb", one, kernelspec=kernel)
    write(folder / "prose.ipynb", markdown("text", "Only text."))
    write(folder / "all.ipynb", markdown("a", "# A"), *(c for c, _ in CELLS.values()))
    write(folder / "old" / "no-ids.ipynb", one, minor=4, ids=False)
    twice = code("3", result("3"), id="same"), code("4", result("5"), id="same")
    write(folder / "doubled.ipynb", *twice)
    write(folder / "broken-ids.ipynb", code("3", result("4")), ids=False)
    write(folder / "dies.ipynb", code("import os\nos._exit(1)"))
    write(folder / ".ipynb_checkpoints" / "all.ipynb", code("1", result("2")))
    before = files(folder)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    answer = bookproof(elsewhere, "check", folder, OMP_NUM_THREADS="1")
    assert files(folder) == before, "it wrote something"
    return answer


def files(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("line", CELLS)
def test_what_differs_is_told_by_cell_and_kind(line, looked):
    number, expected = list(CELLS).index(line) + 1, CELLS[line][1]
    where = f"all.ipynb, code cell {number} “{line.strip()}”: "
    if expected:
        assert where + expected in looked[1]
    else:
        assert where not in looked[1]


def test_notebooks_without_ids_are_run(looked):
    for name, line in {
        "old/no-ids.ipynb, code cell 1": "import helper",
        "doubled.ipynb, code cell 2": "4",
        "broken-ids.ipynb, code cell 1": "3",
    }.items():
        assert f"{name} “{line}”: number\n" in looked[1]
    assert "dies.ipynb, code cell 1 “import os”: error: the kernel died" in looked[1]


@pytest.mark.parametrize("name", PASSED_OVER)
def test_what_cannot_be_run_is_named_and_passed_over(name, looked):
    said = f"\n{name}.ipynb: passed over: it {PASSED_OVER[name][1]}"
    assert said in looked[1]


def test_the_last_line_counts(looked):
    status, text = looked
    assert status == 1 and "Traceback" not in text
    assert text.splitlines()[-1] == (
        "5 notebooks, 16 code cells; 3 same; 11 differ (2 text, 4 number, 2 figure,"
        " 3 error); 1 with nothing stored; 1 not run; 7 notebooks passed over."
    )


def test_one_notebook_that_is_right(tmp_path):
    write(tmp_path / "fine.ipynb", code("1", result("1")))
    for place in ([tmp_path / "fine.ipynb"], []):
        said = "1 notebook, 1 code cell; 1 same; 0 differ.\n"
        assert bookproof(tmp_path, "check", *place) == (0, said)
    assert os.listdir(tmp_path) == ["fine.ipynb"]


def test_nothing_there_is_one_sentence(tmp_path):
    for place, expected in {
        "nowhere": r"check: There is no .*nowhere\.",
        ".": r"check: There is no notebook there\.",
    }.items():
        status, said = bookproof(tmp_path, "check", place)
        assert status == 2 and re.match(expected, said), said
