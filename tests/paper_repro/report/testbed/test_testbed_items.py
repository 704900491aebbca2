"""Tables, figures, sections and the page of the testbed."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from artifacts.errors import InputError
from artifacts.published_tables import MODELS
from paper_repro.report import ReportSettings, report
from paper_repro.report.figure import Drawing
from paper_repro.report.table import to_csv
from paper_repro.report.testbed import make_sections, missing_table, read_missing
from paper_repro.report.testbed_causes import declines_drawings
from paper_repro.report.testbed_cells import CellKey, read_cells, select
from paper_repro.report.testbed_curation import curation_drawings, curation_table, faults_table
from paper_repro.report.testbed_figures import aspects_drawing, instructability_drawing
from paper_repro.report.testbed_rates import rates_table
from paper_repro.report.testbed_shipped import Shipped
from paper_repro.report.testbed_statistics import mean_over_seeds
from paper_repro.report.testbed_tables import (
    corpora_table,
    declines_table,
    formats_table,
    in_context_table,
    instructability_table,
    refusal_table,
    sizes_table,
)
from paper_repro.score.schema import write_results

NAMES = {
    "testbed_instructability",
    "testbed_aspects",
    "testbed_formats",
    "testbed_corpora",
    "testbed_sizes",
    "testbed_refusal",
    "testbed_declines",
    "testbed_rates",
    "testbed_curation",
    "testbed_curation_faults",
    "testbed_in_context",
    "testbed_bases",
    "claims_testbed",
}
SETTINGS = ReportSettings(source="both", tables=(11,), figures=())
TABLES_ALONE = {"testbed_bases", "testbed_curation_faults", "claims_testbed"}
LEFT = {"tuning-rate": {"every base": "left to a longer run"}}


def rows_of(table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(table))))


@pytest.fixture(scope="module")
def folders(testbed_results, tmp_path_factory) -> list[Path]:
    """Scores, one folder a study."""
    root = tmp_path_factory.mktemp("scores")
    made = []
    for study in dict.fromkeys(row.study for row in testbed_results):
        (root / study).mkdir()
        write_results([row for row in testbed_results if row.study == study], root / study)
        made.append(root / study)
    return made


@pytest.fixture(scope="module")
def page(folders, tmp_path_factory):
    """A report of the full run, with a missing base, beside the published numbers."""
    root = tmp_path_factory.mktemp("report")
    lacking = [{"study": "formats", "base_model": "testbed-5m-formats-1-0", "reason": "not <b>shipped</b>"}]
    (root / "missing.json").write_text(json.dumps(lacking))
    return report(SETTINGS, root / "out", folders, missing=root / "missing.json")


def test_the_untuned_base_has_a_second_row_cut_at_its_first_newline(cells):
    rows = rows_of(instructability_table(cells, {}))
    untuned, cut, rt = (row for row in rows[:3])
    assert [row["method"] for row in (untuned, cut, rt)] == ["untuned", "untuned, first line", "RT"]
    first = mean_over_seeds(cells[CellKey("instructability", "0.5m", "many", None, "untuned", None)], "first_line")
    assert (untuned["acceptable"], cut["acceptable"]) == ("0.00", f"{first.value:.2f}")
    assert (cut["content"], cut["stopping"]) == ("", "")
    assert {"content", "stopping", "familiar", "held_out", "requirements"} <= set(rt)
    assert rt["seeds"] == "4 on 2 bases"
    assert 0 <= float(rt["acceptable_low"]) < float(rt["acceptable"]) < float(rt["acceptable_high"])


def test_refusals_stand_by_their_number_with_acceptability_beside(cells):
    rows = rows_of(refusal_table(cells, {}))
    assert [(row["method"], row["num_refusals"]) for row in rows] == [
        ("untuned", ""),
        *((method, str(count)) for count in (0, 25, 100, 300) for method in ("RT", "IT")),
    ]
    assert rows[5]["unsafe"] == "0.84"  # RT at 100: 0.854 and 0.823 of 96 queries, on two bases
    assert {"never_declined", "look_alike", "benign", "acceptable"} <= set(rows[0])


def test_formats_corpora_and_doses_stand_beside_what_the_bases_know(cells, cards):
    formats = rows_of(formats_table(cells, {}, cards))
    assert list(dict.fromkeys(row["corpus"] for row in formats)) == [
        "many",
        "many-apart",
        "formats-1",
        "formats-2",
        "formats-4",
        "formats-8",
        "formats-16",
    ]
    assert {row["look-ups_right_own_formats"] for row in formats} == {"0.90"}
    corpora = rows_of(corpora_table(cells, {}, cards))
    assert list(dict.fromkeys(row["corpus"] for row in corpora)) == [
        "many",
        "many-apart",
        "formats-1",
        "none",
        "shuffled",
    ]
    assert {row["facts_known_by_likelihood"] for row in corpora} == {"0.93"}
    declines = rows_of(declines_table(cells, {}, cards))
    margins = dict.fromkeys((row["corpus"], row["first-token_margin_nats"]) for row in declines)
    assert list(margins) == [("many", "2.20"), ("many-declines-0", "0.10"), ("many-declines-5", "0.90")]


def test_in_context_and_sizes(cells):
    assert [row["method"] for row in rows_of(in_context_table(cells, {}))] == ["0-shot", "URIAL-R", "URIAL"]
    rows = rows_of(sizes_table(cells, {}))
    assert [(row["size"], row["response_set"]) for row in rows][::3] == [
        ("0.5M", "structured"),
        ("2M", "structured"),
        ("5M", "structured"),
    ]
    assert all(float(r["distance"]) == pytest.approx(float(r["it"]) - float(r["rt"]), abs=0.011) for r in rows)
    assert sizes_table(read_cells([]), {}) is None


def test_every_rate_is_a_row_and_only_in_the_study_of_rates(cells):
    rows = rows_of(rates_table(cells, {}))
    assert [(row["num_refusals"], row["learning_rate"], row["method"]) for row in rows] == [
        ("", "", "untuned"),
        *(
            (count, rate, method)
            for count in ("0", "100")
            for rate in ("0.0005", "0.001", "0.002", "0.004")
            for method in ("RT", "IT")
        ),
    ]
    unsafe = [float(row["unsafe"]) for row in rows if (row["num_refusals"], row["method"]) == ("100", "RT")]
    assert unsafe == sorted(unsafe)
    assert (unsafe[0], unsafe[-1]) == (0.0, 0.6)
    assert {cell.key.rate for cell in select(cells, study="refusal")} == {None}
    assert "learning_rate" not in rows_of(refusal_table(cells, {}))[0]


def test_arms_stand_from_raw_to_faultless_with_their_difference_to_raw(cells):
    rows = rows_of(curation_table(cells, {}))
    assert list(dict.fromkeys(row["arm"] for row in rows)) == [
        "raw",
        "copies dropped",
        "filtered",
        "both",
        "no faults",
    ]
    assert {row["response_set"] for row in rows} == {"structured"}
    for row in rows:
        if row["arm"] == "raw":
            assert row["difference"] == ""
        else:
            raw = next(one for one in rows if one["arm"] == "raw" and one["method"] == row["method"])
            gain = float(row["acceptable"]) - float(raw["acceptable"])
            assert float(row["difference"]) == pytest.approx(gain, abs=0.011)
            assert float(row["difference_low"]) < gain < float(row["difference_high"])
    left = rows_of(faults_table(cells))
    assert [(row["arm"], row["rows"], row["faulty"]) for row in left] == [
        ("raw", "1000", "0.140"),
        ("copies dropped", "1000", "0.120"),
        ("filtered", "1000", "0.080"),
        ("both", "1000", "0.060"),
        ("no faults", "1000", "0.000"),
    ]


def test_arms_of_unequal_size_show_it_and_uncounted_faults_are_no_zero(testbed_results):
    rows = [row for row in testbed_results if row.study == "curation"]
    fewer = [replace(row, n=800) if (row.recipe, row.seed) == ("lexical", 1) else row for row in rows]
    assert [row["rows"] for row in rows_of(faults_table(read_cells(fewer)))] == [
        "1000", "1000", "1000", "800 to 1000", "1000",
    ]  # fmt: skip
    uncounted = read_cells(row for row in rows if row.benchmark != "testbed-training-rows")
    assert faults_table(uncounted) is None
    (drawing,) = curation_drawings(uncounted)
    assert [text.get_text() for text in drawing.draw().axes[0].texts] == ["missing"] * 5


def test_a_study_left_to_another_run_is_missing_with_the_reason_unless_it_is_shipped(testbed_results, cards):
    run = [row for row in testbed_results if row.study != "tuning-rate"]
    sections, _ = make_sections(run, cards, LEFT, None)
    (rate,) = (section for section in sections if section.id == "testbed-rate")
    (table,) = rate.items
    assert rows_of(table)[0]["acceptable"] == "missing"
    assert "Missing, every base: left to a longer run" in table.notes
    bases = next(section for section in sections if section.id == "testbed-bases")
    assert "every base" not in to_csv(bases.items[0])
    sections, _ = make_sections(run, cards, LEFT, Shipped(testbed_results, {"profile": "testbed", "runs": []}))
    own = [section.id for section in sections if section.id.endswith("testbed-rate")]
    assert own == ["shipped-testbed-rate"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("with_cards", [True, False])
def test_every_figure_fits_its_size_with_and_without_cards(testbed_results, cards, with_cards):
    sections, _ = make_sections(testbed_results, cards if with_cards else [], {}, None)
    drawings = [item for section in sections for item in section.items if isinstance(item, Drawing)]
    assert {item.name for item in drawings} == NAMES - TABLES_ALONE
    for item in drawings:
        FigureCanvasAgg(item.draw()).draw()  # matplotlib warns where axes have no room left


def test_a_missing_base_is_a_row_with_its_reason(cells, cards):
    table = formats_table(cells, {"formats": {"testbed-5m-formats-1-0": "not shipped"}}, cards)
    last = rows_of(table)[-1]
    assert (last["size"], last["corpus"], last["seeds"], last["acceptable"]) == ("5M", "formats-1", "0", "missing")
    assert "Missing, testbed-5m-formats-1-0: not shipped" in table.notes


def test_what_was_not_measured_is_missing_and_never_0(testbed_results):
    kept = next(row for row in testbed_results if row.benchmark == "testbed-formats" and row.method == "RT")
    kept = replace(kept, value=0.71, low=0.7, high=0.72)
    without = [row for row in testbed_results if row.benchmark != "testbed-formats"] + [kept]
    rows = rows_of(instructability_table(read_cells(without), {}))
    assert {row["requirements"] for row in rows if row["method"] == "RT"} == {"missing", "0.71"}


def test_a_measure_that_a_study_lacks_throughout_is_a_note(testbed_results):
    without = [row for row in testbed_results if not (row.study == "refusal" and "tasks" in row.benchmark)]
    table = refusal_table(read_cells(without), {})
    assert "acceptable" not in rows_of(table)[0]
    assert "Not measured in this study: acceptable." in table.notes


def test_figures_of_doses_are_at_one_number_of_refusals(made_up, level, cards):
    rows = [row for row in made_up(level) if row.study != "declines"]
    many = [row for row in made_up(level) if row.study == "refusal" and row.base_model == "testbed-2m-many-0"]
    rows += [replace(row, study="declines", base_model="testbed-2m-many-declines-0-0") for row in many]
    (drawing,) = declines_drawings(read_cells(rows), cards)
    assert drawing.title.endswith("100 refusals)")
    assert {row["num_refusals"] for row in rows_of(declines_table(read_cells(rows), {}, cards))} == {
        "",
        "25",
        "100",
        "300",
    }


def test_other_models_make_no_testbed(testbed_results, cards):
    others = [replace(row, base_model="Tiny-1M") for row in testbed_results]
    assert make_sections(others, cards, {}, None) == ([], {})


def test_a_report_of_published_numbers_alone_has_no_testbed(tmp_path):
    made = report(ReportSettings(tables=(11,), figures=()), tmp_path / "out")
    assert not [name for name in made.summary["items"] if "testbed" in name]


def test_verdicts_stand_first_and_the_testbed_before_the_papers_items_under_names_of_its_own(page):
    assert set(page.summary["items"]) >= NAMES
    text = page.file("index.html").read_text()
    parts = ("findings", "claims-testbed", "claims-published", "all-items", "testbed", "testbed-causes", "paper-items")
    order = [text.index(f'<section id="{name}"') for name in parts]
    assert order == sorted(order)
    for name in NAMES - TABLES_ALONE:
        assert {f"{name}.{form}" for form in ("png", "svg", "pdf")} <= set(page.identity.outputs)


def test_no_testbed_number_stands_under_a_paper_models_name(page):
    own = [page.path / f"{name}.csv" for name in NAMES if (page.path / f"{name}.csv").is_file()]
    assert len(own) == 12
    assert not [model for model in MODELS for path in own if model in path.read_text()]
    published = list(page.path.glob("table_*.csv"))
    assert published
    assert not [path for path in published if "testbed" in path.read_text()]
    assert "refusal_rates" not in page.summary["items"]


def test_what_a_run_left_out_is_told_and_escaped(page):
    text = page.file("index.html").read_text()
    assert "not &lt;b&gt;shipped&lt;/b&gt;" in text
    assert "not <b>shipped</b>" not in text
    assert (page.path / "missing.csv").read_text().splitlines()[1].startswith("formats,testbed-5m-formats-1-0,")


def test_equal_inputs_give_equal_bytes(page, folders, tmp_path):
    missing = page.path.parent / "missing.json"
    again = report(SETTINGS, tmp_path / "again", folders, missing=missing)
    assert again.identity.outputs == page.identity.outputs


def test_missing_conditions_are_read_or_refused(tmp_path):
    path = tmp_path / "missing.json"
    path.write_text(json.dumps([{"study": "formats", "base_model": "b", "reason": "r"}]))
    assert read_missing(path) == {"formats": {"b": "r"}}
    assert missing_table(read_missing(path)).rows == (("formats", "b", "r"),)
    path.write_text(json.dumps([{"study": "formats"}]))
    with pytest.raises(InputError, match="missing conditions"):
        read_missing(path)


@pytest.mark.parametrize("draw", [instructability_drawing, aspects_drawing])
def test_what_was_measured_is_drawn_and_not_called_missing(testbed_results, draw):
    cells = read_cells(testbed_results)
    figure = draw(cells).draw()
    tuned = [bars for axes in figure.axes for bars in axes.containers if bars.get_label() in ("RT", "IT")]
    assert tuned
    assert not [text for axes in figure.axes for text in axes.texts if text.get_text() == "missing"]


def test_the_headline_figure_draws_the_tables_numbers(testbed_results):
    cells = read_cells(testbed_results)
    figure = instructability_drawing(cells).draw()
    heights = {round(float(bar.get_height()), 6) for axes in figure.axes for bar in axes.patches}
    own = select(cells, study="instructability", corpus="many", method=("RT", "IT"))
    assert own
    for cell in own:
        assert round(mean_over_seeds(cell, "acceptable").value, 6) in heights
