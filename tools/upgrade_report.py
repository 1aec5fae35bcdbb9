"""What would change with these versions? `make upgrade-report [LESSON=…]`.

Executes the book in this environment, for example one with the next PyTorch, and shows
cell by cell what is stored against what comes now, grouped into errors, wording, values
and figures. It writes one page, _build/upgrade-report.html, and pictures it shows; no
notebook is changed. What is right is then stored with make refresh.
"""

import argparse
import difflib
import html
import platform
import re
import sys
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version

from cleaning import clean
from execution import differences, run_all
from notebooks import ROOT, NotebookError, Page, select
from outputs import as_text

REPORT = ROOT / "_build" / "upgrade-report.html"
NUMBER = re.compile(r"[-+]?\d[\d_,]*(\.\d+)?(e[-+]?\d+)?")
PACKAGES = ("torch", "matplotlib", "numpy", "ipykernel")
GROUPS = {
    "errors": "Cells that raise something else, or nothing more",
    "wording": "Texts that differ in more than numbers",
    "values": "Texts that differ in numbers only",
    "figures": "Pictures that differ by more than the check allows",
}
STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem;
       padding: 0 1rem; color-scheme: light dark }
pre { overflow-x: auto; margin: 0 }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .2rem .5rem; width: 33% }
mark { font-weight: bold }
img { max-width: 100%; background: white }
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
        errors = [
            [(o.ename, o.evalue) for o in outputs if o.output_type == "error"]
            for outputs in (self.stored, self.now)
        ]
        if errors[0] != errors[1] or any("was not run" in line for line in self.said):
            return "errors"
        before, after = self.texts
        if before == after:
            return "figures"
        numbers_apart = [NUMBER.sub("0", text).split() for text in (before, after)]
        return "values" if numbers_apart[0] == numbers_apart[1] else "wording"

    @property
    def texts(self) -> tuple[str, str]:
        return as_text(self.stored), as_text(self.now)


def changes(pages: list[Page]) -> list[Change]:
    """Execute the pages and return every cell that changed, in the book's order."""
    given = {}
    for number, outputs in run_all([(page, {}) for page in pages]):
        given[number] = outputs
        name = pages[number].name
        print(f"  {len(given)}/{len(pages)} {name}: executed", flush=True)
    found = []
    for number, page in enumerate(pages):
        said = differences(page, given[number], "upgrade")
        for cell, outputs in zip(
            page.code, given[number] + [[]] * len(page.code), strict=False
        ):
            if cell.id in said:
                pair = clean(cell.outputs), clean(outputs)
                found.append(Change(page, cell.id, tuple(said[cell.id]), *pair))
    return found


def marked(line: str, other: str) -> str:
    """Return a line as HTML, with what the other one lacks marked."""
    parts = []
    for what, start, end, _, _ in difflib.SequenceMatcher(
        None, line, other, autojunk=False
    ).get_opcodes():
        text = html.escape(line[start:end])
        parts.append(text if what == "equal" else f"<mark>{text}</mark>")
    return "".join(parts)


def side_by_side(before: str, after: str) -> str:
    """Return the lines that differ as rows of a table, stored and new."""
    old, new = before.split("\n"), after.split("\n")
    rows = []
    for what, a, b, c, d in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if what == "equal":
            continue
        height = max(b - a, d - c)
        for one, other in zip(
            (old[a:b] + [""] * height)[:height],
            (new[c:d] + [""] * height)[:height],
            strict=True,
        ):
            cells = (marked(one, other), marked(other, one))
            rows.append("".join(f"<td><pre>{cell}</pre></td>" for cell in cells))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><tr><th>stored</th><th>now</th></tr>{body}</table>"


def pictures(change: Change) -> str:
    """Return the stored, new and difference pictures, where the check left them."""
    found = []
    for line in change.said:
        for path in re.findall(r"see (\S+)-difference\.png", line):
            stem = (ROOT / path).relative_to(REPORT.parent).as_posix()
            kinds = ("stored", "new", "difference")
            images = "".join(
                f'<td>{kind}<br><img alt="{kind}" src="{stem}-{kind}.png"></td>'
                for kind in kinds
            )
            found.append(f"<table><tr>{images}</tr></table>")
    return "".join(found)


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
            parts.append(
                f"<h3>{change.page.name}, cell <code>{change.cell}</code></h3>"
            )
            before, after = change.texts
            if before != after:
                parts.append(side_by_side(before, after))
            else:
                said = html.escape("\n".join(change.said))
                parts.append(f"<pre>{said}</pre>")
            parts.append(pictures(change))
    return "\n".join(parts) + "\n"


def summary(found: list[Change]) -> str:
    count = Counter(change.group for change in found)
    groups = ", ".join(f"{group} {count[group]}" for group in GROUPS if count[group])
    cells = "1 cell changes" if len(found) == 1 else f"{len(found)} cells change"
    return f"{cells} ({groups})." if found else "Nothing changes."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesson", nargs="?", default="", help="for example parameters")
    lesson = parser.parse_args().lesson
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    versions = f"Python {platform.python_version()}, {versions}"
    try:
        print(f"Executing {lesson or 'every notebook'} with {versions} …", flush=True)
        pages = [Page.read(path) for path in select(lesson)]
        found = changes([page for page in pages if not page.name.startswith("zh/")])
    except NotebookError as error:
        print(f"make upgrade-report: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted; no notebook was changed.", file=sys.stderr)
        return 130
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(page_of(found, versions), "utf-8")
    for change in found:
        print(f"  {change.group:8} {change.page.name}, cell {change.cell}")
    shown = REPORT.relative_to(ROOT)
    print(f"{summary(found)} Side by side: {shown}")
    if found:
        print("What is right is stored by make refresh; what is not, mend in the cell.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
