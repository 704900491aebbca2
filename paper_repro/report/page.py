"""One self-contained HTML page: no script, no outside resource, everything escaped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifacts.files import write_text
from data_curation.pages import environment
from paper_repro.report.figure import Drawing
from paper_repro.report.table import Estimate, Table, details, show

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        id: Anchor.
        title: Heading.
        paragraphs: Sentences before the items.
        items: Tables and figures, in order.
        folded: Whether each item opens on demand.
    """

    id: str
    title: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[Table | Drawing, ...] = ()
    folded: bool = False


def write_page(
    path: Path, title: str, notes: Sequence[str], sections: Sequence[Section], identity: str, figures: Path
) -> None:
    """Write the page.

    Args:
        path: The HTML file.
        title: Heading of the page.
        notes: What a reader must know before any number.
        sections: Parts, in order.
        identity: Settings and digests as text, shown at the end: nothing that varies between equal runs.
        figures: Folder with the SVG files of the drawings.
    """
    templates = environment(
        FOLDER,
        filters={"main": _main, "details": details, "image": lambda drawing: _image(drawing, figures)},
        tests={"drawing": lambda item: isinstance(item, Drawing)},
    )
    page = templates.get_template("page.html.jinja").render(
        title=title, notes=notes, sections=sections, identity=identity
    )
    write_text(path, page)


def _main(cell, column) -> str:
    """A cell's large type; `details` gives an estimate's small type."""
    return show(cell.value if isinstance(cell, Estimate) else cell, column)


def _image(drawing: Drawing, folder: Path) -> str:
    data = base64.b64encode((folder / f"{drawing.name}.svg").read_bytes()).decode("ascii")
    return f"data:image/svg+xml;base64,{data}"
