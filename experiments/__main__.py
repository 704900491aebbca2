"""The command line of `rt reproduce`."""

from __future__ import annotations

from typing import Annotated

import typer

from paper_repro.cli import run_app
from paper_repro.cli.common import AsJson, Overrides

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def reproduce(
    profile: Annotated[str, typer.Option(help="Name of a profile, or a YAML file like one.")] = "testbed",
    overrides: Overrides = None,
    study: Annotated[
        list[str] | None,
        typer.Option(help="Run this study alone (may be given more than once), also one that the profile leaves out."),
    ] = None,
    cores: Annotated[int | None, typer.Option(help="CPU cores to use (default: all).", min=1)] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Run cells as jobs: slurm, or a folder with Snakemake's config.yaml.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would run, what it takes, what is missing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a profile from its data to its report.

    Every cell of the profile is one `rt` command and one folder below RT_HOME, named by a digest of what decides it.
    Finished cells are kept, stopped ones go on where they were; a second run does nothing and says so.

    Example: rt reproduce --profile laptop --set generate.limit=10 --dry-run
    """
    from experiments.reproduce import reproduce as run

    run(profile, overrides or [], studies=study or [], cores=cores, cluster=cluster, dry_run=dry_run, as_json=as_json)


if __name__ == "__main__":
    run_app(app, "rt reproduce")
