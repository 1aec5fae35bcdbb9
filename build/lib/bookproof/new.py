"""Start a lesson: `make new LESSON=name TITLE="…"`.

Writes a page and its solutions, with one example of all that a lesson has, and adds
them to the contents in both languages. What an author has to write says TO WRITE, and
the rules name each place. It overwrites nothing.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from bookproof import store
from bookproof.book import METADATA, Book, NotebookError, Page, dumps, parse

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
ITEM = re.compile(r"^[-*] \[[^\]]*\]\(([^)]*\.ipynb)\)\s*$", re.MULTILINE)
SLIDE, HIDDEN = ({"slideshow": {"slide_type": kind}} for kind in ("slide", "skip"))
ASK = {
    "tags": ["predict"],
    "predict": {"find": r"[1-3]", "choices": ["1", "2", "3"]},
}


def markdown(id_: str, *lines: str, **metadata: object) -> dict:
    source = "\n".join(lines)
    return {
        "cell_type": "markdown",
        "id": id_,
        "metadata": metadata,
        "source": source,
    }


def code(id_: str, source: str, **metadata: object) -> dict:
    cell = {"cell_type": "code", "id": id_, "metadata": metadata, "source": source}
    return cell | {"outputs": [], "execution_count": None}


def lesson_cells(book: Book, name: str, title: str) -> Iterator[dict]:
    """Yield the cells of a lesson that has everything, and says nothing yet."""
    opening = "TO WRITE: the question of this lesson, in two sentences."
    yield markdown("title", f"# {title}", "", opening, **SLIDE)
    for section in book.sections or ["1.", *book.exercises[:1]]:
        id_ = re.sub(r"\W+", "-", section.lower()).strip("-")
        if section.endswith("?"):  # may be left out
            continue
        if section == "1.":
            yield from section_cells()
        elif section in book.exercises:
            solved = f"[the solutions](solutions/{name}.ipynb)"
            task = "1. TO WRITE: an exercise, and all that follow it."
            done = f"When you have tried, compare with {solved}."
            yield markdown(id_, f"## {section}", "", task, "", done, **HIDDEN)
        else:
            said = f"- TO WRITE: {section[0].lower()}{section[1:]}."
            yield markdown(id_, f"## {section}", "", said, **HIDDEN)


def section_cells() -> Iterator[dict]:
    """Yield a section that asks, lets the reader predict, shows, and says."""
    heading = "## 1. First section"
    question = "TO WRITE: the need, and a question. Will the next cell print 1, 2 or 3?"
    yield markdown("first-section", heading, "", question, **SLIDE)
    yield code("first-answer", "# TO WRITE: the shortest code that answers it\n1 + 1")
    yield markdown("first-note", "TO WRITE: what was seen, and why.")


def solution_cells(book: Book, name: str, title: str) -> Iterator[dict]:
    """Yield the cells of the solutions."""
    anchor = book.exercises[0].replace(" ", "-") if book.exercises else ""
    lesson = f"../{name}.ipynb#{anchor}".rstrip("#")
    of = f"Worked solutions to the exercises of [the lesson]({lesson})."
    yield markdown("title", f"# Solutions: {title}", "", of)
    yield markdown("exercise-1", "## Exercise 1", "", "TO WRITE: what to expect.")
    yield code("exercise-1-answer", "# TO WRITE: the solution\n2 + 2")


def text_of(cells: list[dict], name: str) -> str:
    """Return the text of a notebook that was not executed yet."""
    for cell in cells:
        if cell["id"] == "first-answer":
            cell["metadata"] = ASK
    raw = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return dumps(parse(json.dumps(raw), name))


def listed(page: Page, links: dict[str, str]) -> str:
    """Return an index with more links, each after the last one of its folder."""
    for target, title in links.items():
        folder = target.rpartition("/")[0]
        places = [
            (cell, hit)
            for cell in page.prose
            for hit in ITEM.finditer(cell.source)
            if hit[1].rpartition("/")[0] == folder
        ]
        if not places:
            raise NotebookError(
                f"{page.name}: has no list “- [title]({target})” to add {target} to."
            )
        cell, hit = places[-1]
        item = f"\n- [{title}]({target})"
        cell.source = cell.source[: hit.end()] + item + cell.source[hit.end() :]
    return dumps(page.notebook)


def new(book: Book, name: str, title: str) -> list[Path]:
    """Write a lesson, its solutions and the contents; return what was written."""
    if not NAME.fullmatch(name):
        raise NotebookError(
            f"“{name}” is no name for a lesson; use lowercase words and hyphens:"
            f" {book.command('new', 'gradient-checks')} TITLE=…"
        )
    if not title.strip():
        raise NotebookError("A lesson needs a title: TITLE=“What it is about”.")
    cells = {
        book.folder / f"{name}.ipynb": lesson_cells(book, name, title),
        book.folder / "solutions" / f"{name}.ipynb": solution_cells(book, name, title),
    }
    if there := [path for path in cells if path.exists()]:
        raise NotebookError(f"There is a {book.name_of(there[0])} already.")
    texts = {p: text_of(list(each), book.name_of(p)) for p, each in cells.items()}
    links = {
        f"{name}.ipynb": title,
        f"solutions/{name}.ipynb": f"Solutions: {title}",
    }
    old = {}
    for home in (book.folder, book.folder / book.translation):
        if (path := home / "index.ipynb").exists():
            page = Page.read(path, book)
            old[path], texts[path] = page.text, listed(page, links)
    return store.write_all(texts, old)
