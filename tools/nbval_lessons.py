"""What nbval needs beside it to check this book: a pytest plugin (`-p nbval_lessons`).

nbval runs each notebook in one fresh kernel and compares what cells print. This
adds what it leaves out: pictures and the order and kind of outputs are compared; a
dead kernel, a time-out or an unexpected exception stops that notebook at once; and
messages name lesson and cell id and say what to do. It changes no notebook.
"""

import re
from time import monotonic

from notebooks import CHAPTER, lesson_of, name_of  # first: it spares nbval a second

# isort: split
import nbval.plugin
import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError
from outputs import compare

ANSI = re.compile(r"\x1b\[[0-9;]*m")


class KernelDied(Exception):
    """The kernel process ended while a cell ran."""


class WatchedKernel(RunningKernel):
    """A kernel whose death is noticed within a second, not at the time-out."""

    def __init__(self, *args, **kwargs):
        try:
            super().__init__(*args, **kwargs)
        except RuntimeError:  # of two that start at once, both may draw the same port
            super().__init__(*args, **kwargs)

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


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    """Let nbval collect a notebook, and take its file class's place."""
    collected = yield
    return [
        LessonFile.from_parent(parent, path=file_path)
        if isinstance(item, IPyNbFile)
        else item
        for item in collected
    ]


class LessonFile(IPyNbFile):
    """A notebook whose tests are named by cell id."""

    stopped_by = ""  # the cell after which the rest makes no sense

    def collect(self):
        for cell in super().collect():
            yield LessonCell.from_parent(
                self,
                name=cell.cell.id,
                cell_num=cell.cell_num,
                cell=cell.cell,
                options=cell.options,
            )

    @property
    def lesson(self) -> str:
        inside = self.path.is_relative_to(CHAPTER)
        return name_of(self.path) if inside else self.path.stem


class LessonCell(IPyNbCell):
    """One code cell: run by nbval, compared by nbval and by us."""

    def setup(self):
        if self.parent.stopped_by:
            pytest.skip(f"not run: {self.parent.lesson} {self.parent.stopped_by}")

    def runtest(self):
        self.differences = []
        try:
            super().runtest()
            if self.parent.timed_out:  # the cell swallowed the interrupt
                self.raise_cell_error("Timeout")
        except NbCellError:
            if not self.differences:
                self.parent.stopped_by = f"stopped at cell {self.name}"
            raise
        except Exception:
            self.parent.stopped_by = f"stopped at cell {self.name}"
            raise

    def compare_outputs(self, test, ref, skip_compare=None):
        self.differences = compare(
            [self.clean(output) for output in ref],
            [self.clean(output) for output in test],
            self.config.rootpath,
            f"{self.parent.lesson}-{self.name}".replace("/", "-"),
        )
        if not super().compare_outputs(test, ref, skip_compare):
            self.differences = self.differences or ["the outputs differ (see nbval)"]
        return not self.differences

    def clean(self, output) -> dict:
        """Return the output with the sanitiser file applied, as nbval applies it."""
        return self.sanitize_outputs([output])[0]

    def reportinfo(self):
        return self.path, None, f"{self.parent.lesson}, cell {self.name}"

    def repr_failure(self, excinfo):
        error = excinfo.value
        said = self.complaint(error)
        return f"{self.parent.lesson}, cell {self.name}: {said}"

    def complaint(self, error) -> str:
        lesson = lesson_of(self.path)
        if self.differences:
            listed = "\n".join(self.differences)
            return (
                "what it gives now is not what is stored.\n"
                f"{listed}\nIf the change is meant: make refresh LESSON={lesson}"
            )
        if isinstance(error, KernelDied):
            return "the kernel died while it ran; the cells after it were not run."
        if self.parent.timed_out:
            limit = self.config.option.nbval_cell_timeout
            return (
                f"still running after {limit:g} s; the cells after it were not run."
                " Make it smaller."
            )
        raised = [o for o in self.test_outputs or [] if o.output_type == "error"]
        if isinstance(error, NbCellError) and raised:
            trace = ANSI.sub("", "\n".join(raised[0].traceback))
            return (
                f"raised {raised[0].ename}: {raised[0].evalue}\n{trace}\n"
                "The cells after it were not run."
                " Mend the cell, or tag it raises-exception if it is meant to fail."
            )
        return ANSI.sub("", str(error) or repr(error))
