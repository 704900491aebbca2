"""The pages a rater sees, as HTML: everything escaped, nothing from outside, no name of a system."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_curation.pages import environment
from paper_repro.annotate.guideline import guideline
from paper_repro.annotate.inert import is_blank, pieces
from paper_repro.annotate.ratings import LONGEST_COMMENT, Answer, Progress, Shown

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent
FILES = {"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"}
# keys of the levels of the first and the second response, and of the choices; page.js reads them from the page
LEVEL_KEYS = (("1", "2", "3"), ("8", "9", "0"))
CHOICE_KEYS = ("j", "k", "l")
NOTICES = {
    "skipped": "Skipped.",
    "undone": "Opened again. Your earlier answers are filled in.",
    "stale": "That form had been sent before or was out of date. Nothing was changed.",
}


def turn_page(
    rater: str,
    turn: Shown,
    progress: Progress,
    undoable: Shown | None = None,
    *,
    revealed: bool = True,
    notice: str = "",
    faults: tuple[str, ...] = (),
    answer: Answer | None = None,
    styled: bool = False,
) -> str:
    """One turn.

    Args:
        rater: Pseudonym.
        turn: What is shown.
        progress: How far the rater is.
        undoable: The turn that undo would open.
        revealed: Whether the texts of a flagged turn are on the page; else a warning stands in their place.
        notice: A key of `NOTICES`, or nothing.
        faults: What was wrong with the form that was sent.
        answer: What is filled in; by default what the turn has.
        styled: Put the style sheet into the page, for a page that is a file.
    """
    return _render(
        "turn.html.jinja",
        turn=turn,
        answer=answer or turn.answer,
        revealed=revealed or not turn.flagged,
        faults=faults,
        **_common(rater, progress, undoable, notice, styled),
    )


def done_page(rater: str, progress: Progress, undoable: Shown | None, notice: str = "") -> str:
    """When nothing is open any more: counts, and undo."""
    return _render("done.html.jinja", **_common(rater, progress, undoable, notice, False))


def file(name: str) -> bytes:
    """The style sheet or the script."""
    return (FOLDER / name).read_bytes()


def _common(rater: str, progress: Progress, undoable: Shown | None, notice: str, styled: bool) -> dict[str, Any]:
    return {
        "rater": rater,
        "progress": progress,
        "undoable": undoable,
        "notice": NOTICES.get(notice, ""),
        "guideline": guideline(),
        "style": file("page.css").decode() if styled else None,
    }


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    return environment(
        FOLDER,
        filters={"pieces": pieces, "number": lambda value: f"{value:,}"},
        tests={"blank": is_blank},
        values={"level_keys": LEVEL_KEYS, "choice_keys": CHOICE_KEYS, "longest_comment": LONGEST_COMMENT},
        extra="annotate",
    )
