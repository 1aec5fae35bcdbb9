"""What would change with these versions? `make upgrade-report [LESSON=…]`.

Lets nbval run the book in this environment, for example one with the next PyTorch, and
shows cell by cell what is stored against what comes now, grouped into errors, texts,
numbers and figures. It writes one page, _build/upgrade-report.html, and pictures it
shows; no notebook is changed. What is right is then stored with refresh.
"""

import difflib
import html
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bookproof import check, kernels
from bookproof.book import Book, Page, select

GROUPS = {
    "error": "Cells that raise something else, or nothing more",
    "text": "Texts that differ in more than numbers",
    "number": "Texts that differ in numbers only",
    "figure": "Pictures that differ by more than the check allows",
}
PAGE = """\
<!doctype html><html lang="en"><meta charset="utf-8"><title>Upgrade report</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem }}
td, th {{ text-align: left; vertical-align: top; font-family: monospace }}
.diff_add, .diff_chg, .diff_sub {{ font-weight: bold; background: #ffe08a }}
img {{ max-width: 25rem }}
</style>
<h1>Upgrade report</h1><p>{versions}</p><p>{summary}</p>
"""


def group(verdict: check.Verdict) -> str:
    """Return the group of a cell that changed; "" if it gives what is stored."""
    kind = "error" if verdict.kind == "skipped" else verdict.kind
    return kind if kind in GROUPS else ""


def side_by_side(verdict: check.Verdict) -> str:
    """Return what is stored and what comes now as HTML: lines, or else pictures."""
    if verdict.stored != verdict.now:
        texts = [text.split("\n") for text in (verdict.stored, verdict.now)]
        table = difflib.HtmlDiff(wrapcolumn=70)
        shown = table.make_table(*texts, "stored", "now", context=True, numlines=0)
    else:
        shown = f"<pre>{html.escape(verdict.message)}</pre>"
    for stem in re.findall(r"see _build/(\S+)-difference\.png", verdict.said):
        for kind in ("stored", "new", "difference"):
            shown += f'<img alt="{kind}" src="{stem}-{kind}.png">'
    page, _, cell = verdict.cell.rpartition(" ")
    return f"<h3>{page} <code>{cell}</code></h3>\n{shown}\n"


def summary(found: Sequence[check.Verdict]) -> str:
    count = Counter(map(group, found))
    groups = ", ".join(f"{name} {count[name]}" for name in GROUPS if count[name])
    cells = "1 cell changes" if len(found) == 1 else f"{len(found)} cells change"
    return f"{cells} ({groups})." if found else "Nothing changes."


def report(book: Book, lesson: str = "") -> Path:
    """Write the page; return where it is."""
    paths = select(book, lesson, originals=True)
    for path in paths:
        Page.read(path, book)  # a notebook that is broken stops it here
    print(f"Executing {lesson or 'every notebook'} …", flush=True)
    ((_, answer),) = kernels.execute_all([kernels.question(book)])
    versions = ", ".join(map(" ".join, kernels.answered(answer).items()))
    verdicts = check.run(book, paths, ["--bookproof-go-on"], quiet=True)[1]
    found = [verdict for verdict in verdicts if group(verdict)]
    text = PAGE.format(versions=html.escape(versions), summary=summary(found))
    for name, title in GROUPS.items():
        members = [verdict for verdict in found if group(verdict) == name]
        text += f"<h2>{title} ({len(members)})</h2>\n" * bool(members)
        text += "".join(map(side_by_side, members))
    path = book.root / "_build" / "upgrade-report.html"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    for verdict in found:
        print(f"  {group(verdict):8} {verdict.cell}")
    print(f"{summary(found)} Side by side: {path.relative_to(book.root)}")
    if found:
        right = f"What is right is stored by {book.command('refresh')}"
        print(f"{right}; what is not, mend in the cell.")
    return path
