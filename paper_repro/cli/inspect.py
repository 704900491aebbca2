"""`rt inspect`: look at a set: what its curation did, what nearly left, what there is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from artifacts.settings import load_settings
from artifacts.stage import input_digest
from artifacts.store import rt_home
from paper_repro.cli.common import AsJson, Debug, Overrides, SettingsFile, emit

_HELP = """Look at a response set: one HTML page that needs nothing outside itself.

DIR is the folder of a curated set, of a corpus or of a training set, or your own file or folder of files. The page
shows the funnel, the reasons with examples, what was dropped by a hair and what was kept by a hair, clusters, a map,
lengths, and a list of the records to search. Texts of dropped rows are read from the set's input, which the manifest
names; if it lies elsewhere by now, give it with --input.

Example: rt inspect runs/mine --out mine.html
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("inspect", help=_HELP)(inspect)


def inspect(
    given: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a set, or a file.", show_default=False)],
    source: Annotated[
        Path | None, typer.Option("--input", help="The input that the set was curated from.", show_default=False)
    ] = None,
    points: Annotated[
        int | None, typer.Option(help="Rows on the map and in the list. Default: 3000.", show_default=False)
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(help="What clusters compare: words, embeddings or auto. Default: auto.", show_default=False),
    ] = None,
    map_method: Annotated[
        str | None, typer.Option("--map", help="pca or tsne. Default: pca.", show_default=False)
    ] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page (default: a file of RT_HOME; none with --json).")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Parse the options, look, write the page."""
    from data_curation.inspect.inspection import InspectSettings, inspect_set, numbers
    from data_curation.inspect.page import write_inspection

    resolved = load_settings(InspectSettings, settings, overrides or (), points=points, vectors=vectors, map=map_method)
    inspection = inspect_set(given, resolved, source)
    found = numbers(inspection)
    if out is None and not as_json:
        out = rt_home() / "inspect" / f"{given.resolve().name}-{input_digest(given)[:10]}.html"
    if out is not None:
        write_inspection(out, inspection)
    emit({"page": None if out is None else str(out)} | found, as_json, _text(found, out))


def _text(found: dict[str, Any], out: Path | None) -> str:
    lines = [f"inspect: {found['name']} ({found['kind']}): {found['rows']:,} rows", f"page: {out}", ""]
    for line in found["funnel"]:
        reasons = ", ".join(f"{reason}: {count:,}" for reason, count in line["reasons"].items())
        lines.append(f"  {line['step']:<18}{line['rows_in']:>10,}{line['kept']:>10,} kept   {reasons}".rstrip())
    near = [border for border in found["borders"] if border["kept"]]
    if near:
        lines += ["", "nearest to leaving next:"]
        lines += [
            f"  {b['step']}: {b['reason']}: {b['kept'][0]['score']:.4g} ({b['setting']} {b['value']:g})" for b in near
        ]
    if found["clusters"]:
        lines += ["", f"clusters by {found['map']['vectors']}:"]
        lines += [f"  {cluster['points']:>7,}  {', '.join(cluster['terms'])}" for cluster in found["clusters"]]
    if found["texts_of_dropped_rows"] != "at hand":
        lines += ["", f"texts of dropped rows are {found['texts_of_dropped_rows']}"]
    return "\n".join(lines)
