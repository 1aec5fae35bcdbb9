"""Sphinx extension: the search, by section, in any language and from a disk too.

Sphinx's own search leads to pages only, has no extracts on a page read from a disk, and
cannot search Chinese. Here ``sections.js`` holds the text of every section, as the
reader sees it, and ``static/search.js`` looks in it for what was typed, so identifiers,
Chinese terms of any length and phrases need no dictionary and no stemmer.
"""

import json
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

OLD = {"doctools.js", "sphinx_highlight.js", "translations.js"}  # serve Sphinx's search


def sections(html: str) -> list[tuple[str, str, str]]:
    """Return id, heading and text of each section of a page, in order."""
    page = BeautifulSoup(html, "html.parser")
    found = []
    for unseen in page.select(".headerlink, .start"):
        unseen.decompose()
    for section in reversed(page.select("article section")):  # inner ones first
        heading = section.find(["h1", "h2", "h3", "h4"]).extract()
        text = " ".join(section.get_text().split())
        found.append((section["id"], heading.get_text().strip(), text))
        section.decompose()
    return found[::-1]


def write_sections(app: Sphinx, exception: Exception | None) -> None:
    """Write what the search looks in: page, title, id, heading and text of sections."""
    if exception:
        return
    records = []
    for page in sorted(app.env.found_docs):
        name = f"{page}.html"
        parts = sections(Path(app.outdir, name).read_text("utf-8"))
        title = parts[0][1] if parts else page
        records += [(name, title, *part) for part in parts]
    lines = ",\n".join(json.dumps(r, ensure_ascii=False) for r in records)
    path = Path(app.outdir, "_static", "sections.js")
    path.write_text(f"const SECTIONS = [\n{lines}\n];\n", "utf-8")


def switch_off_old_search(app: Sphinx) -> None:
    """Make Sphinx write no index of its own."""
    app.builder.search = False


def drop_old_scripts(
    app: Sphinx, page: str, template: str, context: dict, doctree: object
) -> None:
    """Take Sphinx's search scripts out of a page."""
    scripts = context["script_files"]
    context["script_files"] = [s for s in scripts if Path(s.filename).name not in OLD]


def setup(app: Sphinx) -> dict[str, bool]:
    """Take the place of Sphinx's own search."""
    app.connect("builder-inited", switch_off_old_search)
    app.connect("html-page-context", drop_old_scripts, priority=900)
    app.connect("build-finished", write_sections)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
