"""Alter what a code cell stores, in one place, and tell whether a check notices.

Nothing is executed: the cells are taken to give what is stored, which `make test`
proves, and an alteration is noticed if outputs.compare or the contract sees it.
"""

import base64
import copy
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat.v4 import new_output
from PIL import Image, ImageChops, ImageOps

from bookproof import figures
from bookproof.book import NotebookNode, Page
from bookproof.outputs import clean, compare
from bookproof.rules import form

LETTERS = "aeioustn"


@dataclass(frozen=True)
class Alteration:
    """A cell's outputs, altered in one place."""

    cell: str  # its id
    line: int  # of the output that is altered, or 0
    change: str
    outputs: list


def alterations(cell: NotebookNode) -> list[Alteration]:
    """Return every alteration of what this cell stores; the same ones each time."""
    chance = random.Random(cell.id)
    found = []
    for number, output in enumerate(cell.outputs):
        for line, change, other in [
            *altered_texts(output, chance),
            *altered_kinds(output),
            *altered_pictures(output),
        ]:
            outputs = copy.deepcopy(cell.outputs)
            outputs[number : number + 1] = other
            found.append(Alteration(cell.id, line, change, outputs))
    added = [*copy.deepcopy(cell.outputs), new_output("stream", text="more\n")]
    if not any(output.output_type == "stream" for output in cell.outputs):
        found.append(Alteration(cell.id, 0, "an output added", added))
    if len(cell.outputs) > 1:
        backwards = copy.deepcopy(cell.outputs[::-1])
        found.append(Alteration(cell.id, 0, "outputs exchanged", backwards))
    return found


def texts(output: NotebookNode) -> Iterator[tuple[NotebookNode, str]]:
    """Yield each (dictionary, key) that holds a text of this output."""
    for key in ("text", "ename", "evalue"):
        if key in output:
            yield output, key
    for key, value in output.get("data", {}).items():
        if isinstance(value, str) and not is_picture(key):
            yield output.data, key


def is_picture(key: str) -> bool:
    return key in ("image/png", "image/jpeg")


Altered = Iterator[tuple[int, str, list]]


def altered_texts(output: NotebookNode, chance: random.Random) -> Altered:
    """One character of each line; a line dropped; the end of the text."""
    for number, (fields, key) in enumerate(texts(output)):
        lines = fields[key].split("\n")

        def holding(text: str, number=number) -> list:
            other = copy.deepcopy(output)
            where, name = list(texts(other))[number]
            where[name] = text
            return [other]

        for index, line in enumerate(lines):
            before, after = lines[:index], lines[index + 1 :]
            if line.strip():
                new = other_character(line, chance)
                text = "\n".join([*before, new, *after])
                yield index + 1, f"{line} → {new}", holding(text)
            if len(lines) > 1 and (line or after):
                text = "\n".join(before + after)
                yield index + 1, f"line dropped: {line}", holding(text)
        yield len(lines), f"{key} longer by a blank", holding(fields[key] + " ")
        if not lines[-1] and len(lines) > 1:
            yield len(lines), "final newline dropped", holding(fields[key][:-1])


def other_character(line: str, chance: random.Random) -> str:
    """Return the line with one character, no blank, exchanged for another."""
    at = chance.choice([n for n, char in enumerate(line) if not char.isspace()])
    among = "0123456789" if line[at].isdigit() else LETTERS
    return line[:at] + chance.choice(among.replace(line[at], "")) + line[at + 1 :]


def altered_kinds(output: NotebookNode) -> Altered:
    """The output gone, twice, of another kind, without one of its forms."""
    yield 0, f"{output.output_type} dropped", []
    yield 0, f"{output.output_type} doubled", [output, output]
    other = copy.deepcopy(output)
    match output.output_type:
        case "stream":
            other.name = "stderr" if output.name == "stdout" else "stdout"
            yield 0, f"{output.name} renamed", [other]
        case "execute_result":
            other.execution_count += 1
            yield 0, "execution count of an output", [other]
            shown = new_output("display_data", data=output.data)
            yield 0, "execute_result made display_data", [shown]
        case "display_data":
            result = new_output("execute_result", data=output.data)
            yield 0, "display_data made execute_result", [result]
        case "error":
            other.traceback = [*output.traceback, "more"]
            yield 0, "another traceback", [other]
    for key in output.get("data", {}):
        fewer = copy.deepcopy(output)
        del fewer.data[key]
        yield 0, f"{key} dropped", [fewer]


def altered_pictures(output: NotebookNode) -> Altered:
    """Another picture, one that is moved, one that is shown larger."""
    png = output.get("data", {}).get("image/png")
    if not png:
        return
    picture = figures.decode(png)
    step = picture.width // 20
    others = {
        "picture moved by a twentieth": ImageChops.offset(picture, step, 0),
        "picture in negative": ImageOps.invert(picture),
        "picture blank": Image.new("RGB", picture.size, "white"),
        "picture cropped": picture.crop((0, 0, picture.width - step, picture.height)),
    }
    for change, other in others.items():
        buffer = io.BytesIO()
        other.save(buffer, format="png")
        altered = copy.deepcopy(output)
        altered.data["image/png"] = base64.b64encode(buffer.getvalue()).decode()
        yield 0, change, [altered]
    if shown := output.metadata.get("image/png"):
        larger = copy.deepcopy(output)
        larger.metadata["image/png"] = {k: round(1.1 * v) for k, v in shown.items()}
        yield 0, "picture shown larger", [larger]


def noticed(page: Page, alteration: Alteration, folder: Path) -> bool:
    """Tell whether a check sees the alteration; pictures are left in `folder`."""
    notebook = copy.copy(page.notebook)
    notebook.cells = [copy.copy(cell) for cell in page.notebook.cells]
    cell = next(cell for cell in notebook.cells if cell.id == alteration.cell)
    sanitizer = page.book.sanitizer
    given, cell.outputs = clean(cell.outputs, sanitizer), alteration.outputs
    altered = Page(page.path, page.book, page.text, notebook)
    contracts = (form.executed(altered), form.errors(altered))
    found = [finding for each in contracts for finding in each]
    return bool(found) or bool(
        compare(clean(alteration.outputs, sanitizer), given, folder, "altered")
    )
