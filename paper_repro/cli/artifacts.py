"""`rt artifacts`: what is pinned and published, where it is, and whether those bytes are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from artifacts.errors import ResponseTuningError, UserError
from artifacts.pins import Pin, availability, fetch, has_files, load_pin, pin_names, verification
from paper_repro.cli import artifacts_own
from paper_repro.cli.common import AsJson, Debug, emit

_HELP = """Pinned files and artifacts: list, show, fetch, verify, lock, cite, publish, export, gc.

A pin names a file set of others by version, origins, digests, licence and citation. Where a pin has no digest, the
first fetch records one in RT_HOME/pins/lock.json, and later fetches must match it. Artifacts of our own are published
under a name and a version, which never move.
"""
_VERIFY_HELP = """Read bytes again and compare digests: of pins that are here, and of artifact folders.

Without PATH: all pins at hand, what comes with this package among them, and all that is published. With PATH: these
folders, and every artifact below them.
With --deep every artifact is made again from its recorded settings and inputs, with the recorded number of threads, and
compared: bit for bit on the same machine and package versions, elsewhere within a tolerance; which rule was applied is
told. It takes as long as making them did.
Exit status 1 if anything is wrong; nothing is changed but for a wrong download, which is set aside.

Example: rt artifacts verify runs
"""
Names = Annotated[list[str] | None, typer.Argument(help="Names of pins, or NAME@VERSION.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_HELP)
    group.command("list")(list_pins)
    group.command("show")(show)
    group.command("fetch")(fetch_pins)
    group.command("verify", help=_VERIFY_HELP)(verify)
    artifacts_own.register(group)
    app.add_typer(group, name="artifacts")


def list_pins(as_json: AsJson = False, debug: Debug = False) -> None:
    """List pins and what is published: kind, version, licence, how far their bytes are fixed, where they come from."""
    from artifacts.catalogue import published_labels

    rows = [_facts(load_pin(name)) for name in pin_names()] + [_published(label) for label in published_labels()]
    shown = ("name", "version", "kind", "verification", "licence", "availability")
    emit(rows, as_json, _columns([[row[key] for key in shown] for row in rows]))


def show(
    name: Annotated[str, typer.Argument(help="Name of a pin, or NAME@VERSION.")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show one pin whole (origins, files, digests, licence, citation, note), or the record of what is published."""
    from artifacts.catalogue import digest_of, resolve
    from artifacts.references import reference_text

    found = resolve(name)
    value = found.resolved() if isinstance(found, Pin) else found[0].model_dump(mode="json")
    value |= {key: fact for key, fact in _facts(found).items() if key not in value} | {"digest": digest_of(found)}
    if isinstance(found, Pin) and found.citation:
        value["cited_as"] = reference_text(found.citation)
    emit(value, as_json, yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


def fetch_pins(
    names: Names = None,
    everything: Annotated[bool, typer.Option("--all", help="All pins that need no accepted terms.")] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Fetch pins from their origins, in order, and verify them. What cannot be had is told at the end."""
    if everything == bool(names):
        raise UserError("name pins, or give --all", fix="rt artifacts list shows them")
    pins = [_pin(name) for name in names or pin_names()]
    rows = _checked([(pin.name, _fetcher(pin)) for pin in pins if names or (has_files(pin) and not pin.gated)])
    _finish(rows, as_json)


def verify(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", show_default=False)] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Make artifacts again, and compare.")] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Parse the paths and check each."""
    from artifacts.catalogue import published_folder
    from artifacts.chain import artifacts_below
    from artifacts.shipped import shipped_names

    if deep:
        from paper_repro.cli.verify_deep import verify_deep

        verify_deep([folder for path in paths or () for folder in _artifacts_below(path)], as_json)
        return
    if paths:
        work = [(str(folder), _folder_check(folder)) for path in paths for folder in _artifacts_below(path)]
    else:
        here = [load_pin(name) for name in pin_names() if availability(name).startswith("here")]
        work = [(pin.name, _fetcher(pin)) for pin in here]
        work += [(name, _unpinned) for name in shipped_names() if name not in pin_names()]
        work += [(str(folder), _folder_check(folder)) for folder in artifacts_below(published_folder())]
    _finish(_checked(work), as_json)


def _files(number: int) -> str:
    return f"{number} file" + ("" if number == 1 else "s")


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns; the last is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


def _pin(name: str) -> Pin:
    """A pin by name or NAME@VERSION; another version than the one at hand is refused: names never move."""
    from artifacts.catalogue import resolve

    found = resolve(name)
    if not isinstance(found, Pin):
        raise UserError("is published here: there is nothing to fetch", where=name)
    return found


def _facts(found: Any) -> dict[str, Any]:
    """What is told of a pin, or of a published artifact (its record and itself)."""
    if isinstance(found, Pin):
        facts = {"licence": found.licence, "gated": found.gated, "verification": verification(found)}
        place = availability(found.name)
    else:
        found, artifact = found
        facts = {"licence": found.licence["licence"], "gated": False, "verification": "published"}
        place = f"here: {artifact.path}"
    return {"name": found.name, "version": found.version, "kind": found.kind} | facts | {"availability": place}


def _published(label: str) -> dict[str, Any]:
    """What is told of a published artifact; a damaged one, or another than was locked, is told as such."""
    from artifacts.catalogue import resolve

    try:
        return _facts(resolve(label))
    except ResponseTuningError as error:
        name, _, version = label.partition("@")
        facts = {"name": name, "version": version, "kind": "unknown", "licence": "unknown", "gated": False}
        return facts | {"verification": "WRONG", "availability": " ".join(str(error).split())}


def _fetcher(pin: Pin) -> Callable[[], str]:
    def work() -> str:
        from artifacts.shipped import check_folder, shipped_folder, shipped_names

        found = fetch(pin.name)
        if pin.name in shipped_names():  # its card holds the same digests, and says if there are files too many
            check_folder(shipped_folder(pin.name))
        part = "" if found.coverage == "full" else f", {found.coverage}"
        return f"{found.origin}{part}, {_files(len(found.paths))}"

    return work


def _unpinned() -> str:
    raise UserError("comes with this package, but has no pin", fix="in a checkout: make pins")


def _folder_check(folder: Path) -> Callable[[], str]:
    def work() -> str:
        from artifacts.manifest import read_manifest, verify_outputs
        from artifacts.publication import PUBLICATION, verify_publication

        if (folder / PUBLICATION).is_file():
            artifact = verify_publication(folder)[1]
        else:
            verify_outputs(artifact := read_manifest(folder))
        return f"{artifact.identity.kind}, {_files(len(artifact.identity.outputs))}, {artifact.digest[:12]}"

    return work


def _artifacts_below(path: Path) -> list[Path]:
    """The folder itself if it is an artifact, else every artifact below it; links are not followed."""
    from artifacts.manifest import MANIFEST, is_artifact

    if is_artifact(path):
        return [path]
    found = sorted(one.parent for one in path.rglob(MANIFEST)) if path.is_dir() else []
    if not found:
        raise UserError("no artifact there", where=str(path), fix="give an artifact's folder, or one above it")
    return found


def _checked(work: Sequence[tuple[str, Callable[[], str]]]) -> list[dict[str, Any]]:
    """Outcome of each piece of work, several at a time (reading and hashing), in the order given."""
    from concurrent.futures import ThreadPoolExecutor

    def run(item: tuple[str, Callable[[], str]]) -> dict[str, Any]:
        name, check = item
        try:
            return {"name": name, "ok": True, "found": check(), "error": None}
        except (ResponseTuningError, OSError) as error:  # what one of them is refused, the others still get
            return {"name": name, "ok": False, "found": None, "error": str(error)}

    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(run, work))


def _finish(rows: list[dict[str, Any]], as_json: bool) -> None:
    wrong = [row for row in rows if not row["ok"]]
    lines = [f"{'ok   ' if row['ok'] else 'WRONG'} {row['name']}: {row['found'] or row['error']}" for row in rows]
    emit(rows, as_json, "\n".join([*lines, f"{len(rows) - len(wrong)} of {len(rows)} are right"]))
    if wrong:
        raise typer.Exit(1)
