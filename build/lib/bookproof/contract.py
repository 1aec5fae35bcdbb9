"""The rules of a book: what must hold before any kernel is started.

rules/ holds them, by what they are about; each takes a Page and yields (cell id, what
is wrong and what to do). This lists them, applies them, and says what they found.
"""

import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bookproof.book import Book, NotebookError, Page
from bookproof.rules import chinese, code, form, pages, translation

RULES = [*form.RULES, *code.RULES, *pages.RULES]
TRANSLATION = [*translation.RULES, *chinese.RULES]


def problems(book: Book, paths: Iterable[Path]) -> list[str]:
    """Return what is wrong with these notebooks, for people."""
    return [line for _, found in sorted_problems(book, paths) for line in found]


def sorted_problems(
    book: Book, paths: Iterable[Path]
) -> Iterator[tuple[str, list[str]]]:
    """Yield what is wrong by the rules, and then what is with the translation."""
    pages, unreadable = [], sanitizer_problems(book.sanitizer)
    for path in paths:
        try:
            pages.append(Page.read(path, book))
        except NotebookError as error:
            unreadable.append(str(error))
    yield "Rules", unreadable + list(broken(pages, RULES))
    if book.translation:
        yield "Translation", list(broken(pages, TRANSLATION))


def broken(pages: Iterable[Page], rules: Iterable) -> Iterator[str]:
    for page in pages:
        for rule in rules:
            for cell_id, what in rule(page):
                where = f"{page.name}, cell {cell_id}" if cell_id else page.name
                yield f"{where}: {what}."


def sanitizer_problems(path: Path | None) -> list[str]:
    """Return one sentence for each line that nbval would ignore or choke on.

    nbval takes pairs of lines, “regex: …” and “replace: …”, and ignores everything
    else in silence; here everything else, but comments and blank lines, is a problem.
    """
    if path is None:
        return []
    if not path.is_file():
        return [f"{path.name}: the sanitiser file is missing; restore it with git."]
    found, expected = [], "regex: "
    for number, line in enumerate([*path.read_text("utf-8").splitlines(), ""], 1):
        where = f"{path.parent.name}/{path.name}, line {number}"
        if line.startswith(expected):
            if expected == "regex: ":
                try:
                    re.compile(line.removeprefix(expected))
                except re.error as error:
                    found.append(f"{where}: not a regular expression ({error}).")
            expected = "replace: " if expected == "regex: " else "regex: "
        elif expected == "replace: ":
            found.append(f"{where}: nbval wants “replace: …” right after “regex: …”.")
            expected = "regex: "
        elif line.strip() and not line.startswith("#"):
            found.append(
                f"{where}: nbval would ignore “{line}”; a line begins with"
                " “regex: ” or “replace: ” (one space) or #."
            )
    return found


def report(book: Book, paths: Sequence[Path]) -> int:
    """Print every problem, those of the translation last; return how many."""
    start, total = time.perf_counter(), 0
    for title, found in sorted_problems(book, paths):
        for problem in found:
            print(problem, file=sys.stderr, flush=True)
        seconds, start = time.perf_counter() - start, time.perf_counter()
        verdict = f"{len(found)} to mend" if found else "kept"
        said = f"{title}: {verdict} ({len(paths)} notebooks, {seconds:.1f} s)"
        print(said, flush=True)
        total += len(found)
    return total
