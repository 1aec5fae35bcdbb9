"""The one command line: `python -m bookproof check|refresh|sync|new|rules|vary|report`.

Each function below is a command: it calls the module that does the work, prints what
that found, and returns the exit status: 0 all is right, 1 something differs or is to
be mended, 2 the command could not do its work. Every error is caught in `main`.
Modules are imported where they are used, so that what needs no kernel costs no second.
"""

import argparse
import sys
from pathlib import Path

from bookproof.book import Book, NotebookError, Page, here, select


def check(book: Book, asked: argparse.Namespace) -> int:
    """re-execute and compare: lessons of this book, or any notebooks and folders"""
    from bookproof import check, contract, foreign

    places = [Path(name) for name in asked.what if Path(name).exists()]
    if len(places) < len(asked.what) and (places or not book.configured):
        lost = next(name for name in asked.what if not Path(name).exists())
        raise NotebookError(f"There is no {lost}.")
    if places or not book.configured:
        return 0 if foreign.look(places or [Path()], asked.timeout) else 1
    paths = [path for what in asked.what or [""] for path in select(book, what)]
    for path in paths:
        Page.read(path, book)  # else nothing can be run
    english = [path for path in paths if not book.translates(path)]
    right, _ = check.run(book, english, asked.also, limit=asked.timeout)
    kept = contract.report(book, paths) == 0
    return 0 if right and kept else 1


def rules(book: Book, asked: argparse.Namespace) -> int:
    """check what needs no kernel"""
    from bookproof import contract

    return 1 if contract.report(book, select(book, asked.lesson)) else 0


def refresh(book: Book, asked: argparse.Namespace) -> int:
    """execute, and store the outputs"""
    from bookproof import refresh

    return say_changed(refresh.refresh(book, asked.lesson), "Stored new outputs")


def sync(book: Book, asked: argparse.Namespace) -> int:
    """bring the translation in step, and list what is stale"""
    from bookproof import sync

    changed = sync.sync(book, asked.lesson, asked.translated)
    todo = sync.left(book, asked.lesson)
    print("\n".join(todo), end="\n" if todo else "")
    say_changed(changed, "Written")
    count = f"{len(todo)} text{'s' * (len(todo) > 1)} to mend."
    print(count if todo else "Every text is translated.")
    return 0


def new(book: Book, asked: argparse.Namespace) -> int:
    """start a lesson, its solutions and their translations"""
    from bookproof import new, refresh, sync

    written = new.new(book, asked.lesson, asked.title)
    names = [book.name_of(path) for path in written]
    refresh.refresh(book, asked.lesson)
    if book.translation:
        names += sync.sync(book, asked.lesson)
    say_changed(names, "Written")
    todo = book.command("test" if book.make else "check", asked.lesson)
    print(f"{todo} lists what is to be written.")
    return 0


def vary(book: Book, asked: argparse.Namespace) -> int:
    """run on machines that round otherwise"""
    from bookproof import vary

    return 1 if vary.vary(book, asked.lesson, asked.seeds) else 0


def report(book: Book, asked: argparse.Namespace) -> int:
    """show what this environment prints differently, side by side"""
    from bookproof import report

    report.report(book, asked.lesson)
    return 0


def mutate(book: Book, asked: argparse.Namespace) -> int:
    """alter code and outputs: what does no check notice?"""
    from bookproof.mutate import mutate

    mutate.run(book, asked.lesson)
    return 0


def say_changed(names: list[str], what: str) -> int:
    print(f"{what}: {', '.join(names)}." if names else "No file changed.")
    return 0


COMMANDS = (check, rules, refresh, sync, new, vary, report, mutate)


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="python -m bookproof", description=__doc__)
    kinds = whole.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        each = kinds.add_parser(command.__name__, help=command.__doc__)
        each.set_defaults(command=command)
        if command is check:
            each.add_argument("what", nargs="*", help="lessons, notebooks or folders")
            each.add_argument("--timeout", type=float, default=120, help="per cell")
            each.add_argument("--also", nargs="*", default=[], help="pytest's too")
        else:
            optional = None if command is new else "?"
            each.add_argument("lesson", nargs=optional, default="", help="its name")
        if command is sync:
            each.add_argument("--translated", default="", help="x or x:cell, rewritten")
        if command is new:
            each.add_argument("title", help="what it is about")
        if command is vary:
            each.add_argument("--seeds", type=int, default=2, help="how many machines")
    return whole


def main() -> int:
    asked = parser().parse_args()
    try:
        return asked.command(here(), asked)
    except NotebookError as error:
        said = f"{asked.command.__name__}: {error}"
    except OSError as error:
        said = f"{asked.command.__name__}: {error.filename}: {error.strerror}."
    except KeyboardInterrupt:
        print("\nInterrupted; no notebook was changed.", file=sys.stderr)
        return 130
    print(f"{said}\nNo notebook was changed.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
