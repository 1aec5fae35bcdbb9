"""Make exercises/<lesson>.ipynb from a lesson and its solutions (`make sync`).

The tasks are those of the lesson, in its language. Of the code of the solutions, cells
tagged `given` and `check` are taken as they are, and those tagged `answer` without what
is to be found: a function or class keeps its head and docstring, a name becomes `...`.
An exercise without a check is open. Both languages are written, all or none.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).absolute().parent.parent
sys.path.insert(0, str(ROOT))

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook  # noqa: E402

from bookproof import store  # noqa: E402
from bookproof.book import (  # noqa: E402
    METADATA,
    Book,
    NotebookError,
    NotebookNode,
    Page,
    dumps,
    load,
)

CHECKS = re.compile(r'checks\("([a-z-]+)"')
ITEM = re.compile(r"(?m)^\d+\. ")
LINKS = re.compile(
    r"\s*[(（]\[[^\]]*\]\(exercises/[^)]*\)[^)）]*\(solutions/[^)]*\)[)）]"
)
INTO = re.compile(r"\]\((?![a-z]+:)")  # a relative link
WORDS = {
    "en": {
        "exercise": "Exercise",
        "title": "Exercises: {}",
        "intro": "The exercises of [the lesson]({lesson}), to be worked out here. "
        "Write your answers in place of `...` or `raise NotImplementedError`, then run "
        "the cell below: it says in one line what holds, or what does not yet. "
        "`check.….hint()` gives a hint.",
        "solved": "[Solutions]({}) are there when you have tried.",
        "solution": "([solution]({}))",
        "open": "*No cell checks this one. Try it, in code or in words; then compare.*",
        "try": "Your answer:",
    },
    "zh": {
        "exercise": "练习",
        "title": "{}练习",
        "intro": "请在这里完成[这一课]({lesson})的练习。用你的答案替换`...`或"
        "`raise NotImplementedError`，再运行下面的检查单元格，它会用一行文字告诉你"
        "答案是否正确，哪里还不对。需要提示时，运行`check.….hint()`，其中的省略号换成"
        "检查的名称。",
        "solved": "自己做过之后，再对照[解答]({})。",
        "solution": "（[解答]({})）",
        "open": "这道题没有自动检查。请用代码或文字作答，再与解答对照。",
        "try": "你的答案：",
    },
}


def tasks(page: Page) -> list[str]:
    """Return the text of each exercise of a lesson, links seen from exercises/."""
    cell = next(cell for cell in page.prose if cell.id == "exercises")
    found = []
    for item in ITEM.split(cell.source)[1:]:
        text = re.sub("(?m)^   ", "", LINKS.sub("", item)).strip()
        text = text.replace("](#", f"]({page.lesson}.ipynb#")
        found.append(INTO.sub("](../", text))
    return found


def sections(page: Page) -> Iterator[tuple[int, list[NotebookNode]]]:
    """Yield the number and the code of each solution; 0 is what stands before."""
    number, cells = 0, []
    for cell in page.notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            yield number, cells
            number, cells = number + 1, []
        if cell.cell_type == "code":
            cells.append(cell)
    yield number, cells


def kind(cell: NotebookNode) -> str:
    """Return which of the three tags a cell has, or ""."""
    tags = cell.metadata.get("tags", [])
    return next((tag for tag in ("given", "answer", "check") if tag in tags), "")


def blank(source: str) -> str:
    """Return an answer without what a learner has to find.

    >>> print(blank("a = 2 / 3  # the spread\\ndef double(x):\\n    return 2 * x"))
    a = ...  # the spread
    <BLANKLINE>
    <BLANKLINE>
    def double(x):
        raise NotImplementedError  # your code
    """
    lines, parts = source.split("\n"), []
    for node in ast.parse(source).body:
        match node:
            case ast.Import() | ast.ImportFrom():
                parts.append(ast.unparse(node))
            case ast.Assign(targets=[ast.Name() | ast.Tuple() as target]):
                dots = "..."
                if isinstance(target, ast.Tuple):
                    dots = ", ".join(["..."] * len(target.elts))
                notes = [lines[n].partition("  # ")[2] for n in spanned(node)]
                note = next(filter(None, notes), "")
                parts.append(
                    f"{ast.unparse(target)} = {dots}{f'  # {note}' * bool(note)}"
                )
            case ast.FunctionDef() | ast.ClassDef():
                parts.append("\n" * bool(parts) * 2 + "\n".join(stub(node, lines)))
    return "\n".join(parts)


def spanned(node: ast.stmt) -> range:
    return range(node.lineno - 1, node.end_lineno)


def stub(node: ast.FunctionDef | ast.ClassDef, lines: list[str]) -> list[str]:
    """Return the lines of a function without its body, of a class without theirs."""
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1
    body = node.body
    kept = body[0].end_lineno if ast.get_docstring(node) else body[0].lineno - 1
    if isinstance(body[0], ast.FunctionDef):  # its decorators stand above it
        kept = min([kept, *(each.lineno - 1 for each in body[0].decorator_list)])
    head = [line for line in lines[first:kept] if line.strip()]
    if isinstance(node, ast.ClassDef):
        methods = [each for each in body if isinstance(each, ast.FunctionDef)]
        return sum(([*stub(method, lines), ""] for method in methods), head)[:-1]
    indent = " " * body[0].col_offset
    return [*head, f"{indent}raise NotImplementedError  # your code"]


def student(lesson: Page, solutions: Page) -> NotebookNode:
    """Return the exercises of a lesson as a notebook to be worked in.

    Raises NotebookError if there are not as many solutions as exercises.
    """
    language = "zh" if lesson.is_translation else "en"
    words, name, there = WORDS[language], lesson.lesson, tasks(lesson)
    title = re.match("# ([^:：\n]*)", lesson.notebook.cells[0].source)[1]
    section = lesson.book.exercises[lesson.is_translation]
    intro = words["intro"].format(lesson=f"../{name}.ipynb#{section}")
    solved = words["solved"].format(f"../solutions/{name}.ipynb")
    cells = [markdown("title", f"# {words['title'].format(title)}", intro, solved)]
    for number, code in sections(solutions):
        if number > len(there):
            raise NotebookError(f"{solutions.name}: solves more than {name} asks.")
        if number:
            heading = f"{words['exercise']} {number}"
            heading = heading.replace(" ", "") if language == "zh" else heading
            link = f"../solutions/{name}.ipynb#{heading.replace(' ', '-')}"
            checked = any(kind(cell) == "check" for cell in code)
            text = joined(there[number - 1], words["solution"].format(link))
            more = [words["open"]] * (not checked)
            cells.append(markdown(f"exercise-{number}", f"## {heading}", text, *more))
            if not checked:
                cells.append(markdown(f"exercise-{number}-answer", words["try"]))
        for cell in code:
            if kind(cell):
                source = blank(cell.source) if kind(cell) == "answer" else cell.source
                if language == "zh":
                    source = CHECKS.sub(r'checks("\1", "zh"', source)
                metadata = {"tags": [kind(cell)]}
                cells.append(new_code_cell(source, id=cell.id, metadata=metadata))
    return new_notebook(cells=cells, metadata=METADATA)


def joined(text: str, link: str) -> str:
    """Return a task with its link behind it, or below if code or a table is its end."""
    space = {".": " ", "?": " ", ")": " ", "。": "", "？": "", "）": ""}
    between = space.get(text[-1], "\n\n")
    return f"{text}{between}{link}"


def markdown(id_: str, *blocks: str) -> NotebookNode:
    return new_markdown_cell("\n\n".join(blocks), id=id_)


def made(book: Book) -> dict[Path, str]:
    """Return the text of every exercise notebook, by its path."""
    texts = {}
    for home in (book.folder, book.folder / book.translation):
        for path in sorted((home / "solutions").glob("*.ipynb")):
            lesson = Page.read(home / path.name, book)
            notebook = student(lesson, Page.read(path, book))
            texts[home / "exercises" / path.name] = dumps(notebook)
    return texts


def main() -> int:
    book = load(ROOT)
    try:
        new = made(book)
        old = {path: path.read_text("utf-8") for path in new if path.exists()}
        changed = store.write_all(new, old)
    except NotebookError as error:
        sys.exit(f"make sync: {error}")
    names = ", ".join(map(book.name_of, sorted(changed)))
    print(f"Exercises written: {names or 'none, they are as the solutions say'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
