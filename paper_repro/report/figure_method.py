"""Figure 1: what Instruction Tuning and Response Tuning train on, drawn from the sequences that this package builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_curation.markers import ASSISTANT, USER
from paper_repro.report.figure import COLOURS, Drawing, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# parts of a sequence: text, width, and whether the loss counts there
PROMPT = ((USER, 0.9, False), ("instruction", 1.9, False))
RESPONSE = ((ASSISTANT, 1.35, False), ("response", 3.0, True), ("end", 0.6, True))
ROWS = (("IT", (*PROMPT, *RESPONSE)), ("RT", RESPONSE))


def figure_01(tables: Mapping[str, Any] | None = None) -> Drawing:
    """Figure 1: a sequence of IT above one of RT; no numbers."""
    return Drawing(
        "figure_01",
        "Figure 1. Instruction Tuning and Response Tuning",
        "Two sequences as rows of boxes. Instruction Tuning: user marker, instruction, assistant marker, response, end "
        "of sequence. Response Tuning: the same without user marker and instruction. In both the loss counts on the "
        "response and the end of sequence alone.",
        "drawn here after Sec. 3 of the paper",
        _draw,
        ("The paper's Figure 1 shows the same with an example; this is our own drawing.",),
    )


def _draw() -> Figure:
    figure = new_figure(1.6)
    axes = figure.subplots()
    end = sum(width for _, width, _ in ROWS[0][1])
    for place, (method, parts) in enumerate(ROWS):
        left = end - sum(width for _, width, _ in parts)  # responses stand under each other
        axes.text(-0.15, -place, method, ha="right", va="center", fontsize=9, fontweight="bold")
        for text, width, trained in parts:
            _box(axes, left, -place, width, text, trained, method)
            left += width
    axes.annotate(
        "no user marker, no instruction",
        (sum(width for _, width, _ in PROMPT), -1),
        (0.05, -1),
        va="center",
        fontsize=7,
        color="#555555",
        arrowprops={"arrowstyle": "-", "linestyle": ":", "color": "#999999"},
    )
    axes.set_xlim(-0.6, end + 0.1)
    axes.set_ylim(-1.75, 0.45)
    axes.text(end, -1.62, "filled: the loss counts here", ha="right", va="center", fontsize=7)
    axes.axis("off")
    return figure


def _box(axes: Axes, left: float, y: float, width: float, text: str, trained: bool, method: str) -> None:
    from matplotlib.patches import Rectangle

    face = COLOURS[method] if trained else "white"
    ink = "white" if trained and method == "IT" else "black"
    axes.add_patch(Rectangle((left, y - 0.3), width, 0.6, facecolor=face, edgecolor="black", linewidth=0.8))
    family = "DejaVu Sans Mono" if text.startswith("<") else "DejaVu Sans"
    axes.text(left + width / 2, y, text, ha="center", va="center", fontsize=7.5, color=ink, family=family)
