"""`rt annotate`: people rate replies on a page of this machine."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from artifacts.settings import load_settings
from paper_repro.annotate.settings import AnnotateSettings
from paper_repro.cli.annotate_text import exported_text, progress_of, progress_table, show_campaign, show_plan
from paper_repro.cli.common import AsJson, Debug, DryRun, Overrides, Overwrite, SettingsFile, emit

log = logging.getLogger("rt")
PORT = 8742
START = "start"
_GROUP = """Human evaluation: people rate the replies of two systems side by side.

'rt annotate A B' makes a campaign of two generations and serves it; the other words work on its folder."""
_START = """Rate the replies of A and B: make the campaign, print one private link a rater, serve the page.

A and B are folders made by rt generate, of the same prompts. For each prompt a rater sees the instruction and both
replies, in random order and without the systems' names, rates each (excellent, sufficient, not acceptable), says which
helps more, and may comment, skip and undo. Everything is saved at once: stop the server whenever you like, and give the
same command (or rt annotate serve DIR) to go on. Links are printed once and kept nowhere; rt annotate link makes a new
one.

Example: rt annotate generations/rt generations/it --raters 3 --dir campaign
"""
_SERVE = """Serve a campaign again, by its folder.

Example: rt annotate serve campaign
"""
_STATUS = """How far each rater is.

Example: rt annotate status campaign
"""
_LINK = """A new private link for a rater; the old one is dead from then on.

Example: rt annotate link campaign rater-2
"""
_EXPORT = """Write what was rated: annotations (everything that happened, with agreement), and verdicts of both systems.

OUT/annotations holds every assignment, rated, skipped or open, every act, and agreement.json (Krippendorff's alpha,
Fleiss' kappa, percentages). OUT/a and OUT/b are verdicts of the first and the second system, for rt score. The server
may be running.

Example: rt annotate export campaign --out verdicts
"""
_TASKS = """Write the turns as Label Studio tasks (JSON), with what was rated so far; --page writes the labelling page.

Example: rt annotate tasks campaign --out tasks.json --page labels.xml
"""
_IMPORT = """Take over ratings from a Label Studio export (JSON) of such tasks: all of them or, if one is wrong, none.

Example: rt annotate import campaign tasks.json
"""
_SCREENSHOT = """A picture of the page (the paper's Figure 7), by a Chromium of this machine.

Example: rt annotate screenshot campaign --out figure-7.png
"""

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the campaign.", show_default=False)]
Host = Annotated[str, typer.Option(help="Address to listen on. Others than this machine's own are warned of.")]
Port = Annotated[int, typer.Option(help="Port; 0 takes a free one.")]
Url = Annotated[
    str | None,
    typer.Option(help="Address raters use, where a proxy stands before: https://rate.example.org", show_default=False),
]


class _DefaultGroup(TyperGroup):
    """What is no command of the group is the beginning of `start`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [START, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(cls=_DefaultGroup, no_args_is_help=True, rich_markup_mode=None, help=_GROUP)
    group.command(START, help=_START)(start)
    group.command("serve", help=_SERVE)(serve)
    group.command("status", help=_STATUS)(status)
    group.command("link", help=_LINK)(link)
    group.command("export", help=_EXPORT)(export)
    group.command("tasks", help=_TASKS)(tasks)
    group.command("import", help=_IMPORT)(import_)
    group.command("screenshot", help=_SCREENSHOT)(screenshot)
    app.add_typer(group, name="annotate")


def start(
    a: Annotated[Path, typer.Argument(metavar="A", help="Generations of the first system.", show_default=False)],
    b: Annotated[Path, typer.Argument(metavar="B", help="Generations of the second.", show_default=False)],
    raters: Annotated[int | None, typer.Option(help="Raters (default 3).", show_default=False)] = None,
    overlap: Annotated[int | None, typer.Option(help="Raters of an item (default: all).", show_default=False)] = None,
    overlap_share: Annotated[
        float | None,
        typer.Option(help="Share of items rated by so many, the others by one (default 1).", show_default=False),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Prompts of each benchmark and subset (default: all).", show_default=False)
    ] = None,
    common_only: Annotated[
        bool | None, typer.Option("--common-only", help="Leave out prompts that only one of them answers.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of slice, assignment and orders.", show_default=False)] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where the campaign is kept (default: a folder of RT_HOME).")
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = PORT,
    url: Url = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Make the campaign, print the links, end.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make or find the campaign, print what the leader needs, serve."""
    from paper_repro.annotate.campaign import default_folder, plan_of, start_campaign
    from paper_repro.annotate.server import links

    given = {"raters": raters, "overlap": overlap, "overlap_share": overlap_share, "limit": limit}
    resolved = load_settings(AnnotateSettings, settings, overrides or (), **given, common_only=common_only, seed=seed)
    if dry_run:
        show_plan(resolved, a, b, folder or default_folder(plan_of(resolved, a, b)), as_json)
        return
    # the port first: links that were printed for a server that cannot start would be lost
    listening = _listen(host, port, url, no_serve)
    campaign, tokens = start_campaign(resolved, a, b, folder)
    port = listening.getsockname()[1] if listening else port
    show_campaign(campaign, links(tokens, host, port, url), host, port, as_json)
    if listening is not None:
        _serve(campaign, listening, url)


def serve(
    folder: Folder,
    host: Host = "127.0.0.1",
    port: Port = PORT,
    url: Url = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Serve a campaign that is there."""
    from paper_repro.annotate.campaign import open_campaign

    campaign = open_campaign(folder)
    listening = _listen(host, port, url)
    show_campaign(campaign, {}, host, listening.getsockname()[1], as_json)
    _serve(campaign, listening, url)


def status(folder: Folder, as_json: AsJson = False, debug: Debug = False) -> None:
    """Print each rater's progress."""
    from paper_repro.annotate.campaign import open_campaign

    found = progress_of(open_campaign(folder))
    emit({"path": str(folder), "raters": found}, as_json, progress_table(found))


def link(
    folder: Folder,
    rater: Annotated[str, typer.Argument(metavar="RATER", help="Pseudonym.", show_default=False)],
    host: Host = "127.0.0.1",
    port: Port = PORT,
    url: Url = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Replace a rater's link and print the new one."""
    from paper_repro.annotate.campaign import open_campaign
    from paper_repro.annotate.server import host_of, links

    host_of(url)
    found = links({rater: open_campaign(folder).new_link(rater)}, host, port, url)
    emit({"links": found}, as_json, f"{rater}: {found[rater]}\nthe old link no longer works")


def export(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="Folder of the artifacts.", show_default=False)],
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write annotations and verdicts, print counts and agreement."""
    from paper_repro.annotate.campaign import open_campaign
    from paper_repro.annotate.export import export as write

    made = write(open_campaign(folder), out, overwrite=overwrite)
    summary = made["annotations"].summary
    paths = {name: str(artifact.path) for name, artifact in made.items()}
    digests = {name: artifact.digest for name, artifact in made.items()}
    emit({"paths": paths, "digests": digests, "summary": summary}, as_json, exported_text(paths, summary))


def tasks(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="The JSON file.", show_default=False)],
    page: Annotated[
        Path | None, typer.Option("--page", help="Write the labelling page (XML) there.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write tasks for Label Studio."""
    from artifacts.files import write_text
    from paper_repro.annotate.campaign import open_campaign
    from paper_repro.annotate.label_studio import labelling_page, write_tasks

    count = write_tasks(open_campaign(folder), out)
    if page is not None:
        write_text(page, labelling_page())
    found = {"path": str(out), "tasks": count, "page": None if page is None else str(page)}
    emit(found, as_json, f"{count} tasks: {out}" + (f"\nlabelling page: {page}" if page else ""))


def import_(
    folder: Folder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Label Studio export (JSON).", show_default=False)],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Take over ratings from Label Studio."""
    from paper_repro.annotate.campaign import open_campaign
    from paper_repro.annotate.label_studio import import_tasks

    counts = asdict(import_tasks(open_campaign(folder), file))
    emit(counts, as_json, ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in counts.items()))


def screenshot(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", help="The PNG file.", show_default=False)],
    turn: Annotated[
        int | None, typer.Option(help="Turn of the first rater (default: the first unflagged).", show_default=False)
    ] = None,
    width: Annotated[int, typer.Option(help="Of the window, in pixels.")] = 1280,
    height: Annotated[int, typer.Option(help="Of the window, in pixels.")] = 900,
    dark: Annotated[bool, typer.Option("--dark", help="As those see it who prefer dark pages.")] = False,
    browser: Annotated[str | None, typer.Option(help="The Chromium to use.", show_default=False)] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write a picture of the page."""
    from paper_repro.annotate.campaign import open_campaign
    from paper_repro.annotate.screenshot import screenshot as picture

    campaign = open_campaign(folder)
    if not dry_run:
        picture(campaign, out, position=turn, size=(width, height), dark=dark, browser=browser)
    emit({"path": str(out), "written": not dry_run}, as_json, f"{'would write' if dry_run else 'written'}: {out}")


def _listen(host: str, port: int, url: str | None, no_serve: bool = False) -> Any:
    from paper_repro.annotate.server import bind, host_of, warn_of_host

    host_of(url)
    if no_serve:
        return None
    warn_of_host(host)
    return bind(host, port)


def _serve(campaign: Any, listening: Any, url: str | None) -> None:
    from paper_repro.annotate.server import serve as answer

    log.info("annotate: serving; stop with Ctrl-C, nothing that was saved is lost")
    answer(campaign, listening, url)
