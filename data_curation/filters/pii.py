"""The filter `pii`: personal data, masked or a reason to leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from artifacts.settings import Settings
from data_curation.filters.outcome import Fault, Masked, Outcome
from data_curation.filters.pii_finders import PLAIN, Found, emails, phones
from data_curation.optional import require

Kind = Literal["email", "phone", "iban", "card", "ssn", "ip"]


class PiiSettings(Settings):
    """Mask personal data, or drop responses that hold it.

    Found are e-mail addresses, telephone numbers (libphonenumber: valid by their country's plan and grouped as people
    group them), IBANs and payment cards with right check digits, United States social security numbers, and public IP
    addresses. Placeholders (`example.com`, 555 numbers, numbers that manuals print) do not count. Names, birthdays
    and postal addresses are not found.

    It is responses that are read and masked; instructions, which IT trains on too, stay as they are.

    Attributes:
        action: `mask` writes `[EMAIL]`, `[PHONE]` ... in their place; `drop` drops the response.
        kinds: What to look for. Where two overlap, the earlier in this list wins.
        regions: Countries (ISO 3166) whose telephone numbers are recognised without an international prefix.
        public: Count addresses and numbers of offices too (`info@...`, toll-free numbers).
    """

    step: Literal["pii"] = "pii"
    action: Literal["mask", "drop"] = "mask"
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = ("email", "iban", "card", "ssn", "phone", "ip")
    regions: Annotated[tuple[str, ...], Field(min_length=1)] = ("US",)
    public: bool = False

    @field_validator("regions")
    @classmethod
    def _countries(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [region for region in regions if not (len(region) == 2 and region.isascii() and region.isupper())]
        if wrong:
            raise ValueError(f"'{wrong[0]}' is no two-letter code of a country, such as 'US'")
        known = require("phonenumbers").SUPPORTED_REGIONS
        if unknown := sorted(set(regions) - known):  # their numbers would stay, and nobody would know
            hint = " (the United Kingdom is 'GB')" if unknown[0] == "UK" else ""
            raise ValueError(f"no telephone numbers are known of a country '{unknown[0]}'{hint}")
        return regions


def judge(text: str, settings: PiiSettings) -> Outcome:
    """The kind that comes first in the settings, with the number of pieces found; or the masked text."""
    found = find(text, settings)
    if not found:
        return None
    counts = Counter(piece.kind for piece in found)
    if settings.action == "drop":
        return Fault(next(kind for kind in settings.kinds if kind in counts), len(found))
    parts, at = [], 0
    for piece in found:
        parts += text[at : piece.start], f"[{piece.kind.upper()}]"
        at = piece.end
    return Masked("".join([*parts, text[at:]]), dict(sorted(counts.items())))


def find(text: str, settings: PiiSettings) -> list[Found]:
    """Pieces of personal data in their order, none overlapping another."""
    taken: list[Found] = []
    covered = bytearray(len(text))
    for kind in settings.kinds:
        for piece in _pieces(kind, text, settings):
            if not any(covered[piece.start : piece.end]):
                covered[piece.start : piece.end] = b"\1" * (piece.end - piece.start)
                taken.append(piece)
    return sorted(taken, key=lambda piece: piece.start)


def _pieces(kind: Kind, text: str, settings: PiiSettings) -> Iterator[Found]:
    if kind == "email":
        return emails(text, settings.public)
    if kind == "phone":
        return phones(text, settings.public, settings.regions)
    return PLAIN[kind](text)
