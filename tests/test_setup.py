"""Setting up: the three lists of packages agree, and what goes wrong is said."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

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


def test_every_way_to_install_installs_the_same_set():
    text = (ROOT / "environment.yml").read_text("utf-8")
    lines = [line.strip().removeprefix("- ") for line in text.splitlines()]
    assert f"python{PROJECT['requires-python']}" in lines
    assert "--constraint constraints.txt" in lines
    assert "--editable .[test,book]" in lines
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "PINS = constraints.txt" in makefile and "-e '.[test,book]'" in makefile


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
