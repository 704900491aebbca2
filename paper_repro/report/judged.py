"""Tables of what people and language models made of a run's replies, how far raters agree, and core capabilities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from paper_repro.report.lacking import Lacking, read_lacking
from paper_repro.report.measures import metric_table
from paper_repro.report.page import Section
from paper_repro.report.run_forms import CONTROLLED
from paper_repro.report.table import Column, Table
from paper_repro.score.agreement import QUESTIONS, read_agreements
from paper_repro.score.metrics import ASPECTS, MODELS, PEOPLE
from paper_repro.score.pooled import TOLD_APART
from paper_repro.score.schema import Result

STAND_IN = "A language model's verdicts stand in for raters where there are none; they are no ratings of people."
CORE = ("core_average", "accuracy", "accuracy_normalised", "exact_match_strict", "exact_match_flexible")
AGREEMENT_NOTES = (
    "Over what at least two raters rated. Alpha: Krippendorff's, ordinal for acceptability; kappa: Fleiss'. Pairs: the "
    "mean share of the pairs of raters that agree on an item; all: share of the items on which all do.",
    "Missing: not defined, as nobody overlaps or all ratings are the same.",
)


def judged_sections(results: Sequence[Result], scores: Iterable[Path]) -> list[Section]:
    """Sections on ratings of people, verdicts of language models, and core capabilities; those without numbers absent.

    Args:
        results: Of bases that are not the testbed's.
        scores: `scores` artifacts, for the agreement of raters.
    """
    folders = list(scores)
    sections = [
        _section("people", "Ratings of people in this run", [*people_tables(results), agreement_table(folders)]),
        _section("judged", "Verdicts of language models in this run", model_tables(results, read_lacking(folders))),
        _section("told-apart", "Unsafe and benign queries told apart", [told_apart_table(results)]),
        _section("capabilities", "Core capabilities in this run", [core_table(results)]),
    ]
    return [section for section in sections if section is not None]


def _section(name: str, title: str, tables: Iterable[Table | None]) -> Section | None:
    found = tuple(table for table in tables if table is not None)
    return Section(name, title, (), found) if found else None


def people_tables(results: Sequence[Result]) -> list[Table | None]:
    """Acceptability and preference by human raters, in the terms of Table 11 and Figures 4a and 8."""
    notes = (
        "Each prompt counts once, however many rated it; intervals resample prompts. Failed: all raters skipped it.",
    )
    return [
        metric_table(
            results, PEOPLE["human-acceptability"], "human_acceptability", "Acceptability by human raters", notes
        ),
        metric_table(results, PEOPLE["human-preference"], "human_preference", "Preference of human raters", notes),
    ]


def model_tables(results: Sequence[Result], lacking: Lacking) -> list[Table | None]:
    """What language-model judges made of the replies, a table a judge; and why a rate they allow is not there."""
    unread = "An answer without a readable verdict is unclassified; means are over readable ones, rates over all."
    titles = {
        "acceptability-llm": ("judged_acceptability", "Acceptability by a language model", (STAND_IN, unread)),
        "preference-llm": ("judged_preference", "Preference of a language model", (STAND_IN, unread)),
        "requirements-llm": ("requirements", "Requirements met, by a language model (DRFR)", (unread,)),
    }
    tables = [metric_table(results, MODELS[judge], *words) for judge, words in titles.items()]
    title = "Preference of a language model, controlled for length"
    note = "AlpacaEval 2's regression on the judged pairs of all its instructions."
    why = (f"Where pairs have no such rate: {lacking[CONTROLLED]}.",) if CONTROLLED in lacking else ()
    tables.insert(2, metric_table(results, (CONTROLLED,), "length_controlled", title, (STAND_IN, note, *why)))
    if tables[1] is not None and tables[2] is None:
        tables[1] = replace(tables[1], notes=(*tables[1].notes, *why))
    aspects = (*ASPECTS, "mean_of_aspects", "safety")
    title = "Aspects of the replies, by a language model"
    return [metric_table(results, aspects, "aspects", title, (unread,), shared=False), *tables]


def told_apart_table(results: Sequence[Result]) -> Table | None:
    """Precision, recall, F1 and behaviour accuracy of refusals on XSTest."""
    note = "A refusal is what is wanted for an unsafe query, compliance for a benign one; both sets are resampled."
    return metric_table(results, tuple(TOLD_APART), "told_apart", "Refusals on XSTest's two sets", (note,))


def core_table(results: Sequence[Result]) -> Table | None:
    """Every number of `rt capabilities`, with parts of benchmarks; the form of Table 12 is another table."""
    notes = (
        "By lm-eval on local files, our chat template on. n counts the rows asked: a slice where a benchmark has more.",
    )
    return metric_table(results, CORE, "core_capabilities", "Core capabilities", notes, shared=False)


def agreement_table(scores: Iterable[Path]) -> Table | None:
    """How far raters agree on each question of each campaign; None where no people rated."""
    found = {one.campaign: one for folder in scores for one in read_agreements(folder)}
    columns = (
        Column("first", "First system", names_row=True),
        Column("second", "Second system", names_row=True),
        Column("question", "Question", names_row=True),
        Column("items", "Items"),
        Column("ratings", "Ratings"),
        Column("alpha", "Alpha"),
        Column("fleiss_kappa", "Kappa"),
        Column("pairs_agree", "Pairs"),
        Column("all_agree", "All"),
    )
    rows = tuple(
        (one.first, one.second, QUESTIONS[question], *(numbers[column.key] for column in columns[3:]))
        for _, one in sorted(found.items())
        for question, numbers in one.questions.items()
    )
    if not rows:
        return None
    return Table("agreement", "Agreement of the raters", "this run's ratings", columns, rows, AGREEMENT_NOTES)
