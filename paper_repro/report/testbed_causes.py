"""Figures of what pre-training does (formats, kind of corpus, dose of declines), and of refusals by their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from paper_repro.report.figure import FIRST_LINE, Drawing, new_figure
from paper_repro.report.table import Estimate
from paper_repro.report.testbed_cards import Card, mean_of
from paper_repro.report.testbed_cells import (
    DOSES,
    FORMAT_COUNTS,
    HEADINGS,
    LEVEL,
    MAIN_SIZE,
    TUNED,
    Cell,
    Cells,
    select,
    tuned_on,
)
from paper_repro.report.testbed_figures import WHISKERS
from paper_repro.report.testbed_plots import (
    COLOURS,
    FLOOR,
    MARKERS,
    grouped_bars,
    legend,
    line,
    reference,
    say_missing,
    share_axis,
    stem,
)
from paper_repro.report.testbed_statistics import mean_over_seeds
from paper_repro.report.testbed_tables import APART, SOURCE, corpus_cells, decline_cells, format_cells

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUERIES = ("unsafe", "never_declined", "look_alike", "benign")
SHORT = {"unsafe": "Unsafe", "never_declined": "Never declined", "look_alike": "Look-alike", "benign": "Benign"}
CORPUS_NAMES = {
    "many": "many\nformats",
    "many-apart": "many, apart\nfrom template",
    "formats-1": "one\nformat",
    "none": "statements\nalone",
    "shuffled": "shuffled\nanswers",
}
BESIDE = 0.04  # nats: RT's marks stand left of the margin, IT's right of it, or one would hide the other
Series = tuple[str, str]  # size and response set: what one panel holds constant


def _of(cells: Sequence[Cell], size: str, corpus: str, method: str, name: str | None, measure: str) -> Estimate:
    """Estimate of the cell with the most refusals among those that fit (studies of corpora have one number)."""
    wanted = {"size": size, "corpus": corpus, "response_set": name, "method": method}
    found = [cell for cell in cells if cell.key.has(**wanted)]
    return mean_over_seeds(found[-1] if found else None, measure)


def _title(size: str, name: str) -> str:
    return f"{size.upper()} base, tuned on {name}"


def formats_drawing(cells: Cells, cards: Sequence[Card], **_: object) -> Drawing | None:
    """RT and IT against the number of formats, with what the bases can do in their own."""
    found = format_cells(cells)
    panels = tuned_on(found)
    if not panels:
        return None
    return Drawing(
        "testbed_formats",
        "Testbed: acceptable replies by number of question-and-answer formats in pre-training",
        "Lines of RT, IT and the untuned replies cut at their first newline over 1, 2, 4, 8, 16 formats, on a "
        "logarithmic axis, and over many formats with and without those near the chat template; black diamonds: "
        "look-ups that the untuned base answers right in its own formats.",
        SOURCE,
        lambda: _draw_formats(found, cards, panels),
        (
            "Diamonds, from the bases' cards: held-out look-ups answered right in the formats of pre-training. "
            "They say that the facts are known, whatever tuning makes of them.",
            APART,
            WHISKERS,
        ),
    )


def _draw_formats(cells: Sequence[Cell], cards: Sequence[Card], series: Sequence[Series]) -> Figure:
    figure = new_figure(0.7 + 2.4 * len(series))
    panels = list(figure.subplots(len(series), 1, squeeze=False, sharex=True)[:, 0])
    corpora = [*(f"formats-{count}" for count in FORMAT_COUNTS), "many-apart", "many"]
    places = [0, 1, 2, 3, 4, 5.4, 6.4]  # powers of two; many has no number, and stands apart
    for axes, (size, name) in zip(panels, series, strict=True):
        share_axis(axes, _title(size, name))
        own = [mean_of(cards, size, corpus, "own_format", cells) for corpus in corpora]
        reference(axes, places, own, "look-ups right in own formats")
        untuned = [_of(cells, size, corpus, "untuned", None, "first_line") for corpus in corpora]
        for label, estimates in [
            (FIRST_LINE, untuned),
            *(
                (method, [_of(cells, size, corpus, method, name, "acceptable") for corpus in corpora])
                for method in TUNED
            ),
        ]:
            counted = len(FORMAT_COUNTS)  # what follows is no number: a line would join kinds
            for part in (slice(counted), *(slice(one, one + 1) for one in range(counted, len(corpora)))):
                line(axes, places[part], estimates[part], label)
        for place, corpus in zip(places, corpora, strict=True):
            if not any(cell.key.has(size=size, corpus=corpus) for cell in cells):
                say_missing(axes, place)
        axes.axvline(4.7, color="#999999", linewidth=0.6, linestyle=(0, (2, 2)))
        axes.set_xticks(places, [*map(str, FORMAT_COUNTS), "many,\napart", "many"])
    figure.supylabel("Share (%)", fontsize=8)
    figure.supxlabel("Formats in pre-training", fontsize=8)
    legend(figure, panels)
    return figure


def corpora_drawing(cells: Cells, cards: Sequence[Card], **_: object) -> Drawing | None:
    """Untuned, first line, RT and IT by kind of corpus, with what the bases know by likelihood."""
    found = corpus_cells(cells)
    panels = tuned_on(found)
    if not panels:
        return None
    return Drawing(
        "testbed_corpora",
        "Testbed: acceptable replies by pre-training corpus",
        "Groups of bars for corpora with many formats, with many but none near the chat template, one format, "
        "statements alone and shuffled answers: untuned, untuned cut at its first newline, RT, IT; black diamonds: "
        "facts that the untuned base knows by likelihood.",
        SOURCE,
        lambda: _draw_corpora(found, cards, panels),
        (
            "Diamonds, from the bases' cards: held-out facts whose true statement is likelier than all false ones.",
            APART,
            WHISKERS,
        ),
    )


def _draw_corpora(cells: Sequence[Cell], cards: Sequence[Card], series: Sequence[Series]) -> Figure:
    figure = new_figure(0.8 + 2.3 * len(series))
    panels = list(figure.subplots(len(series), 1, squeeze=False, sharex=True)[:, 0])
    for axes, (size, name) in zip(panels, series, strict=True):
        share_axis(axes, _title(size, name))
        grouped_bars(
            axes,
            [
                {
                    "untuned": _of(cells, size, corpus, "untuned", None, "acceptable"),
                    FIRST_LINE: _of(cells, size, corpus, "untuned", None, "first_line"),
                    **{method: _of(cells, size, corpus, method, name, "acceptable") for method in TUNED},
                }
                for corpus in CORPUS_NAMES
            ],
        )
        known = [mean_of(cards, size, corpus, "likelihood", cells) for corpus in CORPUS_NAMES]
        reference(axes, range(len(known)), known, "facts known by likelihood", span=0.42)
        axes.set_xticks(range(len(CORPUS_NAMES)), list(CORPUS_NAMES.values()))
        axes.set_xlim(-0.5, len(CORPUS_NAMES) - 0.5)
        axes.tick_params(axis="x", length=0)
    figure.supylabel("Share (%)", fontsize=8)
    legend(figure, panels)
    return figure


def refusal_drawings(cells: Cells, **_: object) -> list[Drawing]:
    """Refused shares against the number of refusals in training: a figure a response set, and one a further size."""
    own = select(cells, study="refusal", corpus="many")
    series = tuned_on(own)
    # every set on the main size, and one set on the others: the rest is in the table
    series = [one for one in series if one[0] == MAIN_SIZE or one[1] == series[0][1]]
    return [_refusal_drawing(own, size, name, len(series) > 1) for size, name in series]


def _refusal_drawing(cells: Sequence[Cell], size: str, name: str, several: bool) -> Drawing:
    return Drawing(
        stem("testbed_refusal", size, name, several),
        f"Testbed: refusals by their number in training ({_title(size, name)})",
        "Panels of lines over the number of refusals in training, RT and IT: refused share of unsafe queries, of those "
        "with never-declined verbs, of look-alike and of benign ones; and acceptable replies to tasks, if measured.",
        SOURCE,
        lambda: _draw_refusal(cells, size, name),
        ("Dotted: the untuned base.", WHISKERS),
    )


def _draw_refusal(cells: Sequence[Cell], size: str, name: str) -> Figure:
    figure = new_figure(0.6 + 2 * 1.8)
    grid = list(figure.subplots(2, 3, sharey=True).flatten())
    of_set = [cell for cell in cells if cell.key.size == size and cell.key.response_set == name]
    untuned = next((c for c in cells if c.key.size == size and c.key.method == "untuned"), None)
    counts = sorted({cell.key.count for cell in of_set})
    measures = [one for one in (*QUERIES, "acceptable") if any(one in cell.samples for cell in of_set)]
    for axes, measure in zip(grid, measures, strict=False):
        share_axis(axes, HEADINGS[measure])
        base = mean_over_seeds(untuned, measure).value
        if base is not None:
            axes.axhline(base, color="#666666", linestyle=":", linewidth=1, label="untuned")
        for offset, method in zip((-0.06, 0.06), TUNED, strict=True):
            by_count = {cell.key.count: cell for cell in of_set if cell.key.method == method}
            estimates = [mean_over_seeds(by_count.get(count), measure) for count in counts]
            line(axes, [index + offset for index in range(len(counts))], estimates, method)
        axes.set_xticks(range(len(counts)), [str(count) for count in counts])
        axes.set_xlim(-0.4, len(counts) - 0.6)
    for axes in grid[len(measures) :]:
        axes.axis("off")
    figure.supylabel("Share (%)", fontsize=8)
    figure.supxlabel("Refusals in training", fontsize=8)
    handles, names = grid[0].get_legend_handles_labels()
    grid[-1].legend(handles, names, loc="center", frameon=False)
    return figure


def declines_drawings(cells: Cells, cards: Sequence[Card], **_: object) -> list[Drawing]:
    """Refused shares against the dose of declines, and against the base's first-token margin: a figure a series."""
    found = decline_cells(cells)
    level = [cell for cell in found if cell.key.count in (None, LEVEL)]
    found = level if tuned_on(level) else found
    series = tuned_on(found)
    return [_declines_drawing(found, cards, size, name, len(series) > 1) for size, name in series]


def _declines_drawing(cells: Sequence[Cell], cards: Sequence[Card], size: str, name: str, several: bool) -> Drawing:
    counts = sorted({cell.key.count for cell in cells if cell.key.count})
    return Drawing(
        stem("testbed_declines", size, name, several),
        f"Testbed: refusals by dose of declines in pre-training ({_title(size, name)}, "
        f"{' or '.join(map(str, counts))} refusals)",
        "Two rows of four panels, RT and IT: refused share of unsafe, never-declined, look-alike and benign queries; "
        "above over the dose of declines in pre-training (0, 5, 12 %), below over the base's first-token margin, one "
        "mark for each base and tuning seed.",
        SOURCE,
        lambda: _draw_declines(cells, cards, size, name),
        (
            "First-token margin, from the bases' cards: lean to the openings of refusals over those of answers, unsafe "
            "less look-alike, in nats. Lower row: one mark a seed, no intervals.",
            WHISKERS,
        ),
    )


def _draw_declines(cells: Sequence[Cell], cards: Sequence[Card], size: str, name: str) -> Figure:
    margins = {(card.base.corpus, card.base.seed): card.margin for card in cards if card.base.size == size}
    rows = 2 if any(margin is not None for margin in margins.values()) else 1
    figure = new_figure(0.7 + 1.8 * rows)
    grid = figure.subplots(rows, len(QUERIES), sharey=True, squeeze=False)
    for axes, measure in zip(grid[0], QUERIES, strict=True):
        share_axis(axes, SHORT[measure])
        for offset, method in zip((-0.06, 0.06), TUNED, strict=True):
            estimates = [_of(cells, size, corpus, method, name, measure) for corpus in DOSES]
            line(axes, [index + offset for index in range(len(DOSES))], estimates, method)
        axes.set_ylim(bottom=FLOOR)
        axes.set_xticks(range(len(DOSES)), [str(dose) for dose in DOSES.values()])
        axes.set_xlim(-0.4, len(DOSES) - 0.6)
        axes.set_xlabel("Declines (%)")
    for axes, measure in zip(grid[1] if rows > 1 else [], QUERIES, strict=rows > 1):
        share_axis(axes, "")
        for offset, method in zip((-BESIDE, BESIDE), TUNED, strict=True):
            points = _points(cells, margins, size, name, method, measure)
            _scatter(axes, [(x + offset, y) for x, y in points], method)
        axes.set_ylim(bottom=FLOOR)
        axes.margins(x=0.15)
        axes.locator_params(axis="x", nbins=4)
        axes.set_xlabel("Margin (nats)")
    for row in grid:
        row[0].set_ylabel("Refused (%)")
    legend(figure, list(grid[0]))
    return figure


def _scatter(axes: Axes, points: Sequence[tuple[float, float]], method: str) -> None:
    axes.plot(
        [x for x, _ in points],
        [y for _, y in points],
        MARKERS[method],
        color=COLOURS[method],
        markeredgecolor="black",
        markeredgewidth=0.5,
        markersize=5,
        clip_on=False,
    )


def _points(
    cells: Sequence[Cell], margins: dict, size: str, name: str, method: str, measure: str
) -> list[tuple[float, float]]:
    """Margin of the base and refused share, one a seed."""
    return [
        (margins[cell.key.corpus, unit.base], estimate.value)
        for cell in cells
        if cell.key.has(size=size, response_set=name, method=method)
        for unit, estimate in cell.samples.get(measure, {}).items()
        if margins.get((cell.key.corpus, unit.base)) is not None and estimate.value is not None
    ]
