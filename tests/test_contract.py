"""The notebook contract: the real notebooks keep it; seeds, and what LESSON means.

The faults that it names are in test_faults.py.
"""

import contract
import pytest
from conftest import cell
from notebooks import NotebookError, name_of, select
from sanitizer import SANITIZER, sanitizer_problems


@pytest.mark.parametrize("path", select(), ids=name_of)
def test_notebook_keeps_the_contract(path):
    assert contract.problems([path]) == []


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


def test_book_overlooks_the_device_and_nothing_else():
    lines = SANITIZER.read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules == [r"regex: , device='cuda:\d+'([,)])", r"replace: \1"]
    assert sanitizer_problems(SANITIZER) == []


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
