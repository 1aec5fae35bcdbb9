"""The translation contract: what holds between an English page and its Chinese one.

Both editions share every code cell and output; each Chinese Markdown cell records, as
`translates` in its metadata, the hash of the English text it was written for. So an
edited English sentence makes exactly one Chinese cell stale. See contract.py for what
a rule is. Everything here only reads; `make sync` (sync.py) writes.
"""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from notebooks import NotebookError, NotebookNode, Page
from prose import headings, targets, tokens

GLOSSARY = Path(__file__).resolve().parents[1] / "book" / "glossary.tsv"
HAN = "[\u4e00-\u9fff]"
FULL = "[\u4e00-\u9fff，。：；？！“”（）、]"
SHAPE = re.compile(r"\([\w, −-]+\)")  # (256, 20) stays half-width
HALF_WIDTH = re.compile(rf"{FULL}[,.:;?!()]|[,.:;?!()]{FULL}")
SPACED = re.compile(rf"{HAN} +[\w{FULL[1:]}|\w +{HAN}|[，。：；？！“”（）、] +\w")
WORDS = re.compile(r"\\text\{(?!in\}|out\})[^}]*\}\s*")  # of a formula: translated

Finding = tuple[str, str]


def is_chinese(page: Page) -> bool:
    return page.name.startswith("zh/")


def english_path(page: Page) -> Path:
    return page.chapter / page.path.relative_to(page.chapter / "zh")


def chinese_path(page: Page) -> Path:
    return page.chapter / "zh" / page.path.relative_to(page.chapter)


def source_hash(english: str) -> str:
    """Return what a translation records of the English text it translates."""
    return hashlib.sha256(english.encode()).hexdigest()[:12]


def english_of(page: Page) -> Page | None:
    """Return the English page of a Chinese one; None if it cannot be read."""
    try:
        return Page.read(english_path(page), page.chapter)
    except (NotebookError, OSError):
        return None  # reported by editions(), or where it is read itself


def editions(page: Page) -> Iterator[Finding]:
    """Every page exists in both languages."""
    if is_chinese(page):
        if not english_path(page).exists():
            yield "", "translates no English notebook; delete or rename it"
    elif not chinese_path(page).exists():
        yield "", "has no Chinese edition; run make sync, then write it"


def shared(page: Page) -> Iterator[Finding]:
    """The cells are the English ones in their order, and the code cells identical."""
    if not is_chinese(page) or not (english := english_of(page)):
        return
    mine = {cell.id: cell for cell in page.notebook.cells}
    theirs = {cell.id: cell for cell in english.notebook.cells}
    for cell_id in theirs:
        if cell_id not in mine:
            yield cell_id, "is missing here; run make sync, then translate it"
    for cell_id in mine:
        if cell_id not in theirs:
            yield cell_id, "is not in the English edition (surplus); delete it"
    if mine.keys() == theirs.keys() and list(mine) != list(theirs):
        yield "", "the cells are in another order than in English; run make sync"
    for cell_id in mine.keys() & theirs.keys():
        if what := difference(mine[cell_id], theirs[cell_id]):
            yield cell_id, f"{what} from the English edition; run make sync"


def difference(cell: NotebookNode, english: NotebookNode) -> str:
    """Return how a cell differs that ought to be the same in both languages."""
    if cell.cell_type != english.cell_type:
        return "its type differs"
    if english.cell_type != "code":
        return ""
    for part in ("source", "outputs", "execution_count"):
        if cell[part] != english[part]:
            return f"its {part.replace('_', ' ')} differs"
    tags = [each.metadata.get("tags", []) for each in (cell, english)]
    return "" if tags[0] == tags[1] else "its tags differ"


def translatable(cell: NotebookNode) -> str:
    """Return the English text of a cell that is to be translated, if any."""
    if cell.cell_type == "markdown":
        return cell.source
    return cell.metadata.get("alt", "") if cell.cell_type == "code" else ""


def translated(page: Page) -> Iterator[Finding]:
    """Every Chinese text was written for the English text that is there now."""
    if not is_chinese(page) or not (english := english_of(page)):
        return
    mine = {cell.id: cell for cell in page.notebook.cells}
    for cell in english.notebook.cells:
        text = translatable(cell)
        if not text or cell.id not in mine:
            continue
        chinese = translatable(mine[cell.id])
        if not re.search(HAN, chinese) and re.search(r"[A-Za-z]{3}", text):
            yield cell.id, "is not translated yet; write the Chinese text"
        elif mine[cell.id].metadata.get("translates") != source_hash(text):
            yield (
                cell.id,
                "is stale: the English text changed. Rewrite the Chinese, then run"
                f" make sync TRANSLATED={cell.id}.\n  English now: {text}\n"
                f"  Chinese:     {chinese}\n  ",
            )


def parallel(page: Page) -> Iterator[Finding]:
    """Headings, links, pictures, formulas, code and lists correspond."""
    if not is_chinese(page) or not (english := english_of(page)):
        return
    mine = {cell.id: cell for cell in page.prose}
    for cell in english.prose:
        if cell.id in mine:
            here, there = (
                shape(p, mine[cell.id].source if p is page else cell.source)
                for p in (page, english)
            )
            for name, value in there.items():
                if here[name] != value:
                    yield (
                        cell.id,
                        f"its {name} are {shown(here[name])}, in English"
                        f" {shown(value)}; make them correspond",
                    )


def shown(value: list | Counter) -> str:
    items = sorted(value.elements()) if isinstance(value, Counter) else value
    return ", ".join(map(str, items)) or "none"


def shape(page: Page, source: str) -> dict[str, list | Counter]:
    """Return of a Markdown text what both languages have in common."""
    found = tokens(source)
    kinds = Counter(token["type"] for token in found)
    levels = [t["attrs"]["level"] for t in found if t["type"] == "heading"]
    code = [t["raw"].strip() for t in found if t["type"] in ("codespan", "block_code")]
    formulas = [t["raw"] for t in found if t["type"] in ("inline_math", "block_math")]
    for token in found:
        if token["type"] in ("block_html", "inline_html"):
            code += re.findall(r"`([^`]+)`", token["raw"])
            formulas += re.findall(r"\$([^$]+)\$", token["raw"])
    return {
        "heading levels": levels,
        "formulas": Counter(WORDS.sub("", formula) for formula in formulas),
        "code words": Counter(code),
        "links and pictures": Counter(
            place(page, kind, target) for kind, target, _ in targets(source)
        ),
        "list items and table rows": [kinds["list_item"], kinds["table_row"]],
        "hidden answers": [source.count("<details>"), source.count("</details>")],
    }


def place(page: Page, kind: str, target: str) -> str:
    """Return where a link leads, in words that are the same in both languages."""
    if re.match(r"[a-z]+:", target):
        return f"{kind} {target}"
    file, _, anchor = unquote(target).partition("#")
    path = (page.path.parent / file).resolve() if file else page.path.resolve()
    root = page.chapter / "zh" if is_chinese(page) else page.chapter
    inside = path.is_relative_to(root)
    name = path.relative_to(root).as_posix() if inside else path.name
    if anchor and path.suffix == ".ipynb" and path.exists():
        known = [text.replace(" ", "-") for _, _, text in _headings(path, page.chapter)]
        number = known.index(anchor) + 1 if anchor in known else "?"
        name += f" heading {number}"
    return f"{kind} {name}"


def _headings(path: Path, chapter: Path) -> list[tuple[str, int, str]]:
    try:
        return headings(Page.read(path, chapter))
    except NotebookError:
        return []


def plain_prose(source: str) -> str:
    """Return the prose of a Markdown text, with code and formulas as K and M."""
    parts = []
    for token in tokens(source):
        kind = token["type"]
        if kind == "text":
            parts.append(token["raw"])
        elif kind in ("codespan", "inline_math"):
            parts.append("K" if kind == "codespan" else "M")
        elif kind in ("block_html", "inline_html"):
            text = re.sub(r"</?\w[^>]*>", "\n", token["raw"])
            text = re.sub(r"`[^`]+`", "K", text)
            parts.append(re.sub(r"\$[^$]+\$", "M", text))
        elif kind not in ("emphasis", "strong", "link"):
            parts.append("\n")
    return "".join(parts)


def typography(page: Page) -> Iterator[Finding]:
    """Chinese punctuation is full-width, and no space stands beside a letter."""
    if not is_chinese(page):
        return
    for cell in page.notebook.cells:
        text = SHAPE.sub("K", plain_prose(translatable(cell)))
        for pattern, what in (
            (HALF_WIDTH, "half-width punctuation in “{}”; use ，。：；？！（）"),
            (SPACED, "a space in “{}”; Chinese and Latin script stand together"),
            (re.compile("您"), "“{}”; the reader is 你"),
        ):
            if hit := pattern.search(text):
                around = text[max(0, hit.start() - 6) : hit.end() + 6].strip()
                yield cell.id, what.format(" ".join(around.split("\n")))


@lru_cache(maxsize=1)
def glossary() -> list[tuple[re.Pattern, str, str]]:
    """Return (pattern of the English forms, first form, Chinese term)."""
    with GLOSSARY.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [
        (
            re.compile(
                rf"\b({'|'.join(map(re.escape, row['English'].split('|')))})\b",
                re.IGNORECASE,
            ),
            row["English"].split("|")[0],
            row["中文"],
        )
        for row in rows
    ]


def terms(page: Page) -> Iterator[Finding]:
    """A term of the glossary is always rendered the same way."""
    if not is_chinese(page) or not (english := english_of(page)):
        return
    mine = {cell.id: translatable(cell) for cell in page.notebook.cells}
    for cell in english.notebook.cells:
        text, chinese = plain_prose(translatable(cell)), mine.get(cell.id, "")
        if not re.search(HAN, chinese):
            continue  # reported by translated()
        for pattern, term, wanted in glossary():
            if wanted not in chinese and pattern.search(text):
                yield cell.id, f"“{term}” is “{wanted}” in the glossary; use it"


RULES = [editions, shared, translated, parallel, typography, terms]
