"""What `rt annotate` prints."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from paper_repro.annotate.settings import AnnotateSettings
from paper_repro.cli.common import emit


def show_plan(settings: AnnotateSettings, a: Path, b: Path, folder: Path, as_json: bool) -> None:
    """Print what a campaign would be: items, flagged ones, turns of each rater."""
    from paper_repro.annotate.assign import assign, rater_names
    from paper_repro.annotate.items import count_flagged, read_items, read_pair

    read_pair(a, b)
    items = read_items(a, b, settings)
    turns = assign([item.a["prompt_id"] for item in items], settings)
    loads = {name: sum(t.rater == n for t in turns) for n, name in enumerate(rater_names(settings.raters), start=1)}
    plan = {
        "settings": settings.resolved(),
        "path": str(folder),
        "items": len(items),
        "flagged": count_flagged(items),
        "assignments": loads,
    }
    lines = [f"{name}: {load} turns" for name, load in loads.items()]
    text = f"campaign: {folder}\nitems: {len(items)}, of unsafe sets: {plan['flagged']}\n" + "\n".join(lines)
    emit(plan, as_json, text)


def show_campaign(campaign: Any, found: dict[str, str], host: str, port: int, as_json: bool) -> None:
    """Print where a campaign is, how far it is, and the links of one that was just made."""
    progress = progress_of(campaign)
    lines = [f"campaign: {campaign.folder}", progress_table(progress)]
    if found:
        lines += [
            "",
            "one private link a rater, shown this once:",
            *(f"  {name}  {url}" for name, url in found.items()),
        ]
    else:
        lines.append(f"links are as printed when it was made, at port {port}; a new one: rt annotate link DIR RATER")
    value = {"path": str(campaign.folder), "host": host, "port": port, "links": found, "raters": progress}
    emit(value, as_json, "\n".join(lines))
    sys.stdout.flush()


def progress_of(campaign: Any) -> dict[str, dict[str, int]]:
    """Every rater's turns by state, ready for JSON."""
    from paper_repro.annotate.ratings import all_progress

    return {name: asdict(progress) for name, progress in all_progress(campaign).items()}


def progress_table(progress: dict[str, dict[str, int]]) -> str:
    """The same as lines of text."""
    rows = [("rater", "assigned", "rated", "skipped", "open")]
    rows += [(name, *(f"{number:,}" for number in counts.values())) for name, counts in progress.items()]
    return "\n".join(f"{row[0]:<12}" + "".join(f"{cell:>10}" for cell in row[1:]) for row in rows)


def exported_text(paths: dict[str, str], summary: dict[str, Any]) -> str:
    """What an export wrote: counts that add up, and agreement."""
    counts = ", ".join(f"{state} {summary[state]}" for state in ("rated", "skipped", "open"))
    lines = [f"{name}: {path}" for name, path in paths.items()]
    lines += [
        f"assignments: {summary['assignments']} = {counts}",
        "",
        "agreement (1 item = 1 question of several raters)",
    ]
    for name, found in summary["agreement"].items():
        numbers = {key: found[key] for key in ("alpha", "fleiss_kappa", "pairs_agree", "all_agree")}
        shown = ", ".join(f"{key} {'missing' if value is None else f'{value:.3f}'}" for key, value in numbers.items())
        lines.append(f"  {name.replace('_', ' ')}: {shown} ({found['items']} items, {found['ratings']} ratings)")
    return "\n".join(lines)
