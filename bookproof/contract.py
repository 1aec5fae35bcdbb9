"""The rules of a book: what must hold before any kernel is started.

rules/ holds them. This lists them, applies them, and says what they found.
"""

import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bookproof.book import Book, NotebookError, Page
from bookproof.rules import broken, chinese, code, form, pages, translation

RULES = [*form.RULES, *code.RULES, *pages.RULES]
TRANSLATION = [*translation.RULES, *chinese.RULES]


def problems(book: Book, paths: Iterable[Path]) -> list[str]:
    """Return what is wrong with these notebooks, for people."""
    return [line for _, found in sorted_problems(book, paths) for line in found]


def sorted_problems(
    book: Book, paths: Iterable[Path]
) -> Iterator[tuple[str, list[str]]]:
    """Yield what is wrong by the rules, and then what is with the translation."""
    read, found = [], sanitizer_problems(book.sanitizer)
    for path in paths:
        try:
            read.append(Page.read(path, book))
        except NotebookError as error:
            found.append(str(error))
    yield "Rules", [*found, *broken(read, RULES)]
    if book.translation:
        yield "Translation", list(broken(read, TRANSLATION))


def sanitizer_problems(path: Path | None) -> list[str]:
    """Return one sentence for each line that nbval would ignore or choke on.

    nbval takes pairs of lines, “regex: …” and “replace: …”, and ignores everything
    else in silence; here everything else, but comments and blank lines, is a problem.
    """
    if path is None:
        return []
    if not path.is_file():
        return [f"{path.name}: the sanitiser file is missing; restore it with git."]
    found, in_pair = [], False
    for number, line in enumerate([*path.read_text("utf-8").splitlines(), ""], 1):
        said = ""
        if in_pair:
            if not line.startswith("replace: "):
                said = "nbval wants “replace: …” right after “regex: …”"
            in_pair = False
        elif in_pair := line.startswith("regex: "):
            try:
                re.compile(line.removeprefix("regex: "))
            except re.error as error:
                said = f"not a regular expression ({error})"
        elif line.strip() and not line.startswith("#"):
            said = f"nbval would ignore “{line}”; a line begins with “regex: ” or"
            said += " “replace: ” (one space) or #"
        if said:
            found.append(f"{path.parent.name}/{path.name}, line {number}: {said}.")
    return found


def report(book: Book, paths: Sequence[Path]) -> int:
    """Print what is wrong; return how much.

    While an original breaks rules, what is wrong with the translation, which will have
    to follow it, is only counted.
    """
    start, total, first = time.perf_counter(), 0, False
    for title, found in sorted_problems(book, paths):
        seconds, start = time.perf_counter() - start, time.perf_counter()
        total += len(found)
        if first:
            if found:
                shown = f"{book.command('check')} shows them when these are mended"
                count = f"{len(found)} finding{'s' * (len(found) > 1)}"
                print(f"and {count} about the translation: {shown}")
            break
        print("\n".join(found), end="\n" if found else "", file=sys.stderr, flush=True)
        verdict = f"{len(found)} to mend" if found else "kept"
        said = f"{title}: {verdict} ({len(paths)} notebooks, {seconds:.1f} s)"
        print(said, flush=True)
        first = any(not line.startswith(f"{book.translation}/") for line in found)
    return total
