"""Sphinx extension: search in Chinese, by pairs of characters.

Sphinx splits Chinese with a dictionary that lacks our terms (and its stock script fails
in 9.0). Every two neighbouring characters make an entry of the index here, and a query
is split the same way in the browser, so every term of two or more characters is found.
Words in other scripts stay whole.
"""

import re
from itertools import pairwise

from sphinx.application import Sphinx
from sphinx.search import SearchLanguage

RUN = re.compile("[\u3400-\u9fff]+|[^\\W\u3400-\u9fff]+")
SPLITTER = r"""
var splitQuery = (query) =>
  query.split(/([\u3400-\u9fff]+)/).flatMap((run, place) => {
    if (place % 2 === 0) return run.split(/[^\p{Letter}\p{Number}_]+/u).filter(Boolean);
    const pairs = [...run].slice(1).map((_, start) => run.substr(start, 2));
    return pairs.length ? pairs : [run];
  });
"""


class SearchPairs(SearchLanguage):
    """Splits runs of Chinese characters into overlapping pairs."""

    lang = "zh"
    language_name = "Chinese"
    js_splitter_code = SPLITTER

    def split(self, input: str) -> list[str]:
        """Return the index entries of a text."""
        entries = []
        for run in RUN.findall(input):
            han = "\u3400" <= run[0] <= "\u9fff" and len(run) > 1
            entries += map("".join, pairwise(run)) if han else [run]
        return entries

    def stem(self, word: str) -> str:
        """Return the word as it is looked up: in small letters."""
        return word.lower()


def setup(app: Sphinx) -> dict[str, bool]:
    """Take the place of Sphinx's own Chinese."""
    app.add_search_language(SearchPairs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
