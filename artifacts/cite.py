"""How to cite a pin or a published artifact: BibTeX, and a file of the Citation File Format 1.2.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from artifacts import __version__
from artifacts.catalogue import Publication, pin_digest
from artifacts.licences import spdx
from artifacts.pin_types import Pin
from artifacts.references import MAINTAINERS, PAPER, bibtex_authors, entry, plain, reference, reference_entry

CFF_NAME, BIB_NAME = "CITATION.cff", "citation.bib"
_SOFTWARE = ("model", "base-model")  # CFF knows data sets and software; weights are neither, and are run


def bibtex(cited: Pin | Publication) -> str:
    """The entry of the thing itself, of the works behind it, and of the paper; each once."""
    if isinstance(cited, Pin):
        fields = {"note": f"Version {cited.version}; pinned as {cited.label} by response-tuning {__version__}"}
        own = _own_entry(cited, cited.title, _authors(cited), pin_digest(cited), _year(cited), fields)
    else:
        fields = {"note": f"Version {cited.version}; made with response-tuning {cited.made_with}"}
        own = _own_entry(cited, cited.title, cited.authors, cited.digest, (cited.date or "")[:4] or None, fields)
    return "\n\n".join([own, *map(reference_entry, keys_of(cited))])


def cff(cited: Pin | Publication) -> dict[str, Any]:
    """Content of a CITATION.cff; the works behind it and the paper stand under `references`.

    A licence is named only where there is one for the whole and CFF has a word for it; else the abstract says what is
    known of its parts.
    """
    pinned = isinstance(cited, Pin)
    digest = pin_digest(cited) if pinned else cited.digest
    authors = _authors(cited) if pinned else cited.authors
    licence = cited.licence if pinned else cited.licence["licence"]
    date = None if pinned else cited.date
    value = {
        "cff-version": "1.2.0",
        "message": "If you use this, cite it with its version and digest, and the works under references.",
        "type": "software" if cited.kind in _SOFTWARE else "dataset",
        "title": cited.title,
        "abstract": _abstract(cited),
        "authors": [dict(one) for one in authors] or [{"name": f"The makers of {cited.name}"}],
        "version": cited.version,
        "date-released": date,
        "license": spdx(licence),
        "identifiers": [{"type": "other", "value": f"sha256:{digest}", "description": _what(cited)}],
        "references": [dict(reference(key)) for key in keys_of(cited)],
    }
    return {key: one for key, one in value.items() if one is not None}


def cff_text(cited: Pin | Publication) -> str:
    """The same as YAML."""
    return yaml.dump(cff(cited), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=1000)


class _Plain(yaml.SafeDumper):
    """YAML without anchors: the same author twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def keys_of(cited: Pin | Publication) -> list[str]:
    """Keys of the works to cite beside the thing itself; the paper is always among them."""
    named = [cited.citation] if isinstance(cited, Pin) and cited.citation else []
    return list(dict.fromkeys([*named, PAPER] if isinstance(cited, Pin) else [PAPER, *cited.cites]))


def _own_entry(
    cited: Pin | Publication,
    title: str,
    authors: Sequence[Mapping[str, str]],
    digest: str,
    year: str | None,
    fields: Mapping[str, str],
) -> str:
    values = {
        "title": f"{{{plain(title)}}}",
        "author": bibtex_authors(authors) or None,
        "year": year,
        "version": plain(cited.version),
        "howpublished": f"{_what(cited)}, SHA-256 {digest}",
    }
    key = f"{cited.name}-{cited.version}".replace("+", "-")
    return entry("misc", key, values | {name: plain(value) for name, value in fields.items()})


def _authors(pin: Pin) -> Sequence[Mapping[str, str]]:
    """Those of its work; of what this project made and ships, the project."""
    if pin.citation:
        return reference(pin.citation)["authors"]
    return [MAINTAINERS] if pin.is_shipped else []


def _year(pin: Pin) -> str | None:
    return str(reference(pin.citation)["year"]) if pin.citation else None


def _what(cited: Pin | Publication) -> str:
    """What the digest is of."""
    if isinstance(cited, Pin):
        return "Digest of the pin (version, origins and digests of files)"
    return f"Digest of the {cited.kind} artifact"


def _abstract(cited: Pin | Publication) -> str:
    if isinstance(cited, Pin):
        return (
            f"{cited.kind}, pinned by response-tuning {__version__}. Licence as its source states it: {cited.licence}."
        )
    terms = {one["licence"] for one in cited.licence["parts"]}
    return (
        f"A {cited.kind} artifact made with response-tuning {cited.made_with}. Use: {cited.licence['use']}. "
        f"Licences of its parts: {', '.join(sorted(terms)) or 'unknown'}."
    )
