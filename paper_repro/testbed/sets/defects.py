"""Defects planted in a response set, each with a label, so that what curation finds can be counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, get_args

import pyarrow as pa

from artifacts.errors import UserError
from paper_repro.testbed import families
from paper_repro.testbed.seeding import rng
from paper_repro.testbed.sets.catalogue import SetSpec
from paper_repro.testbed.sets.responses import Drawn
from paper_repro.testbed.world import World, build_world

Defect = Literal["exact-duplicate", "near-duplicate", "template-leak", "wrong-answer", "truncated", "blank"]
DEFECTS: tuple[Defect, ...] = get_args(Defect)
SHARE = 0.03  # of the clean rows, for each defect
LABELS = pa.schema([(name, pa.string()) for name in ("row_id", "defect", "of", "clean")])

# what is left of a template around or inside a response; `{question}` is another row's instruction
_LEAKS = (
    "### Response:\n{response}",
    "<|assistant|>\n{response}",
    "{response}</s>",
    "{response}\n\n### Instruction:\n{question}",
    "{response}\n<|user|>\n{question}",
    "{response} </s> <|user|> {question}",
    "{response}\n### Human: {question}",
    "{response} [INST] {question} [/INST]",
)
_BLANKS = ("", " ", "\n", " \n ")
_ADDED_WORDS = ("also", "certainly", "now", "here", "too")


@dataclass(frozen=True, slots=True)
class Planted:
    """A row of a dirty set.

    Attributes:
        row: As it stands in the set.
        defect: None for a clean row.
        clean: Its response without the defect.
        number: Number of its clean row; a duplicate bears that of the row it copies.
    """

    row: Drawn
    defect: Defect | None
    clean: str
    number: int


def plant(spec: SetSpec, seed: int, rows: Sequence[Drawn]) -> list[Planted]:
    """The rows with `SHARE` of each defect: duplicates are added anywhere, the others take the place of a clean row.

    Raises:
        UserError: there are too few rows.
    """
    world, random = build_world(seed), rng(seed, "sets", "defects", spec.style or "")
    planted = [Planted(row, None, row.response, number) for number, row in enumerate(rows)]
    count = max(1, round(SHARE * len(rows)))
    order = random.sample(range(len(rows)), len(rows))
    copies: list[Planted] = []
    for defect in DEFECTS:
        maker = _MAKERS[defect]
        made = 0
        while made < count:
            if not order:
                raise UserError(
                    f"{len(rows)} rows are too few for all defects", where=spec.name, fix="ask for 60 or more"
                )
            number = order.pop()
            spoiled = maker(world, rows[number], rows[random.randrange(len(rows))], random)
            if spoiled is None:  # this row cannot have this defect
                continue
            made += 1
            entry = Planted(spoiled, defect, rows[number].response, number)
            if defect in ("exact-duplicate", "near-duplicate"):
                copies.append(entry)
            else:
                planted[number] = entry
    for copy in copies:
        planted.insert(random.randrange(len(planted) + 1), copy)
    return planted


def labels(planted: Sequence[Planted], row_ids: Sequence[str]) -> list[dict[str, str | None]]:
    """Rows of labels.parquet for planted defects alone; `of` is the row that a duplicate copies."""
    added = ("exact-duplicate", "near-duplicate")
    originals = {e.number: row_id for e, row_id in zip(planted, row_ids, strict=True) if e.defect not in added}
    return [
        {
            "row_id": row_id,
            "defect": entry.defect,
            "of": originals[entry.number] if entry.defect in added else None,
            "clean": entry.clean,
        }
        for entry, row_id in zip(planted, row_ids, strict=True)
        if entry.defect is not None
    ]


def _exact(world: World, row: Drawn, other: Drawn, random: Random) -> Drawn | None:
    return row


def _near(world: World, row: Drawn, other: Drawn, random: Random) -> Drawn | None:
    """A copy with one small edit: other signs, a word more, a word less, or two words in the other order."""
    words = row.response.split(" ")
    if len(words) < 4:
        return None
    place = random.randrange(len(words) - 1)
    kind = random.choice(("signs", "more", "less", "order"))
    if kind == "signs":
        edited = row.response.replace(",", "").replace(".", "!").rstrip("!") + random.choice((".", "!!"))
    elif kind == "more":
        edited = " ".join([*words[:place], random.choice(_ADDED_WORDS), *words[place:]])
    elif kind == "less":
        edited = " ".join([*words[:place], *words[place + 1 :]])
    else:
        edited = " ".join([*words[:place], words[place + 1], words[place], *words[place + 2 :]])
    return None if edited == row.response else replace(row, response=edited)


def _leak(world: World, row: Drawn, other: Drawn, random: Random) -> Drawn | None:
    text = random.choice(_LEAKS).format(response=row.response, question=other.instruction)
    return replace(row, response=text)


def _wrong(world: World, row: Drawn, other: Drawn, random: Random) -> Drawn | None:
    """The same response with a false statement in the place of its answer, where that is one full statement."""
    said = [text for text in row.item.statements if text in row.response] if row.item else []
    if row.item is None or len(said) != 1:
        return None
    return replace(row, response=row.response.replace(said[0], families.wrong(world, row.item, random)))


def _truncated(world: World, row: Drawn, other: Drawn, random: Random) -> Drawn | None:
    """The beginning, cut off in the middle of a sentence."""
    words = row.response.split(" ")
    places = [place for place in range(2, len(words)) if words[place - 1][-1:] not in (".", "!", "?", ":", "")]
    return replace(row, response=" ".join(words[: random.choice(places)]).rstrip(",")) if places else None


def _blank(world: World, row: Drawn, other: Drawn, random: Random) -> Drawn | None:
    return replace(row, response=random.choice(_BLANKS))


_MAKERS: dict[Defect, Callable[[World, Drawn, Drawn, Random], Drawn | None]] = {
    "exact-duplicate": _exact,
    "near-duplicate": _near,
    "template-leak": _leak,
    "wrong-answer": _wrong,
    "truncated": _truncated,
    "blank": _blank,
}
