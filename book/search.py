"""Sphinx extension: what the search looks in, a script for each language.

``_static/index-en.js`` has the text of every section in blocks, each with the anchor
nearest to it, and ``search_rank.js``, which looks in them. It is a script, for a page
on a disk may load nothing else; ``theme/search.js`` loads it with the first search.
Text keeps two marks: `code`, and *a term where it is explained*. What is hardly sought
is left out: displayed formulas, outputs but for errors, plots, code in solutions.
"""

import json
import re
from html.entities import html5
from pathlib import Path

from docutils import nodes
from pages import rows
from sphinx.application import Sphinx

# Words that find one another, a line each, in any language. The glossary adds its own.
SAME = """
weight parameter 权重 参数
tie ties tied tying share shares shared sharing 绑定 共享
freeze freezes freezing froze frozen 冻结
explode explodes exploding explosion 爆炸
vanish vanishes vanishing disappear 消失
overflow inf infinity 溢出
optimiser optim 优化器
initialise initialisation init 初始化
edit change modify 修改
save store checkpoint 保存
"""
LESSON, DEPTH, SOLUTION, OPENING = range(4)
PROSE, CODE, COVERED = range(3)  # covered: the answer to a prediction, never shown
DULL = re.compile(r"(?m)^ *(?:(?:plt|axe?s?|fig|import|from|%\w+)\b.*|[)\]},]*)\n?")
SIGNS = {"cdot": "·", "sqrt": "√", "top": "ᵀ", "to": "→", "partial": "∂", "infty": "∞"}


def text_of(node: nodes.Node) -> str:
    """Return what a reader sees of a node, code and explained terms marked."""
    if isinstance(node, nodes.math):
        latex = re.sub(r"\\[dt]?frac{([^{}]*)}{([^{}]*)}", r"\1/\2", node.astext())
        sign = re.compile(r"\\([A-Za-z]+) ?")
        text = sign.sub(lambda m: SIGNS.get(m[1], html5.get(m[1] + ";", "")), latex)
        return re.sub(r"[{}\\&*`]", "", text)
    if isinstance(node, nodes.Text):
        return re.sub(r"[\s*`]+", " ", node.astext())
    text = "".join(text_of(n) for n in node if not isinstance(n, nodes.raw))
    term = isinstance(node, nodes.emphasis | nodes.strong) and len(text) < 30
    mark = "`" if isinstance(node, nodes.literal) else "*" * term
    return f"{mark}{text}{mark}"


class Reader:
    """Reads a page into ``units``: page, kind, title, id, heading, blocks of a section.

    A block is its kind, its text and its anchor, where that is not the last one's.
    """

    def __init__(self, page: nodes.document, url: str, kind: int) -> None:
        self.units: list[list] = []
        self.url, self.kind, self.anchor, self.last = url, kind, "", ""
        self.folded = self.covered = False
        self.read(page)

    def read(self, node: nodes.Element) -> None:
        """Note the blocks of a node."""
        names = {*node["classes"], node.get("attributes", {}).get("class")}
        if isinstance(node, nodes.section) or "cell" in names:
            self.folded = self.covered = False
        if "covered" in names:
            self.folded = self.covered = True
        if node["ids"] and not self.folded:
            self.anchor = node["ids"][0]
        if isinstance(node, nodes.title):
            self.begin(text_of(node))
        elif isinstance(node, nodes.paragraph) or node.get("tag") == "figcaption":
            self.note(PROSE, text_of(node))
            self.covered = False  # only what is said first is the answer
        elif isinstance(node, nodes.row):
            self.note(PROSE, " · ".join(text_of(cell).strip() for cell in node))
        elif "out" in names:
            self.note(CODE, node.astext() if "Error" in node.astext() else "")
        elif isinstance(node, nodes.literal_block):
            self.note(CODE, DULL.sub("", node.astext()))
        else:
            for child in node.children:
                if isinstance(child, nodes.Element):
                    self.read(child)

    def begin(self, heading: str) -> None:
        """Begin a section, or go on with one that has no text before its subsection."""
        if len(self.units) > 1 and len(self.units[-1]) == 5:
            self.units[-1][4] += f" · {heading}"
        else:
            title = self.units[0][2] if self.units else heading
            self.units.append([self.url, self.kind, title, self.anchor, heading])
            self.last = self.anchor

    def note(self, kind: int, text: str) -> None:
        """Add a block to the section."""
        if self.units and text.strip() and (kind, self.kind) != (CODE, SOLUTION):
            block = [COVERED if self.covered else kind, text.rstrip()]
            self.units[-1].append(block + [self.anchor] * (self.anchor != self.last))
            self.last = self.anchor


def read_page(app: Sphinx, doctree: nodes.document) -> None:
    """Keep what is sought in a page; Sphinx forgets it when it reads the page anew."""
    page, url = app.env.docname, app.builder.get_target_uri(app.env.docname)
    kind = DEPTH if page.endswith("-in-depth") else LESSON
    kind = SOLUTION if page.startswith("solutions/") else kind
    kind = OPENING if page == app.config.root_doc else kind
    app.env.metadata[page]["sought"] = Reader(doctree, url, kind).units


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write the index of one language, its pages in the order of the contents."""
    if exception:
        return
    same = ["|".join(row[:3]).split("|") for row in rows("glossary.tsv")]
    same = [[word for word in words if len(word) > 1] for words in same]
    same += [line.split() for line in SAME.strip().splitlines()]
    root = app.config.root_doc
    pages = [root, *app.env.toctree_includes[root]]
    units = [unit for page in pages for unit in app.env.metadata[page]["sought"]]
    first, *lines = (json.dumps(part, ensure_ascii=False) for part in (same, *units))
    code = Path(app.confdir, "search_rank.js").read_text("utf-8")
    data = f"const same = {first};\nconst units = [\n" + ",\n".join(lines) + "\n];"
    name = f"index-{app.config.language[:2]}.js"
    Path(app.outdir, "_static", name).write_text(f"{{\n{data}\n{code}}}\n", "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the index when the book is built."""
    app.connect("doctree-read", read_page)
    app.connect("build-finished", write_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
