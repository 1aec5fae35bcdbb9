"""Execute notebooks in fresh kernels and hand back what each cell gives now.

Used by portability.py and upgrade_report.py, which compare it with what is stored.
Unlike refresh.py it goes on after an exception, and writes no notebook.
"""

import asyncio
import copy
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import nbclient
from cleaning import clean
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError
from nbformat.v4 import new_output
from notebooks import ROOT, NotebookError, Page
from outputs import compare
from refresh import CELL_TIMEOUT, kill, new_kernel

WORKERS = 2

Outputs = list[list[dict]]  # of each code cell that was run, in order


def run(
    page: Page, environment: Mapping[str, str], running: list, again: bool = True
) -> Outputs:
    """Return the outputs of each code cell, executed in a fresh kernel.

    `environment` is added to that of this process. The cell in which the kernel died
    or the time ran out has an error as its last output, and later cells are missing.
    The kernel manager is appended to `running`, so that the caller can stop it. A
    kernel that does not start is tried `again`, as in refresh.py.
    """
    notebook = copy.deepcopy(page.notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    manager = new_kernel()
    running.append(manager)
    client = nbclient.NotebookClient(
        notebook,
        km=manager,
        timeout=CELL_TIMEOUT,
        allow_errors=True,
        record_timing=False,
        resources={"metadata": {"path": str(page.path.parent)}},
    )
    begun = []
    client.on_cell_start = lambda cell, cell_index: begun.append(cell)
    stopped = []
    try:
        env = {**os.environ, **environment}
        options = {"cleanup_kc": True, "stderr": subprocess.DEVNULL, "env": env}
        asyncio.run(client.async_execute(**options))
    except (CellTimeoutError, RuntimeError) as error:  # DeadKernelError is one
        if not begun and again and manager in running:
            return run(page, environment, running, again=False)
        if not begun:
            said = f"{page.name}: its kernel did not start ({error})."
            raise NotebookError(said) from None
        stopped = [new_output("error", ename=type(error).__name__, evalue="")]
    given = [list(cell.outputs) for cell in begun if cell.cell_type == "code"]
    if stopped:
        given[-1] += stopped
    return given


def run_all(
    jobs: Sequence[tuple[Page, Mapping[str, str]]],
) -> Iterator[tuple[int, Outputs]]:
    """Run every (page, environment), two at a time; yield (number, outputs) when done.

    When the caller stops, or on Ctrl-C, every kernel is killed.
    """
    running: list[AsyncKernelManager] = []
    pool = ThreadPoolExecutor(max_workers=WORKERS)
    try:
        futures = {
            pool.submit(run, *job, running): number for number, job in enumerate(jobs)
        }
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        kill(running)
        pool.shutdown()


def differences(page: Page, given: Outputs, label: str = "") -> dict[str, list[str]]:
    """Return what differs from the stored outputs, by cell id.

    Cells that give what is stored are left out. Pictures that differ are left in
    _build/figures, with `label` in their names.
    """
    found = {}
    for number, cell in enumerate(page.code):
        name = f"{page.name} {cell.id} {label}".strip().replace("/", "-")
        if number >= len(given):
            found[cell.id] = ["  was not run"]
        elif said := compare(
            clean(cell.outputs), clean(given[number]), ROOT, name.replace(" ", "-")
        ):
            found[cell.id] = said
    return found
