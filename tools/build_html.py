"""Build the HTML book into _build/html (the command behind `make html`).

One Sphinx build per language, side by side, warnings as errors, from book/conf.py.
Executes no notebook and writes nothing outside _build. A build that fails or is
interrupted leaves the last good _build/html as it was; after a good one, only the
notebooks that changed are read again.
"""

import argparse
import hashlib
import io
import json
import os
import re
import shutil
import sys
import zipfile
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).absolute().parent.parent
NEEDED = {  # module: the package that brings it
    "fontTools": "fonttools",
    "myst_nb": "myst-nb",
    "resvg_py": "resvg-py",
    "sphinx": "sphinx",
    "ziamath": "ziamath",
}
ZIPPED = (  # what one needs to run the lessons, without make
    "chapter_*/**/*.ipynb",
    "d2ltorch/**/*",
    "img/*",
    "tools/jupyterlab/*",
    *("start.py", "pyproject.toml", "constraints.txt", "README*.md", "LICENSE"),
)
NAME = "deep-learning-computation"  # of what is to be downloaded
PDF = r"<!-- pdf -->.*?<!-- /pdf -->"  # the link to it in a page
PLACE = re.compile(r"(\S+\.ipynb):(\d+)(\d{4}):")  # of a warning: cell and line


class BuildError(Exception):
    """Something a person has to mend, said in a sentence or two."""


class NamedCells(io.StringIO):
    """Passes warnings on, with the name of the cell in place of its number."""

    def write(self, text: str) -> int:
        """Write to the standard error what Sphinx has to say."""
        return sys.stderr.write(PLACE.sub(self.name, text))

    @staticmethod
    def name(place: re.Match) -> str:
        """Return notebook, cell and line of a warning."""
        notebook, number, line = place.groups()
        cell = json.loads(Path(notebook).read_text("utf-8"))["cells"][int(number) - 1]
        start = os.path.relpath(notebook, ROOT)
        return f"{start}: cell {cell['id']}, line {max(int(line) - 1, 1)}:"


def check_tools() -> None:
    """Raise `BuildError` if a package is missing."""
    if missing := [name for module, name in NEEDED.items() if not find_spec(module)]:
        install = "pip install -e '.[book]'"
        raise BuildError(f"Not installed: {', '.join(missing)}. Run: {install}")


def editions(chapter: Path) -> dict[str, Path]:
    """Return the folder of each language: "en", and "zh" if it is there.

    Raises `BuildError` if there is no index, or a file that is not a notebook.
    """
    folders = {"en": chapter, "zh": chapter / "zh"}
    found = {t: path for t, path in folders.items() if (path / "index.ipynb").exists()}
    if "en" not in found:
        raise BuildError(f"{chapter / 'index.ipynb'} is missing: no book without it.")
    for notebook in sorted(chapter.rglob("*.ipynb")):
        try:
            json.loads(notebook.read_text("utf-8"))["cells"]
        except (ValueError, LookupError, TypeError) as error:
            raise BuildError(f"{notebook} is not a notebook: {error}") from None
    return found


def fingerprint(root: Path, source: Path) -> str:
    """Hash all that every page depends on: the book's settings, and its contents.

    What stands in one lesson, but for its title, changes that lesson's page only.
    """
    kinds = ("*.py", "*.html", "*.css", "*.js", "*.tsv", "*.toml", "executed.json")
    files = [path for kind in kinds for path in sorted((root / "book").rglob(kind))]
    parts = [path.read_bytes() for path in [*files, source / "index.ipynb"]]
    for path in sorted(source.rglob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        title = "".join(cells[0]["source"]).partition("\n")[0] if cells else ""
        parts.append(f"{path.relative_to(source)} {title}".encode())
    parts += [f"{name} {metadata.version(name)}".encode() for name in NEEDED.values()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def spare_imports() -> None:
    """Keep out what myst-nb imports to run notebooks and read web addresses.

    That is half of the time that one lesson takes, and here neither is done.
    """
    sys.modules.setdefault("rfc3987_syntax", None)
    for name in ("cache", "direct", "inline"):
        client = SimpleNamespace(**{f"NotebookClient{name.title()}": None})
        sys.modules.setdefault(f"myst_nb.core.execute.{name}", client)


def build_edition(root: Path, tag: str, source: Path, work: Path) -> None:
    """Run Sphinx for one language; its pages are then in work/html.

    Does nothing if nothing changed since the last build there. Starts afresh unless
    that succeeded with the same settings: Sphinx reports a page's warnings only when
    it reads the page.
    """
    stamp, want, conf = work / "complete", fingerprint(root, source), root / "book"
    kept = stamp.read_text().splitlines() if stamp.exists() else ["", ""]
    files = sorted([*source.rglob("*.ipynb"), *(root / "img").glob("*")])
    files = [path.read_bytes() for path in files if path.is_file()]
    state = hashlib.sha256(b"\0".join(files)).hexdigest()
    if kept == [want, state]:
        return
    spare_imports()
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.console import nocolor
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    if kept[0] != want:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    nocolor()
    folders = source, conf, work / "html", work / "doctrees"
    options = {"status": None, "warning": NamedCells(), "tags": [tag]}
    options["warningiserror"] = True
    try:
        with patch_docutils(str(conf)), docutils_namespace():
            app = Sphinx(*folders, "html", **options)
            app.build()
    except SphinxError as error:
        raise BuildError(f"{tag}: {error}") from error
    if app.statuscode:
        raise BuildError(
            f"The book ({tag}) was not built: mend what is listed above. "
            "An older _build/html, if there is one, is as it was."
        )
    stamp.write_text(f"{want}\n{state}")


def write_zip(root: Path, target: Path) -> None:
    """Write what one needs to run the lessons; the same files give the same bytes."""
    found = {path for pattern in ZIPPED for path in root.glob(pattern)}
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(found):
            name = path.relative_to(root)
            if path.is_file() and not re.search(r"(^|/)(\.|__)\w+/", name.as_posix()):
                info = zipfile.ZipInfo(f"{target.stem}/{name.as_posix()}")
                info.external_attr = 0o644 << 16  # and 1980, the zip's own default
                archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def publish(root: Path, works: dict[str, Path], target: Path) -> None:
    """Put the finished editions and the front door together, then swap them in.

    With a PDF that was printed since the pages last changed, if there is one.
    """
    new, old = target.with_name("html.new"), target.with_name("html.old")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    for tag, work in works.items():
        unwanted = (".buildinfo", "objects.inv", "mystnb.*", "pygments.css")
        unwanted = shutil.ignore_patterns(*unwanted, "translations.js")
        shutil.copytree(work / "html", new / tag, ignore=unwanted)
        pdf = root / "_build" / "pdf" / f"{NAME}.{tag}.pdf"
        made = (work / "complete").stat().st_mtime
        if linked := pdf.exists() and pdf.stat().st_mtime > made:
            shutil.copy(pdf, new)
        pages = ""
        for path in (new / tag).rglob("*.html"):
            page = path.read_text("utf-8")
            page = re.sub(r"<!-- /?pdf -->" if linked else PDF, "", page)
            path.write_text(page, "utf-8")
            pages += page
        shown = set(re.findall(r'_images/([^"]+)"', pages))
        for picture in (new / tag / "_images").glob("*"):
            if picture.name not in shown:  # left from an earlier build
                picture.unlink()
    door = (root / "book" / "root.html").read_text("utf-8")
    if "zh" not in works:
        door = re.sub(r"(<!--|/\*) zh .*? /zh (-->|\*/)", "", door)
    (new / "index.html").write_text(door, "utf-8")
    shutil.copy(root / "book" / "404.html", new)
    write_zip(root, new / f"{NAME}.zip")
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def main() -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    build = ROOT / "_build"
    try:
        check_tools()
        sources = editions(ROOT / "chapter_deep-learning-computation")
        works = {tag: build / "book" / tag for tag in sources}
        print(f"Building the book ({', '.join(sources)}) ...", flush=True)
        with ProcessPoolExecutor(len(sources)) as pool:
            runs = [
                pool.submit(build_edition, ROOT, tag, source, works[tag])
                for tag, source in sources.items()
            ]
        for run in runs:
            run.result()
        publish(ROOT, works, build / "html")
    except BuildError as error:
        print(f"make html: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("make html: interrupted; _build/html is as it was.", file=sys.stderr)
        return 130
    print(f"The book is ready. Open {os.path.relpath(build / 'html' / 'index.html')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
