"""The upgrade report: every changed cell once, in the right group, readable."""

from conftest import DRAW, MOVED, code, result, stream

from bookproof import report

# A cell that gives something, what is stored for it, and the group it belongs to.
CELLS = {
    "same": ("1 + 1", [result("2")], ""),
    "value": ('print("loss 0.25 <b>")', [stream("loss 0.26 <b>\n")], "number"),
    "shape": ('"tensor([1, 2])"', [result("'tensor([1, 22])'")], "number"),
    "word": ('print("one\\ntwo")', [stream("one\ntoo\n")], "text"),
    "more": ('print("a")', [result("'a'")], "text"),
    "silent": ("x = 1", [stream("1\n")], "text"),
    "fails": ("1 / 0", [result("0")], "error"),
    "picture": (DRAW, [result("<Dot>", **{"image/png": MOVED})], "figure"),
}


def test_every_changed_cell_is_in_its_group(book):
    book.write("demo", [code(id_, text, *old) for id_, (text, old, _) in CELLS.items()])
    before = book.texts()
    status, said = book.run("report")
    assert status == 0 and book.texts() == before
    assert "7 cells change (error 1, text 3, number 2, figure 1). Side by" in said
    for id_, (_, _, group) in CELLS.items():
        assert (f"  {group:8} demo, cell {id_}\n" in said) == bool(group)
    text = (book.root / "_build" / "upgrade-report.html").read_text("utf-8")
    text = text.replace("&nbsp;", " ")
    titles = [text.index(title) for title in report.GROUPS.values()]
    assert titles == sorted(titles)
    for id_, (_, _, group) in CELLS.items():
        assert text.count(f"<code>{id_}</code>") == bool(group)
    assert "torch 2.13.0, python 3.11" in text
    for digit in "65":
        assert f'0.2<span class="diff_chg">{digit}</span> &lt;b&gt;' in text
    assert "one" not in text  # lines that are the same are not shown
    assert "ZeroDivisionError: division by zero" in text
    for kind in ("stored", "new", "difference"):
        (name,) = [part for part in text.split('"') if part.endswith(f"-{kind}.png")]
        assert (book.root / "_build" / name).is_file()


def test_nothing_changes_is_said(book):
    assert "Nothing changes. Side by side" in book.run("report", "index")[1]
