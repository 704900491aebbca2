"""Token lengths of Alpaca and LIMA as they are tuned on, stored as numbers alone: `benchmarks/lengths.json`.

For each set, how often an IT sequence has so many tokens before its response, and so many that bear loss; an RT
sequence has `rt_prefix` before them. Numbers above 32 are put on a grid (each length is right to about 3 %).
Benchmarks draw random tokens of these lengths.

Run: python benchmarks/lengths.py --tokenizer smollm2-135m-instruct alpaca=FOLDER lima=FOLDER
The folders are those of `rt collect alpaca` and `rt collect lima`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from artifacts.files import read_json

STORED = Path(__file__).parent / "lengths.json"
EXACT = 32  # lengths up to this are kept as they are


def on_grid(length: int) -> int:
    """The nearest length of the grid."""
    step = 1
    while length > EXACT * step:
        step *= 2
    return round(length / step) * step


def measure(tokenizer: Any, folder: Path) -> dict[str, Any]:
    """Lengths of one collected set, longest sequences uncut."""
    from paper_repro.rows import read_rows
    from paper_repro.sequences import build_all

    pairs = [(row.instruction, row.response) for row in read_rows(folder / "data.parquet", needs_instruction=True)]
    longest = 10**9
    lengths, prefix = Counter(), set()
    for it, rt in zip(
        build_all(tokenizer, "it", pairs, max_length=longest),
        build_all(tokenizer, "rt", pairs, max_length=longest),
        strict=True,
    ):
        lengths[on_grid(len(it.input_ids) - it.predicted), on_grid(it.predicted)] += 1
        prefix.add(len(rt.input_ids) - rt.predicted)
    return {
        "rows": len(pairs),
        "rt_prefix": min(prefix),
        "before_loss_count": sorted([a, b, count] for (a, b), count in lengths.items()),
    }


def drawn(name: str, method: str, rows: int, seed: int = 0, max_length: int = 2048) -> list[tuple[int, int]]:
    """`(tokens before the response, tokens that bear loss)` of rows drawn from a stored set, cut as in tuning."""
    stored = read_json(STORED)[name]
    table = stored["before_loss_count"]
    draw = random.Random(f"{seed} {name}")  # noqa: S311
    found = draw.choices(table, weights=[count for *_, count in table], k=rows)
    pairs = [(before if method == "it" else stored["rt_prefix"], loss) for before, loss, _ in found]
    cut = [(before, min(loss, max_length - before)) for before, loss in pairs]
    return [(before, loss) for before, loss in cut if loss > 0]


def main() -> None:
    """Measure the sets given and store them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", required=True, help="A pin, a folder, or owner/repo@commit.")
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER")
    given = parser.parse_args()
    from paper_repro.models import load_tokenizer, tokenizer_folder

    tokenizer = load_tokenizer(tokenizer_folder(given.tokenizer))
    named = (one.partition("=") for one in given.sets)
    found = {name: measure(tokenizer, Path(folder)) for name, _, folder in named}
    stored = {"tokenizer": given.tokenizer, "vocabulary": len(tokenizer)} | found
    STORED.write_text(json.dumps(stored, separators=(",", ":")) + "\n", encoding="utf-8")  # one line: 4,000 entries
    for name, one in found.items():
        print(f"{name}: {one['rows']} rows, {len(one['before_loss_count'])} entries")


if __name__ == "__main__":
    main()
