"""What a run would do, before it does anything: cells, runs with what they take, and everything that is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from artifacts.pins import availability
from experiments.cells import Cell
from experiments.estimate import Rate, download_gb, lengths_basis, tuning_rate
from experiments.expand import pins_of, repositories_of, wishes_of
from experiments.profiles import Profile
from experiments.runs import Run, runs_of
from experiments.wanted import Wanted, wanted
from paper_repro.cli.common import emit
from paper_repro.repository import repository_availability

UNKNOWN = "unknown"
ASKED = "no result of generation on a GPU is stored, so the hours of asking models are unknown"


REWRITING = "at least: at the rate of tuning, each text read and written once; one token after another is slower"


def show(profile: Profile, cells: Sequence[Cell], pending: Sequence[Cell], as_json: bool) -> None:
    """Show the plan: of a profile that is estimated for a GPU its runs, of others their cells."""
    waiting = {cell.name for cell in pending}
    rows = [
        {"stage": cell.stage.name, "cell": cell.name, "done": cell.name not in waiting, "command": cell.command()}
        for cell in cells
    ]
    sources = {name: availability(name) for name in (*pins_of(pending), *wishes_of(pending))}
    for base in repositories_of(pending):
        sources[f"{base.name}@{base.revision}"] = repository_availability(base.name, str(base.revision))
    rate = tuning_rate(profile.hardware)
    runs = runs_of(profile, rate)
    missing = wanted(profile, pending, runs)
    totals = _totals(runs, rate) | {"download_gb": float(f"{download_gb(pending):.4g}")}
    if profile.hardware.device:
        lines = _runs_shown(profile, runs, totals)
    else:
        lines = [f"{'done' if row['done'] else 'to do':6} {row['stage']:9} {row['cell']}" for row in rows]
    lines += [f"{len(pending)} of {len(cells)} cells to do", *(f"source {name}: {at}" for name, at in sources.items())]
    lines += _missing_shown(missing)
    data = {"cells": rows, "sources": sources, "runs": [run.as_json() for run in runs], "totals": totals}
    emit(data | {"missing": [one.as_json() for one in missing]}, as_json, "\n".join(lines))


def _totals(runs: Sequence[Run], rate: Rate) -> dict[str, Any]:
    """Sums over the runs, each with how many of its runs are unknown, and what they are made from."""
    tuned, rewritten = [run for run in runs if run.tuned], [run for run in runs if run.rewritten]
    return {
        "tuned": len(tuned),
        "asked": len(runs) - len(tuned) - len(rewritten),
        "rewritten": len(rewritten),
        "gpu_hours": _sum(run.cost.gpu_hours for run in tuned),
        "gpu_hours_of_rewriting": _sum(run.cost.gpu_hours for run in rewritten),
        "disk_gb": _sum(run.cost.disk_gb for run in tuned),
        "basis": {
            "hours": rate.basis,
            "measured": rate.measured,
            "tokens": lengths_basis(),
            "asking": ASKED,
            "rewriting": REWRITING,
        },
    }


def _sum(values: Iterable[float | None]) -> dict[str, Any]:
    values = list(values)
    known = [value for value in values if value is not None]
    return {"known": float(f"{sum(known):.4g}"), "runs_known": len(known), "runs_unknown": len(values) - len(known)}


def _runs_shown(profile: Profile, runs: Sequence[Run], totals: dict[str, Any]) -> list[str]:
    lines = []
    names = list(dict.fromkeys(run.study for run in runs))
    for name in names:
        own = [run for run in runs if run.study == name]
        shared = [run for run in runs if name in run.shared]
        lines += ["", _heading(name, own, shared)]
        lines += [_run_shown(run) for run in own]
    basis = totals["basis"]
    hours, disk = totals["gpu_hours"], totals["disk_gb"]
    lines += [
        "",
        f"{profile.name}: {totals['tuned']} models to tune, {totals['asked']} times a base is asked as it is"
        + (f", {totals['rewritten']} sets to rewrite" if totals["rewritten"] else ""),
        f"  GPU hours of tuning: {_total_shown(hours)}",
        f"    {basis['hours']}",
        f"    tokens: {basis['tokens']}",
        *_rewriting_shown(totals),
        f"  disk of tuned models: {_total_shown(disk, ' GB')}",
        f"  base weights to fetch: {totals['download_gb']:,.0f} GB",
        f"  GPU hours of asking: {UNKNOWN}; {basis['asking']}",
    ]
    return lines[1:]


def _heading(name: str, own: Sequence[Run], shared: Sequence[Run]) -> str:
    kinds = (
        ("tuned", sum(run.tuned for run in own)),
        ("asked", sum(not run.tuned and not run.rewritten for run in own)),
        ("rewritten", sum(run.rewritten for run in own)),
    )
    parts = [f"{count} {kind}" for kind, count in kinds if count]
    if also := sum(run.tuned for run in shared):
        parts.append(f"{also} more shared with {', '.join(dict.fromkeys(run.study for run in shared if run.tuned))}")
    if left := next((run.left_out for run in own if run.left_out), None):
        parts.append(f"NOT PLANNED: {left}")
    return f"{name}: {'; '.join(part for part in parts if part)}"


def _run_shown(run: Run) -> str:
    what = run.response_set or ""
    if run.num_refusals:
        what += (
            f" + {run.num_refusals} refusals ({run.strategy})" if run.strategy else f" + {run.num_refusals} refusals"
        )
    state = "done" if run.done else "left out" if run.left_out else "to do"
    line = f"  {state:8} {run.base:16} {run.how:9} {what:36}"
    if not run.tuned and not run.rewritten:
        return line.rstrip()
    cost = run.cost
    tokens = UNKNOWN if cost.tokens is None else f"{cost.tokens / 1e6:,.1f}M tokens"
    hours = UNKNOWN if cost.gpu_hours is None else f"{cost.gpu_hours:,.2f} GPU h"
    disk = UNKNOWN if cost.disk_gb is None else f"{cost.disk_gb:,.1f} GB"
    return f"{line} {tokens:>16} {hours:>14}" + ("" if run.rewritten else f" {disk:>9}")


def _rewriting_shown(totals: dict[str, Any]) -> list[str]:
    if not totals["rewritten"]:
        return []
    total, basis = totals["gpu_hours_of_rewriting"], totals["basis"]["rewriting"]
    return [f"  GPU hours of rewriting: {_total_shown(total).replace('runs', 'sets')}", f"    {basis}"]


def _total_shown(total: dict[str, Any], unit: str = "") -> str:
    if not total["runs_known"]:
        return UNKNOWN
    text = f"{total['known']:,.0f}{unit} for {total['runs_known']} runs"
    return text + (f"; {UNKNOWN} for {total['runs_unknown']}" if total["runs_unknown"] else "")


def _missing_shown(missing: Sequence[Wanted]) -> list[str]:
    if not missing:
        return ["nothing is missing"]
    return [f"missing ({len(missing)}):", *(f"  - {one.kind}: {one.what}\n      {one.fix}" for one in missing)]
