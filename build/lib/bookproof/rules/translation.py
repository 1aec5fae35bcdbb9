"""Rules about the two languages: the translation has every cell of the original.

An edited English sentence makes one Chinese cell stale, and only the author can say
that it is not any more (sync.py). chinese.py compares what a text and its translation
have in common, and looks at the Chinese itself. form.py says what a rule is.
"""

from collections.abc import Iterator
from difflib import SequenceMatcher

from bookproof.book import NotebookNode, Page
from bookproof.editions import (
    before,
    chinese_path,
    english_of,
    english_path,
    in_english,
    source_hash,
    translatable,
    translatables,
)

LANGUAGE = ("alt", "translates")  # metadata that is another in each language
SHOWN = 8  # lines of a text, in a message

Finding = tuple[str, str]


def editions(page: Page) -> Iterator[Finding]:
    """Every page exists in both languages, and the English one is the original."""
    sync = page.book.command("sync")
    if page.is_translation:
        if not english_path(page).exists():
            yield "", "translates no English notebook; delete or rename it"
        return
    if not chinese_path(page).exists():
        yield "", f"has no Chinese edition; run {sync}, then write it"
    for cell in page.notebook.cells:
        if "translates" in cell.metadata:
            yield cell.id, "is the original; delete “translates” from its metadata"


def shared(page: Page) -> Iterator[Finding]:
    """The cells are the English ones in their order, and the code cells identical."""
    if not page.is_translation or not (english := english_of(page)):
        return
    sync = f"run {page.book.command('sync')}"
    mine = {cell.id: cell for cell in page.notebook.cells}
    theirs = {cell.id: cell for cell in english.notebook.cells}
    for cell_id in theirs:
        if cell_id not in mine:
            yield cell_id, f"is missing here; {sync}, then translate it"
    for cell_id in mine:
        if cell_id not in theirs:
            yield cell_id, "is not in the English edition (surplus); delete it"
    here, there = [i for i in mine if i in theirs], [i for i in theirs if i in mine]
    for cell_id, wanted in zip(here, there, strict=True):
        if cell_id != wanted:
            yield cell_id, f"stands where English has {wanted}; {sync}"
            break
    for cell_id in here:
        if what := difference(mine[cell_id], theirs[cell_id]):
            yield cell_id, f"{what} from the English edition; {sync}"
    if page.notebook.metadata != english.notebook.metadata:
        yield "", f"its metadata differs from the English edition; {sync}"


def difference(cell: NotebookNode, english: NotebookNode) -> str:
    """Return how a cell differs that ought to be the same in both languages."""
    if cell.cell_type != english.cell_type:
        return "its type differs"
    parts = ("source", "outputs", "execution_count")
    for part in parts if english.cell_type == "code" else ():
        if cell[part] != english[part]:
            verb = "differ" if part == "outputs" else "differs"
            return f"its {part.replace('_', ' ')} {verb}"
    mine, theirs = (
        {key: value for key, value in each.metadata.items() if key not in LANGUAGE}
        for each in (cell, english)
    )
    return "" if mine == theirs else "its metadata differs"


def translated(page: Page) -> Iterator[Finding]:
    """Every Chinese text was written for the English text that is there now."""
    if not page.is_translation or not (english := english_of(page)):
        return
    mine = {cell.id: cell for cell in page.notebook.cells}
    for cell_id, text in translatables(english).items():
        if cell_id not in mine:
            continue  # said by shared()
        chinese = translatable(mine[cell_id])
        recorded = mine[cell_id].metadata.get("translates", "")
        record = page.book.command("sync", translated=f"{english.name}:{cell_id}")
        record = f"then run {record}"
        if in_english(chinese, text):
            said = "is not translated yet:\n" + labelled("English", text.splitlines())
            yield cell_id, f"{said}\n  Write the Chinese, {record}"
        elif recorded != source_hash(text):
            old = before(english, recorded)
            why = (
                "the English text changed" if recorded else "it records no English text"
            )
            if old is None and recorded:
                why += "; git does not know the one before"
            said = f"is stale; {why}:\n{changed(old or '', text, chinese)}"
            yield cell_id, f"{said}\n  Rewrite the Chinese, {record}"


def changed(old: str, new: str, chinese: str) -> str:
    """Return the lines of an English text that changed, and their translation."""
    old_lines, new_lines, lines = (t.splitlines() for t in (old, new, chinese))
    were, are, here = [], [], []
    as_now = len(lines) == len(new_lines)  # else as it was, line by line
    matcher = SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag != "equal":
            were += old_lines[start:end]
            are += new_lines[new_start:new_end]
            here += lines[new_start:new_end] if as_now else lines[start:end]
    if len(lines) not in (len(old_lines), len(new_lines)):
        here = lines
    texts = {"before": were, "now": are, "Chinese": here}
    return "\n".join(labelled(*item) for item in texts.items() if old or item[1])


def labelled(label: str, lines: list[str]) -> str:
    """Return lines of a text, not too many, under a label in the margin."""
    lines = [line for line in lines if line.strip()] or ["(nothing)"]
    if len(lines) > SHOWN:
        lines = [*lines[: SHOWN - 1], f"… ({len(lines) - SHOWN + 1} more lines)"]
    margins = [f"{label}:", *[""] * (len(lines) - 1)]
    pairs = zip(margins, lines, strict=True)
    return "\n".join(f"    {margin:<8} {line}" for margin, line in pairs)


RULES = [editions, shared, translated]
