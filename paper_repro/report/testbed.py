"""The testbed's part of a report: sections in reading order, from results, cards and shipped results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from artifacts.files import read_json
from paper_repro.report import (
    testbed_causes,
    testbed_curation,
    testbed_figures,
    testbed_rates,
    testbed_selection,
    testbed_studies,
    testbed_tables,
)
from paper_repro.report.claims import load_claims
from paper_repro.report.figure import Drawing
from paper_repro.report.page import Section
from paper_repro.report.table import Column, Table
from paper_repro.report.testbed_cards import Card, bases_table
from paper_repro.report.testbed_cells import Cells, parse_base, read_cells
from paper_repro.report.testbed_claims import TESTBED_CLAIMS, check_testbed_claims, outcomes_table
from paper_repro.report.testbed_shipped import Shipped, as_shipped, lacks
from paper_repro.report.verdicts import VERDICTS
from paper_repro.score.schema import Result

Item = Table | Drawing
Make = Callable[..., "Item | list[Drawing] | None"]
Missing = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Part:
    """A section of the testbed.

    Attributes:
        id: Anchor.
        title: Heading.
        text: Sentence before the items.
        studies: Studies that it shows.
        makers: Make its items from cells, cards and what is missing; what has no numbers is None or empty.
        folded: Whether its tables open on demand.
    """

    id: str
    title: str
    text: str
    studies: tuple[str, ...]
    makers: tuple[Make, ...]
    folded: bool = True


PARTS = (
    Part(
        "testbed",
        "The testbed: is tuning on responses enough?",
        "Small base models pre-trained on a generated world, tuned on responses alone (RT) or on pairs of instruction "
        "and response (IT), with exact judges. Everything here is about these models.",
        ("instructability",),
        (
            testbed_figures.instructability_drawing,
            testbed_figures.aspects_drawing,
            testbed_tables.instructability_table,
        ),
        folded=False,
    ),
    Part(
        "testbed-causes",
        "The testbed: what pre-training must hold",
        "The same world and the same number of tokens each time; the question-and-answer formats (their number, and "
        "with it their kinds), their answers, or the size of the base differ.",
        ("formats", "corpora", "instructability"),
        (
            testbed_causes.formats_drawing,
            testbed_tables.formats_table,
            testbed_causes.corpora_drawing,
            testbed_tables.corpora_table,
            testbed_figures.sizes_drawing,
            testbed_tables.sizes_table,
        ),
    ),
    Part(
        "testbed-refusals",
        "The testbed: refusals",
        "Refusals mixed into the responses. Queries about unsafe acts, and the replies to them, are not shown.",
        ("refusal", "declines"),
        (
            testbed_causes.refusal_drawings,
            testbed_tables.refusal_table,
            testbed_causes.declines_drawings,
            testbed_tables.declines_table,
        ),
    ),
    Part(
        "testbed-selection",
        "The testbed: which refusals?",
        "The same numbers of refusals, chosen from one pool in four ways.",
        ("selection",),
        (testbed_selection.selection_drawings, testbed_selection.selection_table),
    ),
    Part(
        "testbed-appendices",
        "The testbed: news, refinement, open data, size",
        "What the paper asks in its appendices, and its comparison of sizes, on the testbed's bases. Judged is whether "
        "replies are right and end, whatever their style.",
        ("news", "refinement", "open-data", "size"),
        (
            testbed_studies.news_table,
            testbed_studies.refinement_table,
            testbed_studies.open_data_table,
            testbed_studies.size_table,
        ),
    ),
    Part(
        "testbed-rate",
        "The testbed: the learning rate of tuning",
        "The same models tuned at higher rates. This was asked after the final seed had been looked at, so it is shown "
        "whole, and no setting of any other study is changed by it.",
        ("tuning-rate",),
        (testbed_rates.rates_drawings, testbed_rates.rates_table),
    ),
    Part(
        "testbed-curation",
        "The testbed: does curation help?",
        "The same number of responses each time: with planted faults, after parts of the curation, after all of it, "
        "and from a set without faults.",
        ("curation",),
        (testbed_curation.curation_drawings, testbed_curation.curation_table, testbed_curation.faults_table),
    ),
    Part(
        "testbed-in-context",
        "The testbed: in context",
        "Nothing is tuned: the untuned base is shown three demonstrations, or none.",
        ("in-context",),
        (testbed_figures.in_context_drawing, testbed_tables.in_context_table),
    ),
)


def make_sections(
    results: Sequence[Result], cards: Sequence[Card], missing: Missing, shipped: Shipped | None
) -> tuple[list[Section], dict[str, Any]]:
    """Sections of the testbed, this run's before shipped ones; and facts for the summary.

    Args:
        results: This run's results; those of other models are passed over.
        cards: Cards of the bases.
        missing: Study to missing base to reason.
        shipped: Shipped results, or None.
    """
    own = read_cells(results)
    missing = _untold(missing, shipped)
    sections: list[Section] = []
    summary: dict[str, Any] = {}
    if own:
        sections += _sections(PARTS, own, cards, missing)
        claims, summary["claims_testbed"] = _claims(own, cards, missing)
        text = "What the testbed was to show, fixed before its numbers, and what they say."
        sections.append(Section("claims-testbed", "Findings: the testbed", (text,), (claims,)))
    if shipped is not None:
        more, verdicts = _shipped_sections(own, cards, shipped)
        sections += more
        summary |= verdicts
    if sections and (cards or missing):
        bases = Section("testbed-bases", "The testbed: bases", (), (bases_table(cards, _reasons(missing)),))
        # after this run's findings, before what is shipped
        place = next((i for i, one in enumerate(sections) if one.id.startswith("shipped")), len(sections))
        sections.insert(place, bases)
    return sections, summary


def _untold(missing: Missing, shipped: Shipped | None) -> Missing:
    """What is missing, without the studies left to another run whose results are shipped: those are shown."""
    shown = {result.study for result in shipped.results} if shipped else set()
    return {study: bases for study, bases in missing.items() if study not in shown or any(map(parse_base, bases))}


def _reasons(missing: Missing) -> dict[str, str]:
    """Missing base to reason; a study that was left out as a whole names no base."""
    return {base: reason for bases in missing.values() for base, reason in bases.items() if parse_base(base)}


def _sections(parts: Sequence[Part], cells: Cells, cards: Sequence[Card], missing: Missing) -> list[Section]:
    sections = []
    for part in parts:
        items: list[Item] = []
        for make in part.makers:
            made = make(cells=cells, cards=cards, missing=missing)
            items += made if isinstance(made, list) else [made] if made is not None else []
        if items:
            sections.append(Section(part.id, part.title, (part.text,), tuple(items), part.folded))
    return sections


def _claims(cells: Cells, cards: Sequence[Card], missing: Missing) -> tuple[Table, dict[str, int]]:
    claims = load_claims(TESTBED_CLAIMS)
    outcomes = check_testbed_claims(cells, cards, _reasons(missing), claims)
    counts = Counter(one.verdict for one in outcomes)
    table = outcomes_table(outcomes, claims.version, "Findings of the testbed")
    return table, {verdict: counts[verdict] for verdict in VERDICTS}


def _shipped_sections(own: Cells, cards: Sequence[Card], shipped: Shipped) -> tuple[list[Section], dict[str, Any]]:
    cells = read_cells(shipped.results)
    parts = [part for part in PARTS if lacks(own, cells, part.studies)]
    if not parts:
        return [], {}
    sections = []
    for part in parts:
        said = shipped.words(part.studies)
        for one in _sections([part], cells, cards, {}):
            title = f"Shipped: {one.title.removeprefix('The testbed: ')}"
            items = tuple(as_shipped(item, f"shipped results ({said})") for item in one.items)
            text = (_not_ours(said), *one.paragraphs)
            sections.append(Section(f"shipped-{one.id}", title, text, items, one.folded))
    claims, verdicts = _claims(cells, cards, {})
    said = shipped.words()
    item = as_shipped(claims, f"shipped results ({said})")
    sections.append(Section("shipped-claims-testbed", "Shipped: findings", (_not_ours(said),), (item,)))
    return sections, {"claims_testbed_shipped": verdicts}


def _not_ours(said: str) -> str:
    return f"Shipped with the package, not made by this run: {said}."


def read_missing(path: Path) -> Missing:
    """What a run had to leave out, as study to base to reason.

    Raises:
        InputError: not the JSON list that a plan gives.
    """
    data = read_json(path)
    found: Missing = {}
    try:
        for row in data:
            found.setdefault(row["study"], {})[row["base_model"]] = row["reason"]
    except (KeyError, TypeError):
        fix = "give a list of {study, base_model, reason}"
        raise InputError("not a list of missing conditions", where=str(path), fix=fix) from None
    return found


def missing_table(missing: Missing) -> Table:
    """What a run left out, one row a study and base."""
    columns = (
        Column("study", "Study", names_row=True),
        Column("base_model", "Base model", names_row=True),
        Column("reason", "Reason", names_row=True),
    )
    rows = tuple((study, base, reason) for study, bases in missing.items() for base, reason in bases.items())
    return Table("missing", "What this run left out", "this run's plan", columns, rows)
