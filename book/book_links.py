"""Sphinx extension: links whose text is code or emphasised keep it.

nbsphinx turns Markdown into reStructuredText, which knows no markup inside a link
and would show ``[`torch.nn.init`](…)`` as it is written. So such a link travels through
it as a role of its own, with the link packed into the role's text, between
backslashes and spaces that stand for nothing: Chinese has no space to tell a role by.
"""

import json
import re
from collections.abc import Callable
from urllib.parse import quote, unquote

import nbsphinx
from docutils import nodes
from sphinx.application import Sphinx

PLAIN = {"Str", "Space", "SoftBreak"}
UNPACKED = {"Math", "Code"}
MARKUP = {"Code": nodes.literal, "Emph": nodes.emphasis, "Strong": nodes.strong}
ENUMERATOR = re.compile(r"\(?\w+[.)]$")  # what reStructuredText takes for one
original_pandoc = nbsphinx.pandoc


def plain_text(inline: dict) -> str:
    """Return the text of one of pandoc's inline elements."""
    match inline["t"], inline.get("c"):
        case "Str", text:
            return text
        case "Code", [_, text]:
            return text
        case "Emph" | "Strong", inlines:
            return "".join(map(plain_text, inlines))
    return " "


def parted(inline: dict) -> list[dict]:
    """Part emphasis at its formulas and code, which it cannot hold in that language.

    Each part begins and ends with a word; the spaces stand between the parts.
    """
    if inline["t"] != "Emph" or not any(c["t"] in UNPACKED for c in inline["c"]):
        return [inline]
    parts: list[dict] = []
    for child in inline["c"]:
        open_part = parts and parts[-1]["t"] == "Emph"
        if child["t"] in UNPACKED | {"Space", "SoftBreak"} and not open_part:
            parts.append(child)
        elif child["t"] in UNPACKED:
            words = parts.pop()["c"]
            spaces = []
            while words and words[-1]["t"] in {"Space", "SoftBreak"}:
                spaces.append(words.pop())
            parts += [{"t": "Emph", "c": words}] if words else []
            parts += [*spaces, child]
        elif open_part:
            parts[-1]["c"].append(child)
        else:
            parts.append({"t": "Emph", "c": [child]})
    return parts


def pack_link(node: dict) -> dict:
    """Replace a link with markup in its text by the role; leave all else alone.

    But for a paragraph that begins with "(a)": it is kept from becoming a list.
    """
    if node.get("t") in {"Para", "Plain"}:
        node["c"] = [part for inline in node["c"] for part in parted(inline)]
    first = node["c"][0] if node.get("t") in {"Para", "Plain"} else {}
    if first.get("t") == "Str" and ENUMERATOR.match(plain_text(first)):
        node["c"].insert(0, {"t": "RawInline", "c": ["rst", "\\ "]})
    if node.get("t") != "Link":
        return node
    _, inlines, (target, _) = node["c"]
    kinds = {inline["t"] for inline in inlines}
    if kinds <= PLAIN or not kinds <= PLAIN | MARKUP.keys():
        return node
    parts = [(inline["t"], plain_text(inline)) for inline in inlines]
    return {
        "t": "RawInline",
        "c": ["rst", rf"\ :rich-link:`{quote(json.dumps([target, parts]))}`\ "],
    }


def pandoc(
    source: str, fmt: str, to: str, filter_func: Callable[[str], str] | None = None
) -> str:
    """Do as ``nbsphinx.pandoc``, and pack links on the way.

    A paragraph that begins with "(a)" stays a paragraph, as it is in JupyterLab.
    """

    def pack_links(document: str) -> str:
        document = filter_func(document) if filter_func else document
        return json.dumps(json.loads(document, object_hook=pack_link))

    return original_pandoc(source, f"{fmt}-fancy_lists", to, pack_links)


def rich_link(
    name: str, rawtext: str, text: str, *rest: object, **options: object
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Unpack a link (a docutils role: returns nodes and messages)."""
    target, parts = json.loads(unquote(text))
    children = [
        MARKUP[kind](part, part) if kind in MARKUP else nodes.Text(part)
        for kind, part in parts
    ]
    return [nodes.reference(rawtext, "", *children, refuri=target)], []


def setup(app: Sphinx) -> dict[str, bool]:
    """Put the packing into nbsphinx, and register the role that unpacks."""
    nbsphinx.pandoc = pandoc
    app.add_role("rich-link", rich_link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
