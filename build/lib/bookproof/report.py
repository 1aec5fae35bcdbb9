"""What would change with these versions? `make upgrade-report [LESSON=…]`.

Executes the book in this environment, for example one with the next PyTorch, and shows
cell by cell what is stored against what comes now, grouped into errors, texts, numbers
and figures. It writes one page, _build/upgrade-report.html, and pictures it shows; no
notebook is changed. What is right is then stored with refresh.
"""

import difflib
import html
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bookproof import kernels
from bookproof.book import Book, Page, read
from bookproof.outputs import as_text, category, clean, compare

GROUPS = {
    "error": "Cells that raise something else, or nothing more",
    "text": "Texts that differ in more than numbers",
    "number": "Texts that differ in numbers only",
    "figure": "Pictures that differ by more than the check allows",
}
STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem }
td, th { text-align: left; vertical-align: top; font-family: monospace }
.diff_add, .diff_chg, .diff_sub { font-weight: bold; background: #ffe08a }
img { max-width: 25rem }
"""


@dataclass(frozen=True)
class Change:
    """A cell that gives something other than what is stored."""

    page: Page
    cell: str
    said: tuple[str, ...]  # what the check says
    stored: list
    now: list

    @property
    def group(self) -> str:
        ran = "was not run" not in self.said[0]
        return category(self.stored, self.now) if ran else "error"


def changes(book: Book, pages: Sequence[Page]) -> tuple[list[Change], str]:
    """Execute the pages; return every cell that changed, and the versions."""
    ask = kernels.question(book)
    given, versions = {}, ""
    for page, notebook in kernels.execute_all([*pages, ask], go_on=True):
        if page is ask:
            pairs = kernels.answered(notebook).items()
            versions = ", ".join(f"{key} {value}" for key, value in pairs)
            continue
        given[page] = notebook
        print(f"  {len(given)}/{len(pages)} {page.name}: executed", flush=True)
    found = []
    for page in pages:
        new = [cell for cell in given[page].cells if cell.cell_type == "code"]
        for cell, now in zip(page.code, new, strict=True):
            pair = [clean(each.outputs, book.sanitizer) for each in (cell, now)]
            name = f"{page.name}-{cell.id}-upgrade".replace("/", "-")
            said = ["  was not run"]
            if now.execution_count is not None:
                said = compare(*pair, book.root / "_build" / "figures", name)
            if said:
                found.append(Change(page, cell.id, tuple(said), *pair))
    return found, versions


def side_by_side(change: Change) -> str:
    """Return what is stored and what comes now as HTML: lines, or else pictures."""
    said = "\n".join(change.said)
    texts = [as_text(outputs).split("\n") for outputs in (change.stored, change.now)]
    parts = [f"<pre>{html.escape(said)}</pre>"]
    if texts[0] != texts[1]:
        table = difflib.HtmlDiff(wrapcolumn=70)
        titles = {"fromdesc": "stored", "todesc": "now"}
        parts = [table.make_table(*texts, **titles, context=True, numlines=0)]
    for stem in re.findall(r"see _build/(\S+)-difference\.png", said):
        parts += [
            f'<img alt="{kind}" src="{stem}-{kind}.png">'
            for kind in ("stored", "new", "difference")
        ]
    return "".join(parts)


def page_of(found: list[Change], versions: str) -> str:
    """Return the report as one HTML page."""
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        "<title>Upgrade report</title>",
        f"<style>{STYLE}</style><h1>Upgrade report</h1><p>{html.escape(versions)}</p>",
        f"<p>{html.escape(summary(found))}</p>",
    ]
    for group, title in GROUPS.items():
        members = [change for change in found if change.group == group]
        if members:
            parts.append(f"<h2>{title} ({len(members)})</h2>")
        for change in members:
            name = f"{change.page.name}, cell <code>{change.cell}</code>"
            parts += [f"<h3>{name}</h3>", side_by_side(change)]
    return "\n".join(parts) + "\n"


def summary(found: list[Change]) -> str:
    count = Counter(change.group for change in found)
    groups = ", ".join(f"{group} {count[group]}" for group in GROUPS if count[group])
    cells = "1 cell changes" if len(found) == 1 else f"{len(found)} cells change"
    return f"{cells} ({groups})." if found else "Nothing changes."


def report(book: Book, lesson: str = "") -> Path:
    """Write the page; return where it is."""
    pages = read(book, lesson, originals=True)
    print(f"Executing {lesson or 'every notebook'} …", flush=True)
    found, versions = changes(book, pages)
    path = book.root / "_build" / "upgrade-report.html"
    path.parent.mkdir(exist_ok=True)
    path.write_text(page_of(found, versions), "utf-8")
    for change in found:
        print(f"  {change.group:8} {change.page.name}, cell {change.cell}")
    print(f"{summary(found)} Side by side: {path.relative_to(book.root)}")
    if found:
        right = f"What is right is stored by {book.command('refresh')}"
        print(f"{right}; what is not, mend in the cell.")
    return path
