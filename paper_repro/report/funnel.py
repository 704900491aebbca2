"""The curation funnel: what each step took out of a response set, as a table and a figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artifacts.errors import InputError
from paper_repro.report.figure import COLOURS, Drawing, new_figure, slug
from paper_repro.report.table import Column, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("position", "step", "measure", "value")
REASON = "dropped."


@dataclass(frozen=True)
class FunnelStep:
    """One step of a curation: rows in and kept, rows changed (None: not counted), and drops by reason."""

    name: str
    rows_in: int
    kept: int
    changed: int | None
    reasons: Mapping[str, int]

    @property
    def dropped(self) -> int:
        """Rows that left at this step."""
        return self.rows_in - self.kept


def read_funnel(folder: Path) -> list[FunnelStep]:
    """Read a curated artifact's `steps.parquet`, in order of the steps.

    Raises:
        InputError: no such file, other columns, or counts that do not add up (naming the step).
    """
    import pyarrow.parquet as pq

    path = folder / "steps.parquet"
    if not path.is_file():
        raise InputError("no such file", where=str(path), fix="give the folder of a finished `rt curate`")
    table = pq.ParquetFile(path).read()
    if not set(COLUMNS) <= set(table.schema.names):
        raise InputError(
            f"columns are {', '.join(table.schema.names)}", where=str(path), fix=f"expected: {', '.join(COLUMNS)}"
        )
    steps: dict[tuple[int, str], dict[str, float]] = {}
    for row in table.select(COLUMNS).to_pylist():
        steps.setdefault((row["position"], row["step"]), {})[row["measure"]] = row["value"]
    return [_step(name, measures, path) for (_, name), measures in sorted(steps.items())]


def _step(name: str, measures: Mapping[str, float], path: Path) -> FunnelStep:
    # reading, the first step, quarantines what it cannot read and drops nothing
    loss = "quarantined" if "quarantined" in measures else "dropped"
    lacking = [measure for measure in ("rows_in", "kept", loss) if measure not in measures]
    if lacking:
        raise InputError(f"step '{name}' lacks the measure {', '.join(lacking)}", where=str(path))
    reasons = {
        key.removeprefix(REASON): int(value)
        for key, value in sorted(measures.items())
        if (key.startswith(REASON) or key == "quarantined") and value
    }
    changed = measures.get("changed")
    step = FunnelStep(
        name, int(measures["rows_in"]), int(measures["kept"]), None if changed is None else int(changed), reasons
    )
    if step.dropped != measures[loss] or sum(reasons.values()) not in (0, step.dropped):
        raise InputError(
            f"step '{name}': {step.rows_in} rows in, {step.kept} kept, {measures[loss]:g} {loss} "
            f"({sum(reasons.values())} by reasons) do not add up",
            where=str(path),
        )
    return step


def funnel_table(name: str, steps: list[FunnelStep]) -> Table:
    """The funnel as a table, one row a step."""
    columns = (
        Column("step", "Step", names_row=True),
        Column("rows_in", "Rows in"),
        Column("kept", "Kept"),
        Column("dropped", "Dropped"),
        Column("changed", "Changed"),
        Column("reasons", "Reasons", names_row=True),
    )
    rows = tuple(
        (
            step.name,
            step.rows_in,
            step.kept,
            step.dropped,
            "" if step.changed is None else step.changed,
            ", ".join(f"{reason} {count}" for reason, count in step.reasons.items()),
        )
        for step in steps
    )
    notes = ("Why each row left: decisions.parquet of the curated set; what could not be read: quarantine.jsonl.",)
    return Table(f"curation_{slug(name)}", f"Curation of {name}", f"curated set '{name}'", columns, rows, notes)


def funnel_drawing(name: str, steps: list[FunnelStep]) -> Drawing | None:
    """The funnel as bars of rows kept after each step; None if there was no step but the reading."""
    if len(steps) < 2:
        return None
    return Drawing(
        f"curation_{slug(name)}",
        f"Curation of {name}",
        f"Bars of rows left: {steps[0].rows_in} rows in, then after each step "
        + ", ".join(f"{step.name} {step.kept}" for step in steps)
        + ".",
        f"curated set '{name}'",
        lambda: _draw(steps),
    )


def _draw(steps: list[FunnelStep]) -> Figure:
    if steps[0].dropped:  # else the first step's bar is that of all rows
        steps = [FunnelStep("rows in", steps[0].rows_in, steps[0].rows_in, None, {}), *steps]
    figure = new_figure(0.6 + 0.28 * len(steps))
    axes = figure.subplots()
    names = [step.name.replace("_", " ") for step in steps]
    kept, dropped = [step.kept for step in steps], [step.dropped for step in steps]
    places = range(len(names))
    axes.barh(places, kept, 0.7, color=COLOURS["kept"], edgecolor="black", linewidth=0.5, label="left")
    axes.barh(
        places,
        dropped,
        0.7,
        kept,
        color="white",
        hatch="////",
        edgecolor="black",
        linewidth=0.5,
        label="dropped at this step",
    )
    for place, (left, gone) in enumerate(zip(kept, dropped, strict=True)):
        text = f"{left:,}" + (f"  (\u2212{gone:,})" if gone else "")
        axes.annotate(text, (left + gone, place), (4, 0), textcoords="offset points", va="center", fontsize=7.5)
    axes.set_xlim(0, max(kept) * 1.22)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    figure.legend(loc="outside upper center", ncols=2, frameon=False, handlelength=2.5)
    return figure
