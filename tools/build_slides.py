"""Make slides of the lessons into _build/slides, to be shown offline (`make slides`).

Which cell starts a slide, is revealed later, is for the speaker or left out stands in
the English notebook, under `slideshow.slide_type`; the Chinese slides follow it, cell
by cell id. A cell that says what an output showed and then opens a new question is
parted at its heading, and a slide without a heading names the one it belongs to.
nbconvert makes the pages, with reveal.js (from the package sphinx-revealjs)
beside them. Executes nothing and changes no notebook.
"""

import argparse
import re
import shutil
import sys
from copy import deepcopy
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).absolute().parent.parent
CHAPTER = ROOT / "chapter_deep-learning-computation"
NEEDED = {
    "nbconvert": "nbconvert",
    "myst_nb": "myst-nb",
    "sphinx_revealjs": "sphinx-revealjs",
}
TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
PARTS = ("LICENSE", "dist/reset.css", "dist/reveal.css", "dist/reveal.js")
PARTS += ("plugin/notes/notes.js",)
HEADING = re.compile(r"^(#{1,3}) +(.+)$", re.MULTILINE)


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
    from mdit_py_plugins.amsmath import amsmath_plugin
    from mdit_py_plugins.container import container_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    sys.path.append(str(ROOT / "book"))
    from mathml import to_mathml

    def formula(latex: str, options: dict) -> str:
        return to_mathml(latex, options["display_mode"])

    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    markdown.use(dollarmath_plugin, renderer=formula)
    markdown.use(amsmath_plugin, renderer=lambda latex: to_mathml(latex, True))
    return markdown.use(container_plugin, name="running")


def to_html(source: str) -> str:
    """Return Markdown as HTML, its images beside the page."""
    html = reader().render(source)
    for folder in ("../../img/", "../img/"):
        html = html.replace(f'src="{folder}', 'src="img/')
    return html


def part(cells: list, types: dict[str, str]) -> list:
    """Return cells with their slide types, each heading at the top of its slide.

    What stands before the heading belongs to the slide before, and is revealed there;
    or to its speaker, if the output it speaks of is left out.
    """
    parted, shown = [], False
    for cell in cells:
        kind = types.get(cell.id, "-")
        heading = HEADING.search(cell.source) if cell.cell_type == "markdown" else None
        if kind in {"slide", "subslide"} and heading and heading.start() and parted:
            before = deepcopy(cell)
            before.id += "-before"
            before.source = cell.source[: heading.start()]
            place = "fragment" if shown else "notes"
            before.metadata["slideshow"] = {"slide_type": place}
            parted.append(before)
            cell.source = cell.source[heading.start() :]
        cell.metadata["slideshow"] = {"slide_type": kind}
        parted.append(cell)
        if cell.cell_type == "code":
            shown = kind != "skip"
    return parted


def name_slides(cells: list) -> list:
    """Put above each slide the headings it stands under, but for those it shows."""
    from nbformat.v4 import new_markdown_cell

    named, above = [], {}
    for cell in cells:
        prose = cell.cell_type == "markdown"
        headings = HEADING.findall(cell.source) if prose else []
        own = len(headings[0][0]) if headings and cell.source.startswith("#") else 4
        if cell.metadata["slideshow"]["slide_type"] in {"slide", "subslide"}:
            names = [text for level, text in sorted(above.items()) if 1 < level < own]
            if names:
                line = re.sub(r"^(\d+)\.", r"\1\.", " · ".join(names))  # no list
                source = f"::: running\n{line}\n:::\n\n"
                if prose:
                    cell.source = source + cell.source
                else:
                    title = new_markdown_cell(source, metadata=dict(cell.metadata))
                    cell.metadata["slideshow"] = {"slide_type": "-"}
                    named.append(title)
        named.append(cell)
        for marks, text in headings:
            above = {k: v for k, v in above.items() if k < len(marks)}
            above[len(marks)] = text
    return named


def build(path: Path, types: dict[str, str], target: Path) -> int:
    """Write the slides of one notebook to a file; return how many slides it has.

    Of a cell that draws, only the figure is shown: its code is in the lesson.
    """
    import nbformat
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    notebook = nbformat.read(path, as_version=4)
    title = next(line for line in notebook.cells[0].source.splitlines() if line)
    notebook.cells = name_slides(part(notebook.cells, types))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = re.sub(r"\n{3,}", "\n\n", cell.source)
        draws = any("image/png" in o.get("data", {}) for o in cell.get("outputs", []))
        if draws:
            cell.metadata["only_figure"] = True
            cell.outputs = [o for o in cell.outputs if "image/png" in o.get("data", {})]
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
    resources = {"title": title.lstrip("# ")}
    html, _ = exporter.from_notebook_node(notebook, resources)
    target.write_text(html, "utf-8")
    return sum(kind in {"slide", "subslide"} for kind in types.values())


def write_parts(folder: Path) -> None:
    """Put what the slides load into their folder: reveal.js, style, font, drawings."""
    import sphinx_revealjs

    reveal = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"
    for part in PARTS:
        copy = folder / "reveal.js" / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(reveal / part, copy)
    shutil.copy(ROOT / "book" / "slides" / "slides.css", folder)
    shutil.copytree(ROOT / "img", folder / "img", dirs_exist_ok=True)
    font = ROOT / "_build" / "html" / folder.name / "_static" / "math.woff"
    if font.exists():  # without it, formulas have the machine's own font
        shutil.copy(font, folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesson", nargs="?", default="", help="one lesson only")
    lesson = parser.parse_args().lesson
    if missing := [name for module, name in NEEDED.items() if not find_spec(module)]:
        sys.exit(f"make slides: not installed: {', '.join(missing)}. Run: make html")
    target, made = ROOT / "_build" / "slides", 0
    for source in sorted(CHAPTER.glob(f"{lesson or '*'}.ipynb")):
        try:
            types = slide_types(source)
        except ValueError as error:
            sys.exit(f"make slides: {error}")
        if not types:
            continue
        for tag, path in {"en": source, "zh": CHAPTER / "zh" / source.name}.items():
            if path.exists():
                folder = target / tag
                write_parts(folder)
                page = folder / f"{source.stem}.html"
                count = build(path, types, page)
                print(f"{count} slides: {page.relative_to(ROOT)}", flush=True)
                made += 1
    if not made:
        what = f"{lesson}.ipynb" if lesson else "No lesson"
        sys.exit(f"make slides: {what}: no cell with a slideshow.slide_type was found.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
