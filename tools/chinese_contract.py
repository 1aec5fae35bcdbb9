"""The translation contract: how the Chinese is written, and its terms.

The terms are those of book/glossary.tsv. Its columns: the English forms, and the
Chinese ones, joined by “|”; renderings that are not used; a note, which has the words
首次出现附英文 if the term's first use gives the English too. See contract.py for what
a rule is. Rules only read.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from editions import (
    CODE,
    HAN,
    english_of,
    is_chinese,
    prose_of,
    readable,
    translatables,
)
from notebooks import Page, lesson_of
from parallel_contract import parts, plain_prose
from prose import plain, tokens

GLOSSARY = Path(__file__).resolve().parents[1] / "book" / "glossary.tsv"
H = HAN.pattern[1:-1]
F = "，。：；？！“”（）、…"  # full-width punctuation
SHAPE = re.compile(r"\([\w, −-]+\)")  # (256, 20) stays half-width
NUMBERED = re.compile(r"^\s*\d+\. ")  # a heading's number
SPACE = "[ \t\u00a0\u3000]"
FAULTS = [
    (
        re.compile(rf"[{H}{F}]{SPACE}*[,.:;?!()]|[,.:;?!()]{SPACE}*[{H}{F}]"),
        "half-width punctuation in “{}”; use ，。：；？！（）",
    ),
    (re.compile(r"[\w)][,.:;?!]$", re.M), "ends half-width: “{}”; use 。：；？！"),
    (
        re.compile(rf"[{H}]{SPACE}+[\w{F}]|\w{SPACE}+[{H}]|[{F}]{SPACE}+\S"),
        "a space in “{}”; Chinese and Latin script stand together",
    ),
    (re.compile("[\"'\u2018\u2019]"), "the quotes in “{}”; use “”"),
    (
        re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"),
        "full-width digits or letters in “{}”",
    ),
    (re.compile("您"), "“{}”; the reader is 你"),
]
MARKS = {"：": 4, "；": 2}  # how many of each in 1,000 characters of a lesson
LATIN = re.compile(r"\b[A-Za-z]?[a-z]{2,}\b")
FIRST = "首次出现附英文"

Finding = tuple[str, str]


@dataclass(frozen=True)
class Term:
    """A row of the glossary."""

    english: list[str]
    chinese: list[str]
    unused: list[str]
    note: str

    def introduced(self, prose: str) -> bool:
        """Tell whether `prose` gives the English in parentheses after the term."""
        either, forms = "|".join(self.chinese), "|".join(self.english)
        return bool(
            re.search(rf"(?:{either})[^，。]{{0,4}}[（，](?:{forms})", prose, re.I)
        )


@cache
def glossary() -> list[Term]:
    """Return the rows of the glossary."""
    with GLOSSARY.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Term(
            *(row[key].split("|") for key in ("English", "中文")),
            row["不用"].split("|"),
            row["note"],
        )
        for row in rows
    ]


@cache
def _terms() -> tuple[re.Pattern, dict[str, Term]]:
    forms = {form.lower(): term for term in glossary() for form in term.english}
    longest = sorted(map(re.escape, forms), key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(longest)})(?:e?s)?\b", re.IGNORECASE), forms


def terms_in(english: str) -> list[Term]:
    """Return the terms in an English text: “hidden layers” is one, and not “layer”."""
    pattern, forms = _terms()
    text = re.sub("for example", "", " ".join(english.split()), flags=re.IGNORECASE)
    found = {form.lower(): None for form in pattern.findall(text)}
    return [forms[form] for form in found]


def terms(page: Page) -> Iterator[Finding]:
    """A term of the glossary is always rendered the same way."""
    if not is_chinese(page) or not (english := english_of(page)):
        return
    originals = translatables(english)
    for cell_id, text in translatables(page).items():
        prose = prose_of(text)
        for term in glossary():
            for form in filter(prose.__contains__, filter(None, term.unused)):
                yield cell_id, f"“{form}” is not used; write “{term.chinese[0]}”"
        if not HAN.search(prose):
            continue  # said by translated()
        for term in terms_in(prose_of(originals.get(cell_id, ""))):
            if not any(form in prose for form in term.chinese):
                wanted = "” or “".join(term.chinese)
                yield (
                    cell_id,
                    f"“{term.english[0]}” is “{wanted}” in the glossary; use it",
                )


def typography(page: Page) -> Iterator[Finding]:
    """Punctuation is full-width, and no space stands beside a Chinese character."""
    if is_chinese(page):
        for cell_id, text in translatables(page).items():
            for what in misset(text):
                yield cell_id, what


def misset(text: str) -> Iterator[str]:
    """Say what in a Chinese Markdown text is against the rules of typesetting."""
    for _, found in parts(text):
        prose = SHAPE.sub(CODE, NUMBERED.sub("", plain_prose(found)))
        for pattern, what in FAULTS if HAN.search(prose) else ():
            if hit := pattern.search(prose):
                around = prose[max(0, hit.start() - 6) : hit.end() + 6]
                yield what.format(readable(around))


def few_colons(page: Page) -> Iterator[Finding]:
    """A lesson in Chinese is made of sentences, not of colons and semicolons."""
    name = lesson_of(page.path)
    if not is_chinese(page) or name == "index" or page.path.parent.name == "solutions":
        return
    prose = "".join(prose_of(cell.source) for cell in page.prose)
    length = len(HAN.findall(prose))
    for mark, most in MARKS.items():
        count = prose.count(mark)
        if length and 1000 * count > most * length and count > most:
            yield (
                "",
                f"has {1000 * count / length:.1f} “{mark}” in 1,000 characters, and"
                f" {most} is the most; write sentences with 即, 因为, 也就是",
            )


def no_english_left(page: Page) -> Iterator[Finding]:
    """No part of a translated cell is still in English: a heading, say, or a picture's
    alternative text."""
    if not is_chinese(page):
        return
    for cell_id, text in translatables(page).items():
        if not HAN.search(text):
            continue  # said by translated()
        pieces = [(kind, plain_prose(found)) for kind, found in parts(text)]
        pieces += [("pictures", plain(t)) for t in tokens(text) if t["type"] == "image"]
        for kind, prose in pieces:
            few = 1 if kind.startswith(("headings", "pictures")) else 3
            if not HAN.search(prose) and len(LATIN.findall(prose)) >= few:
                yield cell_id, f"is left in English: “{readable(prose)}”; translate it"


def glossary_table(page: Page) -> Iterator[Finding]:
    """The terms that the index shows its readers are those of the glossary."""
    if lesson_of(page.path) != "index":
        return
    known = {(term.english[0], term.chinese[0]) for term in glossary()}
    for cell in page.prose:
        if cell.id != "terms":
            continue
        texts = [plain(t) for t in tokens(cell.source) if t["type"] == "table_cell"]
        rows = list(zip(texts[::2], texts[1::2], strict=False))[1:]
        for row in rows:
            pair = row[::-1] if is_chinese(page) else row
            if pair not in known:
                yield cell.id, f"“{' | '.join(row)}” is no row of book/glossary.tsv"
        if not rows:
            yield cell.id, "has no table of terms; restore it"


RULES = [terms, typography, few_colons, no_english_left, glossary_table]
