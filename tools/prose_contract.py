"""The notebook contract: rules about headings, links, pictures and their partners.

See contract.py for what a rule is.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from notebooks import NotebookError, Page, lesson_of, name_of, select
from prose import exercises, headings, targets

# The second-level headings of a lesson, in order; "1." stands for the numbered ones.
SKELETON = [
    "What you will be able to do",
    "What you need",
    "1.",
    "Summary",
    "Exercises",
    "Further",
    "Discussion",
]
DEPTH = "-in-depth"  # what such a page is called after its lesson
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")

Finding = tuple[str, str]


def is_lesson(page: Page) -> bool:
    """Tell whether this is a lesson, and no index, solutions or in-depth page."""
    name = lesson_of(page.path)
    return (
        name != "index"
        and not name.endswith(DEPTH)
        and page.path.parent.name != "solutions"
    )


def in_depth(page: Page) -> bool:
    return lesson_of(page.path).endswith(DEPTH)


def language_root(page: Page) -> Path:
    """Return the folder of this page's language edition."""
    return page.chapter / "zh" if page.name.startswith("zh/") else page.chapter


def skeleton(page: Page) -> Iterator[Finding]:
    """A page has one title, and a lesson the sections its readers expect."""
    found = headings(page)
    if not found or found[0][1] != 1 or [level for _, level, _ in found].count(1) != 1:
        yield "", "begins with one “# Title” and has no second; mend the headings"
    if not (is_lesson(page) or in_depth(page)) or page.name.startswith("zh/"):
        return
    seconds = [text for _, level, text in found if level == 2]
    numbered = [text for text in seconds if re.match(r"\d+\. ", text)]
    for number, text in enumerate(numbered, start=1):
        if not text.startswith(f"{number}. "):
            yield "", f"section “{text}” should have the number {number}"
    outline = [t for t in seconds if t not in numbered[1:]]
    outline = ["1." if t in numbered[:1] else t for t in outline]
    if "Further" not in outline:
        outline.insert(-1, "Further")
    if is_lesson(page) and outline != SKELETON:
        yield (
            "",
            f"has the sections {', '.join(outline)};"
            f" a lesson has {', '.join(SKELETON)}",
        )


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
        there = page if path == page.path.resolve() else Page.read(path, page.chapter)
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
    if lesson_of(page.path) != "index" or page.path.parent != language_root(page):
        return
    linked = {
        (page.path.parent / unquote(target).partition("#")[0]).resolve()
        for cell in page.prose
        for kind, target, _ in targets(cell.source)
        if kind == "link" and ".ipynb" in target
    }
    zh = page.name.startswith("zh/")
    for path in select(chapter=page.chapter):
        name = name_of(path, page.chapter)
        same = name.startswith("zh/") == zh and path != page.path
        if same and path.resolve() not in linked:
            yield "", f"does not link {name}; add it to the table of contents"


def partners(page: Page) -> Iterator[Finding]:
    """A lesson and its solutions exist, link each other and have the same exercises."""
    if lesson_of(page.path) == "index":
        if page.path.parent != language_root(page):
            yield "", "an index belongs in the chapter's folder; rename it"
        return
    folder = language_root(page)
    if in_depth(page):
        yield from linked_both_ways(page, folder)
        return
    lesson, solutions = folder / page.path.name, folder / "solutions" / page.path.name
    other = solutions if is_lesson(page) else lesson
    if not other.exists():
        yield "", f"its partner {name_of(other, page.chapter)} is missing; write it"
        return
    if other.resolve() not in linked_from(page):
        yield "", f"does not link {name_of(other, page.chapter)}; link it"
    if not page.code:
        yield "", "has no code cell left; restore it with git"
    if not is_lesson(page):
        try:
            wanted = exercises(Page.read(lesson, page.chapter))
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
    lesson = folder / f"{lesson_of(page.path).removesuffix(DEPTH)}.ipynb"
    if not lesson.exists():
        yield "", f"goes in depth, and there is no {lesson.stem}; rename it"
        return
    if lesson.resolve() not in linked_from(page):
        yield "", f"does not link its lesson {lesson.stem}; link it"
    try:
        if page.path.resolve() not in linked_from(Page.read(lesson, page.chapter)):
            yield "", f"is not linked by its lesson {lesson.stem}; link it there"
    except NotebookError:
        return  # reported where it is read itself


RULES = [skeleton, links, pictures, contents, partners]
