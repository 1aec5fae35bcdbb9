"""Setting up: the three lists of packages agree, and what goes wrong is said."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from bookproof.book import load, parse, read
from bookproof.markdown import targets

sys.path.insert(0, str(ROOT / "book"))
import launch

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MACHINE = re.compile(r"(cuda|nvidia|triton|pip|setuptools|wheel)\b")


def by_name(lines: list[str]) -> dict[str, Requirement]:
    found = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


DECLARED = by_name(
    sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"])
)
PINNED = by_name((ROOT / "constraints.txt").read_text("utf-8").splitlines())


def test_constraints_are_exact_of_no_machine_and_pin_what_pyproject_asks_for():
    for name, requirement in DECLARED.items():
        operators = [specifier.operator for specifier in requirement.specifier]
        assert operators == [">="], f"{name}: give a lower bound, nothing else"
        assert name in PINNED, f"{name} is not in constraints.txt; see its first lines"
    for name, pin in PINNED.items():
        assert [s.operator for s in pin.specifier] == ["=="], f"{name}: not exact"
        (version,) = (Version(s.version) for s in pin.specifier)
        assert not version.local, f"{name}: {pin} is of one machine"
        assert not MACHINE.match(name), f"{name} depends on the machine; leave it out"
        assert pin.url is None and pin.marker is None, f"{name}: a version only"
        assert name not in DECLARED or version in DECLARED[name].specifier, name


def test_the_package_alone_brings_what_lessons_import():
    needed = set(by_name(PROJECT["dependencies"]))
    assert needed == {"torch", "matplotlib", "safetensors"}


def test_every_way_to_install_installs_the_same_set():
    text = (ROOT / "environment.yml").read_text("utf-8")
    lines = [line.strip().removeprefix("- ") for line in text.splitlines()]
    assert f"python{PROJECT['requires-python']}" in lines
    assert "--constraint constraints.txt" in lines
    assert "--editable .[notebook,test,book]" in lines
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert (
        "PINS = constraints.txt" in makefile
        and "-e '.[notebook,test,book]'" in makefile
    )


def test_containers_hold_what_the_outputs_were_made_with():
    made_by = json.loads((ROOT / "book" / "executed.json").read_text("utf-8"))
    (python,) = {page["python"] for page in made_by.values()}
    code = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))
    assert code["image"] == f"python:{python}"
    assert code["postCreateCommand"] == "make .venv/installed"
    binder = ROOT / ".binder"
    assert (binder / "runtime.txt").read_text("utf-8").strip() == f"python-{python}"
    assert "uv>=" in (binder / "requirements.txt").read_text("utf-8")
    script = (binder / "postBuild").read_text("utf-8")
    assert script.endswith(" --torch-backend cpu -c constraints.txt -e .\n")
    assert os.access(binder / "postBuild", os.X_OK)


@pytest.fixture
def lessons(tmp_path) -> Path:
    """Return a folder with start.py, a JupyterLab that only tells, and no network."""
    shutil.copy(ROOT / "start.py", tmp_path)
    (tmp_path / "constraints.txt").write_text("")
    (tmp_path / "wheels").mkdir()
    (tmp_path / "jupyterlab.py").write_text("import sys; print(sys.argv, sys.path[1:])")
    return tmp_path


def start(folder: Path, needed: str, *arguments: str, before: str = "pass") -> tuple:
    """Run start.py where the lessons need a package; return its status and words."""
    extra = 'optional-dependencies = {notebook = ["pip"]}'
    text = f'[project]\ndependencies = ["{needed}"]\n{extra}\n'
    (folder / "pyproject.toml").write_text(text)
    script = f"import runpy, sys; {before}; sys.argv = ['start.py', *{arguments}];"
    script += "runpy.run_path('start.py', run_name='__main__')"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_start_installs_once_without_network_and_opens_the_contents(lessons):
    for first in (True, False):
        status, said = start(lessons, "pip", "--no-browser")
        assert status == 0, said
        assert ("Installing" in said) == first
        *_, opened = said.splitlines()
        assert "index.ipynb', '--no-browser'] " in opened
        assert f"'{lessons}'" in opened.partition("]")[2], "d2ltorch is found"


def test_start_says_what_is_wrong(lessons):
    old = "sys.version_info, sys.version = (3, 9), '3.9.18 (x)'"
    status, said = start(lessons, "pip", before=old)
    assert (
        status == 1
        and said == "start.py: needs Python 3.11 or newer; this is 3.9.18.\n"
    )
    status, said = start(lessons, "pip", before="sys.executable = '/bin/false'")
    assert status == 1 and "apt install python3-venv" in said
    status, said = start(lessons, "no-such-package")
    assert (
        status == 1 and "no-such-package" in said and "start.py: wheels/ lacks" in said
    )
    assert not (lessons / ".venv" / "lessons").exists()
    ast.parse((ROOT / "start.py").read_text("utf-8"), feature_version=(3, 7))


def test_a_lesson_away_from_the_repository_installs_and_leads_nowhere_else():
    address = "https://github.com/ann/book/tree/v1"
    for page in read(load(ROOT)):
        path = page.path.relative_to(ROOT).as_posix()
        copy = parse(launch.standalone(page.text, address, path), path)
        code = "\n".join(c.source for c in page.code)
        assert ("d2ltorch" in code) == (copy.cells[0].id == "install"), path
        texts = [c.source for c in copy.cells if c.cell_type == "markdown"]
        aims = [aim for text in texts for _, aim, _ in targets(text)]
        assert [aim for aim in aims if not aim.startswith(("https://", "#"))] == [], (
            path
        )


def make(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run(["make", *arguments], cwd=cwd, capture_output=True, text=True)


def test_old_python_is_told_so(tmp_path):
    old = tmp_path / "python"
    old.write_text(f"""#!/bin/sh
exec {sys.executable} -c "import sys; sys.version_info = (3, 9, 18); $2"
""")
    old.chmod(0o755)
    done = make("-B", ".venv/installed", f"PYTHON={old}", cwd=copied(tmp_path))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert (
        "make: Python 3.9 is too old, need 3.11 or newer. Name a newer" in done.stderr
    )


def copied(folder: Path) -> Path:
    """Copy what make needs to install, with a list of packages that is broken."""
    for name in ("Makefile", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    (folder / "pyproject.toml").write_text("[project\n")
    return folder


def test_only_a_finished_installation_leaves_its_stamp(tmp_path):
    done = make(".venv/installed", f"PYTHON={sys.executable}", cwd=copied(tmp_path))
    assert done.returncode == 2 and "table declaration" in done.stderr
    assert (tmp_path / ".venv" / "bin").exists()
    assert not (tmp_path / ".venv" / "installed").exists()


def test_make_alone_explains_every_target():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    shown = re.findall(r"^  make ([\w-]+) +\w+", make().stdout, re.MULTILINE)
    assert shown == targets
