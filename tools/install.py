"""Create .venv with everything this book needs: called by make, run by hand too.

It may write to .venv/ only (and to the package's own egg-info). It runs before
anything is installed, so it uses the standard library only, in words that a
Python of ten years ago can parse: such a Python is to be told that it is too old.
"""
# ruff: noqa: UP010, UP031 (f-strings would be a syntax error to an old Python)

from __future__ import print_function

import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "installed")  # the Makefile's target
LOG = os.path.join(VENV, "install.log")
NEEDED = (3, 11)


def version_problem(version):
    """Return what is wrong with Python `version`, a tuple, or an empty string."""
    if tuple(version[:2]) >= NEEDED:
        return ""
    found, need = (".".join(map(str, v[:2])) for v in (version, NEEDED))
    return (
        "Python %s is too old, need %s or newer. Name a newer one, for example:"
        " make PYTHON=python3.12 html" % (found, need)
    )


def venv_python():
    folder, name = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(VENV, folder, name)


def works(python):
    """Tell whether `python` is there, is new enough and has pip."""
    test = "import sys, pip; sys.exit(sys.version_info < %r)" % (NEEDED,)
    try:
        return subprocess.call([python, "-c", test], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def create():
    """Create .venv anew; return what went wrong, or an empty string."""
    shutil.rmtree(VENV, ignore_errors=True)
    result = subprocess.run(
        [sys.executable, "-m", "venv", VENV],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if result.returncode == 0:
        return ""
    shutil.rmtree(VENV, ignore_errors=True)
    return (
        "Creating .venv failed: %s\nOn Debian and Ubuntu, `apt install python3-venv`"
        " brings what is missing."
        % result.stdout.decode("utf-8", "replace").strip().split("\n")[-1]
    )


def install():
    """Run pip, showing what it fetches; return what went wrong, or ""."""
    command = [venv_python(), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["-c", "constraints.txt", "-e", ".[test,book]"]
    lines = []
    pip = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    with open(LOG, "w") as log, pip:
        for line in pip.stdout:
            log.write(line)
            lines.append(line.strip())
            if line.startswith("Collecting"):
                print("    " + lines[-1].split(" (")[0])
            elif line.startswith("Installing collected packages"):
                print("    unpacking %d packages" % (line.count(",") + 1))
            sys.stdout.flush()
    if pip.returncode == 0:
        return ""
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
    return "pip could not install the packages: %s\nIts whole output is in %s." % (
        errors[-1].replace("ERROR: ", ""),
        os.path.relpath(LOG, ROOT),
    )


def main():
    problem = version_problem(sys.version_info)
    if not problem and not works(venv_python()):
        print("1/2 Creating .venv with Python %d.%d" % sys.version_info[:2])
        problem = create()
    if not problem:
        print("2/2 Installing into .venv (the first time a few minutes)")
        sys.stdout.flush()
        problem = install()
    if problem:
        print("make: " + problem, file=sys.stderr)
        return 1
    with open(STAMP + ".new", "w") as file:  # complete only now: an interrupted
        file.write("see install.log\n")  # installation is repeated
    os.replace(STAMP + ".new", STAMP)
    print("Installed.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nInterrupted; the next make goes on from here.", file=sys.stderr)
        sys.exit(130)
