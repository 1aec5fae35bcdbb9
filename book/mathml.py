"""Sphinx extension: formulas become MathML when the book is built.

docutils sets the LaTeX, so a page carries no mathematics engine and a screen reader
reads its formulas. A command it does not know is a warning with page, cell and formula,
and the build makes warnings errors. At the end the glyphs that the site's formulas use
are cut out of STIX Two Math (from the ziamath package; SIL Open Font License) into one
small font beside the pages.
"""

import re
from functools import cache
from html import escape, unescape
from importlib.util import find_spec
from logging import getLogger
from pathlib import Path
from unicodedata import normalize

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

# What TeX reads and docutils does not: \frac12, (2,5), \big, \textstyle in a row.
REWRITTEN = [
    (r"(\\[td]?frac)\s*(\d)\s*(\w)", r"\1{\2}{\3}"),
    (r"(?<=\d),\s*(?=\d)", r"{,}\\,"),
    (r"\\([bB]ig+)(?![a-zA-Z])", r"\\\1l"),
    (r"\\textstyle\s*(\\\w+(?:[_^](?:\w|\{[^{}]*\}))*)", r"{\\textstyle\1}"),
]
# What it sets otherwise than TeX: indices below a hat, primes, spaces round / | and -,
# and after the name of a function.
MENDED = [
    (r"<munderover>(<mi>.</mi>)(.+?)(<mo [^>]*>[ˆˉ\u02dc]</mo>)</munderover>",
     r'<msub><mover accent="true">\1\3</mover>\2</msub>'),
    (r"(<mi>[^<]+</mi>)<msub>(<mo>'</mo>)", r"<msub><mrow>\1\2</mrow>"),
    (r'<mo(?: stretchy="false")?>([/|])</mo>', r'<mo lspace="0" rspace="0">\1</mo>'),
    (r"(,</mo>(?:<mspace[^>]*></mspace>)?)<mo>−", r'\1<mo form="prefix">−'),
    (r"<mo>(?:&ApplyFunction;|\u2061)</mo>(?!<mo)", '<mspace width="0.17em"></mspace>'),
]  # fmt: skip
# Browsers hang the root sign from its bar, so over a low letter it would sink.
STRUT = '<mspace height="0.75em" depth="0.2em"></mspace>'
logger = logging.getLogger(__name__)
getLogger("fontTools").setLevel("WARNING")


@cache
def to_mathml(latex: str, displayed: bool) -> str:
    r"""Return LaTeX as MathML.

    Raises `MathError` for what cannot be set, also for a group without its end, which
    docutils takes in silence.
    """
    marks = re.findall(r"\\[a-z]+|\\.|[{}]", latex)
    pairs = (r"\left", r"\right"), ("{", "}")
    if not latex.strip() or any(marks.count(a) != marks.count(b) for a, b in pairs):
        raise MathError("it is not whole")
    for pattern, better in REWRITTEN:
        latex = re.sub(pattern, better, latex)
    mathml = re.sub(r">\s+<", "><", tex2mathml(latex, as_block=displayed).strip())
    mathml = re.sub(r' (xmlns|class|columnalign)="(?!cases)[^"]*"', "", mathml)
    for pattern, better in MENDED:
        mathml = re.sub(pattern, better, mathml)
    return mathml.replace("<msqrt>", f"<msqrt>{STRUT}")


def write_formula(translator: nodes.NodeVisitor, node: nodes.Element) -> None:
    """Write one formula into the page; warn of one that cannot be set."""
    latex, displayed = node.astext(), isinstance(node, nodes.math_block)
    try:
        mathml = to_mathml(latex, displayed)
    except (MathError, SyntaxError, ValueError) as error:
        place = node if node.line else node.parent
        logger.warning(
            "this LaTeX cannot be set (%s): %s", error, latex, location=place
        )
        mathml = f"<code>{escape(latex)}</code>"
    if displayed:  # a wide one scrolls
        translator.body.append(f'<div class="math">{mathml}</div>\n')
    else:
        translator.body.append(mathml)
    raise nodes.SkipNode


def cut_font(pages: Path, target: Path, made: Path) -> None:
    """Write the part of STIX Two Math that the formulas of the pages need.

    `made` notes for which characters: for the same ones it is not cut again.
    """
    used = {"\N{SQUARE ROOT}"}  # <msqrt> names no character
    for page in pages.rglob("*.html"):
        for mathml in re.findall("<math.*?</math>", page.read_text("utf-8"), re.S):
            used.update(unescape(re.sub("<[^>]*>", "", mathml)))
    # A lone letter in <mi> is shown as its mathematical italic (Latin, h, Greek).
    italics = map(chr, [*range(0x1D434, 0x1D468), 0x210E, *range(0x1D6E2, 0x1D71C)])
    used.update([c for c in italics if normalize("NFKC", c) in used])
    text = "".join(sorted(used))
    if target.exists() and made.exists() and made.read_text() == text:
        return
    from fontTools import subset
    from fontTools.ttLib import TTFont

    package, whole = Path(find_spec("ziamath").origin).parent, made.with_suffix(".ttf")
    font = TTFont(package / "fonts" / "STIXTwoMath-Regular.ttf")
    suit_screens(font)
    font.save(whole)
    wanted = f"--text={text}", "--layout-features=ssty,dtls,flac", "--name-IDs=*"
    form = "--no-hinting", "--flavor=woff", f"--output-file={target}"
    subset.main([str(whole), *wanted, *form])
    made.write_text(text)


def suit_screens(font: object) -> None:
    """Make rules one pixel thick, and tall radical signs as wide as the low one.

    Browsers leave room for the widest sign, which shows as a gap behind the low ones.
    """
    from fontTools.pens.transformPen import TransformPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    constants = font["MATH"].table.MathConstants
    constants.RadicalRuleThickness.Value = constants.FractionRuleThickness.Value = 52
    shapes, (width, _) = font.getGlyphSet(), font["hmtx"]["uni221A"]
    for name in [n for n in font.getGlyphOrder() if re.match(r"uni221A\.[sxt]\d*$", n)]:
        advance, bearing = font["hmtx"][name]
        scale, pen = width / advance, TTGlyphPen(None)
        shapes[name].draw(TransformPen(pen, (scale, 0, 0, 1, 0, 0)))
        font["glyf"][name] = pen.glyph()
        font["hmtx"][name] = (width, round(bearing * scale))


def cut_font_of_site(app: Sphinx, exception: Exception | None) -> None:
    """Put the font beside the pages, unless their build went wrong."""
    site, made = Path(app.outdir), Path(app.doctreedir, "math.txt")
    if not exception:
        cut_font(site, site / "_static" / "math.woff", made)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer under the name ``mathml``."""
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
    app.connect("build-finished", cut_font_of_site)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
