"""A corpus larger than one likes to hold in memory: `rt curate` in shards beside `rt curate` in memory, one thread.

The rows are made here, seeded: answers of 20 to 40 made-up words, of which one in ten repeats an earlier one and one in
ten differs from an earlier one by a word; one line in a thousand is no JSON. The recipe is `lexical`. Each run is a
process of its own, start-up included; memory is the most that it has held. Processor seconds depend less than clock
seconds on what else the machine does. Where both ways are run, their decisions are compared row by row.

Run: python benchmarks/curate_scale_cpu.py [--rows 100000 1000000] [--in-memory 100000] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import pyarrow.parquet as pq
from common import SEED, hardware, versions, write_result
from near_dedup_cpu import timed

SHARD_ROWS = 20_000
COMMAND = [sys.executable, "-c", "from paper_repro.cli import main; main()", "curate"]
LATELY = 5_000  # earlier answers that a copy is made of: what this script itself holds


def make(path: Path, rows: int) -> None:
    """Write so many rows as JSON Lines."""
    chooser = random.Random(SEED)  # noqa: S311
    syllables = ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu"]
    words = ["".join(chooser.choices(syllables, k=chooser.randint(1, 4))) for _ in range(20_000)]
    earlier: list[list[str]] = []
    with open(path, "w", encoding="utf-8") as file:
        for row in range(rows):
            kind = chooser.random()
            if kind < 0.2 and earlier:
                answer = list(chooser.choice(earlier))
                if kind < 0.1:
                    answer[chooser.randrange(len(answer))] = chooser.choice(words)
            else:
                answer = chooser.choices(words, k=chooser.randint(20, 40))
            if len(earlier) < LATELY:
                earlier.append(answer)
            else:
                earlier[chooser.randrange(LATELY)] = answer
            text = " ".join(answer).capitalize() + "."
            line = json.dumps({"instruction": f"Question {row}?", "response": text})
            file.write(("no JSON " if chooser.random() < 0.001 else "") + line + "\n")


def measured(given: Path, folder: Path, *options: str) -> tuple[dict[str, Any], Path]:
    """Seconds and peak memory of one run, and what it made."""
    folder.mkdir()
    command = [*COMMAND, str(given), "--recipe", "lexical", "--out", "made", *options]
    return timed(command, folder), folder / "made"


def counts(made: Path) -> dict[str, int]:
    """Rows in, kept, dropped and quarantined, and the duplicates found."""
    summary = json.loads((made / "manifest.json").read_text())["identity"]["summary"]
    found = {name: summary[name] for name in ("rows_in", "kept", "dropped", "quarantined")}
    reasons = {reason: count for entry in summary["funnel"] for reason, count in entry["reasons"].items()}
    return found | {name: reasons.get(name, 0) for name in ("exact_duplicate", "near_duplicate")}


def compare(rows: int, in_memory: bool, workers: int) -> dict[str, Any]:
    """One size: in shards, and in memory where asked for."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "rows.jsonl", rows)
        size = round((folder / "rows.jsonl").stat().st_size / 1e6)
        options = ["--executor", "local", "--workers", str(workers), "--shard-rows", str(SHARD_ROWS)]
        used, made = measured(folder / "rows.jsonl", folder / "shards", *options)
        result: dict[str, Any] = {"rows": rows, "file_mb": size, "shards": used, "found": counts(made)}
        print(result, flush=True)
        if in_memory:
            result["in_memory"], whole = measured(folder / "rows.jsonl", folder / "memory")
            tables = [pq.read_table(one / "decisions.parquet") for one in (made, whole)]
            result["same_decisions"] = tables[0].equals(tables[1])
            result["ratio_memory"] = round(result["in_memory"]["peak_mb"] / used["peak_mb"], 2)
            print(result, flush=True)
        return result


def main() -> None:
    """Measure and store."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--in-memory", type=int, default=100_000, help="also in memory up to so many rows")
    parser.add_argument("--workers", type=int, default=1, help="with more, the peak is that of the largest process")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "curate_scale_cpu.json")
    given = parser.parse_args()
    result = {
        "what": "rt curate --recipe lexical, in shards and in memory, made-up rows, process start to written artifact",
        "hardware": hardware(),
        "threads": 1,
        "workers": given.workers,
        "shard_rows": SHARD_ROWS,
        "versions": versions("datatrove", "numpy", "pyarrow", "rensa", "scipy"),
        "sizes": [],
    }
    for rows in given.rows:
        result["sizes"].append(compare(rows, rows <= given.in_memory, given.workers))
        write_result(given.out, result)


if __name__ == "__main__":
    main()
