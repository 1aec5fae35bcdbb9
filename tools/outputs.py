"""Compare the outputs of a cell, stored and new, and say what differs to a person.

nbval compares texts of one kind with each other; this also sees pictures, and the
order and kind of outputs. Pictures that differ are left in _build/figures; nothing
else is written.
"""

from pathlib import Path

import figures


def kind(output: dict) -> str:
    """Describe an output without its content: "stream stdout", "display_data …"."""
    if output["output_type"] == "stream":
        return f"stream {output['name']}"
    details = dict(output.get("metadata") or {})
    details.pop("image/png", None)  # its size is compared with the picture
    return " ".join([output["output_type"], *sorted(output.get("data", {})), *details])


def compare(stored: list, new: list, root: Path, name: str) -> list[str]:
    """Return what differs between stored and new outputs, for people to read.

    Pictures that differ are left below `root`, called by `name`.
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
                found += compare_pictures(before, after, root, f"{name}-{number}")
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


def as_text(outputs: list) -> str:
    lines = []
    for output in outputs:
        data = output.get("data", {})
        lines.append(output.get("text") or data.get("text/plain") or "")
        if output["output_type"] == "error":
            lines.append(f"{output['ename']}: {output['evalue']}")
    return "\n".join(map(str, lines))


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
    return [
        f"  first difference, line {line + 1} of {where}:\n"
        f"    stored: {shown[0]}\n    now:    {shown[1]}"
    ]


def compare_pictures(stored: str, new: str, root: Path, name: str) -> list[str]:
    """Return at most one message, after leaving the pictures in _build/figures."""
    gap = figures.difference(stored, new)
    if gap <= 1:
        return []
    path = figures.save_comparison(stored, new, root / "_build" / "figures", name)
    return [
        f"  the figure differs {gap:.1f} times as much as rendering may;"
        f" see {path.relative_to(root)} and beside it -stored and -new"
    ]
