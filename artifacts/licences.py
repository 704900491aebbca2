"""Licences of what an artifact is made of, and what follows for the whole.

Nothing here is legal advice: it repeats what pins state, and never guesses where nobody stated anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

OWN_LICENCE = "Apache-2.0"  # this package's, and that of what it generates from nothing
UNKNOWN = "unknown"
Use = Literal["non-commercial", "unknown", "as stated"]
_NON_COMMERCIAL = re.compile(r"\bnc\b|non-?commercial", re.IGNORECASE)
_UNSTATED = re.compile(r"unknown|none\b.*|not stated.*|", re.IGNORECASE)
# licences whose SPDX names the pins use; a name that is not here is shown as it stands, never mapped to a near one
_SPDX = re.compile(r"Apache-2\.0|MIT|CC0-1\.0|CC-BY(-NC)?(-SA|-ND)?-(2\.0|2\.5|3\.0|4\.0)|BSD-[23]-Clause|ODC-By-1\.0")

_REMARK = re.compile(r" \([^()]*\)$")
_HUB = {"ODC-By-1.0": "odc-by"}  # the others are called by their SPDX names in lower case


@dataclass(frozen=True)
class LicencedPart:
    """One thing an artifact is made of: its name and version, what it is, and the licence as its pin states it."""

    name: str
    version: str | None
    kind: str
    licence: str


def use_of(licence: str) -> Use:
    """`non-commercial`, `unknown` (nobody stated a licence) or `as stated`."""
    if _UNSTATED.fullmatch(licence.strip()):
        return "unknown"
    return "non-commercial" if _NON_COMMERCIAL.search(licence) else "as stated"


def spdx(licence: str) -> str | None:
    """The licence if it is an SPDX name, else None."""
    return licence if _SPDX.fullmatch(licence) else None


def hub_word(licence: str) -> str:
    """The word of a Hugging Face card for a licence; `unknown` where nobody stated one, `other` where it has no word.

    A remark in brackets behind an SPDX name is left out: `CC-BY-NC-4.0 (data)`.
    """
    if licence == UNKNOWN:
        return UNKNOWN
    known = spdx(_REMARK.sub("", licence))
    return _HUB.get(known, known.lower()) if known else "other"


def summarise(parts: Sequence[LicencedPart]) -> dict[str, Any]:
    """What the parts' licences make of the whole.

    One non-commercial part makes the whole non-commercial, whatever the others are. A part of unknown licence makes the
    licence of the whole unknown: no licence of it can be named.

    Returns:
        `use` (non-commercial, unknown, as stated), `licence` (of the whole: the parts' joined by AND; `unknown` if one
        of them is, or there are no parts), `parts`: a list of `name`, `version`, `kind`, `licence`, `use`.
    """
    uses = {use_of(part.licence) for part in parts}
    named = sorted({part.licence for part in parts})
    unknown = not parts or "unknown" in uses
    use = "non-commercial" if "non-commercial" in uses else "unknown" if unknown else "as stated"
    rows = [
        {"name": p.name, "version": p.version, "kind": p.kind, "licence": p.licence, "use": use_of(p.licence)}
        for p in parts
    ]
    return {"use": use, "licence": UNKNOWN if unknown else " AND ".join(named), "parts": rows}
