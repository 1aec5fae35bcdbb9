"""The sanitiser file: what nbval may overlook, and whether nbval will understand it.

nbval takes pairs of lines, "regex: …" and "replace: …", and ignores everything else
in silence; here everything else, but comments and blank lines, is a problem.
"""

import re
from pathlib import Path

SANITIZER = Path(__file__).resolve().parents[1] / "tests" / "sanitize.cfg"


def sanitizer_problems(path: Path) -> list[str]:
    """Return one sentence for each line that nbval would ignore or choke on."""
    if not path.is_file():
        return [f"{path.name}: the sanitiser file is missing; restore it with git."]
    found, expected = [], "regex: "
    for number, line in enumerate([*path.read_text("utf-8").splitlines(), ""], 1):
        where = f"tests/{path.name}, line {number}"
        if line.startswith(expected):
            if expected == "regex: ":
                try:
                    re.compile(line.removeprefix(expected))
                except re.error as error:
                    found.append(f"{where}: not a regular expression ({error}).")
            expected = "replace: " if expected == "regex: " else "regex: "
        elif expected == "replace: ":
            found.append(f"{where}: nbval wants “replace: …” right after “regex: …”.")
            expected = "regex: "
        elif line.strip() and not line.startswith("#"):
            found.append(
                f"{where}: nbval would ignore “{line}”; a line begins with"
                " “regex: ” or “replace: ” (one space) or #."
            )
    return found
