"""The commands: refresh stores everything or nothing, check runs what it should.

What faults the checks notice is in test_faults.py.
"""

import ast
import json
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
from conftest import (
    BY,
    DOT,
    MOVED,
    ROOT,
    added,
    cell,
    code,
    environment,
    error,
    markdown,
    replaced,
    result,
    stream,
    updated,
)

from bookproof import kernels
from bookproof.book import METADATA, NotebookError, select
from bookproof.refresh import keep_pictures, refresh
from bookproof.store import write_all
from bookproof.sync import sync

TAGGED = {"tags": ["raises-exception"]}
TITLE = partial(markdown, "title", "# T")

# refresh


def test_refresh_stores_what_cells_give_and_a_second_run_changes_nothing(book):
    made = book.texts()
    cells = [
        TITLE(),
        code("mixed", "print(1)\nimport sys\nprint(2, file=sys.stderr)\nprint(3)\n4"),
        code("raises", 'raise ValueError("no")', **TAGGED),
        code("folder", "import os\n\nos.path.basename(os.getcwd())", collapsed=True),
    ]
    book.write("index", cells)
    with book.edit("index") as raw:
        kernel = {"name": "x", "display_name": "X"}
        raw["metadata"] = {"widgets": {}, "kernelspec": kernel}
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
    old = [TITLE(), code("add", "1 + 1", result("17"))]
    book.write("index", old)
    book.write("demo", [*old, FAILING[expected]])
    before = book.texts()
    with pytest.raises(NotebookError, match=f"^demo, cell bad: .*{expected}"):
        refresh(book.book)
    assert book.texts() == before


def test_interrupted_execution_leaves_every_notebook_as_it_was(book):
    flag = book.root / "running"
    text = f"import time\n\nopen({str(flag)!r}, 'w')\ntime.sleep(60)"
    book.write("demo", [TITLE(), code("slow", text)])
    book.write("index", [TITLE(), code("add", "1", result("17"))])
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
    before = book.texts()
    command = [sys.executable, "-c", WRITING, *before]
    done = subprocess.run(command, env=environment(), capture_output=True)
    assert done.returncode == -signal.SIGTERM
    assert book.texts() == {path: text + "new" for path, text in before.items()}


def test_notebook_saved_while_it_ran_is_not_overwritten(book):
    before = book.texts()
    book.path("demo").write_text("edited", "utf-8")
    edited = book.texts()
    with pytest.raises(NotebookError, match="changed while it ran"):
        write_all({path: "new" for path in before}, before)
    assert book.texts() == edited


def test_refresh_keeps_a_picture_that_differs_by_noise_only(book):
    stored, again = (book.page("demo").notebook for _ in range(2))
    drawn = cell(again, "dot").outputs[0].data
    for new, kept in ((DOT + "\n", DOT), (MOVED, MOVED)):
        drawn["image/png"] = new
        keep_pictures(again, stored)
        assert drawn["image/png"] == kept


def test_refresh_makes_a_name_that_was_given_in_jupyterlab_the_id(book):
    with book.edit("demo") as raw:
        cell(raw, "dot")["metadata"]["name"] = "red-dot"
        cell(raw, "dot")["id"] = "8f2c1a9b"
    assert refresh(book.book, "demo") == ["demo"]
    dot = book.page("demo").code[1]
    assert dot.id == "red-dot" and "name" not in dot.metadata
    sync(book.book, "demo")
    chinese = cell(book.page("zh/demo").notebook, "red-dot")
    assert chinese.metadata["alt"] == "一个红色方块，代表一个点。"


def test_refresh_says_what_made_the_outputs_and_dates_only_what_changed(book):
    path, today = book.root / "book" / "executed.json", time.strftime("%Y-%m-%d")
    path.write_text(json.dumps({"demo": BY, "gone": BY}, indent=1) + "\n")
    book.change("solutions/demo", updated("two-and-two", outputs=[]))
    assert refresh(book.book) == ["solutions/demo", "executed.json"]
    made = json.loads(path.read_text())
    assert list(made) == ["demo", "solutions/demo"]  # the index has no code
    assert (made["demo"], made["solutions/demo"]) == (BY, BY | {"date": today})
    path.write_text(path.read_text().replace("2.13.0", "2.12.0", 1))
    assert refresh(book.book, "demo") == ["executed.json"]
    assert json.loads(path.read_text())["demo"]["date"] == today


class NoPort(kernels.AsyncKernelManager):
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


# the commands


@pytest.mark.parametrize("command", ["check", "refresh", "sync", "vary", "report"])
def test_lesson_typo_is_one_sentence_and_no_traceback(command, book):
    status, said = book.run(command, "dmeo")
    assert status == 2
    assert said == (
        f"{command}: There is no lesson “dmeo”. Did you mean LESSON=demo? The lessons"
        " are: demo, index.\nNo notebook was changed.\n"
    )


@pytest.mark.parametrize("command", ["check", "refresh", "sync", "report"])
def test_broken_notebook_stops_a_command_before_it_runs_or_writes(command, book):
    book.path("demo").write_text("{", "utf-8")
    before = book.texts()
    status, said = book.run(command, "demo")
    assert status == 2 and f"{command}: demo: the file is not JSON" in said
    assert "Traceback" not in said and "passed" not in said and "executed" not in said
    assert book.texts() == before


def test_check_gives_the_verdict_on_outputs_first_and_stale_chinese_last(book):
    texts = {"one": "x = 1", "same": "y = x", "add": "x + y"}  # one kernel for all
    book.change("index", *(added(code(id_, text)) for id_, text in texts.items()))
    refresh(book.book, "index")
    sync(book.book, "index")
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


def test_unknown_setting_is_named(book):
    settings = book.root / "pyproject.toml"
    settings.write_text(settings.read_text("utf-8").replace("folder =", "foldre ="))
    status, said = book.run("rules")
    assert status == 2 and "knows no “foldre”. Did you mean folder?" in said


def test_lesson_means_the_page_and_its_solutions_in_both_languages(book):
    names = [book.book.name_of(path) for path in select(book.book, "demo.ipynb")]
    assert names == ["demo", "solutions/demo", "zh/demo", "zh/solutions/demo"]
    assert select(book.book, "demo", originals=True) == select(book.book, "demo")[:2]


# the house


def floor(name: str, graph: dict[str, set[str]], above: tuple = ()) -> int:
    """Return on which floor a module lies: 1 if it imports no other."""
    assert name not in above, f"a circle: {above}"
    return 1 + max((floor(n, graph, (*above, name)) for n in graph[name]), default=0)


def imports(package: str) -> dict[str, set[str]]:
    """Return what each module of a package imports."""
    graph = {}
    for path in (ROOT / package).rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        graph[name] = found = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom) and not node.level:
                found |= {node.module, *(f"{node.module}.{n.name}" for n in node.names)}
    return graph


def outside(graph: dict[str, set[str]]) -> set[str]:
    found = {name.partition(".")[0] for names in graph.values() for name in names}
    return found - sys.stdlib_module_names


def test_packages_import_what_they_may_and_bookproof_has_five_floors():
    assert outside(imports("d2ltorch")) == {"torch"}
    graph = imports("bookproof")
    assert not outside(graph) & {"torch", "d2ltorch", "tools", "book"}
    house = {n: f - {n} for n, f in graph.items() if ".mutate." not in n}  # beside it
    house = {name: found & house.keys() for name, found in house.items()}
    assert max(floor(name, house) for name in house) <= 5
