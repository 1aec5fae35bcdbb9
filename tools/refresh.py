"""Execute notebooks and store their outputs: `make refresh [LESSON=parameters]`.

Each notebook runs in a fresh kernel of this environment, as a reader would run
it. All are executed first; only if every cell did what it should are the files
written. A failure, or Ctrl-C at any moment, leaves every notebook as it was. It
touches notebooks only, and of those only outputs, counts and machine metadata.
"""

import argparse
import asyncio
import atexit
import copy
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

import figures
import nbclient
from jupyter_client.manager import AsyncKernelManager
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager
from nbval.plugin import coalesce_streams
from notebooks import CHAPTER, METADATA, NotebookError, Page, dumps, select, write_all

CELL_TIMEOUT = 120  # seconds; check.py allows a cell the same
MACHINE_METADATA = ("execution", "ExecuteTime", "collapsed", "scrolled", "vscode")


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


def execute(page: Page, running: list, again: bool = True) -> str:
    """Return the notebook's text with the outputs a fresh kernel gives.

    The kernel works in the notebook's folder. Kernel managers are appended to
    `running`, so that the caller can stop them. Raises NotebookError naming
    lesson and cell if a cell fails, or is tagged raises-exception and does not.
    A kernel that does not start is tried `again`: of two that start at once, both
    may have drawn the same port.
    """
    notebook = copy.deepcopy(page.notebook)
    manager = new_kernel()
    running.append(manager)
    client = nbclient.NotebookClient(
        notebook,
        km=manager,
        timeout=CELL_TIMEOUT,
        record_timing=False,
        resources={"metadata": {"path": str(page.path.parent)}},
    )
    current = {}
    client.on_cell_start = lambda cell, cell_index: current.update(id=cell.id)
    try:
        asyncio.run(client.async_execute(cleanup_kc=True, stderr=subprocess.DEVNULL))
    except nbclient.exceptions.CellExecutionError as error:
        raised = f"raised {error.ename}: {error.evalue}"
        advice = "Mend the cell, or tag it raises-exception if it is meant to fail"
        raise failure(page, current, f"{raised}. {advice}") from None
    except nbclient.exceptions.CellTimeoutError:
        said = f"still running after {CELL_TIMEOUT} s. Make it smaller"
        raise failure(page, current, said) from None
    except RuntimeError as error:  # nbclient's DeadKernelError is one
        if not current and again and manager in running:
            return execute(page, running, again=False)
        if not current:
            said = f"{page.name}: its kernel did not start ({error})."
            raise NotebookError(said) from None
        raise failure(page, current, "the kernel died while it ran") from None
    finally:
        atexit.unregister(client._cleanup_kernel)  # left behind if it did not start
    normalise(notebook, page)
    keep_pictures(notebook, page.notebook)
    return dumps(notebook)


def failure(page: Page, cell: dict, said: str) -> NotebookError:
    return NotebookError(f"{page.name}, cell {cell['id']}: {said}.")


def normalise(notebook, page: Page) -> None:
    """Make the file depend on what the cells do, not on where or when they ran."""
    for key in ("widgets", "vscode"):
        notebook.metadata.pop(key, None)
    notebook.metadata.update(METADATA)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.metadata["code_cells"] = len(code)
    for cell in notebook.cells:
        for key in MACHINE_METADATA:
            cell.metadata.pop(key, None)
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


def keep_pictures(notebook, stored) -> None:
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


def refresh(lesson: str = "", chapter: Path = CHAPTER) -> list[str]:
    """Execute and store one lesson or all; return the names of what changed.

    The Chinese edition is not executed: `make sync` copies its outputs.
    """
    pages = [Page.read(path, chapter) for path in select(lesson, chapter)]
    pages = [page for page in pages if not page.name.startswith("zh/")]
    new, running = {}, []
    pool = ThreadPoolExecutor(max_workers=2)
    start = time.monotonic()
    try:
        jobs = {pool.submit(execute, page, running): page for page in pages}
        for job in as_completed(jobs):
            page = jobs[job]
            new[page.path] = job.result()
            print(
                f"  {len(new)}/{len(pages)} {page.name}: executed"
                f" ({time.monotonic() - start:.0f} s)",
                flush=True,
            )
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        kill(running)
        raise
    finally:
        pool.shutdown()
    changed = write_all(new, {page.path: page.text for page in pages})
    return [page.name for page in pages if page.path in changed]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesson", nargs="?", default="", help="for example parameters")
    lesson = parser.parse_args().lesson
    # Two kernels run at once: more threads would wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        print(f"Executing {lesson or 'every notebook'} …", flush=True)
        changed = refresh(lesson)
    except NotebookError as error:
        print(f"make refresh: {error}\nNo notebook was changed.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; no notebook was changed.", file=sys.stderr)
        return 130
    names = ", ".join(changed)
    print(f"Stored new outputs: {names}." if changed else "No file changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
