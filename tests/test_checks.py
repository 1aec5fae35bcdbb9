"""The commands: refresh stores everything or nothing, check runs what it should.

What faults the checks notice is in test_faults.py.
"""

import os
import signal
import subprocess
import sys
import time

import execution
import nbval_lessons
import notebooks
import pytest
import refresh
from conftest import CHINESE, DOT, MOVED, code, error, markdown, result, stream
from jupyter_client.manager import AsyncKernelManager
from notebooks import NotebookError, Page

TAGGED = {"tags": ["raises-exception"]}
RAISE = 'raise ValueError("no")'


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
    texts = {"one": "x = 1", "same": "y = x", "add": "x + y"}  # one kernel for all
    with book.edit("index") as raw:
        raw["cells"] += [code(id_, text) for id_, text in texts.items()]
    refresh.refresh("index", book.chapter)
    book.translate("index", CHINESE["index"])
    status, said = run(tools / "check.py", "index")
    assert (status, said.splitlines()[-1].split(" in ")[0]) == (0, "6 passed"), said
    for name in ("index", "zh/index"):
        with book.edit(name) as raw:
            raw["cells"][-1]["outputs"][0]["data"]["text/plain"] = "3"
    status, said = run(tools / "check.py", "index")
    assert status == 1 and said.splitlines()[-1].startswith("2 failed, 4 passed"), said
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


class NoPort(AsyncKernelManager):
    """A kernel that does not start, as when another has taken its port."""

    async def start_kernel(self, **_):
        raise RuntimeError("the port is taken")


@pytest.mark.parametrize("module", [refresh, execution])
@pytest.mark.parametrize("dead", [1, 2])
def test_kernel_that_does_not_start_is_tried_once_more(module, dead, book, monkeypatch):
    kernels = [NoPort() for _ in range(dead)] + [refresh.new_kernel()]
    monkeypatch.setattr(module, "new_kernel", lambda: kernels.pop(0))
    page, run = Page.read(book.path("demo"), book.chapter), []
    start = {
        refresh: lambda: refresh.execute(page, run),
        execution: lambda: execution.run(page, {}, run),
    }[module]
    if dead == 1:
        assert start() and kernels == []
    else:
        with pytest.raises(NotebookError, match="demo: its kernel did not start"):
            start()
        assert len(kernels) == 1


def test_kernel_that_was_killed_is_not_tried_again(book, monkeypatch):
    running, started = [], []

    class Killed(NoPort):
        async def start_kernel(self, **_):
            started.append(self)
            refresh.kill(running)
            raise RuntimeError("killed")

    monkeypatch.setattr(refresh, "new_kernel", Killed)
    with pytest.raises(NotebookError, match="did not start"):
        refresh.execute(Page.read(book.path("index"), book.chapter), running)
    assert running == [] and len(started) == 1


def test_nbval_tries_a_kernel_that_does_not_start_once_more(monkeypatch):
    tried = []

    def start(self, *args):
        tried.append(args)
        if len(tried) == 1:
            raise RuntimeError("the port is taken")

    monkeypatch.setattr(nbval_lessons.RunningKernel, "__init__", start)
    nbval_lessons.WatchedKernel("python3")
    assert tried == [("python3",)] * 2
