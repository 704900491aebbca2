"""README.md of a published artifact: what it is, on what terms, where it comes from, how to verify and cite it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import chain
from typing import Any

import yaml

from artifacts.catalogue import Publication
from artifacts.cite import bibtex
from artifacts.licences import hub_word
from artifacts.manifest import Artifact
from artifacts.markdown import plain, table

CARD = "README.md"
FRONT = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_SOURCE = ("pin", "source", "origin", "version", "licence")
_SHOWN = 40  # nodes of a chain that a reader still takes in
_KINDS = {"corpus": "dataset", "curated": "dataset", "trainset": "dataset", "model": "model", "base-model": "model"}


def card(publication: Publication, artifact: Artifact, own: str | None) -> str:
    """The card, with the front matter that the hub reads.

    Args:
        publication: Its record.
        artifact: The artifact.
        own: The card that its stage wrote, if it did: its front matter is kept where this one says nothing else, and
            its text follows.
    """
    front, body = _parted(own)
    front = front | _front(publication)
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    sections = [
        f"# {plain(publication.title)}",
        f"`{publication.label}`, a {publication.kind} artifact made by `rt {artifact.identity.stage}` "
        f"(response-tuning {publication.made_with}), digest `{publication.digest}`.",
        _terms(publication.licence),
        "## Lineage\n\n" + _lineage(publication.lineage),
        "## Files\n\n" + table(("file", "bytes", "SHA-256"), _files(artifact)),
        "## Verify\n\n`rt artifacts verify DIR` reads every file again and compares it with "
        "`manifest.json`, whose digest is the one above.",
        "## Cite\n\nAlso as `CITATION.cff` and `citation.bib`.\n\n```bibtex\n" + bibtex(publication) + "\n```",
    ]
    if body.strip():
        sections.append("# What its stage says of it\n\n" + re.sub(r"^#", "##", body.strip(), flags=re.MULTILINE))
    return f"---\n{head}---\n\n" + "\n\n".join(sections) + "\n"


def hub_kind(kind: str) -> str:
    """`dataset` or `model`: what the hub would call an artifact of this kind."""
    return _KINDS.get(kind, "dataset")


def _parted(own: str | None) -> tuple[dict[str, Any], str]:
    match = FRONT.match(own or "")
    if match is None:
        return {}, own or ""
    front = yaml.safe_load(match[1])
    return (front if isinstance(front, dict) else {}), match[2]


def _front(publication: Publication) -> dict[str, Any]:
    licence = publication.licence["licence"]
    word = hub_word(licence)
    return (
        {"pretty_name": publication.title, "license": word}
        | ({"license_name": _slug(licence)} if word == "other" else {})
        | {"version": publication.version, "tags": ["response-tuning", publication.kind]}
    )


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


def _terms(licence: Mapping[str, Any]) -> str:
    said = {
        "non-commercial": "**Non-commercial**: at least one part is, so the whole is.",
        "unknown": "**Unknown**: nobody stated a licence of at least one part to this package.",
        "as stated": "As the licences of its parts state.",
    }
    rows = [[plain(p[key] or "") for key in ("name", "version", "kind", "licence", "use")] for p in licence["parts"]]
    return (
        f"## Terms\n\n{said[licence['use']]} Licence of the whole: {plain(licence['licence'])}. This repeats what the "
        "sources state and is no legal advice.\n\n" + table(("part", "version", "kind", "licence", "use"), rows)
    )


def _lineage(lineage: Mapping[str, Any]) -> str:
    """The chain as a nested list, an artifact a line, each once; of a long one the counts and the sources."""
    known = lineage["nodes"]
    if len(known) <= _SHOWN:
        return "\n".join(_lines(lineage["digest"], known, None, 0, set()))
    kinds = Counter(node["kind"] for node in known.values())
    counted = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    sources = [_line(digest, node, None) for digest, node in known.items() if {"pin", "source"} & node.keys()]
    head = f"{len(known)} artifacts and files ({counted}); `publication.json` has them all. Sources:"
    return "\n".join([head, "", *sources])


def _lines(digest: str, known: Mapping[str, Any], role: str | None, depth: int, seen: set[str]) -> list[str]:
    node = known[digest]
    line = "  " * depth + _line(digest, node, role)
    if digest in seen:
        return [line + (", as above" if node.get("inputs") else "")]
    seen.add(digest)
    below = [_lines(inner, known, name, depth + 1, seen) for name, inner in node.get("inputs", {}).items()]
    return [line, *chain.from_iterable(below)]


def _line(digest: str, node: Mapping[str, Any], role: str | None) -> str:
    facts = ", ".join(f"{key} {plain(node[key])}" for key in _SOURCE if key in node)
    begin = f"- {plain(role)}: " if role else "- "
    return f"{begin}{node['kind']} `{digest[:12]}`" + (f" ({facts})" if facts else "")


def _files(artifact: Artifact) -> list[tuple[str, ...]]:
    outputs = sorted(artifact.identity.outputs.items())
    return [(f"`{name}`", f"{output.bytes:,}", f"`{output.sha256}`") for name, output in outputs]
