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

LESSON = """
# Demo: one and one
## What you will be able to do
- Add.
## What you need
Nothing.
## 1. Adding
![A red dot on white ground, nothing else](../img/dot.svg)
## 2. Drawing
See [adding](#1.-Adding).
## Summary
- Two.
## Exercises
1. Add two and two. See [the solutions](solutions/demo.ipynb).
## Discussion
None yet.
"""
CHINESE = {  # by notebook and cell; code cells give their alternative text
    "demo": {
        "title": """\
# 演示：一加一
## 学完本课你将能够
- 做加法。
## 准备知识
什么都不需要。
## 1. 加法
![白底上的一个红点，此外什么也没有](../../img/dot.svg)""",
        "drawing": "## 2. 画图\n见[加法](#1.-加法)。",
        "dot": "一个红色方块，代表一个点。",
        "summary": """\
## 小结
- 二。
## 练习
1. 把二和二相加。见[解答](solutions/demo.ipynb)。
## 讨论
还没有。""",
    },
    "solutions/demo": {
        "title": "# 演示的解答\n见[课文](../demo.ipynb)。",
        "exercise-1": "## 练习1",
    },
    "index": {
        "title": "# 一章",
        "contents": "- [演示](demo.ipynb)\n- [解答](solutions/demo.ipynb)",
    },
}
FIGURE = """\
import base64

PNG = (
    {png}
)


class Dot:
    def __repr__(self):
        return "<Dot>"

    def _repr_png_(self):
        return base64.b64decode(PNG)


Dot()"""
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
        """Give a command to bookproof; return its status and all that it said."""
        done = subprocess.run(
            [sys.executable, "-m", "bookproof", *map(str, arguments)],
            cwd=self.root,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    def path(self, name: str) -> Path:
        return self.chapter / f"{name}.ipynb"

    def write(self, name: str, cells: list[dict]) -> Path:
        """Write a notebook of these cells as refresh would."""
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        for count, cell in enumerate(code, start=1):
            cell["execution_count"] = count
            for output in cell["outputs"]:
                if output["output_type"] == "execute_result":
                    output["execution_count"] = count
        metadata = METADATA | {"code_cells": len(code)}
        raw = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        parsed = parse(json.dumps(raw), name)
        self.path(name).write_text(dumps(parsed), "utf-8")
        return self.path(name)

    def translate(self, name: str, texts: dict[str, str]) -> None:
        """Write the Chinese edition of a notebook, with `texts` by cell id."""
        raw = json.loads(self.path(name).read_text("utf-8"))
        for cell in raw["cells"]:
            if cell["id"] not in texts:
                continue
            english = cell["metadata"].get("alt") or "".join(cell["source"])
            cell["metadata"]["translates"] = source_hash(english)
            if cell["cell_type"] == "markdown":
                cell["source"] = texts[cell["id"]]
            else:
                cell["metadata"]["alt"] = texts[cell["id"]]
        parsed = parse(json.dumps(raw), f"zh/{name}")
        self.path(f"zh/{name}").write_text(dumps(parsed), "utf-8")

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

    def texts(self) -> dict[Path, str]:
        """Return every file in the chapter with its text, for comparisons."""
        files = (path for path in self.chapter.rglob("*") if path.is_file())
        return {path: path.read_text("utf-8") for path in files}


def environment() -> dict[str, str]:
    """Return the environment in which a command finds the bookproof that is tested."""
    quiet = {"PYTEST_ADDOPTS": "-p no:cacheprovider", "PYTHONPATH": str(ROOT)}
    return os.environ | quiet


def markdown(id_: str, source: str) -> dict:
    return {"cell_type": "markdown", "id": id_, "metadata": {}, "source": source}


def code(id_: str, source: str, *outputs: dict, **metadata) -> dict:
    cell = {"cell_type": "code", "id": id_, "metadata": metadata, "source": source}
    return cell | {"outputs": list(outputs), "execution_count": None}


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


@pytest.fixture
def book(tmp_path) -> Book:
    """Return a book that keeps the contract and whose outputs are right."""
    made = Book(tmp_path)
    by = json.dumps({name: BY for name in ("demo", "solutions/demo")}, indent=1)
    (tmp_path / "book" / "executed.json").write_text(by + "\n", "utf-8")
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "dot.svg").write_text("<svg/>", "utf-8")
    head, drawing = LESSON.strip().split("## 2.")
    made.write(
        "demo",
        [
            markdown("title", head.strip()),
            code("add", "1 + 1", result("2")),
            markdown("drawing", "## 2." + drawing.split("\n## Summary")[0]),
            code(
                "dot",
                FIGURE.format(png="\n    ".join(f'"{line}"' for line in wrap(DOT, 70))),
                result("<Dot>", **{"image/png": DOT}),
                alt="A red square, which stands for a dot.",
            ),
            code("say", 'print("said")', stream("said\n")),
            markdown("summary", "## Summary" + drawing.split("\n## Summary")[1]),
        ],
    )
    made.write(
        "solutions/demo",
        [
            markdown("title", "# Solutions: demo\nOf [the lesson](../demo.ipynb)."),
            markdown("exercise-1", "## Exercise 1"),
            code("two-and-two", "2 + 2", result("4")),
        ],
    )
    made.write(
        "index",
        [
            markdown("title", "# A chapter"),
            markdown(
                "contents", "- [Demo](demo.ipynb)\n- [Solutions](solutions/demo.ipynb)"
            ),
        ],
    )
    for name, texts in CHINESE.items():
        made.translate(name, texts)
    return made
