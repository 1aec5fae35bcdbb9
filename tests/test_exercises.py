"""The checks of the exercises accept what is right and refuse what is not.

tests/exercises/<lesson>.py holds answers: wrong ones, different right ones, and which
alterations of the solution are right too. The student copies are what is generated.
"""

import importlib
import runpy
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

from bookproof.book import Page, load
from bookproof.mutate import mutations
from d2ltorch import exercises

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))
generator = importlib.import_module("exercises")
BOOK = load(ROOT)
MODULES = {"torch", "nn", "copy", "math"}  # a call's module is not altered
LESSONS = sorted(path.stem for path in (ROOT / "tests" / "exercises").glob("*.py"))


@cache
def answers(lesson: str) -> dict:
    return runpy.run_path(str(ROOT / "tests" / "exercises" / f"{lesson}.py"))


@cache
def solved(lesson: str) -> dict[str, dict]:
    """Return for each check of a lesson the cells that it needs, by their kind."""
    page = Page.read(BOOK.folder / "solutions" / f"{lesson}.ipynb", BOOK)
    found, imports = {}, []
    for number, cells in generator.sections(page):
        tagged = [(generator.kind(cell), cell) for cell in cells]
        given = [cell.source for kind, cell in tagged if kind == "given"]
        imports = imports or given
        before, answer = [], []  # what was answered before, and since the last check
        for kind, cell in tagged:
            if kind == "answer":
                answer.append(cell)
            if kind == "check":
                name = cell.source.removeprefix("check.").partition("(")[0]
                found[name] = {
                    "given": imports + given * (number > 0) + before,
                    "answer": answer,
                    "check": cell.source,
                }
                before, answer = [*before, *(each.source for each in answer)], []
    return found


CHECKS = [(lesson, name) for lesson in LESSONS for name in solved(lesson)]


def run(lesson: str, name: str, sources: list[str], seed: int = 0) -> None:
    """Run the given cells, these answers and the check, as a learner would."""
    cells = solved(lesson)[name]
    learner = {"__name__": "__main__"}
    try:
        for source in [*cells["given"], *sources]:
            exec(compile(source, "answer", "exec"), learner)
        learner["check"] = exercises.checks(lesson, seed=seed)
        exec(compile(cells["check"], "check", "exec"), learner)
    finally:
        torch.use_deterministic_algorithms(False)  # a lesson may have turned it on
        for value in learner.values():
            if isinstance(value, TemporaryDirectory):
                value.cleanup()
        torch.set_default_dtype(torch.float32)  # a lesson may have set another


def solution(lesson: str, name: str) -> list[str]:
    return [cell.source for cell in solved(lesson)[name]["answer"]]


@pytest.mark.parametrize(("lesson", "name"), CHECKS)
def test_solution_holds_under_any_seed(lesson, name, capsys):
    for seed in range(20):
        run(lesson, name, solution(lesson, name), seed)
    assert "claims hold" in capsys.readouterr().out


@pytest.mark.parametrize(("lesson", "name"), CHECKS)
def test_blank_is_not_yet(lesson, name):
    blanks = [generator.blank(source) for source in solution(lesson, name)]
    with pytest.raises(exercises.NotYet, match=r"written yet|\.\.\."):
        run(lesson, name, blanks)


@pytest.mark.parametrize(("lesson", "name"), CHECKS)
def test_wrong_answers_are_refused_in_one_line(lesson, name, monkeypatch):
    run(lesson, name, solution(lesson, name))  # imports take their time here
    monkeypatch.setattr(exercises, "LIMIT", 1)
    wrong = answers(lesson)["WRONG"][name]
    assert len(wrong) >= 3
    for source in wrong:
        with pytest.raises(exercises.NotYet) as refused:
            run(lesson, name, [source])
        (line,) = refused.value._render_traceback_()
        assert line.startswith("Not yet: ") and "\n" not in line


@pytest.mark.parametrize(("lesson", "name"), CHECKS)
def test_other_right_answers_hold(lesson, name):
    assert answers(lesson)["RIGHT"][name]
    for source in answers(lesson)["RIGHT"][name]:
        run(lesson, name, [source])


@pytest.mark.parametrize(("lesson", "name"), CHECKS)
def test_altered_solutions_are_refused(lesson, name, monkeypatch):
    run(lesson, name, solution(lesson, name))  # so that no import takes of the seconds
    monkeypatch.setattr(exercises, "LIMIT", 3)
    cells, right = solved(lesson)[name]["answer"], set()
    for at, cell in enumerate(cells):
        for mutant in mutations.mutants(cell.id, cell.source, MODULES):
            sources = [each.source for each in cells]
            sources[at] = mutant.source
            try:
                run(lesson, name, sources)
            except Exception:
                continue
            right.add(mutant.change)
    assert right == set(answers(lesson)["SAME"].get(name, ()))


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_check_is_in_the_solutions_and_speaks_chinese(lesson):
    assert sorted(vars(exercises.checks(lesson))) == sorted(solved(lesson))
    for name, check in vars(exercises.checks(lesson, "zh")).items():
        with pytest.raises(exercises.NotYet, match=r"^还没通过：.*。$"):
            check(*[None] * 9)
        for pair in getattr(check.claims, "hints", ()):
            assert len(pair) == 2, name


def test_every_lesson_with_checks_has_its_answers():
    checked = (ROOT / "d2ltorch" / "exercises").glob("[a-z]*.py")
    assert sorted(path.stem.replace("_", "-") for path in checked) == LESSONS


def test_exercise_notebooks_are_what_the_solutions_make():
    for path, text in generator.made(BOOK).items():
        assert path.read_text("utf-8") == text, f"{path}: run make sync"
