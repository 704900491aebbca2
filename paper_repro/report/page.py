"""One self-contained HTML page: no script, no outside resource, everything escaped."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from artifacts.files import write_text
from data_curation.pages import environment, trusted
from paper_repro.report.figure import Drawing
from paper_repro.report.table import Estimate, Table, details, show

FOLDER = Path(__file__).parent
TABLE_FILES = {"csv": "CSV", "md": "Markdown", "tex": "LaTeX"}


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        id: Anchor.
        title: Heading.
        paragraphs: Sentences before the items.
        items: Tables and figures, in order.
        folded: Whether each table opens on demand.
        sub: Whether it belongs to the part before it: a smaller heading, and no place of its own in the list of parts.
        links: Names of items elsewhere on the page that belong here.
    """

    id: str
    title: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[Table | Drawing, ...] = ()
    folded: bool = False
    sub: bool = False
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """What a page says.

    Attributes:
        title: Its heading.
        notes: What a reader must know before any number.
        sections: Parts, in order.
        identity: Settings and digests as text, shown at the end: nothing that varies between equal runs.
        files: Data files beside the page, with what they hold; all are linked.
    """

    title: str
    notes: Sequence[str]
    sections: Sequence[Section]
    identity: str
    files: Sequence[tuple[str, str]] = ()


def write_page(path: Path, page: Page) -> None:
    """Write the page into the folder that holds the files of its items."""
    targets = _targets(page.sections)
    templates = environment(
        FOLDER,
        filters={
            "main": _main,
            "details": details,
            "image": lambda drawing: _image(drawing, path.parent),
            "files": files_of,
            "linked": lambda text, column: _linked(text, column.key, targets),
            "target": lambda name: targets[name],
        },
        tests={"drawing": lambda item: isinstance(item, Drawing)},
    )
    write_text(path, templates.get_template("page.html.jinja").render(page=page))


def _targets(sections: Sequence[Section]) -> dict[str, tuple[str, str]]:
    """What can be named to its anchor and title: items, parts of the page, numbered items as people cite them."""
    found = {section.id: (section.id, section.title) for section in sections}
    found |= {section.title.split(".")[0]: (section.id, section.title) for section in sections if section.sub}
    return found | {item.name: (_anchor(item), item.title) for section in sections for item in section.items}


def _linked(text: str, key: str, targets: Mapping[str, tuple[str, str]]) -> str:
    """A cell of the table of items: its names become links to what they name; any other cell is its text."""
    names = text.split(", ") if key.endswith("_where") else [text] if key == "item" else []
    if not names or not all(name in targets for name in names):
        return text
    return trusted(", ".join(f'<a href="#{escape(targets[name][0])}">{escape(name)}</a>' for name in names))


def _anchor(item: Table | Drawing) -> str:
    """A table and a figure can share a name, not an anchor."""
    return f"{item.name}-figure" if isinstance(item, Drawing) else item.name


def files_of(item: Table | Drawing) -> list[tuple[str, str]]:
    """What an item's files are called, and their kind for people."""
    kinds = TABLE_FILES
    if isinstance(item, Drawing):
        kinds = {"png": "PNG", "svg": "SVG", "pdf": "PDF"} | (TABLE_FILES if item.numbers is not None else {})
    return [(f"{item.name}.{ending}", word) for ending, word in kinds.items()]


def _main(cell, column) -> str:
    """A cell's large type; `details` gives an estimate's small type."""
    return show(cell.value if isinstance(cell, Estimate) else cell, column)


def _image(drawing: Drawing, folder: Path) -> str:
    data = base64.b64encode((folder / f"{drawing.name}.svg").read_bytes()).decode("ascii")
    return f"data:image/svg+xml;base64,{data}"
