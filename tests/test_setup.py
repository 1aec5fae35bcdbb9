"""Setting up: the three lists of packages agree, and what goes wrong is said."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

sys.path.append(str(ROOT / "tools"))
import install

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
MACHINE = re.compile(r"(cuda|nvidia|triton|pip|setuptools|wheel)\b")


def declared() -> dict[str, Requirement]:
    """Return every requirement in pyproject.toml by name."""
    lists = [PROJECT["dependencies"], *EXTRAS.values()]
    found = [Requirement(line) for lines in lists for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def pinned() -> dict[str, Requirement]:
    """Return every line of constraints.txt by name."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    found = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def version(pin: Requirement) -> str:
    (specifier,) = pin.specifier
    return specifier.version


def test_pyproject_gives_lower_bounds_only():
    for name, requirement in declared().items():
        operators = [specifier.operator for specifier in requirement.specifier]
        assert operators == [">="], f"{name}: give a lower bound, nothing else"


def test_constraints_are_exact_and_of_no_machine():
    for name, pin in pinned().items():
        assert [s.operator for s in pin.specifier] == ["=="], (
            f"{name}: no exact version"
        )
        assert not Version(version(pin)).local, f"{name}: {pin} is of one machine"
        assert not MACHINE.match(name), f"{name} depends on the machine; leave it out"
        assert pin.url is None and pin.marker is None, f"{name}: a version only"


def test_constraints_pin_what_pyproject_asks_for():
    for name, requirement in declared().items():
        assert name in pinned(), (
            f"{name} is not in constraints.txt; see its first lines"
        )
        assert requirement.specifier.contains(version(pinned()[name])), name


def test_environment_yml_installs_the_same_set():
    text = (ROOT / "environment.yml").read_text("utf-8")
    lines = [line.strip().removeprefix("- ") for line in text.splitlines()]
    assert f"python{PROJECT['requires-python']}" in lines
    assert "--constraint constraints.txt" in lines
    assert "--editable .[test,book]" in lines
    command = (ROOT / "tools" / "install.py").read_text("utf-8")
    assert '"-c", "constraints.txt", "-e", ".[test,book]"' in command
    assert (
        tuple(map(int, PROJECT["requires-python"].removeprefix(">=").split(".")))
        == install.NEEDED
    )


def test_everything_declared_is_installed():
    needed = [PROJECT["dependencies"], EXTRAS["test"], EXTRAS["book"]]
    for line in (line for lines in needed for line in lines):
        importlib.metadata.version(Requirement(line).name)  # raises and names it


def test_old_python_is_told_so(monkeypatch, capsys):
    monkeypatch.setattr(install.sys, "version_info", (3, 9, 18, "final", 0))
    assert install.main() == 1
    assert capsys.readouterr().err == (
        "make: Python 3.9 is too old, need 3.11 or newer."
        " Name a newer one, for example: make PYTHON=python3.12 html\n"
    )


@pytest.fixture
def venv(tmp_path, monkeypatch):
    """Let install.py work in an empty folder, with nothing to install yet."""
    folder = tmp_path / ".venv"
    folder.mkdir()
    monkeypatch.setattr(install, "VENV", str(folder))
    monkeypatch.setattr(install, "STAMP", str(folder / "installed"))
    monkeypatch.setattr(install, "LOG", str(folder / "install.log"))
    monkeypatch.setattr(install, "create", lambda: "")
    return folder


def test_finished_installation_leaves_its_stamp(venv, monkeypatch):
    monkeypatch.setattr(install, "install", lambda: "")
    assert install.main() == 0
    assert [path.name for path in venv.iterdir()] == ["installed"]


def test_interrupted_installation_is_repeated(venv, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(install, "install", interrupted)
    with pytest.raises(KeyboardInterrupt):
        install.main()
    assert list(venv.iterdir()) == []


def test_failed_installation_says_what_failed(venv, monkeypatch, capsys):
    script = "print('Collecting x'); print('ERROR: No matching distribution for x')"
    fake = venv / "python"
    fake.write_text(f'#!/bin/sh\necho "{script}" | python3 -\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setattr(install, "venv_python", lambda: str(fake))
    assert install.main() == 1
    said = capsys.readouterr()
    assert "pip could not install the packages: No matching distribution" in said.err
    assert "Collecting x" in said.out and "Traceback" not in said.err
    assert not (venv / "installed").exists()


def test_make_alone_explains_every_target():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    done = subprocess.run(
        ["make"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    shown = re.findall(r"^  make ([\w-]+) +\w+", done.stdout, re.MULTILINE)
    assert shown == targets
