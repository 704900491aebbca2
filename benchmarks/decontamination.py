"""Decontamination on real data: rows of Dolly, Alpaca and LIMA that hold an evaluation prompt, by words and by meaning.

Slices are seeded samples; the prompts are all that the mirror has. Vectors are in 16 bits (cosines move by up to 0.004
by them), so that this runs on a busy CPU. Rows are counted by the best cosine of the side, at several thresholds, and
beside them those that share an n-gram. Labels are by hand, in `labels/decontamination.json`: whether the row asks what
the prompt asks (in the same or in other words).

Run: RT_MIRROR=FOLDER python benchmarks/decontamination.py [--sets alpaca] [--show 15] [--out FILE]
With --show the nearest rows are printed instead, to be read.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from common import SEED, hardware, versions, write_result

from artifacts.files import read_json
from data_curation.decontaminate import Decontaminate, DecontaminateSettings
from data_curation.embeddings import EncoderSettings
from data_curation.evaluation_prompts import read_prompts
from data_curation.readers import read_file
from data_curation.records import Record
from data_curation.sources import SOURCES

LABELS = Path(__file__).parent / "labels" / "decontamination.json"
FILES = {
    "alpaca": "train/alpaca_data.jsonl.zst",
    "dolly": "train/dolly_15k.jsonl.zst",
    "lima": "train/lima_train.jsonl",
}
SLICES = {
    "alpaca": (2_000, ("instruction",)),
    "dolly": (2_000, ("instruction", "response")),
    "lima": (400, ("instruction",)),
}
LEAST = 0.7
THRESHOLDS = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
Row = dict[str, Any]


def sample(name: str, count: int) -> list[Record]:
    """A seeded sample of a set, in its order."""
    rows = read_file(Path(os.environ["RT_MIRROR"]) / FILES[name], name, SOURCES[name].columns).records
    places = sorted(random.Random(SEED).sample(range(len(rows)), count))  # noqa: S311
    return [rows[place] for place in places]


def matches(rows: list[Record], sides: tuple[str, ...]) -> list[Row]:
    """Everything that the step finds from `LEAST` on, the best a row, side and method."""
    settings = DecontaminateSettings(
        similarity=LEAST, sides=sides, action="report", encoder=EncoderSettings(dtype="bfloat16")
    )
    return Decontaminate(settings).apply(rows, Path()).matches


def counts(found: list[Row], rows: dict[str, int], labels: dict[int, bool]) -> dict[str, Any]:
    """Rows by side: with an n-gram, and at or above each threshold; how many of these were read, and ask the same."""
    result: dict[str, Any] = {}
    for side in sorted({match["side"] for match in found}):
        of_side = [match for match in found if match["side"] == side]
        grams = {match["row_id"] for match in of_side if match["method"] == "ngram"}
        table = {}
        for threshold in THRESHOLDS:
            above = {m["row_id"] for m in of_side if m["method"] == "embedding" and m["score"] >= threshold}
            read = [rows[row] for row in above if rows[row] in labels]
            table[str(threshold)] = {
                "rows": len(above),
                "also_by_ngram": len(above & grams),
                "read": len(read),
                "ask_the_same": sum(labels[row] for row in read),
            }
        result[side] = {"rows_with_an_ngram": len(grams), "rows_by_cosine": table}
    return result


def show(found: list[Row], rows: list[Record], most: int) -> None:
    """Print the nearest rows of each side with the prompts."""
    records = {record.row_id: record for record in rows}
    texts = {
        (prompt.set, prompt.id): prompt.text
        for one in DecontaminateSettings().prompts or ()
        for prompt in read_prompts(one)
    }
    for match in sorted(found, key=lambda match: (match["method"], match["side"], -match["score"]))[: 2 * most]:
        record = records[match["row_id"]]
        text = record.instruction if match["side"] == "instruction" else record.response
        prompt = texts[match["prompt_set"], match["prompt_id"]]
        print(f"{match['method']} {match['side']} {match['score']:.3f} {record.source} row {record.row}")
        print(f"  PROMPT ({match['prompt_set']}) {prompt[:160]!r}\n  ROW {(text or '')[:160]!r}")


def main() -> None:
    """Measure, and print what is to be read or store the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SLICES, default=list(SLICES))
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "decontamination.json")
    given = parser.parse_args()
    labels = read_json(LABELS) if LABELS.exists() else {}
    result: dict[str, Any] = {}
    for name in given.sets:
        count, sides = SLICES[name]
        rows = sample(name, count)
        found = matches(rows, sides)
        if given.show:
            show(found, rows, given.show)
        own = {row: bool(same) for row, same in labels.get(name, ())}
        places = {record.row_id: record.row for record in rows}
        result[name] = {"rows": count, "sides": sides, **counts(found, places, own)}
    if given.show:
        return
    prompts = {one.name: len(read_prompts(one)) for one in DecontaminateSettings().prompts or ()}
    write_result(
        given.out,
        {
            "what": "rows that hold an evaluation prompt, by 13-grams and by the best cosine (16 bits) of a side",
            "prompts": prompts,
            "sets": result,
            "not_run": [name for name in SLICES if name not in given.sets],
            "hardware": hardware(),
            "versions": versions("torch", "transformers", "sentence-transformers"),
        },
    )


if __name__ == "__main__":
    main()
