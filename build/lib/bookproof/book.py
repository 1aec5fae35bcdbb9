"""What a book is: where its notebooks lie, and what stands in [tool.bookproof].

Everything that is particular to one book is a field of `Book`, read from the
pyproject.toml in its root; a folder without that table is a book too, of which nothing
is asked but its outputs. Reads files; executes and writes nothing.
"""

import difflib
import json
import sys
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

# jsonschema, which nbformat uses, would import this checker of web addresses, a
# second's work for a format that notebooks do not have. Without it nothing changes.
sys.modules.setdefault("rfc3987_syntax", None)

import nbformat  # noqa: E402
from nbformat import NotebookNode, validator  # noqa: E402

# The whole metadata of a notebook, but for keys of nbsphinx and our own.
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
FILES = {"folder", "sanitizer", "glossary", "executed", "startup"}  # settings


class NotebookError(Exception):
    """Something a person has to mend; the message says what, where and how."""


@dataclass(frozen=True, eq=False)
class Book:
    """A folder of notebooks and its settings (README.md tells what each means)."""

    root: Path
    folder: Path
    configured: bool = False
    make: bool = False  # messages name targets of make
    languages: list[str] = field(default_factory=lambda: ["en"])
    imports: list[str] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    exercises: list[str] = field(default_factory=list)
    depth: str = "-in-depth"
    sanitizer: Path | None = None
    glossary: Path | None = None
    executed: Path | None = None
    made_by: dict[str, str] = field(default_factory=dict)
    unstable: list[dict[str, str]] = field(default_factory=list)
    startup: Path | None = None
    device: str = ""
    switches: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def translation(self) -> str:
        """The second language, which lies in a subfolder of its name; or ""."""
        return self.languages[1] if len(self.languages) > 1 else ""

    @property
    def parts(self) -> list[Path]:
        """The folders in which notebooks may lie, of the original first."""
        homes = [self.folder]
        if self.translation:
            homes.append(self.folder / self.translation)
        return [part for home in homes for part in (home, home / "solutions")]

    def translates(self, path: Path) -> bool:
        """Tell whether a notebook lies in the folder of the second language."""
        zh = self.translation
        return bool(zh) and path.is_relative_to(self.folder / zh)

    def name_of(self, path: Path) -> str:
        """The name people use: "parameters", "solutions/parameters", "zh/index"."""
        inside = path.is_relative_to(self.folder)
        path = path.relative_to(self.folder) if inside else path
        return path.with_suffix("").as_posix() if self.configured else path.as_posix()

    def command(self, task: str, lesson: str = "", translated: str = "") -> str:
        """What to type, for messages: "make refresh LESSON=parameters"."""
        if self.make:
            named = {"LESSON": lesson, "TRANSLATED": translated}
            options = [f"{key}={value}" for key, value in named.items() if value]
            return " ".join(["make", task, *options])
        options = [lesson] * bool(lesson) + [f"--translated {translated}"] * bool(
            translated
        )
        return " ".join(["python -m bookproof", task, *options])


@cache
def load(root: Path) -> Book:
    """Return the book in `root`, with the settings of its pyproject.toml, if any."""
    file = root / "pyproject.toml"
    try:
        text = file.read_text("utf-8") if file.is_file() else ""
        table = tomllib.loads(text).get("tool", {}).get("bookproof")
    except ValueError as error:
        raise NotebookError(f"{file}: this is not TOML ({error}).") from None
    if table is None:
        return Book(root, root)
    settings = {key.replace("-", "_"): value for key, value in table.items()}
    known = set(Book.__dataclass_fields__) - {"root", "configured"}
    for key in settings.keys() - known:
        close = difflib.get_close_matches(key, known, 1)
        hint = f" Did you mean {close[0].replace('_', '-')}?" if close else ""
        raise NotebookError(f"{file}: [tool.bookproof] knows no “{key}”.{hint}")
    for key in settings.keys() & FILES:
        settings[key] = root / settings[key]
    return Book(root, settings.pop("folder", root), configured=True, **settings)


def here() -> Book:
    """Return the book that the working directory is in; itself if there is none."""
    start = Path.cwd()
    for root in (start, *start.parents):
        if (root / "pyproject.toml").is_file() and load(root).configured:
            return load(root)
    return load(start)


def select(book: Book, lesson: str = "", originals: bool = False) -> list[Path]:
    """Return the notebooks of one lesson (page, solutions, both languages) or all.

    With `originals`, of the first language only. Raises NotebookError if there are
    none of that name.
    """
    parts = book.parts[:2] if originals else book.parts
    found = [path for part in parts for path in sorted(part.glob("*.ipynb"))]
    if not found:
        raise NotebookError(f"There is no notebook in {book.folder}.")
    if not lesson:
        return found
    wanted = lesson.removesuffix(".ipynb").rpartition("/")[2]
    chosen = [path for path in found if path.stem == wanted]
    if not chosen:
        names = sorted({path.stem for path in found})
        close = difflib.get_close_matches(wanted, names, 1)
        hint = f" Did you mean LESSON={close[0]}?" if close else ""
        raise NotebookError(
            f"There is no lesson “{lesson}”.{hint} The lessons are: {', '.join(names)}."
        )
    return chosen


@dataclass(frozen=True, eq=False)
class Page:
    """A notebook that was read: where, what text, and what it holds."""

    path: Path
    book: Book
    text: str
    notebook: NotebookNode

    @classmethod
    def read(cls, path: Path, book: Book) -> "Page":
        """Read the notebook at `path`; NotebookError if it cannot be one."""
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            text = ""  # which is not JSON
        return cls(path, book, text, parse(text, book.name_of(path)))

    @property
    def name(self) -> str:
        return self.book.name_of(self.path)

    @property
    def lesson(self) -> str:
        """The LESSON it belongs to: its bare name."""
        return self.path.stem

    @property
    def is_translation(self) -> bool:
        return self.book.translates(self.path)

    @property
    def home(self) -> Path:
        """The folder of its language."""
        book = self.book
        return book.folder / book.translation if self.is_translation else book.folder

    @property
    def code(self) -> list[NotebookNode]:
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @property
    def prose(self) -> list[NotebookNode]:
        return [cell for cell in self.notebook.cells if cell.cell_type == "markdown"]

    @property
    def refresh(self) -> str:
        """What to run when outputs are old, for messages."""
        return f"run {self.book.command('refresh', self.lesson)}"


def read(book: Book, lesson: str = "", originals: bool = False) -> list[Page]:
    """Return the pages of one lesson, or of the book."""
    return [Page.read(path, book) for path in select(book, lesson, originals)]


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


def printed(output: dict) -> str:
    """Return the text of an output that a reader sees."""
    if output["output_type"] == "stream":
        return output["text"]
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    return "\n".join(
        text for key, text in output["data"].items() if key.startswith("text/")
    )
