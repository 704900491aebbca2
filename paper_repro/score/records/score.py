"""From the name of a benchmark and a file to its numbers, beside published ones if asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from artifacts.digests import digest_file
from artifacts.errors import UserError
from artifacts.manifest import read_manifest
from paper_repro.score.records.alpaca_eval import published_alpaca_eval, score_alpaca_eval
from paper_repro.score.records.base import Scored
from paper_repro.score.records.core import score_core
from paper_repro.score.records.infobench import score_infobench
from paper_repro.score.records.just_eval import published_just_eval, score_just_eval
from paper_repro.score.records.refusals import score_harmbench, score_refusals, score_xstest
from paper_repro.score.stage import ScoreSettings

PRINTED = 0.005  # a published number further than this from ours is another, not the same one rounded
RECORDS: dict[str, Callable[[Path, ScoreSettings], Scored]] = {
    "alpaca-eval": score_alpaca_eval,
    "just-eval": score_just_eval,
    "infobench": score_infobench,
    "advbench": score_refusals,
    "harmbench": score_harmbench,
    "malicious-instruct": score_refusals,
    "xstest": score_xstest,
    "core": score_core,
}


def score_file(
    benchmark: str,
    path: Path,
    settings: ScoreSettings,
    *,
    gamed: Path | None = None,
    against: Path | None = None,
    model: str | None = None,
) -> dict[str, Any]:
    """The numbers of a benchmark from one file of judge records, as plain values (schema: docs/schemas.md).

    Args:
        benchmark: A name of `RECORDS`.
        path: The file; of alpaca-eval also a folder of verdicts of preference-llm.
        settings: Seed and resamples of the intervals.
        gamed: AlpacaEval: annotations of gamed answers (None = the pinned ones).
        against: A file of published numbers: a leaderboard CSV of AlpacaEval, an eval_res.json of just-eval.
        model: AlpacaEval: name of the model in that leaderboard (None = the name in the records).

    Raises:
        UserError: an option that the benchmark has no use for.
        InputError: a file that cannot be used; names file, line and key.
    """
    if gamed is not None and benchmark != "alpaca-eval":
        raise UserError(f"{benchmark} knows no gamed answers", fix="leave out --gamed")
    if against is not None and benchmark not in ("alpaca-eval", "just-eval"):
        raise UserError(f"no published file of {benchmark} can be read", fix="leave out --against")
    if path.is_dir() and benchmark != "alpaca-eval":
        raise UserError(f"{path} is a folder", fix="rt score VERDICTS..., without the name of a benchmark")
    if benchmark == "alpaca-eval":
        scored = score_alpaca_eval(path, settings, gamed)
    else:
        scored = RECORDS[benchmark](path, settings)
    result = {"benchmark": benchmark, "file": str(path), "digest": _digest(path), **scored.resolved()}
    if against is not None:
        if benchmark == "alpaca-eval":
            published = published_alpaca_eval(against, model or scored.facts["model"])
        else:
            published = published_just_eval(against)
        result["published"] = beside(scored, published)
        result["notes"] += _contradicted(result["published"], against)
    return result


def _digest(path: Path) -> str:
    return read_manifest(path).digest if path.is_dir() else digest_file(path)


def beside(scored: Scored, published: dict[tuple[str, str | None], float]) -> list[dict[str, Any]]:
    """Every published number with ours and the difference; ours is null where the file does not give it."""
    ours = {(number.metric, number.subset): number.value for number in scored.numbers}
    rows = []
    for (metric, subset), value in published.items():
        found = ours.get((metric, subset))
        difference = None if found is None else found - value
        rows.append({"metric": metric, "subset": subset, "published": value, "ours": found, "difference": difference})
    return rows


def _contradicted(rows: Sequence[Mapping[str, Any]], against: Path) -> list[str]:
    """A note where published numbers are not what these records give."""
    compared = [row for row in rows if row["difference"] is not None]
    other = [row for row in compared if abs(row["difference"]) > PRINTED]
    if not other:
        return []
    names = ", ".join(row["metric"] + (f" ({row['subset']})" if row["subset"] else "") for row in other)
    return [f"{against.name} contradicts these records: {len(other)} of {len(compared)} numbers are others ({names})"]


def _shown(value: float | None, unit: str) -> str:
    """A number with its unit: 0.8760, 17.1882 %, 131 answers, 4.3333 on 1 to 5."""
    if value is None:
        return "missing"
    if unit == "answers":
        return f"{value:.0f} answers"
    return f"{value:.4f}" + ("" if unit == "share" else " %" if unit == "%" else f" on {unit}")


def as_text(result: dict[str, Any]) -> str:
    """The result as lines for people."""
    lines = [f"{result['benchmark']}: {result['records']} records of {result['file']}"]
    lines += [f"  {name}: {value}" for name, value in result["facts"].items() if value is not None]
    for number in result["numbers"]:
        name = number["metric"] + (f" ({number['subset']})" if number["subset"] else "")
        value = _shown(number["value"], number["unit"])
        interval = "" if number["low"] is None else f" [{number['low']:.4f}, {number['high']:.4f}]"
        unread = f", {number['unclassified']} unclassified" if number["unclassified"] else ""
        lines.append(f"  {name}: {value}{interval}, n {number['n']}{unread}")
    for row in result.get("published", []):
        ours = "missing" if row["ours"] is None else f"{row['ours']:.4f}, difference {row['difference']:+.4f}"
        lines.append(f"  published {row['metric']}: {row['published']:.4f}; ours {ours}")
    return "\n".join([*lines, *(f"  note: {note}" for note in result["notes"])])
