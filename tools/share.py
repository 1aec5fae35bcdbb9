"""Share the lessons; REPOSITORY in book/launch.py says where the repository is.

`make colab` pushes the notebooks, each able to run alone, to the branch that the pages'
links to Colab open. `make hub-link` prints the link that gives each student a copy.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).absolute().parent.parent
sys.path.insert(0, str(ROOT / "book"))

import launch  # noqa: E402


def git(folder: Path, *arguments: str) -> str:
    """Return what git says, or stop where it fails."""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"make colab: git failed, as it says above: {' '.join(command)}")
    return done.stdout.strip()


def push_colab() -> None:
    """Replace the branch `colab` of origin by the notebooks of now, as one commit."""
    with TemporaryDirectory() as name:
        for path in git(ROOT, "ls-files", "chapter*.ipynb").splitlines():
            text, copy = (ROOT / path).read_text("utf-8"), Path(name, path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(launch.standalone(text, launch.REPOSITORY, path), "utf-8")
        git(Path(name), "init", "-q")
        git(Path(name), "add", ".")
        by = ("-c", "user.name=make colab", "-c", "user.email=make@localhost")
        of = f"The notebooks of {git(ROOT, 'rev-parse', 'HEAD')}"
        git(Path(name), *by, "commit", "-qm", of)
        origin = git(ROOT, "remote", "get-url", "origin")
        git(Path(name), "push", "-qf", origin, "HEAD:refs/heads/colab")
    print("Pushed the notebooks to the branch colab.")


def hub_link(hub: str, lesson: str) -> None:
    """Print the link to a lesson ("parameters", "zh/parameters") on a hub."""
    path = f"chapter_deep-learning-computation/{lesson}.ipynb"
    if not hub.startswith("https://") or not (ROOT / path).is_file():
        example = "make hub-link HUB=https://hub.example.org LESSON=parameters"
        sys.exit(f"make hub-link: give the hub's address and a lesson: {example}")
    print(launch.hub_url(hub, launch.REPOSITORY, path))


if __name__ == "__main__":
    task, *arguments = sys.argv[1:]
    if not launch.REPOSITORY:
        print(
            f"make {task}: nothing to do while REPOSITORY in book/launch.py is empty."
        )
        sys.exit()
    try:
        {"colab": push_colab, "hub-link": hub_link}[task](*arguments)
    except ValueError as error:
        sys.exit(f"make {task}: {error}")
