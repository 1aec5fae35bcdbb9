"""The two editions: they correspond, every fault is named, and sync loses nothing.

Faults are planted one at a time in the small book of conftest.py; the message has to
name the notebook, the cell and what is wrong.
"""

import os
import re
import subprocess

import pytest
from conftest import ROOT, cell, code, markdown, replaced, result, updated, without

from bookproof import book as reading
from bookproof import contract
from bookproof import sync as syncing
from bookproof.book import NotebookError, Page, read
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
    alt = "A red square, which stands for a dot."
    cells = [markdown(cell_id, english) for cell_id, (english, _) in TEXTS.items()]
    cells.insert(1, code("add", "1 + 1", result("2")))
    cells.insert(3, code("dot", "draw()", result("<Dot>"), alt=alt))
    book.write("text", cells)
    chinese = {cell_id: text for cell_id, (_, text) in TEXTS.items()}
    book.translate("text", chinese | {"dot": "一个红色方块，代表一个点。"})
    solutions = [markdown("one", "# Exercise 1"), markdown("two", "# Exercise 2")]
    book.write("solutions/text", solutions)
    book.translate("solutions/text", {"one": "# 练习1", "two": "# 练习2"})
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


def added(raw):
    raw["cells"].append(markdown("extra", "多余的。"))


def exchanged(raw):
    raw["cells"][1], raw["cells"][2] = raw["cells"][2], raw["cells"][1]


def alt(text: str):
    def plant(raw):
        cell(raw, "dot")["metadata"]["alt"] = text

    return plant


# What is planted in the Chinese notebook, which cell is named, and what is said of it.
FAULTS = {
    "digit in a formula": (replaced("title", "w^2", "w^3"), "title", "other formulas"),
    "displayed formula": (replaced("title", "b = 2", "b = 3"), "title", "b = 3"),
    "digit in prose": (replaced("title", "256", "257"), "title", "here 257 and in Eng"),
    "number for words": (replaced("title", "5%", "6%"), "title", "other numbers: here"),
    "million": (replaced("title", "3860万", "386万"), "title", "English 38600000"),
    "dropped exercise": (
        replaced("exercises", "\n3. 休息。", ""),
        "exercises",
        "list items: 2 here, 3 in English",
    ),
    "exercises exchanged": (
        replaced("exercises", "`apply`。\n2. 使用`is`", "`is`。\n2. 使用`apply`"),
        "exercises",
        "other code words: here is and in English apply",
    ),
    "dropped paragraph": (
        replaced("title", "![白底上的一个红点，此外什么也没有](../../img/dot.svg)", ""),
        "title",
        "paragraphs: 1 here, 2 in English",
    ),
    "code by a space": (updated("add", source="1 +  1"), "add", "its source differs"),
    "output": (updated("add", outputs=[]), "add", "its outputs differ from"),
    "count": (updated("add", execution_count=7), "add", "its execution count differs"),
    "tag": (updated("add", metadata={"tags": ["x"]}), "add", "its metadata differs"),
    "cell type": (updated("last", cell_type="raw"), "last", "its type differs"),
    "swapped term": (
        replaced("title", "梯度", "坡度"),
        "title",
        "“gradient” is “梯度”",
    ),
    "unused term": (
        replaced("last", "这些", "这些隐藏层和隐含层"),
        "last",
        "“隐含层” is not used; write “隐藏层”",
    ),
    "heading level": (
        replaced("exercises", "## 练习", "### 练习"),
        "exercises",
        "headings of level 2: 0 here, 1 in English",
    ),
    "heading in English": (
        replaced("exercises", "练习", "Exercises"),
        "exercises",
        "is left in English: “Exercises”",
    ),
    "list item in English": (
        replaced("exercises", "使用`apply`。", "Please do use `apply`."),
        "exercises",
        "is left in English: “Please do use `…`.”",
    ),
    "missing": (without("exercises"), "exercises", "is missing here; run make sync"),
    "missing code": (without("add"), "add", "is missing here; run make sync"),
    "surplus": (added, "extra", "is not in the English edition (surplus)"),
    "exchanged": (exchanged, "exercises", "stands where English has add"),
    "half-width comma": (
        replaced("last", "这些，", "这些,"),
        "last",
        "half-width punctuation in “全部就是这些,最后是`…`",
    ),
    "half-width comma and space": (
        replaced("last", "`x`。", "`x`, 对。"),
        "last",
        "half-width punctuation in “些，最后是`…`, 对",
    ),
    "half-width stop": (replaced("last", "`x`。", "`x`."), "last", "ends half-width"),
    "space": (
        replaced("last", "是`x`", "是 `x`"),
        "last",
        "a space in “是这些，最后是 `…`",
    ),
    "wide space": (replaced("last", "是`x`", "是\u3000`x`"), "last", "a space in “"),
    "straight quotes": (replaced("last", "全部", '"全部"'), "last", "the quotes in “"),
    "wide digits": (replaced("last", "全部", "\uff11部"), "last", "full-width digits"),
    "您": (replaced("last", "全部", "您的全部"), "last", "the reader is 你"),
    "dropped link": (
        replaced("title", "[解答](solutions/text.ipynb#练习2)", "解答"),
        "title",
        "in English link solutions/text.ipynb heading 2",
    ),
    "link to another heading": (
        replaced("title", "#练习2", "#练习1"),
        "title",
        "heading 1 and in English link solutions/text.ipynb heading 2",
    ),
    "link into English": (
        replaced("title", "](solutions/text.ipynb#练习2", "](../solutions/text.ipynb"),
        "title",
        "here link chapter_deep-learning-computation/solutions/text.ipynb",
    ),
    "picture": (replaced("title", "dot.svg", "dott.svg"), "title", "img/dott.svg"),
    "code in a summary": (replaced("title", "best", "bets"), "title", "here bets"),
    "code": (replaced("last", "`x`", "`y`"), "last", "other code words: here y"),
    "English alt": (alt("A red square, no less."), "dot", "is not translated yet"),
    "no alt": (alt(""), "dot", "is not translated yet"),
    "English alt in prose": (
        replaced(
            "title", "白底上的一个红点，此外什么也没有", "A red dot on white ground"
        ),
        "title",
        "is left in English: “A red dot on white ground”",
    ),
    "copied English": (
        replaced("last", TEXTS["last"][1], TEXTS["last"][0]),
        "last",
        "is not translated yet",
    ),
    "no record": (updated("last", metadata={}), "last", "is stale"),
    "notebook metadata": (
        lambda raw: raw["metadata"].update(code_cells=9),
        "",
        "its metadata differs",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_in_a_translation_is_named(name, pair):
    plant, where, what = FAULTS[name]
    with pair.edit("zh/text") as raw:
        plant(raw)
    prefix = f"zh/text, cell {where}: " if where else "zh/text: "
    said = found(pair)
    assert any(line.startswith(prefix) and what in line for line in said), said
    others = [line for line in said if not line.startswith((prefix, "zh/text: "))]
    assert others == [] or name in ("missing", "surplus"), "one fault, one cell"


def git(book) -> None:
    """Commit the book as it is, in a repository of its own."""
    person = ["-c", "user.name=x", "-c", "user.email=x"]
    for command in (["init", "-q"], ["add", "."], [*person, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=book.root, check=True)


def stale(book) -> str:
    return next(line for line in found(book) if "is stale" in line)


def test_edited_english_sentence_is_shown_before_and_after(pair):
    git(pair)
    with pair.edit("text") as raw:
        replaced("last", "all, with", "all, and ends with")(raw)
    assert found(pair) == [
        "zh/text, cell last: is stale; the English text changed:\n"
        "    before:  That is all, with `x` at last.\n"
        "    now:     That is all, and ends with `x` at last.\n"
        "    Chinese: 全部就是这些，最后是`x`。\n"
        "  Rewrite the Chinese, then run make sync TRANSLATED=text:last"
    ]


def test_only_the_lines_that_changed_are_shown(pair):
    git(pair)
    with pair.edit("text") as raw:
        replaced("exercises", "2. Use `is`.", "2. Use `is` here.")(raw)
    assert re.findall(r"^    \w+: +(.*)$", stale(pair), re.MULTILINE) == [
        *("2. Use `is`.", "2. Use `is` here.", "2. 使用`is`。")
    ]


def test_english_text_that_was_never_committed_is_said_to_be_so(pair):
    with pair.edit("text") as raw:
        replaced("last", "That is all", "This is all")(raw)
    assert "git does not know the one before:\n    now:     This is" in stale(pair)
    with pair.edit("zh/text") as raw:
        cell(raw, "last")["metadata"].clear()
    assert "is stale; it records no English text:\n    now:     This" in stale(pair)


def test_stale_alternative_text_is_named(pair):
    git(pair)
    with pair.edit("text") as raw:
        alt("A green square, which stands for a dot.")(raw)
    assert stale(pair).startswith("zh/text, cell dot: is stale")
    assert "before:  A red square" in stale(pair)


def test_missing_notebook_is_named(pair):
    pair.path("zh/solutions/text").unlink()
    assert found(pair, "solutions/text") == [
        "solutions/text: has no Chinese edition; run make sync, then write it"
    ]
    pair.path("text").unlink()
    assert "translates no English notebook" in found(pair)[0]


def test_english_notebook_translates_nothing(pair):
    with pair.edit("text") as raw:
        cell(raw, "last")["metadata"]["translates"] = "0" * 12
    assert found(pair, "text") == [
        "text, cell last: is the original; delete “translates” from its metadata"
    ]


def test_index_shows_terms_of_the_glossary(book):
    rows = "| English | 中文 |\n|---|---|\n| tensor | 张量 |\n| buffer | 缓存 |"
    with book.edit("index") as raw:
        raw["cells"].append(markdown("terms", rows))
    said = "index, cell terms: “buffer | 缓存” is no row of book/glossary.tsv"
    assert said in found(book, "index")


def test_numbers_are_read_by_value():
    assert numbers("38.6 million") == numbers("3860万") == {"38600000": 1}
    assert numbers("5,120 and 50,257") == numbers("5120和50257")
    assert numbers("0.10, 7.") == {"0.1": 1, "7": 1}
    assert {"20", "2000000", "40", "13", "0"} <= spelt(
        "Twenty, two million, forty, thirteen zeros"
    )


def test_longest_term_counts():
    names = [
        term.english[0]
        for term in terms_in("Hidden layers, for example, and loss", REAL.glossary)
    ]
    assert names == ["hidden layer", "loss"]


def test_each_page_gives_the_english_where_a_term_is_first_used(pair):
    with pair.edit("zh/text") as raw:
        replaced("last", "全部就是这些", "全部就是缓冲区")(raw)
    with pair.edit("zh/demo") as raw:
        replaced("drawing", "见[加法]", "缓冲区（buffer）见[加法]")(raw)
    said = "“缓冲区” is used first, and without its English; write “缓冲区（buffer）”"
    assert f"zh/text, cell last: {said}" in found(pair)
    assert not any("is used first" in line for line in found(pair, "zh/demo"))
    new = "thing\t事物\t\t首次出现附英文\n"  # a row that was only just added
    with (pair.root / "book" / "glossary.tsv").open("a", encoding="utf-8") as file:
        file.write(new)
    chinese.glossary.cache_clear()
    with pair.edit("zh/text") as raw:
        replaced("last", "缓冲区", "事物")(raw)
    assert any("write “事物（thing）”" in line for line in found(pair))


def test_section_has_the_chinese_name_that_the_settings_give(pair):
    with pair.edit("zh/demo") as raw:
        replaced("summary", "## 小结", "## 总结")(raw)
    said = "zh/demo, cell summary: the section “总结” is called “小结”; use it"
    assert said in found(pair, "zh/demo")


# What `make sync` does.


def run_sync(book, lesson="", translated=""):
    return syncing.sync(book.book, lesson, translated)


def chinese_texts(book, name: str = "zh/text") -> dict[str, str]:
    return translatables(book.page(name))


def test_sync_of_editions_in_step_changes_no_byte(pair):
    before = pair.texts()
    assert run_sync(pair) == [] and pair.texts() == before
    assert syncing.left(pair.book) == []


def test_sync_brings_everything_but_prose(pair):
    prose = chinese_texts(pair)
    with pair.edit("text") as raw:
        exchanged(raw)
        cell(raw, "add").update(source="2 + 2", outputs=[result("4")])
        cell(raw, "add")["outputs"][0]["execution_count"] = 1
        cell(raw, "dot")["metadata"]["tags"] = ["raises-exception"]
        cell(raw, "last")["metadata"]["nbsphinx-toctree"] = {"maxdepth": 1}
        raw["metadata"]["nbsphinx"] = {"orphan": True}
    assert (
        "zh/text, cell exercises: stands where English has add; run make sync"
        not in (said := found(pair))
    )
    assert len(said) == 5, said
    assert run_sync(pair, "text") == ["zh/text"]
    assert chinese_texts(pair) == prose
    assert list(chinese_texts(pair)) == ["title", "exercises", "dot", "last"]
    assert found(pair) == []
    before = pair.texts()
    assert run_sync(pair) == [] and pair.texts() == before


def test_sync_adds_a_missing_cell_which_does_not_count_as_translated(pair):
    with pair.edit("text") as raw:
        raw["cells"].append(markdown("new", "Something new."))
    run_sync(pair)
    assert chinese_texts(pair)["new"] == "Something new."
    (todo,) = syncing.left(pair.book)
    assert todo.startswith(
        "zh/text, cell new: is not translated yet:\n    English: Some"
    )
    with pytest.raises(NotebookError, match="cell new: is not written in Chinese yet"):
        run_sync(pair, translated="new")
    with pair.edit("text") as raw:
        cell(raw, "new")["source"] = "Something newer."
    run_sync(pair)
    assert chinese_texts(pair)["new"] == "Something newer."
    with pair.edit("zh/text") as raw:
        cell(raw, "new")["source"] = "新东西。"
    run_sync(pair)
    assert ["new" in line and "is stale" in line for line in found(pair)] == [True]
    run_sync(pair, translated="new")
    assert found(pair) == []


def test_sync_keeps_a_surplus_text_and_lists_it(pair):
    with pair.edit("text") as raw:
        without("last")(raw)
    run_sync(pair)
    assert list(chinese_texts(pair))[-1] == "last"
    (todo,) = syncing.left(pair.book)
    assert todo.startswith(
        "zh/text, cell last: is not in the English edition (surplus)"
    )
    assert "全部就是这些" in todo and "If it is renamed there, run make sync" in todo
    assert run_sync(pair) == []


def test_sync_knows_a_cell_whose_id_changed(pair):
    prose = chinese_texts(pair)
    with pair.edit("text") as raw:
        cell(raw, "last")["id"] = "end"
    run_sync(pair)
    assert chinese_texts(pair)["end"] == prose["last"]
    assert found(pair) == []


def test_sync_carries_a_text_whose_cell_was_renamed_and_edited_at_once(pair):
    prose = chinese_texts(pair)
    with pair.edit("text") as raw:
        cell(raw, "last").update(id="end", source="Now other words, with `x` at last.")
    run_sync(pair)
    assert chinese_texts(pair)["end"] == prose["last"]
    assert stale(pair).startswith("zh/text, cell end: is stale")


def test_sync_drops_a_surplus_cell_that_nobody_translated(pair):
    with pair.edit("text") as raw:
        raw["cells"].append(markdown("copied", "## Summary\n\nSome words."))
    run_sync(pair)
    assert chinese_texts(pair)["copied"] == "## 小结\n\nSome words."
    with pair.edit("text") as raw:
        without("copied")(raw)
        raw["cells"][:0] = [markdown("new", "More words.")]
    run_sync(pair)
    assert "copied" not in chinese_texts(pair)


def test_sync_keeps_the_prose_of_a_cell_that_became_code(pair):
    with pair.edit("text") as raw:
        raw["cells"][-1] = code("last", "1")
    run_sync(pair)
    assert TEXTS["last"][1] in chinese_texts(pair).values()


def test_sync_makes_a_missing_notebook(pair):
    pair.path("zh/text").unlink()
    assert run_sync(pair) == ["zh/text"]
    assert len(syncing.left(pair.book)) == len(TEXTS) + 1


def test_sync_records_only_what_it_is_told(pair):
    for name, cell_id in (("text", "title"), ("text", "last"), ("demo", "title")):
        with pair.edit(name) as raw:
            cell(raw, cell_id)["source"] += " More."
    with pytest.raises(NotebookError, match=r"say .*demo:title.* or text:title"):
        run_sync(pair, translated="title")
    run_sync(pair, translated="text:title")
    assert [line for line in found(pair) if "cell title: is stale" in line] == []
    assert stale(pair).startswith("zh/text, cell last")
    assert any("cell title: is stale" in line for line in found(pair, "zh/demo"))
    run_sync(pair, "text", "zh/text:last")
    assert not any("is stale" in line for line in found(pair))


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
    with pair.edit("text") as raw:
        cell(raw, "last")["source"] += " More."
    before = pair.texts()
    with pytest.raises(NotebookError, match=re.escape(what)):
        run_sync(pair, "text", given)
    assert pair.texts() == before


def test_two_cells_of_one_id_lose_no_text(pair):
    with pair.edit("zh/text") as raw:
        raw["cells"].append(markdown("last", "又一段。"))
    before = pair.texts()
    with pytest.raises(NotebookError, match="zh/text, cell last: 2 cells have this id"):
        run_sync(pair)
    assert pair.texts() == before


def test_sync_writes_all_or_nothing(pair, monkeypatch):
    for name in ("text", "demo"):
        with pair.edit(name) as raw:
            raw["cells"].append(markdown("new", "Something new."))
    before, replace = pair.texts(), os.replace

    def full(source, target):
        if str(target).endswith("zh/text.ipynb"):
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(NotebookError, match="No space left on device"):
        run_sync(pair)
    assert pair.texts() == before


def test_broken_notebook_stops_sync_before_it_writes(pair):
    with pair.edit("text") as raw:
        raw["cells"].append(markdown("new", "Something new."))
    pair.path("zh/demo").write_text("{", "utf-8")
    before = pair.texts()
    with pytest.raises(NotebookError, match="zh/demo: the file is not JSON"):
        run_sync(pair)
    assert pair.texts() == before


def test_a_lesson_is_recorded_whole(pair):
    for name in ("text", "solutions/text", "demo"):
        with pair.edit(name) as raw:
            raw["cells"][0]["source"] += " More."
    assert run_sync(pair, translated="text") == ["zh/text", "zh/solutions/text"]
    assert not any("is stale" in line for line in found(pair))
    assert not any("is stale" in line for line in found(pair, "zh/solutions/text"))
    assert any("is stale" in line for line in found(pair, "zh/demo"))
    with pair.edit("text") as raw:
        raw["cells"].append(markdown("new", "Something new."))
    run_sync(pair)
    with pytest.raises(NotebookError, match="cell new: is not written in Chinese yet"):
        run_sync(pair, translated="text")


def test_commands_speak_to_people(pair):
    git(pair)
    with pair.edit("demo") as raw:
        replaced("drawing", "See", "Do see")(raw)
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


@pytest.mark.parametrize("name", ["index", "zh/index"])
def test_index_has_the_table_of_terms(name):
    assert "terms" in translatables(Page.read(REAL.folder / f"{name}.ipynb", REAL))


def test_glossary_names_each_term_once():
    forms = [form for term in GLOSSARY for form in term.english]
    assert sorted({form for form in forms if forms.count(form) > 1}) == []
    for term in GLOSSARY:
        assert not set(term.chinese) & set(term.unused), term
