"""All tables and figures as one PDF for print: A4 pages, drawn by matplotlib, so that nothing else has to be installed.

Figures stand at their own size, as vectors. Tables are laid out here: columns as wide as their texts need, long texts
wrapped, headings repeated on every page. Equal reports give equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.files import atomic_path
from paper_repro.report.figure import Drawing, in_style
from paper_repro.report.paged import Line, paged, width_of, wrap
from paper_repro.report.sheet import Placed, Sheet, sheet
from paper_repro.report.table import Table

if TYPE_CHECKING:
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    from paper_repro.report.page import Section

BOOK = "report.pdf"
A4 = (8.27, 11.69)  # inches
LEFT, TOP, BOTTOM = 0.7, 0.75, 0.7
TEXT_WIDTH = A4[0] - 2 * LEFT
INK, QUIET = "#000000", "#555555"
POINTS = 72.0
LEADING = 1.35  # of paragraphs


def write_book(
    path: Path, title: str, notes: Sequence[str], sections: Sequence[Section], figures: Mapping[str, Figure]
) -> None:
    """Write the PDF: a page with the title and the parts, then every item under its part, in the page's order.

    Args:
        path: The file.
        title, notes: Of its first page.
        sections: Parts with their items.
        figures: Every drawing's figure by its name, as `write_drawing` gives it.
    """
    from matplotlib.backends.backend_pdf import PdfPages

    facts = {"CreationDate": None, "Creator": None, "Producer": None, "Title": title}
    with in_style(), atomic_path(path) as temporary, PdfPages(temporary, metadata=facts) as pdf:
        book = _Pages(pdf, figures)
        book.start()
        book.write(title, 16, bold=True)
        for note in notes:
            book.write(note, 9)
        for section in sections:
            # a numbered item bears its own title, and what is only stated is in the table of items
            told = section.sub
            for item in section.items:
                if isinstance(item, Table):
                    if not told:
                        book.heading(section)
                    book.table(item)
                else:
                    book.drawing(item, None if told else section)
                told = True
            if not told:
                book.heading(section)
        book.finish()


class _Pages:
    """Pages filled from the top; a figure takes a page of its own."""

    def __init__(self, pdf: PdfPages, figures: Mapping[str, Figure]):
        self.pdf = pdf
        self.figures = figures
        self.page: Sheet | None = None
        self.at = 0.0  # inches from the top
        self.number = 0

    def start(self) -> None:
        self.finish()
        self.page, self.at = sheet(A4), TOP
        self.number += 1
        self._text(A4[0] / 2, A4[1] - 0.4, str(self.number), 8, colour=QUIET, align="center")

    def finish(self) -> None:
        """Save the page that is open, if any."""
        if self.page is not None:
            self.pdf.savefig(self.page.figure)
            self.page = None

    def _need(self, height: float) -> None:
        if self.page is None or self.at + height > A4[1] - BOTTOM:
            self.start()

    def _text(self, x: float, y: float, text: str, size: float, *, colour: str = INK, align: str = "left", **more: Any):
        self.page.texts.append(Placed(x, y, text, size, colour, align, **more))

    def _rule(self) -> None:
        self.page.rules.append((LEFT, A4[0] - LEFT, self.at))

    def write(self, text: str, size: float, *, bold: bool = False, colour: str = INK) -> None:
        """A paragraph."""
        height = LEADING * size / POINTS
        for line in wrap(text, TEXT_WIDTH, size, bold=bold):
            self._need(height)
            self.at += height
            self._text(LEFT, self.at, line, size, colour=colour, bold=bold)
        self.at += 0.4 * height

    def heading(self, section: Section) -> None:
        """A part's heading and paragraphs, with room for some lines below them."""
        self._need(1.5)
        self.at += 0.15
        self.write(section.title, 13, bold=True)
        for paragraph in section.paragraphs:
            self.write(paragraph, 8)

    def table(self, table: Table) -> None:
        """A table: its title, its rows, its notes and source."""
        head, rows, size = paged(table, TEXT_WIDTH)
        self._need(0.6 + sum(line.height for line in head) + (rows[0].height if rows else 0))
        self.write(table.title, 9, bold=True)
        self._lines(head)
        for row in rows:
            if self.at + row.height > A4[1] - BOTTOM:
                self.start()
                self.write(f"{table.title} (continued)", 8, colour=QUIET)
                self._lines(head)
            self._lines([row])
        self._rule()
        self.at += 0.05
        for note in (*table.notes, f"Source: {table.source}."):
            self.write(note, min(size, 7), colour=QUIET)
        self.at += 0.15

    def _lines(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if line.ruled:
                self._rule()
            for x, below, text, align, colour in line.texts:
                self._text(LEFT + x, self.at + below, text, line.size, colour=colour, align=align)
            self.at += line.height

    def drawing(self, drawing: Drawing, section: Section | None) -> None:
        """A figure at its size on a page of its own, with its title above and its notes below.

        Args:
            drawing: The figure.
            section: The part that it begins, whose heading stands on the same page; None: the heading is there already.
        """
        from matplotlib.transforms import Bbox

        self.finish()
        self.number += 1
        figure = self.figures[drawing.name]
        width, height = figure.get_size_inches()
        x = (A4[0] - width) / 2
        head = [(section.title, 13, True), *((one, 8, False) for one in section.paragraphs)] if section else []
        at, above = TOP, []
        for text, size, bold in head:
            for line in wrap(text, TEXT_WIDTH, size, bold=bold):
                at += LEADING * size / POINTS
                above.append(Placed(LEFT - x, at, line, size, INK, bold=bold))
            at += 0.4 * LEADING * size / POINTS
        for line in wrap(drawing.title, width, 10, bold=True):
            at += 0.19
            above.append(Placed(0, at, line, 10, INK, bold=True))
        top = at + 0.16
        notes = [line for note in (*drawing.notes, f"Source: {drawing.source}.") for line in wrap(note, width, 7)]
        below = [Placed(0, top + height + 0.25 + 0.14 * index, line, 7, QUIET) for index, line in enumerate(notes)]
        number = str(self.number)
        foot = Placed((width - width_of(number, 8)) / 2, A4[1] - 0.4, number, 8, QUIET)
        for one in (*above, *below, foot):
            weight = "bold" if one.bold else "normal"
            style = {"fontsize": one.size, "color": one.colour, "fontweight": weight, "parse_math": False}
            figure.text(one.x / width, 1 + (top - one.y) / height, one.text, in_layout=False, **style)
        page = Bbox([[-x, height + top - A4[1]], [A4[0] - x, height + top]])
        self.pdf.savefig(figure, bbox_inches=page)
