"""Sphinx extension: from what myst-nb makes of a notebook to a page of this book.

A page passes the functions in STEPS, one after the other. Each takes a `Page`, finds
what it wants, by cell id or by kind of node, and changes the document in place; to add
something to the pages, write such a function and put it into the list. Whatever a
reader would miss (a bare dollar sign, a prediction without an answer) is a warning with
page, cell and line, and the build makes warnings errors. Reads notebooks, writes none.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import notes
from docutils import nodes
from nbformat import v4
from pages import Tag, made_by, rows
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

LINES = 10000  # myst-nb counts a notebook's lines so: ten thousand for each cell
NOT_PROSE = (nodes.literal, nodes.FixedTextElement, nodes.raw, nodes.math)
INLINE = (nodes.Text, nodes.emphasis, nodes.math, nodes.literal)
HAN = re.compile("[\u3400-\u9fff]")
CLOSING = re.compile(r"[,.;:!?)\]”，。、；：！？）》]+")
logger = logging.getLogger(__name__)


@dataclass
class Page:
    """A page that is being made: its document, and the notebook it comes from."""

    env: BuildEnvironment
    name: str
    document: nodes.document
    cells: list[dict]
    words: dict[str, str]
    chinese: bool
    figures: int = field(default=0)

    def cell(self, node: nodes.Node) -> dict:
        """Return the cell that a node comes from."""
        while not node.line and node.parent is not None:
            node = node.parent
        return self.cells[max((node.line or 0) // LINES - 1, 0)]

    def blocks(self, cell_id: str) -> list[nodes.Element]:
        """Return the blocks that a cell became, in order, with their titles.

        There is none if the page has no such cell.
        """
        return [
            node
            for node in self.document.findall(nodes.Element)
            if isinstance(node.parent, (nodes.section, nodes.document))
            and not isinstance(node, nodes.section)
            and self.cell(node)["id"] == cell_id
        ]

    def code_cells(self) -> Iterator[tuple[int, dict, nodes.container]]:
        """Give the number, the cell and the block of each code cell."""
        found = [n for n in self.document.findall(nodes.container) if is_code(n)]
        for number, block in enumerate(found, 1):
            yield number, self.cells[block["cell_index"]], block

    def warn(self, node: nodes.Node, message: str, *values: object) -> None:
        """Report what a reader would miss; it fails the build."""
        while not node.line and node.parent is not None:
            node = node.parent
        logger.warning(message, *values, location=node)


def read_cells(path: str | Path) -> list[dict]:
    """Return the cells of a notebook."""
    return v4.reads(Path(path).read_text("utf-8")).cells


def is_code(node: nodes.Node) -> bool:
    """Say whether a node is a whole code cell."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def after(node: nodes.Element) -> list[nodes.Node]:
    """Return what follows a block, up to the next heading."""
    rest = node.parent.children[node.parent.index(node) + 1 :]
    ends = [k for k, block in enumerate(rest) if isinstance(block, nodes.section)]
    return rest[: ends[0]] if ends else rest


def jupyterlab_slug(title: str) -> str:
    """Return the anchor that JupyterLab gives a heading."""
    return title.replace(" ", "-")


# ---- ids ----


def name_headings(page: Page) -> None:
    """Name sections by the cell they stand in, the same in every language.

    The second heading of the cell `access` is `access-2`. The anchors of JupyterLab
    stay as further ids, and so do those of earlier editions: book/moved.tsv has a row
    for each, with the heading that took its place.
    """
    slugs, seen, titles = page.document.myst_slugs, Counter(), {}
    for section in page.document.findall(nodes.section):
        cell, old = page.cell(section[0])["id"], section["ids"][0]
        seen[cell] += 1
        name = cell if seen[cell] == 1 else f"{cell}-{seen[cell]}"
        section["ids"] = [name, *section["ids"][1:]]
        page.document.ids[name] = section
        titles[section[0].astext()] = section
        for slug, (line, target, title) in slugs.items():
            if target == old:
                slugs[slug] = (line, name, title)
    where = "zh/" * page.chinese + page.name
    for old, heading in [row[1:] for row in rows("moved.tsv") if row[0] == where]:
        if heading in titles:
            titles[heading]["ids"].append(old)
        else:
            message = "moved.tsv: there is no heading “%s” for the old anchor %s"
            page.warn(page.document[0], message, heading, old)


def name_cells(page: Page) -> None:
    """Give each cell's first block the cell's id as an anchor, and mark code cells."""
    for cell in page.cells:
        if blocks := page.blocks(cell["id"]):
            first = blocks[0]
            if isinstance(first, nodes.title):
                first = first.parent
            first["ids"].append(f"cell-{cell['id']}")
    for number, cell, block in page.code_cells():
        label = page.words["cell"].format(number)
        link = f'<a class="anchor" href="#cell-{cell["id"]}" aria-label="{label}">'
        link = nodes.raw("", f"{link}{number}</a>", format="html")
        for part, word in list(zip(block, ("input", "output"), strict=False)):
            label = page.words[word].format(number)
            named = {"role": "group", "aria-label": label}
            kind = "in" if word == "input" else "out"
            box = Tag("div", classes=[kind], attributes=named)
            box += [link] * (kind == "in") + part.children
            part.replace_self(box)
        block["classes"] = ["cell"]


def name_exercises(page: Page) -> None:
    """Let exercise and solution lead to each other, item by item."""
    blocks = page.blocks("exercises")
    items = next((b for b in blocks if isinstance(b, nodes.enumerated_list)), ())
    for number, item in enumerate(items, 1):
        name = f"exercise-{number}"
        item["ids"].append(name)
        page.document.myst_slugs[name] = (None, name, "")
    if page.name.startswith("solutions/"):  # reached from its lesson, if not elsewhere
        page.env.metadata[page.name]["orphan"] = True
        for link in page.document.findall(addnodes.pending_xref):
            cell = page.cell(link)["id"]
            if cell.startswith("exercise-") and link.get("reftargetid"):
                link["reftargetid"] = cell


# ---- figures ----


def make_figures(page: Page) -> None:
    """Number the figures; give them text, size and the caption that follows them.

    A drawing goes into the page itself, where its parts can move.
    """
    for image in list(page.document.findall(nodes.image)):
        bundle = image.parent.parent if "mime_type" in image.parent else None
        if bundle is not None:
            image["alt"] = page.cell(image)["metadata"].get("alt", "")
        shown = bundle if bundle is not None else image.parent
        page.figures += 1
        inline = bundle is None and draw(page, image)
        if inline:
            page.env.metadata[page.name].setdefault("drawing", inline["source"])
        block = shown
        while not isinstance(block.parent, (nodes.section, nodes.document)):
            block = block.parent
        text = next(iter(after(block)), None)
        figure = Tag("figure", ids=[f"figure-{page.figures}"])
        shown.replace_self(figure)
        figure += shown if bundle is not None else inline or image
        title = page.words["figure"].format(page.figures)
        caption = nodes.paragraph("", "", nodes.strong("", title), nodes.Text(" "))
        if text is not None and is_caption(text):
            text.parent.remove(text)
            caption["ids"] += text["ids"]
            for part in text:
                caption += part.children if isinstance(part, nodes.emphasis) else part
        elif isinstance(inline, nodes.raw):
            caption += nodes.Text(inline["title"])
        figure += Tag("figcaption", "", caption)


def is_caption(node: nodes.Node) -> bool:
    """Say whether a block is a paragraph in emphasis, but for formulas and code."""
    return (
        isinstance(node, nodes.paragraph)
        and all(isinstance(child, INLINE) for child in node)
        and any(isinstance(child, nodes.emphasis) for child in node)
        and not any(isinstance(c, nodes.Text) and c.strip(" .。") for c in node)
    )


def draw(page: Page, image: nodes.image) -> nodes.raw | None:
    """Return a drawing, to stand in the page; of another picture nothing."""
    path = (Path(page.env.doc2path(page.name)).parent / image["uri"]).resolve()
    if path.suffix != ".svg" or not path.is_file():
        return None  # Sphinx says what is missing
    page.env.note_dependency(path)
    svg = path.read_text("utf-8")
    title = re.search("<title[^>]*>(.*?)</title>|$", svg)[1] or ""
    svg = re.sub(r"<(title|desc)\b.*?</\1>", "", svg, flags=re.S)
    svg = re.sub(r">\s+<", "><", svg[svg.index("<svg") :])
    svg = re.sub(r' (?:aria-labelledby|role)="[^"]*"', "", svg)
    svg = re.sub(r'\bid="|url\(#', rf"\g<0>f{page.figures}-", svg)
    alt = escape(image.get("alt", ""))
    svg = svg.replace("<svg", f'<svg class="drawing" role="img" aria-label="{alt}"', 1)
    return nodes.raw("", svg, format="html", title=title, source=str(path))


# ---- predictions ----


def cover_predictions(page: Page) -> None:
    """Cover what a cell gives, and what is said of it, until the reader asks.

    What is said of it reaches to the next code cell or heading. The cover is HTML's
    own, so it works without JavaScript, and prints open.
    """
    for _, cell, block in page.code_cells():
        if "predict" not in cell["metadata"].get("tags", []) or len(block) < 2:
            continue
        box = Tag("details", "", attributes={"class": "covered"})
        words = f"<summary>{page.words['covered']}</summary>"
        box += nodes.raw("", words, format="html")
        told = after(block)
        ends = [k for k, node in enumerate(told) if is_code(node)]
        for node in [*block[1:], *(told[: ends[0]] if ends else told)]:
            node.parent.remove(node)
            box += node
        if asked := cell["metadata"].get("predict"):
            block += nodes.raw("", question(page, block, cell, asked), format="html")
        block += box


def question(page: Page, block: nodes.Element, cell: dict, asked: dict) -> str:
    """Return the control by which a reader commits to an answer.

    The answer is what `find` matches in the stored output.
    """
    text = "\n".join(map(printed, cell["outputs"]))
    match = re.search(asked["find"], text, re.MULTILINE)
    if not match:
        message = "its prediction finds nothing in the stored output: %s"
        page.warn(block, message, asked["find"])
        return ""
    words, choices = page.words, asked.get("choices", [])
    answer = match[0] if choices else match[1]
    data = f'data-answer="{escape(answer)}"'
    options = "".join(f'<button type="button">{escape(c)}</button>' for c in choices)
    if not choices:
        data += f' data-within="{asked["within"]}"'
        options = f'<input inputmode="decimal" aria-label="{words["number"]}" size="8">'
        options += f'<button type="button">{words["check"]}</button>'
    legend = f"<legend>{words['predict']}</legend>"
    status = '<p role="status"></p>'
    return f'<fieldset class="predict" {data}>{legend}{options}{status}</fieldset>'


def printed(output: dict) -> str:
    """Return the text of an output that a reader sees."""
    if output["output_type"] == "stream":
        return output["text"]
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    data = output["data"].items()
    return "\n".join(text for key, text in data if key.startswith("text/"))


# ---- prose ----


def check_prose(page: Page) -> None:
    """Report leftover markup and a fold that is not closed."""
    for text in page.document.findall(nodes.Text):
        if "$" in text and not isinstance(text.parent, NOT_PROSE):
            message = "the reader would see this markup as it stands: %s"
            page.warn(text.parent, message, text)
    for cell in page.cells:
        if cell["cell_type"] == "markdown":
            source = cell["source"]
            if source.count("<details") != source.count("</details>"):
                page.warn(page.blocks(cell["id"])[0], "<details> is not closed")


def set_type(page: Page) -> None:
    """Mark emphasised Chinese (dotted, not slanted); keep a comma by its formula."""
    for emphasis in page.document.findall(nodes.emphasis):
        if HAN.search(emphasis.astext()):
            emphasis["classes"].append("han")
    for formula in list(page.document.findall(nodes.math)):
        place, siblings = formula.parent.index(formula), formula.parent.children
        following = siblings[place + 1] if place + 1 < len(siblings) else None
        text = following.astext() if isinstance(following, nodes.Text) else ""
        if mark := CLOSING.match(text):
            formula.parent.replace(following, nodes.Text(text[mark.end() :]))
            kept = nodes.inline("", "", formula.deepcopy(), nodes.Text(mark[0]))
            kept["classes"].append("kept")
            formula.replace_self(kept)


def annotate(page: Page) -> None:
    """Say what names, sources and terms mean; the opening page has the whole table."""
    notes.link_names(page.document)
    notes.note_sources(page.document)
    if page.name != page.env.config.root_doc:
        notes.note_terms(page.document, page.chinese)


# ---- the opening page ----


def make_cards(page: Page) -> None:
    """Make a card of each row of the table in the cell `lessons`.

    Its columns are a drawing, a link, a question, minutes, and what to read first;
    the heads of the last two become words on the card.
    """
    if page.name != page.env.config.root_doc:
        return
    for table in [b for b in page.blocks("lessons") if isinstance(b, nodes.table)]:
        (head,), (body,) = table.findall(nodes.thead), table.findall(nodes.tbody)
        *_, minutes, first = (entry.astext() for entry in head[0])
        cards = Tag("ul", classes=["cards"])
        for row in body:
            drawing, link, asked, time, needs = (entry[0] for entry in row)
            card = Tag("li")
            card += draw(page, next(iter(drawing.findall(nodes.image)))) or drawing
            told = f"{time.astext()} {minutes} · {first}{page.words['colon']}"
            more = nodes.paragraph("", told + needs.astext(), classes=["more"])
            card += [link, asked, more]
            cards += card
        table.replace_self(cards)


def list_pages(page: Page) -> None:
    """Make the book's contents of the lists of the cells called contents….

    The side bar shows a title as far as its colon, if that tells it from the others.
    """
    if page.name != page.env.config.root_doc:
        return
    for cell in page.cells:
        blocks = page.blocks(cell["id"])
        if not cell["id"].startswith("contents") or not blocks:
            continue
        heading = blocks[0].parent
        links = [n for b in blocks for n in b.findall(addnodes.pending_xref)]
        starts = [re.split("[:：]", link.astext())[0] for link in links]
        entries = []
        for start, link in zip(starts, links, strict=True):
            title, known = link.astext(), [title for title, _ in entries]
            if start == heading[0].astext():  # "Solutions: parameters"
                start = title[len(start) + 1 :].strip()
                start = start[0].upper() + start[1:]
            entries.append((title if start in known else start, link["reftarget"]))
        files = [target for _, target in entries]
        caption = heading[0].astext()
        tree = addnodes.toctree(entries=entries, includefiles=files, caption=caption)
        more = {"parent": page.name, "rawcaption": caption, "maxdepth": 1, "glob": 0}
        more |= {"hidden": 1, "includehidden": 0, "numbered": 0, "titlesonly": 1}
        tree.attributes.update(more)
        page.document += tree  # the cards lead to the lessons, the side bar to all
        heading.parent.remove(heading)


def greet(page: Page) -> None:
    """Put on the opening page, under its first paragraph, what one can do here."""
    blocks = page.blocks("title")
    lead = next((b for b in blocks if isinstance(b, nodes.paragraph)), None)
    trees = page.document.findall(addnodes.toctree)
    first = next((entry for tree in trees for entry in tree["entries"]), None)
    if lead is None or first is None:
        return
    lead["classes"].append("lead")
    html = f"""<div class="start"><p class="seal">{seal(page)}</p>
<p><a class="button" href="{first[1]}.html">{page.words["start"]}</a></p>
<p class="continue"></p></div>"""
    lead.parent.insert(lead.parent.index(lead) + 1, nodes.raw("", html, format="html"))


def seal(page: Page) -> str:
    """Return how many outputs were checked, when, and with what."""
    made = sorted(made_by(page.env.app).values(), key=lambda m: m["date"])
    folder = Path(page.env.srcdir)
    paths = {*folder.glob("*.ipynb"), *folder.glob("solutions/*.ipynb")}
    cells = [cell for path in paths for cell in read_cells(path)]
    count = sum(len(cell.get("outputs", [])) for cell in cells)
    return page.words["seal"].format(count, **made[-1]) if made else ""


STEPS: list[Callable[[Page], None]] = [
    *(name_headings, name_cells, name_exercises, make_cards, make_figures),
    *(cover_predictions, check_prose, set_type, annotate, list_pages, greet),
]


class Dress(SphinxTransform):
    """Take a page through the steps, before Sphinx collects titles and links."""

    default_priority = 710  # myst-parser names headings at 700, resolves them at 879

    def apply(self, **kwargs: object) -> None:
        """Read the page's notebook, and take each step."""
        name = self.env.current_document.docname
        words = self.config.html_context["words"]
        cells = read_cells(self.env.doc2path(name))
        chinese = self.config.language.startswith("zh")
        page = Page(self.env, name, self.document, cells, words, chinese)
        for step in STEPS:
            step(page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform."""
    app.add_transform(Dress)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
