"""A new lesson: it passes every rule but those that say what is to be written."""

import re

import pytest
from conftest import cell

from bookproof.book import select
from bookproof.contract import problems
from bookproof.refresh import refresh
from bookproof.sync import sync

TITLE = "Gradient checks: is it right?"
WRITE = re.compile(
    r"is to be written: |is not translated yet:|is stale; the English text changed"
    r"|is left in English: |in the glossary; use it"
)


def test_new_lesson_lacks_only_what_is_to_be_written(book):
    status, said = book.run("new", "gradient-checks", TITLE)
    last = "make test LESSON=gradient-checks lists what is to be written.\n"
    assert status == 0 and said.endswith(last), said
    page, solutions = "gradient-checks", "solutions/gradient-checks"
    paths = select(book.book, "gradient-checks")
    names = [page, solutions, f"zh/{page}", f"zh/{solutions}"]
    assert [book.book.name_of(path) for path in paths] == names
    found = problems(book.book, select(book.book))
    assert [line for line in found if not WRITE.search(line)] == []
    for name in names:
        assert any(line.startswith(f"{name}, cell ") for line in found)
    for index in ("index", "zh/index"):
        lines = cell(book.page(index).notebook, "contents").source.split("\n")
        assert lines[1] == f"- [{TITLE}]({page}.ipynb)"
        assert lines[3] == f"- [Solutions: gradient checks]({solutions}.ipynb)"
    prose = "\n".join(each.source for each in book.page(f"zh/{page}").prose)
    assert re.findall("^## (.*)", prose, re.MULTILINE) == [
        *("学完本课你将能够", "准备知识", "1. First section", "小结", "练习", "讨论")
    ]
    (exercise,) = book.page(f"zh/{solutions}").prose[1:]
    assert exercise.source.startswith("## 练习1\n")
    # it gives what it stores
    before = book.texts()
    assert refresh(book.book, page) == sync(book.book, page) == []
    assert book.texts() == before
    status, said = book.run("check", page)
    assert status == 1 and said.index("2 passed") < said.index("is to be written")
    counted = r"\nRules: .*\nand \d+ findings about the translation: make test shows"
    assert re.search(counted, said) and "is not translated yet" not in said


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("Bad_Name", "A title"), "“Bad_Name” is no name for a lesson"),
        (("good-name", ""), "A lesson needs a title"),
        (("", ""), "is no name for a lesson"),
        (("demo", "A title"), "There is a demo already."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(given, expected, book):
    before = book.texts()
    status, said = book.run("new", *given)
    assert status == 2 and expected in said and "Traceback" not in said
    assert book.texts() == before
