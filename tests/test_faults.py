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
    DRAW,
    MOVED,
    Book,
    code,
    each_of,
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
    return lambda book: book.change(name, change)


def text(id_: str, old: str, new: str, name: str = "demo"):
    """Return a fault: in cell `id_`, `old` becomes `new`."""
    return edit(replaced(id_, old, new), name)


def say(id_: str = "say", **fields):
    """Return a fault: these fields of the cell `say`, or another, are set."""
    return edit(updated(id_, **fields))


def add(**fields):
    """Return a fault: these fields of the cell `add` are set."""
    return say("add", **fields)


def tagged(**metadata):
    return say(metadata=metadata)


def says(output: str):
    return say(outputs=[stream(output)])


def runs(source: str):
    return say(source=source)


def asks(**prediction):
    """Return a fault: the cell `say`, which says “said”, asks for this prediction."""
    covered = {"tags": ["predict"], "jupyter": {"outputs_hidden": True}}
    return tagged(**covered, predict=prediction)


def metadata(**changes):
    return edit(lambda notebook: notebook["metadata"].update(changes))


def cells(change):
    """Return a fault: the list of cells becomes what `change` makes of it."""
    return edit(lambda notebook: notebook.update(cells=change(notebook["cells"])))


def cleared(cell: dict) -> dict:
    return cell | ({"outputs": [], "execution_count": None} if is_code(cell) else {})


def is_code(cell: dict) -> bool:
    return cell["cell_type"] == "code"


def file(text: str):
    """Return a fault: the file holds this text."""
    return lambda book: book.path("demo").write_text(text, "utf-8")


def in_file(old: str, new: str, count: int = -1):
    """Return a fault: in the file, `old` becomes `new`."""

    def plant(book):
        text = book.path("demo").read_text("utf-8")
        assert old in text
        book.path("demo").write_text(text.replace(old, new, count), "utf-8")

    return plant


def lose(*names: str):
    """Return a fault: these notebooks are not there."""
    return lambda book: [book.path(name).unlink() for name in names]


EVERYWHERE = ("demo", "solutions/demo", "zh/demo", "zh/solutions/demo")
V4 = '"nbformat": 4, "nbformat_minor": '
TAGGED = {"tags": ["raises-exception"]}
ABROAD = error() | {"traceback": ["File /home/me/x.py"]}
KERNEL = METADATA["kernelspec"] | {"name": "d2l", "display_name": "conda env:d2l"}
PYTHON = {"name": "python", "version": "3.11"}
COUNTED = result("2") | {"execution_count": 7}
EMPTY = {"source": "torch.empty(2)", "outputs": [stream("tensor([4.5e-41, 0.0])")]}

# Where a fault has to be seen: how it is planted, and what is said of it.
CONTRACT = {
    "demo": [
        # the file
        (file("{"), "is not JSON"),
        (file(""), "is not JSON"),
        (file("[]"), "not a notebook of format 4.5"),
        (file("{" + V4 + "4}"), "not a notebook of format 4.5"),
        (file("{" + V4 + '5, "metadata": {}}'), "broken at “the top”: 'cells' is a r"),
        (in_file('"stdout"', "1"), "format is broken at “cells/4/outputs/0"),
        (in_file('"id": "say",', "", 1), "'id' is a required"),
        (in_file("\n ", "\n  "), "written by an editor"),
        (lose("solutions/demo"), "its partner solutions/demo is missing"),
        (metadata(widgets={}), "“widgets” is not known"),
        (metadata(kernelspec=KERNEL), "kernel or language metadata of a machine"),
        (metadata(language_info=PYTHON), "kernel or language metadata of a machine"),
        # cells deleted (first, middle, last, all) and added
        (edit(without("add")), "3 code cells were refreshed, 2 are here"),
        (edit(without("dot")), "3 code cells were refreshed, 2 are here"),
        (edit(without("say")), "3 code cells were refreshed, 2 are here"),
        (cells(lambda _: []), "3 code cells were refreshed, 0 are here"),
        (cells(lambda all: all[:1]), "has no code cell left"),
        (cells(lambda all: [*all, code("new", "2")]), "3 code cells were refreshed, 4"),
        # headings and links
        (text("title", "# Demo: one and one", "D"), "one “# Title”"),
        (text("drawing", "## 2.", "# 2."), "one “# Title”"),
        (text("summary", "## Summary", "## Sum"), "has the sections"),
        (text("drawing", "## 2.", "## 3."), "should have the number"),
        (text("summary", "[the solutions](solutions/demo.ipynb)", "x"), "not link"),
    ],
    "demo, cell say": [
        # execution, ids, tags and metadata
        (cells(lambda all: [*all[:1], *all[4:], *all[1:4]]), "count 3 in place 1"),
        (say(execution_count=5), "execution count 5 in place 3"),
        (say(execution_count=None), "was never executed; run make refresh LESSON=demo"),
        (say(execution_count=None, outputs=[]), "was never executed"),
        (
            tagged(tags=["rasies-exception"]),
            "“rasies-exception” is not known; known is",
        ),
        (tagged(tags=["nbval-skip"]), "“nbval-skip” is not"),
        (tagged(collapsed=True), "“collapsed” is not known"),
        (tagged(name="says"), "has a name that is not its id yet; run make refresh"),
        # predictions
        (tagged(tags=["predict"]), "is not covered as its tags say"),
        (tagged(jupyter={"outputs_hidden": True}), "is not covered as its tags say"),
        (tagged(predict={"find": "said", "choices": ["said"]}), "add the tag"),
        (asks(find="sad", choices=["sad"]), "finds nothing in the stored output: sad"),
        (asks(find="s..d", choices=["sad", "sold"]), "offers no “said”"),
        (asks(find="(said)", within=0.1), "a number"),
        (asks(find="(", within=1), "no pattern"),
        (asks(find="s(ai)d", choices=["said", "ai"]), "write (?:…) for (…)"),
        (asks(find="said"), "and either"),
        # code
        (runs(""), "an empty code cell"),
        (runs("\n".join(["1"] * 21)), "21 lines"),
        (runs("x = 1  # " + 71 * "-"), "line 1 has 80 columns"),
        (runs("print('said'"), "line 1 is not Python"),
        (runs("import numpy"), "imports numpy"),
        (runs("from . import x"), "imports ."),
        (runs("from IPython.display import clear_output"), "imports IPython"),
        (runs("print('said');"), "ends in “;”"),
        (runs("print(_)"), "IPython's history"),
        (runs("Out[1]"), "IPython's history"),
        (runs("# NBVAL_IGNORE_OUTPUT\n1"), "“# NBVAL_IGNORE_OUTPUT” weakens a check"),
        (runs("1  # TO WRITE: it"), "to be written: it"),
        # outputs that hold on this machine only
        (says("<object at 0x7f3a5c>"), "an address"),
        (says("tensor(1., grad_fn=<Add>)"), "grad_fn"),
        (says("tensor([1.], device='cuda:0')"), "a GPU"),
        (says("took 3.2 ms"), "a timing"),
        (says("/home/me/book"), "a path"),
        (says("x.py:12: UserWarning"), "a path"),
        (says("0.22360679"), "more than 4 decimals"),
        (say(**EMPTY), "looks like uninitialised memory"),
    ],
    "demo, cell add": [
        (cells(lambda all: [*map(cleared, all)]), "was never executed"),
        (add(outputs=[COUNTED]), "another cell's count"),
        (say(id="add"), "2 cells have this id"),
        (add(outputs=[error()]), "stores a ValueError; mend"),
        (add(metadata=TAGGED), "stores no error"),
        (add(outputs=[ABROAD], metadata=TAGGED), "traceback of a machine"),
        (add(metadata={"alt": "A sum of one and one"}), "draws nothing"),
    ],
    "demo, cell 8f2c1a9b": [(say(id="8f2c1a9b"), "give it a name")],
    "demo, cell 3f9c2b7e-41d0": [(say(id="3f9c2b7e-41d0"), "give it a name")],
    "demo, cell Say_it": [(say(id="Say_it"), "give it a name")],
    "demo, cell title": [
        (say("title", attachments={"a.png": {"image/png": ""}}), "an attachment"),
        (text("title", "dot.svg", "dott.svg"), "not in this rep"),
        (text("title", "A red dot on white ground, nothing else", "a dot"), "alt"),
    ],
    "demo, cell drawing": [
        (text("drawing", "#1.-Adding", "#1.-Ading"), "names no heading"),
        (text("drawing", "#1.-Adding", "http://x.org"), "no https: link"),
    ],
    "demo, cell dot": [
        (say("dot", metadata={}), "say what it shows"),
        (say("dot", metadata={"alt": "dot"}), "say what it shows"),
    ],
    "demo, cell summary": [
        (text("summary", "solutions/demo.ipynb", "gone.ipynb"), "to no file"),
        (text("summary", "- Two.", "- TO WRITE: the sum."), "to be written: the sum."),
    ],
    "solutions/demo": [
        (lose("demo"), "its partner demo is missing"),
        (text("title", "../demo.", "../index.", "solutions/demo"), "not link demo"),
        (text("summary", "1. Add", "1. Subtract.\n2. Add"), "solves 1 exercises"),
        (
            lambda book: (book.root / "book" / "executed.json").write_text("{}"),
            "executed.json does not say what made its outputs (torch, python, device,",
        ),
    ],
    "zh/demo, cell drawing": [(edit(without("drawing")), "(surplus)")],
    "index": [
        (
            text("contents", "- [Demo](demo.ipynb)\n", "", "index"),
            "does not link demo; add it to the table of contents",
        ),
    ],
    "index, cell contents": [(lose(*EVERYWHERE), "to no file")],
}


def test_book_without_a_fault_keeps_the_contract(book):
    assert problems(book.book, select(book.book)) == []


@each_of(CONTRACT)
def test_fault_of_the_contract_is_named(where, fault, what, book):
    fault(book)
    found = problems(book.book, select(book.book))
    assert any(line.startswith(f"{where}: ") and what in line for line in found), found


def test_empty_chapter_is_named(book):
    lose(*EVERYWHERE, "index", "zh/index")(book)
    with pytest.raises(NotebookError, match="There is no notebook in"):
        select(book.book)


# Lines of the sanitiser file that nbval would ignore or choke on, and what is said.
SANITIZER = {
    "regex:x\nreplace: y": "line 1: nbval would ignore",
    "regex: x\n\nreplace: y": "line 2: nbval wants “replace: …” right after",
    "regex: x\nreplace:": "line 2: nbval wants “replace: …” right after",
    "# fine\nregex: x": "line 3: nbval wants “replace: …” right after",
    "regex: (x\nreplace: y": "line 1: not a regular expression",
    "replace: y": "line 1: nbval would ignore",
    "Regex: x\nreplace: y": "line 1: nbval would ignore",
}


@pytest.mark.parametrize("lines", SANITIZER)
def test_malformed_sanitiser_line_is_named(lines, tmp_path):
    path = tmp_path / "sanitize.cfg"
    assert "is missing" in sanitizer_problems(path)[0]
    path.write_text(lines, "utf-8")
    said = f"{tmp_path.name}/sanitize.cfg, {SANITIZER[lines]}"
    assert sanitizer_problems(path)[0].startswith(said)


# What cells give, what is stored for them, and what is said of it: "" is no fault.

KINDS = "its outputs are of another kind or order"
RAISE = 'raise ValueError("no")'
SHOW = "display(1)\nprint(2)"
RICH = """\
class Rich:
    def _repr_mimebundle_(self, **_):
        return {}, {}


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
    data = {"text/plain": text}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def rich(now: dict, stored: dict, *sizes: dict) -> tuple[str, dict]:
    """Return a cell that shows `now` beside plain text, and what is stored for it."""
    new, old = ({"image/png": size} for size in sizes or ({}, {}))
    source = RICH.format({"text/plain": "Rich"} | now, new)
    return source, result("Rich", **stored) | {"metadata": old}


def dot(**stored) -> tuple[str, dict]:
    return DRAW, result("<Dot>", **stored)


def curve(height: float) -> tuple[str, dict]:
    """Return a cell that draws with `height`; stored is what it draws with 1."""
    names: dict = {}
    exec(CURVE.format(height=1), names)
    png = base64.b64encode(names["buffer"].getvalue()).decode()
    stored = result("<IPython.core.display.Image object>", **{"image/png": png})
    return CURVE.format(height=height), stored


OUTPUTS = {
    "right-text": ("1 + 1", result("2"), ""),
    "right-error": (RAISE, error(), ""),
    "right-picture": (*dot(**{"image/png": DOT}), ""),
    "right-curve": (*curve(1), ""),
    "right-form": (*rich({"text/html": "<b>x</b>"}, {"text/html": "<b>x</b>"}), ""),
    "right-device": ("print(\"1, device='cuda:0')\")", stream("1)\n"), ""),
    # texts
    "plain-text": ("1 + 1", result("3"), "line 1 of text/plain"),
    "second-line": (
        "print('a')\nprint('b')",
        stream("a\nc\n"),
        "first difference, line 2 of stdout:\n    stored: c\n    now:    b",
    ),
    "stderr-text": (
        "import sys\n\nprint('e', file=sys.stderr)",
        stream("x\n", "stderr"),
        "line 1 of stderr:\n    stored: x\n    now:    e",
    ),
    "stream-renamed": (
        "print('e')",
        stream("e\n", "stderr"),
        f"{KINDS}:\n    stored: stream stderr\n    now:    stream stdout",
    ),
    "newline-dropped": ("print('e')", stream("e"), "stored: (ends)"),
    **{  # mime types: what is shown, what is stored
        f"text-of-{mime}": (*rich({mime: now}, {mime: stored}), f"line 1 of {mime}")
        for mime, now, stored in [
            ("text/html", "<b>x</b>", "<b>y</b>"),
            ("text/markdown", "*x*", "*y*"),
            ("image/svg+xml", "<svg id='a'/>", "<svg id='b'/>"),
            ("image/jpeg", "/9j/", "/9k/"),
            ("application/json", {"a": 1}, {"a": 2}),
        ]
    },
    # outputs
    "form-dropped": (*rich({"text/html": "x"}, {}), KINDS),
    "form-added": (*rich({}, {"text/html": "x"}), KINDS),
    "output-dropped": (SHOW, shown("1"), KINDS),
    "output-doubled": (SHOW, shown("1"), shown("1"), stream("2\n"), KINDS),
    "output-added": ("x = 1", result("1"), "now:    nothing"),
    "outputs-cleared": ("1 + 1", "stored: nothing\n    now:    execute_res"),
    "outputs-exchanged": (SHOW, stream("2\n"), shown("1"), KINDS),
    "result-for-display": (
        SHOW,
        result("1"),
        stream("2\n"),
        "stored: execute_result text/plain, stream stdout",
    ),
    "display-for-result": ("1 + 1", shown("2"), "now:    execute_result"),
    "display-updated": (  # what refresh stores, and nbval does not see
        "display(1, display_id='a').update(2)",
        shown("2"),
        "line 1 of text/plain:\n    stored: 2\n    now:    1",
    ),
    "output-of-c": ("import os\n\n_ = os.write(1, b'c')", stream("c"), "nothing"),
    # errors
    "error-type": (RAISE, error("KeyError"), "of ename"),
    "error-message": (RAISE, error(value="yes"), "of evalue"),
    "error-gone": ("1", error(), "stored: error"),
    # figures
    "picture-changed": (
        *dot(**{"image/png": MOVED}),
        "see _build/figures/outputs-picture-changed-1-difference.png",
    ),
    "picture-removed": (*dot(), KINDS),
    "picture-added": ("1", result("1", **{"image/png": DOT}), "image/png text/plain"),
    "picture-size": (
        *rich({"image/png": DOT}, {"image/png": DOT}, {"width": 40}, {"width": 60}),
        "the figure is shown at another size: {'width': 40}",
    ),
    "curve-changed": (*curve(1.1), "times as much as rendering may"),
}

# Notebooks that cannot go on after the cell `bad`, and what has to be said. The slow
# two are first, so that each worker gets one.
SLEEP = "import time\n\ntry:\n    time.sleep(60)\nexcept {}:\n    pass"
STOPS = {
    "hangs": (SLEEP.format("ValueError"), "still running after 5 s"),
    "swallows": (SLEEP.format("KeyboardInterrupt"), "still running after 5 s"),
    "dies": ("import os\n\nos._exit(1)", "the kernel died while it ran"),
    "import-fails": ("import no_such", "raised ModuleNotFoundError: No module named"),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory) -> dict[str, check.Verdict]:
    """Run nbval once over every planted fault; return what it finds in each cell."""
    book, cells = Book(tmp_path_factory.mktemp("book")), []
    for kind, (source, *stored, _) in OUTPUTS.items():
        raised = any(output["output_type"] == "error" for output in stored)
        cells.append(code(as_id(kind), source, *stored, **TAGGED if raised else {}))
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
    where, expected = f"outputs, cell {as_id(kind)}", OUTPUTS[kind][-1]
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
