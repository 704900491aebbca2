"""Filters on real responses: how many good ones each drops (labels by hand), and how many planted defects it catches.

Labels are in `labels/filters.json`, by row, without the text. The rows are drawn here: `development` rows were used
while filters were written; the others stand in the order of a digest, and are cut into `sample` (100 a source, read
whether dropped or not), `choose` and `report` (of which the dropped ones were read). Thresholds were chosen on the
sample's even rows and `choose`; the odd rows and `report` are what to go by.

Run: RT_MIRROR=FOLDER python benchmarks/filter_quality.py [--out benchmarks/results/filter_quality.json]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from common import SEED, hardware, versions, write_result
from planted_defects import PLANTED
from scipy.stats import beta

from artifacts.files import read_json
from data_curation.filters.catalogue import Filter, catalogue
from data_curation.normalise import Normalise, NormaliseSettings
from data_curation.readers import read_file
from data_curation.records import Record, make_records
from data_curation.sources import SOURCES

LABELS = Path(__file__).parent / "labels" / "filters.json"
FILES = {
    "dolly": "train/dolly_15k.jsonl.zst",
    "alpaca": "train/alpaca_data.jsonl.zst",
    "lima": "train/lima_train.jsonl",
    "corpus": "corpus/responses_alpacaeval.parquet",
}
DEVELOPMENT = 6_000  # rows a source, but of LIMA, which is small
SAMPLE = 100
CHOOSE = {"dolly": 6_000, "alpaca": 6_000, "lima": 900, "corpus": 12_000}
REPORT = {"dolly": 2_500, "alpaca": 10_000, "lima": 0, "corpus": 12_000}
BY_DEFINITION = ("length", "too_long")  # a limit that the user sets; what lies over it is no defect
# laxer and stricter than the defaults
SWEEP = {
    "truncation": ("min_words", (150, 250, 400)),
    "gibberish": ("max_surprise", (3.4, 3.7, 4.0, 4.3)),
    "repetition": ("max_share", (0.5, 0.6, 0.7, 0.8)),
    "language": ("min_confidence", (0.9, 0.99, 0.999)),
}
Key = tuple[str, int]


def records(mirror: Path, source: str) -> list[Record]:
    """The records of one source, in the file's order."""
    if source == "corpus":
        import pyarrow.parquet as pq

        table = pq.read_table(mirror / FILES[source], columns=["instruction", "output"])
        rows = zip(table["instruction"].to_pylist(), table["output"].to_pylist(), strict=True)
        return make_records("corpus-all", ((row, *texts) for row, texts in enumerate(rows)))
    limit = SOURCES[source].rows if source == "lima" else None
    return read_file(mirror / FILES[source], source, SOURCES[source].columns, limit).records


def development(source: str, rows: list[Record]) -> set[int]:
    """Rows that were looked at while the filters were written."""
    if source == "lima":
        return set()
    if source == "corpus":
        return set(random.Random(SEED).sample(range(len(rows)), DEVELOPMENT))  # noqa: S311
    return {record.row for record in sorted(rows, key=lambda record: record.row_id)[:DEVELOPMENT]}


def draw(mirror: Path) -> dict[str, dict[Key, Record]]:
    """The three parts, each `(source, row)` to record."""
    parts: dict[str, dict[Key, Record]] = {"sample": {}, "choose": {}, "report": {}}
    for source in FILES:
        rows = records(mirror, source)
        seen = development(source, rows)
        left = [record for record in rows if record.row not in seen]
        left.sort(key=lambda record: hashlib.sha256(f"filters-1:{record.row_id}".encode()).hexdigest())
        at = 0
        for part, size in (("sample", SAMPLE), ("choose", CHOOSE[source]), ("report", REPORT[source])):
            parts[part] |= {(source, record.row): record for record in left[at : at + size]}
            at += size
    return parts


def read_labels(parts: dict[str, dict[Key, Record]]) -> dict[str, dict[Key, list[str]]]:
    """The labels of each part, after a look whether they are about these rows."""
    given = read_json(LABELS)
    labels: dict[str, dict[Key, list[str]]] = {}
    for part, rows in parts.items():
        labels[part] = {(source, row): defects for source, row, _, defects in given[part]}
        for source, row, record_id, _ in given[part]:
            if rows[source, row].record_id != record_id:
                raise SystemExit(f"{LABELS.name}: row {row} of {source} is another response than the one labelled")
    return labels


def reason(found: Filter, text: str, **changed: Any) -> str | None:
    """Why a filter drops a text (or would mask it), or None."""
    settings = {"action": "drop"} if found.name == "pii" else {}
    outcome = found.judge(text, found.settings(**settings, **changed))
    return outcome.reason if outcome else None


def upper(hits: int, of: int) -> float | None:
    """Upper end of the 95 % interval of a rate (Clopper and Pearson)."""
    return round(float(beta.ppf(0.975, hits + 1, of - hits)), 5) if of > hits else None


def rate(hits: int, of: int) -> dict[str, Any]:
    """A rate with what it is made of; None where nothing was measured."""
    return {"hits": hits, "of": of, "rate": round(hits / of, 5) if of else None, "upper_95": upper(hits, of)}


def false_drops_of_sample(found: Filter, texts: dict[Key, str], labels: dict[Key, list[str]]) -> dict[str, Any]:
    """False drops among the sample's good rows, even and odd places apart."""
    halves: dict[str, list[bool]] = {"even": [], "odd": []}
    for place, key in enumerate(labels):
        if not labels[key]:
            halves["odd" if place % 2 else "even"].append(reason(found, texts[key]) is not None)
    return {half: rate(sum(dropped), len(dropped)) for half, dropped in halves.items()}


def drops_of_part(found: Filter, texts: dict[Key, str], labels: dict[Key, list[str]], **changed: Any) -> dict[str, Any]:
    """Drops of a part: how many, how many of good rows (a rate of all rows), how many that nobody has read."""
    dropped = [key for key, text in texts.items() if reason(found, text, **changed) is not None]
    false = [key for key in dropped if key in labels and not labels[key]]
    by_source = {
        source: rate(sum(key[0] == source for key in false), sum(key[0] == source for key in texts))
        for source in dict.fromkeys(source for source, _ in texts)
    }
    unread = sum(key not in labels for key in dropped)
    return {"dropped": len(dropped), "false": rate(len(false), len(texts)), "by_source": by_source, "unread": unread}


def caught(found: Filter, texts: list[str]) -> dict[str, Any]:
    """Planted defects that a filter catches, by kind."""
    result = {}
    for kind, plant in PLANTED.get(found.name, {}).items():
        chance = random.Random(f"{SEED}:{kind}")  # noqa: S311
        damaged = [damage for damage in (plant(text, chance) for text in texts) if damage is not None]
        hits = sum(reason(found, damage) is not None for damage in damaged)
        result[kind] = {"hits": hits, "of": len(damaged), "rate": round(hits / len(damaged), 4) if damaged else None}
    return result


def measure(mirror: Path) -> dict[str, Any]:
    """All numbers, by filter."""
    parts = draw(mirror)
    labels = read_labels(parts)
    repair = Normalise(NormaliseSettings()).repair
    # 'choose' was read at laxer settings than any swept here, so the rows that nobody read are not dropped there
    parts["choose"] = {key: parts["choose"][key] for key in labels["choose"]}
    texts = {part: {key: repair(record.response)[0] for key, record in rows.items()} for part, rows in parts.items()}
    # planted into whole rows that have nothing wrong and that the filter keeps, so that only the planted defect counts
    good = [texts["sample"][key] for key, defects in labels["sample"].items() if not defects]
    result: dict[str, Any] = {}
    for name, found in catalogue().items():
        entry: dict[str, Any] = {"sample": false_drops_of_sample(found, texts["sample"], labels["sample"])}
        if name not in BY_DEFINITION:
            entry["report"] = drops_of_part(found, texts["report"], labels["report"])
            entry["planted"] = caught(found, [text for text in good if reason(found, text) is None])
        if name in SWEEP:
            setting, values = SWEEP[name]
            swept = {
                value: drops_of_part(found, texts["choose"], labels["choose"], **{setting: value}) for value in values
            }
            entry["choose"] = {f"{setting}={value}": _short(part) for value, part in swept.items()}
        result[name] = entry
    return result


def _short(part: dict[str, Any]) -> dict[str, int]:
    return {"dropped": part["dropped"], "false": part["false"]["hits"]}


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "filter_quality.json")
    given = parser.parse_args()
    if "RT_MIRROR" not in os.environ:
        raise SystemExit("needs real data sets: set RT_MIRROR to a folder laid out as the pins say")
    write_result(
        given.out,
        {
            "what": "false drops of each filter at its defaults on real responses labelled by hand; planted defects",
            "filters": measure(Path(os.environ["RT_MIRROR"])),
            "rows": {"sample": SAMPLE * len(FILES), "choose": CHOOSE, "report": REPORT},
            "hardware": hardware(),
            "versions": versions("datatrove", "ftfy", "phonenumbers", "py3langid"),
        },
    )


if __name__ == "__main__":
    main()
