"""Everything a report holds, made in reading order and written beside its page: verdicts first, then each item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from artifacts.errors import InputError
from artifacts.files import write_json, write_text
from artifacts.manifest import MANIFEST, is_artifact, read_manifest
from artifacts.published import Published
from artifacts.published_checks import Check, check_published, read_all
from paper_repro.report.book import BOOK, write_book
from paper_repro.report.checks import checks_table, count_checks, differences_table, refuse_unknown
from paper_repro.report.figure import Drawing, write_drawing
from paper_repro.report.findings import find
from paper_repro.report.judged import judged_sections
from paper_repro.report.lacking import read_lacking
from paper_repro.report.numbered import Made, make_items, overview, sections, states
from paper_repro.report.page import Page, Section, write_page
from paper_repro.report.parts import comparison_sections, curation_sections, run_sections, sample_sections
from paper_repro.report.run_tables import RunTable, run_tables
from paper_repro.report.stage import CARD, CURATED, MISSING, REPLIES, SCORES, SHIPPED, ReportSettings
from paper_repro.report.table import Table, write_table
from paper_repro.report.testbed import Missing, make_sections, missing_table, read_missing
from paper_repro.report.testbed_cards import read_cards
from paper_repro.report.testbed_cells import parse_base
from paper_repro.report.testbed_shipped import read_shipped
from paper_repro.score.schema import RESULTS_CSV, Result, read_results, sort_key, to_csv

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUTS = "inputs"
EVERY_BASE = "every base"  # how a plan says that a study was left out as a whole
ITEMS_TEXT = (
    "Each under its number in version 3, figures first: the published numbers, this run's, and both cell by cell where "
    "they meet."
)


@dataclass(frozen=True)
class _Given:
    """What a report is made of, read.

    Attributes:
        published: The published numbers, or None.
        checks: Their sums and averages, recomputed.
        results: This run's results.
        runs: Those on other bases than the testbed's, in the form of the paper's tables; None without a run.
        missing: Study to missing base to reason.
    """

    published: Mapping[str, Published] | None
    checks: Sequence[Check]
    results: Sequence[Result]
    runs: Mapping[str, RunTable] | None
    missing: Missing


def build_report(
    settings: ReportSettings, inputs: Mapping[str, Path], digests: Mapping[str, str], folder: Path
) -> dict:
    """Write all tables and figures, `report.pdf` and `index.html` into `folder`; returns facts for the manifest.

    Raises:
        StageError: a sum or average of the published numbers differs beyond rounding and is not a known case.
        InputError: an input that cannot be read.
    """
    given = _read(inputs)
    parts, kept, summary = _parts(settings, inputs, given)
    files = _files(parts, kept)
    figures = _write(files, folder)
    refuse_unknown(given.checks)
    identity = {"settings": settings.resolved(), "inputs": dict(sorted(digests.items()))}
    text = yaml.safe_dump(identity, sort_keys=True, allow_unicode=True, width=100)
    write_book(folder / BOOK, settings.title, settings.notes, parts, figures)
    data = [(BOOK, "all tables and figures, for print"), *_write_data(given.results, inputs, folder)]
    data.append((MANIFEST, "this report's own manifest: settings, inputs, and a digest of every file"))
    write_page(folder / "index.html", Page(settings.title, settings.notes, parts, text, data))
    return {"source": settings.source, **summary, "items": sorted({item.name for item in files})}


def _read(inputs: Mapping[str, Path]) -> _Given:
    published = read_all(inputs["published"]) if "published" in inputs else None
    scores = _starting(inputs, SCORES)
    results = [result for folder in scores.values() for result in read_results(folder)]
    checks = check_published(published) if published else []
    runs = run_tables(_others(results)) if scores else None
    missing = read_missing(inputs[MISSING]) if MISSING in inputs else {}
    return _Given(published, checks, results, runs, missing)


def _others(results: Sequence[Result]) -> list[Result]:
    """Results that are not the testbed's."""
    return [result for result in results if parse_base(result.base_model) is None]


def _starting(inputs: Mapping[str, Path], prefix: str) -> dict[str, Path]:
    """Inputs of one kind, by the rest of their names."""
    return {name.removeprefix(prefix): inputs[name] for name in sorted(inputs) if name.startswith(prefix)}


def _parts(
    settings: ReportSettings, inputs: Mapping[str, Path], given: _Given
) -> tuple[list[Section], list[Table], dict]:
    """Sections in reading order, tables that are files only, and facts for the summary."""
    shipped = read_shipped(inputs[SHIPPED]) if SHIPPED in inputs else None
    cards = read_cards(path for name, path in inputs.items() if name.startswith(CARD))
    testbed, facts = make_sections(given.results, cards, given.missing, shipped)
    claims = [section for section in testbed if "claims" in section.id]
    ours = [section for section in testbed if section not in claims]
    ours += run_sections(_others(given.results))
    ours += judged_sections(_others(given.results), _starting(inputs, SCORES).values())
    rest = comparison_sections(_starting(inputs, SCORES).values())
    rest += sample_sections(_starting(inputs, REPLIES).values(), settings.samples, settings.show_unsafe)
    rest += curation_sections(_starting(inputs, CURATED), settings.samples)
    findings, verdicts = find(given.published, given.checks, given.runs, claims, facts)
    names = [*(f"table_{n:02d}" for n in settings.tables), *(f"figure_{n:02d}" for n in settings.figures)]
    lacking = read_lacking(_starting(inputs, SCORES).values())
    made = make_items(names, given.published, given.runs, lacking)
    studies = None if given.runs is None else sorted({result.study for result in given.results})
    present = _names([*ours, *rest], made)
    found = states(made, present, _left_out(given), studies, given.published is not None, lacking)
    numbered = [Section("paper-items", "Tables and figures of the paper", (ITEMS_TEXT,)), *sections(made, found)]
    parts = [*findings, *([overview(found)] if made else []), *ours, *(numbered if made else []), *rest]
    parts += _missing_part(given.missing) + _checks_part(given.checks)
    kept = [table for one in made for table in one.kept] + ([checks_table(given.checks)] if given.checks else [])
    counts = {"results": len(given.results)} if given.results else {}
    checked = {"checks": count_checks(given.checks)} if given.checks else {}
    return parts, kept, counts | facts | verdicts | checked


def _names(parts: Sequence[Section], made: Sequence[Made]) -> list[str]:
    """Names of the report's parts and of all items that it holds, in order."""
    names = [name for section in parts for name in (section.id, *(item.name for item in section.items))]
    return list(dict.fromkeys([*names, *(item.name for one in made for item in (*one.shown, *one.kept))]))


def _left_out(given: _Given) -> dict[str, str]:
    """Studies that the plan left out as a whole, with the reason."""
    return {study: bases[EVERY_BASE] for study, bases in given.missing.items() if EVERY_BASE in bases}


def _missing_part(missing: Missing) -> list[Section]:
    if not missing:
        return []
    return [Section("missing-conditions", "What this run left out", (), (missing_table(missing),))]


def _checks_part(checks: Sequence[Check]) -> list[Section]:
    if not checks:
        return []
    text = f"Every sum and average among the published numbers, recomputed: {len(checks)} numbers (checks.csv)."
    return [Section("checks", "Checks of the published numbers", (text,), (differences_table(checks),))]


def _files(parts: Sequence[Section], kept: Sequence[Table]) -> list[Table | Drawing]:
    """What is written: every item once; two of one kind and name are a fault.

    Raises:
        InputError: two items would share a file.
    """
    files = [item for section in parts for item in section.items if item.name != "differences"] + list(kept)
    files += [item.numbers for item in files if isinstance(item, Drawing) and item.numbers is not None]
    kinds: Counter = Counter((type(item), item.name) for item in files)
    twice = [name for (_, name), count in kinds.items() if count > 1]
    if twice:
        raise InputError(
            f"two items of the report would share the name {', '.join(sorted(twice))}",
            fix="give the curated sets names that differ in letters or digits",
        )
    return files


def _write(files: Sequence[Table | Drawing], folder: Path) -> dict[str, Figure]:
    """Write every item's files; returns the figures by name, which the PDF of all items shows once more."""
    figures = {}
    for item in files:
        if isinstance(item, Table):
            write_table(item, folder)
        else:
            figures[item.name] = write_drawing(item, folder)
    return figures


def _write_data(results: Sequence[Result], inputs: Mapping[str, Path], folder: Path) -> list[tuple[str, str]]:
    """The run's results as one tidy table, and how each input came to be; the files with what they hold."""
    written = []
    if results:
        write_text(folder / RESULTS_CSV, to_csv(sorted(results, key=sort_key)))
        written.append((RESULTS_CSV, f"this run's {len(results)} numbers, one a row, with intervals and digests"))
    for name, path in sorted(inputs.items()):
        if is_artifact(path):
            file = f"{INPUTS}/{name}.json"
            artifact = read_manifest(path)
            (folder / INPUTS).mkdir(exist_ok=True)
            write_json(folder / file, {"digest": artifact.digest, **artifact.identity.model_dump(mode="json")})
            written.append((file, f"{artifact.identity.kind}: settings, inputs and digests"))
    return written
