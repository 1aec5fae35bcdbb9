"""What each engine of `make class` gives five students (`make test-class`).

Needs nbgrader and otter-grader, which only this installs; the weekly workflow runs it.
"""

import csv
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT)]
import course  # noqa: E402
import exercises  # noqa: E402

LESSON = "parameters"
ANSWERS = runpy.run_path(str(ROOT / "tests" / "exercises" / f"{LESSON}.py"))
ENDLESS = "def three_point_(weight):\n    while True:\n        pass"
FITTED = ANSWERS["FITTED"]["three_point"]
STUDENTS = ("solution", "blank", "wrong", "endless", "fitted")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    return folder, course.write(LESSON, folder)


def run(folder: Path, *command: str) -> str:
    """Run a program of this environment in a folder; return what it printed."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def submission(blank: Path, student: str) -> nbformat.NotebookNode:
    """Return the notebook handed out, with the answers of a student typed in."""
    notebook = nbformat.read(blank, as_version=4)
    page = ROOT / "chapter_deep-learning-computation" / "solutions" / f"{LESSON}.ipynb"
    solved = {
        exercises.blank(cell.source): cell.source
        for cell in nbformat.read(page, as_version=4).cells
        if exercises.kind(cell) == "answer"
    }
    wrong = iter([ANSWERS["WRONG"][name][0] for name in ANSWERS["WRONG"]])
    for cell in notebook.cells:
        if cell.source in solved:
            answer = solved[cell.source]
            if student == "wrong":
                cell.source = next(wrong)
            elif student != "blank":
                cell.source = answer
                if "def three_point_" in answer and student != "solution":
                    cell.source = {"endless": ENDLESS, "fitted": FITTED}[student]
    return notebook


def expected(points: int) -> dict[str, int]:
    return dict(zip(STUDENTS, (points, 0, 0, points - 1, points - 1), strict=True))


def test_nbgrader(made):
    folder, points = made[0] / "nbgrader", made[1]
    run(folder, "nbgrader", "generate_assignment", LESSON, "--create")
    blank = folder / "release" / LESSON / f"{LESSON}.ipynb"
    for student in STUDENTS:
        target = folder / "submitted" / student / LESSON / blank.name
        target.parent.mkdir(parents=True)
        nbformat.write(submission(blank, student), target)
    run(folder, "nbgrader", "autograde", LESSON)
    run(folder, "nbgrader", "export")
    with open(folder / "grades.csv", encoding="utf-8") as rows:
        scores = {
            row["student_id"]: float(row["score"]) for row in csv.DictReader(rows)
        }
    print("nbgrader:", scores, "of", points)
    assert scores == expected(points)


def test_otter(made):
    folder, points = made[0] / "otter", made[1]
    run(folder, "otter", "assign", f"{LESSON}.ipynb", "dist", "--no-run-tests")
    blank = folder / "dist" / "student" / f"{LESSON}.ipynb"
    (grader,) = (folder / "dist" / "autograder").glob("*.zip")
    scores = {}
    for student in STUDENTS:
        place = folder / student
        place.mkdir()
        nbformat.write(submission(blank, student), place / blank.name)
        run(place, "otter", "run", "-a", str(grader), blank.name)
        tests = json.loads((place / "results.json").read_text("utf-8"))["tests"]
        scores[student] = sum(test.get("score", 0) for test in tests)
    print("otter:", scores, "of", points)
    assert scores == expected(points)


def test_students_see_no_solution_and_no_drawn_seed(made):
    for engine in ("nbgrader/release", "otter/dist/student"):
        text = next((made[0] / engine).rglob("*.ipynb")).read_text("utf-8")
        assert "seed=" not in text and "deepcopy(net[2])" not in text
        assert not re.search(r"\]\(\.\./", text)
