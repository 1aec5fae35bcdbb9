"""Start a lesson: `make new LESSON=name TITLE="…"`.

Writes a page and its solutions, with one example of all that a lesson has, and adds
them to the contents in both languages. What an author has to write says TO WRITE, and
the rules name each place. It overwrites nothing.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bookproof import store
from bookproof.book import METADATA, Book, NotebookError, NotebookNode, Page, dumps

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
ITEM = re.compile(r"^[-*] \[[^\]]*\]\(([^)]*\.ipynb)\)\s*$", re.MULTILINE)
SLIDE, HIDDEN = ({"slideshow": {"slide_type": kind}} for kind in ("slide", "skip"))
ASK = {
    "tags": ["predict"],
    "predict": {"find": r"[1-3]", "choices": ["1", "2", "3"]},
}


def markdown(id_: str, *blocks: str, **metadata: object) -> NotebookNode:
    return new_markdown_cell("\n\n".join(blocks), id=id_, metadata=metadata)


def lesson_cells(book: Book, name: str, title: str) -> Iterator[NotebookNode]:
    """Yield the cells of a lesson that has everything, and says nothing yet."""
    opening = "TO WRITE: the question of this lesson, in two sentences."
    yield markdown("title", f"# {title}", opening, **SLIDE)
    for section in book.sections or ["1.", *book.exercises[:1]]:
        id_ = re.sub(r"\W+", "-", section.lower()).strip("-")
        if section == "1.":
            heading = "## 1. First section"
            ask = "TO WRITE: the need, and a question. Will it print 1, 2 or 3?"
            answer = "# TO WRITE: the shortest code that answers it\n1 + 1"
            yield markdown("first-section", heading, ask, **SLIDE)
            yield new_code_cell(answer, id="first-answer", metadata=ASK)
            yield markdown("first-note", "TO WRITE: what was seen, and why.")
        elif section in book.exercises:
            task = "1. TO WRITE: an exercise, and all that follow it."
            solved = f"[the solutions](solutions/{name}.ipynb)"
            done = f"When you have tried, compare with {solved}."
            yield markdown(id_, f"## {section}", task, done, **HIDDEN)
        elif not section.endswith("?"):  # may be left out
            said = f"- TO WRITE: {section[0].lower()}{section[1:]}."
            yield markdown(id_, f"## {section}", said, **HIDDEN)


def solution_cells(name: str, title: str) -> Iterator[NotebookNode]:
    """Yield the cells of the solutions."""
    of = f"Worked solutions to the exercises of [the lesson](../{name}.ipynb)."
    yield markdown("title", f"# {title}", of)
    yield markdown("exercise-1", "## Exercise 1", "TO WRITE: what to expect.")
    answer = "# TO WRITE: the solution\n2 + 2"
    yield new_code_cell(answer, id="exercise-1-answer")


def listed(page: Page, links: dict[str, str]) -> str:
    """Return an index with more links, each after the last one of its folder."""
    for target, title in links.items():
        item, place = f"- [{title}]({target})", None
        for cell in page.prose:
            for hit in ITEM.finditer(cell.source):
                if Path(hit[1]).parent == Path(target).parent:
                    place = cell, hit.end()
        if not place:
            said = f"has no list “- [title]({target})” to add {target} to"
            raise NotebookError(f"{page.name}: {said}.")
        cell, end = place
        cell.source = f"{cell.source[:end]}\n{item}{cell.source[end:]}"
    return dumps(page.notebook)


def new(book: Book, name: str, title: str) -> list[Path]:
    """Write a lesson, its solutions and the contents; return what was written."""
    if not NAME.fullmatch(name):
        wanted = f"use lowercase words and hyphens: {book.command('new', 'two-words')}"
        raise NotebookError(f"“{name}” is no name for a lesson; {wanted} TITLE=…")
    if not title.strip():
        raise NotebookError("A lesson needs a title: TITLE=“What it is about”.")
    subject = title.partition(":")[0]  # “Solutions: A: b” would have two colons
    if not subject[:2].isupper():
        subject = subject[:1].lower() + subject[1:]
    solutions = f"Solutions: {subject}"
    cells = {
        book.folder / f"{name}.ipynb": lesson_cells(book, name, title),
        book.folder / "solutions" / f"{name}.ipynb": solution_cells(name, solutions),
    }
    if there := [path for path in cells if path.exists()]:
        raise NotebookError(f"There is a {book.name_of(there[0])} already.")
    texts = {
        path: dumps(new_notebook(cells=list(each), metadata=METADATA))
        for path, each in cells.items()
    }
    links = {f"{name}.ipynb": title, f"solutions/{name}.ipynb": solutions}
    old = {}
    for home in (book.folder, book.folder / book.translation):
        if (path := home / "index.ipynb").exists():
            page = Page.read(path, book)
            old[path], texts[path] = page.text, listed(page, links)
    return store.write_all(texts, old)
