"""Rules about headings, links, pictures, and the pages that belong together.

form.py says what a rule is.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from bookproof.book import NotebookError, Page, select
from bookproof.markdown import exercises, headings, targets

SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")

Finding = tuple[str, str]


def is_lesson(page: Page) -> bool:
    """Tell whether this is a lesson, and no index, solutions or in-depth page."""
    other = page.lesson == "index" or page.path.parent.name == "solutions"
    return not other and not in_depth(page)


def in_depth(page: Page) -> bool:
    return page.lesson.endswith(page.book.depth)


def skeleton(page: Page) -> Iterator[Finding]:
    """A page has one title, and a lesson the sections its readers expect."""
    found = headings(page)
    if not found or found[0][1] != 1 or [level for _, level, _ in found].count(1) != 1:
        yield "", "begins with one “# Title” and has no second; mend the headings"
    if not (is_lesson(page) or in_depth(page)) or page.is_translation:
        return
    seconds = [text for _, level, text in found if level == 2]
    numbered = [text for text in seconds if re.match(r"\d+\. ", text)]
    for number, text in enumerate(numbered, start=1):
        if not text.startswith(f"{number}. "):
            yield "", f"section “{text}” should have the number {number}"
    outline = [t for t in seconds if t not in numbered[1:]]
    outline = ["1." if t in numbered[:1] else t for t in outline]
    wanted = page.book.sections
    kept = [t.rstrip("?") for t in wanted if t[-1] != "?" or t[:-1] in outline]
    if is_lesson(page) and wanted and outline != kept:
        named = ", ".join(t.rstrip("?") for t in wanted)
        yield "", f"has the sections {', '.join(outline)}; a lesson has {named}"


def links(page: Page) -> Iterator[Finding]:
    """Links lead somewhere: file, notebook and heading exist."""
    for cell in page.prose:
        for kind, target, _ in targets(cell.source):
            if kind == "link" and (what := broken(page, target)):
                yield cell.id, f"the link {target} {what}"


def broken(page: Page, target: str) -> str:
    """Return what is wrong with a link's target, or an empty string."""
    if SCHEME.match(target):
        allowed = target.startswith(("https://", "mailto:"))
        return "" if allowed else "is no https: link; use one"
    file, _, anchor = unquote(target).partition("#")
    path = (page.path.parent / file).resolve() if file else page.path.resolve()
    if not path.exists():
        return "leads to no file; mend it or restore the file"
    if not anchor:
        return ""
    if path.suffix != ".ipynb":
        return "has an anchor into something that is no notebook; drop it"
    try:
        there = page if path == page.path.resolve() else Page.read(path, page.book)
    except (NotebookError, ValueError):
        return "leads into a broken notebook"
    anchors = {text.replace(" ", "-") for _, _, text in headings(there)}
    return "" if anchor in anchors else f"names no heading of {there.name}; mend it"


def pictures(page: Page) -> Iterator[Finding]:
    """Every picture exists and says in words what it shows."""
    for cell in page.prose:
        for kind, target, alt in targets(cell.source):
            if kind != "image":
                continue
            if (
                SCHEME.match(target)
                or not (page.path.parent / unquote(target)).exists()
            ):
                yield cell.id, f"the picture {target} is not in this repository"
            if not describes(alt, target):
                yield cell.id, f"the picture {target} needs alternative text: ![…](…)"
    for cell in page.code:
        kinds = (key for out in cell.outputs for key in out.get("data", {}))
        drawn = any(key.startswith("image/") for key in kinds)
        alt = cell.metadata.get("alt", "")
        if drawn and not (isinstance(alt, str) and describes(alt, cell.id)):
            yield cell.id, "draws a figure; say what it shows in the metadata “alt”"
        if alt and not drawn:
            yield cell.id, "has alternative text and draws nothing; delete “alt”"


def describes(alt: str, target: str) -> bool:
    """Tell whether `alt` is more than nothing, a word or the file's name."""
    name = re.sub(r"[-_]", " ", Path(target).stem).lower()
    words = len(alt.split()) + len(re.findall("[\u4e00-\u9fff]", alt)) // 2
    return words > 3 and alt.lower().strip(" .") != name


def contents(page: Page) -> Iterator[Finding]:
    """The index links the notebooks of its edition, all of them and no other."""
    if page.lesson != "index" or page.path.parent != page.home:
        return
    linked = linked_from(page)
    for path in select(page.book):
        mine = path.parent in (page.home, page.home / "solutions")
        if mine and path != page.path and path.resolve() not in linked:
            name = page.book.name_of(path)
            yield "", f"does not link {name}; add it to the table of contents"


def partners(page: Page) -> Iterator[Finding]:
    """A lesson and its solutions exist, link each other and have the same exercises."""
    if page.lesson == "index":
        if page.path.parent != page.home:
            yield "", "an index belongs in the chapter's folder; rename it"
        return
    folder = page.home
    if in_depth(page):
        yield from linked_both_ways(page, folder)
        return
    lesson, solutions = folder / page.path.name, folder / "solutions" / page.path.name
    other = solutions if is_lesson(page) else lesson
    if not other.exists():
        yield "", f"its partner {page.book.name_of(other)} is missing; write it"
        return
    if other.resolve() not in linked_from(page):
        yield "", f"does not link {page.book.name_of(other)}; link it"
    if not page.code:
        yield "", "has no code cell left; restore it with git"
    if not is_lesson(page):
        try:
            wanted = exercises(Page.read(lesson, page.book))
        except NotebookError:
            return  # reported where it is read itself
        solved = [text for _, level, text in headings(page) if level == 2]
        if len(solved) != wanted:
            yield (
                "",
                f"solves {len(solved)} exercises (headings of level 2),"
                f" the lesson has {wanted}; add or drop one",
            )


def linked_from(page: Page) -> set[Path]:
    """Return the files that a page links."""
    return {
        (page.path.parent / unquote(target).partition("#")[0]).resolve()
        for cell in page.prose
        for _, target, _ in targets(cell.source)
    }


def linked_both_ways(page: Page, folder: Path) -> Iterator[Finding]:
    """A page in depth belongs to a lesson, and each links the other."""
    lesson = folder / f"{page.lesson.removesuffix(page.book.depth)}.ipynb"
    if not lesson.exists():
        yield "", f"goes in depth, and there is no {lesson.stem}; rename it"
        return
    if lesson.resolve() not in linked_from(page):
        yield "", f"does not link its lesson {lesson.stem}; link it"
    try:
        if page.path.resolve() not in linked_from(Page.read(lesson, page.book)):
            yield "", f"is not linked by its lesson {lesson.stem}; link it there"
    except NotebookError:
        return  # reported where it is read itself


RULES = [skeleton, links, pictures, contents, partners]
