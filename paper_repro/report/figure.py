"""What every figure shares: print sizes, colours and hatches that survive greyscale, and deterministic files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artifacts.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from paper_repro.report.table import Table

FORMATS = ("png", "svg", "pdf")
DPI = 200  # of PNG
WIDTH = 6.3  # inches: the text width of an ACL page
# Okabe and Ito's palette; a hatch tells the same once more
FIRST_LINE = "untuned, first line"
COLOURS = {
    "RT": "#E69F00",
    "IT": "#0072B2",
    "untuned": "#999999",
    FIRST_LINE: "#56B4E9",
    "0-shot": "#999999",
    "URIAL-R": "#CC79A7",
    "URIAL": "#009E73",
    "tie": "#DDDDDD",
    "kept": "#009E73",
    # ways to select refusals
    "paper": "#000000",
    "random": "#56B4E9",
    "diverse": "#009E73",
    "targeted": "#D55E00",
}
HATCHES = {
    "RT": "///",
    "IT": "",
    "untuned": "...",
    FIRST_LINE: "xxx",
    "0-shot": "...",
    "URIAL-R": "///",
    "URIAL": "",
    "tie": "",
    "kept": "",
}
INK = {"RT": "#000000", "IT": "#FFFFFF", "tie": "#000000"}
_STYLE = {
    "font.family": ["DejaVu Sans"],  # shipped with matplotlib: the same on every machine
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "grid.linewidth": 0.4,
    "grid.color": "#CCCCCC",
    "hatch.linewidth": 0.6,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "response-tuning",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@dataclass(frozen=True)
class Drawing:
    """A figure of the report.

    Attributes:
        name: File stem, e.g. `figure_05`.
        title: Heading.
        alt: What it shows, in words, for those who cannot see it.
        source: Where the numbers are from.
        draw: Makes the matplotlib figure; called once a drawing, inside the style.
        notes: Sentences below the figure.
        numbers: What it draws, as a table of its name that is only files; None where a table of the page has it.
    """

    name: str
    title: str
    alt: str
    source: str
    draw: Callable[[], Figure]
    notes: tuple[str, ...] = ()
    numbers: Table | None = None


def slug(text: str) -> str:
    """Text as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "none"


def new_figure(height: float) -> Figure:
    """An empty figure of `WIDTH` x `height` inches, without pyplot's global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), layout="constrained")


def in_style() -> AbstractContextManager[None]:
    """The style of every figure, whatever the user's own settings of matplotlib are."""
    import matplotlib

    return matplotlib.rc_context({**matplotlib.rcParamsDefault, **_STYLE, "backend": "agg"})


def write_drawing(drawing: Drawing, folder: Path) -> Figure:
    """Write PNG (200 dpi), SVG and PDF: equal figures give equal bytes (no dates, no program names).

    Returns:
        The figure, laid out, for whoever shows it once more.
    """
    metadata = {
        "png": {"Software": None, "Title": drawing.title},
        "svg": {"Date": None, "Creator": None, "Title": drawing.title},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Title": drawing.title},
    }
    with in_style():
        figure = drawing.draw()
        canvas = _rendered(figure)
        for extension in FORMATS:
            with atomic_path(folder / f"{drawing.name}.{extension}") as path:
                if extension == "png":
                    _write_png(path, canvas, metadata[extension])
                else:
                    figure.savefig(path, format=extension, metadata=metadata[extension])
    return figure


def _rendered(figure: Figure) -> FigureCanvasAgg:
    """The figure as pixels, its layout done and its legends held in place: a larger page moves neither.

    Laying out costs more than drawing, so it is done once, together with the pixels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for legend in figure.legends:
        box = legend.get_window_extent().transformed(figure.transFigure.inverted())
        legend.borderaxespad = 0
        legend.set_loc("lower left")
        legend.set_bbox_to_anchor((box.x0, box.y0), transform=figure.transFigure)
    figure.set_layout_engine(None)  # not "none": a figure with an engine, even an idle one, is drawn twice a format
    return canvas


def _write_png(path: Path, canvas: FigureCanvasAgg, metadata: dict[str, str | None]) -> None:
    from matplotlib.image import imsave

    imsave(path, canvas.buffer_rgba(), format="png", dpi=DPI, metadata=metadata)


def rate_axis(axes: Axes, title: str) -> None:
    """Set up an axis of rates from 0 to 1 with a grid behind the bars."""
    axes.set_title(title)
    axes.set_ylim(0, 1)
    axes.set_yticks((0, 0.25, 0.5, 0.75, 1), ("0", "", "0.5", "", "1"))
    axes.grid(axis="y")


def bars(
    axes: Axes,
    positions: Sequence[float],
    values: Sequence[float],
    method: str,
    width: float,
    intervals: Sequence[tuple[float, float] | None] | None = None,
) -> None:
    """Bars of one method in its colour and hatch, with whiskers where an interval is known; a measured 0 says so."""
    axes.bar(
        positions,
        values,
        width,
        label=method,
        color=COLOURS[method],
        hatch=HATCHES[method],
        edgecolor="black",
        linewidth=0.5,
    )
    for position, value, interval in zip(positions, values, intervals or [], strict=False):
        if interval is not None:
            low, high = interval
            ends = [[max(value - low, 0)], [max(high - value, 0)]]
            axes.errorbar(position, value, yerr=ends, fmt="none", ecolor="black", elinewidth=0.8, capsize=2)
        if value == 0:
            axes.text(position, (interval or (0, 0))[1] + 0.02, "0", ha="center", va="bottom", fontsize=6.5)
