"""A picture of the annotation page, as the paper's Figure 7 is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from artifacts.errors import InputError, StageError, UserError
from artifacts.files import atomic_path, write_text
from paper_repro.annotate import page, ratings
from paper_repro.annotate.campaign import Campaign, Rater

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
NARROWEST = 500  # of a headless window; phones are narrower
SECONDS = 120


def screenshot(
    campaign: Campaign,
    out: Path,
    *,
    position: int | None = None,
    size: tuple[int, int] = (1280, 900),
    dark: bool = False,
    browser: str | None = None,
) -> None:
    """Write a PNG of a turn of the first rater as the page shows it, by a Chromium of this machine.

    Args:
        campaign: What is rated; nothing in it changes, and no server is needed.
        out: The PNG file.
        position: Turn; by default the first that is not flagged. A flagged one shows the warning, not the texts.
        size: Width and height of the window in CSS pixels.
        dark: Show it as to those who prefer dark pages.
        browser: Program; by default the first Chromium that is found.

    Raises:
        UserError: no such turn, no Chromium, or a width that windows cannot have.
        StageError: the browser wrote nothing.
    """
    photograph(_html(campaign, position), out, size=size, dark=dark, browser=browser)


def photograph(html: str, out: Path, *, size: tuple[int, int], dark: bool = False, browser: str | None = None) -> None:
    """Write a PNG of a page without scripts; see `screenshot` for the arguments and what is raised."""
    program = browser or next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None or not shutil.which(program):
        raise UserError("no Chromium is found", where=browser, fix="install Chromium or Chrome, or name it: --browser")
    if size[0] < NARROWEST or size[1] < 200:
        raise UserError(f"a window has at least {NARROWEST} x 200 pixels, asked for was {size[0]} x {size[1]}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        write_text(file, html)
        with atomic_path(out.resolve()) as temporary:
            picture = Path(folder) / "page.png"
            _run(program, file, picture, size, dark, folder)
            shutil.copyfile(picture, temporary)


def _html(campaign: Campaign, position: int | None) -> str:
    rater = Rater(1, campaign.raters()[0])
    progress = ratings.progress(campaign, rater)
    if position is None:
        query = "SELECT t.position FROM turns t JOIN items i ON i.id = t.item WHERE t.rater = 1 ORDER BY i.flagged, 1"
        with campaign.reading() as connection:
            found = connection.execute(query + " LIMIT 1").fetchone()
        position = found["position"] if found else 1
    turn = ratings.turn_at(campaign, rater, position)
    if turn is None:
        raise InputError(f"{rater.name} has {progress.assigned} turns, none is number {position}")
    undoable = ratings.last_done(campaign, rater)
    return page.turn_page(rater.name, turn, progress, undoable, revealed=False, styled=True)


def _run(program: str, html: Path, picture: Path, size: tuple[int, int], dark: bool, folder: str) -> None:
    options = [
        "--headless",
        "--hide-scrollbars",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        "--force-device-scale-factor=2",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        f"--window-size={size[0]},{size[1]}",
        f"--user-data-dir={folder}/profile",
        f"--screenshot={picture}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium refuses to run as root with it; the page is a file without scripts
    try:
        done = subprocess.run(
            [program, *options, html.as_uri()], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise StageError(f"the browser did not finish in {SECONDS} s", where=program) from None
    if not picture.is_file():
        raise StageError(f"the browser wrote no picture: {done.stderr[-500:]}", where=program)
