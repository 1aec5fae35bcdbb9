"""Find, read and write the chapter's notebooks: what the other tools share.

It knows where notebooks lie, what a LESSON name means, and how to write several
files so that either all of them change or none does. It executes nothing.
"""

import difflib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# jsonschema, which nbformat uses, would import this checker of web addresses, a
# second's work for a format that notebooks do not have. Without it nothing changes.
sys.modules.setdefault("rfc3987_syntax", None)

import nbformat  # noqa: E402
from nbformat import NotebookNode, validator  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = ROOT / "chapter_deep-learning-computation"
PARTS = ("", "solutions/", "zh/", "zh/solutions/")  # where notebooks may lie

# The whole metadata of a notebook, but for keys of nbsphinx and our own.
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


class NotebookError(Exception):
    """Something a person has to mend; the message says what, where and how."""


def name_of(path: Path, chapter: Path = CHAPTER) -> str:
    """The name people use: "parameters", "solutions/parameters", "zh/index"."""
    return path.relative_to(chapter).with_suffix("").as_posix()


def lesson_of(path: Path) -> str:
    """The LESSON a notebook belongs to: its bare name."""
    return path.stem


def select(lesson: str = "", chapter: Path = CHAPTER) -> list[Path]:
    """Return the notebooks of one lesson (page, solutions, both languages) or all.

    Raises NotebookError if there are none of that name.
    """
    found = [p for part in PARTS for p in sorted((chapter / part).glob("*.ipynb"))]
    if not found:
        raise NotebookError(f"There is no notebook in {chapter}.")
    if not lesson:
        return found
    wanted = lesson.removesuffix(".ipynb").rpartition("/")[2]
    chosen = [path for path in found if lesson_of(path) == wanted]
    if not chosen:
        names = sorted({lesson_of(path) for path in found})
        close = difflib.get_close_matches(wanted, names, 1)
        hint = f" Did you mean LESSON={close[0]}?" if close else ""
        raise NotebookError(
            f"There is no lesson “{lesson}”.{hint} The lessons are: {', '.join(names)}."
        )
    return chosen


@dataclass(frozen=True)
class Page:
    """A notebook that was read: where, what text, and what it holds."""

    path: Path
    chapter: Path
    text: str
    notebook: NotebookNode

    @classmethod
    def read(cls, path: Path, chapter: Path = CHAPTER) -> "Page":
        """Read the notebook at `path`; NotebookError if it cannot be one."""
        text = path.read_text("utf-8")
        return cls(path, chapter, text, parse(text, name_of(path, chapter)))

    @property
    def name(self) -> str:
        return name_of(self.path, self.chapter)

    @property
    def code(self) -> list[NotebookNode]:
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @property
    def prose(self) -> list[NotebookNode]:
        return [cell for cell in self.notebook.cells if cell.cell_type == "markdown"]

    @property
    def refresh(self) -> str:
        """What to run when outputs are old, for messages."""
        return f"run make refresh LESSON={lesson_of(self.path)}"


def parse(text: str, name: str) -> NotebookNode:
    """Return the notebook in `text`; NotebookError names it if it is none."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise NotebookError(
            f"{name}: the file is not JSON ({error}); restore it with git."
        ) from None
    version = {"nbformat": 4, "nbformat_minor": 5}
    if not isinstance(raw, dict) or not version.items() <= raw.items():
        raise NotebookError(
            f"{name}: this is not a notebook of format 4.5;"
            " open and save it in a current JupyterLab."
        )
    for error in validator.iter_validate(raw):
        where = "/".join(map(str, error.absolute_path)) or "the top"
        raise NotebookError(
            f"{name}: the notebook format is broken at “{where}”:"
            f" {error.message.splitlines()[0][:200]}."
        )
    return nbformat.v4.reads_json(text)


def dumps(notebook: NotebookNode) -> str:
    """The one text a notebook is stored as."""
    return nbformat.v4.writes_json(notebook) + "\n"


@contextmanager
def signals_held():
    """Let Ctrl-C and friends wait until the block is through."""
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def write_all(new: Mapping[Path, str], old: Mapping[Path, str]) -> list[Path]:
    """Write every text in `new` that differs from `old`, or nothing at all.

    `old` is what the files held when they were read; a file that is not in it is
    new. If a file holds something else by now, or a write fails, all files stay (or
    are put back) as they are and NotebookError says why. Returns what changed.
    """
    changed = [path for path in new if new[path] != old.get(path)]
    with signals_held():
        for path in changed:
            if (path.read_text("utf-8") if path.exists() else None) != old.get(path):
                raise NotebookError(
                    f"{path.name} was changed while it ran, so nothing was written;"
                    " save it in your editor and repeat."
                )
        done, waiting = [], {}
        try:
            for path in changed:
                waiting[path] = _write_beside(path, new[path])
            for path in changed:
                os.replace(waiting[path], path)
                del waiting[path]
                done.append(path)
        except OSError as error:
            for path in done:
                if path in old:
                    os.replace(_write_beside(path, old[path]), path)
                else:
                    path.unlink()
            raise NotebookError(
                f"Writing {error.filename or path} failed ({error.strerror});"
                " every notebook is as it was."
            ) from None
        finally:
            for temporary in waiting.values():
                os.unlink(temporary)
    return changed


def _write_beside(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary
