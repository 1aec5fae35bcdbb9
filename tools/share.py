"""Share the lessons beyond this repository: with Colab, and with the hub of a class.

`make colab` pushes the notebooks, each able to run alone, to the branch that the pages'
links to Colab open. `make hub-link` prints a link that gives each student of a class a
copy. Both need REPOSITORY in book/launch.py.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).absolute().parent.parent
CHAPTER = ROOT / "chapter_deep-learning-computation"
sys.path.insert(0, str(ROOT / "book"))

import launch  # noqa: E402


def git(*arguments: str, folder: Path = ROOT) -> str:
    """Return what git says, or stop with it where it fails."""
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"make colab: git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def push_colab() -> None:
    """Replace the branch `colab` of origin by the notebooks of now, as one commit."""
    source, origin = git("rev-parse", "HEAD"), git("remote", "get-url", "origin")
    with TemporaryDirectory() as name:
        folder = Path(name)
        for notebook in sorted(CHAPTER.rglob("*.ipynb")):
            path = notebook.relative_to(ROOT)
            if ".ipynb_checkpoints" in path.parts:
                continue
            text = notebook.read_text("utf-8")
            copy = launch.standalone(text, launch.REPOSITORY, path.as_posix())
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(copy, "utf-8")
        git("init", "-q", folder=folder)
        git("add", ".", folder=folder)
        by = ("-c", "user.name=make colab", "-c", "user.email=make@localhost")
        git(*by, "commit", "-qm", f"The notebooks of {source}", folder=folder)
        git("push", "-qf", origin, "HEAD:refs/heads/colab", folder=folder)
    print("Pushed the notebooks to the branch colab.")


def hub_link(hub: str, lesson: str) -> None:
    """Print the link to a lesson ("parameters", "zh/parameters") on a hub."""
    notebook = CHAPTER / f"{lesson}.ipynb"
    if not hub.startswith("https://") or not notebook.is_file():
        example = "make hub-link HUB=https://hub.example.org LESSON=parameters"
        sys.exit(f"make hub-link: give the hub's address and a lesson: {example}")
    path = notebook.relative_to(ROOT).as_posix()
    print(launch.hub_url(hub, launch.REPOSITORY, path))


def main() -> None:
    task, *arguments = sys.argv[1:]
    if not launch.REPOSITORY:
        print(
            f"make {task}: nothing to do while REPOSITORY in book/launch.py is empty."
        )
        return
    try:
        {"colab": push_colab, "hub-link": hub_link}[task](*arguments)
    except ValueError as error:
        sys.exit(f"make {task}: {error}")


if __name__ == "__main__":
    main()
