"""An IPython that runs cells in this very process and records what a notebook stores.

Used by forked.py, which forks it between cells: something a Jupyter kernel, with its
threads and sockets, does not survive. That it gives the outputs a kernel gives is
proved anew for each notebook, by comparing them with the stored ones.
"""

import sys
from base64 import encodebytes

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_output
from traitlets.config import Config


class Stream:
    """Standard output or standard error of a cell."""

    encoding = "utf-8"
    closed = False

    def __init__(self, name: str, outputs: list):
        self.name, self.outputs = name, outputs

    def write(self, text: str) -> int:
        if text:
            self.outputs.append(new_output("stream", name=self.name, text=text))
        return len(text)

    def writelines(self, lines) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def as_json(data: dict) -> dict:
    """Return a mime bundle with bytes in base64, as a kernel sends it."""
    return {
        key: encodebytes(value).decode() if isinstance(value, bytes) else value
        for key, value in data.items()
    }


class Publisher(DisplayPublisher):
    """Records what is displayed."""

    def publish(self, data, metadata=None, *args, update=False, **kwargs):
        if not update:
            self.shell.outputs.append(
                new_output("display_data", data=as_json(data), metadata=metadata or {})
            )

    def clear_output(self, wait=False):
        """Do nothing: nbval ignores it too."""


class ResultHook(DisplayHook):
    """Records the value of a cell's last expression."""

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.outputs.append(
            new_output(
                "execute_result", data=as_json(format_dict), metadata=md_dict or {}
            )
        )


class Recorder(InteractiveShell):
    """A shell whose `run` returns the outputs of a cell."""

    display_pub_class = Publisher
    displayhook_class = ResultHook

    def __init__(self):
        config = Config()
        config.HistoryManager.enabled = False  # its thread would not survive a fork
        config.InteractiveShell.colors = "nocolor"
        self.outputs: list = []
        super().__init__(config=config)
        type(self)._instance = InteractiveShell._instance = self  # for get_ipython()

    def run(self, source: str) -> list:
        """Run a cell and return its outputs, an exception among them if it raised."""
        self.outputs = []
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (
            Stream(name, self.outputs) for name in ("stdout", "stderr")
        )
        try:
            self.run_cell(source, store_history=False)
        finally:
            sys.stdout, sys.stderr = before
        return self.outputs

    def _showtraceback(self, etype, evalue, stb):
        error = new_output("error", ename=etype.__name__, evalue=str(evalue))
        self.outputs.append(error)
