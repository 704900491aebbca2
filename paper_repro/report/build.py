"""Everything a report holds, made in reading order and written beside its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from artifacts.errors import InputError
from artifacts.published import Published
from artifacts.published_checks import check_published, read_all
from paper_repro.report.checks import checks_table, count_checks, differences_table, refuse_unknown
from paper_repro.report.claims import load_claims
from paper_repro.report.comparisons import comparisons_table
from paper_repro.report.figure import Drawing, write_drawing
from paper_repro.report.figures import ALTERNATIVES, FIGURES
from paper_repro.report.funnel import funnel_drawing, funnel_table, read_funnel
from paper_repro.report.measures import length_table, relevance_table
from paper_repro.report.page import Section, write_page
from paper_repro.report.refusal import METRICS, refusal_table
from paper_repro.report.refusal_figure import refusal_drawings
from paper_repro.report.run_rows import run_rows
from paper_repro.report.run_tables import run_tables
from paper_repro.report.samples import sample_tables
from paper_repro.report.stage import CARD, CURATED, MISSING, REPLIES, SCORES, SHIPPED, ReportSettings
from paper_repro.report.table import Table, write_table
from paper_repro.report.tables import TABLES
from paper_repro.report.testbed import make_sections, missing_table, read_missing
from paper_repro.report.testbed_cards import read_cards
from paper_repro.report.testbed_cells import parse_base
from paper_repro.report.testbed_shipped import read_shipped
from paper_repro.report.verdicts import VERDICTS, Outcome, check_claims, check_claims_of_run, claims_table
from paper_repro.score.comparisons import read_comparisons
from paper_repro.score.schema import Result, read_results


@dataclass
class _Book:
    """What has been made so far: sections of the page, files to write, facts for the summary."""

    sections: list[Section] = field(default_factory=list)
    files: list[Table | Drawing] = field(default_factory=list)
    summary: dict = field(default_factory=dict)

    def add(self, section: Section, *, also: Sequence[Table] = ()) -> None:
        self.sections.append(section)
        self.files += [item for item in section.items if item.name != "differences"]
        self.files += also


def build_report(
    settings: ReportSettings, inputs: Mapping[str, Path], digests: Mapping[str, str], folder: Path
) -> dict:
    """Write all tables, figures and `index.html` into `folder`; returns deterministic facts for the manifest.

    Raises:
        StageError: a sum or average of the published numbers differs beyond rounding and is not a known case.
        InputError: an input that cannot be read.
    """
    book = _Book()
    tables = read_all(inputs["published"]) if "published" in inputs else None
    checks = check_published(tables) if tables else []
    results = [result for name in sorted(inputs) if name.startswith(SCORES) for result in read_results(inputs[name])]
    _add_testbed(book, results, inputs)
    others = [result for result in results if parse_base(result.base_model) is None]
    if others:
        _add_run(book, others, tables)
        _add_comparisons(book, inputs)
    _add_samples(book, settings, inputs)
    _add_curation(book, inputs)
    if tables:
        _add_published_claims(book, tables)
        _add_published(book, settings, tables)
        text = f"Every sum and average among the published numbers, recomputed: {len(checks)} numbers (checks.csv)."
        section = Section("checks", "Checks of the published numbers", (text,), (differences_table(checks),))
        book.add(section, also=[checks_table(checks)])
        book.summary["checks"] = count_checks(checks)
    _write(book, folder)
    refuse_unknown(checks)
    identity = {"settings": settings.resolved(), "inputs": dict(sorted(digests.items()))}
    text = yaml.safe_dump(identity, sort_keys=True, allow_unicode=True, width=100)
    write_page(folder / "index.html", settings.title, settings.notes, book.sections, text, folder)
    return {"source": settings.source, **book.summary, "items": sorted({item.name for item in book.files})}


def _write(book: _Book, folder: Path) -> None:
    kinds: Counter = Counter((type(item), item.name) for item in book.files)
    twice = [name for (_, name), count in kinds.items() if count > 1]
    if twice:
        raise InputError(
            f"two items of the report would share the name {', '.join(sorted(twice))}",
            fix="give the curated sets names that differ in letters or digits",
        )
    for item in book.files:
        if isinstance(item, Table):
            write_table(item, folder)
        else:
            write_drawing(item, folder)


def _add_testbed(book: _Book, results: Sequence[Result], inputs: Mapping[str, Path]) -> None:
    missing = read_missing(inputs[MISSING]) if MISSING in inputs else {}
    shipped = read_shipped(inputs[SHIPPED]) if SHIPPED in inputs else None
    if results:
        book.summary["results"] = len(results)
    cards = read_cards(path for name, path in inputs.items() if name.startswith(CARD))
    sections, summary = make_sections(results, cards, missing, shipped)
    for section in sections:
        book.add(section)
    book.summary |= summary
    if missing:
        book.add(Section("missing-conditions", "What this run left out", (), (missing_table(missing),)))


def _add_run(book: _Book, results: Sequence[Result], tables: Mapping[str, Published] | None) -> None:
    rows = run_rows(results, METRICS)
    if rows:
        items = [*refusal_drawings(rows), refusal_table(rows)]
        paragraph = "Measured in this run. Prompts and replies are not shown."
        book.add(Section("refusals", "Refusals in this run", (paragraph,), tuple(items)))
    replies = tuple(table for table in (relevance_table(results), length_table(results)) if table)
    if replies:
        book.add(Section("replies", "Replies in this run", (), replies))
    _add_run_claims(book, results)


def _add_comparisons(book: _Book, inputs: Mapping[str, Path]) -> None:
    """Pairs of conditions on the same prompts; the testbed's page has its own."""
    found = [one for name in sorted(inputs) if name.startswith(SCORES) for one in read_comparisons(inputs[name])]
    table = comparisons_table([one for one in found if parse_base(one.base_model) is None])
    if table is not None:
        text = f"{len(table.rows)} pairs of conditions that differ in one thing."
        book.add(Section("comparisons", "Comparisons in this run", (text,), (table,), folded=True))


def _add_samples(book: _Book, settings: ReportSettings, inputs: Mapping[str, Path]) -> None:
    folders = [inputs[name] for name in sorted(inputs) if name.startswith(REPLIES)]
    if not folders:
        return
    tables, hidden = sample_tables(folders, settings.samples, settings.show_unsafe)
    texts = [
        f"The same {settings.samples} prompts of each benchmark to every condition. Words of models, as they came."
    ]
    if hidden:
        texts.append(f"Not shown, as their queries are unsafe: {', '.join(hidden)} (show_unsafe shows them).")
    book.add(Section("sample-replies", "Sample replies", tuple(texts), tuple(tables), folded=True))


def _add_run_claims(book: _Book, results: Sequence[Result]) -> None:
    claims = load_claims()
    outcomes = check_claims_of_run(claims, run_tables(results))
    table = claims_table(outcomes, claims.version, "claims_run", "The paper's findings on this run's numbers")
    told = sum(outcome.verdict in ("holds", "does not hold") for outcome in outcomes)
    text = f"This run decides {told} of {len(outcomes)} findings; the table gives the reason where it does not."
    book.add(Section("claims-run", "Findings: this run", (text,), (table,), folded=not told))
    book.summary["claims_run"] = _verdicts(outcomes)


def _add_curation(book: _Book, inputs: Mapping[str, Path]) -> None:
    items: list[Table | Drawing] = []
    for key in sorted(inputs):
        if key.startswith(CURATED):
            name = key.removeprefix(CURATED)
            steps = read_funnel(inputs[key])
            drawing = funnel_drawing(name, steps)
            items += [drawing, funnel_table(name, steps)] if drawing else [funnel_table(name, steps)]
    if items:
        book.add(Section("curation", "Curation", ("What each step took out of a response set.",), tuple(items)))


def _add_published_claims(book: _Book, tables: Mapping[str, Published]) -> None:
    claims = load_claims()
    outcomes = check_claims(claims, tables)
    table = claims_table(outcomes, claims.version, "claims_published", "The paper's findings on its published numbers")
    text = "Each finding as a statement about the paper's own numbers. Nothing here was measured by this package."
    book.add(Section("claims-published", "Findings: published numbers", (text,), (table,)))
    book.summary["claims_published"] = _verdicts(outcomes)


def _add_published(book: _Book, settings: ReportSettings, tables: Mapping[str, Published]) -> None:
    makers = [forms[number] for number in settings.figures for forms in (FIGURES, ALTERNATIVES) if number in forms]
    drawings = tuple(make(tables) for make in makers)
    made = tuple(TABLES[number](tables) for number in settings.tables)
    text = "The paper's numbers, laid out again from this package's copy of them."
    if drawings:
        book.add(Section("published-figures", "Published figures", (text,), drawings))
    if made:
        book.add(Section("published-tables", "Published tables", (text,), made, folded=True))


def _verdicts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    counts = Counter(outcome.verdict for outcome in outcomes)
    return {verdict: counts[verdict] for verdict in VERDICTS}
