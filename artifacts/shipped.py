"""Base models that come with the package: `artifacts/testbed/<name>/`, each with a card that holds its digests."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from artifacts.digests import digest_file
from artifacts.errors import DigestError, UserError
from artifacts.files import read_json

SHIPPED = Path(__file__).resolve().parent / "testbed"
CARD, README = "card.json", "README.md"


def shipped_names() -> list[str]:
    """Names of the base models that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{CARD}"))


def shipped_folder(name: str) -> Path:
    """Folder of a shipped base model; an unknown name is refused with the known ones."""
    if name not in shipped_names():
        raise UserError(
            f"no base model called '{name}' is shipped", fix=f"shipped: {', '.join(shipped_names()) or '-'}"
        )
    return SHIPPED / name


def shipped_card(name: str) -> dict[str, Any]:
    """The card of a shipped base model: what it is and how it was made."""
    return read_json(shipped_folder(name) / CARD)


def verified_folder(name: str) -> Path:
    """Folder of a shipped base model, its files compared with the card's digests, once for a process.

    Raises:
        UserError: no model of that name is shipped.
        DigestError: a file is missing, changed or not on the card; the message names each.
    """
    return _verified(shipped_folder(name))


@lru_cache
def _verified(folder: Path) -> Path:
    check_folder(folder)
    return folder


def check_folder(folder: Path) -> None:
    """Compare the files of a base's folder with its card; raises and tells as `verified_folder`."""
    card = read_json(folder / CARD)["files"]
    found = digests(folder)
    faults = [
        f"{file}: {'missing' if file not in found else 'not on the card' if file not in card else 'bytes differ'}"
        for file in sorted(card.keys() | found.keys())
        if card.get(file) != found.get(file)
    ]
    if faults:
        raise DigestError("; ".join(faults), where=str(folder), fix="restore the folder from the package or from git")


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 (hex) of every file of a base model's folder but its card and its README, by name."""
    own = {CARD, README}
    return {
        path.name: digest_file(path) for path in sorted(folder.iterdir()) if path.is_file() and path.name not in own
    }
