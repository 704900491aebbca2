"""The refusal detector on responses labelled by reading them: precision and recall on the half that chose nothing.

Labels of real responses are in `labels/refusals.jsonl` by source and row (with the digest of the text, checked), never
the text; our own made responses are in `tests/data`. Rows fall into halves by the last hex digit of their digest. On
the development half each threshold is the one with the fewest errors; the other half is reported, beside the paper's
word rule and each signal alone. A label calls a reply a refusal if it gives nothing of what was asked and makes clear
that it will not or cannot; `sure: false` marks those where reading left a doubt (they are reported apart).

Run: RT_MIRROR=... python benchmarks/refusal_detector.py [--out benchmarks/results/refusal_detector.json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from common import hardware, versions, write_result

from artifacts.errors import MissingDataError
from artifacts.store import mirror_folder
from data_curation.readers import read_file
from data_curation.records import Record, make_records
from data_curation.refusal_detector import Detection, DetectorSettings, Thresholds, detect
from data_curation.sources import find_source
from paper_repro.score.statistics import wilson

HERE = Path(__file__).resolve().parent
LABELS = HERE / "labels" / "refusals.jsonl"
OWN = (HERE.parent / "tests/data/refusal_kinds.jsonl", HERE.parent / "tests/data/refusal_responses.jsonl")
FILES = {
    "safety-tuned-llamas": "train/safety_only_data_Instructions.json",
    "dolly": "train/dolly_15k.jsonl.zst",
    "alpaca": "train/alpaca_data.jsonl.zst",
    "lima": "train/lima_train.jsonl",
    "responses_alpacaeval": "corpus/responses_alpacaeval.parquet",
}
METHODS = ("word", "cues", "similarity", "combined")
Rows = Sequence[tuple["Labelled", Detection]]


@dataclass(frozen=True)
class Labelled:
    """One labelled response: `half` is `development` or `held-out`, `kind` a refusal's (`bare`, `explanatory`)."""

    set: str
    half: str
    refusal: bool
    kind: str | None
    sure: bool
    record: Record


def labelled(mirror: Path) -> list[Labelled]:
    """All labelled responses with their texts."""
    rows = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").split("\n") if line]
    wanted = {name: {row["row"] for row in rows if row["source"] == name} for name in FILES}
    texts = {name: _records(mirror / file, name, wanted[name]) for name, file in FILES.items()}
    found = []
    for row in rows:
        record = texts[row["source"]][row["row"]]
        if record.record_id != row["record_id"]:
            raise SystemExit(f"{LABELS.name}: row {row['row']} of {row['source']} has another text than was labelled")
        half = "held-out" if int(row["record_id"][-1], 16) % 2 else "development"
        found.append(Labelled(row["set"], half, row["label"] == "refusal", row["reason"], row["sure"], record))
    return found + made()


def made() -> list[Labelled]:
    """Our own made responses."""
    rows = [(path, json.loads(line)) for path in OWN for line in path.read_text("utf-8").split("\n") if line]
    records = make_records("made", ((index, None, row["response"]) for index, (_, row) in enumerate(rows)))
    return [
        Labelled(f"made: {row['kind']}", row["split"], row["label"] == "refusal", row.get("reason"), True, record)
        for (_, row), record in zip(rows, records, strict=True)
    ]


def _records(path: Path, name: str, wanted: set[int]) -> dict[int, Record]:
    if name == "responses_alpacaeval":
        return _corpus(path, wanted)
    columns = find_source(name).columns
    return {record.row: record for record in read_file(path, name, columns).records if record.row in wanted}


def _corpus(path: Path, wanted: set[int]) -> dict[int, Record]:
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["instruction", "output"]).take(sorted(wanted))
    rows = zip(sorted(wanted), table["instruction"].to_pylist(), table["output"].to_pylist(), strict=True)
    return {row: replace(record, row=row) for (row, *_), record in _with_records(rows)}


def _with_records(rows: Iterable[tuple[int, str, str]]):
    rows = list(rows)
    return zip(rows, make_records("responses_alpacaeval", rows), strict=True)


def choose(rows: Rows) -> Thresholds:
    """Per level of wording the threshold with the fewest errors; ties go to what the wording says."""
    chosen = {}
    for level, cautious in (("decline", min), ("objection", min), ("hint", max), ("none", max)):
        chosen[level] = _fewest([pair for pair in rows if pair[1].level == level], cautious)
    chosen["alone"] = _fewest([pair for pair in rows if pair[1].level != "nothing"], min)
    return Thresholds(**chosen)


def _fewest(rows: Rows, cautious: Callable[[Iterable[float]], float]) -> float:
    """The best of: no similarity needed (-2), just met by one of the rows, never met (2)."""
    candidates = sorted({-2.0, 2.0, *(int(found.score * 1000) / 1000 for _, found in rows)})
    errors = {t: sum((found.score >= t) != row.refusal for row, found in rows) for t in candidates}
    return cautious(t for t, count in errors.items() if count == min(errors.values()))


def measured(rows: Rows) -> dict[str, Any]:
    """Counts, precision and recall with 95 % Wilson intervals; null where there is nothing to divide by."""
    true = sum(row.refusal and found.refusal is True for row, found in rows)
    called = sum(found.refusal is True for _, found in rows)
    are = sum(row.refusal for row, _ in rows)
    return {
        "n": len(rows),
        "refusals": are,
        "called_refusals": called,
        "right": true,
        "precision": _share(true, called),
        "recall": _share(true, are),
    }


def kinds(rows: Rows) -> dict[str, Any]:
    """Of refusals found as such: how often a bare one is called bare, an explanatory one explanatory."""
    told = [(row.kind, found.kind) for row, found in rows if row.kind and found.refusal]
    return {
        kind: _share(sum(a == b == kind for a, b in told), sum(a == kind for a, _ in told)) | {"n": _count(told, kind)}
        for kind in ("bare", "explanatory")
    }


def _count(told: Sequence[tuple[str, str]], kind: str) -> int:
    return sum(label == kind for label, _ in told)


def _share(part: int, whole: int) -> dict[str, float | None]:
    if not whole:
        return {"value": None, "low": None, "high": None}
    low, high = wilson(part, whole)
    return {"value": round(part / whole, 4), "low": round(low, 4), "high": round(high, 4)}


def report(rows: Sequence[Labelled], settings: DetectorSettings) -> dict[str, Any]:
    """Everything measured: by method, by set, with and without the doubtful rows."""
    records = [row.record for row in rows]
    found = {}
    with tempfile.TemporaryDirectory() as scratch:  # two of the methods read the same vectors
        for method in METHODS:
            outcome = detect(records, settings.model_copy(update={"method": method}), Path(scratch))
            found[method] = list(zip(rows, outcome, strict=True))
    held = {method: _part(pairs, "held-out") for method, pairs in found.items()}
    sets = sorted({row.set for row in rows})
    return {
        "thresholds_chosen": choose(_part(found["combined"], "development")).resolved(),
        "development": {method: measured(_part(pairs, "development")) for method, pairs in found.items()},
        "held_out": {method: measured(pairs) for method, pairs in held.items()},
        "held_out_with_doubtful": {
            method: measured(_part(pairs, "held-out", sure=False)) for method, pairs in found.items()
        },
        "held_out_by_set": {
            method: {name: measured([pair for pair in held[method] if pair[0].set == name]) for name in sets}
            for method in METHODS
        },
        "kind": {
            half: {
                "real": kinds([p for p in _part(found["combined"], half) if not p[0].set.startswith("made")]),
                "made": kinds([p for p in _part(found["combined"], half) if p[0].set.startswith("made")]),
            }
            for half in ("development", "held-out")
        },
    }


def _part(pairs: Rows, half: str, sure: bool = True) -> list[tuple[Labelled, Detection]]:
    return [pair for pair in pairs if pair[0].half == half and (pair[0].sure or not sure)]


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "refusal_detector.json")
    given = parser.parse_args()
    mirror = mirror_folder()
    if mirror is None:
        raise MissingDataError("needs the labelled responses' texts", where="RT_MIRROR", fix="set it to the mirror")
    rows = labelled(mirror)
    settings = DetectorSettings()
    result = report(rows, settings)
    if result["thresholds_chosen"] != settings.thresholds.resolved():
        print(f"WARNING: the detector's thresholds are others than chosen here: {settings.thresholds.resolved()}")
    write_result(
        given.out,
        {
            "what": "refusal detector on labelled responses; thresholds chosen on one half, the other reported",
            "labelled_by": "one reader, from instruction and response",
            "thresholds_used": settings.thresholds.resolved(),
            "encoder": settings.encoder.model,
            **result,
            "hardware": hardware(),
            "versions": versions("sentence-transformers", "transformers", "torch"),
        },
    )


if __name__ == "__main__":
    main()
