"""The checks are checked: faults are planted in a small book, and must be noticed.

Kernels cost seconds, so one run of nbval takes all faults of outputs at once, each in
a cell of its own, and every fault that stops a kernel has one small notebook.
"""

import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import notebooks
import pytest
import refresh
from conftest import CHINESE, DOT, FIGURE, Book, code, markdown, result, stream
from notebooks import NotebookError

MOVED = (  # the square of DOT, six pixels up and to the left
    "iVBORw0KGgoAAAANSUhEUgAAACgAAAAoCAIAAAADnC86AAAATElEQVR4nO3WsQ0AIAgAQTHswRjuXzoG"
    "k+AAxkILKfgvKbiEComIllFPUYFLwLqPptnViuH+ANc7NTAwMDAw8DHhywQGBgYGBgb+3gKhpAlL9hYq"
    "cwAAAABJRU5ErkJggg=="
)
RAISE = 'raise ValueError("no")'
BOTH = "from IPython.display import HTML\n\nHTML('<b>x</b>')"
SHOW = "from IPython.display import display\n\ndisplay(1)\nprint(2)"


def shown(text: str) -> dict:
    data = {"text/plain": text}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def error(name: str = "ValueError", value: str = "no") -> dict:
    named = {"ename": name, "evalue": value, "traceback": [f"{name}: {value}"]}
    return {"output_type": "error"} | named


def html(**data) -> dict:
    return result("<IPython.core.display.HTML object>", **data)


# What is stored for a cell that gives something else, by kind of fault, and the first
# words that a person has to be told. "" means: no fault, must pass.
TAGGED = {"tags": ["raises-exception"]}
DRAW = FIGURE.format(png=f'"{DOT}"')
OUTPUTS = {
    "right-text": (code("", "1 + 1", result("2")), ""),
    "right-error": (code("", RAISE, error(), **TAGGED), ""),
    "right-picture": (code("", DRAW, result("<Dot>", **{"image/png": DOT})), ""),
    "right-device": (
        code("", "print(\"tensor([1.], device='cuda:0')\")", stream("tensor([1.])\n")),
        "",
    ),
    "plain-text": (code("", "1 + 1", result("3")), "line 1 of text/plain"),
    "second-line": (
        code("", "print('a')\nprint('b')", stream("a\nc\n")),
        "line 2 of stdout:\n    stored: c\n    now:    b",
    ),
    "stderr-text": (
        code("", "import sys\n\nprint('e', file=sys.stderr)", stream("x\n", "stderr")),
        "line 1 of stderr",
    ),
    "stream-renamed": (
        code("", "print('e')", stream("e\n", "stderr")),
        "another kind or order:\n    stored: stream stderr\n    now:    stream stdout",
    ),
    "newline-dropped": (code("", "print('e')", stream("e")), "stored: (ends)"),
    "html-text": (code("", BOTH, html(**{"text/html": "<b>y</b>"})), "of text/html"),
    "rich-form-dropped": (code("", BOTH, html()), "another kind or order"),
    "output-dropped": (code("", SHOW, shown("1")), "another kind or order"),
    "output-doubled": (
        code("", SHOW, shown("1"), shown("1"), stream("2\n")),
        "another kind or order",
    ),
    "output-added": (code("", "x = 1", result("1")), "now:    nothing"),
    "outputs-exchanged": (
        code("", SHOW, stream("2\n"), shown("1")),
        "another kind or order",
    ),
    "result-for-display": (
        code("", SHOW, result("1"), stream("2\n")),
        "stored: execute_result text/plain, stream stdout",
    ),
    "display-for-result": (code("", "1 + 1", shown("2")), "now:    execute_result"),
    "error-type": (code("", RAISE, error("KeyError"), **TAGGED), "of ename"),
    "error-message": (code("", RAISE, error(value="yes"), **TAGGED), "of evalue"),
    "error-gone": (code("", "1", error(), **TAGGED), "stored: error"),
    "picture-changed": (
        code("", DRAW, result("<Dot>", **{"image/png": MOVED})),
        "see _build/figures/outputs-picture-changed-1-difference.png",
    ),
    "picture-removed": (code("", DRAW, result("<Dot>")), "image/png"),
}

# Notebooks that cannot go on after the cell `bad`, and what has to be said.
STOPS = {
    "dead": ("import os\n\nos._exit(1)", "the kernel died while it ran"),
    "import-fails": ("import no_such_module", "raised ModuleNotFoundError"),
    "hangs": ("import time\n\ntime.sleep(60)", "still running after 3 s"),
    "swallows": (
        "import time\n\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    pass",
        "still running after 3 s",
    ),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Run nbval once over every planted fault; return message by (notebook, cell)."""
    book = Book(tmp_path_factory.mktemp("book"))
    paths = [
        book.write("outputs", [c | {"id": id_} for id_, (c, _) in OUTPUTS.items()])
    ]
    for name, (text, _) in STOPS.items():
        cells = [code("bad", text), *(code(f"later-{n}", "x = bad") for n in (1, 2))]
        paths.append(book.write(name, cells))
    report = book.root / "report.xml"
    options = ["-q", "-p", "nbval_lessons", "-p", "no:cacheprovider", "--nbval"]
    options += ["--nbval-current-env", "--nbval-cell-timeout=3", f"--junitxml={report}"]
    options += [f"--nbval-sanitize-with={notebooks.ROOT / 'tests' / 'sanitize.cfg'}"]
    tools = notebooks.ROOT / "tools"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *paths, f"--rootdir={book.root}"],
        cwd=book.root,
        env=os.environ | {"PYTHONPATH": str(tools), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    assert report.exists(), done.stdout + done.stderr
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        said = [child.tag + ": " + (child.text or "") for child in case]
        said += [child.get("message", "") for child in case]
        notebook = re.search(r"([\w-]+)\.ipynb|$", case.get("classname"))[1]
        found[notebook, case.get("name")] = "\n".join(said), float(case.get("time"))
    return found


@pytest.mark.parametrize("fault", OUTPUTS)
def test_fault_in_an_output_is_named(fault, verdicts):
    said, _ = verdicts["outputs", fault]
    expected = OUTPUTS[fault][1]
    if not expected:
        assert said == ""
        return
    assert said.startswith(f"failure: outputs, cell {fault}: what it gives now"), said
    assert expected in said
    assert "If the change is meant: make refresh LESSON=outputs" in said


@pytest.mark.parametrize("name", STOPS)
def test_what_stops_a_notebook_stops_it_at_once(name, verdicts):
    said, seconds = verdicts[name, "bad"]
    assert said.startswith(f"failure: {name}, cell bad: "), said
    assert STOPS[name][1] in said
    assert seconds < 8
    for later in ("later-1", "later-2"):
        said, _ = verdicts[name, later]
        assert said.startswith("skipped") and f"{name} stopped at cell bad" in said


# refresh


def test_refresh_stores_what_cells_give_and_a_second_run_changes_nothing(book):
    made = book.texts()
    cells = [
        markdown("title", "# T"),
        code("mixed", "print(1)\nimport sys\nprint(2, file=sys.stderr)\nprint(3)\n4"),
        code("raises", RAISE, **TAGGED),
        code("folder", "import os\n\nos.path.basename(os.getcwd())", collapsed=True),
    ]
    book.write("index", cells)
    with book.edit("index") as raw:
        raw["metadata"] = {
            "widgets": {},
            "kernelspec": {"name": "x", "display_name": "X"},
        }
        raw["cells"][1]["execution_count"] = 17
    assert refresh.refresh(chapter=book.chapter) == ["index"]
    after = book.texts()
    assert [path for path in made if made[path] != after[path]] == [book.path("index")]
    page = notebooks.Page.read(book.path("index"), book.chapter)
    mixed, raises, folder = page.code
    assert [c.execution_count for c in page.code] == [1, 2, 3]
    assert mixed.outputs[:2] == [stream("1\n3\n"), stream("2\n", "stderr")]
    assert mixed.outputs[2:] == [result("4") | {"execution_count": 1}]
    assert raises.outputs == [error()]
    assert folder.outputs[0].data == {"text/plain": f"'{book.chapter.name}'"}
    assert folder.metadata == {}
    assert page.notebook.metadata == notebooks.METADATA | {"code_cells": 3}
    assert refresh.refresh(chapter=book.chapter) == []
    assert book.texts() == after


FAILING = {
    "raised ZeroDivisionError: division by zero": code("bad", "1 / 0"),
    "tagged raises-exception, and raised nothing": code("bad", "1", **TAGGED),
    "the kernel died": code("bad", "import os\n\nos._exit(1)"),
}


@pytest.mark.parametrize("expected", FAILING)
def test_failing_cell_leaves_every_notebook_as_it_was(expected, book):
    stale = [markdown("title", "# T"), code("add", "1 + 1", result("17"))]
    book.write("index", stale)
    book.write("demo", [*stale, FAILING[expected]])
    before = book.texts()
    with pytest.raises(NotebookError) as caught:
        refresh.refresh(chapter=book.chapter)
    assert str(caught.value).startswith("demo, cell bad: ")
    assert expected in str(caught.value)
    assert book.texts() == before


def test_notebook_that_is_not_json_stops_refresh_before_any_kernel(book, monkeypatch):
    monkeypatch.setattr(refresh, "execute", lambda *_: pytest.fail("a kernel started"))
    book.path("demo").write_text("{", "utf-8")
    before = book.texts()
    with pytest.raises(NotebookError, match="demo: the file is not JSON"):
        refresh.refresh(chapter=book.chapter)
    assert book.texts() == before


def test_interrupted_execution_leaves_every_notebook_as_it_was(book, tools):
    flag = book.root / "running"
    text = f"import time\n\nopen({str(flag)!r}, 'w')\ntime.sleep(60)"
    book.write("demo", [markdown("title", "# T"), code("slow", text)])
    book.write("index", [markdown("title", "# T"), code("add", "1", result("17"))])
    before = book.texts()
    process = subprocess.Popen(
        [sys.executable, tools / "refresh.py"], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not flag.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert said == "\nInterrupted; no notebook was changed.\n"
    assert book.texts() == before


WRITING = """\
import os, pathlib, signal, sys
import notebooks

paths = [pathlib.Path(name) for name in sys.argv[1:]]
old = {path: path.read_text("utf-8") for path in paths}
really = os.replace

def replace(source, target):
    os.kill(os.getpid(), signal.SIGINT)
    really(source, target)
    os.kill(os.getpid(), signal.SIGTERM)

os.replace = replace
notebooks.write_all({path: text + "new" for path, text in old.items()}, old)
"""


def test_signals_wait_until_every_notebook_is_written(book):
    paths = sorted(book.texts())
    before = book.texts()
    done = subprocess.run(
        [sys.executable, "-c", WRITING, *paths],
        env=os.environ | {"PYTHONPATH": str(notebooks.ROOT / "tools")},
        capture_output=True,
    )
    assert done.returncode == -signal.SIGTERM
    assert book.texts() == {path: text + "new" for path, text in before.items()}


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failure_while_writing_puts_every_notebook_back(step, book, monkeypatch):
    before, calls, really = book.texts(), [], getattr(os, step)

    def fail_second_time(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", str(arguments[-1]))
        return really(*arguments)

    monkeypatch.setattr(os, step, fail_second_time)
    with pytest.raises(NotebookError, match="No space left on device"):
        notebooks.write_all({path: "new" for path in before}, before)
    assert book.texts() == before


def test_notebook_saved_while_it_ran_is_not_overwritten(book):
    before = book.texts()
    book.path("demo").write_text("edited", "utf-8")
    edited = book.texts()
    with pytest.raises(NotebookError, match="changed while it ran"):
        notebooks.write_all({path: "new" for path in before}, before)
    assert book.texts() == edited


def test_refresh_keeps_a_picture_that_differs_by_noise_only(book):
    page = notebooks.Page.read(book.path("demo"), book.chapter)
    again = notebooks.Page.read(book.path("demo"), book.chapter).notebook
    drawn = next(cell for cell in again.cells if cell.id == "dot").outputs[0].data
    drawn["image/png"] = DOT + "\n"
    refresh.keep_pictures(again, page.notebook)
    assert drawn["image/png"] == DOT
    drawn["image/png"] = MOVED
    refresh.keep_pictures(again, page.notebook)
    assert drawn["image/png"] == MOVED


# the commands


def run(tool, *arguments) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, tool, *arguments],
        env=os.environ | {"PYTEST_ADDOPTS": "-p no:cacheprovider"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("command", ["check.py", "refresh.py"])
def test_lesson_typo_is_one_sentence_and_no_traceback(command, tools):
    status, said = run(tools / command, "dmeo")
    assert status != 0
    assert "There is no lesson “dmeo”. Did you mean LESSON=demo?" in said
    assert "Traceback" not in said


def test_check_passes_a_right_notebook_and_fails_a_wrong_one(book, tools):
    with book.edit("index") as raw:
        raw["cells"].append(code("add", "1 + 1", result("2")))
    refresh.refresh("index", book.chapter)
    book.translate("index", CHINESE["index"])
    status, said = run(tools / "check.py", "index")
    assert (status, said.splitlines()[-1].split(" in ")[0]) == (0, "2 passed"), said
    for name in ("index", "zh/index"):
        with book.edit(name) as raw:
            raw["cells"][-1]["outputs"][0]["data"]["text/plain"] = "3"
    status, said = run(tools / "check.py", "index")
    assert status == 1 and said.splitlines()[-1].startswith("2 failed in"), said
    for name in ("index", "zh/index"):
        assert f"\n{name}, cell add: what it gives now is not what is stored" in said


def test_broken_contract_stops_the_check_before_any_kernel(book, tools):
    with book.edit("demo") as raw:
        raw["cells"][1]["execution_count"] = None
    (tools / "nbval_lessons.py").write_text("raise SystemExit('pytest started')")
    status, said = run(tools / "check.py", "demo")
    assert status == 1 and "demo, cell add: was never executed" in said
    assert "pytest started" not in said and "Traceback" not in said
    assert said.splitlines()[-1].startswith("Contract: 2 to mend (4 notebooks")
