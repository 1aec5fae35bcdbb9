"""The translation contract: what a text and its translation have in common.

Headings, paragraphs, list items and table cells correspond one to one, and so do the
links, pictures, formulas, code and numbers in each. See contract.py for what a rule
is. Rules only read.
"""

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

from editions import english_of, is_chinese, plain_prose, read, readable, translatables
from notebooks import Page
from numerals import numbers, spelt
from prose import Tags, headings, tokens

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

Finding = tuple[str, str]
Part = tuple[str, list[dict]]


def parallel(page: Page) -> Iterator[Finding]:
    """The parts of both texts correspond, and what is in them."""
    if not is_chinese(page) or not (english := english_of(page)):
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
    chapter = page.chapter.resolve()
    edition = chapter / "zh" if is_chinese(page) else chapter
    for root in (edition, chapter.parent):
        if path.is_relative_to(root):
            name = path.relative_to(root).as_posix()
            name = name.removesuffix(".zh.svg") + ".svg" * name.endswith(".zh.svg")
            break
    else:
        name = str(path)
    if anchor and (there := read(path, page.chapter) if path.exists() else None):
        known = [text.replace(" ", "-") for _, _, text in headings(there)]
        name += f" heading {known.index(anchor) + 1 if anchor in known else '?'}"
    return f"{kind} {name}"


RULES = [parallel]
