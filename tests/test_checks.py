"""The commands: refresh stores everything or nothing, check runs what it should.

What faults the checks notice is in test_faults.py.
"""

import ast
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import (
    BY,
    CHINESE,
    DOT,
    MOVED,
    ROOT,
    cell,
    code,
    environment,
    error,
    markdown,
    replaced,
    result,
    stream,
)
from jupyter_client.manager import AsyncKernelManager

from bookproof import book as reading
from bookproof import kernels, nbval_plugin
from bookproof.book import METADATA, NotebookError, select
from bookproof.refresh import keep_pictures, refresh
from bookproof.store import write_all

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
    assert refresh(book.book, "index") == ["index", "executed.json"]
    after = book.texts()
    assert [path for path in made if made[path] != after[path]] == [book.path("index")]
    page = book.page("index")
    mixed, raises, folder = page.code
    assert [c.execution_count for c in page.code] == [1, 2, 3]
    assert mixed.outputs[:2] == [stream("1\n3\n"), stream("2\n", "stderr")]
    assert mixed.outputs[2:] == [result("4") | {"execution_count": 1}]
    assert raises.outputs == [error()]
    assert folder.outputs[0].data == {"text/plain": f"'{book.chapter.name}'"}
    assert folder.metadata == {}
    assert page.notebook.metadata == METADATA | {"code_cells": 3}
    assert refresh(book.book, "index") == []
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
        refresh(book.book)
    assert str(caught.value).startswith("demo, cell bad: ")
    assert expected in str(caught.value)
    assert book.texts() == before


def test_notebook_that_is_not_json_stops_refresh_before_any_kernel(book, monkeypatch):
    monkeypatch.setattr(kernels, "execute", lambda *_: pytest.fail("a kernel started"))
    book.path("demo").write_text("{", "utf-8")
    before = book.texts()
    with pytest.raises(NotebookError, match="demo: the file is not JSON"):
        refresh(book.book)
    assert book.texts() == before


def test_interrupted_execution_leaves_every_notebook_as_it_was(book):
    flag = book.root / "running"
    text = f"import time\n\nopen({str(flag)!r}, 'w')\ntime.sleep(60)"
    book.write("demo", [markdown("title", "# T"), code("slow", text)])
    book.write("index", [markdown("title", "# T"), code("add", "1", result("17"))])
    before = book.texts()
    process = subprocess.Popen(
        [sys.executable, "-m", "bookproof", "refresh"],
        cwd=book.root,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
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
from bookproof import store

paths = [pathlib.Path(name) for name in sys.argv[1:]]
old = {path: path.read_text("utf-8") for path in paths}
really = os.replace

def replace(source, target):
    os.kill(os.getpid(), signal.SIGINT)
    really(source, target)
    os.kill(os.getpid(), signal.SIGTERM)

os.replace = replace
store.write_all({path: text + "new" for path, text in old.items()}, old)
"""


def test_signals_wait_until_every_notebook_is_written(book):
    paths = sorted(book.texts())
    before = book.texts()
    done = subprocess.run(
        [sys.executable, "-c", WRITING, *paths],
        env=environment(),
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
        write_all({path: "new" for path in before}, before)
    assert book.texts() == before


def test_notebook_saved_while_it_ran_is_not_overwritten(book):
    before = book.texts()
    book.path("demo").write_text("edited", "utf-8")
    edited = book.texts()
    with pytest.raises(NotebookError, match="changed while it ran"):
        write_all({path: "new" for path in before}, before)
    assert book.texts() == edited


def test_refresh_keeps_a_picture_that_differs_by_noise_only(book):
    stored, again = (book.page("demo").notebook for _ in range(2))
    drawn = next(cell for cell in again.cells if cell.id == "dot").outputs[0].data
    drawn["image/png"] = DOT + "\n"
    keep_pictures(again, stored)
    assert drawn["image/png"] == DOT
    drawn["image/png"] = MOVED
    keep_pictures(again, stored)
    assert drawn["image/png"] == MOVED


def test_refresh_makes_a_name_that_was_given_in_jupyterlab_the_id(book):
    with book.edit("demo") as raw:
        cell(raw, "dot")["metadata"]["name"] = "red-dot"
        cell(raw, "dot")["id"] = "8f2c1a9b"
    assert refresh(book.book, "demo") == ["demo"]
    dot = book.page("demo").code[1]
    assert dot.id == "red-dot" and "name" not in dot.metadata
    assert "Written: zh/demo.\nEvery text is translated." in book.run("sync", "demo")[1]


def test_refresh_says_what_made_the_outputs_and_dates_only_what_changed(book):
    path = book.root / "book" / "executed.json"
    path.write_text(json.dumps({"demo": BY, "gone": BY}, indent=1) + "\n")
    with book.edit("solutions/demo") as raw:
        cell(raw, "two-and-two")["outputs"][0]["data"]["text/plain"] = "5"
    assert refresh(book.book) == ["solutions/demo", "executed.json"]
    made = json.loads(path.read_text())
    assert list(made) == ["demo", "solutions/demo"]  # the index has no code
    assert made["demo"] == BY
    assert made["solutions/demo"] == BY | {"date": time.strftime("%Y-%m-%d")}
    path.write_text(path.read_text().replace("2.13.0", "2.12.0", 1))
    assert refresh(book.book, "demo") == ["executed.json"]
    assert json.loads(path.read_text())["demo"]["date"] == time.strftime("%Y-%m-%d")
    before = path.read_bytes()
    assert refresh(book.book) == [] and path.read_bytes() == before


# the commands


@pytest.mark.parametrize("command", ["check", "refresh", "sync", "vary", "report"])
def test_lesson_typo_is_one_sentence_and_no_traceback(command, book):
    status, said = book.run(command, "dmeo")
    assert status == 2
    assert said == (
        f"{command}: There is no lesson “dmeo”. Did you mean LESSON=demo? The lessons"
        " are: demo, index.\nNo notebook was changed.\n"
    )


def test_check_gives_the_verdict_on_outputs_first_and_stale_chinese_last(book):
    texts = {"one": "x = 1", "same": "y = x", "add": "x + y"}  # one kernel for all
    with book.edit("index") as raw:
        raw["cells"] += [code(id_, text) for id_, text in texts.items()]
    refresh(book.book, "index")
    book.translate("index", CHINESE["index"])
    status, said = book.run("check", "index")
    lines = [line.split(" in ")[0].split(" (")[0] for line in said.splitlines()]
    assert status == 0 and lines[-3:] == [
        "3 passed",  # the code and outputs of the Chinese are the same
        "Rules: kept",
        "Translation: kept",
    ]
    with book.edit("index") as raw:
        cell(raw, "add")["outputs"][0]["data"]["text/plain"] = "3"
        replaced("title", "A chapter", "One chapter")(raw)
        cell(raw, "one")["metadata"] = {"collapsed": True}
    status, said = book.run("check", "index")
    assert status == 1
    places = [
        "\nindex, cell add: what it gives now is not what is stored",
        "\n1 failed, 2 passed",
        "\nindex, cell one: the metadata “collapsed” is not known",
        "\nRules: 1 to mend (2 notebooks",
        "\nand 3 findings about the translation: make test shows them when these",
    ]
    found = [said.index(place) for place in places if place in said]
    assert len(found) == len(places) and found == sorted(found), said
    assert "is stale" not in said


def test_notebook_that_cannot_be_read_stops_the_check_before_any_kernel(book):
    book.path("demo").write_text("{", "utf-8")
    status, said = book.run("check", "demo")
    assert status == 2 and said.startswith("check: demo: the file is not JSON")
    assert "passed" not in said and "Traceback" not in said


def test_unknown_setting_is_named(book):
    settings = book.root / "pyproject.toml"
    settings.write_text(settings.read_text("utf-8").replace("folder =", "foldre ="))
    status, said = book.run("rules")
    assert status == 2 and "knows no “foldre”. Did you mean folder?" in said


def test_book_overlooks_the_device_and_nothing_else():
    lines = reading.load(ROOT).sanitizer.read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules == [r"regex: , device='cuda:\d+'([,)])", r"replace: \1"]


def test_lesson_means_the_page_and_its_solutions_in_both_languages(book):
    names = [book.book.name_of(path) for path in select(book.book, "demo")]
    assert names == ["demo", "solutions/demo", "zh/demo", "zh/solutions/demo"]
    assert select(book.book, "demo.ipynb") == select(book.book, "demo")
    assert [path.stem for path in select(book.book, "demo", originals=True)] == [
        "demo",
        "demo",
    ]


def floor(name: str, graph: dict[str, set[str]], above: tuple = ()) -> int:
    """Return on which floor a module lies: 1 if it imports no other."""
    assert name not in above, f"a circle: {above}"
    return 1 + max((floor(n, graph, (*above, name)) for n in graph[name]), default=0)


def test_bookproof_has_five_floors_and_imports_nothing_of_a_book():
    graph, outside = {}, set()
    for path in (ROOT / "bookproof").rglob("*.py"):
        if path.parent.name == "mutate":
            continue  # an instrument beside the house
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom):
                found.add(node.module)
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        graph[name] = found
    for name, found in graph.items():
        outside |= {module.partition(".")[0] for module in found}
        graph[name] = (found & graph.keys()) - {name}
    assert max(floor(name, graph) for name in graph) <= 5
    assert not outside & {"torch", "d2ltorch", "tools", "book"}


# kernels that do not start


class NoPort(AsyncKernelManager):
    """A kernel that does not start, as when another has taken its port."""

    async def start_kernel(self, **_):
        raise RuntimeError("the port is taken")


@pytest.mark.parametrize("dead", [1, 2])
def test_kernel_that_does_not_start_is_tried_once_more(dead, book, monkeypatch):
    ready = [NoPort() for _ in range(dead)] + [kernels.new_kernel()]
    monkeypatch.setattr(kernels, "new_kernel", lambda: ready.pop(0))
    if dead == 1:
        assert kernels.execute(book.page("demo"), []) and ready == []
    else:
        with pytest.raises(NotebookError, match="demo: its kernel did not start"):
            kernels.execute(book.page("demo"), [])
        assert len(ready) == 1


def test_kernel_that_was_killed_is_not_tried_again(book, monkeypatch):
    running, started = [], []

    class Killed(NoPort):
        async def start_kernel(self, **_):
            started.append(self)
            kernels.kill(running)
            raise RuntimeError("killed")

    monkeypatch.setattr(kernels, "new_kernel", Killed)
    with pytest.raises(NotebookError, match="did not start"):
        kernels.execute(book.page("index"), running)
    assert running == [] and len(started) == 1


def test_nbval_tries_a_kernel_that_does_not_start_once_more(monkeypatch):
    tried = []

    def start(self, *args):
        tried.append(args)
        if len(tried) == 1:
            raise RuntimeError("the port is taken")

    monkeypatch.setattr(nbval_plugin.RunningKernel, "__init__", start)
    nbval_plugin.WatchedKernel("python3.9")
    assert tried == [("python3.9",)] * 2
