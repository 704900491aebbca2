"""A page of text and rules as one thing that matplotlib draws: far cheaper than an object for every text."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from paper_repro.report.paged import FAMILY, width_of

if TYPE_CHECKING:
    from matplotlib.backend_bases import GraphicsContextBase, RendererBase
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

RULE, RULE_WIDTH = "#888888", 0.6  # points
SHIFT = {"left": 0.0, "center": 0.5, "right": 1.0}  # share of a text's width that stands before its place


@dataclass(frozen=True)
class Placed:
    """A text: its place and baseline in inches from the upper left corner, its size in points, and its looks."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    align: str = "left"
    bold: bool = False


@dataclass
class Sheet:
    """A page.

    Attributes:
        figure: What is saved.
        texts: Its texts.
        rules: Lines from left to right: both ends, and the place below the upper edge, in inches.
    """

    figure: Figure
    texts: list[Placed] = field(default_factory=list)
    rules: list[tuple[float, float, float]] = field(default_factory=list)


def sheet(size: tuple[float, float]) -> Sheet:
    """An empty page of that width and height in inches."""
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

    class Writing(Artist):
        """What stands on the page, drawn when it is saved."""

        def draw(self, renderer: RendererBase) -> None:
            """Draw all texts and rules."""
            _draw(renderer, page)

    page = Sheet(Figure(figsize=size))
    page.figure.add_artist(Writing())
    return page


@cache
def _font(size: float, bold: bool) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(family=FAMILY, size=size, weight="bold" if bold else "normal")


def _draw(renderer: RendererBase, page: Sheet) -> None:
    from matplotlib.path import Path
    from matplotlib.transforms import IdentityTransform

    dots, top = page.figure.dpi, page.figure.bbox.ymax
    context = _context(renderer, RULE)
    context.set_linewidth(renderer.points_to_pixels(RULE_WIDTH))
    for left, right, y in page.rules:
        line = Path([(left * dots, top - y * dots), (right * dots, top - y * dots)])
        renderer.draw_path(context, line, IdentityTransform())
    context.restore()
    for one in page.texts:
        context = _context(renderer, one.colour)
        x = one.x - SHIFT[one.align] * width_of(one.text, one.size, one.bold)
        renderer.draw_text(context, x * dots, top - one.y * dots, one.text, _font(one.size, one.bold), 0)
        context.restore()


def _context(renderer: RendererBase, colour: str) -> GraphicsContextBase:
    context = renderer.new_gc()
    context.set_foreground(colour)
    return context
