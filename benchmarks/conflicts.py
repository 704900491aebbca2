"""Conflicts of base responses with declined acts, compared by content: what each threshold finds on real data.

Base rows are a seeded sample of Alpaca, acts the instructions of a seeded sample of the safety-tuned set, of the rows
whose response the rules call a refusal. Each base row's best cosine with an act is taken twice: of its response (what
`content_threshold` is about), and of its instruction (`instruction_threshold`). Base rows that the rules call refusals
are left out.
Labels are by hand, in `labels/conflicts.json`: rows whose response does, or helps with, the act nearest to it.

Run: RT_MIRROR=FOLDER python benchmarks/conflicts.py [--rows 3000] [--acts 500] [--show 40] [--out FILE]
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
import numpy as np
from common import SEED, hardware, versions, write_result
from semantic_dedup_cpu import records

from artifacts.files import read_json
from data_curation.embeddings import EncoderSettings, embed_texts
from data_curation.readers import read_file
from data_curation.records import Record
from data_curation.refusal_rules import classify
from data_curation.sources import SOURCES

LABELS = Path(__file__).parent / "labels" / "conflicts.json"
SAFETY = "train/safety_only_data_Instructions.json"
SAMPLE = 10_000  # the rows that semantic_dedup_cpu.py samples, so that its vectors serve here
WORDS = 10  # of a response; shorter ones were not embedded there
THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
Nearest = tuple[float, Record, Record]


def chosen(rows: list[Record], count: int) -> list[Record]:
    """A seeded sample, in order."""
    places = sorted(random.Random(SEED).sample(range(len(rows)), min(count, len(rows))))  # noqa: S311
    return [rows[place] for place in places]


def declined_acts(count: int) -> list[Record]:
    """Rows of the safety-tuned set that decline what they are asked: some of its instructions are harmless."""
    source = "safety-tuned-llamas"
    rows = read_file(Path(os.environ["RT_MIRROR"]) / SAFETY, source, SOURCES[source].columns).records
    return [row for row in chosen(rows, count) if classify(row.response, row.instruction).label == "refusal"]


def nearest(texts: list[str], rows: list[Record], acts: list[Record]) -> list[Nearest]:
    """Best cosine of each text with an act, its row and the act, the highest first."""
    vectors = embed_texts(texts, EncoderSettings(), threads=1)
    of_acts = embed_texts([act.instruction or "" for act in acts], EncoderSettings(), threads=1)
    cosines = vectors @ of_acts.T
    found = [(float(line.max()), row, acts[int(line.argmax())]) for line, row in zip(cosines, rows, strict=True)]
    return sorted(found, key=lambda item: (-item[0], item[1].row_id))


def by_threshold(found: list[Nearest], labels: dict[int, bool]) -> dict[str, Any]:
    """Rows at or above each threshold, how many of them were read, and how many are conflicts."""
    table = {}
    for threshold in THRESHOLDS:
        above = [row.row for cosine, row, _ in found if cosine >= threshold]
        read = [row for row in above if row in labels]
        table[str(threshold)] = {"rows": len(above), "read": len(read), "conflicts": sum(labels[row] for row in read)}
    return table


def main() -> None:
    """Measure, and print what is to be read or store the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3_000)
    parser.add_argument("--acts", type=int, default=500)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "conflicts.json")
    given = parser.parse_args()
    base = [row for row in records("alpaca", SAMPLE) if len(row.response.split()) >= WORDS]
    base = [row for row in chosen(base, given.rows) if classify(row.response).label != "refusal"]
    acts = declined_acts(given.acts)
    sides = {
        "content": nearest([row.response for row in base], base, acts),
        "instruction": nearest([row.instruction or "" for row in base], base, acts),
    }
    if given.show:
        for side, found in sides.items():
            for cosine, row, act in found[: given.show]:
                print(f"{side} {cosine:.3f} row {row.row}\n  ACT {act.instruction}\n  ASKED {row.instruction[:160]!r}")
                print(f"  SAID {row.response[:240]!r}")
        return
    labels = {row: bool(conflict) for row, conflict in read_json(LABELS)["alpaca"]}
    write_result(
        given.out,
        {
            "what": "Alpaca rows by their best cosine with an act that the safety-tuned set declines; read by hand",
            "rows": len(base),
            "acts": len(acts),
            "by_content": by_threshold(sides["content"], labels),
            "by_instruction": by_threshold(sides["instruction"], labels),
            "content_quantiles": {
                str(q): round(float(np.quantile([cosine for cosine, _, _ in sides["content"]], q)), 3)
                for q in (0.5, 0.9, 0.99, 0.999)
            },
            "hardware": hardware(),
            "versions": versions("torch", "transformers", "sentence-transformers"),
        },
    )


if __name__ == "__main__":
    main()
