"""`rt artifacts lock | cite | publish | export | gc`: names that never move, and artifacts of our own."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from artifacts.errors import UserError
from paper_repro.cli.common import AsJson, Debug, emit

_LOCK_HELP = """Lock names at versions: from then on a name alone means that version, with that digest.

Without names: all pins, and every published artifact that has one version. The lock file is RT_HOME/pins/lock.json; a
digest that it has for a version never changes, and a name moves to another version only with --update. With --from
somebody else's lock file is taken over; what is here under its names is then theirs, or refused.

Example: rt artifacts lock lima-rt@1.0.0
"""
_PUBLISH_HELP = """Publish an artifact as NAME@VERSION: a copy in RT_HOME/published with card, terms, lineage, citation.

A version is one artifact for ever: another one under it is refused. The terms are those of all that it was made from:
one non-commercial part makes the whole non-commercial, and a part of unknown licence makes the licence unknown.

Example: rt artifacts publish runs/mix/lima-rt --name lima-rt --version 1.0.0
"""
_EXPORT_HELP = """Write an artifact for others' tools, in a new folder, read back by the library that its readers use.

ro-crate: everything that it was made from, with how (Workflow Run profile, for a report; else Process Run).
croissant: a data set's tables with their columns. hub: a published artifact as a repository of the hub.

Example: rt artifacts export lima-rt@1.0.0 --format croissant --out lima-rt-croissant
"""
_GC_HELP = """Show what may go from RT_HOME, or remove it (--remove).

Leftovers of interrupted work and downloads set aside; with --unreferenced also artifacts that no report in RT_HOME,
published or locked artifact was made from. What is referenced stays, and so does what a process is working in.

Example: rt artifacts gc --unreferenced
"""
What = Annotated[str, typer.Argument(metavar="DIR|NAME@VERSION", help="An artifact's folder, or a published one.")]
Label = Annotated[str, typer.Argument(metavar="NAME@VERSION", help="A pin or a published artifact.")]


def register(group: typer.Typer) -> None:
    """Add these commands to `rt artifacts`."""
    group.command("lock", help=_LOCK_HELP)(lock)
    group.command("cite")(cite)
    group.command("publish", help=_PUBLISH_HELP)(publish)
    group.command("export", help=_EXPORT_HELP)(export)
    group.command("gc", help=_GC_HELP)(gc)


def lock(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME@VERSION]...", show_default=False)] = None,
    theirs: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Take over this lock file.", show_default=False)
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Let a locked name move to the version given.")] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Lock names at versions."""
    from artifacts.catalogue import digest_of, find, label_of, lockable
    from artifacts.lock import LOCK, lock_as, lock_names
    from artifacts.pin_types import Pin
    from artifacts.store import pins_folder

    if theirs and names:
        raise UserError("give names or --from, not both")
    if theirs:
        done = lock_as(theirs, update=update)
    else:
        found = [find(name) for name in names] if names else lockable()
        pins = [label_of(one) for one in found if isinstance(one, Pin)]
        done = lock_names({label_of(one): digest_of(one) for one in found}, update=update, pins=pins)
    path = pins_folder() / LOCK
    lines = [f"{how:<8}{label}" for label, how in sorted(done.items())]
    emit({"file": str(path), "locked": done}, as_json, "\n".join([*lines, f"{len(done)} locked in {path}"]))


def cite(
    label: Label,
    form: Annotated[Literal["both", "bibtex", "cff"], typer.Option("--format", help="What to print.")] = "both",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Print BibTeX and CFF for a pin or a published artifact, with version, digest and the paper's entry."""
    from artifacts.catalogue import citable, digest_of, label_of, resolve
    from artifacts.cite import bibtex, cff, cff_text

    found = resolve(label)
    cited = citable(found)
    texts = {"bibtex": bibtex(cited), "cff": cff_text(cited)}
    value = {"name": label_of(found), "digest": digest_of(found), "bibtex": texts["bibtex"], "cff": cff(cited)}
    emit(value, as_json, "\n\n".join(text for name, text in texts.items() if form in ("both", name)))


def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a finished artifact.")],
    name: Annotated[str, typer.Option("--name", help="Name to publish under.")],
    version: Annotated[str, typer.Option("--version", help="Version: this artifact's for ever.")],
    title: Annotated[str | None, typer.Option("--title", help="Title for people.", show_default=False)] = None,
    author: Annotated[
        list[str] | None,
        typer.Option("--author", help='"Family, Given" or a body; may be repeated.', show_default=False),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Publish an artifact."""
    from artifacts.publish import publish as publish_artifact

    publication, path, before = publish_artifact(folder, name, version, title=title, authors=author or ())
    value = {
        "name": publication.label,
        "path": str(path),
        "digest": publication.digest,
        "licence": publication.licence,
        "up_to_date": before,
    }
    terms = publication.licence
    lines = [
        f"{publication.label}: {'published before' if before else 'published'}: {path}",
        f"digest: {publication.digest}",
        f"use: {terms['use']}; licence of the whole: {terms['licence']}",
        *(f"  part {part['name']} {part['version'] or ''}: {part['licence']}" for part in terms["parts"]),
    ]
    emit(value, as_json, "\n".join(lines))


def export(
    what: What,
    out: Annotated[Path, typer.Option("--out", help="A new folder.")],
    form: Annotated[Literal["ro-crate", "croissant", "hub"], typer.Option("--format", help="What to write.")],
    leave_out: Annotated[
        list[str] | None,
        typer.Option("--leave-out", metavar="KIND", help="ro-crate: no files of such artifacts.", show_default=False),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option("--push", metavar="OWNER/REPO", help="hub: send it there (key: HF_TOKEN).", show_default=False),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write an artifact for others' tools."""
    if (push and form != "hub") or (leave_out and form != "ro-crate"):
        raise UserError("--push goes with --format hub, --leave-out with --format ro-crate")
    facts = _export(what, out, form, leave_out or ())
    if push:
        from artifacts.export.hub import push as push_folder

        facts["pushed"] = push_folder(out, push, facts["repo_type"])
    value = {"format": form, "path": str(out)} | facts
    emit(value, as_json, f"{form}: {out}\n" + "\n".join(f"{key}: {one}" for key, one in facts.items()))


def _export(what: str, out: Path, form: str, leave_out: Any) -> dict[str, Any]:
    publication, artifact = _artifact(what)
    if form == "ro-crate":
        from artifacts.export.crate import write_crate

        workflow = _workflow_files() if artifact.identity.kind == "report" else []
        return write_crate(artifact, out, workflow=workflow, leave_out=leave_out)
    if form == "croissant":
        from artifacts.export.croissant import write_croissant

        return write_croissant(artifact, out, publication)
    from artifacts.export.hub import write_hub_folder

    if publication is None:
        raise UserError("a folder for the hub needs a name and a version", where=what, fix="rt artifacts publish first")
    return write_hub_folder(artifact, publication, out)


def _artifact(what: str) -> tuple[Any, Any]:
    """Publication (None for a folder that is none) and artifact of a folder or a name."""
    from artifacts.catalogue import resolve
    from artifacts.manifest import read_manifest
    from artifacts.pin_types import Pin
    from artifacts.publication import PUBLICATION, read_publication

    folder = Path(what)
    if "/" in what or folder.is_dir():
        return read_publication(folder) if (folder / PUBLICATION).is_file() else (None, read_manifest(folder))
    found = resolve(what)
    if isinstance(found, Pin):
        raise UserError("a pin is others' data, and is not exported", where=what, fix="export what was made from it")
    return found


def _workflow_files() -> list[Path]:
    """The workflow that runs profiles, found without importing it: imports go the other way."""
    spec = find_spec("experiments")
    folder = Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None
    return [] if folder is None else [folder / "Snakefile", *sorted(folder.glob("*.smk"))]


def gc(
    remove: Annotated[bool, typer.Option("--remove", help="Remove it; else it is only shown.")] = False,
    unreferenced: Annotated[
        bool, typer.Option("--unreferenced", help="Also artifacts that nothing in use was made from.")
    ] = False,
    keep: Annotated[
        list[Path] | None,
        typer.Option("--keep", metavar="DIR", help="Keep artifacts here, and what they come from.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show or remove what may go."""
    from artifacts.gc import collect
    from artifacts.gc import remove as remove_all

    found = collect(unreferenced=unreferenced, keep=keep or ())
    gone = remove_all(found) if remove else []
    rows = [
        {"path": str(waste.path), "reason": waste.reason, "bytes": waste.bytes, "removed": waste in gone}
        for waste in found
    ]
    word = "removed" if remove else "would go (--remove removes them)"
    counted = gone if remove else found
    end = f"{len(counted)} {word}, {sum(waste.bytes for waste in counted) / 1e6:,.1f} MB"
    emit(rows, as_json, "\n".join([*(f"{row['path']}: {row['reason']}" for row in rows), end]))
