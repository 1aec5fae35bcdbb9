"""Bring the Chinese edition in step: `make sync [LESSON=…] [TRANSLATED="x x:cell"]`.

Copies code cells, outputs, order and metadata from English to Chinese, keeps all
Chinese prose, and lists what is stale, missing or surplus, with the English text
before and after. With TRANSLATED it records that a lesson, or a cell, was written for
the English text of now. It writes the Chinese notebooks only: every file or none.
"""

import copy
import difflib
from collections import Counter

from bookproof import store
from bookproof.book import Book, NotebookError, NotebookNode, Page, dumps, read
from bookproof.editions import (
    chinese_path,
    english_of,
    in_english,
    source_hash,
    translatable,
    translatables,
)
from bookproof.rules.translation import labelled, translated


def merge(english: Page, chinese: Page | None, done: set[str]) -> str:
    """Return the Chinese notebook, in step with the English one.

    A cell that is not translated yet holds the English text; a cell whose id changed
    is known by the English text it translates. A surplus text stays, at the end.
    Raises NotebookError if a cell in `done` is not translated.
    """
    notebook = copy.deepcopy(english.notebook)
    cells = chinese.notebook.cells if chinese else []
    kept = {(cell.id, cell.cell_type): cell for cell in cells if translatable(cell)}
    ids = {cell.id for cell in notebook.cells}
    renamed = {
        cell.metadata.get("translates"): key
        for key, cell in kept.items()
        if cell.id not in ids
    }
    for cell in notebook.cells:
        cell.metadata.pop("translates", None)
        if not (text := translatable(cell)):
            continue
        key = cell.id, cell.cell_type
        if key not in kept:
            key = renamed.get(source_hash(text), key)
        was = kept.pop(key, None)
        if was and not in_english(translatable(was), text):
            take(cell, was)
        if cell.id in done:
            if in_english(translatable(cell), text):
                zh = english.book.translation
                raise NotebookError(
                    f"{zh}/{english.name}, cell {cell.id}: is not written in Chinese"
                    " yet, so it cannot be recorded."
                )
            cell.metadata["translates"] = source_hash(text)
    notebook.cells += [cell for (_, kind), cell in kept.items() if kind == "markdown"]
    return dumps(notebook)


def take(cell: NotebookNode, was: NotebookNode) -> None:
    """Put the Chinese text of `was`, and what it translates, into `cell`."""
    if cell.cell_type == "markdown":
        cell.source = was.source
    else:
        cell.metadata["alt"] = was.metadata["alt"]
    if "translates" in was.metadata:
        cell.metadata["translates"] = was.metadata["translates"]


def resolve(given: str, english: list[Page]) -> dict[str, set[str]]:
    """Return the cells that TRANSLATED names, by notebook.

    A word is "lesson", which means every text of its page and solutions; "lesson:id";
    or "id", if no lesson is called so. Raises NotebookError if there is no such text,
    or several have the id.
    """
    texts = {page.name: translatables(page) for page in english}
    found = {name: set() for name in texts}
    zh = f"{english[0].book.translation}/"
    for word in given.split():
        name, _, cell_id = word.removeprefix(zh).rpartition(":")
        homes = [n for n in texts if cell_id in texts[n] and name in ("", n)]
        whole = [n for n in texts if not name and n.rpartition("/")[2] == cell_id]
        if whole:
            for home in whole:
                found[home] |= texts[home].keys()
            continue
        if not homes:
            every = [w for n in texts for i in texts[n] for w in (i, f"{n}:{i}", n)]
            close = difflib.get_close_matches(word, every, 1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise NotebookError(f"There is no text {word} to translate.{hint}")
        if len(homes) > 1:
            names = " or ".join(f"{home}:{cell_id}" for home in homes)
            raise NotebookError(
                f"Several notebooks have a cell {cell_id}; say {names}."
            )
        found[homes[0]].add(cell_id)
    return found


def check_ids(page: Page) -> None:
    """Raise NotebookError if two cells have one id: a text would get lost."""
    for cell_id, times in Counter(cell.id for cell in page.notebook.cells).items():
        if times > 1:
            raise NotebookError(
                f"{page.name}, cell {cell_id}: {times} cells have this id; give each"
                " its own."
            )


def sync(book: Book, lesson: str = "", given: str = "") -> list[str]:
    """Write the Chinese notebooks of a lesson, or all; return which ones changed."""
    if not book.translation:
        raise NotebookError("The settings name no second language, in `languages`.")
    pages = read(book, lesson)
    for page in pages:
        check_ids(page)
    english = [page for page in pages if not page.is_translation]
    chinese = {page.path: page for page in pages if page.is_translation}
    done, new = resolve(given, english), {}
    for page in english:
        path = chinese_path(page)
        new[path] = merge(page, chinese.get(path), done[page.name])
    changed = store.write_all(new, {path: page.text for path, page in chinese.items()})
    return [book.name_of(path) for path in new if path in changed]


def left(book: Book, lesson: str = "") -> list[str]:
    """Return what there is to translate or to delete, for people."""
    found = []
    for page in read(book, lesson):
        if not page.is_translation:
            continue
        if not (english := english_of(page)):
            found.append(f"{page.name}: is surplus; there is no English notebook.")
            continue
        found += [f"{page.name}, cell {i}: {what}." for i, what in translated(page)]
        ids = {cell.id for cell in english.notebook.cells}
        for cell_id, text in translatables(page).items():
            if cell_id not in ids:
                text = labelled("Chinese", text.splitlines())
                said = f"is surplus; English has no such cell:\n{text}\n  Delete it"
                found.append(f"{page.name}, cell {cell_id}: {said}, or move its text.")
    return found
