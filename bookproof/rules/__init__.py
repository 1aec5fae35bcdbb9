"""The rules of a book, by what they are about.

A rule is a function that takes a Page and yields (cell id, what is wrong and what to
do). Rules only read; contract.py has the list of them.
"""

from collections.abc import Callable, Iterable, Iterator

from bookproof.book import Finding, Page

Rule = Callable[[Page], Iterable[Finding]]


def broken(pages: Iterable[Page], rules: Iterable[Rule]) -> Iterator[str]:
    """Say where these rules are broken: “demo, cell say: was never executed.”"""
    for page in pages:
        for rule in rules:
            for cell_id, what in rule(page):
                yield f"{page.name}{f', cell {cell_id}' * bool(cell_id)}: {what}."
