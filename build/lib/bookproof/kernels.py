"""Execute notebooks in fresh kernels with nbclient: what refresh and report need.

A kernel is one of this environment and works in the notebook's folder. Nothing is
compared and nothing written here; what re-executes and compares is nbval (check.py).
"""

import asyncio
import atexit
import copy
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress

import nbclient
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

from bookproof.book import Book, NotebookError, NotebookNode, Page

CELL_TIMEOUT = 120  # seconds; nbval allows a cell the same
WORKERS = 2


def new_kernel() -> AsyncKernelManager:
    """Return the manager of a kernel of this environment, not started yet."""
    return AsyncKernelManager(
        kernel_name=CURRENT_ENV_KERNEL_NAME,
        kernel_spec_manager=NbvalKernelspecManager(),
    )


def kill(running: list) -> None:
    """Kill all kernels whose managers are in `running`; none will be tried again."""
    managers, running[:] = running[:], []
    for manager in managers:
        with suppress(ProcessLookupError):
            if manager.has_kernel:
                os.kill(manager.provisioner.pid, signal.SIGKILL)


def execute(
    page: Page, running: list, go_on: bool = False, again: bool = True
) -> NotebookNode:
    """Return a copy of the notebook with the outputs a fresh kernel gives.

    Kernel managers are appended to `running`, so that the caller can stop them. Raises
    NotebookError naming lesson and cell if a cell fails. With `go_on` it does not: the
    cell where the kernel died or the time ran out has an error as its last output, and
    cells after it have the execution count None. A kernel that does not start is tried
    `again`: of two that start at once, both may have drawn the same port.
    """
    notebook = copy.deepcopy(page.notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    manager = new_kernel()
    running.append(manager)
    client = nbclient.NotebookClient(
        notebook,
        km=manager,
        timeout=CELL_TIMEOUT,
        allow_errors=go_on,
        record_timing=False,
        resources={"metadata": {"path": str(page.path.parent)}},
    )
    begun = []
    client.on_cell_start = lambda cell, cell_index: begun.append(cell)
    try:
        asyncio.run(client.async_execute(cleanup_kc=True, stderr=subprocess.DEVNULL))
    except (CellExecutionError, CellTimeoutError, RuntimeError) as error:
        if not begun and again and manager in running:
            return execute(page, running, go_on, again=False)
        if not begun:
            said = f"{page.name}: its kernel did not start ({error})."
            raise NotebookError(said) from None
        if not go_on:
            raise failure(page, begun[-1], reason(error)) from None
        begun[-1].outputs.append(
            new_output("error", ename=type(error).__name__, evalue=reason(error))
        )
        begun[-1].execution_count = 0
    finally:
        atexit.unregister(client._cleanup_kernel)  # left behind if it did not start
    return notebook


def reason(error: Exception) -> str:
    """Say why a cell failed."""
    if isinstance(error, CellExecutionError):
        advice = "Mend the cell, or tag it raises-exception if it is meant to fail"
        return f"raised {error.ename}: {error.evalue}. {advice}"
    if isinstance(error, CellTimeoutError):
        return f"still running after {CELL_TIMEOUT} s. Make it smaller"
    return "the kernel died while it ran"  # nbclient's DeadKernelError


def failure(page: Page, cell: NotebookNode, said: str) -> NotebookError:
    return NotebookError(f"{page.name}, cell {cell['id']}: {said}.")


def execute_all(
    pages: Sequence[Page], go_on: bool = False
) -> Iterator[tuple[Page, NotebookNode]]:
    """Execute the pages, two at a time; yield each with its notebook when it is done.

    When one fails, the caller stops, or on Ctrl-C, every kernel is killed.
    """
    # Two kernels run at once: more threads would wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    running: list[AsyncKernelManager] = []
    pool = ThreadPoolExecutor(max_workers=WORKERS)
    try:
        jobs = {pool.submit(execute, page, running, go_on): page for page in pages}
        for job in as_completed(jobs):
            yield jobs[job], job.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        kill(running)
        pool.shutdown()


def question(book: Book) -> Page:
    """Return a page, on no disk, whose one cell prints what makes a book's outputs.

    Expressions stand in the settings under `made-by`, and a kernel evaluates them.
    """
    pairs = ", ".join(f"{key!r}: {text}" for key, text in book.made_by.items())
    cell = new_code_cell(f"import json\nprint(json.dumps({{{pairs}}}))", id="made-by")
    return Page(book.folder / "made-by.ipynb", book, "", new_notebook(cells=[cell]))


def answered(notebook: NotebookNode) -> dict[str, str]:
    """Return what the executed `question` printed."""
    printed = [o.text for o in notebook.cells[0].outputs if o.get("name") == "stdout"]
    return json.loads("".join(printed))
