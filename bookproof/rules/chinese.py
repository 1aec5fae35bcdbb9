"""Rules about Chinese text: what it shares with the English, its terms, its style.

Used if the settings name a translation. Headings, paragraphs, list items and table
cells correspond one to one, and so do the links, formulas, code and numbers in each.
Terms are those of the glossary, a table of four columns: the English forms, and the
Chinese ones, joined by “|”; renderings that are not used; a note, which has the words
首次出现附英文 if the term's first use on each page gives the English too.
"""

import csv
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path

from bookproof.book import Finding, Page
from bookproof.editions import HAN, english_of, named, read, translatables
from bookproof.markdown import (
    CODE,
    Token,
    aim,
    anchors,
    plain,
    plain_prose,
    prose_of,
    readable,
    tokens,
)

# What both languages have in common.

# What begins a part of a text; any other token belongs to the part before it.
PARTS = {
    "heading": "headings of level",
    "paragraph": "paragraphs",
    "list_item": "list items",
    "table_cell": "table cells",
    "block_code": "blocks of code",
    "block_html": "pieces of HTML",
    "block_math": "displayed formulas",
    "block_quote": "quotations",
}
WORDS = re.compile(r"\\text\{(?!in\}|out\})[^}]*\}\s*")  # of a formula: translated
GLOSS = re.compile("（[^（）]*）")
LINKS = "links and pictures"


def parallel(page: Page) -> Iterator[Finding]:
    """The parts of both texts correspond, and what is in them."""
    if not (english := english_of(page)):
        return
    mine = translatables(page)
    for cell_id, text in translatables(english).items():
        if cell_id not in mine:
            continue  # said by shared() or translated()
        here, there = parts(mine[cell_id]), parts(text)
        kinds = [[kind for kind, _ in each] for each in (here, there)]
        if kinds[0] != kinds[1]:
            yield cell_id, f"{miscounted(*map(Counter, kinds))}; make them correspond"
            continue
        for (kind, chinese), (_, original) in zip(here, there, strict=True):
            for what in different(page, chinese, english, original):
                where = f" ({kind}: “{start(chinese)}”)" if len(here) > 1 else ""
                yield cell_id, f"{what}{where}; make them correspond"
            if kind == "headings of level 2":
                name, was = plain(chinese[0]), f"## {plain(original[0])}"
                wanted = named(was, page.book).removeprefix("## ")
                if wanted not in (name, was.removeprefix("## ")):
                    yield cell_id, f"the section “{name}” is called “{wanted}”; use it"


def parts(text: str) -> list[tuple[str, list[Token]]]:
    """Return the headings, paragraphs, ... of a text with the tokens of each."""
    found: list[tuple[str, list[Token]]] = [("text", [])]
    for token in tokens(text):
        if token["type"] in PARTS:
            level = f" {token['attrs']['level']}" if token["type"] == "heading" else ""
            found.append((PARTS[token["type"]] + level, []))
        found[-1][1].append(token)
    return found[1:]


def miscounted(here: Counter, there: Counter) -> str:
    """Say which parts there are more of in one language."""
    for kind in sorted(here | there):
        if here[kind] != there[kind]:
            return f"{kind}: {here[kind]} here, {there[kind]} in English"
    return "its parts are in another order than in English"


def start(found: list[Token]) -> str:
    text = readable(plain_prose(found))
    return text if len(text) < 20 else f"{text[:18]}…"


def different(
    page: Page, chinese: list[Token], english: Page, original: list[Token]
) -> Iterator[str]:
    """Say what the two versions of a part do not have in common."""
    mine, theirs = held(page, chinese), held(english, original)
    for name, here in mine.items():
        if here != theirs[name]:
            yield apart(name, here - theirs[name], theirs[name] - here)
    prose, wanted = plain_prose(chinese), plain_prose(original)
    here, there = numbers(prose), numbers(wanted)
    added = numbers(GLOSS.sub("", prose)) - there  # a translator's note may add some
    for value in spelt(wanted) | {"0", "1"}:
        del added[value]  # “two” may be 2
    if there - here or added:
        yield apart("numbers", added, there - here)


def apart(name: str, here: Counter, there: Counter) -> str:
    """Say what one language has and the other has not."""
    mine, theirs = (", ".join(sorted(each.elements())) for each in (here, there))
    found = [f"here {mine}"] * bool(mine) + [f"in English {theirs}"] * bool(theirs)
    return f"other {name}: {' and '.join(found)}"


def held(page: Page, found: list[Token]) -> dict[str, Counter]:
    """Count what a part holds that is the same in every language."""
    kinds = {name: Counter() for name in ("formulas", "code words", LINKS)}
    for token in found:
        match token["type"]:
            case "inline_math" | "block_math":  # the words in it are translated
                kinds["formulas"][WORDS.sub("", token["raw"])] += 1
            case "codespan" | "block_code":
                kinds["code words"][token["raw"].strip()] += 1
            case "link" | "image" as kind:
                place = f"{kind} {place_of(page, token['attrs']['url'])}"
                kinds[LINKS][place] += 1
    return kinds


def place_of(page: Page, target: str) -> str:
    """Return where a link leads: a path below the edition, or else the repository.

    A drawing in Chinese, named x.zh.svg, stands for x.svg.
    """
    if re.match(r"[a-z]+:", target):
        return target
    path, anchor = aim(page, target)
    home, root = page.home.resolve(), page.book.root.resolve()
    name = os.path.relpath(path, home if path.is_relative_to(home) else root)
    if anchor and (there := read(path, page.book)):
        known = anchors(there)
        name += f" heading {known.index(anchor) + 1 if anchor in known else '?'}"
    return name.replace(".zh.svg", ".svg")


# Numbers in prose, English or Chinese: 38.6 million is 3860万.

UNITS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9}  # powers of ten
UNITS |= {"百": 2, "千": 3, "万": 4, "亿": 8}
UNIT = "|".join(UNITS)
NUMBER = re.compile(rf"(\d{{1,3}}(?:,\d{{3}})+|\d+)(\.\d+)?((?: ?(?:{UNIT}))*)")
ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen"
ONES += " fourteen fifteen sixteen seventeen eighteen nineteen"
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
VALUES = {word: value for value, word in enumerate(ONES.split())}
VALUES |= {word: 10 * value for value, word in enumerate(TENS.split(), start=2)}


def numbers(prose: str) -> Counter:
    """Count the numbers in digits by value: 5,120 is 5120."""
    found = Counter()
    for whole, fraction, units in NUMBER.findall(prose):
        value = Decimal(whole.replace(",", "") + fraction)
        for unit in re.findall(UNIT, units):
            value = value.scaleb(UNITS[unit])
        found[f"{value.normalize():f}"] += 1
    return found


def spelt(prose: str) -> set[str]:
    """Return the numbers in English words, in digits, as in “zeros”, “six million”."""
    words, found = re.findall("[a-z]+", prose.lower()), set()
    for word, unit in pairwise([*words, ""]):
        value = VALUES.get(word, VALUES.get(word.removesuffix("s")))
        if value is not None:
            found |= {str(value), str(value * 10 ** UNITS.get(unit, 0))}
    return found


# How the Chinese is written.

H = HAN.pattern[1:-1]
F = "，。：；？！“”（）、…"  # full-width punctuation
SHAPE = re.compile(r"\([\w, −-]+\)")  # (256, 20) stays half-width
NUMBERED = re.compile(r"^\s*\d+\. ")  # a heading's number
SPACE = "[ \t\u00a0\u3000]"
HALF, MARKED = "[,.:;?!()]", "half-width punctuation in “{}”; use ，。：；？！（）"
SPACED = "a space in “{}”; Chinese and Latin script stand together"
FAULTS = {
    rf"[{H}{F}]{SPACE}*{HALF}|{HALF}{SPACE}*[{H}{F}]": MARKED,
    r"[\w)][,.:;?!](?m:$)": "ends half-width: “{}”; use 。：；？！",
    rf"[{H}]{SPACE}+[\w{F}]|\w{SPACE}+[{H}]|[{F}]{SPACE}+\S": SPACED,
    "[\"'\u2018\u2019]": "the quotes in “{}”; use “”",
    "[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]": "full-width digits or letters in “{}”",
    "您": "“{}”; the reader is 你",
}
MARKS = {"：": 4, "；": 2}  # how many of each in 1,000 characters of a lesson
LATIN = re.compile(r"\b[A-Za-z]?[a-z]{2,}\b")
FIRST = "首次出现附英文"
TABLE = "terms"  # the cell of the index that shows some, in both languages


@dataclass(frozen=True)
class Term:
    """A row of the glossary."""

    english: list[str]
    chinese: list[str]
    unused: list[str]
    note: str

    def used(self, prose: str) -> bool:
        return any(form in prose for form in self.chinese)

    def introduced(self, prose: str) -> bool:
        """Tell whether `prose` gives the English in parentheses after the term."""
        either, forms = "|".join(self.chinese), "|".join(self.english)
        return bool(
            re.search(rf"(?:{either})[^，。]{{0,4}}[（，](?:{forms})", prose, re.I)
        )


@cache
def glossary(path: Path | None) -> list[Term]:
    """Return the rows of the glossary."""
    if path is None:
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    columns = ("English", "中文", "不用")
    return [Term(*(row[c].split("|") for c in columns), row["note"]) for row in rows]


@cache
def _terms(path: Path | None) -> tuple[re.Pattern, dict[str, Term]]:
    forms = {form.lower(): term for term in glossary(path) for form in term.english}
    longest = sorted(map(re.escape, forms), key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(longest)})(?:e?s)?\b", re.IGNORECASE), forms


def terms_in(english: str, path: Path | None) -> list[Term]:
    """Return the terms in an English text: “hidden layers” is one, and not “layer”."""
    pattern, forms = _terms(path)
    text = re.sub("for example", "", " ".join(english.split()), flags=re.IGNORECASE)
    found = dict.fromkeys(form.lower() for form in pattern.findall(text))
    return [forms[form] for form in found]


def terms(page: Page) -> Iterator[Finding]:
    """A term of the glossary is always rendered the same way."""
    if not (english := english_of(page)):
        return
    originals, path = translatables(english), page.book.glossary
    for cell_id, text in translatables(page).items():
        prose = prose_of(text)
        for term in glossary(path):
            for form in filter(prose.__contains__, filter(None, term.unused)):
                yield cell_id, f"“{form}” is not used; write “{term.chinese[0]}”"
        if not HAN.search(prose):
            continue  # said by translated()
        for term in terms_in(prose_of(originals.get(cell_id, "")), path):
            if not term.used(prose):
                name, wanted = term.english[0], "” or “".join(term.chinese)
                yield cell_id, f"“{name}” is “{wanted}” in the glossary; use it"


def first_use(page: Page) -> Iterator[Finding]:
    """A page gives the English of a term where it is first used, if the glossary says
    so; in a heading, an alternative text or the solutions it need not."""
    wanted = [term for term in glossary(page.book.glossary) if FIRST in term.note]
    if not page.is_translation or page.path.parent != page.home:
        return
    seen = ""
    for cell in page.prose:
        seen += prose_of(cell.source)
        found = (each for kind, each in parts(cell.source) if "heading" not in kind)
        prose = "\n".join(map(plain_prose, found))
        for term in [term for term in wanted if term.used(prose)]:
            wanted.remove(term)
            if not term.introduced(seen) and cell.id != TABLE:
                name, gloss = term.chinese[0], f"（{term.english[0]}）"
                said = f"“{name}” is used first, and without its English"
                yield cell.id, f"{said}; write “{name}{gloss}”"


def typography(page: Page) -> Iterator[Finding]:
    """Punctuation is full-width, and no space stands beside a Chinese character."""
    for cell_id, text in translatables(page).items() if page.is_translation else ():
        for what in misset(text):
            yield cell_id, what


def misset(text: str) -> Iterator[str]:
    """Say what in a Chinese Markdown text is against the rules of typesetting."""
    for _, found in parts(text):
        prose = SHAPE.sub(CODE, NUMBERED.sub("", plain_prose(found)))
        for pattern, what in FAULTS.items() if HAN.search(prose) else ():
            if hit := re.search(pattern, prose):
                around = prose[max(0, hit.start() - 6) : hit.end() + 6]
                yield what.format(readable(around))


def few_colons(page: Page) -> Iterator[Finding]:
    """A lesson in Chinese is made of sentences, not of colons and semicolons."""
    if page.path.parent != page.home or page.lesson == "index":
        return
    prose = "".join(prose_of(cell.source) for cell in page.prose)
    thousands = len(HAN.findall(prose)) / 1000
    for mark, most in MARKS.items() if page.is_translation else ():
        if (count := prose.count(mark)) > most * max(1, thousands):
            said = f"has {count} “{mark}”, more than {most} in 1,000 characters"
            yield "", f"{said}; write sentences with 即, 因为, 也就是"


def no_english_left(page: Page) -> Iterator[Finding]:
    """No part of a translated cell is still in English: a heading, say, or a picture's
    alternative text."""
    for cell_id, text in translatables(page).items() if page.is_translation else ():
        pieces = [(kind, plain_prose(found)) for kind, found in parts(text)]
        pieces += [("pictures", plain(t)) for t in tokens(text) if t["type"] == "image"]
        for kind, prose in pieces if HAN.search(text) else ():
            few = 1 if kind.startswith(("headings", "pictures")) else 3
            if not HAN.search(prose) and len(LATIN.findall(prose)) >= few:
                yield cell_id, f"is left in English: “{readable(prose)}”; translate it"


def glossary_table(page: Page) -> Iterator[Finding]:
    """The terms that the index shows its readers are those of the glossary."""
    path = page.book.glossary
    known = {(term.english[0], term.chinese[0]) for term in glossary(path)}
    shown = page.lesson == "index" and known
    for cell in page.prose if shown else ():
        texts = [plain(t) for t in tokens(cell.source) if t["type"] == "table_cell"]
        for row in list(zip(texts[::2], texts[1::2], strict=False))[1:]:
            if (
                cell.id == "terms"
                and row[:: -1 if page.is_translation else 1] not in known
            ):
                named = path.relative_to(page.book.root)
                yield cell.id, f"“{' | '.join(row)}” is no row of {named}"


RULES = [parallel, terms, first_use, glossary_table]
RULES += [typography, few_colons, no_english_left]
