"""What nbval needs beside it: a pytest plugin (`-p bookproof.nbval_plugin`).

nbval runs each notebook in one fresh kernel and compares what cells print. This
adds what it leaves out: pictures and the order and kind of outputs are compared; a
dead kernel, a time-out or an unexpected exception stops that notebook at once; and
messages name page and cell and say what to do. It changes no notebook. check.py
starts it; it knows the book by the option --bookproof-root.
"""

import re
from pathlib import Path
from time import monotonic

from bookproof.book import load  # first: it spares nbval a second

# isort: split
import nbval.plugin
import pytest
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from bookproof.outputs import as_text, category, compare

ANSI = re.compile(r"\x1b\[[0-9;]*m")


class KernelDied(Exception):
    """The kernel process ended while a cell ran."""


class WatchedKernel(RunningKernel):
    """A kernel whose death is noticed within a second, not at the time-out."""

    def __init__(self, kernel_name, *args, **kwargs):
        if kernel_name in ("python3", "python"):
            kernel_name = CURRENT_ENV_KERNEL_NAME
        try:
            super().__init__(kernel_name, *args, **kwargs)
        except RuntimeError:  # of two that start at once, both may draw the same port
            super().__init__(kernel_name, *args, **kwargs)

    def get_message(self, stream, timeout=None):
        deadline = monotonic() + (timeout or 0)
        while True:
            left = deadline - monotonic() if timeout else 1
            try:
                return super().get_message(stream, timeout=max(0, min(1, left)))
            except nbval.plugin.Empty:
                if not self.is_alive():
                    raise KernelDied from None
                if timeout and monotonic() >= deadline:
                    raise


nbval.plugin.RunningKernel = WatchedKernel


def pytest_addoption(parser):
    parser.addoption("--bookproof-root", help="the folder of the book")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    """Let nbval collect a notebook, and take its file class's place."""
    collected = yield
    return [
        CheckedFile.from_parent(parent, path=file_path)
        if isinstance(item, IPyNbFile)
        else item
        for item in collected
    ]


class CheckedFile(IPyNbFile):
    """A notebook whose tests are named by cell id, or number in anybody's book."""

    stopped_by = ""  # the cell after which the rest makes no sense

    def collect(self):
        for cell in super().collect():
            name = cell.cell.get("id")
            if not self.book.configured:  # anybody's, where an error may be meant too
                meant = any(o.output_type == "error" for o in cell.cell.outputs)
                cell.options["check_exception"] |= meant
                name = f"{cell.cell_num + 1}"
            yield CheckedCell.from_parent(
                self,
                name=name,
                cell_num=cell.cell_num,
                cell=cell.cell,
                options=cell.options,
            )

    @property
    def book(self):
        return load(Path(self.config.option.bookproof_root))

    @property
    def page(self) -> str:
        return self.book.name_of(self.path)


class CheckedCell(IPyNbCell):
    """One code cell: run by nbval, compared by nbval and by us."""

    @property
    def where(self) -> str:
        """Name the page and the cell; for anybody's book, by what can be seen too."""
        if self.parent.book.configured:
            return f"{self.parent.page}, cell {self.name}"
        lines = [line for line in self.cell.source.split("\n") if line.strip(" \t#%")]
        line = next((n for n in lines if n[0] not in "#%"), "".join(lines[:1])).strip()
        line = line if len(line) <= 50 else f"{line[:50]}…"
        return f"{self.parent.page}, code cell {self.cell_num + 1} “{line}”"

    def setup(self):
        self.user_properties.append(("where", self.where))
        if self.parent.stopped_by:
            pytest.skip(f"not run: {self.parent.page} {self.parent.stopped_by}")

    def runtest(self):
        self.differences = []
        try:
            super().runtest()
            if self.parent.timed_out:  # the cell swallowed the interrupt
                self.raise_cell_error("Timeout")
        except NbCellError:
            if not self.differences:
                self.parent.stopped_by = f"stopped at cell {self.name}"
                self.note("error")
            raise
        except Exception:
            self.parent.stopped_by = f"stopped at cell {self.name}"
            self.note("error")
            raise
        if self.cell.execution_count is None and not self.cell.outputs:
            self.note("unstored")

    def note(self, kind: str) -> None:
        """Leave for check.py what kind of verdict this is."""
        self.user_properties.append(("kind", kind))

    def compare_outputs(self, test, ref, skip_compare=None):
        book = self.parent.book
        folder = book.root / "_build" / "figures" if book.configured else None
        old, new = ([self.clean(o) for o in each] for each in (ref, test))
        name = re.sub(r"\W", "-", f"{self.parent.page}-{self.name}")
        self.differences = compare(old, new, folder, name)
        if not super().compare_outputs(test, ref, skip_compare):
            self.differences = self.differences or ["the outputs differ (see nbval)"]
        if self.differences:
            self.note(category(old, new))
        return not self.differences

    def clean(self, output) -> dict:
        """Return the output with the sanitiser file applied, as nbval applies it."""
        return self.sanitize_outputs([output])[0]

    def reportinfo(self):
        return self.path, None, self.where

    def repr_failure(self, excinfo):
        return f"{self.where}: {self.complaint(excinfo.value)}"

    def complaint(self, error) -> str:
        book = self.parent.book
        if self.differences:
            listed = "\n".join(self.differences)
            if not book.configured:
                return "\n" + listed
            again = book.command("refresh", self.path.stem)
            said = f"what it gives now is not what is stored.\n{listed}"
            return f"{said}\nIf the change is meant: {again}"
        if isinstance(error, KernelDied):
            return "the kernel died while it ran; the cells after it were not run."
        if self.parent.timed_out:
            limit = self.config.option.nbval_cell_timeout
            said = f"still running after {limit:g} s; the cells after it were not run."
            return said + " Make it smaller." * book.configured
        raised = [o for o in self.test_outputs or [] if o.output_type == "error"]
        if isinstance(error, NbCellError) and raised:
            now = f"{raised[0].ename}: {raised[0].evalue}"
            if not book.configured:
                stored = as_text(self.cell.outputs).strip() or "nothing"
                return (
                    f"raised an exception; the cells after it were not run.\n"
                    f"    stored: {stored.splitlines()[0][:300]}\n    now:    {now}"
                )
            trace = ANSI.sub("", "\n".join(raised[0].traceback))
            return (
                f"raised {now}\n{trace}\nThe cells after it were not run."
                " Mend the cell, or tag it raises-exception if it is meant to fail."
            )
        return ANSI.sub("", str(error) or repr(error))
