"""Parts of the page on what a run made beside the numbered items: refusals, replies, comparisons, samples, curation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from paper_repro.report.comparisons import comparisons_table
from paper_repro.report.examples import example_tables
from paper_repro.report.figure import Drawing
from paper_repro.report.funnel import funnel_drawing, funnel_table, read_funnel
from paper_repro.report.measures import length_table, relevance_table
from paper_repro.report.page import Section
from paper_repro.report.refusal import METRICS, refusal_table
from paper_repro.report.refusal_figure import refusal_drawings
from paper_repro.report.run_rows import run_rows
from paper_repro.report.samples import sample_tables
from paper_repro.report.table import Table
from paper_repro.report.testbed_cells import parse_base
from paper_repro.score.comparisons import read_comparisons
from paper_repro.score.schema import Result


def run_sections(results: Sequence[Result]) -> list[Section]:
    """Refusal rates, relevance and lengths of a run on other bases than the testbed's."""
    rows = run_rows(results, METRICS)
    sections = []
    if rows:
        items = (*refusal_drawings(rows), refusal_table(rows))
        paragraph = "Measured in this run. Prompts and replies are not shown."
        sections.append(Section("refusals", "Refusals in this run", (paragraph,), items))
    replies = tuple(table for table in (relevance_table(results), length_table(results)) if table)
    if replies:
        sections.append(Section("replies", "Replies in this run", (), replies))
    return sections


def comparison_sections(scores: Iterable[Path]) -> list[Section]:
    """Pairs of conditions on the same prompts; the testbed's page has its own."""
    found = [one for folder in scores for one in read_comparisons(folder)]
    table = comparisons_table([one for one in found if parse_base(one.base_model) is None])
    if table is None:
        return []
    text = f"{len(table.rows)} pairs of conditions that differ in one thing."
    return [Section("comparisons", "Comparisons in this run", (text,), (table,), folded=True)]


def sample_sections(replies: Iterable[Path], count: int, show_unsafe: bool) -> list[Section]:
    """Replies of every condition to the same few prompts."""
    folders = list(replies)
    if not folders:
        return []
    tables, hidden = sample_tables(folders, count, show_unsafe)
    texts = [f"The same {count} prompts of each benchmark to every condition. Words of models, as they came."]
    if hidden:
        texts.append(f"Not shown, as their queries are unsafe: {', '.join(hidden)} (show_unsafe shows them).")
    return [Section("sample-replies", "Sample replies", tuple(texts), tuple(tables), folded=True)]


def curation_sections(curated: Mapping[str, Path], count: int) -> list[Section]:
    """What each step took out of each response set, and a few rows of what is left."""
    items: list[Table | Drawing] = []
    for name, folder in curated.items():
        steps = read_funnel(folder)
        drawing = funnel_drawing(name, steps)
        items += [drawing, funnel_table(name, steps)] if drawing else [funnel_table(name, steps)]
    if not items:
        return []
    sections = [Section("curation", "Curation", ("What each step took out of a response set.",), tuple(items))]
    examples = tuple(example_tables(curated, count))
    if examples:
        text = "A few rows of each curated set, as models are tuned on them."
        sections.append(Section("training-examples", "Training data", (text,), examples, folded=True))
    return sections
