"""Run every alteration of one notebook's code: called by mutate.py, once per notebook.

One process executes the notebook. Before each cell it forks a copy of itself for each
alteration of that cell. The copy so starts from the very state a kernel would have
there, runs the altered cell and then those after it, and ends at the first output that
is not the stored one. An alteration whose copy reaches the end was not noticed.

That this is the same as running the notebook in a kernel is proved each time: the
notebook, and an unaltered copy of each cell in a fork, have to give the stored outputs.
It writes the results file and a temporary folder, in which the cells work too.
"""

import importlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bookproof.book import NotebookError, Page, here
from bookproof.mutate.mutations import Mutant, mutants_of, unaltered
from bookproof.mutate.recorder import Recorder
from bookproof.outputs import clean, compare

WORKERS = 2
PATIENCE = 10  # seconds, or SLOWER times what the cell takes: longer is a hang
SLOWER = 20
SAME = "same"
# pyplot is not imported early: its import would make figures inline before the notebook
EARLY = re.compile(r"torch\b|matplotlib\.(?!pyplot\b)|numpy\b|PIL\b|dateutil\b")


@dataclass
class Fork:
    """A running copy of the notebook's process."""

    mutant: Mutant
    pipe: int  # where it will write what it noticed
    folder: Path  # where its cells work


class Notebook:
    """The process that executes a notebook, and its forks."""

    def __init__(self, page: Page, folder: Path):
        self.page, self.folder = page, folder
        self.stored = [clean(cell.outputs, page.book.sanitizer) for cell in page.code]
        self.seconds = [0.0] * len(page.code)  # what each cell takes, unaltered
        self.forks: dict[int, Fork] = {}
        self.files = folder / "files"  # what the notebook itself writes
        self.files.mkdir()
        self.work_in(self.files)
        self.shell = Recorder()

    def work_in(self, folder: Path) -> None:
        os.chdir(folder)
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)

    def run(self, number: int, source: str) -> str:
        """Run a cell here; return its first difference from what is stored, or ""."""
        given = clean(self.shell.run(source), self.page.book.sanitizer)
        found = compare(self.stored[number], given, self.folder, str(os.getpid()))
        return f"{self.page.code[number].id}: {found[0].strip()}" if found else ""

    def rehearse(self) -> None:
        """Execute the whole notebook in a fork, and learn from it.

        It has to give its stored outputs. What it imports on the way is then imported
        here, so that no other fork has to.
        """
        reading, writing = os.pipe()
        if not (pid := os.fork()):
            self.in_fork(self.folder, writing, self.run_all)
        os.close(writing)
        with open(reading) as file:
            said = json.loads(file.read() or '{"difference": "the process died"}')
        os.waitpid(pid, 0)
        if "difference" in said:
            raise NotebookError(
                f"{self.page.name}, {said['difference']}\nA notebook has to give its"
                f" stored outputs before it is altered; {self.page.refresh}."
            )
        self.seconds = said["seconds"]
        for name in said["modules"]:
            with suppress(Exception), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(name)

    def run_all(self) -> str:
        seconds = []
        for number, cell in enumerate(self.page.code):
            start = time.monotonic()
            if difference := self.run(number, cell.source):
                return json.dumps({"difference": difference})
            seconds.append(time.monotonic() - start)
        modules = [name for name in sys.modules if EARLY.match(name)]
        return json.dumps({"seconds": seconds, "modules": modules})

    def alter(self, wanted: dict[str, list[Mutant]]) -> Iterator[tuple[Mutant, str]]:
        """Run the wanted alterations of each cell; yield what noticed them, or ""."""
        last = len(self.stored)
        for number, cell in enumerate(self.page.code):
            copy = Mutant(cell.id, 0, "", unaltered(cell.source))
            at_once = 1 if self.keep_files() else WORKERS
            for mutant in [copy, *wanted.get(cell.id, [])]:
                while len(self.forks) >= at_once:
                    yield from self.finish_one()
                whole = mutant is not copy or number == 0
                self.start(mutant, number, last if whole else number + 1)
            if at_once == 1:
                yield from self.finish_all()
            if difference := self.run(number, cell.source):
                raise NotebookError(f"{self.page.name}, {difference}\nIt was another.")
        yield from self.finish_all()

    def start(self, mutant: Mutant, number: int, end: int) -> None:
        """Fork, and there run an alteration of cell `number`, then on up to `end`."""
        reading, writing = os.pipe()
        folder = self.files
        if not any(folder.iterdir()):
            folder = Path(tempfile.mkdtemp(dir=self.folder))
        if pid := os.fork():
            os.close(writing)
            self.forks[pid] = Fork(mutant, reading, folder)
        else:
            self.in_fork(folder, writing, lambda: self.trial(mutant, number, end))

    def in_fork(self, folder: Path, writing: int, task) -> None:
        """Write what `task` returns, and end this process."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        self.work_in(folder)
        try:
            said = task()
        except BaseException as error:
            said = f"ended by {type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)

    def trial(self, mutant: Mutant, number: int, end: int) -> str:
        for later in range(number, end):
            limit = max(PATIENCE, SLOWER * self.seconds[later])
            signal.setitimer(signal.ITIMER_REAL, limit)  # its signal ends the process
            own = later == number
            source = mutant.source if own else self.page.code[later].source
            if difference := self.run(later, source):
                return difference[:1000]
        return SAME

    def finish_one(self) -> Iterator[tuple[Mutant, str]]:
        """Wait until a fork ends, and yield its result unless it was unaltered."""
        pid, status = os.wait()
        fork = self.forks.pop(pid)
        with open(fork.pipe, "rb") as file:
            said = file.read().decode(errors="replace") or "the process ended"
        if os.WIFSIGNALED(status):
            said = f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
        self.clear_away(fork.folder)
        if fork.mutant.line:
            yield fork.mutant, "" if said == SAME else said
        elif said != SAME:
            raise NotebookError(
                f"{self.page.name}, {said}\nAn unaltered copy of {fork.mutant.cell}"
                " gave this in a fork, so altered ones prove nothing; please report it."
            )

    def finish_all(self) -> Iterator[tuple[Mutant, str]]:
        while self.forks:
            yield from self.finish_one()

    def keep_files(self) -> bool:
        """If the notebook wrote files, keep a copy of them; tell whether it did."""
        kept = self.folder / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.files, kept)
        return any(kept.iterdir())

    def clear_away(self, folder: Path) -> None:
        """Remove what a fork wrote, and restore the notebook's own files."""
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if folder == self.files:
            shutil.copytree(self.folder / "kept", folder, dirs_exist_ok=True)
        else:
            folder.rmdir()

    def stop(self, *_) -> None:
        """End this process and every fork: what Ctrl-C does."""
        for pid in self.forks:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os._exit(130)


# One thread, because a fork has only the one that forked: the others' work would never
# be done. mutate.py starts this program with it.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "D2LTORCH_DEVICE": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # as kernels have it
    "PYTHONHASHSEED": "0",
}


def main() -> int:
    path, results, folder = map(Path, sys.argv[1:])
    page = Page.read(path, here())
    wanted = mutants_of(page)
    done = {json.loads(line)["source"] for line in results.read_text().splitlines()}
    wanted = {
        id_: [m for m in each if m.source not in done] for id_, each in wanted.items()
    }
    count = sum(map(len, wanted.values()))
    if not count:
        return 0
    notebook = Notebook(page, folder)
    signal.signal(signal.SIGINT, notebook.stop)
    try:
        notebook.rehearse()
        start, unnoticed = time.monotonic(), 0
        with open(results, "a") as file:
            for number, (mutant, said) in enumerate(notebook.alter(wanted), start=1):
                file.write(json.dumps(asdict(mutant) | {"noticed": said}) + "\n")
                file.flush()
                unnoticed += not said
                left = (time.monotonic() - start) / number * (count - number)
                if number % 25 == 0 or number == count:
                    print(
                        f"  {page.name}: {number}/{count} run, {unnoticed} unnoticed;"
                        f" {left:.0f} s left",
                        flush=True,
                    )
    except NotebookError as error:
        print(f"mutate: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
