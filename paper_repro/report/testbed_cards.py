"""What the cards of the testbed's bases say, and the table of the bases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from artifacts.files import read_json
from paper_repro.report.table import Column, Table
from paper_repro.report.testbed_cells import CORPORA, SIZES, Base, Cell, parse_base

DIGITS = 12
LOOK_UP = "look-up"
THOUSAND, MILLION = 1e3, 1e6
AS_STATEMENTS = (
    "Exchanges and declines of a base without questions (none): their replies stand in its text, as statements."
)


@dataclass(frozen=True)
class Card:
    """Numbers of a base before any tuning.

    Attributes:
        base: Size, corpus and seed, from its name.
        name: Its name.
        parameters: Number of parameters.
        tokens: Tokens it was trained on.
        exchanges: Questions with their replies in the pre-training text (of `none`: replies set as statements); None:
            not counted.
        declines: Replies in it that decline; None: not counted.
        held_out_loss: Nats a token on held-out text of its own corpus.
        own_format: Share of held-out look-ups answered right in the corpus's own formats; None: it has none.
        likelihood: Share of held-out facts whose true statement is likelier than all false ones.
        likelihood_chance: The same by guessing.
        margin: First-token margin (nats): lean to refusal, unsafe less look-alike.
        margin_auc: How well that lean tells unsafe from look-alike (0.5: not at all).
        digest: Digest of the base's artifact (hex).
    """

    base: Base
    name: str
    parameters: int
    tokens: int
    exchanges: int | None
    declines: int | None
    held_out_loss: float
    own_format: float | None
    likelihood: float | None
    likelihood_chance: float | None
    margin: float | None
    margin_auc: float | None
    digest: str


def read_cards(paths: Iterable[Path]) -> list[Card]:
    """Cards in the order of sizes and corpora."""
    cards = [read_card(path) for path in paths]
    return sorted(cards, key=lambda card: (_place(card.base.size, SIZES), _place(card.base.corpus, CORPORA), card.name))


def read_card(path: Path) -> Card:
    """Read one card.

    Raises:
        InputError: not a card of a testbed base, or one without what every card holds.
    """
    data = read_json(path)
    try:
        name = data["name"]
        base = parse_base(name)
        facts = {key: data[key] for key in ("parameters", "tokens", "held_out_loss")}
        digest = data["artifact"]
    except (KeyError, TypeError):
        raise InputError("not the card of a base model", where=str(path), fix="make it with rt testbed ship") from None
    if base is None:
        raise InputError(f"'{name}' is not the name of a testbed base", where=str(path))
    probes = data.get("probes") or {}
    return Card(
        base=base,
        name=name,
        exchanges=_number(data, "corpus", "counts", "exchanges"),
        declines=_number(data, "corpus", "counts", "declines"),
        own_format=_number(probes, "native", LOOK_UP, "right"),
        likelihood=_number(probes, "facts", "accuracy"),
        likelihood_chance=_number(probes, "facts", "chance"),
        margin=_number(probes, "margin", "margin"),
        margin_auc=_number(probes, "margin", "auc"),
        digest=digest,
        **facts,
    )


def _number(data: Any, *path: str) -> float | None:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, int | float) else None


def _place(value: str, known: Sequence[str]) -> int:
    return known.index(value) if value in known else len(known)


def mean_of(cards: Iterable[Card], size: str, corpus: str, name: str, cells: Iterable[Cell]) -> float | None:
    """Mean of one number over the bases of a size and corpus; None if no card gives it.

    Args:
        cards: All of them.
        size: Of the bases.
        corpus: That they were pre-trained on.
        name: Attribute of the card.
        cells: What the number stands beside: only bases that these were measured on count, or all if they have none.
    """
    used = {unit.base for cell in cells if cell.key[1:3] == (size, corpus) for unit in cell.units}
    of = [card for card in cards if card.base[:2] == (size, corpus) and (not used or card.base.seed in used)]
    found = [value for card in of if (value := getattr(card, name)) is not None]
    return sum(found) / len(found) if found else None


def bases_table(cards: Sequence[Card], missing: Mapping[str, str]) -> Table:
    """One row a base, with what it knows before any tuning; bases that a run lacked are rows too."""
    columns = (
        Column("base", "Base", names_row=True),
        Column("parameters", "Parameters (M)"),
        Column("tokens", "Tokens (M)", 1),
        Column("exchanges", "Exchanges (thousand)", 0),
        Column("declines", "Declines", 0),
        Column("held_out_loss", "Held-out loss (nats)", 3),
        Column("own_format", "Look-ups right, own formats"),
        Column("likelihood", "Facts known by likelihood"),
        Column("likelihood_chance", "By guessing"),
        Column("margin", "First-token margin (nats)"),
        Column("margin_auc", "Its AUC"),
        Column("digest", "Digest", names_row=True),
    )
    rows = [_row(card) for card in cards]
    known = {card.name for card in cards}
    for name in sorted(missing.keys() - known):
        rows.append((name, *(None for _ in columns[1:-1]), ""))
    notes = (
        "From the cards of the bases; look-ups and facts are held out: never asked in pre-training, only stated.",
        "Exchanges: questions with their replies in the pre-training text. Corpora are of equal tokens, not of equal "
        "exchanges: a plainer format takes fewer tokens for each.",
        *([AS_STATEMENTS] if any(card.base.corpus == "none" for card in cards) else []),
        "Held-out loss is on text of the base's own corpus: not comparable across corpora.",
        "A dash: the corpus has no questions, so no formats of its own. Missing: this run had no such base.",
        f"Digest: the first {DIGITS} hex digits.",
        *(f"{name}: {missing[name]}" for name in sorted(missing.keys() - known)),
    )
    return Table("testbed_bases", "Bases of the testbed", "the bases' cards", columns, tuple(rows), notes)


def _row(card: Card) -> tuple:
    return (
        card.name,
        card.parameters / MILLION,
        card.tokens / MILLION,
        None if card.exchanges is None else card.exchanges / THOUSAND,
        card.declines,
        float(card.held_out_loss),
        "" if card.own_format is None and card.base.corpus == "none" else card.own_format,
        card.likelihood,
        card.likelihood_chance,
        card.margin,
        card.margin_auc,
        card.digest[:DIGITS],
    )
