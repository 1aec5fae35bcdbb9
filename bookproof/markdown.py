"""Read the Markdown of a notebook: headings, links, pictures, exercises, prose.

Markdown is read with mistune, as nbconvert does. Nothing is judged here and nothing
written; rules/ does the judging.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import mistune

from bookproof.book import Page

Token = dict
CODE, FORMULA = "\u1d37\u1d39"  # letters that stand for these in prose

_markdown = mistune.create_markdown(renderer=None, plugins=["math", "table"])


@lru_cache(maxsize=4096)
def tokens(source: str) -> list[Token]:
    """Return every Markdown token in `source`, flattened, those within HTML too."""
    return list(_flatten(_markdown(source)))


def _flatten(items: list[Token]) -> Iterator[Token]:
    for item in items:
        yield item
        yield from _flatten(item.get("children", []))
        if item["type"] == "block_html":
            inside = re.sub("</?code>", "`", item["raw"])
            yield from _flatten(_markdown.inline(inside, {"ref_links": {}}))
        if item["type"] == "inline_html":
            yield from _flatten(Tag(item["raw"]).found)


class Tag(HTMLParser):
    """Reads an HTML tag: `found` is its link or picture, as Markdown's token for it."""

    def __init__(self, html: str):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = {key: value or "" for key, value in attrs}
        alt = [{"type": "text", "raw": given.get("alt", "")}]
        if tag == "a" and "href" in given:
            self.found.append({"type": "link", "attrs": {"url": given["href"]}})
        if tag == "img":
            aim = {"url": given.get("src", "")}
            self.found.append({"type": "image", "attrs": aim, "children": alt})


def plain(token: Token) -> str:
    """Return the text a token shows, without markup."""
    if "children" in token:
        return "".join(map(plain, token["children"]))
    return token.get("raw", " " if "break" in token["type"] else "")


def headings(page: Page) -> list[tuple[str, int, str]]:
    """Return (cell id, level, text) of every heading."""
    return [
        (cell.id, token["attrs"]["level"], plain(token))
        for cell in page.prose
        for token in tokens(cell.source)
        if token["type"] == "heading"
    ]


def anchors(page: Page) -> list[str]:
    """Return what a link says after "#" to lead to each heading."""
    return [text.replace(" ", "-") for _, _, text in headings(page)]


def targets(source: str) -> list[tuple[str, str, str]]:
    """Return ("link" or "image", target, shown text) of a Markdown source."""
    return [
        (token["type"], token["attrs"]["url"], plain(token))
        for token in tokens(source)
        if token["type"] in ("link", "image")
    ]


def aim(page: Page, target: str) -> tuple[Path, str]:
    """Return the file and the anchor that a relative link on a page leads to."""
    file, _, anchor = unquote(target).partition("#")
    return (page.path.parent / file if file else page.path).resolve(), anchor


def exercises(page: Page) -> int:
    """Return the number of exercises: the items of numbered lists in that section."""
    count, inside = 0, False
    for token in (token for cell in page.prose for token in tokens(cell.source)):
        if token["type"] == "heading" and token["attrs"]["level"] == 2:
            inside = plain(token) in page.book.exercises
        if inside and token["type"] == "list" and token["attrs"]["ordered"]:
            count += len(token["children"]) * (token["attrs"]["depth"] == 0)
    return count


def plain_prose(found: list[Token]) -> str:
    """Return the prose of Markdown tokens, with a letter for code and for a formula."""
    letters = {"codespan": CODE, "inline_math": FORMULA}
    letters |= dict.fromkeys(("emphasis", "strong", "link"), "")
    return "".join(
        token["raw"] if token["type"] == "text" else letters.get(token["type"], "\n")
        for token in found
    )


def readable(prose: str) -> str:
    """Return plain prose as a message shows it."""
    return " ".join(prose.replace(CODE, "`…`").replace(FORMULA, "$…$").split())


def prose_of(text: str) -> str:
    return plain_prose(tokens(text))
