"""The checks are checked: every kind of fault is planted, and has to be noticed.

One fault at a time goes into a small book that has none (see conftest); the message
has to name the lesson, the cell and what is wrong. CONTRACT and SANITIZER are faults
that are found before any kernel starts. OUTPUTS and STOPS are found by running:
kernels cost seconds, so one run, with the options of `make test`, takes them all.
Translation has faults of its own, in test_translation.py.
"""

import base64
import re

import pytest
from conftest import (
    DOT,
    FIGURE,
    MOVED,
    Book,
    code,
    error,
    replaced,
    result,
    stream,
    updated,
    without,
)

from bookproof import check
from bookproof.book import METADATA, NotebookError, select
from bookproof.contract import problems, sanitizer_problems

# How a fault of the contract is planted: by a function that changes the book.


def edit(change, name: str = "demo"):
    """Return a fault: `change` is done to the notebook `name`, as a dictionary."""

    def plant(book):
        with book.edit(name) as notebook:
            change(notebook)

    return plant


def source(id_: str, old: str, new: str, name: str = "demo"):
    """Return a fault: in cell `id_`, `old` becomes `new`."""
    return edit(replaced(id_, old, new), name)


def put(id_: str, **changes):
    """Return a fault: fields of a cell are set."""
    return edit(updated(id_, **changes))


def drop(id_: str):
    return edit(without(id_))


def drop_code(notebook: dict) -> None:
    kept = [each for each in notebook["cells"] if each["cell_type"] != "code"]
    notebook["cells"] = kept


def add(*, at: int, **cell_fields):
    made = code("new", "2", result("2")) | cell_fields
    return edit(lambda notebook: notebook["cells"].insert(at, made))


def swap(notebook: dict) -> None:
    cells = notebook["cells"]
    cells[1], cells[4] = cells[4], cells[1]


def clear(notebook: dict) -> None:
    for each in notebook["cells"]:
        if each["cell_type"] == "code":
            each.update(outputs=[], execution_count=None)


def metadata(**changes):
    return edit(lambda notebook: notebook["metadata"].update(changes))


def says(text: str):
    """Return a fault: the cell `say` stores this on standard output."""
    return put("say", outputs=[stream(text)])


def asks(**prediction):
    """Return a fault: the cell `say`, which says “said”, asks for this prediction."""
    covered = {"tags": ["predict"], "jupyter": {"outputs_hidden": True}}
    return put("say", metadata=covered | {"predict": prediction})


def runs(text: str):
    """Return a fault: the cell `say` holds this code."""
    return put("say", source=text)


def raises(traceback: str = "ValueError: no", **changes):
    """Return a fault: the cell `add` stores an error."""
    return put("add", outputs=[error() | {"traceback": [traceback]}], **changes)


def file(text: str):
    """Return a fault: the file holds this text."""
    return lambda book: book.path("demo").write_text(text, "utf-8")


def replace(old: str, new: str, count: int = -1):
    """Return a fault: in the file, `old` becomes `new`."""

    def plant(book):
        text = book.path("demo").read_text("utf-8")
        assert old in text
        book.path("demo").write_text(text.replace(old, new, count), "utf-8")

    return plant


def lose(*names: str):
    """Return a fault: these notebooks are not there."""
    return lambda book: [book.path(name).unlink() for name in names]


TAGGED = {"tags": ["raises-exception"]}
EVERYWHERE = ("demo", "solutions/demo", "zh/demo", "zh/solutions/demo")
LONG = "\n".join(["1"] * 21)
KERNEL = METADATA["kernelspec"] | {"name": "d2l", "display_name": "conda env:d2l"}
PYTHON = {"name": "python", "version": "3.11"}
COUNTED = {"output_type": "execute_result", "execution_count": 7, "metadata": {}} | {
    "data": {"text/plain": "2"}
}

# Kind of fault: how it is planted, the notebook and cell named, what is said.
CONTRACT = {
    # the file
    "not-json": (file("{"), "demo", "is not JSON"),
    "empty-file": (file(""), "demo", "is not JSON"),
    "no-notebook": (file("[]"), "demo", "not a notebook of format 4.5"),
    "older-format": (
        file('{"nbformat": 4, "nbformat_minor": 4}'),
        "demo",
        "not a notebook of format 4.5",
    ),
    "no-cells": (
        file('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}'),
        "demo",
        "format is broken at “the top”: 'cells' is a required property",
    ),
    "schema-invalid": (
        replace('"stdout"', "1"),
        "demo",
        "format is broken at “cells/4/outputs/0",
    ),
    "editor-formatting": (replace("\n ", "\n  "), "demo", "written by an editor"),
    "lesson-missing": (lose("demo"), "solutions/demo", "its partner demo is missing"),
    "solutions-missing": (
        lose("solutions/demo"),
        "demo",
        "its partner solutions/demo is missing",
    ),
    "both-missing": (
        lose(*EVERYWHERE),
        "index, cell contents",
        "to no file",
    ),
    "not-in-the-index": (
        source("contents", "- [Demo](demo.ipynb)\n", "", "index"),
        "index",
        "does not link demo; add it to the table of contents",
    ),
    "other-metadata": (metadata(widgets={}), "demo", "“widgets” is not known"),
    "other-kernel": (metadata(kernelspec=KERNEL), "demo", "metadata of a machine"),
    "other-language": (metadata(language_info=PYTHON), "demo", "of a machine"),
    # cells
    "first-deleted": (drop("add"), "demo", "3 code cells were refreshed, 2 are here"),
    "middle-deleted": (drop("dot"), "demo", "3 code cells were refreshed, 2 are here"),
    "last-deleted": (drop("say"), "demo", "3 code cells were refreshed, 2 are here"),
    "text-deleted": (drop("drawing"), "zh/demo, cell drawing", "(surplus)"),
    "code-deleted": (edit(drop_code), "demo", "has no code cell left"),
    "all-deleted": (
        edit(lambda notebook: notebook["cells"].clear()),
        "demo",
        "3 code cells were refreshed, 0 are here",
    ),
    "added": (add(at=6, execution_count=4), "demo", "3 code cells were refreshed, 4"),
    "exchanged": (edit(swap), "demo, cell say", "execution count 3 in place 1"),
    "cleared": (
        put("say", execution_count=None, outputs=[]),
        "demo, cell say",
        "was never executed; run make refresh LESSON=demo",
    ),
    "all-cleared": (edit(clear), "demo, cell add", "was never executed"),
    "count-missing": (
        put("say", execution_count=None),
        "demo, cell say",
        "was never executed",
    ),
    "count-skipped": (
        put("say", execution_count=5),
        "demo, cell say",
        "execution count 5 in place 3",
    ),
    "count-of-another": (
        put("add", outputs=[COUNTED]),
        "demo, cell add",
        "another cell's count",
    ),
    # ids, tags and metadata
    "id-doubled": (put("say", id="add"), "demo, cell add", "2 cells have this id"),
    "id-missing": (replace('"id": "say",', "", 1), "demo", "'id' is a required"),
    "id-made": (put("say", id="8f2c1a9b"), "demo, cell 8f2c1a9b", "give it a name"),
    "id-made-long": (
        put("say", id="3f9c2b7e-41d0"),
        "demo, cell 3f9c2b7e-41d0",
        "give it a name",
    ),
    "id-form": (put("say", id="Say_it"), "demo, cell Say_it", "give it a name"),
    "tag-misspelt": (
        put("say", metadata={"tags": ["rasies-exception"]}),
        "demo, cell say",
        "the tag “rasies-exception” is not known; known is predict, raises-exception",
    ),
    "tag-weakens": (
        put("say", metadata={"tags": ["nbval-skip"]}),
        "demo, cell say",
        "“nbval-skip” is not",
    ),
    "cell-metadata": (
        put("say", metadata={"collapsed": True}),
        "demo, cell say",
        "“collapsed” is not known",
    ),
    "name-not-used": (
        put("say", metadata={"name": "says"}),
        "demo, cell say",
        "has a name that is not its id yet; run make refresh LESSON=demo",
    ),
    "uncovered": (
        put("say", metadata={"tags": ["predict"]}),
        "demo, cell say",
        "is not covered as its tags say",
    ),
    "covered": (
        put("say", metadata={"jupyter": {"outputs_hidden": True}}),
        "demo, cell say",
        "is not covered as its tags say",
    ),
    "prediction-untagged": (
        put("say", metadata={"predict": {"find": "said", "choices": ["said"]}}),
        "demo, cell say",
        "add the tag",
    ),
    "prediction-not-there": (
        asks(find="sad", choices=["sad", "said"]),
        "demo, cell say",
        "finds nothing in the stored output: sad",
    ),
    "prediction-not-offered": (
        asks(find="s..d", choices=["sad", "sold"]),
        "demo, cell say",
        "offers no “said”",
    ),
    "prediction-no-number": (
        asks(find="(said)", within=0.1),
        "demo, cell say",
        "a number",
    ),
    "prediction-no-pattern": (asks(find="(", within=1), "demo, cell say", "no pattern"),
    "prediction-group": (
        asks(find="s(ai)d", choices=["said", "ai"]),
        "demo, cell say",
        "write (?:…) for (…)",
    ),
    "prediction-incomplete": (asks(find="said"), "demo, cell say", "and either"),
    "attachment": (
        put("title", attachments={"a.png": {"image/png": ""}}),
        "demo, cell title",
        "an attachment",
    ),
    # errors
    "error-untagged": (raises(), "demo, cell add", "stores a ValueError; mend"),
    "error-missing": (put("add", metadata=TAGGED), "demo, cell add", "stores no error"),
    "error-traceback": (
        raises("File /home/me/x.py", metadata=TAGGED),
        "demo, cell add",
        "traceback of a machine",
    ),
    # code
    "no-code": (runs(""), "demo, cell say", "an empty code cell"),
    "many-lines": (runs(LONG), "demo, cell say", "21 lines"),
    "long-line": (
        runs("x = 1  # " + 71 * "-"),
        "demo, cell say",
        "line 1 has 80 columns",
    ),
    "no-python": (runs("print('said'"), "demo, cell say", "line 1 is not Python"),
    "other-import": (runs("import numpy"), "demo, cell say", "imports numpy"),
    "relative-import": (runs("from . import x"), "demo, cell say", "imports ."),
    "semicolon": (runs("print('said');"), "demo, cell say", "ends in “;”"),
    "last-result": (runs("print(_)"), "demo, cell say", "IPython's history"),
    "history": (runs("Out[1]"), "demo, cell say", "IPython's history"),
    "rewritten": (
        runs("from IPython.display import clear_output"),
        "demo, cell say",
        "imports IPython",
    ),
    "comment-weakens": (
        runs("# NBVAL_IGNORE_OUTPUT\n1"),
        "demo, cell say",
        "“# NBVAL_IGNORE_OUTPUT” weakens a check",
    ),
    # outputs that hold on this machine only
    "address": (says("<object at 0x7f3a5c>"), "demo, cell say", "an address"),
    "gradient": (says("tensor(1., grad_fn=<Add>)"), "demo, cell say", "grad_fn"),
    "gpu": (says("tensor([1.], device='cuda:0')"), "demo, cell say", "a GPU"),
    "timing": (says("took 3.2 ms"), "demo, cell say", "a timing"),
    "path": (says("/home/me/book"), "demo, cell say", "a path"),
    "path-of-code": (says("x.py:12: UserWarning"), "demo, cell say", "a path"),
    "decimals": (says("0.22360679"), "demo, cell say", "more than 4 decimals"),
    "uninitialised": (
        put("say", source="torch.empty(2)", outputs=[stream("tensor([4.5e-41, 0.0])")]),
        "demo, cell say",
        "looks like uninitialised memory",
    ),
    # what a new lesson begins with, and what made the outputs
    "to-write": (
        source("summary", "- Two.", "- TO WRITE: what was learnt."),
        "demo, cell summary",
        "is to be written: what was learnt.",
    ),
    "to-write-code": (runs("1  # TO WRITE: it"), "demo, cell say", "to be written: it"),
    "maker-unknown": (
        lambda book: (book.root / "book" / "executed.json").write_text("{}"),
        "solutions/demo",
        "executed.json does not say what made its outputs (torch, python, device, date",
    ),
    # prose
    "no-title": (source("title", "# Demo: one and one", "D"), "demo", "one “# Title”"),
    "two-titles": (source("drawing", "## 2.", "# 2."), "demo", "one “# Title”"),
    "section": (source("summary", "## Summary", "## Sum"), "demo", "has the sections"),
    "number": (
        source("drawing", "## 2. Drawing", "## 3. Drawing"),
        "demo",
        "should have the number",
    ),
    "link-heading": (
        source("drawing", "#1.-Adding", "#1.-Ading"),
        "demo, cell drawing",
        "names no heading",
    ),
    "link-file": (
        source("summary", "solutions/demo.ipynb", "gone.ipynb"),
        "demo, cell summary",
        "to no file",
    ),
    "link-http": (
        source("drawing", "#1.-Adding", "http://x.org"),
        "demo, cell drawing",
        "no https: link",
    ),
    "picture-missing": (
        source("title", "../img/dot.svg", "../img/dott.svg"),
        "demo, cell title",
        "not in this rep",
    ),
    "picture-alt": (
        source("title", "A red dot on white ground, nothing else", "dot"),
        "demo, cell title",
        "alt",
    ),
    "figure-no-alt": (put("dot", metadata={}), "demo, cell dot", "say what it shows"),
    "figure-alt": (
        put("dot", metadata={"alt": "dot"}),
        "demo, cell dot",
        "say what it shows",
    ),
    "alt-no-figure": (
        put("add", metadata={"alt": "A sum of one and one"}),
        "demo, cell add",
        "draws nothing",
    ),
    "no-way-there": (
        source("summary", "[the solutions](solutions/demo.ipynb)", "x"),
        "demo",
        "does not link",
    ),
    "no-way-back": (
        source("title", "(../demo.ipynb)", "(../index.ipynb)", "solutions/demo"),
        "solutions/demo",
        "does not link demo",
    ),
    "unsolved": (
        source("summary", "1. Add", "1. Subtract.\n2. Add"),
        "solutions/demo",
        "solves 1 exercises",
    ),
}


def test_book_without_a_fault_keeps_the_contract(book):
    assert problems(book.book, select(book.book)) == []


@pytest.mark.parametrize("kind", CONTRACT)
def test_fault_of_the_contract_is_named(kind, book):
    plant, where, what = CONTRACT[kind]
    plant(book)
    found = problems(book.book, select(book.book))
    assert any(line.startswith(f"{where}: ") and what in line for line in found), found


def test_empty_chapter_is_named(book):
    lose(*EVERYWHERE, "index", "zh/index")(book)
    with pytest.raises(NotebookError, match="There is no notebook in"):
        select(book.book)


# Lines of the sanitiser file that nbval would ignore or choke on.
SANITIZER = {
    "no-space": ("regex:x\nreplace: y", 1, "nbval would ignore"),
    "blank-line": ("regex: x\n\nreplace: y", 2, "right after"),
    "no-replacement": ("regex: x\nreplace:", 2, "right after"),
    "ends-too-early": ("# fine\nregex: x", 3, "right after"),
    "no-regex": ("regex: (x\nreplace: y", 1, "not a regular expression"),
    "replacement-first": ("replace: y", 1, "nbval would ignore"),
    "capital": ("Regex: x\nreplace: y", 1, "nbval would ignore"),
}


@pytest.mark.parametrize("kind", SANITIZER)
def test_malformed_sanitiser_line_is_named(kind, tmp_path):
    text, line, what = SANITIZER[kind]
    path = tmp_path / "tests" / "sanitize.cfg"
    path.parent.mkdir()
    path.write_text(text, "utf-8")
    first = sanitizer_problems(path)[0]
    assert first.startswith(f"tests/sanitize.cfg, line {line}: ") and what in first


def test_missing_sanitiser_is_named(tmp_path):
    assert "is missing" in sanitizer_problems(tmp_path / "sanitize.cfg")[0]


# Cells that give something else than is stored for them, by kind of fault, and what is
# said of it. "" is no fault: it must pass.

KINDS = "its outputs are of another kind or order"
RAISE = 'raise ValueError("no")'
SHOW = "display(1)\nprint(2)"
DRAW = FIGURE.format(png=f'"{DOT}"')
RICH = """\
class Rich:
    def _repr_mimebundle_(self, **_):
        return {data}, {metadata}


Rich()"""
CURVE = """\
import io

from IPython.display import Image as Shown
from PIL import Image, ImageDraw

picture = Image.new("L", (120, 90), "white")
curve = [(x, {height} * (x - 60) ** 2 / 45) for x in range(120)]
ImageDraw.Draw(picture).line(curve, width=2)
buffer = io.BytesIO()
picture.save(buffer, "png")
Shown(buffer.getvalue())"""


def shown(text: str) -> dict:
    return {
        "output_type": "display_data",
        "data": {"text/plain": text},
        "metadata": {},
    }


def rich(now: dict, stored: dict, now_size=None, stored_size=None) -> dict:
    """Return a cell that shows `now` beside plain text, and what is stored for it."""
    data, metadata = {"text/plain": "Rich"} | now, {"image/png": now_size or {}}
    output = result("Rich", **stored) | {"metadata": {"image/png": stored_size or {}}}
    return code("", RICH.format(data=data, metadata=metadata), output)


def dot(**stored) -> dict:
    return code("", DRAW, result("<Dot>", **stored))


def curve(height: float) -> dict:
    """Return a cell that draws with `height`; stored is what it draws with 1."""
    names: dict = {}
    exec(CURVE.format(height=1), names)
    png = base64.b64encode(names["buffer"].getvalue()).decode()
    stored = result("<IPython.core.display.Image object>", **{"image/png": png})
    return code("", CURVE.format(height=height), stored)


OUTPUTS = {
    "right-text": (code("", "1 + 1", result("2")), ""),
    "right-error": (code("", RAISE, error(), **TAGGED), ""),
    "right-picture": (dot(**{"image/png": DOT}), ""),
    "right-curve": (curve(1), ""),
    "right-form": (rich({"text/html": "<b>x</b>"}, {"text/html": "<b>x</b>"}), ""),
    "right-device": (
        code("", "print(\"tensor([1.], device='cuda:0')\")", stream("tensor([1.])\n")),
        "",
    ),
    # texts
    "plain-text": (code("", "1 + 1", result("3")), "line 1 of text/plain"),
    "second-line": (
        code("", "print('a')\nprint('b')", stream("a\nc\n")),
        "first difference, line 2 of stdout:\n    stored: c\n    now:    b",
    ),
    "stderr-text": (
        code("", "import sys\n\nprint('e', file=sys.stderr)", stream("x\n", "stderr")),
        "line 1 of stderr:\n    stored: x\n    now:    e",
    ),
    "stream-renamed": (
        code("", "print('e')", stream("e\n", "stderr")),
        f"{KINDS}:\n    stored: stream stderr\n    now:    stream stdout",
    ),
    "newline-dropped": (code("", "print('e')", stream("e")), "stored: (ends)"),
    **{  # mime types: what is shown, what is stored
        f"text-of-{mime}": (rich({mime: now}, {mime: stored}), f"line 1 of {mime}")
        for mime, now, stored in [
            ("text/html", "<b>x</b>", "<b>y</b>"),
            ("text/markdown", "*x*", "*y*"),
            ("text/latex", "$x$", "$y$"),
            ("image/svg+xml", "<svg id='a'/>", "<svg id='b'/>"),
            ("image/jpeg", "/9j/", "/9k/"),
            ("application/json", {"a": 1}, {"a": 2}),
            ("application/javascript", "f()", "g()"),
        ]
    },
    # outputs
    "form-dropped": (rich({"text/html": "x"}, {}), KINDS),
    "form-added": (rich({}, {"text/html": "x"}), KINDS),
    "output-dropped": (code("", SHOW, shown("1")), KINDS),
    "output-doubled": (code("", SHOW, shown("1"), shown("1"), stream("2\n")), KINDS),
    "output-added": (code("", "x = 1", result("1")), "now:    nothing"),
    "outputs-cleared": (code("", "1 + 1"), "stored: nothing\n    now:    execute_res"),
    "outputs-exchanged": (code("", SHOW, stream("2\n"), shown("1")), KINDS),
    "result-for-display": (
        code("", SHOW, result("1"), stream("2\n")),
        "stored: execute_result text/plain, stream stdout",
    ),
    "display-for-result": (code("", "1 + 1", shown("2")), "now:    execute_result"),
    "display-updated": (  # what refresh stores, and nbval does not see
        code("", "display(1, display_id='a').update(2)", shown("2")),
        "line 1 of text/plain:\n    stored: 2\n    now:    1",
    ),
    "output-of-c": (  # likewise
        code("", "import os\n\n_ = os.write(1, b'c')", stream("c")),
        "now:    nothing",
    ),
    # errors
    "error-type": (code("", RAISE, error("KeyError"), **TAGGED), "of ename"),
    "error-message": (code("", RAISE, error(value="yes"), **TAGGED), "of evalue"),
    "error-gone": (code("", "1", error(), **TAGGED), "stored: error"),
    # figures
    "picture-changed": (
        dot(**{"image/png": MOVED}),
        "see _build/figures/outputs-picture-changed-1-difference.png",
    ),
    "picture-removed": (dot(), KINDS),
    "picture-added": (
        code("", "1", result("1", **{"image/png": DOT})),
        "stored: execute_result image/png text/plain",
    ),
    "picture-size": (
        rich({"image/png": DOT}, {"image/png": DOT}, {"width": 40}, {"width": 60}),
        "the figure is shown at another size: {'width': 40}",
    ),
    "curve-changed": (curve(1.1), "times as much as rendering may"),
}

# Notebooks that cannot go on after the cell `bad`, and what has to be said. The slow
# two are first, so that each worker gets one.
STOPS = {
    "hangs": ("import time\n\ntime.sleep(60)", "still running after 5 s"),
    "swallows": (
        "import time\n\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    pass",
        "still running after 5 s",
    ),
    "dies": ("import os\n\nos._exit(1)", "the kernel died while it ran"),
    "import-fails": (
        "import no_such_module",
        "raised ModuleNotFoundError: No module named 'no_such_module'",
    ),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory) -> dict[str, check.Verdict]:
    """Run nbval once over every planted fault; return what it finds in each cell."""
    book = Book(tmp_path_factory.mktemp("book"))
    cells = [made | {"id": as_id(kind)} for kind, (made, _) in OUTPUTS.items()]
    paths = [book.write("outputs", cells)]
    for name, (text, _) in STOPS.items():
        cells = [code("bad", text), *(code(f"later-{n}", "x = bad") for n in (1, 2))]
        paths.append(book.write(name, cells))
    _, found = check.run(book.book, paths, ["-p", "no:cacheprovider"], True, limit=5)
    return {verdict.cell: verdict for verdict in found}


def as_id(kind: str) -> str:
    return re.sub(r"\W", "-", kind)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_fault_in_an_output_is_named(kind, verdicts):
    where, expected = f"outputs, cell {as_id(kind)}", OUTPUTS[kind][1]
    verdict = verdicts[where]
    if not expected:
        assert (verdict.kind, verdict.said) == ("", "")
        return
    assert verdict.said.startswith(f"{where}: what it gives now"), verdict
    assert expected in verdict.said
    assert "If the change is meant: make refresh LESSON=outputs" in verdict.said


@pytest.mark.parametrize("kind", STOPS)
def test_what_stops_a_notebook_stops_it_at_once(kind, verdicts):
    verdict = verdicts[f"{kind}, cell bad"]
    assert verdict.kind == "error" and STOPS[kind][1] in verdict.said
    assert verdict.seconds < 30  # not the minute that it sleeps
    for later in ("later-1", "later-2"):
        verdict = verdicts[f"{kind}, cell {later}"]
        assert verdict.kind == "skipped"
        assert f"{kind} stopped at cell bad" in verdict.said
