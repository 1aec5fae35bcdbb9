"""Check anybody's notebooks: `python -m bookproof check FOLDER`, without settings.

Re-executes what can be, and says for each cell that gives something else what is
stored and what comes now. A notebook that cannot be run is named and passed over.
Writes nothing: what the notebooks themselves write is theirs.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

from bookproof import check
from bookproof.book import Book, NotebookError

KINDS = ("text", "number", "figure", "error")


def found_in(places: Iterable[Path]) -> list[Path]:
    """Return the notebooks that are named, or lie in the folders that are."""
    paths: dict[Path, None] = {}
    for place in places:
        if not place.exists():
            raise NotebookError(f"There is no {place}.")
        inside = sorted(place.rglob("*.ipynb")) if place.is_dir() else [place]
        for path in inside:
            if not any(p.startswith(".") for p in path.relative_to(place).parts):
                paths[path.resolve()] = None
    return list(paths)


@cache
def kernels() -> set[str]:
    """Return the names of the kernels that are here and can be started."""
    specs = KernelSpecManager().get_all_specs()
    argv = {name: spec["spec"].get("argv") or [""] for name, spec in specs.items()}
    return {"python3", "python", *(n for n, a in argv.items() if shutil.which(a[0]))}


def passed_over(path: Path) -> str:
    """Return why a notebook cannot be run, or ""."""
    try:
        raw = json.loads(path.read_text("utf-8"))
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except ValueError as error:
        return f"is not JSON ({error})"
    if not isinstance(raw, dict) or "nbformat" not in raw:
        return "is no notebook"
    if raw["nbformat"] != 4:
        return f"has the format {raw['nbformat']}; convert it with jupyter nbconvert"
    try:
        metadata = raw.get("metadata", {}).get("kernelspec", {})
        name = metadata.get("name", "python3")
        cells = [cell["cell_type"] for cell in raw["cells"]]
        [("".join(c["source"]), c["outputs"]) for c in raw["cells"] if "outputs" in c]
    except (KeyError, TypeError, AttributeError) as error:
        return f"has not the form of a notebook ({error!r})"
    if name not in kernels():
        return f"wants the kernel “{name}”, which is not installed"
    return "" if "code" in cells else "has no code"


def counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def look(places: Iterable[Path], limit: float) -> bool:
    """Re-execute the notebooks; print what differs, and counts; tell if none does."""
    paths = found_in(places)
    if not paths:
        raise NotebookError("There is no notebook there.")
    root = Path(paths[0]).parent
    while not all(path.is_relative_to(root) for path in paths):
        root = root.parent
    book = Book(root, root)
    reasons = {path: passed_over(path) for path in paths}
    good = [path for path, reason in reasons.items() if not reason]
    verdicts = check.run(book, good, quiet=True, limit=limit)[1] if good else []
    for verdict in sorted(verdicts, key=lambda v: v.cell.partition(", code cell")[0]):
        if verdict.differs:
            said = verdict.said.removeprefix(f"{verdict.cell}: ")
            kind = f"{verdict.cell}: {verdict.kind}"
            print(kind + said.rstrip() if said[:1] == "\n" else f"{kind}: {said}")
    for path, reason in reasons.items():
        if reason:
            print(f"{book.name_of(path)}: passed over: it {reason}.")
    kinds = Counter(verdict.kind for verdict in verdicts)
    differ = sum(verdict.differs for verdict in verdicts)
    listed = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind])
    parts = [
        f"{counted(len(good), 'notebook')}, {counted(len(verdicts), 'code cell')}",
        f"{kinds['']} same",
        f"{differ} differ" + f" ({listed})" * bool(listed),
        f"{kinds['unstored']} with nothing stored" * bool(kinds["unstored"]),
        f"{kinds['skipped']} not run" * bool(kinds["skipped"]),
        f"{counted(len(paths) - len(good), 'notebook')} passed over"
        * (len(paths) > len(good)),
    ]
    print("; ".join(filter(None, parts)) + ".")
    return not differ
