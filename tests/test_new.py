"""A new lesson: it passes every rule but those that say what is to be written."""

import json
import re

import pytest

from bookproof.book import select
from bookproof.contract import problems

TITLE = "Gradient checks: is it right?"
WRITE = re.compile(
    r"is to be written: |is not translated yet:|is stale; the English text changed"
    r"|is left in English: |in the glossary; use it"
)


@pytest.fixture
def started(book) -> tuple[object, str]:
    status, said = book.run("new", "gradient-checks", TITLE)
    assert status == 0, said
    return book, said


def test_new_lesson_lacks_only_what_is_to_be_written(started):
    book, said = started
    assert said.endswith(
        "make test LESSON=gradient-checks lists what is to be written.\n"
    )
    paths = select(book.book, "gradient-checks")
    assert [book.book.name_of(path) for path in paths] == [
        *("gradient-checks", "solutions/gradient-checks"),
        *("zh/gradient-checks", "zh/solutions/gradient-checks"),
    ]
    found = problems(book.book, select(book.book))
    assert [line for line in found if not WRITE.search(line)] == []
    for page in ("gradient-checks", "solutions/gradient-checks"):
        assert any(line.startswith(f"{page}, cell ") for line in found)
        assert any(line.startswith(f"zh/{page}, cell ") for line in found)
    assert json.loads((book.root / "book" / "executed.json").read_text())[
        "gradient-checks"
    ]


def test_new_lesson_is_in_the_contents_of_both_languages(started):
    book, _ = started
    for name in ("index", "zh/index"):
        (contents,) = [c.source for c in book.page(name).prose if c.id == "contents"]
        lesson, solutions = "gradient-checks.ipynb", "solutions/gradient-checks.ipynb"
        lines = contents.split("\n")
        assert lines[1] == f"- [{TITLE}]({lesson})"
        assert lines[3] == f"- [Solutions: gradient checks]({solutions})"


def test_new_lesson_has_the_sections_names_in_chinese(started):
    prose = "\n".join(
        cell.source for cell in started[0].page("zh/gradient-checks").prose
    )
    assert re.findall("^## (.*)", prose, re.MULTILINE) == [
        *("学完本课你将能够", "准备知识", "1. First section", "小结", "练习", "讨论")
    ]
    (exercise,) = started[0].page("zh/solutions/gradient-checks").prose[1:]
    assert exercise.source.startswith("## 练习1\n")


def test_new_lesson_gives_what_it_stores_and_a_refresh_changes_nothing(started):
    book, _ = started
    before = book.texts()
    assert "No file changed" in book.run("refresh", "gradient-checks")[1]
    assert "No file changed" in book.run("sync", "gradient-checks")[1]
    assert book.texts() == before
    status, said = book.run("check", "gradient-checks")
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
