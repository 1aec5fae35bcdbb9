"""Read the numbers in prose, English or Chinese: 38.6 million is 3860万.

Nothing is judged here; parallel_contract.py compares what is found.
"""

import re
from collections import Counter
from decimal import Decimal
from itertools import pairwise

UNITS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9}  # powers of ten
UNITS |= {"百": 2, "千": 3, "万": 4, "亿": 8}
UNIT = "|".join(UNITS)
NUMBER = re.compile(rf"(\d{{1,3}}(?:,\d{{3}})+|\d+)(\.\d+)?((?: ?(?:{UNIT}))*)")
UP_TO_TWELVE = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
STEMS = ("thir", "four", "fif", "six", "seven", "eigh", "nine")
VALUES = {word: value for value, word in enumerate(UP_TO_TWELVE)}
VALUES |= {f"{stem}teen": value for value, stem in enumerate(STEMS, start=13)}
VALUES |= {f"{stem}ty": 10 * value for value, stem in enumerate(STEMS, start=3)}
VALUES |= {"twenty": 20, "forty": 40}


def numbers(prose: str) -> Counter:
    """Count the numbers in digits by value: 5,120 is 5120."""
    found = Counter()
    for whole, fraction, units in NUMBER.findall(prose):
        value = Decimal(whole.replace(",", "") + fraction)
        for unit in re.findall(UNIT, units):
            value = value.scaleb(UNITS[unit])
        found[f"{value.normalize():f}"] += 1
    return found


def spelt(prose: str) -> set[str]:
    """Return the numbers in English words, in digits, as in “zeros”, “six million”."""
    words, found = re.findall("[a-z]+", prose.lower()), set()
    for word, unit in pairwise([*words, ""]):
        word = word if word in VALUES else word.removesuffix("s")
        if word in VALUES:
            found |= {str(VALUES[word]), str(VALUES[word] * 10 ** UNITS.get(unit, 0))}
    return found
