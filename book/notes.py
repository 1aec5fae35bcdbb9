"""Steps of a page, and a page: what a term, a name and a source mean, on the spot.

A term of glossary.tsv gets the other language's word, a name of pytorch.tsv a link to
PyTorch's documentation of the pinned version, each where a page uses it first; a link
to a source of references.bib gets its full title. Notes show on hover and focus
(theme/book.css). All sources make one page, references.html. Nothing is fetched.
"""

import html
import re
from collections.abc import Iterator

from docutils import nodes
from pages import HERE, Tag, rows
from pybtex.database import Entry, parse_file
from sphinx import addnodes
from sphinx.application import Sphinx

LINKS = (nodes.reference, addnodes.pending_xref)
UNTOUCHED = (*LINKS, nodes.title, nodes.literal, nodes.FixedTextElement, nodes.raw)


def documentation() -> str:
    """Return the address of PyTorch's documentation of the pinned version."""
    pins = (HERE.parent / "constraints.txt").read_text("utf-8")
    version = re.search(r"^torch==(\d+\.\d+)", pins, re.MULTILINE)[1]
    return f"https://docs.pytorch.org/docs/{version}/"


PAGES = {name: documentation() + page for name, page in rows("pytorch.tsv")}
SOURCES = {
    entry.fields["url"]: entry
    for entry in parse_file(str(HERE / "references.bib")).entries.values()
}


def described(entry: Entry) -> str:
    """Return a source as a line: who, when, title, where."""
    people = [
        " ".join([*p.first_names, *p.last_names]) for p in entry.persons["author"]
    ]
    people = ["et al." if name == "others" else name for name in people]
    place = f" {entry.fields['booktitle']}." if "booktitle" in entry.fields else ""
    who = f"{', '.join(people)} {entry.fields['year']}"
    return f"{who}: {entry.fields['title']}.{place}"


def note(text: str, language: str) -> nodes.raw:
    """Return a note, hidden until its place is hovered or has the focus."""
    markup = f'<span class="tip" lang="{language}">{html.escape(text)}</span>'
    return nodes.raw("", markup, format="html")


def within(node: nodes.Element | None, kinds: tuple[type, ...]) -> bool:
    """Tell whether a node is one of some kinds, or in one, or in a caption."""
    while node is not None and not isinstance(node, kinds):
        if node.get("tag") == "figcaption":
            return True
        node = node.parent
    return node is not None


def link_names(page: nodes.document) -> None:
    """Link each name of PyTorch where the page uses it first in prose."""
    seen = set()
    for literal in list(page.findall(nodes.literal)):
        name = literal.astext().partition("(")[0].removeprefix(".")
        inside = within(literal.parent, (*LINKS, nodes.title))
        if inside or name in seen or name not in PAGES:
            continue
        seen.add(name)
        link = Tag("a", attributes={"class": "api", "href": PAGES[name]})
        literal.replace_self(link)
        link += literal


def note_sources(page: nodes.document) -> None:
    """Say in full what a link to a source leads to."""
    for link in list(page.findall(nodes.reference)):
        if entry := SOURCES.get(link.get("refuri", "")):
            box = Tag("span", attributes={"class": "noted"})
            link.replace_self(box)
            box += [link, note(described(entry), "en")]


def terms(chinese: bool) -> dict[str, str]:
    """Return what the words of this language are called in the other."""
    named = [row[1::-1] if chinese else row[:2] for row in rows("glossary.tsv")]
    pairs = [
        (word, other.split("|")[0]) for here, other in named for word in here.split("|")
    ]
    return {word.lower(): other for word, other in pairs if len(word) > 1}


def note_terms(page: nodes.document, chinese: bool) -> None:
    """Give the other language's word where the page uses a term first."""
    left = terms(chinese)
    pattern = "|".join(sorted(map(re.escape, left), key=len, reverse=True))
    find = re.compile(pattern if chinese else rf"\b({pattern})\b", re.IGNORECASE)

    def parts(text: str) -> Iterator[nodes.Node]:
        at = 0
        for hit in find.finditer(text):
            other = left.get(hit[0].lower())
            if other is None or text[hit.end() :].startswith(("（", " (")):
                continue
            del left[hit[0].lower()]
            yield nodes.Text(text[at : hit.start()])
            box = Tag("span", attributes={"class": "noted"})
            box += [nodes.Text(hit[0]), note(other, "en" if chinese else "zh")]
            yield box
            at = hit.end()
        yield nodes.Text(text[at:])

    for text in list(page.findall(nodes.Text)):
        if not within(text.parent, UNTOUCHED) and find.search(text):
            text.parent.replace(text, list(parts(str(text))))


def bibliography(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """Yield the page that lists every source, the newest last."""
    title = app.config.html_context["words"]["references"]
    ordered = sorted(SOURCES.values(), key=lambda e: (e.fields["year"], described(e)))
    links = [(e.fields["url"], html.escape(described(e))) for e in ordered]
    items = "".join(f'<li lang="en"><a href="{url}">{e}</a></li>' for url, e in links)
    folder, twin = ("zh", "en") if app.tags.has("zh") else ("en", "zh")
    context = {
        "title": title,
        "body": f'<h1>{title}</h1><ul class="sources">{items}</ul>',
    }
    context |= {"up": "../", "folder": folder, "description": title}
    context |= {"twin_folder": twin, "twin": "references.html"}
    yield "references", context, "page.html"


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the page of all sources."""
    app.connect("html-collect-pages", bibliography)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
