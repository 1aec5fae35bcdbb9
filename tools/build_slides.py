"""Make slides of the lessons into _build/slides, to be shown offline (`make slides`).

Which cell starts a slide, is revealed later, is for the speaker or left out stands in
the English notebook, under `slideshow.slide_type`; the Chinese slides follow it, cell
by cell id. Slides begin at headings, and what goes on has the headings it is of. A
prediction's code is shown with its question, its output when the speaker goes on.
nbconvert makes the pages, with reveal.js (from the package sphinx-revealjs)
beside them. Executes nothing and changes no notebook.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).absolute().parent.parent
sys.path.append(str(ROOT / "book"))
CHAPTER = ROOT / "chapter_deep-learning-computation"
NEEDED = {
    "nbconvert": "nbconvert",
    "myst_nb": "myst-nb",
    "sphinx_revealjs": "sphinx-revealjs",
    "ziamath": "ziamath",
}
STARTS = {"slide", "subslide"}
TYPES = {*STARTS, "fragment", "skip", "notes", "-"}
PARTS = ("LICENSE", "dist/reset.css", "dist/reveal.css", "dist/reveal.js")
PARTS += ("plugin/notes/notes.js",)
HEADING = re.compile(r"^(#{1,3}) +(.+)$", re.MULTILINE)
PASSAGE = re.compile(r"(?m)(?:^#{1,3} .*\n*)*(?:^(?!#{1,3} ).*\n*)*")


def slide_types(path: Path) -> dict[str, str]:
    """Return the slide type of each cell that has one, by cell id.

    Raises `ValueError` if a cell has a type that nbconvert does not know.
    """
    import nbformat

    types = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if kind := cell.metadata.get("slideshow", {}).get("slide_type"):
            if kind not in TYPES:
                known = ", ".join(sorted(TYPES))
                raise ValueError(
                    f"{path.name}, cell {cell.id}: slide_type is {kind!r}; "
                    f"it can be one of {known}."
                )
            types[cell.id] = kind
    return types


@cache
def reader():
    """Return what reads the Markdown of a cell, its formulas as the book has them."""
    from markdown_it import MarkdownIt
    from mathml import to_mathml
    from mdit_py_plugins.amsmath import amsmath_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    def formula(latex: str, options: dict) -> str:
        return to_mathml(latex, options["display_mode"])

    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    markdown.use(dollarmath_plugin, renderer=formula)
    return markdown.use(amsmath_plugin, renderer=lambda latex: to_mathml(latex, True))


def to_html(source: str) -> str:
    """Return Markdown as HTML, its images beside the page."""
    html = reader().render(source)
    for folder in ("../../img/", "../img/"):
        html = html.replace(f'src="{folder}', 'src="img/')
    return html


def part(cell, kind: str) -> Iterator[tuple]:
    """Yield the passages of a cell that starts a slide, each with its slide type.

    Text before a heading speaks of the slide before, and is for the speaker, or has a
    slide of its own if it holds a formula.
    """
    texts = [cell.source]
    if cell.cell_type == "markdown" and kind in STARTS:
        texts = [text for text in PASSAGE.findall(cell.source) if text]
    for k, text in enumerate(texts, 1):
        spoken = len(texts) > 1 and not text.startswith("#") and "$$" not in text
        passage = deepcopy(cell)
        passage.id += f"-{k}"
        passage.source = text
        yield passage, "notes" if spoken else kind


def arrange(cells: list, types: dict[str, str]) -> list:
    """Return cells with their slide types, each slide under the headings it is of.

    The output of a prediction is revealed later, and so is what follows on its slide.
    """
    from nbformat.v4 import new_markdown_cell

    arranged, above, asked = [], {}, False
    parts = (pair for cell in cells for pair in part(cell, types.get(cell.id, "-")))
    for cell, kind in parts:
        prose = cell.cell_type == "markdown"
        headings = HEADING.findall(cell.source) if prose else []
        if kind in STARTS:
            asked = False
            own = headings[0][0] if headings else "####"
            names = [f"{level} {above[level]}" for level in above if "#" < level < own]
            if prose:
                cell.source = "\n\n".join([*names, cell.source])
            else:
                title = new_markdown_cell("\n\n".join(names))
                title.metadata["slideshow"] = {"slide_type": kind}
                arranged.append(title)
                kind = "-"
        if asked and kind == "-":
            kind = "fragment"
        cell.metadata["slideshow"] = {"slide_type": kind}
        cell.metadata["covered"] = "predict" in cell.metadata.get("tags", [])
        asked = asked or cell.metadata.covered
        arranged.append(cell)
        for level, text in headings:
            above = {k: v for k, v in above.items() if k < level} | {level: text}
    return arranged


def build(path: Path, types: dict[str, str], target: Path) -> int:
    """Write the slides of one notebook to a file; return how many slides it has.

    Of a cell that draws, only the output is shown: its code is in the lesson.
    """
    import nbformat
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    notebook = nbformat.read(path, as_version=4)
    title = HEADING.search(notebook.cells[0].source)[2]
    notebook.cells = arrange(notebook.cells, types)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = re.sub(r"\n{3,}", "\n\n", cell.source)
            cell.metadata["draws"] = any(
                "image/png" in o.get("data", {}) for o in cell.outputs
            )
    style = {"CSSHTMLHeaderPreprocessor": {"style": "vs"}}
    exporter = SlidesExporter(
        config=Config(style),
        template_name="slides",
        extra_template_basedirs=[str(ROOT / "book")],
        reveal_width="1120",
        reveal_height="700",
        language_code="zh" if path.parent.name == "zh" else "en",
    )
    exporter.register_filter("markdown2html", to_html)
    html, _ = exporter.from_notebook_node(notebook, {"title": title})
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(html, "utf-8")
    return sum(cell.metadata.slideshow.slide_type in STARTS for cell in notebook.cells)


def write_parts(folder: Path) -> None:
    """Put what the slides load into their folder: reveal.js, style, drawings, font."""
    import sphinx_revealjs
    from mathml import cut_font

    reveal = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"
    for part in PARTS:
        copy = folder / "reveal.js" / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(reveal / part, copy)
    shutil.copy(ROOT / "book" / "slides" / "slides.css", folder)
    shutil.copytree(ROOT / "img", folder / "img", dirs_exist_ok=True)
    cut_font(folder, folder / "math.woff", folder.with_suffix(".txt"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesson", nargs="?", default="", help="one lesson only")
    lesson = parser.parse_args().lesson
    if missing := [name for module, name in NEEDED.items() if not find_spec(module)]:
        sys.exit(f"make slides: not installed: {', '.join(missing)}. Run: make html")
    folders = set()
    for source in sorted(CHAPTER.glob(f"{lesson or '*'}.ipynb")):
        try:
            types = slide_types(source)
        except ValueError as error:
            sys.exit(f"make slides: {error}")
        for tag, path in {"en": source, "zh": CHAPTER / "zh" / source.name}.items():
            if types and path.exists():
                folders.add(folder := ROOT / "_build" / "slides" / tag)
                page = folder / f"{source.stem}.html"
                count = build(path, types, page)
                print(f"{count} slides: {page.relative_to(ROOT)}", flush=True)
    if not folders:
        what = f"{lesson}.ipynb" if lesson else "No lesson"
        sys.exit(f"make slides: {what}: no cell with a slideshow.slide_type was found.")
    for folder in folders:
        write_parts(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
