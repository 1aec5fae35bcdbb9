"""Make a course of a lesson's exercises (`make class LESSON=parameters`).

It lies in _build/class, for two engines, nbgrader and otter-grader. Both get the tasks,
the blank answers and the checks of exercises/<lesson>.ipynb, and hidden tests that are
the same checks under a seed drawn here. LESSON=zh/parameters makes the Chinese one. A
folder is written whole: to a temporary name, then moved into place.
"""

import argparse
import ast
import re
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

import exercises
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from bookproof.book import METADATA, NotebookError, NotebookNode, Page, load, select

ROOT = Path(__file__).absolute().parent.parent
SOLUTION = re.compile(r"\s*[(（]\[[^\]]*\]\(\.\./solutions/[^)]*\)[)）]")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(\.\./[^)]*\)")
CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = {lesson!r}
c.ClearSolutions.enabled = False  # the answers are blank already
c.Execute.timeout = 60  # seconds a cell may take
c.Execute.interrupt_on_timeout = True
"""
ASSIGNMENT = """\
# ASSIGNMENT CONFIG
name: {lesson}
init_cell: false
check_all_cell: false
export_cell:
  pdf: false
generate:
  show_stdout: false
  pdf: false
tests:
  ok_format: false
requirements: requirements.txt
"""
PUBLIC = '''\
""" # BEGIN TEST CONFIG
hidden: {hidden}
""" # END TEST CONFIG
def test_{name}({names}):
    from d2ltorch.exercises import checks

    check = {checks}
    {call}
'''


def unlinked(cell: NotebookNode) -> NotebookNode:
    """Return a task without links into the book, which a student's copy lies beside."""
    blocks = SOLUTION.sub("", cell.source).split("\n\n")
    kept = (block for block in blocks if "](../solutions/" not in block)
    source = LINK.sub(r"\1", "\n\n".join(kept))
    return new_markdown_cell(source, id=cell.id)


def drawn(checks: str, seed: int) -> str:
    """Return `checks("parameters")` with a seed."""
    return f"{checks.rstrip(')')}, seed={seed})"


def for_nbgrader(student: NotebookNode, checks: str, seed: int) -> NotebookNode:
    """Return the source notebook of an nbgrader course; a check is a point."""
    cells = []
    for cell in student.cells:
        if cell.cell_type == "markdown":
            cells.append(unlinked(cell))
            continue
        kind, source = exercises.kind(cell), cell.source
        if kind == "check":
            source += "\n### BEGIN HIDDEN TESTS\n"
            source += "from d2ltorch.exercises import checks\n\n"
            source += f"check = {drawn(checks, seed)}\n{cell.source}\n"
            source += f"check = {checks}\n### END HIDDEN TESTS"
        mark = {
            "grade": kind == "check",
            "grade_id": cell.id,
            "locked": kind != "answer",
            "schema_version": 3,
            "solution": kind == "answer",
            "task": False,
        }
        mark |= {"points": 1} if kind == "check" else {}
        cells.append(new_code_cell(source, id=cell.id, metadata={"nbgrader": mark}))
    return new_notebook(cells=cells, metadata=METADATA)


def for_otter(
    student: NotebookNode, solved: dict[str, str], checks: str, seed: int
) -> NotebookNode:
    """Return the master notebook of otter-grader; a question is a point, or none."""
    name = CHECKS_OF.search(checks)[1]
    cells, waiting = [new_raw_cell(ASSIGNMENT.format(lesson=name))], []
    for cell in student.cells:
        if cell.cell_type == "markdown":
            cells += [*waiting, unlinked(cell)]
            waiting = []
        elif exercises.kind(cell) == "given":
            cells.append(new_code_cell(cell.source))
        elif exercises.kind(cell) == "answer":
            # between triple quotes the blank is a string, which otter turns into code
            solution = f"# BEGIN SOLUTION NO PROMPT\n{solved[cell.id]}\n# END SOLUTION"
            blank = f"''' # BEGIN PROMPT\n{cell.source}\n''' # END PROMPT"
            waiting.append(new_code_cell(f"{solution}\n{blank}"))
        else:
            cells += question(cell, waiting, checks, seed)
            waiting = []
    return new_notebook(cells=cells + waiting, metadata=METADATA)


CHECKS_OF = re.compile(r'"([a-z-]+)"')


def question(
    check: NotebookNode, answers: list[NotebookNode], checks: str, seed: int
) -> list[NotebookNode]:
    """Return a question: its answers, and its check under the open and a drawn seed."""
    name = re.match(r"check\.(\w+)\(", check.source)[1]
    nodes = ast.walk(ast.parse(check.source))
    found = {node.id for node in nodes if isinstance(node, ast.Name)} - {"check"}
    names = ", ".join(sorted(found))
    tests = []
    for which, hidden in ((checks, "false"), (drawn(checks, seed), "true")):
        fields = {"hidden": hidden, "name": name, "names": names}
        tests.append(PUBLIC.format(**fields, checks=which, call=check.source))
    head = f"# BEGIN QUESTION\nname: {name.replace('_', '-')}\npoints: 1\n"
    return [
        new_raw_cell(f"{head}all_or_nothing: true"),
        new_raw_cell("# BEGIN SOLUTION"),
        *answers,
        new_raw_cell("# END SOLUTION"),
        new_raw_cell("# BEGIN TESTS"),
        *map(new_code_cell, map(str.rstrip, tests)),
        new_raw_cell("# END TESTS"),
        new_raw_cell("# END QUESTION"),
        new_code_cell(check.source),
    ]


def write(lesson: str, folder: Path) -> int:
    """Write both courses of a lesson into a folder; return how many points they give.

    Raises NotebookError if there is no such lesson, or nothing in it is checked.
    """
    book = load(ROOT)
    chinese = lesson.startswith(f"{book.translation}/")
    name = lesson.rpartition("/")[2]
    select(book, name)  # says which lessons there are
    home = book.folder / book.translation if chinese else book.folder
    if not (home / "solutions" / f"{name}.ipynb").exists():
        raise NotebookError(f"{lesson} has no exercises.")
    solutions = Page.read(home / "solutions" / f"{name}.ipynb", book)
    student = exercises.student(Page.read(home / f"{name}.ipynb", book), solutions)
    points = sum(exercises.kind(cell) == "check" for cell in student.cells)
    if not points:
        raise NotebookError(f"{lesson} has no exercise with a check.")
    solved = {cell.id: cell.source for cell in solutions.code}
    checks = f'checks("{name}", "zh")' if chinese else f'checks("{name}")'
    seed = secrets.randbelow(2**31 - 1) + 1
    graded = for_nbgrader(student, checks, seed)
    nbformat.write(
        graded, made(folder / "nbgrader" / "source" / name / f"{name}.ipynb")
    )
    (folder / "nbgrader" / "nbgrader_config.py").write_text(CONFIG.format(lesson=name))
    master = for_otter(student, solved, checks, seed)
    nbformat.write(master, made(folder / "otter" / f"{name}.ipynb"))
    (folder / "otter" / "requirements.txt").write_text("d2ltorch\n")
    readme = "README.zh-CN.md" if chinese else "README.md"
    text = (ROOT / "tools" / "course" / readme).read_text("utf-8")
    (folder / readme).write_text(text.replace("LESSON", name), "utf-8")
    return points


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "lesson", nargs="?", default="", help="parameters, zh/parameters"
    )
    lesson = parser.parse_args().lesson
    target = ROOT / "_build" / "class" / lesson
    try:
        if not lesson:
            raise NotebookError("say which: make class LESSON=parameters")
        made(target)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            points = write(lesson, Path(folder) / "new")
            shutil.rmtree(target, ignore_errors=True)
            (Path(folder) / "new").rename(target)
    except NotebookError as error:
        sys.exit(f"make class: {error}")
    where = target.relative_to(ROOT)
    print(f"{points} exercises that are graded: {where}, for nbgrader and for otter.")
    print(f"{next(target.glob('README*')).relative_to(ROOT)} says how to go on.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
