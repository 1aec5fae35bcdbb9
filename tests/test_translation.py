"""The two editions: they correspond, every fault is named, and sync loses nothing.

Faults are planted one at a time in the small book of conftest.py; the message has to
name the notebook, the cell and what is wrong.
"""

import os
import re
import subprocess
from functools import partial

import pytest
from conftest import (
    ROOT,
    added,
    cell,
    code,
    each_of,
    markdown,
    replaced,
    result,
    updated,
    without,
)

from bookproof import book as reading
from bookproof import contract
from bookproof import sync as syncing
from bookproof.book import NotebookError, read
from bookproof.editions import translatables
from bookproof.markdown import prose_of
from bookproof.rules import chinese
from bookproof.rules.chinese import glossary, numbers, spelt, terms_in

REAL = reading.load(ROOT)
GLOSSARY = glossary(REAL.glossary)

ENGLISH = """\
# Demo: one parameter

The gradient of each hidden layer has a shape. It holds 256 weights; in five per cent
of them, $w^2$ is 38.6 million. See [the solutions](solutions/text.ipynb#Exercise-2).

![A red dot on white ground, nothing else](../img/dot.svg)

<details><summary>What does <code>best</code> hold?</summary>

$$a = 1 \\text{ as } b = 2$$

</details>"""
CHINESE = """\
# 演示：一个参数

每个隐藏层的梯度都有形状。
它有256个权重，其中5%的$w^2$是3860万。见[解答](solutions/text.ipynb#练习2)。

![白底上的一个红点，此外什么也没有](../../img/dot.svg)

<details><summary><code>best</code>里是什么？</summary>

$$a = 1 \\text{因为} b = 2$$

</details>"""
TEXTS = {
    "title": (ENGLISH, CHINESE),
    "exercises": (
        "## Exercises\n\n1. Use `apply`.\n2. Use `is`.\n3. Rest.",
        "## 练习\n\n1. 使用`apply`。\n2. 使用`is`。\n3. 休息。",
    ),
    "last": ("That is all, with `x` at last.", "全部就是这些，最后是`x`。"),
}


@pytest.fixture
def pair(book):
    """Return the book with a notebook `text` of richer prose, in both languages."""
    title, exercises, last = (markdown(id_, *both) for id_, both in TEXTS.items())
    dot = code("dot", "draw()", result("<Dot>"), alt="A red square.", zh="红色方块。")
    add = code("add", "1 + 1", result("2"))
    book.write("text", [title, add, exercises, dot, last])
    solutions = ("one", "# Exercise 1", "# 练习1"), ("two", "# Exercise 2", "# 练习2")
    book.write("solutions/text", [markdown(*each) for each in solutions])
    return book


def found(book, name: str = "zh/text") -> list[str]:
    """Return what the rules about translations find in a notebook."""
    page = book.page(name)
    return [
        f"{name}, cell {cell_id}: {what}" if cell_id else f"{name}: {what}"
        for rule in contract.TRANSLATION
        for cell_id, what in rule(page)
    ]


def test_right_translation_passes(pair):
    assert found(pair) == found(pair, "text") == []


def exchanged(raw):
    raw["cells"][1], raw["cells"][2] = raw["cells"][2], raw["cells"][1]


def alt(text: str):
    return lambda raw: cell(raw, "dot")["metadata"].update(alt=text)


title, exercises, last = (partial(replaced, id_) for id_ in TEXTS)
add = partial(updated, "add")
LINK, ALT = "[解答](solutions/text.ipynb#练习2)", "白底上的一个红点，此外什么也没有"
ROWS = "| English | 中文 |\n|---|---|\n| tensor | 张量 |\n| buffer | 缓存 |"

# Where a fault is planted and has to be seen, and what is said of it.
FAULTS = {
    "zh/text, cell title": [
        (title("w^2", "w^3"), "other formulas"),
        (title("b = 2", "b = 3"), "b = 3"),
        (title("256", "257"), "here 257 and in Eng"),
        (title("5%", "6%"), "other numbers: here"),
        (title("3860万", "386万"), "English 38600000"),
        (title(f"![{ALT}](../../img/dot.svg)", ""), "paragraphs: 1 here, 2 in English"),
        (title("梯度", "坡度"), "“gradient” is “梯度”"),
        (title(LINK, "解答"), "in English link solutions/text.ipynb heading 2"),
        (
            title("#练习2", "#练习1"),
            "heading 1 and in English link solutions/text.ipynb",
        ),
        (
            title("](solutions/text.ipynb#练习2", "](../solutions/text.ipynb"),
            "here link",
        ),
        (title("dot.svg", "dott.svg"), "img/dott.svg"),
        (title("best", "bets"), "here bets"),
        (title(ALT, "A red dot"), "is left in English: “A red dot”"),
    ],
    "zh/text, cell exercises": [
        (exercises("\n3. 休息。", ""), "list items: 2 here, 3 in English"),
        (
            exercises("`apply`。\n2. 使用`is`", "`is`。\n2. 使用`apply`"),
            "other code words: here is and in English apply",
        ),
        (exercises("## ", "### "), "headings of level 2: 0 here, 1 in English"),
        (exercises("练习", "Exercises"), "is left in English: “Exercises”"),
        (
            exercises("使用`apply`。", "Please do use `apply`."),
            "English: “Please do use",
        ),
        (without("exercises"), "is missing here; run make sync"),
        (exchanged, "stands where English has add"),
    ],
    "zh/text, cell add": [
        (add(source="1 +  1"), "its source differs"),
        (add(outputs=[]), "its outputs differ from"),
        (add(execution_count=7), "its execution count differs"),
        (add(metadata={"tags": ["x"]}), "its metadata differs"),
        (without("add"), "is missing here; run make sync"),
    ],
    "zh/text, cell last": [
        (updated("last", cell_type="raw"), "its type differs"),
        (updated("last", metadata={}), "is stale"),
        (last(TEXTS["last"][1], TEXTS["last"][0]), "is not translated yet"),
        (last("`x`", "`y`"), "other code words: here y"),
        (last("这些", "这些隐藏层和隐含层"), "“隐含层” is not used; write “隐藏层”"),
        (last("这些，", "这些,"), "half-width punctuation in “全部就是这些,最后是`…`"),
        (last("`x`。", "`x`, 对。"), "half-width punctuation in “些，最后是`…`, 对"),
        (last("`x`。", "`x`."), "ends half-width"),
        (last("是`x`", "是 `x`"), "a space in “是这些，最后是 `…`"),
        (last("是`x`", "是\u3000`x`"), "a space in “"),
        (last("全部", '"全部"'), "the quotes in “"),
        (last("全部", "\uff11部"), "full-width digits"),
        (last("全部", "您的全部"), "the reader is 你"),
    ],
    "zh/text, cell dot": [
        (alt("A red square, no less."), "is not translated yet"),
        (alt(""), "is not translated yet"),
    ],
    "zh/text, cell extra": [
        (added(markdown("extra", "多余的。")), "not in the English edition (surplus)")
    ],
    "zh/text": [(lambda raw: raw["metadata"].update(code_cells=9), "metadata differs")],
    "text, cell last": [
        (updated("last", metadata={"translates": "0" * 12}), "is the original; delete")
    ],
    "index, cell terms": [
        (added(markdown("terms", ROWS)), "“buffer | 缓存” is no row of book/gl")
    ],
}


@each_of(FAULTS)
def test_fault_in_a_translation_is_named(where, fault, what, pair):
    name = where.partition(",")[0]
    pair.change(name, fault)
    said = found(pair, name)
    assert any(line.startswith(f"{where}: ") and what in line for line in said), said
    others = [line for line in said if not line.startswith((f"{where}: ", f"{name}: "))]
    assert others == [] or "missing" in what or "surplus" in what, "one fault, one cell"


def git(book) -> None:
    """Commit the book as it is, in a repository of its own."""
    person = ["-c", "user.name=x", "-c", "user.email=x"]
    for command in (["init", "-q"], ["add", "."], [*person, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=book.root, check=True)


def stale(book, name: str = "zh/text") -> str:
    return "\n".join(line for line in found(book, name) if "is stale" in line)


def test_edited_english_sentence_is_shown_before_and_after(pair):
    git(pair)
    pair.change("text", last("all, with", "all, and ends with"))
    assert found(pair) == [
        "zh/text, cell last: is stale; the English text changed:\n"
        "    before:  That is all, with `x` at last.\n"
        "    now:     That is all, and ends with `x` at last.\n"
        "    Chinese: 全部就是这些，最后是`x`。\n"
        "  Rewrite the Chinese, then run make sync TRANSLATED=text:last"
    ]


def test_only_the_lines_that_changed_are_shown(pair):
    git(pair)
    pair.change("text", exercises("2. Use `is`.", "2. Use `is` here."))
    shown = re.findall(r"^    \w+: +(.*)$", stale(pair), re.MULTILINE)
    assert shown == ["2. Use `is`.", "2. Use `is` here.", "2. 使用`is`。"]


def test_english_text_that_was_never_committed_is_said_to_be_so(pair):
    pair.change("text", last("That is all", "This is all"))
    assert "git does not know the one before:\n    now:     This is" in stale(pair)
    pair.change("zh/text", updated("last", metadata={}))
    assert "is stale; it records no English text:\n    now:     This" in stale(pair)


def test_stale_alternative_text_is_named(pair):
    git(pair)
    pair.change("text", alt("A green square, which stands for a dot."))
    assert stale(pair).startswith("zh/text, cell dot: is stale")
    assert "before:  A red square" in stale(pair)


def test_missing_notebook_is_named(pair):
    pair.path("zh/solutions/text").unlink()
    assert found(pair, "solutions/text") == [
        "solutions/text: has no Chinese edition; run make sync, then write it"
    ]
    pair.path("text").unlink()
    assert "translates no English notebook" in found(pair)[0]


def test_numbers_are_read_by_value():
    assert numbers("38.6 million") == numbers("3860万") == {"38600000": 1}
    assert numbers("5,120 and 50,257") == numbers("5120和50257")
    assert numbers("0.10, 7.") == {"0.1": 1, "7": 1}
    assert {"20", "2000000", "40", "13", "0"} <= spelt(
        "Twenty, two million, forty, thirteen zeros"
    )


def test_longest_term_counts():
    terms = terms_in("Hidden layers, for example, and loss", REAL.glossary)
    assert [term.english[0] for term in terms] == ["hidden layer", "loss"]


def test_each_page_gives_the_english_where_a_term_is_first_used(pair):
    pair.change("zh/text", last("全部就是这些", "全部就是缓冲区"))
    pair.change("zh/demo", replaced("drawing", "见[加法]", "缓冲区（buffer）见[加法]"))
    said = "“缓冲区” is used first, and without its English; write “缓冲区（buffer）”"
    assert f"zh/text, cell last: {said}" in found(pair)
    assert not any("is used first" in line for line in found(pair, "zh/demo"))
    new = "thing\t事物\t\t首次出现附英文\n"  # a row that was only just added
    with (pair.root / "book" / "glossary.tsv").open("a", encoding="utf-8") as file:
        file.write(new)
    chinese.glossary.cache_clear()
    pair.change("zh/text", last("缓冲区", "事物"))
    assert any("write “事物（thing）”" in line for line in found(pair))


def test_section_has_the_chinese_name_that_the_settings_give(pair):
    pair.change("zh/demo", replaced("summary", "## 小结", "## 总结"))
    said = "zh/demo, cell summary: the section “总结” is called “小结”; use it"
    assert said in found(pair, "zh/demo")


# What `make sync` does.

NEW = added(markdown("new", "Something new."))


def run_sync(book, lesson="", translated=""):
    return syncing.sync(book.book, lesson, translated)


def chinese_texts(book) -> dict[str, str]:
    return translatables(book.page("zh/text"))


def test_sync_of_editions_in_step_changes_no_byte(pair):
    before = pair.texts()
    assert run_sync(pair) == syncing.left(pair.book) == [] and pair.texts() == before


def test_sync_brings_everything_but_prose(pair):
    prose, two = chinese_texts(pair), result("4") | {"execution_count": 1}
    with pair.edit("text") as raw:
        exchanged(raw)
        cell(raw, "add").update(source="2 + 2", outputs=[two])
        cell(raw, "dot")["metadata"]["tags"] = ["raises-exception"]
        cell(raw, "last")["metadata"]["nbsphinx-toctree"] = {"maxdepth": 1}
        raw["metadata"]["nbsphinx"] = {"orphan": True}
    assert len(found(pair)) == 5
    assert run_sync(pair, "text") == ["zh/text"]
    assert chinese_texts(pair) == prose
    assert list(chinese_texts(pair)) == ["title", "exercises", "dot", "last"]
    assert found(pair) == run_sync(pair) == []


def test_sync_adds_a_missing_cell_which_does_not_count_as_translated(pair):
    pair.change("text", NEW)
    run_sync(pair)
    assert chinese_texts(pair)["new"] == "Something new."
    (todo,) = syncing.left(pair.book)
    said = "zh/text, cell new: is not translated yet:\n    English: Some"
    assert todo.startswith(said)
    for given in ("new", "text"):
        with pytest.raises(NotebookError, match="new: is not written in Chinese yet"):
            run_sync(pair, translated=given)
    pair.change("text", replaced("new", "new", "newer"))
    run_sync(pair)
    assert chinese_texts(pair)["new"] == "Something newer."
    pair.change("zh/text", updated("new", source="新东西。"))
    run_sync(pair)
    assert found(pair) == [stale(pair)] and "cell new" in stale(pair)
    run_sync(pair, translated="new")
    assert found(pair) == []


def test_sync_keeps_a_surplus_text_and_lists_it(pair):
    pair.change("text", without("last"))
    run_sync(pair)
    assert list(chinese_texts(pair))[-1] == "last"
    (todo,) = syncing.left(pair.book)
    said = "zh/text, cell last: is not in the English edition (surplus)"
    assert todo.startswith(said) and "全部就是这些" in todo
    assert "If it is renamed there, run make sync" in todo
    assert run_sync(pair) == []


def test_sync_knows_a_cell_whose_id_changed(pair):
    pair.change("text", updated("last", id="end"))
    run_sync(pair)
    assert chinese_texts(pair)["end"] == TEXTS["last"][1] and found(pair) == []


def test_sync_carries_a_text_whose_cell_was_renamed_and_edited_at_once(pair):
    prose = chinese_texts(pair)
    new = "Now other words, with `x` at last."
    pair.change("text", updated("last", id="end", source=new))
    run_sync(pair)
    assert chinese_texts(pair)["end"] == prose["last"]
    assert stale(pair).startswith("zh/text, cell end: is stale")


def test_sync_drops_a_surplus_cell_that_nobody_translated(pair):
    pair.change("text", added(markdown("copied", "## Summary\n\nSome words.")))
    run_sync(pair)
    assert chinese_texts(pair)["copied"] == "## 小结\n\nSome words."
    pair.change("text", without("copied"), added(markdown("new", "More words.")))
    run_sync(pair)
    assert "copied" not in chinese_texts(pair)


def test_sync_keeps_the_prose_of_a_cell_that_became_code(pair):
    pair.change("text", without("last"), added(code("last", "1")))
    run_sync(pair)
    assert TEXTS["last"][1] in chinese_texts(pair).values()


def test_sync_makes_a_missing_notebook(pair):
    pair.path("zh/text").unlink()
    assert run_sync(pair) == ["zh/text"]
    assert len(syncing.left(pair.book)) == len(TEXTS) + 1


def test_sync_records_only_what_it_is_told(pair):
    for name, cell_id in (("text", "title"), ("text", "last"), ("demo", "title")):
        pair.change(name, replaced(cell_id, "", "More. "))
    with pytest.raises(NotebookError, match=r"say .*demo:title.* or text:title"):
        run_sync(pair, translated="title")
    run_sync(pair, translated="text:title")
    assert stale(pair).startswith("zh/text, cell last") and "title" not in stale(pair)
    assert "cell title: is stale" in stale(pair, "zh/demo")
    run_sync(pair, "text", "zh/text:last")
    assert stale(pair) == ""


def test_a_lesson_is_recorded_whole(pair):
    for name, cell_id in (
        ("text", "title"),
        ("solutions/text", "one"),
        ("demo", "title"),
    ):
        pair.change(name, replaced(cell_id, "", "More. "))
    assert run_sync(pair, translated="text") == ["zh/text", "zh/solutions/text"]
    assert stale(pair) == stale(pair, "zh/solutions/text") == ""
    assert stale(pair, "zh/demo")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("last lsat", "There is no text lsat to translate. Did you mean last?"),
        ("text:lats", "Did you mean text:last?"),
        ("demo:last", "There is no text demo:last"),
        ("add", "There is no text add"),
    ],
)
def test_wrong_name_records_nothing(given, what, pair):
    pair.change("text", last("That", "More. That"))
    before = pair.texts()
    with pytest.raises(NotebookError, match=re.escape(what)):
        run_sync(pair, "text", given)
    assert pair.texts() == before


def test_two_cells_of_one_id_lose_no_text(pair):
    pair.change("zh/text", added(markdown("last", "又一段。")))
    before = pair.texts()
    with pytest.raises(NotebookError, match="zh/text, cell last: 2 cells have this id"):
        run_sync(pair)
    assert pair.texts() == before


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failure_while_writing_puts_every_notebook_back(step, pair, monkeypatch):
    for name in ("text", "demo"):
        pair.change(name, NEW)
    before, calls, really = pair.texts(), [], getattr(os, step)

    def full_the_second_time(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", str(arguments[-1]))
        return really(*arguments)

    monkeypatch.setattr(os, step, full_the_second_time)
    with pytest.raises(NotebookError, match="No space left on device"):
        run_sync(pair)
    assert pair.texts() == before


def test_commands_speak_to_people(pair):
    git(pair)
    pair.change("demo", replaced("drawing", "See", "Do see"))
    status, said = pair.run("sync", "demo")
    assert status == 0 and "    before:  See [adding]" in said
    assert said.endswith("No file changed.\n1 text to mend.\n")
    status, said = pair.run("rules", "demo")
    assert status == 1
    assert "zh/demo, cell drawing: is stale; the English text changed" in said
    status, said = pair.run("rules")  # the index does not link the notebook “text”
    assert status == 1 and "is stale" not in said
    counted = r"\nRules: .*\nand \d findings? about the translation: make test shows "
    assert re.search(counted, said)
    status, said = pair.run("sync", "demo", "--translated", "darwing")
    assert status == 2 and "Traceback" not in said
    assert said.endswith("Did you mean drawing?\nNo notebook was changed.\n")
    status, said = pair.run("sync", "demo", "--translated", "drawing")
    assert said == "Written: zh/demo.\nEvery text is translated.\n"


# The real book.


def test_every_term_of_the_glossary_is_used():
    prose = " ".join(
        prose_of(t) for page in read(REAL) for t in translatables(page).values()
    )
    used = terms_in(prose, REAL.glossary)
    unused = [term.english[0] for term in GLOSSARY if term not in used]
    assert unused == [], "delete these rows of book/glossary.tsv"


def test_glossary_names_each_term_once_and_the_index_shows_it():
    forms = [form for term in GLOSSARY for form in term.english]
    assert sorted({form for form in forms if forms.count(form) > 1}) == []
    for term in GLOSSARY:
        assert not set(term.chinese) & set(term.unused), term
    for page in read(REAL, "index"):
        assert "terms" in translatables(page), page.name
