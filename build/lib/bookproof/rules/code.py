"""Rules about code cells and what they print.

Code is read (as a syntax tree), never executed. form.py says what a rule is.
"""

import ast
import re
import sys
from collections.abc import Iterator

from bookproof.book import Page, printed

MAX_LINES = 20  # aim for 12
MAX_COLUMNS = 79
UNCHECKED = re.compile(r"#\s*(NBVAL|PYTEST_VALIDATE)_\w+")

# What differs from run to run or machine to machine, and what to do about it. A book's
# settings may add to it, under `unstable`.
UNSTABLE = {
    r"0x[0-9a-fA-F]{4,}": "an address; print a name or type instead",
    r"\b\d+(\.\d+)? ?(ns|µs|us|ms|s|sec|seconds)\b": "a timing; print a ratio's truth",
    r"(?<![\w.:/])/(home|root|usr|tmp|var|opt|work|Users|private)/": "a path",
    r"site-packages|\.py:\d+|[A-Z]:\\": "a path; catch the warning or error instead",
    r"\d\.\d{5,}": "more than 4 decimals; round",
}


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a cell, with IPython's % lines blanked."""
    lines = ("" if line.startswith("%") else line for line in source.split("\n"))
    return ast.parse("\n".join(lines))


def layout(page: Page) -> Iterator[tuple[str, str]]:
    """Code cells are short and narrow, and there is something in them."""
    for cell in page.code:
        lines = cell.source.split("\n")
        if not cell.source.strip():
            yield cell.id, "an empty code cell; delete it"
        if len(lines) > MAX_LINES:
            yield (
                cell.id,
                f"{len(lines)} lines; split it, {MAX_LINES} is the limit, 12 the aim",
            )
        for number, line in enumerate(lines, start=1):
            if len(line) > MAX_COLUMNS:
                yield (
                    cell.id,
                    f"line {number} has {len(line)} columns;"
                    f" {MAX_COLUMNS} is the limit",
                )


def statements(page: Page) -> Iterator[tuple[str, str]]:
    """Code parses, imports what the book has, and prints what nbval compares."""
    for cell in page.code:
        try:
            tree = parse(cell.source)
        except SyntaxError as error:
            yield cell.id, f"line {error.lineno} is not Python ({error.msg}); mend it"
            continue
        for module in imported(tree):
            allowed = page.book.imports
            if module not in allowed and module not in sys.stdlib_module_names:
                named = ", ".join(["the standard library", *allowed])
                yield cell.id, f"imports {module}; lessons use {named} only"
        if cell.source.rstrip().endswith(";"):
            yield cell.id, "ends in “;”, which nbval does not know; end in plt.show()"
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if names & {"In", "Out", "_"} - stored(tree):
            yield cell.id, "uses IPython's history, which nbval lacks; use a name"
        if marker := UNCHECKED.search(cell.source):
            yield cell.id, f"“{marker[0]}” weakens a check; mend the cell instead"


def imported(tree: ast.Module) -> list[str]:
    """Return the top-level names of the modules a cell imports."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name.split(".")[0] for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            found.append("." if node.level else node.module.split(".")[0])
    return found


def stored(tree: ast.Module) -> set[str]:
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def stable(page: Page) -> Iterator[tuple[str, str]]:
    """What is stored holds on any machine."""
    for cell in page.code:
        text = "\n".join(map(printed, cell.outputs))
        for pattern, what in UNSTABLE.items():
            if hit := re.search(pattern, text):
                yield cell.id, f"the output “{line_of(hit)}” holds {what}"
        for rule in page.book.unstable:
            if not re.search(rule.get("code", ""), cell.source):
                continue
            if hit := re.search(rule["output"], text):
                yield cell.id, f"the output “{line_of(hit)}” {rule['say']}"


def line_of(hit: re.Match) -> str:
    """Return the line in which a pattern was found."""
    start = hit.string.rfind("\n", 0, hit.start()) + 1
    end = hit.string.find("\n", hit.end())
    return hit.string[start : end if end >= 0 else None].strip()[:80]


RULES = [layout, statements, stable]
