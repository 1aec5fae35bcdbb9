"""The two editions of a book: where they lie, and what of a cell is translated.

Both share every code cell and output. Every other text, in a Markdown cell or the
alternative text of a figure, is translated, and the Chinese cell records as
`translates` in its metadata a hash of the English text it was written for. Reads
notebooks and their history in git; writes nothing.
"""

import hashlib
import re
import subprocess
from functools import cache, lru_cache
from pathlib import Path

from bookproof.book import Book, NotebookError, NotebookNode, Page, nbformat, parse

HAN = re.compile("[\u4e00-\u9fff]")
ENGLISH = re.compile("[A-Za-z]{3}")
HEADING = re.compile(r"(?m)^(#+ )(.*?)( ?\d*)$")
VERSIONS = 50  # of a notebook in git, that are searched for an earlier text


def english_path(page: Page) -> Path:
    return page.book.folder / page.path.relative_to(page.home)


def chinese_path(page: Page) -> Path:
    book = page.book
    return book.folder / book.translation / page.path.relative_to(page.home)


def english_of(page: Page) -> Page | None:
    """Return the English page of a Chinese one; None if it is none, or has none.

    That it cannot be read is said by the rule `editions`, or where it is read itself.
    """
    return read(english_path(page), page.book) if page.is_translation else None


def read(path: Path, book: Book) -> Page | None:
    """Return the page at `path`, parsed once only; None if it cannot be read."""
    try:
        return _parsed(path, book, path.read_text("utf-8"))
    except (NotebookError, OSError, ValueError):
        return None


@lru_cache(maxsize=64)
def _parsed(path: Path, book: Book, text: str) -> Page:
    return Page(path, book, text, parse(text, book.name_of(path)))


def source_hash(english: str) -> str:
    """Return what a translation records of the English text it translates."""
    return hashlib.sha256(english.encode()).hexdigest()[:12]


def translatable(cell: NotebookNode) -> str:
    """Return the text of a cell that is another in each language; "" if none is."""
    if cell.cell_type == "markdown":
        return cell.source
    return cell.metadata.get("alt", "") if cell.cell_type == "code" else ""


def translatables(page: Page) -> dict[str, str]:
    """Return every text that is another in each language, by cell id."""
    texts = {cell.id: translatable(cell) for cell in page.notebook.cells}
    return {cell_id: text for cell_id, text in texts.items() if text}


def named(english: str, book: Book) -> str:
    """Return an English text with the headings in Chinese that the settings name.

    A number may follow: if “Exercise” is “练习”, then “## Exercise 1” is “## 练习1”.
    """

    def name(hit: re.Match) -> str:
        known = hit[2] in book.headings
        return hit[1] + book.headings[hit[2]] + hit[3].strip() if known else hit[0]

    return HEADING.sub(name, english)


def own(chinese: str, book: Book) -> str:
    """Return a Chinese text without such headings, which sync writes."""
    names = book.headings.values()
    return HEADING.sub(lambda hit: "" if hit[2] in names else hit[0], chinese)


def in_english(chinese: str, english: str, book: Book) -> bool:
    """Tell whether a Chinese text is still the English one, or in English."""
    if not ENGLISH.search(english):
        return False  # nothing but a formula, say
    mine = own(chinese, book)
    untouched = not HAN.search(mine) and (mine == chinese or bool(mine.strip()))
    return untouched or chinese == english


def before(english: Page, recorded: str) -> str | None:
    """Return the English text with this hash out of git; None if it has none."""
    path = english.path
    log = _git(path, "log", f"-n{VERSIONS}", "--format=%H", "--", path.name)
    for version in log.split():
        for text in _texts(path, version):
            if source_hash(text) == recorded:
                return text
    return None


@cache
def _texts(path: Path, version: str) -> list[str]:
    """Return the translatable texts of an earlier version of a notebook."""
    try:
        text = _git(path, "show", f"{version}:./{path.name}")
        return list(map(translatable, nbformat.v4.reads_json(text).cells))
    except (ValueError, LookupError, TypeError, AttributeError):
        return []  # was no notebook then


def _git(path: Path, *arguments: str) -> str:
    """Return what git answers in the folder of `path`; nothing if it fails."""
    command = ["git", "-C", path.parent, *arguments]
    try:
        run = subprocess.run(command, capture_output=True, encoding="utf-8")
    except OSError:
        return ""  # there is no git
    return run.stdout if run.returncode == 0 else ""
