"""Rules about Chinese text: what it shares with the English, its terms, its style.

Used if the settings name a translation. Headings, paragraphs, list items and table
cells correspond one to one, and so do the links, formulas, code and numbers in each.
Terms are those of the glossary, a table of four columns: the English forms, and the
Chinese ones, joined by “|”; renderings that are not used; a note, which has the words
首次出现附英文 if the term's first use gives the English too.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from bookproof.book import Page
from bookproof.editions import HAN, english_of, read, translatables
from bookproof.markdown import (
    CODE,
    Tags,
    headings,
    plain,
    plain_prose,
    prose_of,
    readable,
    tokens,
)

Finding = tuple[str, str]

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

Part = tuple[str, list[dict]]


def parallel(page: Page) -> Iterator[Finding]:
    """The parts of both texts correspond, and what is in them."""
    if not page.is_translation or not (english := english_of(page)):
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


def parts(text: str) -> list[Part]:
    """Return the headings, paragraphs, ... of a text with the tokens of each."""
    found: list[Part] = [("text", [])]
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


def start(found: list[dict]) -> str:
    text = readable(plain_prose(found))
    return text if len(text) < 20 else f"{text[:18]}…"


def different(
    page: Page, chinese: list[dict], english: Page, original: list[dict]
) -> Iterator[str]:
    """Say what the two versions of a part do not have in common."""
    pairs = {
        "formulas": (formulas(chinese), formulas(original)),
        "code words": (code(chinese), code(original)),
        "links and pictures": (links(page, chinese), links(english, original)),
    }
    for name, (here, there) in pairs.items():
        if here != there:
            yield apart(name, here - there, there - here)
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


def formulas(found: list[dict]) -> Counter:
    """Count the formulas, without the words in them."""
    raw = [t["raw"] for t in found if t["type"] in ("inline_math", "block_math")]
    for token in found:
        if token["type"] in ("block_html", "inline_html"):
            raw += re.findall(r"\$([^$]+)\$", token["raw"])
    return Counter(WORDS.sub("", formula) for formula in raw)


def code(found: list[dict]) -> Counter:
    """Count what is set as code."""
    raw = [t["raw"].strip() for t in found if t["type"] in ("codespan", "block_code")]
    for token in found:
        if token["type"] in ("block_html", "inline_html"):
            raw += re.findall("`([^`]+)`", token["raw"])
            raw += re.findall("<code>(.*?)</code>", token["raw"])
    return Counter(raw)


def links(page: Page, found: list[dict]) -> Counter:
    """Count where links and pictures lead, in words that fit both languages."""
    aims = [
        (t["type"], t["attrs"]["url"]) for t in found if "url" in t.get("attrs", {})
    ]
    for token in found:
        if token["type"] in ("block_html", "inline_html"):
            aims += [(kind, aim) for kind, aim, _ in Tags(token["raw"]).found]
    return Counter(place(page, kind, aim) for kind, aim in aims)


def place(page: Page, kind: str, target: str) -> str:
    """Return where a link leads: a path below the edition, or else the repository.

    A drawing in Chinese, named x.zh.svg, stands for x.svg.
    """
    if re.match(r"[a-z]+:", target):
        return f"{kind} {target}"
    file, _, anchor = unquote(target).partition("#")
    path = (page.path.parent / file).resolve() if file else page.path.resolve()
    for root in (page.home.resolve(), page.book.root.resolve()):
        if path.is_relative_to(root):
            name = path.relative_to(root).as_posix()
            name = name.removesuffix(".zh.svg") + ".svg" * name.endswith(".zh.svg")
            break
    else:
        name = str(path)
    if anchor and (there := read(path, page.book) if path.exists() else None):
        known = [text.replace(" ", "-") for _, _, text in headings(there)]
        name += f" heading {known.index(anchor) + 1 if anchor in known else '?'}"
    return f"{kind} {name}"


# Numbers in prose, English or Chinese: 38.6 million is 3860万.

UNITS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9}  # powers of ten
UNITS |= {"百": 2, "千": 3, "万": 4, "亿": 8}
UNIT = "|".join(UNITS)
NUMBER = re.compile(rf"(\d{{1,3}}(?:,\d{{3}})+|\d+)(\.\d+)?((?: ?(?:{UNIT}))*)")
UP_TO_TWELVE = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
STEMS = ("thir", "four", "fif", "six", "seven", "eigh", "nine")
VALUES = {word: value for value, word in enumerate(UP_TO_TWELVE)}
VALUES |= {f"{stem}teen": value for value, stem in enumerate(STEMS, start=13)}
VALUES |= {f"{stem}ty": 10 * value for value, stem in enumerate(STEMS, start=3)}
VALUES |= {"twenty": 20, "forty": 40}


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
        word = word if word in VALUES else word.removesuffix("s")
        if word in VALUES:
            found |= {str(VALUES[word]), str(VALUES[word] * 10 ** UNITS.get(unit, 0))}
    return found


# How the Chinese is written.

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
def glossary(path: Path | None) -> list[Term]:
    """Return the rows of the glossary."""
    if path is None:
        return []
    with path.open(encoding="utf-8", newline="") as file:
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
def _terms(path: Path | None) -> tuple[re.Pattern, dict[str, Term]]:
    forms = {form.lower(): term for term in glossary(path) for form in term.english}
    longest = sorted(map(re.escape, forms), key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(longest)})(?:e?s)?\b", re.IGNORECASE), forms


def terms_in(english: str, path: Path | None) -> list[Term]:
    """Return the terms in an English text: “hidden layers” is one, and not “layer”."""
    pattern, forms = _terms(path)
    text = re.sub("for example", "", " ".join(english.split()), flags=re.IGNORECASE)
    found = {form.lower(): None for form in pattern.findall(text)}
    return [forms[form] for form in found]


def terms(page: Page) -> Iterator[Finding]:
    """A term of the glossary is always rendered the same way."""
    if not page.is_translation or not (english := english_of(page)):
        return
    originals = translatables(english)
    for cell_id, text in translatables(page).items():
        prose = prose_of(text)
        for term in glossary(page.book.glossary):
            for form in filter(prose.__contains__, filter(None, term.unused)):
                yield cell_id, f"“{form}” is not used; write “{term.chinese[0]}”"
        if not HAN.search(prose):
            continue  # said by translated()
        for term in terms_in(prose_of(originals.get(cell_id, "")), page.book.glossary):
            if not any(form in prose for form in term.chinese):
                wanted = "” or “".join(term.chinese)
                yield (
                    cell_id,
                    f"“{term.english[0]}” is “{wanted}” in the glossary; use it",
                )


def typography(page: Page) -> Iterator[Finding]:
    """Punctuation is full-width, and no space stands beside a Chinese character."""
    if page.is_translation:
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
    other = page.lesson == "index" or page.path.parent.name == "solutions"
    if other or not page.is_translation:
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
    if not page.is_translation:
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
    path = page.book.glossary
    if page.lesson != "index" or not path:
        return
    known = {(term.english[0], term.chinese[0]) for term in glossary(path)}
    named = path.relative_to(page.book.root)
    for cell in page.prose:
        if cell.id != "terms":
            continue
        texts = [plain(t) for t in tokens(cell.source) if t["type"] == "table_cell"]
        rows = list(zip(texts[::2], texts[1::2], strict=False))[1:]
        for row in rows:
            pair = row[::-1] if page.is_translation else row
            if pair not in known:
                yield cell.id, f"“{' | '.join(row)}” is no row of {named}"
        if not rows:
            yield cell.id, "has no table of terms; restore it"


RULES = [parallel, terms, typography, few_colons, no_english_left, glossary_table]
