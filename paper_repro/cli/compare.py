"""`rt compare`: what entered, left and changed between two sets, and why; how two artifacts or runs differ."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated, Any

import typer

from artifacts.errors import UserError
from paper_repro.cli.common import AsJson, Debug, emit, excerpt, plain

_HELP = """Compare two response sets (what left, what entered, what changed, and why), two artifacts, or two runs.

Sets: A and B are folders of curated sets, corpora or training sets, or your own files or folders of files, in any
combination. Why a row left or entered is told by the decisions of the set that dropped it, or of the sets it was made
from; where nobody wrote it down, that is said.

Artifacts of any one kind, by folder or NAME@VERSION, and runs, by their report or their folder: which settings, data
and code differ, here and in all that the two were made from; what follows from these; which numbers came out otherwise.

Example: rt compare runs/dolly runs/dolly-curated --out changes.html
"""
EXCERPT = 100  # characters of a text in the terminal


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("compare", help=_HELP)(compare)


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="The one before, or the one.", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", help="The one after, or the other.", show_default=False)],
    examples: Annotated[int, typer.Option(min=0, help="Rows of each reason, or numbers of each study, to show.")] = 2,
    out: Annotated[
        Path | None, typer.Option("--out", help="Of two sets: also write a page.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Parse the options, compare, print and write the page."""
    one, other = _place(a), _place(b)
    if _is_set(one) and _is_set(other):
        _sets(one, other, examples, out, as_json)
        return
    if out is not None:
        raise UserError("a page is made of two response sets alone", where="--out", fix="use --json for a file")
    from paper_repro.cli.compare_text import comparison_text
    from paper_repro.run_comparison import as_json as comparison_json
    from paper_repro.run_comparison import compare_runs, find_artifact

    found = compare_runs(find_artifact(str(one)), find_artifact(str(other)))
    emit(comparison_json(found) if as_json else None, as_json, "" if as_json else comparison_text(found, examples))


def _place(given: str) -> Path:
    """A path as it is; NAME@VERSION as the folder of what is published so."""
    if "@" not in given or Path(given).exists():
        return Path(given)
    from paper_repro.run_comparison import find_artifact

    return find_artifact(given).path


def _is_set(path: Path) -> bool:
    """Whether a path is to be read as a response set: an artifact of its kinds, what holds none, or nothing at all."""
    from artifacts.chain import artifacts_below
    from artifacts.manifest import is_artifact, read_manifest
    from data_curation.inspect.subject import KINDS

    if is_artifact(path):
        return read_manifest(path).identity.kind in KINDS
    return next(artifacts_below(path), None) is None


def _sets(a: Path, b: Path, examples: int, out: Path | None, as_json: bool) -> None:
    from data_curation.compare import compare as compare_sets
    from data_curation.compare import making, numbers, rows_of

    comparison = compare_sets(a, b)
    found = numbers(comparison) | {"making": making(comparison)}
    if out is not None:
        from data_curation.inspect.compare_page import write_comparison

        write_comparison(out, comparison)
    page = None if out is None else str(out)
    if as_json:
        emit({"page": page} | found | {"rows": rows_of(comparison)}, True, "")
        return
    emit(None, False, _text(found, comparison, examples) + (f"\npage: {page}" if page else ""))


def _text(found: dict[str, Any], comparison: Any, examples: int) -> str:
    """Tables of counts, then a few rows of each reason."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(file=stream, width=max(80, Console().width), highlight=False, markup=False, emoji=False)
    a, b, counts = found["a"], found["b"], found["counts"]
    console.print(plain(f"A: {a['name']} ({a['kind']}), {a['rows']:,} rows"))
    console.print(plain(f"B: {b['name']} ({b['kind']}), {b['rows']:,} rows"))
    in_both = f"in both: {found['in_both']:,}   left: {counts['left']:,}   entered: {counts['entered']:,}"
    console.print(f"{in_both}   changed text: {counts['changed']:,}\n")
    by_source = [(source, *row.values()) for source, row in found["by_source"].items()]
    console.print(_table(("source", "in A", "in B", "left", "entered", "changed"), by_source))
    console.print(_table(("", "rows", "reason"), [(r["kind"], r["rows"], r["reason"]) for r in found["by_reason"]]))
    for note in found["notes"]:
        console.print(plain(f"note: {note}"))
    for one in found["making"]:
        console.print(plain(f"{one['part']}: {one['key']}: {one['a']} -> {one['b']}"), soft_wrap=True)
    seen: dict[tuple[str, str], int] = {}
    for change in comparison.changes:
        key = change.kind, change.reason
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= examples:
            console.print(_example(change), soft_wrap=True)
    return stream.getvalue()


def _table(head: tuple[str, ...], rows: list[tuple]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(head):
        numeric = bool(rows) and all(isinstance(row[place], int) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(f"{cell:,}" if isinstance(cell, int) else plain(str(cell))) for cell in row))
    return table


def _example(change: Any) -> str:
    place = f"{change.kind}: {change.record.source}, row {change.record.row} ({change.reason})"
    lines = [f"  {'-' if change.after or change.kind == 'left' else '+'} {excerpt(change.record.response, EXCERPT)}"]
    if change.after:
        from data_curation.inspect.difference import difference, visible

        words = {"gone": "[-{}-]", "new": "{{+{}+}}"}
        pieces = visible(difference(change.record.response, change.after.response, context=30))
        marked = "".join(words.get(kind, "{}").format(text) for kind, text in pieces)
        lines = [f"  {excerpt(marked, 3 * EXCERPT)}"]
    if change.other is not None:
        lines.append(
            f"  = {excerpt(change.other, EXCERPT)} (stays{'' if change.score is None else f', {change.score:.4g}'})"
        )
    return "\n".join([plain(place), *lines])
