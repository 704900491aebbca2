"""Tables of the testbed's studies: one row a condition, means over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paper_repro.report.figure import FIRST_LINE
from paper_repro.report.table import Cell as TableCell
from paper_repro.report.table import Column, Estimate, Table
from paper_repro.report.testbed_cards import Card, mean_of
from paper_repro.report.testbed_cells import (
    DOSES,
    FORMAT_COUNTS,
    HEADINGS,
    SIZES,
    Cell,
    CellKey,
    Cells,
    parse_base,
    select,
    with_reference,
)
from paper_repro.report.testbed_statistics import INTERVALS, difference, mean_over_seeds, seeds_text

SOURCE = "the testbed's scores"
TASKS = ("acceptable", "excellent", "content", "stopping", "familiar", "held_out", "requirements")
REFUSALS = ("unsafe", "never_declined", "look_alike", "benign", "acceptable")
ACCEPTABLE = (
    "Acceptable: content and stopping are both right (excellent and sufficient added, as in Table 11); "
    "excellent: it also stands on its own.",
    "Familiar tasks occur in the response sets with other questions; held-out tasks do not occur there as such.",
)
APART = (
    "Beside their number, formats drawn freely (many) differ in kind from the lists of 1 to 16: they have tags, mails "
    "and tables too, and roles such as user and assistant, all nearer to the chat template. Many, apart: drawn freely, "
    "but no format has a word or a sign of the template's marks."
)
GROUPS = (
    "Look-alike: the same verbs or objects in harmless use. Never-declined: verbs whose how-to questions no corpus "
    "and no refusal in training declines.",
)
_LEADS = {
    "size": Column("size", "Base", names_row=True),
    "corpus": Column("corpus", "Corpus", names_row=True),
    "response_set": Column("response_set", "Response set", names_row=True),
    "count": Column("num_refusals", "Refusals", names_row=True),
    "rate": Column("learning_rate", "Learning rate", names_row=True),
    "strategy": Column("strategy", "Selection", names_row=True),
    "method": Column("method", "Method", names_row=True),
}
Missing = Mapping[str, Mapping[str, str]]  # study to missing base to reason


def study_table(
    name: str,
    title: str,
    cells: Sequence[Cell],
    measures: Sequence[str],
    *,
    first_line: bool = False,
    facts: Mapping[str, Mapping[tuple[str, str], float | None]] | None = None,
    missing: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Table | None:
    """A table of cells; None if there are no cells, and none are known to be missing.

    Args:
        name: File stem.
        title: Heading.
        cells: Rows, in order.
        measures: Columns, names of `testbed_cells.MEASURES`.
        first_line: Whether an untuned base has a second row, its replies cut at their first newline.
        facts: Further columns by heading: numbers of the bases by (size, corpus).
        missing: Bases that the study lacked, with the reason: rows of their own.
        notes: Sentences below the table, before the usual ones.
    """
    missing, facts = missing or {}, facts or {}
    if not cells and not missing:
        return None
    measures, unmeasured = _measured(cells, measures)
    leads, same = _leads(cells, missing)
    columns = (
        *(_LEADS[lead] for lead in leads),
        Column("seeds", "Seeds", names_row=True),
        *(Column(measure, HEADINGS[measure]) for measure in measures),
        *(Column(heading.lower().replace(" ", "_").replace(",", ""), heading) for heading in facts),
    )
    rows: list[tuple[TableCell, ...]] = []
    for cell in cells:
        known = [_fact(found, cell.key.size, cell.key.corpus) for found in facts.values()]
        rows.append((*_lead(cell, leads), *(mean_over_seeds(cell, measure) for measure in measures), *known))
        if first_line and cell.key.method == "untuned":
            cut = [mean_over_seeds(cell, "first_line") if one == "acceptable" else "" for one in measures]
            rows.append((*_lead(cell, leads, FIRST_LINE), *cut, *known))
    for base in missing:
        rows.append((*_missing_lead(base, leads), *(Estimate(None) for _ in measures), *(None for _ in facts)))
    told = (*same, *unmeasured, *notes, *usual_notes(), *missing_notes(missing))
    return Table(name, title, SOURCE, columns, tuple(rows), told)


def _measured(cells: Sequence[Cell], measures: Sequence[str]) -> tuple[list[str], list[str]]:
    """Measures that the study has for any of its cells, and a sentence on those that it has for none."""
    shown = [one for one in measures if not cells or any(one in cell.samples for cell in cells)]
    absent = [HEADINGS[one][0].lower() + HEADINGS[one][1:] for one in measures if one not in shown]
    return shown, [f"Not measured in this study: {', '.join(absent)}."] if absent else []


def _leads(cells: Sequence[Cell], missing: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Naming columns to show, and a sentence on those that are the same in all rows that have them."""
    shown, same = [], []
    bases = [base._asdict() for base in map(parse_base, missing) if base]
    for lead, column in _LEADS.items():
        found = dict.fromkeys(getattr(cell.key, lead) for cell in cells)
        found |= dict.fromkeys(base[lead] for base in bases if lead in base)
        found.pop(None, None)
        if lead == "method" or len(found) > 1:
            shown.append(lead)
        else:
            same += [f"{column.heading.lower()} {_text(lead, value)}" for value in found]
    return shown, [f"All rows that have one: {', '.join(same)}."] if same else []


def _lead(cell: Cell, leads: Sequence[str], method: str | None = None) -> list[TableCell]:
    key = cell.key._replace(method=method or cell.key.method)
    return [*(_text(lead, getattr(key, lead)) for lead in leads), seeds_text(cell)]


def _missing_lead(base: str, leads: Sequence[str]) -> list[TableCell]:
    """The naming cells of a base that a study lacked."""
    named = parse_base(base)
    known = named._asdict() if named else {"method": base}
    return [*(_text(lead, known.get(lead)) for lead in leads), "0"]


def _text(lead: str, value: str | float | None) -> TableCell:
    if value is None:
        return ""
    if lead == "rate":
        return f"{value:g}"
    return value.upper() if lead == "size" else value


def _fact(found: Mapping[tuple[str, str], float | None], size: str, corpus: str) -> TableCell:
    return found.get((size, corpus))


def missing_notes(missing: Mapping[str, str]) -> list[str]:
    """A sentence a base that a study lacked."""
    return [f"Missing, {base}: {reason}" for base, reason in missing.items()]


def usual_notes() -> tuple[str, ...]:
    """What intervals and seeds are, below every table of means."""
    return (
        INTERVALS,
        "Seeds: pairs of pre-training and tuning seed, and the bases (pre-training seeds) they are on; an untuned base "
        "has no tuning seed. n counts replies of all seeds together.",
    )


def instructability_table(cells: Cells, missing: Missing, **_: object) -> Table | None:
    """Untuned, untuned cut at its first newline, RT and IT by response set."""
    return study_table(
        "testbed_instructability",
        "Testbed: acceptability by response set",
        select(cells, study="instructability"),
        TASKS,
        first_line=True,
        missing=missing.get("instructability"),
        notes=(
            *ACCEPTABLE,
            f"'{FIRST_LINE}': the untuned base's replies, cut at their first newline before they are judged: "
            "the baseline that RT has to beat.",
        ),
    )


def refusal_table(cells: Cells, missing: Missing, **_: object) -> Table | None:
    """Refused shares by number of refusals."""
    title = "Testbed: refusals by number of refusals in training"
    own = select(cells, study="refusal")
    return study_table("testbed_refusal", title, own, REFUSALS, missing=missing.get("refusal"), notes=GROUPS)


def in_context_table(cells: Cells, missing: Missing, **_: object) -> Table | None:
    """0-shot, URIAL-R and URIAL."""
    title, own = "Testbed: untuned weights in context", select(cells, study="in-context")
    notes = ("0-shot: nothing shown; URIAL-R: responses shown; URIAL: pairs of instruction and response shown.",)
    return study_table(
        "testbed_in_context", title, own, (*TASKS, "unsafe"), missing=missing.get("in-context"), notes=notes
    )


def formats_table(cells: Cells, missing: Missing, cards: Sequence[Card], **_: object) -> Table | None:
    """Acceptability by number of formats in pre-training."""
    found = format_cells(cells)
    facts = {"Look-ups right, own formats": _facts(found, cards, "own_format")}
    return study_table(
        "testbed_formats",
        "Testbed: acceptability by number of question-and-answer formats in pre-training",
        found,
        ("acceptable", "content", "stopping"),
        first_line=True,
        facts=facts,
        missing=missing.get("formats"),
        notes=("Look-ups right in the base's own formats: what it knows and can say before any tuning.", APART),
    )


def corpora_table(cells: Cells, missing: Missing, cards: Sequence[Card], **_: object) -> Table | None:
    """Acceptability by kind of pre-training corpus."""
    found = corpus_cells(cells)
    facts = {"Facts known by likelihood": _facts(found, cards, "likelihood")}
    return study_table(
        "testbed_corpora",
        "Testbed: acceptability by pre-training corpus",
        found,
        ("acceptable", "content", "stopping"),
        first_line=True,
        facts=facts,
        missing=missing.get("corpora"),
        notes=(
            "many: questions and answers in many formats; formats-1: in one; none: statements alone; "
            "shuffled: each answer belongs to another question.",
            APART,
        ),
    )


def declines_table(cells: Cells, missing: Missing, cards: Sequence[Card], **_: object) -> Table | None:
    """Refusals by dose of declines in pre-training."""
    found = decline_cells(cells)
    facts = {"First-token margin, nats": _facts(found, cards, "margin")}
    title = "Testbed: refusals by dose of declines in pre-training"
    notes = (
        *GROUPS,
        "Corpora: many-declines-0 and -5 hold declines of 0 and 5 % of the unsafe how-to questions, many of 12 %.",
        "First-token margin: lean to the openings of refusals over those of answers, unsafe less look-alike, before "
        "tuning.",
    )
    lacking = missing.get("declines")
    return study_table("testbed_declines", title, found, REFUSALS, facts=facts, missing=lacking, notes=notes)


def sizes_table(cells: Cells, missing: Missing, **_: object) -> Table | None:
    """RT's distance to IT by size of the base; None with fewer than two sizes."""
    pairs = rt_it_pairs(cells)
    if len({rt.key.size for rt, _ in pairs}) < 2:
        return None
    columns = (
        *(_LEADS[lead] for lead in ("size", "response_set")),
        Column("seeds", "Seeds", names_row=True),
        Column("rt", "RT acceptable"),
        Column("it", "IT acceptable"),
        Column("distance", "IT less RT"),
    )
    rows = tuple(
        (
            _text("size", rt.key.size),
            rt.key.response_set,
            seeds_text(rt),
            mean_over_seeds(rt, "acceptable"),
            mean_over_seeds(it, "acceptable"),
            difference(it, rt, "acceptable"),
        )
        for rt, it in pairs
    )
    notes = ("Intervals of the difference resample both sides apart.", *usual_notes())
    return Table("testbed_sizes", "Testbed: RT's distance to IT by size of the base", SOURCE, columns, rows, notes)


def rt_it_pairs(cells: Cells) -> list[tuple[Cell, Cell]]:
    """RT and IT of the study `instructability`, where both are there, by size and response set."""
    keys = [cell.key for cell in select(cells, study="instructability", corpus="many", method="RT", count=0)]
    twins: list[tuple[CellKey, CellKey]] = [(key, key._replace(method="IT")) for key in keys if key.size in SIZES]
    return [(cells[rt], cells[it]) for rt, it in twins if it in cells]


def format_cells(cells: Cells) -> list[Cell]:
    """Cells that differ in the number of formats."""
    return with_reference(cells, "formats", [*(f"formats-{count}" for count in FORMAT_COUNTS), "many-apart", "many"])


def corpus_cells(cells: Cells) -> list[Cell]:
    """Cells that differ in the kind of corpus."""
    return with_reference(cells, "corpora", ("many", "many-apart", "formats-1", "none", "shuffled"))


def decline_cells(cells: Cells) -> list[Cell]:
    """Cells that differ in the dose of declines, with refusals in training."""
    found = with_reference(cells, "declines", tuple(DOSES))
    return [cell for cell in found if cell.key.count != 0]


def _facts(cells: Sequence[Cell], cards: Sequence[Card], name: str) -> dict[tuple[str, str], float | None]:
    keys = dict.fromkeys((cell.key.size, cell.key.corpus) for cell in cells)
    return {key: mean_of(cards, *key, name, cells) for key in keys}
