"""Rules about headings, links, pictures, and the pages that belong together."""

import re
from collections.abc import Iterator
from pathlib import Path

from bookproof.book import Finding, Page, select
from bookproof.editions import read
from bookproof.markdown import aim, anchors, exercises, headings, targets

SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")


def is_lesson(page: Page) -> bool:
    """Tell whether this is a lesson, and no index, solutions or in-depth page."""
    other = page.lesson == "index" or page.path.parent.name == "solutions"
    return not other and not in_depth(page)


def in_depth(page: Page) -> bool:
    return page.lesson.endswith(page.book.depth)


def skeleton(page: Page) -> Iterator[Finding]:
    """A page has one title, and a lesson the sections its readers expect."""
    found = headings(page)
    levels = [level for _, level, _ in found]
    if levels[:1] != [1] or levels.count(1) != 1:
        yield "", "begins with one “# Title” and has no second; mend the headings"
    if not (is_lesson(page) or in_depth(page)) or page.is_translation:
        return
    outline, count = [], 0
    for text in (text for _, level, text in found if level == 2):
        if not re.match(r"\d+\. ", text):
            outline.append(text)
            continue
        count += 1
        outline += ["1."] * (count == 1)
        if not text.startswith(f"{count}. "):
            yield "", f"section “{text}” should have the number {count}"
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
    path, anchor = aim(page, target)
    if not path.exists():
        return "leads to no file; mend it or restore the file"
    if not anchor:
        return ""
    if path.suffix != ".ipynb":
        return "has an anchor into something that is no notebook; drop it"
    there = page if path == page.path.resolve() else read(path, page.book)
    if not there:
        return "leads into a broken notebook"
    known = anchor in anchors(there)
    return "" if known else f"names no heading of {there.name}; mend it"


def pictures(page: Page) -> Iterator[Finding]:
    """Every picture exists and says in words what it shows."""
    for cell in page.prose:
        pictures = (rest for kind, *rest in targets(cell.source) if kind == "image")
        for target, alt in pictures:
            if SCHEME.match(target) or not aim(page, target)[0].exists():
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
    """A lesson has solutions, and may have a page in depth; they link one another.

    The solutions solve as many exercises as the lesson has.
    """
    if page.lesson == "index":
        if page.path.parent != page.home:
            yield "", "an index belongs in the chapter's folder; rename it"
        return
    lesson = page.home / f"{page.lesson.removesuffix(page.book.depth)}.ipynb"
    other = page.home / "solutions" / page.path.name if is_lesson(page) else lesson
    name = page.book.name_of(other)
    if not other.exists():
        yield "", f"its partner {name} is missing; write it, or rename this"
        return
    if other.resolve() not in linked_from(page):
        yield "", f"does not link {name}; link it"
    if in_depth(page):
        there = read(lesson, page.book)  # that it is broken is said of itself
        if there and page.path.resolve() not in linked_from(there):
            yield "", f"is not linked by its lesson {lesson.stem}; link it there"
        return
    if not page.code:
        yield "", "has no code cell left; restore it with git"
    there = None if is_lesson(page) else read(lesson, page.book)
    solved = [level for _, level, _ in headings(page)].count(2)
    if there and solved != (wanted := exercises(there)):
        said = f"solves {solved} exercises (headings of level 2)"
        yield "", f"{said}, the lesson has {wanted}; add or drop one"


def linked_from(page: Page) -> set[Path]:
    """Return the files that a page links."""
    found = (target for cell in page.prose for _, target, _ in targets(cell.source))
    return {aim(page, target)[0] for target in found}


RULES = [skeleton, links, pictures, contents, partners]
