"""Works that are cited, kept once as references of the Citation File Format and put into BibTeX from there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from artifacts.errors import UserError
from artifacts.files import read_yaml

REFERENCES = Path(__file__).resolve().with_name("references.yaml")
PAPER = "an2025response"
OTHERS = {"name": "et al."}
MAINTAINERS = {"name": "The response-tuning maintainers"}  # as in CITATION.cff
Reference = Mapping[str, Any]
_TYPES = {"conference-paper": "inproceedings", "article": "article"}
# what BibTeX would read as a command, and a brace that would end a field
_SPECIAL = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}"} | {sign: f"\\{sign}" for sign in "&%$#_"}


@cache
def _all() -> dict[str, dict[str, Any]]:
    return read_yaml(REFERENCES)


def reference_keys() -> list[str]:
    """Keys of all references."""
    return sorted(_all())


def reference(key: str) -> Reference:
    """A reference by its key, as CFF has it; raises UserError for an unknown key."""
    if key not in _all():
        raise UserError(f"no reference has the key '{key}'", where=str(REFERENCES), fix="add it there")
    return _all()[key]


def entry(kind: str, key: str, fields: Mapping[str, str | None]) -> str:
    """A BibTeX entry; fields without a value are left out, braces keep the case of titles."""
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def reference_entry(key: str) -> str:
    """A reference as a BibTeX entry."""
    work = reference(key)
    kind = _TYPES.get(work["type"], "misc")
    arxiv = _arxiv(work)
    fields = {
        "title": f"{{{plain(work['title'])}}}",
        "author": bibtex_authors(work["authors"]),
        "year": str(work["year"]),
        "booktitle": plain(work.get("collection-title", "")) if kind == "inproceedings" else None,
        "journal": f"arXiv preprint arXiv:{arxiv}" if kind == "article" else None,
        "eprint": arxiv,
        "archiveprefix": "arXiv" if arxiv else None,
        "url": work.get("repository-code"),
    }
    return entry(kind, key, fields)


def bibtex_authors(authors: Sequence[Mapping[str, str]]) -> str:
    """Authors as BibTeX wants them; a body's name in braces of its own, so that it is not taken apart."""
    names = []
    for author in authors:
        if author == OTHERS:
            names.append("others")
        elif "name" in author:
            names.append(f"{{{plain(author['name'])}}}")
        else:
            names.append(f"{plain(author['family-names'])}, {plain(author['given-names'])}")
    return " and ".join(names)


def reference_text(key: str) -> str:
    """One line for people: who, when, what, where."""
    work = reference(key)
    first = work["authors"][0]
    name = first.get("name") or first["family-names"]
    more = len(work["authors"]) - 1
    if more == 1 and work["authors"][1] != OTHERS:
        name += f" and {work['authors'][1].get('name') or work['authors'][1]['family-names']}"
    elif more:
        name += " et al."
    arxiv = _arxiv(work)
    place = work.get("collection-title") or (f"arXiv:{arxiv}" if arxiv else None)
    stop = "" if work["title"].endswith("?") else "."
    return f"{name} ({work['year']}). {work['title']}{stop}" + (f" {place}." if place else "")


def plain(text: str) -> str:
    """Text in which BibTeX finds no commands."""
    return "".join(_SPECIAL.get(sign, sign) for sign in " ".join(str(text).split()))


def _arxiv(work: Reference) -> str | None:
    found = [re.fullmatch(r"arXiv:(\S+)", one["value"]) for one in work.get("identifiers", ())]
    return next((match[1] for match in found if match), None)
