"""How well the quality score tells clean responses from faulty ones, and a whole text from a damaged copy of it.

Labels are those of `filter_quality.py`, by hand. What a label says only of a language or of personal data is no fault
of form and is left out. Three measurements, from the least to the most favourable for the score:

    sample     400 responses drawn at random: its faulty ones are few (an interval by resampling shows it)
    found      the sample's clean responses against the faulty ones of 'report', rows that a filter dropped: the score
               holds the same filters, so this says how they are weighed, not what they miss
    pairs      each clean response of the sample against copies of it with a planted defect: how often each survivor
               policy keeps the sound one, which is what the score is for

Run: RT_MIRROR=FOLDER python benchmarks/quality.py [--out benchmarks/results/quality.json]
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
from filter_quality import FILES, draw, rate, read_labels
from planted_defects import PLANTED

from data_curation.normalise import Normalise, NormaliseSettings
from data_curation.quality import quality
from data_curation.records import make_records
from data_curation.survivors import survivor_order

NOT_OF_FORM = {"language", "personal_data"}
PLANTED_INTO = ("truncation", "broken_fence", "template_leak", "meta_talk", "gibberish", "repetition", "near_empty")
RESAMPLES = 2_000


def area(clean: np.ndarray, faulty: np.ndarray) -> float | None:
    """Chance that a clean response has a higher score than a faulty one, a tie counting half (AUC)."""
    if not len(clean) or not len(faulty):
        return None
    above = (clean[:, None] > faulty).mean() + 0.5 * (clean[:, None] == faulty).mean()
    return round(float(above), 4)


def compared(clean: list[str], faulty: list[str]) -> dict[str, Any]:
    """AUC with its interval, beside that of the length in words; and the scores' quartiles."""
    result: dict[str, Any] = {"clean": len(clean), "faulty": len(faulty)}
    measures = {"score": lambda text: quality(text).score, "words": lambda text: len(text.split())}
    for name, measure in measures.items():
        ones, others = (np.asarray([measure(text) for text in texts], dtype=float) for texts in (clean, faulty))
        draws = np.random.default_rng(SEED)
        again = [area(draws.choice(ones, len(ones)), draws.choice(others, len(others))) for _ in range(RESAMPLES)]
        result[name] = {
            "auc": area(ones, others),
            "interval_95": [round(float(value), 4) for value in np.quantile(again, [0.025, 0.975])],
            "quartiles_clean": [round(float(value), 3) for value in np.quantile(ones, [0.25, 0.5, 0.75])],
            "quartiles_faulty": [round(float(value), 3) for value in np.quantile(others, [0.25, 0.5, 0.75])],
        }
    return result


def kept(whole: str, damaged: str, policy: str) -> bool:
    """Whether a policy keeps the whole one of the two."""
    records = make_records("pair", [(0, None, whole), (1, None, damaged)])
    return records[survivor_order(records, policy)[0]].response == whole


def pairs(clean: list[str]) -> dict[str, Any]:
    """By planted defect: how often each policy keeps the sound text."""
    table = {}
    for name in PLANTED_INTO:
        for kind, plant in PLANTED[name].items():
            chance = random.Random(f"{SEED}:{kind}")  # noqa: S311
            made = [(text, plant(text, chance)) for text in clean]
            made = [(text, damaged) for text, damaged in made if damaged is not None and damaged != text]
            table[kind] = {
                policy: rate(sum(kept(*pair, policy) for pair in made), len(made)) for policy in ("quality", "longest")
            }
    return table


def measure(mirror: Path) -> dict[str, Any]:
    """All numbers."""
    parts = draw(mirror)
    labels = read_labels(parts)
    repair = Normalise(NormaliseSettings()).repair
    texts = {part: {key: repair(parts[part][key].response)[0] for key in labels[part]} for part in ("sample", "report")}
    clean = {key: text for key, text in texts["sample"].items() if not labels["sample"][key]}
    faulty = {
        part: {key: text for key, text in texts[part].items() if set(labels[part][key]) - NOT_OF_FORM} for part in texts
    }
    by_fault = {
        fault: [text for key, text in faulty["report"].items() if labels["report"][key][0] == fault]
        for fault in sorted({labels["report"][key][0] for key in faulty["report"]})
    }
    return {
        "sample": compared(list(clean.values()), list(faulty["sample"].values())),
        "found": compared(list(clean.values()), list(faulty["report"].values())),
        "found_by_fault": {
            fault: {
                "faulty": len(some),
                "auc": area(*(np.asarray([quality(text).score for text in part]) for part in (clean.values(), some))),
            }
            for fault, some in by_fault.items()
        },
        "pairs": pairs(list(clean.values())),
    }


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "quality.json")
    given = parser.parse_args()
    if "RT_MIRROR" not in os.environ:
        raise SystemExit("needs real data sets: set RT_MIRROR to a folder laid out as the pins say")
    write_result(
        given.out,
        {
            "what": "the quality score on labelled responses (AUC) and on planted defects (which copy stays)",
            "sources": list(FILES),
            **measure(Path(os.environ["RT_MIRROR"])),
            "hardware": hardware(),
            "versions": versions("numpy", "ftfy"),
        },
    )


if __name__ == "__main__":
    main()
