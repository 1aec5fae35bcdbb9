"""Mutation: what is altered, that it is noticed exactly when it should be, resumed.

The small book's lesson holds cells that show what they decide and cells that do not;
the report has to name the second kind only, whatever goes wrong in an altered cell.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import DOT, ROOT, Book, code, environment, result, stream

from bookproof.book import NotebookError
from bookproof.mutate import alterations, mutate, mutations
from bookproof.refresh import refresh

CELLS = {
    "draws": (
        '%config InlineBackend.figure_format = "retina"\n'
        "import matplotlib.pyplot as plt\n\n"
        "fig, ax = plt.subplots(figsize=(2, 2))\nax.plot([0, 1], [0, 4])\nplt.show()"
    ),
    "shows": 'a = 2\nprint("twice", 2 * a)',
    "hides": "n = 3\nn > 1",
    "decides-later": "total = 5",
    "shows-later": "total",
    "counts": "m = 2\nwhile m > 0:\n    m -= 1\nm",
    "kills": "import os\n\nif 1 > 2:\n    os._exit(0)\n1 + 2",
    "writes": (
        "import tempfile\nfrom pathlib import Path\n\n"
        'path = Path(tempfile.mkdtemp()) / "file"\npath.write_text("one")'
    ),
    "appends": (
        'with open(path, "a") as file:\n    file.write(" two")\npath.read_text()'
    ),
    "displays": (
        "import sys\nfrom IPython.display import HTML, display\n\n"
        'print("a")\nprint("b", file=sys.stderr)\ndisplay(HTML("<b>c</b>"))\n'
        'print("d", end="")\nHTML("<i>e</i>")'
    ),
    "raises": 'raise ValueError("no")',
}
HIDDEN = {
    ("draws", 6, "plt.show() → pass"),
    ("hides", 1, "n = 3 → n = 4"),
    ("hides", 2, "n > 1 → n >= 1"),
    ("hides", 2, "n > 1 → n > -1"),
    ("hides", 2, "n > 1 → n > 2"),
    ("counts", 1, "m = 2 → m = 3"),
    ("counts", 3, "1 → 2"),
    ("kills", 3, "1 > 2 → 1 >= 2"),
    ("kills", 3, "1 > 2 → -1 > 2"),
    ("kills", 3, "1 > 2 → 2 > 2"),
    ("kills", 3, "1 > 2 → 1 > 3"),
    ("kills", 4, "os._exit(0) → pass"),
    ("kills", 4, "os._exit(0) → os._exit(1)"),
    (
        "writes",
        4,
        "Path(tempfile.mkdtemp()) / 'file' → Path(tempfile.mkdtemp()) / 'filex'",
    ),
}


@pytest.fixture(scope="module")
def altered(tmp_path_factory) -> tuple[Book, int, list[str]]:
    """Return a book whose lesson holds CELLS, after `make mutate`, and what that said.

    In its copy of bookproof, what takes longer than a second is a hang.
    """
    made = Book(tmp_path_factory.mktemp("book"))
    tagged = {"raises": {"tags": ["raises-exception"]}}
    cells = [code(id_, text, **tagged.get(id_, {})) for id_, text in CELLS.items()]
    made.write("demo", cells)
    refresh(made.book)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "bookproof", made.root / "bookproof", ignore=ignore)
    forked = made.root / "bookproof" / "mutate" / "forked.py"
    text = forked.read_text("utf-8")
    assert "PATIENCE = 10" in text
    forked.write_text(text.replace("PATIENCE = 10", "PATIENCE = 1"), "utf-8")
    return made, *run(made.root)


@pytest.fixture
def lesson(altered, tmp_path) -> Book:
    """Return a copy of that book, results included."""
    copied = Book(tmp_path)
    shutil.copytree(altered[0].root, tmp_path, dirs_exist_ok=True)
    return copied


COMMAND = [sys.executable, "-m", "bookproof", "mutate", "demo"]


def its_own(root: Path) -> dict[str, str]:
    """Return the environment in which the book's copy of bookproof is the one."""
    return environment() | {"PYTHONPATH": str(root)}


def run(root: Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        COMMAND,
        cwd=root,
        env=its_own(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout.splitlines()


def named(lines: list[str]) -> set[tuple[str, int, str]]:
    pattern = re.compile(r"demo, cell ([\w-]+), line (\d+): (.*)")
    found = filter(None, map(pattern.fullmatch, lines))
    return {(cell, int(line), change) for cell, line, change in map(groups, found)}


def groups(match: re.Match) -> tuple:
    return match.groups()


def test_exactly_what_the_outputs_hide_goes_unnoticed(altered):
    _, status, lines = altered
    assert status == 0
    assert named(lines) == HIDDEN, "\n".join(lines)
    shares = [line for line in lines if " altered, " in line]
    assert shares[0].startswith("demo, outputs: ") and "(100.0 %)" in shares[0]
    assert f"{len(HIDDEN)} alterations go unnoticed" in lines[-1]


def test_interrupted_run_goes_on_where_it_was(lesson):
    folder = lesson.root / "_build" / "mutate"
    shutil.rmtree(folder)
    process = subprocess.Popen(
        COMMAND,
        cwd=lesson.root,
        env=its_own(lesson.root),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        files = list(folder.glob("*.jsonl"))
        if files and files[0].read_text("utf-8").count("\n") > 20:
            break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert said == "\nInterrupted; no notebook was changed.\n"
    done = files[0].read_text("utf-8").count("\n")
    with open(files[0], "a") as file:
        file.write('{"cell": "cut off')
    _, lines = run(lesson.root)
    assert named(lines) == HIDDEN
    total = files[0].read_text("utf-8").count("\n")
    left = [line for line in lines if line.endswith("; 0 s left")]
    assert left and f" {total - done}/{total - done} run" in left[-1], lines


def test_notebook_changed_while_it_ran_is_said_to_be_so(book, monkeypatch):
    done = subprocess.CompletedProcess([], 0)  # and nothing of the notebook as it is
    monkeypatch.setattr(mutate.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(NotebookError, match="demo was changed meanwhile; repeat"):
        mutate.altered_code(book.page("demo"))


def test_notebook_that_does_not_give_what_it_stores_is_not_altered(lesson):
    with lesson.edit("demo") as raw:
        raw["cells"][1]["outputs"][0]["text"] = "twice 5\n"
    status, lines = run(lesson.root)
    assert status == 2
    assert lines[0].startswith("mutate: demo, shows: first difference"), lines
    assert "has to give its stored outputs before it is altered" in "\n".join(lines)


# what is altered

SOURCES = {
    "x = 3": {"x = 3 → x = -3", "x = 3 → x = 4"},
    "x = 0.1": {"x = 0.1 → x = -0.1", "x = 0.1 → x = 0.2"},
    "x = 0.0": {"x = 0.0 → x = 1.0"},
    "y = x[1]": {"x[1] → x[2]"},
    "f(a, b)": {"f(a, b) → pass", "f(a, b) → f(b, a)"},
    "y = f(a)": {"y = f(a) → y = a"},
    "y = a.detach()": {"y = a.detach() → y = a"},
    "y = nn.Linear(a)": {"y = nn.Linear(a) → y = a"},
    "y = f(k=a)": {"f(k=a) → f()"},
    "y = f(k='s')": {"f(k='s') → f()", "k='s' → k='sx'"},
    "y = f(k=True)": {"f(k=True) → f()", "k=True → k=False"},
    "y = x[None]": {"x[None] → x[0]"},
    "y = a <= b": {"y = a <= b → y = a < b", "y = a <= b → y = a > b"},
    "y = a is b": {"y = a is b → y = a is not b"},
    "y = a and not b": {
        "y = a and (not b) → y = a or not b",
        "a and (not b) → a and b",
    },
    "y = a @ b": {"y = a @ b → y = a * b"},
    "x += a": {"x += a → x -= a", "x += a → pass"},
    "m.w = a": {"m.w = a → pass"},
    "if a:\n    b": {"a → not a"},
    "with g():\n    a": {"g() → __import__('contextlib').nullcontext()"},
    "@d\ndef f():\n    return a": {"d → nothing"},
    "y = torch.equal(a, b)": {"y = torch.equal(a, b) → y = a"},
    "y = a.sum(dim=1)": {
        "y = a.sum(dim=1) → y = a",
        "a.sum(dim=1) → a.sum()",
        "dim=1 → dim=2",
    },
}
LEFT_ALONE = (
    "import torch\nfrom torch import nn",
    'def f(x: 3):\n    """Say."""\n    return x',
    'f"{x:.4f} words"',
    "%config InlineBackend.figure_format = 'retina'",
    "x = y",
)


@pytest.mark.parametrize("source", SOURCES)
def test_code_is_altered_in_each_place(source):
    found = mutations.mutants("c", source, {"nn", "torch"})
    assert {mutant.change for mutant in found} == SOURCES[source]
    assert len({mutant.source for mutant in found}) == len(found)
    for mutant in found:
        assert mutant.source != mutations.unaltered(source)


@pytest.mark.parametrize("source", LEFT_ALONE)
def test_what_shows_at_once_or_never_is_left_alone(source):
    assert mutations.mutants("c", source, set()) == []


def test_a_change_names_its_line():
    found = mutations.mutants("c", "%matplotlib inline\nx = y\nz = 2", set())
    assert {mutant.line for mutant in found} == {3}


def test_every_alteration_of_outputs_is_noticed_and_needed(book, tmp_path):
    more = {"image/svg+xml": "<svg>\n<path/>\n</svg>", "text/markdown": "*x*"}
    outputs = [stream("one 1\ntwo 2\n"), result("<Dot>", **{"image/png": DOT}, **more)]
    book.write("demo", [code("all", "1", *outputs)])
    page = book.page("demo")
    (cell,) = page.code
    altered = alterations.alterations(cell)
    assert altered == alterations.alterations(cell)
    assert len(altered) > 30
    for one in altered:
        assert one.outputs != cell.outputs, one.change
        assert alterations.noticed(page, one, tmp_path), one.change
    same = alterations.Alteration("all", 0, "", cell.outputs)
    assert not alterations.noticed(page, same, tmp_path)
