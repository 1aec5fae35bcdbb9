"""Start the lessons: install what they need, then open them in JupyterLab.

    python start.py                the first time takes minutes, then seconds
    python start.py --no-browser   or any other option of JupyterLab
    python start.py wheels         fetch the packages into wheels/, for a class offline

All goes into .venv beside this file. Where there is wheels/, nothing else is asked for.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).absolute().parent
VENV, WHEELS = HERE / ".venv", HERE / "wheels"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LAB = [  # pictures beside the chapter, outputs that stay covered, the contents open
    *(PYTHON, "-m", "jupyterlab", f"--ServerApp.root_dir={HERE}", "--custom-css"),
    "--ServerApp.tornado_settings={'static_custom_path': ['tools/jupyterlab']}",
    "chapter_deep-learning-computation/index.ipynb",
]
NO_VENV = "this Python cannot make {}; on Debian and Ubuntu, apt install python3-venv"
NO_WHEELS = "wheels/ lacks what pip names above; it serves one system and one Python"
NO_NETWORK = "the packages did not come (see above). Is there a network? Then try again"


def run(command: list, said: str) -> None:
    """Run a command, or stop with what its failing means."""
    if subprocess.run(command, cwd=HERE).returncode:
        sys.exit(f"\nstart.py: {said}.")


def install(fetch: bool) -> None:
    """Install, or only fetch, what pyproject.toml asks for; once for each edition."""
    import tomllib

    project, pins = HERE / "pyproject.toml", HERE / "constraints.txt"
    edition = project.read_text("utf-8") + pins.read_text("utf-8")
    stamp = VENV / "lessons"
    done = stamp.exists() and stamp.read_text("utf-8") == edition
    if done and not fetch:
        return
    print("Installing into .venv; the first time takes minutes.", flush=True)
    if not PYTHON.with_name(f"pip{PYTHON.suffix}").exists():
        run([sys.executable, "-m", "venv", VENV], NO_VENV.format(VENV))
    table = tomllib.loads(project.read_text("utf-8"))["project"]
    wanted = table["dependencies"] + table["optional-dependencies"]["notebook"]
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    if fetch:
        run([*pip, "download", "-d", WHEELS, "-c", pins, *wanted], NO_NETWORK)
        return
    offline = ["--no-index", "--find-links", WHEELS] if WHEELS.is_dir() else []
    said = NO_WHEELS if offline else NO_NETWORK
    run([*pip, "install", *offline, "-c", pins, *wanted], said)
    ask = [PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = subprocess.run(ask, stdout=subprocess.PIPE, text=True).stdout.strip()
    Path(packages, "lessons.pth").write_text(os.path.relpath(HERE, packages))
    stamp.write_text(edition, "utf-8")


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit(f"start.py: needs Python 3.11 or newer; this is {sys.version[:6]}.")
    fetch = sys.argv[1:] == ["wheels"]
    install(fetch)
    if not fetch:
        server = subprocess.Popen([*LAB, *sys.argv[1:]], cwd=HERE)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is JupyterLab's, who asks
        sys.exit(server.wait())


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nstart.py: interrupted. Start again, and it goes on.")
