"""The notebook contract: the real notebooks keep it, and what LESSON means.

The faults that it names are in test_faults.py.
"""

import contract
import pytest
from notebooks import NotebookError, name_of, select
from sanitizer import SANITIZER, sanitizer_problems


@pytest.mark.parametrize("path", select(), ids=name_of)
def test_notebook_keeps_the_contract(path):
    assert contract.problems([path]) == []


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
