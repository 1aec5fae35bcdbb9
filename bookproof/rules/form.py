"""Rules about the notebook as a file: ids, tags, counts, errors, predictions."""

import json
import re
from collections import Counter
from collections.abc import Iterator

from bookproof.book import METADATA, Finding, Page, dumps, printed

KNOWN_TAGS = {"answer", "check", "given", "predict", "raises-exception"}
CELL_METADATA = {"alt", "jupyter", "predict", "slideshow", "tags", "translates"}
NOTEBOOK_METADATA = {*METADATA, "code_cells"}
WORDS = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TO_WRITE = re.compile("TO WRITE:(.*)")
HEX = re.compile(r"(?=.*\d)[0-9a-f]{6,}(-[0-9a-f]{4,})*")


def form(page: Page) -> Iterator[Finding]:
    """The file is stored the one way, without traces of a machine."""
    metadata = dict(page.notebook.metadata)
    for key in sorted(set(metadata) - NOTEBOOK_METADATA):
        if not key.startswith("nbsphinx"):
            yield "", f"the notebook metadata “{key}” is not known; delete it"
    count, was = len(page.code), metadata.get("code_cells", 0)
    if was != count:
        said = f"{was} code cells were refreshed, {count} are here"
        yield "", f"{said}; restore the cells with git, or {page.refresh}"
    if any(metadata.get(key) != value for key, value in METADATA.items()):
        yield "", f"kernel or language metadata of a machine; {page.refresh}"
    elif dumps(page.notebook) != page.text:
        yield "", f"the file was written by an editor; {page.refresh}"


def cell_ids(page: Page) -> Iterator[Finding]:
    """Ids are given by hand, in words, and once only."""
    ids = Counter(cell.id for cell in page.notebook.cells)
    for id_, times in ids.items():
        if times > 1:
            yield id_, f"{times} cells have this id; give each its own"
        if not WORDS.fullmatch(id_) or HEX.fullmatch(id_):
            said = "an id is lowercase words joined by hyphens; give it a name:"
            yield id_, f'{said} "name": "such-as-this" in its metadata, {page.refresh}'


def cell_metadata(page: Page) -> Iterator[Finding]:
    """Cells carry known tags and keys only: nobody notices a misspelt tag."""
    for cell in page.notebook.cells:
        for tag in cell.metadata.get("tags", []):
            if tag not in KNOWN_TAGS:
                known = ", ".join(sorted(KNOWN_TAGS))
                yield cell.id, f"the tag “{tag}” is not known; known is {known}"
        for key in sorted(set(cell.metadata) - CELL_METADATA):
            if key == "name":
                yield cell.id, f"has a name that is not its id yet; {page.refresh}"
            elif not key.startswith("nbsphinx"):  # whatever nbsphinx understands
                yield cell.id, f"the metadata “{key}” is not known; delete it"
        if cell.get("attachments"):
            yield cell.id, "an attachment; put the picture into img/ and link it"


def executed(page: Page) -> Iterator[Finding]:
    """Every code cell was executed, in order, by refresh."""
    for place, cell in enumerate(page.code, start=1):
        if (count := cell.execution_count) is None:
            yield cell.id, f"was never executed; {page.refresh}"
        elif count != place:
            said = f"has the execution count {count} in place {place}, so cells were"
            yield cell.id, f"{said} moved, added or deleted; {page.refresh}"
        for output in cell.outputs:
            if output.get("execution_count", place) != place:
                yield cell.id, f"an output has another cell's count; {page.refresh}"


def errors(page: Page) -> Iterator[Finding]:
    """An error is stored if and only if the cell is tagged raises-exception."""
    for cell in page.code:
        tagged = "raises-exception" in cell.metadata.get("tags", [])
        stored = [out for out in cell.outputs if out.output_type == "error"]
        if stored and not tagged:
            said = f"stores a {stored[0].ename}; mend the cell, or tag it"
            yield cell.id, f"{said} raises-exception if it is meant to fail"
        if tagged and not stored and cell.execution_count is not None:
            said = "is tagged raises-exception and stores no error; take the tag away"
            yield cell.id, f"{said}, or {page.refresh}"
        for error in stored:
            if error.traceback != [f"{error.ename}: {error.evalue}"]:
                yield cell.id, f"stores a traceback of a machine; {page.refresh}"


def predictions(page: Page) -> Iterator[Finding]:
    """What a reader predicts is covered, and the stored output holds the answer.

    A cell tagged predict hides its output in JupyterLab. Under `predict` it may hold
    what the page needs to tell a right answer from a wrong one: `find`, a pattern
    that matches the stored output, and `choices`, of which one is what it matches;
    or `within`, how far off a number in the group of `find` may be.
    """
    for cell in page.code:
        tagged = "predict" in cell.metadata.get("tags", [])
        hidden = cell.metadata.get("jupyter") == {"outputs_hidden": True}
        if tagged != hidden:
            yield cell.id, f"its output is not covered as its tags say; {page.refresh}"
        asked = cell.metadata.get("predict")
        if asked is None:
            continue
        if not tagged:
            yield cell.id, "has “predict” in its metadata and not the tag; add the tag"
        if what := wrong_answer(asked, "\n".join(map(printed, cell.outputs))):
            yield cell.id, f"its “predict” {what}"


def wrong_answer(asked: dict, shown: str) -> str:
    """Return what is wrong with a cell's `predict`, or an empty string."""
    if set(asked) not in ({"find", "choices"}, {"find", "within"}):
        return "needs “find”, and either “choices” or “within”"
    try:
        hit = re.search(asked["find"], shown, re.MULTILINE)
    except re.error as error:
        return f"has a “find” that is no pattern ({error})"
    if "choices" in asked and re.compile(asked["find"]).groups:
        said = "has a group in “find”, which only “within” has: with “choices” the"
        return f"{said} whole match is the answer; write (?:…) for (…)"
    if not hit:
        return f"finds nothing in the stored output: {asked['find']}"
    if "choices" in asked:
        return "" if hit[0] in asked["choices"] else f"offers no “{hit[0]}”; add it"
    try:
        float(hit[1])
    except (ValueError, IndexError):
        return "needs a “find” with one group that holds a number"
    return ""


def made_by(page: Page) -> Iterator[Finding]:
    """Every page with code has an entry that says what made its outputs, and when."""
    book = page.book
    if not book.executed or not page.code or page.is_translation:
        return
    try:
        entries = json.loads(book.executed.read_text("utf-8"))
    except (OSError, ValueError):
        entries = {}
    entry = entries.get(page.name, {})
    if lacking := [key for key in (*book.made_by, "date") if not entry.get(key)]:
        said = f"{book.executed.name} does not say what made its outputs"
        yield "", f"{said} ({', '.join(lacking)}); {page.refresh}"


def written(page: Page) -> Iterator[Finding]:
    """Nothing that a new lesson began with is left to be written."""
    for cell in page.notebook.cells if not page.is_translation else ():
        if hit := TO_WRITE.search(cell.source):
            yield cell.id, f"is to be written: {hit[1].strip(' .')}"


RULES = [form, cell_ids, cell_metadata, executed, errors, predictions]
RULES += [made_by, written]
