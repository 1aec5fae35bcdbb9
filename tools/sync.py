"""Bring the Chinese edition in step: `make sync [LESSON=…] [TRANSLATED="id id"]`.

Copies code cells, outputs, order and metadata from English to Chinese, keeps all
Chinese prose, and lists what is stale, missing or surplus, with the English text
before and after. With TRANSLATED it records that these cells were rewritten for the
English text of now. It writes zh/ only: every file or none.
"""

import argparse
import copy
import difflib
import json
import subprocess
import sys
from pathlib import Path

from notebooks import CHAPTER, ROOT, NotebookError, Page, dumps, select, write_all
from translation_contract import (
    chinese_path,
    is_chinese,
    source_hash,
    translatable,
    translated,
)


def merge(english: Page, chinese: Page | None, done: set[str]) -> tuple[str, list[str]]:
    """Return the text of the Chinese notebook in step, and its surplus cells' ids.

    A cell that is not translated yet holds the English text. A surplus cell stays,
    at the end, so that no prose is lost.
    """
    notebook = copy.deepcopy(english.notebook)
    old = {cell.id: cell for cell in chinese.notebook.cells} if chinese else {}
    for cell in notebook.cells:
        text, kept = translatable(cell), old.pop(cell.id, None)
        if not text:
            continue
        if kept is not None and kept.cell_type == cell.cell_type:
            if cell.cell_type == "markdown":
                cell.source = kept.source
            elif "alt" in kept.metadata:
                cell.metadata["alt"] = kept.metadata["alt"]
            if "translates" in kept.metadata:
                cell.metadata["translates"] = kept.metadata["translates"]
        if cell.id in done:
            cell.metadata["translates"] = source_hash(text)
    surplus = [cell for cell in old.values() if cell.cell_type == "markdown"]
    notebook.cells += surplus
    return dumps(notebook), [cell.id for cell in surplus]


def before(english: Page, cell_id: str, recorded: str) -> str:
    """Return the English text that a translation was written for, out of git."""
    path = english.path.relative_to(ROOT).as_posix()
    log = _git("log", "--format=%h", "-n", "50", "--", path)
    for commit in log.split():
        try:
            cells = json.loads(_git("show", f"{commit}:{path}"))["cells"]
        except (ValueError, KeyError):
            continue
        for cell in cells:
            text = "".join(cell["source"])
            if cell.get("id") == cell_id and cell["cell_type"] == "code":
                text = cell["metadata"].get("alt", "")
            if cell.get("id") == cell_id and source_hash(text) == recorded:
                return text
    return ""


def _git(*arguments: str) -> str:
    run = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True
    )
    return run.stdout if run.returncode == 0 else ""


def explain(english: Page, chinese: Page) -> list[str]:
    """Return what is left to translate, with the English text before and after."""
    found = []
    now = {cell.id: translatable(cell) for cell in english.notebook.cells}
    recorded = {
        cell.id: cell.metadata.get("translates", "") for cell in chinese.notebook.cells
    }
    for cell_id, what in translated(chinese):
        state = "stale" if "stale" in what else "missing"
        found.append(f"{state}: {chinese.name}, cell {cell_id}")
        old = before(english, cell_id, recorded[cell_id]) if recorded[cell_id] else ""
        lines = difflib.unified_diff(
            old.splitlines(), now[cell_id].splitlines(), lineterm="", n=0
        )
        found += [f"    {line}" for line in list(lines)[2:] if line[:2] != "@@"]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesson", nargs="?", default="", help="for example parameters")
    parser.add_argument(
        "--translated", nargs="*", default=[], metavar="ID", help="cells now rewritten"
    )
    given = parser.parse_args()
    try:
        return sync(given.lesson, set(given.translated))
    except NotebookError as error:
        print(f"make sync: {error}\nNo notebook was changed.", file=sys.stderr)
        return 2


def sync(lesson: str, done: set[str], chapter: Path = CHAPTER) -> int:
    """Sync one lesson or all; return 1 if something is left to translate."""
    pages = [Page.read(path, chapter) for path in select(lesson, chapter)]
    english = [page for page in pages if not is_chinese(page)]
    known = {cell.id for page in english for cell in page.notebook.cells}
    if unknown := done - known:
        raise NotebookError(
            f"there is no cell {', '.join(sorted(unknown))}; nothing was recorded."
        )
    chinese = {page.path: page for page in pages if is_chinese(page)}
    new, surplus = {}, []
    for page in english:
        path = chinese_path(page)
        new[path], left = merge(page, chinese.get(path), done)
        surplus += [f"surplus: zh/{page.name}, cell {cell_id}" for cell_id in left]
    changed = write_all(new, {path: page.text for path, page in chinese.items()})
    report = list(surplus)
    for page in english:
        report += explain(page, Page.read(chinese_path(page), chapter))
    print("\n".join(report), end="\n" if report else "")
    names = ", ".join(f"zh/{p.relative_to(chapter / 'zh')}" for p in changed)
    print(f"In step now: {names}." if changed else "No file changed.")
    left = len([line for line in report if not line.startswith("    ")])
    print(f"{left} cells to translate." if left else "Every cell is translated.")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
