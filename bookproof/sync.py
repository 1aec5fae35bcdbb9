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
from bookproof.book import (
    Book,
    NotebookError,
    NotebookNode,
    Page,
    did_you_mean,
    dumps,
    read,
)
from bookproof.editions import (
    HAN,
    chinese_path,
    in_english,
    named,
    own,
    source_hash,
    translatable,
    translatables,
)
from bookproof.rules import broken, translation


def merge(english: Page, chinese: Page | None, done: set[str]) -> str:
    """Return the Chinese notebook, in step with the English one.

    A cell that is not translated yet holds the English text, but for headings that the
    settings name. A Chinese text whose English cell has another id goes with it; one
    that has no English cell stays, at the end, if it is more than a copy. Raises
    NotebookError if a cell in `done` is not translated.
    """
    notebook, book = copy.deepcopy(english.notebook), english.book
    cells = chinese.notebook.cells if chinese else []
    kept = {(cell.id, cell.cell_type): cell for cell in cells if translatable(cell)}
    known = renamed(notebook.cells, cells)
    for cell in notebook.cells:
        cell.metadata.pop("translates", None)
        if not (text := translatable(cell)):
            continue
        key = (known.get(cell.id, cell.id), cell.cell_type)
        was = kept.pop(key, None)
        if was and not in_english(translatable(was), text, book):
            take(cell, was)
        elif cell.cell_type == "markdown":
            cell.source = named(text, book)
        if cell.id in done:
            if in_english(translatable(cell), text, book):
                said = "is not written in Chinese yet, so it cannot be recorded."
                where = f"{book.translation}/{english.name}, cell {cell.id}"
                raise NotebookError(f"{where}: {said}")
            cell.metadata["translates"] = source_hash(text)
    left = [cell for cell in kept.values() if cell.cell_type == "markdown"]
    notebook.cells += [cell for cell in left if HAN.search(own(cell.source, book))]
    return dumps(notebook)


def renamed(english: list[NotebookNode], chinese: list[NotebookNode]) -> dict[str, str]:
    """Return the ids that Chinese cells have still, by the new id in English.

    A cell is known by the English text that it translates, or by its neighbours.
    """
    new, old = [cell.id for cell in english], [cell.id for cell in chinese]
    found, matcher = {}, difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        if tag == "replace" and end - start == last - first:
            found |= zip(new[first:last], old[start:end], strict=True)
    texts = {cell.metadata.get("translates"): cell.id for cell in chinese}
    for cell in english:
        if was := texts.get(source_hash(translatable(cell))):
            found[cell.id] = was
    there = {*new} & {*old}
    return {
        now: was for now, was in found.items() if now not in there and was not in there
    }


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
        if not whole and not homes:
            every = [w for n in texts for i in texts[n] for w in (i, f"{n}:{i}", n)]
            hint = did_you_mean(word, every)
            raise NotebookError(f"There is no text {word} to translate.{hint}")
        if not whole and len(homes) > 1:
            names = " or ".join(f"{home}:{cell_id}" for home in homes)
            said = f"Several notebooks have a cell {cell_id}; say {names}."
            raise NotebookError(said)
        for home in whole or homes:
            found[home] |= texts[home].keys() if whole else {cell_id}
    return found


def sync(book: Book, lesson: str = "", given: str = "") -> list[str]:
    """Write the Chinese notebooks of a lesson, or all; return which ones changed."""
    if not book.translation:
        raise NotebookError("The settings name no second language, in `languages`.")
    pages = read(book, lesson)
    for page in pages:
        ids = Counter(cell.id for cell in page.notebook.cells)
        for cell_id in (cell_id for cell_id, times in ids.items() if times > 1):
            said = f"{ids[cell_id]} cells have this id; give each its own."
            raise NotebookError(f"{page.name}, cell {cell_id}: {said}")
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
    pages = [page for page in read(book, lesson) if page.is_translation]
    return list(broken(pages, translation.RULES))
