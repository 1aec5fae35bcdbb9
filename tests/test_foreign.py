"""Anybody's notebooks: what differs is told, the rest is named, nothing is written."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import DOT, FIGURE, MOVED, environment
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

PICTURE = FIGURE.format(png=f'"{DOT}"')


def code(source: str, *outputs: dict, **fields) -> dict:
    return new_code_cell(source, outputs=list(outputs), execution_count=1, **fields)


def result(text: str, **data) -> dict:
    data |= {"text/plain": text}
    return new_output("execute_result", data=data, execution_count=1)


def raised(name: str, value: str) -> dict:
    return new_output("error", ename=name, evalue=value, traceback=["at /home/me"])


def said(text: str) -> dict:
    return new_output("stream", name="stdout", text=text)


# A cell, and what has to be said of it.
CELLS = {
    "1 + 1": (code("1 + 1", result("2")), ""),
    "0.5 * 3": (
        code("0.5 * 3", result("1.6")),
        "number\n  first difference, line 1 of text/plain:\n"
        "    stored: 1.6\n    now:    1.5\n",
    ),
    "print('a b')": (
        code("print('a b')", said("a c\n")),
        "text\n  first difference, line 1 of stdout:\n"
        "    stored: a c\n    now:    a b\n",
    ),
    "import base64": (
        code(PICTURE, result("<Dot>", **{"image/png": MOVED})),
        "figure\n  the figure differs",
    ),
    "Dot() ": (
        code("# again\nDot() ", result("<Dot>", **{"image/png": "iVBORw0KGgo="})),
        "figure\n  the figure differs, and one of the two is no picture",
    ),
    "1 / 0": (code("1 / 0", raised("ZeroDivisionError", "division by zero")), ""),
    "[][0]": (
        code("[][0]", raised("IndexError", "out of range")),
        "error\n  first difference, line 1 of evalue:\n    stored: out of range\n"
        "    now:    list index out of range\n",
    ),
    "9": (code("9"), "text\n  its outputs are of another kind"),
    "10": (new_code_cell("10"), None),  # never run by its author
    "int('x')": (
        code("int('x')", result("7")),
        "error: raised an exception; the cells after it were not run.\n"
        "    stored: 7\n    now:    ValueError: invalid literal",
    ),
    "11": (code("11", result("12")), None),
}


def write(path: Path, *cells: dict, form: tuple = (4, 5), ids=True, **metadata) -> None:
    kinds = {"nbformat": form[0], "nbformat_minor": form[1]}
    raw = json.loads(json.dumps({"cells": cells, "metadata": metadata} | kinds))
    for cell in raw["cells"] if not ids else ():
        del cell["id"]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(raw), "utf-8")


@pytest.fixture(scope="module")
def looked(tmp_path_factory) -> tuple[Path, int, str]:
    """Check a folder of notebooks, good, bad and unreadable, from outside it."""
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "conftest.py").write_text("raise SystemExit('it was loaded')")
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts='-x'")
    (folder / "old").mkdir()
    (folder / "old" / "helper.py").write_text("TEN = 10")
    write(
        folder / "all.ipynb", new_markdown_cell("# A"), *(c for c, _ in CELLS.values())
    )
    one = code("import helper\n\nhelper.TEN", result("11"))
    write(folder / "old" / "no-ids.ipynb", one, form=(4, 4), ids=False)
    twice = code("3", result("3"), id="same"), code("4", result("5"), id="same")
    write(folder / "doubled.ipynb", *twice)
    write(folder / "broken-ids.ipynb", code("3", result("4")), ids=False)
    kernel = {"name": "no-such", "display_name": "No", "language": "python"}
    write(folder / "kernel.ipynb", one, kernelspec=kernel)
    write(folder / "prose.ipynb", new_markdown_cell("Only text."))
    write(folder / "dies.ipynb", code("import os\nos._exit(1)"))
    write(folder / ".ipynb_checkpoints" / "all.ipynb", code("1", result("2")))
    (folder / "not-json.ipynb").write_text("{")
    (folder / "binary.ipynb").write_bytes(b"\xff\xfe")
    (folder / "list.ipynb").write_text("[]")
    (folder / "cells.ipynb").write_text('{"nbformat": 4, "cells": 3}')
    (folder / "v3.ipynb").write_text('{"nbformat": 3, "worksheets": []}')
    before = files(folder)
    done = subprocess.run(
        [sys.executable, "-m", "bookproof", "check", folder],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=environment() | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert files(folder) == before, "it wrote something"
    assert done.stderr == ""
    return folder, done.returncode, done.stdout


def files(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("line", CELLS)
def test_what_differs_is_told_by_cell_and_kind(line, looked):
    number, expected = list(CELLS).index(line) + 1, CELLS[line][1]
    where = f"all.ipynb, code cell {number} “{line.strip()}”: "
    if expected:
        assert where + expected in looked[2]
    else:
        assert where not in looked[2]


def test_notebooks_without_ids_are_run(looked):
    for name, line in {
        "old/no-ids.ipynb, code cell 1": "import helper",
        "doubled.ipynb, code cell 2": "4",
        "broken-ids.ipynb, code cell 1": "3",
    }.items():
        assert f"{name} “{line}”: number\n" in looked[2]
    assert "dies.ipynb, code cell 1 “import os”: error: the kernel died" in looked[2]


def test_what_cannot_be_run_is_named_and_passed_over(looked):
    for name, reason in {
        "kernel": "wants the kernel “no-such”, which is not installed.",
        "prose": "has no code.",
        "not-json": "is not JSON (",
        "binary": "is not JSON (",
        "list": "is no notebook.",
        "cells": "has not the form of a notebook (",
        "v3": "has the format 3; convert it",
    }.items():
        assert f"\n{name}.ipynb: passed over: it {reason}" in looked[2]


def test_the_last_line_counts(looked):
    _, status, text = looked
    assert status == 1 and "Traceback" not in text
    assert text.splitlines()[-1] == (
        "5 notebooks, 16 code cells; 3 same; 11 differ (2 text, 4 number, 2 figure,"
        " 3 error); 1 with nothing stored; 1 not run; 7 notebooks passed over."
    )


def test_one_notebook_that_is_right(tmp_path):
    write(tmp_path / "fine.ipynb", code("1", result("1")))
    command = [sys.executable, "-m", "bookproof", "check"]
    for place in ([tmp_path / "fine.ipynb"], []):
        done = subprocess.run(
            [*command, *place],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.stdout == "1 notebook, 1 code cell; 1 same; 0 differ.\n"
        assert done.returncode == 0
    assert os.listdir(tmp_path) == ["fine.ipynb"]


def test_nothing_there_is_one_sentence(tmp_path):
    for place, expected in {
        "nowhere": r"check: There is no .*nowhere\.",
        ".": r"check: There is no notebook there\.",
    }.items():
        done = subprocess.run(
            [sys.executable, "-m", "bookproof", "check", place],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2
        assert re.match(expected, done.stderr), done.stderr
