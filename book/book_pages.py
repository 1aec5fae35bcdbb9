"""Sphinx extension: what the book adds to the pages that nbsphinx makes.

Cells get their ids as anchors, figures the alternative text of their cell, and
captions, notes and errors a class of their own; pages get a link to the other
language, and the opening page says where to begin. Whatever a reader would miss (a
figure without text, a bare dollar sign) is a warning with page and cell, and the
build makes warnings errors. Reads the notebooks, never writes one.
"""

import csv
import re
import shutil
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.addnodes import toctree
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

# Parts of the theme and of nbsphinx that no page of this book loads.
UNUSED = (
    "**/*.map",
    "**/*macros.html",
    "scripts/fontawesome*",
    "vendor",
    "locales",
    "images",
    "nbsphinx-*",
    "file.png",
    "plus.png",
    "searchtools.js",
    "language_data.js",
    "*stemmer.js",
    "sphinx_highlight.js",
    "doctools.js",
    "translations.js",
    "minus.png",
)
ICON_FONT = r'@font-face{[^}]*}|(?:\.fa-[a-z0-9-]+,?)+{--fa:"[^"]*"}'
NOT_PROSE = (nodes.literal, nodes.FixedTextElement, nodes.raw, nodes.math)
LEFTOVER = re.compile(
    r"\$|`_|:rich-link:|:[\w-]+:`|\|\w{32}\|"
)  # formulas, links, roles, images
HAN = re.compile("[\u3400-\u9fff]")
CLOSING = re.compile(r"[,.;:!?)\]”，。、；：！？）》]+")
LONG = 20  # characters of code that may have to be broken, on a phone
BREAKS = re.compile(r"(?<=[.,(=])(?=\w{2})")
logger = logging.getLogger(__name__)


def read_cells(env: BuildEnvironment, page: str, kind: str) -> list:
    """Return the page's cells of one kind, ``"code"`` or ``"markdown"``."""
    notebook = nbformat.read(env.doc2path(page), as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def find_cell(env: BuildEnvironment, page: str, text: str) -> str:
    """Name the Markdown cell that holds a text, for a message."""
    for cell in read_cells(env, page, "markdown"):
        if "".join(text.split()) in "".join(cell.source.split()):
            return f"cell {cell.id}: "
    return ""


def is_cell(node: nodes.Node, kind: str) -> bool:
    """Say whether a node is the input (``nbinput``) or an output of a code cell."""
    return isinstance(node, nodes.container) and kind in node["classes"]


def dress_cells(app: Sphinx, doctree: nodes.document) -> None:
    """Match the page's code cells with the notebook's, in order, and mark them."""
    page = app.env.current_document.docname
    cells = read_cells(app.env, page, "code")
    blocks = [n for n in doctree.findall(nodes.container) if is_cell(n, "nbinput")]
    if len(cells) != len(blocks):
        message = "%d code cells make %d blocks in the page: is one empty?"
        logger.warning(message, len(cells), len(blocks), location=page)
        return
    for node in list(doctree.findall(nodes.Element)):
        if "prompt" in node.get("classes", []):  # a book does not count its cells
            node.parent.remove(node)
    for cell, block in zip(cells, blocks, strict=True):
        block["ids"] = [f"cell-{cell.id}"]
        output = None
        for output in outputs_of(block):
            for image in output.findall(nodes.image):
                image["alt"] = cell.metadata.get("alt", "")
                if not image["alt"]:
                    message = "cell %s: its figure has no alternative text; say what "
                    message += 'it shows in the cell\'s metadata, under "alt"'
                    logger.warning(message, cell.id, location=page)
        if output is not None and cell.outputs[-1].output_type == "error":
            output["classes"].append("traceback")
        if "predict" in cell.metadata.get("tags", []):
            cover(block, app.config.html_context["words"]["covered"])
    doctree["nbsphinx_code_css"] = False  # book.css has all of it


def outputs_of(block: nodes.Element) -> list[nodes.Element]:
    """Return the output blocks that belong to a code cell's input."""
    outputs = []
    for node in block.parent[block.parent.index(block) + 1 :]:
        if is_cell(node, "nbinput") or isinstance(node, nodes.section):
            break
        if is_cell(node, "nboutput"):
            outputs.append(node)
    return outputs


def cover(block: nodes.Element, words: str) -> None:
    """Fold away what a cell gives, and what is said of it, until the reader asks.

    What is said of it reaches to the next code cell or heading. The fold is HTML's
    own, so it works without JavaScript, and prints open.
    """
    place, siblings = block.parent.index(block) + 1, block.parent.children
    end = next(
        (
            n
            for n in range(place, len(siblings))
            if is_cell(siblings[n], "nbinput") or isinstance(siblings[n], nodes.section)
        ),
        len(siblings),
    )
    opening = f'<details class="covered"><summary>{words}</summary>'
    block.parent.insert(end, nodes.raw("", "</details>", format="html"))
    block.parent.insert(place, nodes.raw("", opening, format="html"))


def follows_figure(node: nodes.Element) -> bool:
    """Say whether the block before this one shows an image."""
    before = node.parent[: node.parent.index(node)]
    shown = [block for block in before if not isinstance(block, nodes.Invisible)]
    return bool(shown) and any(shown[-1].findall(nodes.image))


def emphasised(paragraph: nodes.paragraph) -> bool:
    """Say whether a paragraph is all emphasis, but for formulas and code in it."""
    kinds = {type(child) for child in paragraph if child.astext().strip()}
    return nodes.emphasis in kinds and kinds <= {
        *(nodes.emphasis, nodes.math, nodes.literal),
    }


def dress_prose(app: Sphinx, doctree: nodes.document) -> None:
    """Mark notes and captions; report leftover markup and images without text."""
    page = app.env.current_document.docname
    for quote in doctree.findall(nodes.block_quote):
        first = next(quote.findall(nodes.Text), None)
        if first is not None and isinstance(first.parent, nodes.strong):
            quote["classes"].append("note")
    for paragraph in doctree.findall(nodes.paragraph):
        if emphasised(paragraph) and follows_figure(paragraph):
            paragraph["classes"].append("figure-caption")
    for text in doctree.findall(nodes.Text):
        if LEFTOVER.search(text) and not isinstance(text.parent, NOT_PROSE):
            cell = find_cell(app.env, page, text)
            message = "%sthe reader would see this markup as it stands: %s"
            logger.warning(message, cell, text, location=page)
    for image in doctree.findall(nodes.image):
        if re.fullmatch(r"(image\d+)?", image.get("alt", "")):  # pandoc's name for none
            message = "the image %s has no alternative text"
            logger.warning(message, image["uri"], location=page)
    if page.startswith("solutions/"):  # reached from its lesson, not from the contents
        app.env.metadata[page]["orphan"] = True
        for section in doctree.findall(nodes.section):
            section["classes"].append("solution")


def dress_type(app: Sphinx, doctree: nodes.document) -> None:
    """Mark emphasised Chinese (dotted, not slanted); keep a comma by its formula.

    Long code in a line of prose may be broken after a dot, a comma, "(" and "=".
    """
    for emphasis in doctree.findall(nodes.emphasis):
        if HAN.search(emphasis.astext()):
            emphasis["classes"].append("han")
    for code in list(doctree.findall(nodes.literal)):
        if len(code.astext()) > LONG and not isinstance(code.parent, nodes.title):
            parts = [nodes.Text(part) for part in BREAKS.split(code.astext())]
            wbr = nodes.raw("", "<wbr>", format="html")
            code.children = []
            for part in parts:
                code += [wbr.deepcopy(), part] if code.children else [part]
    for formula in list(doctree.findall(nodes.math)):
        place, siblings = formula.parent.index(formula), formula.parent.children
        following = siblings[place + 1] if place + 1 < len(siblings) else None
        text = following.astext() if isinstance(following, nodes.Text) else ""
        if mark := CLOSING.match(text):
            formula.parent.replace(following, nodes.Text(text[mark.end() :]))
            kept = nodes.inline("", "", formula.deepcopy(), nodes.Text(mark[0]))
            kept["classes"].append("kept")
            formula.replace_self(kept)


def keep_old_ids(app: Sphinx, doctree: nodes.document) -> None:
    """Let links to headings of earlier editions lead to what took their place.

    book/moved.tsv has a row for each: page, old anchor, heading that has it now.
    """
    page = "zh/" * app.tags.has("zh") + app.env.current_document.docname
    titles = {
        section[0].astext(): section for section in doctree.findall(nodes.section)
    }
    with open(Path(app.confdir, "moved.tsv"), encoding="utf-8") as rows:
        for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE):
            where, old, heading = row.values()
            if where != page:
                continue
            if heading in titles:
                titles[heading]["ids"].append(old)
            else:
                message = "moved.tsv: there is no heading “%s” for the old anchor %s"
                logger.warning(message, heading, old, location=page)


def greet(app: Sphinx, doctree: nodes.document) -> None:
    """Put on the opening page, under its first paragraph, what one can do here."""
    if app.env.current_document.docname != app.config.root_doc:
        return
    words = app.config.html_context["words"]
    paragraphs = doctree.findall(nodes.paragraph)
    lead = next((p for p in paragraphs if isinstance(p.parent, nodes.section)), None)
    first = next((e for t in doctree.findall(toctree) for _, e in t["entries"]), None)
    if lead is None or first is None:
        return
    lead["classes"].append("lead")
    twin = twin_of(app, app.config.root_doc)
    links = f'<a class="start-button" href="{first}.html">{words["start"]}</a>'
    if twin:
        tag, url = twin
        links += f'<a href="{url}" hreflang="{tag}" lang="{tag}">{words["other"]}</a>'
    html = f'<div class="start"><p>{words["facts"]}</p><p>{links}</p></div>'
    lead.parent.insert(lead.parent.index(lead) + 1, nodes.raw("", html, format="html"))


def twin_of(app: Sphinx, page: str) -> tuple[str, str] | None:
    """Return the other language and where it has the same page, if it has."""
    here, source = app.tags.has("zh"), Path(app.srcdir)
    other, folder = ("en", source.parent) if here else ("zh", source / "zh")
    if not (folder / f"{page}.ipynb").exists():
        return None
    return other, f"{'../' * (page.count('/') + 1)}{other}/{page}.html"


def add_context(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict,
    doctree: nodes.document | None,
) -> None:
    """Give the templates the page's twin in the other language."""
    if doctree is None:
        return
    context["has_code"] = any(is_cell(n, "nbinput") for n in doctree.findall())
    if twin := twin_of(app, pagename):
        context["other_language"], context["other_url"] = twin


def drop_unused(app: Sphinx, exception: Exception | None) -> None:
    """Take out of the site what no page loads."""
    static = Path(app.outdir, "_static")
    for pattern in UNUSED:
        for path in static.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    sheet.write_text(re.sub(ICON_FONT, "", sheet.read_text("utf-8")), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the functions above to the build."""
    app.connect("doctree-read", dress_cells)
    app.connect("doctree-read", dress_prose)
    app.connect("doctree-read", dress_type)
    app.connect("doctree-read", keep_old_ids)
    app.connect("doctree-read", greet)
    app.connect("html-page-context", add_context)
    app.connect("build-finished", drop_unused)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
