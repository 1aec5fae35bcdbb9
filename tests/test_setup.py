"""Setting up: the three lists of packages agree, and what goes wrong is said."""

import re
import signal
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
    command = (ROOT / "tools" / "install.py").read_text("utf-8")
    assert '"-c", "constraints.txt", "-e", ".[test,book]"' in command
    needed = ".".join(map(str, install.NEEDED))
    assert PROJECT["requires-python"] == f">={needed}"


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
    monkeypatch.setattr(install, "VENV", str(tmp_path))
    monkeypatch.setattr(install, "STAMP", str(tmp_path / "installed"))
    monkeypatch.setattr(install, "LOG", str(tmp_path / "install.log"))
    monkeypatch.setattr(install, "create", lambda: "")
    return tmp_path


def test_only_a_finished_installation_leaves_its_stamp(venv, monkeypatch):
    monkeypatch.setattr(install, "install", lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        install.main()
    assert list(venv.iterdir()) == []
    monkeypatch.setattr(install, "install", lambda: "")
    assert install.main() == 0
    assert [path.name for path in venv.iterdir()] == ["installed"]


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
