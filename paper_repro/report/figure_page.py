"""Figure 7: the page that raters see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_repro.annotate.sample import PICTURE
from paper_repro.report.figure import WIDTH, Drawing, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_07(_: object) -> Drawing:
    """Figure 7: a picture of the annotation page of this package (`paper_repro.annotate.sample` takes it)."""
    return Drawing(
        "figure_07",
        "Figure 7. The annotation page",
        "A page with an instruction, two responses side by side, three levels of acceptability below each, the "
        "question which of them is more helpful, a field for a comment, and the rater's progress.",
        "this package's own page (rt annotate), with texts of its own",
        _draw,
        ("Which response stands first is drawn for every rater and item; nothing on the page names a system.",),
    )


def _draw() -> Figure:
    from matplotlib.image import imread

    picture = imread(PICTURE)
    figure = new_figure(WIDTH * picture.shape[0] / picture.shape[1])
    figure.set_layout_engine("none")  # the picture fills the figure
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(picture, interpolation="none")
    axes.axis("off")
    return figure
