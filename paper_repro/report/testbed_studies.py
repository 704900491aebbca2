"""Studies of the testbed that answer the paper's appendices: news, refinement, open data; and size as in Table 5.

The paper compares models by a judge that prefers one of two replies. No judge of the testbed does: a reply is
acceptable or not, whatever its style. So the better of two replies is the acceptable one, and all else are ties. Over
the same prompts the win rate of such a comparison, ties counted half, is 50 per cent plus half the difference of the
acceptable shares, and it is made from those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paper_repro.report.table import Cell as TableCell
from paper_repro.report.table import Column, Estimate, Table
from paper_repro.report.testbed_cells import LEVEL, MAIN_CORPUS, Cell, CellKey, Cells, select
from paper_repro.report.testbed_statistics import interval, mean_over_seeds, replicates, seeds_text
from paper_repro.report.testbed_tables import ACCEPTABLE, SOURCE, TASKS, missing_notes, study_table, usual_notes

Missing = Mapping[str, Mapping[str, str]]
Weighted = Sequence[tuple[float, Cell | None]]
REFINED = "-refined"
HALF = 50.0  # per cent
WINS = (
    "Win rate: of two replies the acceptable one is the better, all else are ties and count half; so it is 50 plus "
    "half the difference of the acceptable shares, in per cent. The judge is blind to style; length is not controlled."
)
SEEDS = Column("seeds", "Seeds", names_row=True)
BASE = Column("size", "Base", names_row=True)
METHOD = Column("method", "Method", names_row=True)


def combined(parts: Weighted, measure: str = "acceptable", constant: float = 0.0) -> Estimate:
    """A constant plus a weighted sum of cells' means, with an interval that resamples each apart; None if one lacks."""
    means = [mean_over_seeds(cell, measure).value for _, cell in parts]
    if not parts or None in means:
        return Estimate(None)
    value = constant + sum(weight * mean for (weight, _), mean in zip(parts, means, strict=True))
    draws = constant + sum(weight * replicates(cell.key, measure, cell.samples[measure]) for weight, cell in parts)
    low, high = interval(draws)
    return Estimate(value, min(low, value), max(high, value))


def win_rate(pairs: Sequence[tuple[Cell | None, Cell | None]]) -> Estimate:
    """Mean win rate of the first of each pair against the second, in per cent."""
    weight = HALF / max(len(pairs), 1)
    return combined(
        [(sign * weight, one) for pair in pairs for sign, one in zip((1, -1), pair, strict=True)], constant=HALF
    )


def news_table(cells: Cells, missing: Missing, **_: object) -> Table | None:
    """RT on passages of news beside RT on responses, and the untuned base."""
    papers = (
        "The paper's Table 25 gives scores of style from 1 to 5. The only style that the testbed knows is the one we "
        "wrote, so such a score would reward our own rules: not applicable. Here is whether replies are right and end."
    )
    news = "News: passages about the testbed's world under a headline; nobody asks, and nobody answers."
    return study_table(
        "testbed_news",
        "Testbed: tuning on passages of news",
        select(cells, study="news"),
        TASKS,
        first_line=True,
        missing=missing.get("news"),
        notes=(*ACCEPTABLE, news, papers),
    )


def refinement_table(cells: Cells, missing: Missing, **_: object) -> Table | None:
    """Models tuned on refined responses against their twins tuned on the same responses as they were."""
    rows: list[tuple[TableCell, ...]] = []
    for refined in select(cells, study="refinement"):
        name = refined.key.response_set or ""
        if name.endswith(REFINED):
            plain = cells.get(refined.key._replace(response_set=name.removesuffix(REFINED)))
            parts = ("acceptable", "stopping", "friendly")
            shares = [mean_over_seeds(one, part) for part in parts for one in (plain, refined)]
            lead = (_base(refined.key), name.removesuffix(REFINED), refined.key.method, seeds_text(refined))
            rows.append((*lead, *shares, win_rate([(refined, plain)])))
    columns = (
        BASE,
        Column("response_set", "Response set", names_row=True),
        METHOD,
        SEEDS,
        Column("acceptable_plain", "Acceptable, plain"),
        Column("acceptable_refined", "Acceptable, refined"),
        Column("stopping_plain", "Stops right, plain"),
        Column("stopping_refined", "Stops right, refined"),
        Column("friendly_plain", "Friendly style, plain"),
        Column("friendly_refined", "Friendly style, refined"),
        Column("win_rate", "Win rate of refined (%)", 1),
    )
    notes = (
        "Refined: the same instructions, every response rewritten by rules for clarity, structure and tone, without a "
        "new fact. The structured set is written like that from the start and has no refined twin.",
        WINS,
        "Friendly style: replies that open and close with sentences of the refined responses. It tells that the style "
        "was taken on, by a rule that we wrote, and enters no win rate.",
        "The paper's Table 29 has the win rates of this comparison by GPT-4, controlled for length.",
    )
    return _table(
        "testbed_refinement", "Testbed: refined against plain responses", columns, rows, notes, "refinement", missing
    )


def open_data_table(cells: Cells, missing: Missing, **_: object) -> Table | None:
    """RT and IT on bases of which all that they have read is known, in the form of Table 31."""
    rows: list[tuple[TableCell, ...]] = []
    for cell in select(cells, study="open-data", count=0):
        key = cell.key
        wins: TableCell = win_rate([(cell, cells.get(key._replace(method="IT")))]) if key.method == "RT" else ""
        refusing = mean_over_seeds(cells.get(key._replace(count=LEVEL)), "unsafe")
        rows.append((_base(key), key.method, seeds_text(cell), mean_over_seeds(cell, "acceptable"), wins, refusing))
    columns = (
        BASE,
        METHOD,
        SEEDS,
        Column("acceptable", "Acceptable"),
        Column("win_rate", "Win rate against IT (%)", 1),
        Column("unsafe", f"Unsafe refused, {LEVEL} refusals"),
    )
    notes = (
        "All that these bases have read is known: their corpus is made again from a seed, and no document of it holds "
        "the chat template. The responses too: a raw set with faults, curated by the recipe 'lexical', with a reason "
        "for every row that left.",
        WINS,
        "The paper's Table 31 has the win rate by GPT-4, and the refusal rate on AdvBench.",
    )
    return _table("testbed_open_data", "Testbed: bases of open data", columns, rows, notes, "open-data", missing)


def size_table(cells: Cells, missing: Missing, **_: object) -> Table | None:
    """RT's acceptability and win rate against IT, means over the response sets, by size: in the form of Table 5."""
    rows: list[tuple[TableCell, ...]] = []
    own = select(cells, study="size", method="RT", count=0)
    for size, corpus in dict.fromkeys((cell.key.size, cell.key.corpus) for cell in own):
        found = [cell for cell in own if cell.key.has(size=size, corpus=corpus)]
        pairs = [(cell, cells.get(cell.key._replace(method="IT"))) for cell in found]
        names = ", ".join(cell.key.response_set or "" for cell in found)
        shares = combined([(1 / len(found), cell) for cell in found])
        rows.append((_base(found[0].key), names, seeds_text(found[0]), shares, win_rate(pairs)))
    columns = (
        BASE,
        Column("response_sets", "Response sets", names_row=True),
        SEEDS,
        Column("acceptable", "RT acceptable"),
        Column("win_rate", "RT's win rate against IT (%)", 1),
    )
    notes = (
        "Means over the response sets.",
        WINS,
        "The paper's Table 5 has means over three response sets as well: acceptance by raters, win rates by GPT-4.",
    )
    return _table("testbed_sizes_means", "Testbed: instructability by size", columns, rows, notes, "size", missing)


def _base(key: CellKey) -> str:
    """A base by its size, and by its corpus where it is not the common one."""
    return key.size.upper() if key.corpus == MAIN_CORPUS else f"{key.size.upper()} ({key.corpus})"


def _table(
    name: str,
    title: str,
    columns: tuple[Column, ...],
    rows: Sequence[tuple[TableCell, ...]],
    notes: tuple[str, ...],
    study: str,
    missing: Missing,
) -> Table | None:
    """The table, with a row a base that the study lacked (or for all); None if it has no rows and lacked none."""
    lacking = missing.get(study, {})
    empty = tuple((base, *("" if column.names_row else Estimate(None) for column in columns[1:])) for base in lacking)
    if not rows and not empty:
        return None
    told = (*notes, *usual_notes(), *missing_notes(lacking))
    return Table(name, title, SOURCE, columns, (*rows, *empty), told)
