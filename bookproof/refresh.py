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
        raised = any(output.output_type == "error" for output in cell.outputs)
        if "raises-exception" in cell.metadata.get("tags", []) and not raised:
            said = "tagged raises-exception, and raised nothing. Take the tag away,"
            raise failure(page, cell, f"{said} or restore the error")


def keep_pictures(notebook: NotebookNode, stored: NotebookNode) -> None:
    """Reduce new pictures; keep a stored one if the new differs by noise only.

    So a refresh on another processor changes no file.
    """
    before = {cell.id: cell.get("outputs", []) for cell in stored.cells}
    for cell in notebook.cells:
        olds = [out.get("data", {}).get("image/png") for out in before[cell.id]]
        for place, output in enumerate(cell.get("outputs", [])):
            if png := output.get("data", {}).get("image/png"):
                old = (olds[place:] or [None])[0]
                kept = old and figures.noise_only(old, png)
                output.data["image/png"] = old if kept else figures.reduced(png)


def record(
    before: Mapping[str, dict], new: Mapping[Page, NotebookNode], by: Mapping
) -> dict[str, dict]:
    """Return `before`, what made the outputs of each page, brought up to date.

    A page keeps its date while its outputs and what makes them are the same.
    """
    entries = dict(before)
    for page, notebook in new.items():
        entry = entries.pop(page.name, {})
        now = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
        same = now == [cell.outputs for cell in page.code]
        if not (same and entry == {**by, "date": entry.get("date")}):
            entry = {**by, "date": datetime.date.today().isoformat()}
        if page.code:
            entries[page.name] = entry
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
    if path := book.executed:
        if path.is_file():
            old[path] = path.read_text("utf-8")
        entries = json.loads(old.get(path, "{}"))
        names = {book.name_of(each) for each in select(book, originals=True)}
        for gone in () if lesson else entries.keys() - names:
            del entries[gone]
        texts[path] = json.dumps(record(entries, new, by), indent=1) + "\n"
    changed = store.write_all(texts, old)
    names = [page.name for page in pages if page.path in changed]
    return names + [path.name] * (path in changed)
