"""Write several files so that either all of them change or none does."""

import os
import signal
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

from bookproof.book import NotebookError


@contextmanager
def signals_held():
    """Let Ctrl-C and friends wait until the block is through."""
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def write_all(new: Mapping[Path, str], old: Mapping[Path, str]) -> list[Path]:
    """Write every text in `new` that differs from `old`, or nothing at all.

    `old` is what the files held when they were read; a file that is not in it is
    new. If a file holds something else by now, or a write fails, all files stay (or
    are put back) as they are and NotebookError says why. Returns what changed.
    """
    changed = [path for path in new if new[path] != old.get(path)]
    with signals_held():
        for path in changed:
            if (path.read_text("utf-8") if path.exists() else None) != old.get(path):
                raise NotebookError(
                    f"{path.name} was changed while it ran, so nothing was written;"
                    " save it in your editor and repeat."
                )
        done, waiting = [], {}
        try:
            for path in changed:
                waiting[path] = _write_beside(path, new[path])
            for path in changed:
                os.replace(waiting[path], path)
                del waiting[path]
                done.append(path)
        except OSError as error:
            for path in done:
                if old.get(path) is not None:
                    os.replace(_write_beside(path, old[path]), path)
                else:
                    path.unlink()
            raise NotebookError(
                f"Writing {error.filename or path} failed ({error.strerror});"
                " every notebook is as it was."
            ) from None
        finally:
            for temporary in waiting.values():
                os.unlink(temporary)
    return changed


def _write_beside(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary
