"""The upgrade report: every changed cell once, in the right group, readable."""

import subprocess
import sys

import notebooks
import pytest
import refresh
import upgrade_report
from conftest import DOT, FIGURE, MOVED, code, result, stream
from notebooks import Page

# A cell that gives something, what is stored for it, and the group it belongs to.
CELLS = {
    "same": ("1 + 1", [result("2")], ""),
    "value": ('print("loss 0.25 <b>")', [stream("loss 0.26 <b>\n")], "values"),
    "shape": ('"tensor([1, 2])"', [result("'tensor([1, 22])'")], "values"),
    "word": ('print("one\\ntwo")', [stream("one\ntoo\n")], "wording"),
    "more": ('print("a")', [result("'a'")], "wording"),
    "silent": ("x = 1", [stream("1\n")], "wording"),
    "fails": ("1 / 0", [result("0")], "errors"),
    "picture": (FIGURE.format(png=f'"{DOT}"'), [], "figures"),
}


@pytest.fixture
def pages(book) -> list[Page]:
    """Return a lesson whose stored outputs are old, and one that nothing changes."""
    stored = {id_: outputs for id_, (_, outputs, _) in CELLS.items()}
    stored["picture"] = [result("<Dot>", **{"image/png": MOVED})]
    cells = [code(id_, text, *stored[id_]) for id_, (text, _, _) in CELLS.items()]
    book.write("demo", cells)
    return [Page.read(book.path(name), book.chapter) for name in ("demo", "index")]


def test_every_changed_cell_is_in_its_group(pages, monkeypatch, tmp_path):
    monkeypatch.setattr("execution.ROOT", tmp_path)
    monkeypatch.setattr(upgrade_report, "REPORT", tmp_path / "_build" / "report.html")
    monkeypatch.setattr(upgrade_report, "ROOT", tmp_path)
    found = upgrade_report.changes(pages)
    expected = {id_: group for id_, (_, _, group) in CELLS.items() if group}
    assert {change.cell: change.group for change in found} == expected
    assert upgrade_report.summary(found) == (
        "7 cells change (errors 1, wording 3, values 2, figures 1)."
    )
    text = upgrade_report.page_of(found, "torch 9")
    titles = [text.index(title) for title in upgrade_report.GROUPS.values()]
    assert titles == sorted(titles)
    for change in found:
        assert text.count(f"<code>{change.cell}</code>") == 1
    assert "loss 0.2<mark>6</mark> &lt;b&gt;" in text
    assert "loss 0.2<mark>5</mark> &lt;b&gt;" in text
    assert "one" not in text  # lines that are the same are not shown
    assert "ZeroDivisionError: division by zero" in text
    for kind in ("stored", "new", "difference"):
        (name,) = [part for part in text.split('"') if part.endswith(f"-{kind}.png")]
        assert (tmp_path / "_build" / name).is_file()


def test_command_writes_the_page_and_changes_no_notebook(book, tools):
    with book.edit("demo") as raw:
        raw["cells"][1]["outputs"][0]["data"]["text/plain"] = "17"
    before = book.texts()
    command = [sys.executable, tools / "upgrade_report.py", "demo"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "  values   demo, cell add\n" in done.stdout
    assert "1 cell changes (values 1). Side by side: _build/upgrade" in done.stdout
    report = (book.root / "_build" / "upgrade-report.html").read_text("utf-8")
    assert "<mark>17</mark>" in report and "torch" in report
    assert book.texts() == before


def test_nothing_changes_is_said(book, capsys):
    refresh.refresh("index", book.chapter)
    page = notebooks.Page.read(book.path("index"), book.chapter)
    assert upgrade_report.summary(upgrade_report.changes([page])) == "Nothing changes."
