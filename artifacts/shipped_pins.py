"""Pins of what comes with this package, made from the files themselves by `make pins`, and by `rt testbed ship`.

No fact of them is typed. A base's card says what the base is and how it was made, and is made by shipping it; its pin
is made from that card and holds the card's digest. Versions end in the beginning of a digest of the bytes, so that
other bytes are another version whether anybody thought of it or not. A test compares every pin with its files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from artifacts import pins, shipped
from artifacts.digests import digest_file, digest_json
from artifacts.errors import UserError
from artifacts.files import read_json, read_yaml, write_text
from artifacts.licences import OWN_LICENCE
from artifacts.pin_types import PackageOrigin, Pin, PinnedFile
from artifacts.published import PUBLISHED
from artifacts.references import PAPER
from artifacts.shipped import CARD
from artifacts.stage import input_digest
from artifacts.store import ROOT, packaged

HEAD = "# Made from the files that it names (make pins); not to be edited.\n"
RESULTS = Path(__file__).resolve().parent / "results"
LABELLED = Path("paper_repro/judge/validation/refusals.jsonl")
# texts that language models and raters are given; the name of each tells its kind
_PROMPTS = (
    ("data_curation/prompts/*.yaml", "rewrite"),
    ("paper_repro/judge/*/prompt.yaml", "judge"),
    ("paper_repro/in_context/templates/*.yaml", "in-context"),
    ("paper_repro/annotate/guideline.yaml", "raters"),
)


@dataclass(frozen=True)
class Shipped:
    """One thing that comes with this package.

    Attributes:
        name: Its pin's name.
        kind: Its pin's kind.
        title: For people.
        place: Its folder, or its one file.
        files: The files that are pinned.
        own: What it says of its own version, if it does.
        note: What a reader has to know of it.
        citation: Key of the work that it repeats.
    """

    name: str
    kind: str
    title: str
    place: Path
    files: tuple[Path, ...]
    own: str | None = None
    note: str | None = None
    citation: str | None = None


def shipped_things() -> dict[str, Shipped]:
    """All that comes with this package and has a pin, by name."""
    found = [*map(_base, shipped.shipped_names()), _numbers(), *_results(), *_prompts(), _labelled()]
    return {one.name: one for one in found}


def shipped_pin(thing: Shipped) -> Pin:
    """The pin of something that comes with this package.

    Raises:
        DigestError: a base's files are not those of its card.
    """
    if thing.name in shipped.shipped_names():
        shipped.check_folder(thing.place)
    root = packaged("")
    files = [
        PinnedFile(path=path.relative_to(root).as_posix(), sha256=digest_file(path), bytes=path.stat().st_size)
        for path in thing.files
    ]
    content = digest_json({file.path: file.sha256 for file in files})[:12]
    return Pin(
        name=thing.name,
        version=f"{thing.own}+{content}" if thing.own else content,
        kind=thing.kind,
        title=thing.title,
        licence=OWN_LICENCE,
        origins=(PackageOrigin(kind="package", files=tuple(files)),),
        citation=thing.citation,
        note=thing.note,
    )


def pin_text(pin: Pin) -> str:
    """The pin as its YAML file holds it."""
    value = pin.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return HEAD + yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)


def write_pin(name: str) -> Path:
    """Make the pin of one shipped thing anew; returns its file."""
    path = pins.PINS / f"{name}.yaml"
    write_text(path, pin_text(shipped_pin(shipped_things()[name])))
    return path


def stale_pins() -> dict[str, str | None]:
    """Pins that are not what their files make them: name to the text that the pin should have, None for one too many.

    Raises:
        UserError: a shipped thing bears the name of a pin of others' files.
    """
    wanted = {name: pin_text(shipped_pin(thing)) for name, thing in shipped_things().items()}
    there = {path.stem: path.read_text(encoding="utf-8") for path in pins.PINS.glob("*.yaml")}
    if taken := sorted(name for name in wanted.keys() & there.keys() if not pins.load_pin(name).is_shipped):
        raise UserError(f"is the name of a pin of others' files too: {', '.join(taken)}", where=str(pins.PINS))
    changed = {name: text for name, text in wanted.items() if there.get(name) != text}
    orphans = [name for name in there if name not in wanted and pins.load_pin(name).is_shipped]
    return changed | dict.fromkeys(orphans)


def known_by_digest(digest: str) -> Pin | None:
    """The pin of what a stage took in from this package, by the digest of that input; None if it is not from here."""
    name = _names_by_digest(shipped.SHIPPED).get(digest)
    return pins.load_pin(name) if name in pins.pin_names() else None


@cache
def _names_by_digest(bases: Path) -> dict[str, str]:
    """`artifacts.stage.input_digest` of shipped things, and of bases' cards, which reports read alone.

    `bases` is part of the cache's key alone: tests put the shipped bases elsewhere.
    """
    found = {}
    for thing in shipped_things().values():
        found[input_digest(thing.place)] = thing.name
        if (thing.place / CARD).is_file():
            found[input_digest(thing.place / CARD)] = thing.name
    return found


def _base(name: str) -> Shipped:
    card = shipped.shipped_card(name)
    folder, settings = shipped.SHIPPED / name, card["settings"]
    return Shipped(
        name=name,
        kind="model",
        title=f"Base model of the testbed: {settings['size']}, corpus {settings['corpus']}, seed {settings['seed']}",
        place=folder,
        files=tuple(folder / file for file in sorted([*card["files"], CARD])),
        own=str(card["world_version"]),
        note=f"{card['parameters']:,} parameters, pre-trained by this project on a generated world, version "
        f"{card['world_version']}. {CARD} says how it was made and what it knows.",
    )


def _numbers() -> Shipped:
    files = tuple(sorted(PUBLISHED.glob("*.csv")))
    title, note = "Numbers of the paper's tables and figures", "Copied from the paper (arXiv 2410.02465, version 3)."
    return Shipped("paper-numbers", "results", title, PUBLISHED, files, note=note, citation=PAPER)


def _results() -> Iterator[Shipped]:
    for folder in sorted(path for path in RESULTS.glob("*") if path.is_dir()):
        files = tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
        run = read_json(folder / "run.json") if (folder / "run.json").is_file() else {}
        title = f"Results of a finished run of the profile {run.get('profile', folder.name)}"
        if files:
            yield Shipped(f"results-{folder.name}", "results", title, folder, files, run.get("date"))


def _prompts() -> Iterator[Shipped]:
    for pattern, use in _PROMPTS:
        for path in sorted(ROOT.glob(pattern)):
            said: dict[str, Any] = read_yaml(path)
            name = said.get("name", path.stem)
            title = f"Text of this project: {name} ({use})"
            own = said.get("version")
            yield Shipped(f"prompt-{name}", "prompts", title, path, (path,), None if own is None else str(own))


def _labelled() -> Shipped:
    path = ROOT / LABELLED
    title = "Labelled replies of this project, for measuring refusal judges"
    return Shipped("labelled-refusals", "dataset", title, path, (path,))


def main() -> None:
    """Make the pins of all that comes with this package: writes those that changed, removes those of what is gone."""
    for name, text in stale_pins().items():
        path = pins.PINS / f"{name}.yaml"
        if text is None:
            path.unlink()
        else:
            write_text(path, text)
        sys.stdout.write(f"{'removed' if text is None else 'made   '} {path.name}\n")


if __name__ == "__main__":
    main()
