"""Bring a cell's outputs into the form in which the check compares them.

As nbval does: streams of one name are joined, and what tests/sanitize.cfg overlooks
is replaced. Outputs are copied, never changed.
"""

import copy
import re
from collections.abc import Sequence
from functools import cache

from nbval.plugin import coalesce_streams, get_sanitize_patterns
from sanitizer import SANITIZER


@cache
def patterns() -> list[tuple[str, str]]:
    return get_sanitize_patterns(SANITIZER.read_text("utf-8"))


def clean(outputs: Sequence[dict]) -> list[dict]:
    """Return the outputs as outputs.compare wants them."""
    cleaned = coalesce_streams(copy.deepcopy(list(outputs)))
    for output in cleaned:
        for fields in (output, output.get("data", {})):
            for key in fields.keys() & {"text", "evalue", "text/plain", "text/html"}:
                fields[key] = sanitised(fields[key])
    return cleaned


def sanitised(text: str) -> str:
    for pattern, replacement in patterns():
        text = re.sub(pattern, replacement, text)
    return text
