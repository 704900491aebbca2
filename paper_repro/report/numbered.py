"""The numbered items of a report: what is made for each, and its part of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from artifacts.published import Published
from paper_repro.report.figure import Drawing
from paper_repro.report.figure_numbers import with_published_numbers, with_run_numbers
from paper_repro.report.figures import ALTERNATIVES, FIGURES
from paper_repro.report.figures_run import run_drawings
from paper_repro.report.items import ITEMS, Item, State, items_table, published_state, run_state
from paper_repro.report.lacking import Lacking
from paper_repro.report.numbers import NUMBERS, both_table, compared, published_table, run_table
from paper_repro.report.page import Section
from paper_repro.report.prompts import prompt_table
from paper_repro.report.run_tables import RunTable
from paper_repro.report.table import Table
from paper_repro.report.tables import figure_table

PUBLISHED_FIGURES = ("figure_08", "figure_09")  # those whose numbers stand in no table
OURS = (1, 7)  # figures that are this package's own whatever the numbers


@dataclass(frozen=True)
class Made:
    """What is made for one item.

    Attributes:
        item: The item.
        shown: Tables and figures on the page.
        kept: Tables that are files only: nothing in them but what is missing.
        sentence: What the page says in their place.
        own: Whether some of it is the run's own numbers.
    """

    item: Item
    shown: tuple[Table | Drawing, ...] = ()
    kept: tuple[Table, ...] = ()
    sentence: str = ""
    own: bool = False


def make_items(
    names: Sequence[str],
    published: Mapping[str, Published] | None,
    runs: Mapping[str, RunTable] | None,
    lacking: Lacking | None = None,
) -> list[Made]:
    """Everything that stands under the numbers asked for.

    Args:
        names: Items, e.g. `table_11`.
        published: The published numbers, or None.
        runs: The run's tables, or None.
        lacking: What the run's scores say they could not make.
    """
    return [_make(ITEMS[name], published, runs, lacking or {}) for name in ITEMS if name in names]


def _make(
    item: Item, published: Mapping[str, Published] | None, runs: Mapping[str, RunTable] | None, lacking: Lacking
) -> Made:
    kind, number = item.name.split("_")
    shown: list[Table | Drawing] = []
    drawn: list[Drawing] = []
    if kind == "figure":
        shown += _drawings(int(number), published)
        if runs is not None:
            drawn = run_drawings(int(number), f"{item.words}. {item.title}", runs, beside=published is not None)
            shown += [with_run_numbers(one, int(number), runs) for one in drawn[:1]] + drawn[1:]
    if item.shows == "prompts":
        return Made(item, (prompt_table(int(number)),))
    if item.name not in NUMBERS:
        return Made(item, tuple(shown), own=bool(drawn))
    title = f"{item.words}. {item.title}"
    theirs = _published(item.name, published) if published else None
    ours = run_table(item.name, title, runs) if runs is not None else None
    if published is None or runs is None:
        shown += [table for table in (theirs, ours) if table]
        return Made(item, tuple(shown), own=ours is not None)
    both = both_table(item.name, title, published, runs, lacking)
    shown += [replace(theirs, name=f"{item.name}_published")] if theirs else []
    shown += [replace(ours, name=f"{item.name}_run")] if ours else []
    if both is None:
        return Made(item, tuple(shown))
    if ours is not None:
        return Made(item, (*shown, both), own=True)
    return Made(item, tuple(shown), (both,), _none_compared(both))


def _published(name: str, published: Mapping[str, Published]) -> Table | None:
    if name in PUBLISHED_FIGURES:
        return figure_table(int(name.removeprefix("figure_")), published)
    return published_table(name, published)


def _drawings(number: int, published: Mapping[str, Published] | None) -> Iterator[Drawing]:
    for forms in (FIGURES, ALTERNATIVES):
        if number in forms and (published is not None or number in OURS):
            drawing = forms[number](published)
            yield with_published_numbers(drawing, number, published) if forms is FIGURES else drawing


def _none_compared(both: Table) -> str:
    _, cells, reasons = compared(both)
    why = "; ".join(reason.removeprefix("not run: ") for reason in reasons)
    return f"Cell by cell ({both.name}.csv): none of {cells} published numbers has a counterpart here, as {why}."


def states(
    made: Sequence[Made],
    present: Sequence[str],
    missing: Mapping[str, str],
    studies: Sequence[str] | None,
    published: bool,
    lacking: Lacking | None = None,
) -> list[tuple[Item, State | None, State | None]]:
    """What stands for each item on each side that the report has.

    Args:
        made: The items.
        present: Names of everything the report holds.
        missing: Study that the run left out to the reason.
        studies: Studies that the run has results of; None without a run.
        published: Whether the report has the published numbers.
        lacking: What the run's scores say they could not make.
    """
    own = {one.item.name for one in made if one.own}
    return [
        (
            one.item,
            published_state(one.item, present) if published else None,
            None if studies is None else run_state(one.item, present, own, missing, studies, lacking),
        )
        for one in made
    ]


def overview(found: Sequence[tuple[Item, State | None, State | None]]) -> Section:
    """The table of all items, in the page's first part."""
    text = f"{len(found)} numbered items: what stands for each, and why where nothing does."
    return Section("all-items", "Every table and figure of the paper", (text,), (items_table(found),))


def sections(made: Sequence[Made], found: Sequence[tuple[Item, State | None, State | None]]) -> list[Section]:
    """A part of the page for each item, in the paper's order: figures, then tables."""
    parts = []
    for one, (item, theirs, ours) in sorted(zip(made, found, strict=True), key=lambda pair: pair[0].item.name):
        lines = [f"{side}: {_words(state)}" for side, state in _sides(item, theirs, ours) if _tells(state, one)]
        anchors = [anchor for state in (theirs, ours) if state for anchor in state.anchors]
        links = tuple(anchor for anchor in anchors if not _inside(anchor, one))
        paragraphs = (*lines, *((one.sentence,) if one.sentence else ()))
        title = f"{item.words}. {item.title}"
        parts.append(Section(_anchor(item), title, paragraphs, one.shown, True, sub=True, links=links))
    return parts


def _sides(item: Item, theirs: State | None, ours: State | None) -> list[tuple[str, State]]:
    """The states that say something: of what is no number one is enough, of what is ours none."""
    if item.shows in ("prompts", "drawing", "page"):
        return []
    sides = [("Published", theirs), ("This run", ours)]
    return [(side, state) for side, state in sides if state is not None]


def _anchor(item: Item) -> str:
    return f"item-{item.name.replace('_', '-')}"


def _inside(anchor: str, made: Made) -> bool:
    return any(shown.name == anchor for shown in made.shown)


def _tells(state: State, made: Made) -> bool:
    """Whether a state says more than what stands below it."""
    return not (state.word == "given" and all(_inside(anchor, made) for anchor in state.anchors))


def _words(state: State) -> str:
    return f"{state.word}: {state.reason}." if state.reason else f"{state.word}."
