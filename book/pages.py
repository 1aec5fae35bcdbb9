"""Sphinx extension: how a page of the book is written as HTML, and what frames it."""

import csv
import json
import re
from html import escape
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Literal, Name, Number, Operator, String
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.writers.html5 import HTML5Translator

# The kinds of words in code that have a colour, and their class in book.css.
COLOURS = {Comment: "c", Keyword: "k", Operator.Word: "k", String: "s", Number: "m"}
COLOURS |= {Literal: "m", Name.Builtin: "b", Name.Function: "f", Name.Class: "f"}
COLOURS |= {Name.Decorator: "f"}
LONG = 20  # characters of code in a line of prose that may have to be broken
BREAKS = re.compile(r"(?<=[.,(=])(?=\w{2})")
HERE = Path(__file__).parent


def rows(name: str) -> list[list[str]]:
    """Return the rows of a table in this folder, without its head."""
    with open(HERE / name, encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


class Tag(nodes.General, nodes.TextElement):
    """Any HTML element: `Tag("figure", ids=["f"], attributes={"data-x": "y"})`."""

    def __init__(
        self, tag: str, rawsource: str = "", *children: nodes.Node, **options: object
    ) -> None:
        super().__init__(rawsource, "", *children, tag=tag, **options)


def visit_tag(translator: HTML5Translator, node: Tag) -> None:
    """Open the element."""
    attributes = node.get("attributes", {})
    translator.body.append(translator.starttag(node, node["tag"], "", **attributes))


def depart_tag(translator: HTML5Translator, node: Tag) -> None:
    """Close the element."""
    inline = node["tag"] in ("a", "span")  # after which a line end would be a space
    translator.body.append(f"</{node['tag']}>" + "\n" * (not inline))


def coloured(code: str) -> str:
    """Return Python as HTML, only what has a colour in an element of its own."""
    parts = []
    for kind, text in PythonLexer(stripnl=False, ensurenl=False).get_tokens(code):
        while kind and kind not in COLOURS:
            kind = kind.parent
        mark = COLOURS.get(kind)
        html = escape(text, quote=False)
        parts.append(f'<span class="{mark}">{html}</span>' if mark else html)
    return "".join(parts)


class Translator(HTML5Translator):
    """Writes the pages with as few elements as they need."""

    def visit_literal_block(self, node: nodes.literal_block) -> None:
        """Write code in colours, and anything else as it is."""
        text = node.astext().rstrip("\n")
        python = "in" in node.parent["classes"] or node.get("language") == "python"
        html = coloured(text) if python else escape(text, quote=False)
        failed = ' class="traceback"' * ("traceback" in node["classes"])
        self.body.append(f"<pre{failed}>{html}</pre>\n")
        raise nodes.SkipNode

    def visit_literal(self, node: nodes.literal) -> None:
        """Write code in a line, which may be broken after a dot, a comma, ( and =."""
        parts = [node.astext()]
        if len(parts[0]) > LONG and not isinstance(node.parent, nodes.title):
            parts = BREAKS.split(parts[0])
        text = "<wbr>".join(escape(part, quote=False) for part in parts)
        self.body.append(f"<code>{text}</code>")
        raise nodes.SkipNode

    def visit_image(self, node: nodes.image) -> None:
        """Write an image, its size known before it comes."""
        images, uri = self.builder.images, node["uri"]
        if uri in images:
            uri = f"{self.builder.imgpath}/{quote(images[uri])}"
        size = "".join(f' {k}="{node[k]}"' for k in ("width", "height") if k in node)
        alt = escape(node.get("alt", ""))
        self.body.append(f'<img src="{uri}" alt="{alt}"{size} loading="lazy">')

    def depart_image(self, node: nodes.image) -> None:
        """Write nothing more."""

    def visit_table(self, node: nodes.table) -> None:
        """Let a wide table scroll."""
        self.body.append('<div class="table"><table>')

    def depart_table(self, node: nodes.table) -> None:
        """Close the table."""
        self.body.append("</table></div>\n")

    def depart_colspec(self, node: nodes.colspec) -> None:
        """Leave the widths of columns to the browser."""

    def visit_entry(self, node: nodes.entry) -> None:
        """Open a cell of a table; one without text heads nothing."""
        head = isinstance(node.parent.parent, nodes.thead) and node.astext()
        tag = "th" if head else "td"
        self.body.append(f"<{tag}>")
        self.context.append(f"</{tag}>")


class Builder(StandaloneHTMLBuilder):
    """Sphinx's builder of HTML, without its own search."""

    search = False
    default_translator_class = Translator


def made_by(app: Sphinx) -> dict[str, dict[str, str]]:
    """Return what made the outputs of each page; refresh writes it."""
    path = Path(app.confdir, "executed.json")
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def add_context(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Give the template a page's twin, its description and its own address."""
    if doctree is None:
        return
    paragraphs = doctree.findall(nodes.paragraph)
    first = next((p for p in paragraphs if isinstance(p.parent, nodes.section)), None)
    texts = first.findall(nodes.Text) if first else []
    told = "".join(t for t in texts if not isinstance(t.parent, nodes.raw))
    context["description"] = told.replace("\n", " ")
    context["executed"] = made_by(app).get(page)
    context["up"] = "../" * (page.count("/") + 1)
    source, sides = (
        Path(app.srcdir),
        ("zh", "en") if app.tags.has("zh") else ("en", "zh"),
    )
    context["folder"], other = sides
    context["predictions"] = doctree.astext().count('<fieldset class="predict"')
    known = app.env.metadata
    drawing = known[page].get("drawing") or known[app.config.root_doc].get("drawing")
    if drawing and (address := context["address"]):
        context["picture"] = f"{address}/{sides[0]}/{picture(app, Path(drawing))}"
    folder = source.parent if other == "en" else source / "zh"
    if (folder / f"{page}.ipynb").exists():
        context |= {"twin_folder": other, "twin": f"{page}.html"}


def picture(app: Sphinx, drawing: Path) -> str:
    """Write a drawing as PNG, to be shown with a link; return its path in the site."""
    from resvg_py import svg_to_bytes

    target = Path(app.outdir, "_images", f"{drawing.stem}.png")
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(bytes(svg_to_bytes(svg_path=str(drawing), width=1200)))
    return f"_images/{target.name}"


def write_map(app: Sphinx, exception: Exception | None) -> None:
    """Write the list of pages for search engines, if the book has an address."""
    if exception or not (address := app.config.html_context["address"]):
        return
    folder = "zh" if app.tags.has("zh") else "en"
    urls = "".join(
        f"<url><loc>{address}/{folder}/{quote(page)}.html</loc></url>\n"
        for page in sorted(app.env.found_docs)
    )
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    head += '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    Path(app.outdir, "sitemap.xml").write_text(f"{head}{urls}</urlset>\n", "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the builder, the element and what is done for every page."""
    app.add_builder(Builder, override=True)
    app.add_node(Tag, html=(visit_tag, depart_tag))
    app.connect("html-page-context", add_context)
    app.connect("build-finished", write_map)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
