"""Sphinx extension: formulas become MathML when the book is built.

Pandoc, which nbsphinx needs anyway, sets the LaTeX, so a page carries no mathematics
engine and a screen reader reads its formulas. A formula pandoc cannot read is a
warning with page, cell and formula, and the build makes warnings errors. At the end
the glyphs that the site's formulas use are cut out of STIX Two Math (from the ziamath
package; SIL Open Font License) into one small font beside the pages.
"""

import json
import re
import subprocess
from functools import partial
from html import escape, unescape
from logging import getLogger
from pathlib import Path
from unicodedata import normalize

import pypandoc
import ziamath
from book_pages import find_cell
from docutils import nodes
from fontTools import subset
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

FONT = Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"
# Pandoc makes \mathbf{x} bold italic; readers know it upright, as \textbf sets it.
upright = partial(re.compile(r"\\mathbf\s*(?:\{(\w+)\}|(\w))").sub, r"\\textbf{\1\2}")
logger = logging.getLogger(__name__)
getLogger("fontTools").setLevel("WARNING")
_cache: dict[tuple[str, bool], str] = {}


def to_mathml(formulas: set[tuple[str, bool]]) -> None:
    """Put the MathML of each ``(LaTeX, is it displayed)`` into the cache.

    One run of pandoc for all of them. A formula it cannot read is stored as ``""``.
    """
    new = sorted(formulas - _cache.keys())
    if not new:
        return
    blocks = []
    for latex, displayed in new:
        kind = {"t": "DisplayMath" if displayed else "InlineMath"}
        math = {"t": "Math", "c": [kind, upright(latex)]}
        blocks.append({"t": "Plain", "c": [math]})
    document = {"pandoc-api-version": [1, 23], "meta": {}, "blocks": blocks}
    command = [pypandoc.get_pandoc_path(), "--from=json", "--to=html", "--mathml"]
    html = subprocess.run(
        [*command, "--quiet", "--wrap=none"],
        input=json.dumps(document),
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    found = re.findall(r'<math .*?</math>|<span class="math .*?</span>', html, re.S)
    if len(found) != len(new):
        raise ExtensionError(
            f"Of {len(new)} formulas pandoc set {len(found)}: book/book_mathml.py does "
            "not know this version of pandoc."
        )
    for (latex, displayed), mathml in zip(new, found, strict=True):
        good = mathml.startswith("<math") and latex.strip() and is_whole(latex)
        _cache[latex, displayed] = tidy(mathml) if good else ""


def is_whole(latex: str) -> bool:
    r"""Say whether pandoc sets all of it: ``\left`` without ``\right`` and ``\tag`` it
    drops, and says nothing.
    """
    commands = re.findall(r"\\[a-z]+", latex)
    pairs = commands.count(r"\left") == commands.count(r"\right")
    return pairs and r"\tag" not in commands


# Browsers hang the root sign from its bar, so over a low letter it would sink.
STRUT = '<mspace height="0.75em" depth="0.2em"></mspace>'


def tidy(mathml: str) -> str:
    """Take out what browsers do not use; set the nabla upright, as TeX does."""
    mathml = re.sub(r"(?s)<annotation.*?</annotation>|</?semantics>", "", mathml)
    mathml = re.sub(r' (mathvariant="(?!normal)|columnalign=")[^"]*"', "", mathml)
    mathml = re.sub(r' xmlns="[^"]*"| display="inline"', "", mathml)
    mathml = mathml.replace("<mi>∇", '<mi mathvariant="normal">∇')
    return mathml.replace("<msqrt>", f"<msqrt>{STRUT}")


def key(node: nodes.Element) -> tuple[str, bool]:
    """Return a formula's LaTeX and whether it is displayed (else it is inline)."""
    return node.astext(), isinstance(node, nodes.math_block)


class SetFormulas(SphinxPostTransform):
    """Set all formulas of a page in one go, and name those that are wrong."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Warn of each formula of the page that cannot be set."""
        formulas = list(self.document.findall(nodes.math))
        formulas += self.document.findall(nodes.math_block)
        to_mathml({key(node) for node in formulas})
        for node in formulas:
            if not _cache[key(node)]:
                page = self.env.current_document.docname
                cell = find_cell(self.env, page, node.astext())
                message = "%sthis LaTeX cannot be set: %s"
                logger.warning(message, cell, node.astext(), location=page)


def write_formula(translator: nodes.NodeVisitor, node: nodes.Element) -> None:
    """Write one formula into the page."""
    latex, displayed = key(node)
    to_mathml({(latex, displayed)})
    mathml = _cache[latex, displayed] or f"<code>{escape(latex)}</code>"
    if displayed:  # a wide one scrolls, by keyboard too
        translator.body.append(f'<div class="math" tabindex="0">{mathml}</div>\n')
    else:
        translator.body.append(f'<span class="math">{mathml}</span>')
    raise nodes.SkipNode


def raw_to_math(app: Sphinx, doctree: nodes.document) -> None:
    r"""Make formulas of what nbsphinx leaves to MathJax: ``\begin{align}`` in prose."""
    for node in list(doctree.findall(nodes.raw)):
        if "math" in node["classes"]:
            node.replace_self(nodes.math_block(node.astext(), node.astext()))


def cut_font(app: Sphinx, exception: Exception | None) -> None:
    """Write the part of STIX Two Math that the formulas of the site need."""
    used = {"\N{SQUARE ROOT}"}  # <msqrt> names no character
    for page in Path(app.outdir).rglob("*.html"):
        for mathml in re.findall("<math.*?</math>", page.read_text("utf-8"), re.S):
            used.update(unescape(re.sub("<[^>]*>", "", mathml)))
    # A lone letter in <mi> is shown as its mathematical italic (Latin, h, Greek).
    italics = map(chr, [*range(0x1D434, 0x1D468), 0x210E, *range(0x1D6E2, 0x1D71C)])
    used.update([c for c in italics if normalize("NFKC", c) in used])
    options = subset.Options(name_IDs=["*"], hinting=False)
    options.layout_features = ["ssty", "dtls", "flac"]
    font = TTFont(FONT)
    suit_screens(font)
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(used))
    cutter.subset(font)
    font.flavor = "woff"
    font.save(Path(app.outdir, "_static", "math.woff"))


def suit_screens(font: TTFont) -> None:
    """Make rules one pixel thick, and tall radical signs as wide as the low one.

    Browsers leave room for the widest sign, which shows as a gap behind the low ones.
    """
    constants = font["MATH"].table.MathConstants
    constants.RadicalRuleThickness.Value = constants.FractionRuleThickness.Value = 52
    shapes, (width, _) = font.getGlyphSet(), font["hmtx"]["uni221A"]
    for name in [n for n in font.getGlyphOrder() if re.match(r"uni221A\.[sxt]\d*$", n)]:
        advance, bearing = font["hmtx"][name]
        scale, pen = width / advance, TTGlyphPen(None)
        shapes[name].draw(TransformPen(pen, (scale, 0, 0, 1, 0, 0)))
        font["glyf"][name] = pen.glyph()
        font["hmtx"][name] = (width, round(bearing * scale))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer under the name ``mathml``."""
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
    app.add_post_transform(SetFormulas)
    app.connect("doctree-read", raw_to_math)
    app.connect("build-finished", cut_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
