"""The two pages for teachers: what they say of the lessons is so."""

import re

import nbformat
import pytest
from conftest import ROOT

from bookproof.rules.chinese import misset

NAMES = ["TEACHING.md", "TEACHING.zh-CN.md"]
TEXTS = {name: (ROOT / name).read_text("utf-8") for name in NAMES}
PLAN = re.compile(r"^\| \[\d.*\]\((.+\.ipynb)\) \| ([\d+]+) \| .+ \| .+ \|$", re.M)
EXERCISES = re.compile(r"^\| \d \| ([\d, ]+) \| ([\d, ]+).* \| ([\d, ]+) \|$", re.M)
WRITTEN = {"Build", "Mend"}


def cells(path: str) -> list:
    """Return the cells of a notebook."""
    return nbformat.read(ROOT / path, as_version=4).cells


def lessons() -> list[str]:
    """Return the lessons that the English page plans, in its order."""
    return [path for path, _ in PLAN.findall(TEXTS[NAMES[0]])]


def test_the_pages_correspond():
    english, chinese = (
        [
            re.findall(r"\d[\d.+]*\d|\d", row, re.ASCII)
            for row in re.findall(r"^\|.*", TEXTS[name].replace("/zh/", "/"), re.M)
            if re.match(r"\| \[|\| \d \| \d", row)
        ]
        for name in NAMES
    )
    assert english == chinese and len(english) == 16
    assert list(misset(TEXTS[NAMES[1]])) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_readme_leads_to_it(name):
    assert f"({name})" in (ROOT / name.replace("TEACHING", "README")).read_text("utf-8")


def test_each_plan_has_45_minutes_and_every_section():
    plans = PLAN.findall(TEXTS[NAMES[0]])
    assert len(plans) == 8
    for path, minutes in plans:
        given = [int(number) for number in minutes.split("+")]
        assert sum(given) == 45, path
        shown = {}  # sections, and whether they have slides
        for cell in cells(path):
            text = cell.source if cell.cell_type == "markdown" else ""
            for number in re.findall(r"^## (\d+)\. ", text, re.M):
                kind = cell.metadata.get("slideshow", {}).get("slide_type")
                shown[int(number)] = kind != "skip"
        assert [bool(number) for number in given[1:-1]] == list(shown.values()), path


def test_exercises_are_what_they_are_called():
    rows = EXERCISES.findall(TEXTS[NAMES[0]])
    assert len(rows) == 8
    for path, (other, written, checked) in zip(lessons(), rows, strict=True):
        text = next(cell.source for cell in cells(path) if cell.id == "exercises")
        labels = dict(re.findall(r"^(\d)\. \*\*(\w+)", text, re.M))
        for number in re.findall(r"\d", other):
            assert labels.pop(number) not in WRITTEN, (path, number)
        for number in re.findall(r"\d", written):
            assert labels.pop(number) in WRITTEN, (path, number)
        assert labels == {"1": "Warm", "2": "Warm", "7": "Argue"}, path
        found, number = [], ""
        for cell in cells(path.replace("/", "/solutions/")):
            number = (re.findall(r"^## Exercise (\d)", cell.source) or [number])[0]
            if "check" in cell.metadata.get("tags", []) and number not in found:
                found.append(number)
        assert checked == ", ".join(found), path
