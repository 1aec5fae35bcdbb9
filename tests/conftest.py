"""A small book in a temporary folder, to plant faults in: the fixture `book`.

It has the settings of this repository and a lesson `demo` that keeps the rules, with
its solutions and an index, in both languages. Tests change it as they like; the real
book is not touched.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap

import pytest

from bookproof import book as reading
from bookproof.book import METADATA, Page, dumps, parse
from bookproof.editions import source_hash

ROOT = Path(__file__).parents[1]
BY = {"torch": "2.13.0", "python": "3.11", "device": "CPU", "date": "2026-01-01"}

DOT = (  # a red square on white ground, 40 by 40
    "iVBORw0KGgoAAAANSUhEUgAAACgAAAAoCAIAAAADnC86AAAATUlEQVR4nO3XsQ0AIAhEUTHuwRjuXzoG"
    "k+AERq2Q+K++8JLrEHcvEakhKjAwMHBKuJ2UhurV0W627fw3NTAwMDAw8DLC7wQMDAz8PDwBbFEJS9YJ"
    "BtcAAAAASUVORK5CYII="
)
MOVED = (  # the square of DOT, six pixels up and to the left
    "iVBORw0KGgoAAAANSUhEUgAAACgAAAAoCAIAAAADnC86AAAATElEQVR4nO3WsQ0AIAgAQTHswRjuXzoG"
    "k+AAxkILKfgvKbiEComIllFPUYFLwLqPptnViuH+ANc7NTAwMDAw8DHhywQGBgYGBgb+3gKhpAlL9hYq"
    "cwAAAABJRU5ErkJggg=="
)

DRAW = """\
import base64

PNG = (
    {}
)


class Dot:
    def __repr__(self):
        return "<Dot>"

    def _repr_png_(self):
        return base64.b64decode(PNG)


Dot()""".format("\n    ".join(f'"{line}"' for line in wrap(DOT, 70)))


class Book:
    """A book below `root`, with what tests need to change it."""

    def __init__(self, root: Path):
        self.root = root
        for name in ("book/glossary.tsv", "tests/sanitize.cfg"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        settings = (ROOT / "pyproject.toml").read_text("utf-8")
        for key in ("torch", "python", "device"):  # as in BY, without a second's import
            line = f"{key} = \"'{BY[key]}'\""
            settings = re.sub(rf"(?m)^{key} = \".*__.*$", line, settings)
        (root / "pyproject.toml").write_text(settings, "utf-8")
        self.book = reading.load(root)
        self.chapter = self.book.folder
        (self.chapter / "zh" / "solutions").mkdir(parents=True)
        (self.chapter / "solutions").mkdir()

    def page(self, name: str) -> Page:
        return Page.read(self.path(name), self.book)

    def run(self, *arguments: object) -> tuple[int, str]:
        return bookproof(self.root, *arguments)

    def path(self, name: str) -> Path:
        return self.chapter / f"{name}.ipynb"

    def write(self, name: str, cells: list[dict]) -> Path:
        """Write a notebook as refresh would; cells with "zh" make a Chinese one too."""
        texts = {each["id"]: each.pop("zh") for each in cells if each.get("zh")}
        code = [each for each in cells if each["cell_type"] == "code"]
        for count, each in enumerate(code, start=1):
            each["execution_count"] = count
            for output in each["outputs"]:
                if output["output_type"] == "execute_result":
                    output["execution_count"] = count
        metadata = METADATA | {"code_cells": len(code)}
        raw = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        self.path(name).write_text(dumps(parse(json.dumps(raw), name)), "utf-8")
        for each in cells:
            if text := texts.get(each["id"]):
                coded = each["cell_type"] == "code"
                home, key = (each["metadata"], "alt") if coded else (each, "source")
                each["metadata"]["translates"] = source_hash(home[key])
                home[key] = text
        if texts:
            chinese = dumps(parse(json.dumps(raw), name))
            self.path(f"zh/{name}").write_text(chinese, "utf-8")
        return self.path(name)

    @contextmanager
    def edit(self, name: str):
        """Give the notebook as a dictionary and store what the block made of it."""
        raw = json.loads(self.path(name).read_text("utf-8"))
        for cell in raw["cells"]:
            cell["source"] = "".join(cell["source"])
        yield raw
        text = json.dumps(raw, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        parsed = reading.nbformat.v4.reads_json(text)
        self.path(name).write_text(dumps(parsed), "utf-8")

    def change(self, name: str, *faults) -> None:
        """Plant these faults in a notebook."""
        with self.edit(name) as notebook:
            for fault in faults:
                fault(notebook)

    def texts(self) -> dict[Path, str]:
        """Return every file in the chapter with its text, for comparisons."""
        files = (path for path in self.chapter.rglob("*") if path.is_file())
        return {path: path.read_text("utf-8") for path in files}


def environment() -> dict[str, str]:
    """Return the environment in which a command finds the bookproof that is tested."""
    quiet = {"PYTEST_ADDOPTS": "-p no:cacheprovider", "PYTHONPATH": str(ROOT)}
    return os.environ | quiet


def bookproof(folder: Path, *arguments: object, **variables: str) -> tuple[int, str]:
    """Give a command to bookproof; return its status and all that it said."""
    done = subprocess.run(
        [sys.executable, "-m", "bookproof", *map(str, arguments)],
        cwd=folder,
        env=environment() | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def markdown(id_: str, source: str, zh: str = "") -> dict:
    made = {"cell_type": "markdown", "id": id_, "metadata": {}, "source": source}
    return made | ({"zh": zh} if zh else {})


def code(id_: str, source: str, *outputs: dict, zh: str = "", **metadata) -> dict:
    """Return a cell of code; `zh` is its alternative text in Chinese."""
    made = {"cell_type": "code", "id": id_, "metadata": metadata, "source": source}
    made |= {"outputs": list(outputs), "execution_count": None}
    return made | ({"zh": zh} if zh else {})


def result(text: str, **data) -> dict:
    """Return the output of a cell's last expression."""
    return {
        "output_type": "execute_result",
        "data": {"text/plain": text} | data,
        "metadata": {},
        "execution_count": None,
    }


def stream(text: str, name: str = "stdout") -> dict:
    return {"output_type": "stream", "name": name, "text": text}


def error(name: str = "ValueError", value: str = "no") -> dict:
    named = {"ename": name, "evalue": value, "traceback": [f"{name}: {value}"]}
    return {"output_type": "error"} | named


def cell(notebook: dict, id_: str) -> dict:
    return next(cell for cell in notebook["cells"] if cell["id"] == id_)


# Faults: functions that change a notebook, as a dictionary.


def replaced(id_: str, old: str, new: str):
    """Return a fault: in a cell's source, `old` becomes `new`, once."""

    def change(notebook: dict) -> None:
        found = cell(notebook, id_)
        assert old in found["source"]
        found["source"] = found["source"].replace(old, new, 1)

    return change


def updated(id_: str, **fields):
    """Return a fault: fields of a cell are set."""
    return lambda notebook: cell(notebook, id_).update(fields)


def without(id_: str):
    """Return a fault: the cell is not there."""
    return lambda notebook: notebook["cells"].remove(cell(notebook, id_))


def added(made: dict):
    """Return a fault: this cell stands at the end."""
    return lambda notebook: notebook["cells"].append(made)


def each_of(faults: dict[str, list]):
    """Give a test each (fault, what is said of it), and where that has to be seen."""
    rows = [(where, *row) for where, table in faults.items() for row in table]
    ids = [f"{where}: {what}" for where, _, what in rows]
    return pytest.mark.parametrize(("where", "fault", "what"), rows, ids=ids)


@pytest.fixture
def book(tmp_path) -> Book:
    """Return a book that keeps the contract and whose outputs are right."""
    made = Book(tmp_path)
    by = json.dumps({name: BY for name in ("demo", "solutions/demo")}, indent=1)
    (tmp_path / "book" / "executed.json").write_text(by + "\n", "utf-8")
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "dot.svg").write_text("<svg/>", "utf-8")
    lesson = [
        markdown(
            "title",
            "# Demo: one and one\n## What you will be able to do\n- Add.\n"
            "## What you need\nNothing.\n## 1. Adding\n"
            "![A red dot on white ground, nothing else](../img/dot.svg)",
            "# 演示：一加一\n## 学完本课你将能够\n- 做加法。\n"
            "## 准备知识\n什么都不需要。\n## 1. 加法\n"
            "![白底上的一个红点，此外什么也没有](../../img/dot.svg)",
        ),
        code("add", "1 + 1", result("2")),
        markdown(
            "drawing",
            "## 2. Drawing\nSee [adding](#1.-Adding).",
            "## 2. 画图\n见[加法](#1.-加法)。",
        ),
        code(
            "dot",
            DRAW,
            result("<Dot>", **{"image/png": DOT}),
            alt="A red square, which stands for a dot.",
            zh="一个红色方块，代表一个点。",
        ),
        code("say", 'print("said")', stream("said\n")),
        markdown(
            "summary",
            "## Summary\n- Two.\n## Exercises\n1. Add two and two. See"
            " [the solutions](solutions/demo.ipynb).\n## Discussion\nNone yet.",
            "## 小结\n- 二。\n## 练习\n1. 把二和二相加。见"
            "[解答](solutions/demo.ipynb)。\n## 讨论\n还没有。",
        ),
    ]
    solutions = [
        markdown(
            "title",
            "# Solutions: demo\nOf [the lesson](../demo.ipynb).",
            "# 演示的解答\n见[课文](../demo.ipynb)。",
        ),
        markdown("exercise-1", "## Exercise 1", "## 练习1"),
        code("two-and-two", "2 + 2", result("4")),
    ]
    contents = "- [Demo](demo.ipynb)\n- [Solutions](solutions/demo.ipynb)"
    chinese = "- [演示](demo.ipynb)\n- [解答](solutions/demo.ipynb)"
    made.write("demo", lesson)
    made.write("solutions/demo", solutions)
    made.write(
        "index",
        [
            markdown("title", "# A chapter", "# 一章"),
            markdown("contents", contents, chinese),
        ],
    )
    return made
