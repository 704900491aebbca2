"""`rt testbed ship-results`: put a run's results among those that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paper_repro.cli.common import AsJson, Debug, emit

_HELP = """Put the results of a testbed run among what comes with the package.

REPORT is the report of a run, as rt reproduce made it; all that it was made from has to be there still. Its studies
replace those of artifacts/results/testbed/, other studies that are shipped stay: a long profile can be run and shipped
study by study. run.json says how every study was made, and the pin results-testbed holds the digests. A report of a run
that made less shows what is shipped, as shipped.

Example: rt testbed ship-results artifacts/runs/report/testbed-full-4d3d867d28
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application `rt testbed`."""
    app.command("ship-results", help=_HELP)(ship_results)


def ship_results(
    report: Annotated[Path, typer.Argument(help="Folder of the run's report.", show_default=False)],
    profile: Annotated[str, typer.Option(help="Profile whose studies these are.")] = "testbed-full",
    alone: Annotated[bool, typer.Option("--alone", help="Drop shipped studies that this run does not have.")] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Ship them and say where they are."""
    from paper_repro.report.testbed_ship import ship_results as ship

    out = ship(report, profile, alone=alone)
    emit({"path": str(out)}, as_json, f"ship-results: done: {out}")
