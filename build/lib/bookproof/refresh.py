"""Execute notebooks and store their outputs: `make refresh [LESSON=parameters]`.

All are executed first; only if every cell did what it should are the files written. A
failure, or Ctrl-C at any moment, leaves every notebook as it was. Of the notebooks it
touches only outputs, counts and machine metadata, and beside them the file that says
what made the outputs of each page.
"""

import datetime
import json
import time
from collections.abc import Mapping

from nbval.plugin import coalesce_streams

from bookproof import figures, kernels, store
from bookproof.book import METADATA, Book, NotebookNode, Page, dumps, read, select
from bookproof.kernels import failure

MACHINE_METADATA = ("execution", "ExecuteTime", "collapsed", "scrolled", "vscode")


def normalise(notebook: NotebookNode, page: Page) -> None:
    """Make the file depend on what the cells do, not on where or when they ran.

    A cell's `name`, in its metadata, becomes its id.
    """
    for key in ("widgets", "vscode"):
        notebook.metadata.pop(key, None)
    notebook.metadata.update(METADATA)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.metadata["code_cells"] = len(code)
    for cell in notebook.cells:
        for key in MACHINE_METADATA:
            cell.metadata.pop(key, None)
        cell.id = cell.metadata.pop("name", cell.id)  # JupyterLab cannot set an id
        if "predict" in cell.metadata.get("tags", []):  # JupyterLab drops this
            cell.metadata["jupyter"] = {"outputs_hidden": True}
        else:
            cell.metadata.pop("jupyter", None)
    for count, cell in enumerate(code, start=1):
        cell.execution_count = count
        cell.outputs = coalesce_streams(cell.outputs)
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
            if output.output_type == "error":  # frames show paths of this machine
                output.traceback = [f"{output.ename}: {output.evalue}"]
        tagged = "raises-exception" in cell.metadata.get("tags", [])
        raised = any(output.output_type == "error" for output in cell.outputs)
        if tagged and not raised:
            said = "tagged raises-exception, and raised nothing. Take the tag away,"
            raise failure(page, cell, f"{said} or restore the error")


def keep_pictures(notebook: NotebookNode, stored: NotebookNode) -> None:
    """Keep a stored picture if the new one differs by rounding noise only.

    So a refresh on another processor changes no file.
    """
    before = {cell.id: cell for cell in stored.cells if cell.cell_type == "code"}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        pairs = zip(cell.outputs, before[cell.id].outputs, strict=False)
        for new, old in pairs:
            png, old_png = (out.get("data", {}).get("image/png") for out in (new, old))
            if png and old_png and figures.noise_only(old_png, png):
                new.data["image/png"] = old_png


def made(book: Book) -> dict[str, dict[str, str]]:
    """Return what made the outputs of each page, by its name; {} if nothing tells."""
    if not (book.executed and book.executed.is_file()):
        return {}
    return json.loads(book.executed.read_text("utf-8"))


def record(
    before: Mapping[str, dict], new: Mapping[Page, NotebookNode], by: Mapping
) -> dict[str, dict]:
    """Return `before`, brought up to date for the pages in `new`.

    A page keeps its date while its outputs and what makes them are the same.
    """
    entries = dict(before)
    today = datetime.date.today().isoformat()
    for page, notebook in new.items():
        entry = entries.pop(page.name, {})
        if not page.code:
            continue
        now = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
        same = now == [cell.outputs for cell in page.code]
        date = entry.get("date", today) if same else today
        dated = {**by, "date": date}
        entries[page.name] = dated if dated == entry else {**by, "date": today}
    return dict(sorted(entries.items()))


def refresh(book: Book, lesson: str = "") -> list[str]:
    """Execute and store one lesson or all; return the names of what changed.

    The translation is not executed: sync copies its outputs.
    """
    pages = read(book, lesson, originals=True)
    print(f"Executing {lesson or 'every notebook'} …", flush=True)
    ask = kernels.question(book)
    new, by, start = {}, {}, time.monotonic()
    for page, notebook in kernels.execute_all(pages + [ask] * bool(book.executed)):
        if page is ask:
            by = kernels.answered(notebook)
            continue
        keep_pictures(notebook, page.notebook)
        normalise(notebook, page)
        new[page] = notebook
        seconds = time.monotonic() - start
        done = f"  {len(new)}/{len(pages)} {page.name}: executed ({seconds:.0f} s)"
        print(done, flush=True)
    texts = {page.path: dumps(notebook) for page, notebook in new.items()}
    old = {page.path: page.text for page in pages}
    if book.executed:
        entries = record(made(book) if lesson else kept(book), new, by)
        texts[book.executed] = json.dumps(entries, indent=1) + "\n"
        if book.executed.is_file():
            old[book.executed] = book.executed.read_text("utf-8")
    changed = store.write_all(texts, old)
    names = [page.name for page in pages if page.path in changed]
    return names + [book.executed.name] * (book.executed in changed)


def kept(book: Book) -> dict[str, dict[str, str]]:
    """Return the entries of pages that are still there."""
    names = {book.name_of(path) for path in select(book, originals=True)}
    return {name: entry for name, entry in made(book).items() if name in names}
