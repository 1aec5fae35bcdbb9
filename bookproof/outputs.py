"""Compare the outputs of a cell, stored and new, and say what differs to a person.

nbval compares texts of one kind with each other; this also sees pictures, and the
order and kind of outputs. Pictures that differ are left in a folder, if one is given;
nothing else is written.
"""

import copy
import re
from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from pathlib import Path

from nbval.plugin import coalesce_streams, get_sanitize_patterns

from bookproof import figures
from bookproof.book import printed

NUMBER = re.compile(r"[-+]?\d[\d_,]*(\.\d*)?(e[-+]?\d+)?")
ENDS = "(ends)"  # in place of a line
LONG = 100  # characters of a line, in a message


def clean(outputs: Sequence[dict], sanitizer: Path | None) -> list[dict]:
    """Return copies of the outputs in the form in which they are compared.

    As nbval does: streams of one name are joined, and what the sanitiser file
    overlooks is replaced.
    """
    cleaned = coalesce_streams(copy.deepcopy(list(outputs)))
    for output in cleaned:
        for fields in (output, output.get("data", {})):
            for key in fields.keys() & {"text", "evalue", "text/plain", "text/html"}:
                for pattern, replacement in patterns(sanitizer):
                    fields[key] = re.sub(pattern, replacement, fields[key])
    return cleaned


@cache
def patterns(sanitizer: Path | None) -> list[tuple[str, str]]:
    return get_sanitize_patterns(sanitizer.read_text("utf-8")) if sanitizer else []


def category(stored: list, new: list) -> str:
    """Return what differs most: "error", "figure", "number" or "text"."""
    errors = [
        [(o["ename"], o["evalue"]) for o in outputs if o["output_type"] == "error"]
        for outputs in (stored, new)
    ]
    if errors[0] != errors[1]:
        return "error"
    before, after = as_text(stored), as_text(new)
    if before != after:
        blanked = [NUMBER.sub("0", text).split() for text in (before, after)]
        return "number" if blanked[0] == blanked[1] else "text"
    kinds = (key for output in (*stored, *new) for key in output.get("data", {}))
    return "figure" if any(key.startswith("image/") for key in kinds) else "text"


def kind(output: dict) -> str:
    """Describe an output without its content: "stream stdout", "display_data …"."""
    if output["output_type"] == "stream":
        return f"stream {output['name']}"
    details = dict(output.get("metadata") or {})
    details.pop("image/png", None)  # its size is compared with the picture
    return " ".join([output["output_type"], *sorted(output.get("data", {})), *details])


def compare(stored: list, new: list, folder: Path | None, name: str) -> list[str]:
    """Return what differs between stored and new outputs, for people to read.

    Pictures that differ are left in `folder`, called by `name`.
    """
    kinds = [", ".join(map(kind, outputs)) or "nothing" for outputs in (stored, new)]
    if kinds[0] != kinds[1]:
        said = "  its outputs are of another kind or order:"
        found = [f"{said}\n    stored: {kinds[0]}\n    now:    {kinds[1]}"]
        return found + first_difference(as_text(stored), as_text(new), "its text")
    found = []
    for number, pair in enumerate(zip(stored, new, strict=True), start=1):
        old, fresh = map(parts, pair)
        for key in old:
            if key != "image/png":
                found += first_difference(str(old[key]), str(fresh[key]), key)
                continue
            sizes = [(o.get("metadata") or {}).get(key, {}) for o in pair]
            if not figures.same_size(*sizes):
                found.append(f"  the figure is shown at another size: {sizes[1]}")
            found += compare_pictures(old[key], fresh[key], folder, f"{name}-{number}")
    return found


def parts(output: dict) -> dict:
    """Return the comparable contents of an output."""
    if output["output_type"] == "stream":
        return {output["name"]: output["text"]}
    if output["output_type"] == "error":
        return {key: output[key] for key in ("ename", "evalue")}
    return output["data"]


def as_text(outputs: Sequence[dict]) -> str:
    """Return all that a reader sees of the outputs of a cell, but for pictures."""
    return "\n".join(map(printed, outputs))


def first_difference(before: str, after: str, where: str) -> list[str]:
    """Return at most one message, showing the first line that differs."""
    if before == after:
        return []
    lines = zip_longest(before.split("\n"), after.split("\n"), fillvalue=ENDS)
    differ = ((n, pair) for n, pair in enumerate(lines, start=1) if pair[0] != pair[1])
    number, pair = next(differ, (1, (before, after)))  # a line may say ENDS itself
    at = next((n for n, (a, b) in enumerate(zip(*pair, strict=False)) if a != b), 0)
    skipped = max(0, at - LONG)  # of a picture's code, say
    shown = [f"{'… ' * bool(skipped)}{text[skipped:]}" for text in pair]
    shown = [text[: 3 * LONG] + " …" * (len(text) > 3 * LONG) for text in shown]
    said = f"  first difference, line {number} of {where}:"
    return [f"{said}\n    stored: {shown[0]}\n    now:    {shown[1]}"]


def compare_pictures(
    stored: str, new: str, folder: Path | None, name: str
) -> list[str]:
    """Return at most one message, after leaving the pictures in the folder."""
    try:
        gap = figures.difference(stored, new)
    except (OSError, ValueError):
        return ["  the figure differs, and one of the two is no picture"]
    if gap <= 1:
        return []
    said = f"  the figure differs {gap:.1f} times as much as rendering may"
    if folder is None:
        return [said]
    path = figures.save_comparison(stored, new, folder, name)
    shown = "/".join(path.parts[-3:])  # _build/figures/…
    return [f"{said}; see {shown} and beside it -stored and -new"]
