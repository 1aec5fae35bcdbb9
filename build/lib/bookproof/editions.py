"""The two editions of a book: where they lie, and what of a cell is translated.

Both share every code cell and output. Every other text, in a Markdown cell or the
alternative text of a figure, is translated, and the Chinese cell records as
`translates` in its metadata a hash of the English text it was written for. Reads
notebooks and their history in git; writes nothing.
"""

import hashlib
import json
import re
import subprocess
from functools import lru_cache
from pathlib import Path

from bookproof.book import Book, NotebookError, NotebookNode, Page, parse

HAN = re.compile("[\u4e00-\u9fff]")
ENGLISH = re.compile("[A-Za-z]{3}")
VERSIONS = 50  # of a notebook in git, that are searched for an earlier text


def english_path(page: Page) -> Path:
    return page.book.folder / page.path.relative_to(page.home)


def chinese_path(page: Page) -> Path:
    book = page.book
    return book.folder / book.translation / page.path.relative_to(page.home)


def english_of(page: Page) -> Page | None:
    """Return the English page of a Chinese one; None if it cannot be read.

    That it cannot is said by the rule `editions`, or where it is read itself.
    """
    return read(english_path(page), page.book)


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


def in_english(chinese: str, english: str) -> bool:
    """Tell whether a Chinese text is still the English one, or in English."""
    if not ENGLISH.search(english):
        return False  # nothing but a formula, say
    return not HAN.search(chinese) or chinese == english


def before(english: Page, recorded: str) -> str | None:
    """Return the English text with this hash out of git; None if it has none."""
    return _history(english.path).get(recorded)


@lru_cache(maxsize=64)
def _history(path: Path) -> dict[str, str]:
    """Return the translatable texts of earlier versions of a notebook by hash."""
    log = _git(path, "log", f"-n{VERSIONS}", "--format=%H:./" + path.name, "--", path)
    answer, texts = _git(path, "cat-file", "--batch", given=log), {}
    while answer:  # each is: name, kind and size; the file; an empty line
        head, _, answer = answer.partition(b"\n")
        if head.endswith(b" missing"):  # in the commit that deleted it
            continue
        size = int(head.split()[-1])
        version, answer = answer[:size], answer[size + 1 :]
        try:
            raw = json.loads(version)["cells"]
        except (ValueError, KeyError, TypeError):
            continue  # was no notebook then
        for cell in raw:
            text = "".join(cell["source"])
            if cell["cell_type"] == "code":
                text = cell["metadata"].get("alt", "")
            texts.setdefault(source_hash(text), text)
    return texts


def _git(path: Path, *arguments: str | Path, given: bytes = b"") -> bytes:
    """Return what git answers in the folder of `path`; nothing if it fails."""
    command = ["git", "-C", path.parent, *arguments]
    try:
        run = subprocess.run(command, input=given, capture_output=True)
    except OSError:
        return b""  # there is no git
    return run.stdout if run.returncode == 0 else b""
