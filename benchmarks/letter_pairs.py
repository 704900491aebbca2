"""Count again what the filter `gibberish` measures with, and compare it with the table in the code.

Run: RT_MIRROR=FOLDER python benchmarks/letter_pairs.py
"""

from __future__ import annotations

import math
import os
import re
import string
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from filter_quality import records

from data_curation.filters.letter_pairs import TABLE

PLACES = " " + string.ascii_lowercase
DIGITS = string.digits + string.ascii_letters
_WORD = re.compile(r"(?<![^\W_])[a-z]{2,}(?![^\W_])")


def count(texts: Iterable[str]) -> Counter[tuple[str, str]]:
    """How often a letter follows another in words of plain letters; a space is a word's edge."""
    pairs: Counter[tuple[str, str]] = Counter()
    for text in texts:
        for word in _WORD.findall(text.lower()):
            pairs.update(pairwise(f" {word} "))
    return pairs


def table(pairs: Counter[tuple[str, str]]) -> list[str]:
    """Surprise of each pair in fifths of a nat (each pair counted once more than seen), a row a first letter."""
    rows = []
    for first in PLACES:
        total = sum(pairs[first, second] for second in PLACES) + len(PLACES)
        fifths = (round(-5 * math.log((pairs[first, second] + 1) / total)) for second in PLACES)
        rows.append("".join(DIGITS[min(value, len(DIGITS) - 1)] for value in fifths))
    return rows


def main() -> None:
    """Count on the half of Alpaca and Dolly whose row_id begins with an even byte."""
    if "RT_MIRROR" not in os.environ:
        raise SystemExit("needs real data sets: set RT_MIRROR to a folder laid out as the pins say")
    rows = [record for source in ("alpaca", "dolly") for record in records(Path(os.environ["RT_MIRROR"]), source)]
    pairs = count(record.response for record in rows if int(record.row_id[:2], 16) % 2 == 0)
    found = table(pairs)
    print("\n".join(found))
    same = found == TABLE.splitlines()
    print(f"{sum(pairs.values()):,} pairs; {'the same as' if same else 'not'} the table in the code")
    sys.exit(not same)


if __name__ == "__main__":
    main()
