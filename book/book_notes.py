"""Sphinx extension: what a term, a name and a source mean, without leaving the page.

A term of glossary.tsv gets the other language's word, a name of pytorch.tsv a link to
PyTorch's documentation of the pinned version, each where a page uses it first; a link
to a source of references.bib gets its full title. Notes show on hover and focus
(theme/style.css). All sources make one page, references.html. Nothing is fetched.
"""

import csv
import html
import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from pybtex.database import Entry, parse_file
from sphinx.application import Sphinx

HERE = Path(__file__).parent
UNTOUCHED = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.raw,
    nodes.literal_block,
)


def rows(name: str) -> list[list[str]]:
    """Return the rows of a table in this folder, without its head."""
    with open(HERE / name, encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


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
    """Return a source as a line: who, title, where, year."""
    people = [
        " ".join([*p.first_names, *p.last_names]) for p in entry.persons["author"]
    ]
    people = ["et al." if name == "others" else name for name in people]
    place = entry.fields.get("booktitle", "")
    year = entry.fields["year"]
    place = f"{place}, {year}" if place and year not in place else place or year
    return f"{', '.join(people)}: {entry.fields['title']}. {place}."


def note(text: str, language: str) -> nodes.raw:
    """Return a note, hidden until its place is hovered or has the focus."""
    markup = f'<span class="note" lang="{language}">{html.escape(text)}</span>'
    return nodes.raw("", markup, format="html")


def link_names(page: nodes.document) -> None:
    """Link each name of PyTorch where the page uses it first in prose."""
    seen = set()
    for literal in list(page.findall(nodes.literal)):
        name = literal.astext().partition("(")[0].removeprefix(".")
        inside = isinstance(literal.parent, (nodes.title, nodes.reference))
        if inside or name in seen or name not in PAGES:
            continue
        seen.add(name)
        link = nodes.reference("", "", refuri=PAGES[name], classes=["api"])
        literal.replace_self(link)
        link += literal


def note_sources(page: nodes.document) -> None:
    """Say in full what a link to a source leads to."""
    for link in page.findall(nodes.reference):
        if entry := SOURCES.get(link.get("refuri", "")):
            link += note(described(entry), "en")
            link["classes"].append("noted")


def terms(chinese: bool) -> dict[str, str]:
    """Return what the words of this language are called in the other."""
    pairs = [
        (row[1], row[0]) if chinese else (row[0], row[1])
        for row in rows("glossary.tsv")
    ]
    return {word.lower(): other for word, other in pairs if len(word) > 1}


def note_terms(page: nodes.document, chinese: bool) -> None:
    """Give the other language's word where the page uses a term first."""
    left = terms(chinese)
    longest = sorted(map(re.escape, left), key=len, reverse=True)
    pattern = "|".join(longest)
    find = re.compile(pattern if chinese else rf"\b({pattern})\b", re.IGNORECASE)

    def parts(text: str) -> Iterator[nodes.Node]:
        at = 0
        for hit in find.finditer(text):
            other = left.pop(hit[0].lower(), None)
            if other is None or text[hit.end() :].startswith(("（", " (")):
                continue
            yield nodes.Text(text[at : hit.start()])
            yield nodes.inline(
                "", hit[0], note(other, "en" if chinese else "zh"), classes=["term"]
            )
            at = hit.end()
        yield nodes.Text(text[at:])

    for text in list(page.findall(nodes.Text)):
        above, inside = text.parent, False
        while above is not None and not inside:
            inside, above = isinstance(above, UNTOUCHED), above.parent
        if not inside and find.search(text):
            text.parent.replace(text, list(parts(str(text))))


def annotate(app: Sphinx, page: nodes.document, name: str) -> None:
    link_names(page)
    note_sources(page)
    if name != "index":  # which has the whole table
        note_terms(page, app.tags.has("zh"))


def bibliography(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """Yield the page that lists every source, newest last."""
    chinese = app.tags.has("zh")
    title = "参考文献" if chinese else "References"
    ordered = sorted(SOURCES.values(), key=lambda e: (e.fields["year"], described(e)))
    links = [(e.fields["url"], html.escape(described(e))) for e in ordered]
    items = "".join(f'<li lang="en"><a href="{url}">{e}</a></li>' for url, e in links)
    yield (
        "references",
        {"title": title, "body": f"<h1>{title}</h1><ul>{items}</ul>"},
        "page.html",
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", annotate)
    app.connect("html-collect-pages", bibliography)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
