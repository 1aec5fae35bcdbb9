"""Compare the outputs of a cell, stored and new, and say what differs to a person.

nbval compares texts of one kind with each other; this also sees pictures, and the
order and kind of outputs. Pictures that differ are left in a folder, if one is given;
nothing else is written.
"""

import copy
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from nbval.plugin import coalesce_streams, get_sanitize_patterns

from bookproof import figures
from bookproof.book import printed

NUMBER = re.compile(r"[-+]?\d[\d_,]*(\.\d*)?(e[-+]?\d+)?")
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
    if before == after and any(map(pictures, (*stored, *new))):
        return "figure"
    blanked = [NUMBER.sub("0", text).split() for text in (before, after)]
    return "number" if blanked[0] == blanked[1] and before != after else "text"


def pictures(output: dict) -> list[str]:
    """Return the kinds of picture that an output holds."""
    return [key for key in output.get("data", {}) if key.startswith("image/")]


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
    kinds = [[kind(output) for output in outputs] for outputs in (stored, new)]
    if kinds[0] != kinds[1]:
        lists = [", ".join(names) or "nothing" for names in kinds]
        return [
            f"  its outputs are of another kind or order:\n    stored: {lists[0]}\n"
            f"    now:    {lists[1]}",
            *first_difference(as_text(stored), as_text(new), "its text"),
        ]
    found = []
    for number, (old, fresh) in enumerate(zip(stored, new, strict=True), start=1):
        for key, (before, after) in parts(old, fresh).items():
            if key == "image/png":
                if not figures.same_size(size(old), size(fresh)):
                    found.append(
                        f"  the figure is shown at another size: {size(fresh)}"
                    )
                found += compare_pictures(before, after, folder, f"{name}-{number}")
            else:
                found += first_difference(str(before), str(after), key)
    return found


def parts(old: dict, new: dict) -> dict[str, tuple]:
    """Return the comparable contents of two outputs of one kind, side by side."""
    if old["output_type"] == "stream":
        return {old["name"]: (old["text"], new["text"])}
    if old["output_type"] == "error":
        return {key: (old[key], new[key]) for key in ("ename", "evalue")}
    return {key: (old["data"][key], new["data"][key]) for key in old["data"]}


def size(output: dict) -> dict:
    """Return the width and height a notebook shows a picture at, if it says so."""
    return (output.get("metadata") or {}).get("image/png", {})


def as_text(outputs: Sequence[dict]) -> str:
    """Return all that a reader sees of the outputs of a cell, but for pictures."""
    return "\n".join(map(printed, outputs))


def first_difference(before: str, after: str, where: str) -> list[str]:
    """Return at most one message, showing the first line that differs."""
    if before == after:
        return []
    old, new = before.split("\n"), after.split("\n")
    line = next(
        (n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]),
        min(len(old), len(new)),
    )
    shown = [lines[line] if line < len(lines) else "(ends)" for lines in (old, new)]
    pairs = enumerate(zip(*shown, strict=False))
    at = next((n for n, (one, other) in pairs if one != other), 0)
    skipped = max(0, at - LONG)  # of a picture's code, say
    shown = [f"{'… ' * bool(skipped)}{text[skipped:]}" for text in shown]
    shown = [text[: 3 * LONG] + " …" * (len(text) > 3 * LONG) for text in shown]
    return [
        f"  first difference, line {line + 1} of {where}:\n"
        f"    stored: {shown[0]}\n    now:    {shown[1]}"
    ]


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
