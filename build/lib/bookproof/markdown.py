"""Read the Markdown of a notebook: headings, links, pictures, exercises, prose.

Markdown is read with mistune, as nbconvert does. Nothing is judged here and nothing
written; rules/ does the judging.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser

import mistune

from bookproof.book import Page

Token = dict
CODE, FORMULA = "\u1d37\u1d39"  # letters that stand for these in prose


class Tags(HTMLParser):
    """Collects the links and pictures of raw HTML as (kind, target, text)."""

    def __init__(self, html: str):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.found.append(("link", given["href"], ""))
        if tag == "img":
            alt = given.get("alt") or ""
            self.found.append(("image", given.get("src") or "", alt))


_markdown = mistune.create_markdown(renderer=None, plugins=["math", "table"])


@lru_cache(maxsize=4096)
def tokens(source: str) -> list[Token]:
    """Return every Markdown token in `source`, flattened."""
    return list(_flatten(_markdown(source)))


def _flatten(items: list[Token]) -> Iterator[Token]:
    for item in items:
        yield item
        yield from _flatten(item.get("children", []))


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


def targets(source: str) -> list[tuple[str, str, str]]:
    """Return ("link" or "image", target, shown text) of a Markdown source."""
    found = []
    for token in tokens(source):
        if token["type"] in ("link", "image"):
            found.append((token["type"], token["attrs"]["url"], plain(token)))
        if token["type"] in ("block_html", "inline_html"):
            found += Tags(token["raw"]).found
    return found


def exercises(page: Page) -> int:
    """Return the number of exercises: the longest numbered list in that section."""
    count, inside = 0, False
    for cell in page.prose:
        for token in _markdown(cell.source):
            if token["type"] == "heading" and token["attrs"]["level"] == 2:
                inside = plain(token) in page.book.exercises
            if inside and token["type"] == "list" and token["attrs"]["ordered"]:
                count += len(token["children"])
    return count


def plain_prose(found: list[Token]) -> str:
    """Return the prose of Markdown tokens, with a letter for code and for a formula."""
    parts = []
    for token in found:
        kind = token["type"]
        if kind == "text":
            parts.append(token["raw"])
        elif kind in ("codespan", "inline_math"):
            parts.append(CODE if kind == "codespan" else FORMULA)
        elif kind in ("block_html", "inline_html"):
            text = re.sub("<code>.*?</code>|`[^`]+`", CODE, token["raw"])
            text = re.sub(r"</?\w[^>]*>", "\n", text)
            parts.append(re.sub(r"\$[^$]+\$", FORMULA, text))
        elif kind not in ("emphasis", "strong", "link"):
            parts.append("\n")
    return "".join(parts)


def readable(prose: str) -> str:
    """Return plain prose as a message shows it."""
    return " ".join(prose.replace(CODE, "`…`").replace(FORMULA, "$…$").split())


def prose_of(text: str) -> str:
    return plain_prose(tokens(text))
