"""The notebook contract: the real notebooks keep it, and every fault is named.

Each fault is planted alone in a small book that keeps the contract (see conftest);
the message has to name the lesson, the cell and what is wrong.
"""

import contract
import pytest
from conftest import code, result, stream
from notebooks import METADATA, NotebookError, name_of, select
from sanitizer import SANITIZER, sanitizer_problems


@pytest.mark.parametrize("path", select(), ids=name_of)
def test_notebook_keeps_the_contract(path):
    assert contract.problems([path]) == []


def test_small_book_keeps_the_contract(book):
    assert contract.problems(select(chapter=book.chapter), book.chapter) == []


def cell(notebook: dict, id_: str) -> dict:
    return next(cell for cell in notebook["cells"] if cell["id"] == id_)


def source(id_: str, old: str, new: str):
    """Return a fault: in cell `id_`, `old` becomes `new`."""

    def plant(notebook):
        found = cell(notebook, id_)
        assert old in found["source"]
        found["source"] = found["source"].replace(old, new)

    return plant


def put(id_: str, **changes):
    """Return a fault: fields of a cell are set."""
    return lambda notebook: cell(notebook, id_).update(changes)


def drop(id_: str):
    return lambda notebook: notebook["cells"].remove(cell(notebook, id_))


def says(text: str):
    """Return a fault: the cell `say` stores this on standard output."""
    return put("say", outputs=[stream(text)])


def runs(text: str):
    """Return a fault: the cell `say` holds this code."""
    return put("say", source=text)


def swap(notebook):
    cells = notebook["cells"]
    cells[1], cells[4] = cells[4], cells[1]


def clear(notebook):
    for each in notebook["cells"]:
        if each["cell_type"] == "code":
            each.update(outputs=[], execution_count=None)


def drop_code(notebook):
    kept = [each for each in notebook["cells"] if each["cell_type"] != "code"]
    notebook["cells"] = kept


def add(*, at: int, **cell_fields):
    made = code("new", "2", result("2")) | cell_fields
    return lambda notebook: notebook["cells"].insert(at, made)


def metadata(**changes):
    return lambda notebook: notebook["metadata"].update(changes)


def error(traceback: str = "ValueError: no") -> dict:
    named = {"ename": "ValueError", "evalue": "no", "traceback": [traceback]}
    return {"output_type": "error"} | named


LONG = "\n".join(["1"] * 21)
KERNEL = METADATA["kernelspec"] | {"display_name": "conda env:d2l"}
COUNTED = {"output_type": "execute_result", "execution_count": 7, "metadata": {}} | {
    "data": {"text/plain": "2"}
}

# What is planted in the lesson, which cell is named, what is said.
FAULTS = [
    # the file
    (metadata(widgets={}), "", "“widgets” is not known"),
    (metadata(kernelspec=KERNEL), "", "metadata of a machine"),
    (metadata(language_info={"name": "python", "version": "3.11"}), "", "of a machine"),
    (drop("say"), "", "3 code cells were refreshed, 2 are here"),
    (drop_code, "", "3 code cells were refreshed, 0 are here"),
    (drop_code, "", "has no code cell left"),
    (add(at=6, execution_count=4), "", "3 code cells were refreshed, 4 are here"),
    # ids
    (put("say", id="add"), "add", "2 cells have this id"),
    (put("say", id="8f2c1a9b"), "8f2c1a9b", "give it a name"),
    (put("say", id="3f9c2b7e-41d0"), "3f9c2b7e-41d0", "give it a name"),
    (put("say", id="Say_it"), "Say_it", "give it a name"),
    # tags and metadata
    (put("say", metadata={"tags": ["rasies-exception"]}), "say", "“rasies-exception”"),
    (put("say", metadata={"tags": ["nbval-skip"]}), "say", "“nbval-skip” is not"),
    (put("say", metadata={"collapsed": True}), "say", "“collapsed” is not known"),
    (put("title", attachments={"a.png": {"image/png": ""}}), "title", "an attachment"),
    # execution
    (clear, "add", "was never executed"),
    (put("say", execution_count=None), "say", "was never executed"),
    (put("say", execution_count=5), "say", "execution count 5 in place 3"),
    (swap, "say", "execution count 3 in place 1"),
    (put("add", outputs=[COUNTED]), "add", "another cell's count"),
    # errors
    (put("add", outputs=[error()]), "add", "stores a ValueError"),
    (put("add", metadata={"tags": ["raises-exception"]}), "add", "stores no error"),
    (
        put(
            "add",
            outputs=[error("File /home/me/x.py")],
            metadata={"tags": ["raises-exception"]},
        ),
        "add",
        "traceback of a machine",
    ),
    # code
    (runs(""), "say", "an empty code cell"),
    (runs(LONG), "say", "21 lines"),
    (runs("x = 1  # " + 71 * "-"), "say", "line 1 has 80 columns"),
    (runs("print('said'"), "say", "is not Python"),
    (runs("import numpy"), "say", "imports numpy"),
    (runs("from . import x"), "say", "imports ."),
    (runs("print('said');"), "say", "ends in “;”"),
    (runs("print(_)"), "say", "IPython's history"),
    (runs("# NBVAL_IGNORE_OUTPUT\n1"), "say", "weakens a check"),
    # what holds on this machine only
    (says("<object at 0x7f3a5c>"), "say", "an address"),
    (says("tensor(1., grad_fn=<AddBackward0>)"), "say", "grad_fn"),
    (says("tensor([1.], device='cuda:0')"), "say", "a GPU"),
    (says("took 3.2 ms"), "say", "a timing"),
    (says("/home/me/book"), "say", "a path"),
    (says("x.py:12: UserWarning"), "say", "a path"),
    (says("0.22360679"), "say", "more than 4 decimals"),
    # prose
    (source("title", "# Demo: one and one", "Demo"), "", "begins with one “# Title”"),
    (source("drawing", "## 2.", "# 2."), "", "begins with one “# Title”"),
    (source("summary", "## Summary", "## Sumary"), "", "has the sections"),
    (source("drawing", "## 2. Drawing", "## 3. Drawing"), "", "should have the number"),
    (source("drawing", "#1.-Adding", "#1.-Ading"), "drawing", "names no heading"),
    (source("summary", "solutions/demo.ipynb", "gone.ipynb"), "summary", "to no file"),
    (source("drawing", "#1.-Adding", "http://x.org"), "drawing", "no https: link"),
    (source("title", "../img/dot.svg", "../img/dott.svg"), "title", "not in this rep"),
    (source("title", "A red dot on white ground, nothing else", "dot"), "title", "alt"),
    (put("dot", metadata={}), "dot", "say what it shows"),
    (put("dot", metadata={"alt": "dot"}), "dot", "say what it shows"),
    (put("add", metadata={"alt": "A sum of one and one"}), "add", "draws nothing"),
    (source("summary", "[the solutions](solutions/demo.ipynb)", "x"), "", "not link"),
]


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_fault_in_a_lesson_is_named(number, book):
    plant, where, what = FAULTS[number]
    with book.edit("demo") as notebook:
        plant(notebook)
    found = contract.problems([book.path("demo")], book.chapter)
    prefix = f"demo, cell {where}: " if where else "demo: "
    assert any(line.startswith(prefix) and what in line for line in found), found


RANDOM = [
    "import torch\ntorch.rand(2)",
    "import random\nrandom.random()",
    "from torch import nn\nnn.Linear(2, 2)",
    "from torch import nn\nlayer.apply(nn.init.normal_)",
    "def draw():\n    return torch.randn(2)\n\n\ndraw()",
    "class N(nn.Module):\n    def __init__(self):\n        nn.Linear(1, 1)\n\n\nN()",
    "class Mine(nn.Linear):\n    pass\n\n\nMine(1, 1)",
    "torch.rand(2)\ntorch.manual_seed(0)",
    "w.uniform_(-1, 1)",
    "def init_(m):\n    nn.init.xavier_normal_(m)\n\n\nnet.apply(init_)",
]
SEEDED = [
    "torch.manual_seed(0)\ntorch.rand(2)",
    "g = torch.Generator().manual_seed(0)\ntorch.rand(2, generator=g)",
    "def draw():\n    torch.manual_seed(0)\n    return torch.rand(2)\n\n\ndraw()",
    "def draw():\n    return torch.rand(2)",
    'with torch.device("meta"):\n    nn.Linear(2, 2)',
    'nn.Linear(2, 2, device="meta")',
    "isinstance(net, nn.Linear)",
    "nn.init.zeros_(w)",
]


@pytest.mark.parametrize("text", RANDOM + SEEDED)
def test_cell_that_draws_seeds_itself(text, book):
    with book.edit("demo") as notebook:
        cell(notebook, "say")["source"] = text
    found = contract.problems([book.path("demo")], book.chapter)
    drawing = [line for line in found if "say: line" in line and "random" in line]
    assert len(drawing) == (text in RANDOM), found


def test_definition_in_an_earlier_cell_counts(book):
    with book.edit("demo") as notebook:
        cell(notebook, "add")["source"] = "def f():\n    return torch.rand(2)"
        cell(notebook, "say")["source"] = "f()"
    found = contract.problems([book.path("demo")], book.chapter)
    assert any("say: line 1 draws random numbers (f)" in line for line in found), found


def test_uninitialised_memory_is_noticed(book):
    with book.edit("demo") as notebook:
        cell(notebook, "say")["source"] = "torch.empty(2)"
        cell(notebook, "say")["outputs"] = [stream("tensor([4.5e-41, 0.0])")]
    found = contract.problems([book.path("demo")], book.chapter)
    assert any("uninitialised" in line for line in found), found


@pytest.mark.parametrize("name", ["solutions/demo", "demo"])
def test_missing_partner_is_named(name, book):
    book.path(name).unlink()
    found = contract.problems(select(chapter=book.chapter), book.chapter)
    assert any(f"its partner {name} is missing" in line for line in found), found


def test_notebook_missing_from_the_index_is_named(book):
    with book.edit("index") as notebook:
        source("contents", "- [Demo](demo.ipynb)\n", "")(notebook)
    found = contract.problems([book.path("index")], book.chapter)
    assert found == ["index: does not link demo; add it to the table of contents."]


def test_unsolved_exercise_is_counted(book):
    with book.edit("demo") as notebook:
        source("summary", "1. Add", "1. Subtract.\n2. Add")(notebook)
    found = contract.problems([book.path("solutions/demo")], book.chapter)
    assert any("solves 1 exercises" in line for line in found), found


def test_solutions_without_a_way_back_are_named(book):
    with book.edit("solutions/demo") as notebook:
        source("title", "(../demo.ipynb)", "(../index.ipynb)")(notebook)
    found = contract.problems([book.path("solutions/demo")], book.chapter)
    assert any("does not link demo" in line for line in found), found


BROKEN = {
    "{": "is not JSON",
    "[]": "not a notebook of format 4.5",
    '{"nbformat": 4, "nbformat_minor": 4}': "not a notebook of format 4.5",
    '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}': "format is broken",
}


@pytest.mark.parametrize("text", BROKEN)
def test_broken_file_is_named(text, book):
    book.path("demo").write_text(text, "utf-8")
    found = contract.problems([book.path("demo")], book.chapter)
    assert len(found) == 1 and found[0].startswith("demo: "), found
    assert BROKEN[text] in found[0]


def test_cell_without_id_is_noticed(book):
    text = book.path("demo").read_text("utf-8").replace('"id": "say",', "", 1)
    book.path("demo").write_text(text, "utf-8")
    found = contract.problems([book.path("demo")], book.chapter)
    assert "'id' is a required property" in found[0], found


def test_editor_formatting_is_noticed(book):
    text = book.path("demo").read_text("utf-8")
    book.path("demo").write_text(text.replace("\n ", "\n  "), "utf-8")
    found = contract.problems([book.path("demo")], book.chapter)
    assert any("written by an editor" in line for line in found), found


def test_book_overlooks_the_device_and_nothing_else():
    lines = SANITIZER.read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules == [r"regex: , device='cuda:\d+'([,)])", r"replace: \1"]
    assert sanitizer_problems(SANITIZER) == []


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("regex:x\nreplace: y", 1, "nbval would ignore"),
        ("regex: x\n\nreplace: y", 2, "right after"),
        ("regex: x\nreplace:", 2, "right after"),
        ("# fine\nregex: x", 3, "right after"),
        ("regex: (x\nreplace: y", 1, "not a regular expression"),
        ("replace: y", 1, "nbval would ignore"),
        ("Regex: x\nreplace: y", 1, "nbval would ignore"),
    ],
)
def test_malformed_sanitiser_line_is_named(text, line, what, tmp_path):
    path = tmp_path / "sanitize.cfg"
    path.write_text(text, "utf-8")
    first = sanitizer_problems(path)[0]
    assert first.startswith(f"tests/sanitize.cfg, line {line}: ") and what in first


def test_missing_sanitiser_is_named(tmp_path):
    assert "is missing" in sanitizer_problems(tmp_path / "sanitize.cfg")[0]


def test_lesson_typo_names_the_lessons_and_the_closest(book):
    with pytest.raises(NotebookError) as caught:
        select("dmeo", book.chapter)
    assert str(caught.value) == (
        "There is no lesson “dmeo”. Did you mean LESSON=demo? The lessons are:"
        " demo, index."
    )


def test_lesson_means_the_page_and_its_solutions_in_both_languages(book):
    names = [name_of(path, book.chapter) for path in select("demo", book.chapter)]
    assert names == ["demo", "solutions/demo", "zh/demo", "zh/solutions/demo"]
    assert select("demo.ipynb", book.chapter) == select("demo", book.chapter)
