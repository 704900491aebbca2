"""The paper's figures of response quality and preference from its published numbers: 2, 3, 4, 8 and 9."""

from __future__ import annotations

from collections.abc import Mapping

from artifacts.published import Published
from artifacts.published_tables import DATASETS, JUSTEVAL_ASPECTS, METHODS, MODELS
from paper_repro.report.figure import Drawing
from paper_repro.report.figure_forms import (
    WINS,
    Profiles,
    draw_dots,
    draw_levels,
    draw_radars,
    draw_side_by_side,
    draw_stacks,
)
from paper_repro.report.table import Estimate
from paper_repro.report.tables import PAPER, Tables

LEVELS = ("acceptable_excellent", "acceptable_sufficient", "not_acceptable")
PART = "The printed figure shows a part of these numbers; all of them stand here."


def figure_02(tables: Tables) -> Drawing:
    """Figure 2: acceptability of responses by human raters, from Table 11."""
    cells = tables["table_11"].cells()
    bars = ((None, "untuned"), *((dataset, method) for dataset in DATASETS for method in METHODS))
    panels = {
        model: {
            bar_name(dataset, method): _estimates(cells[model, dataset, method], LEVELS) for dataset, method in bars
        }
        for model in MODELS
    }
    return Drawing(
        "figure_02",
        "Figure 2. Acceptability of responses, human raters",
        "Stacked bars, one panel a base model: shares of responses rated acceptable (excellent), acceptable "
        "(sufficient) and not acceptable, for the untuned base and for IT and RT on each data set.",
        f"{PAPER}, Figure 2; numbers of Table 11",
        lambda: draw_levels(panels, "Share of 805 instructions"),
        (PART,),
    )


def bar_name(dataset: str | None, method: str) -> str:
    """What a bar of a base model is called."""
    return method if dataset is None else f"{dataset} {method}"


def figure_03(tables: Tables) -> Drawing:
    """Figure 3: five aspects of response quality as radar charts, from Table 13."""
    scores = _aspects(tables)
    return Drawing(
        "figure_03",
        "Figure 3. Response quality on JustEval, five aspects",
        "Radar charts, a row a data set and a column a base model: scores from 1 to 5 on helpfulness, factuality, "
        "clarity, depth and engagement, IT beside RT.",
        f"{PAPER}, Figure 3; numbers of Table 13",
        lambda: draw_radars(scores, JUSTEVAL_ASPECTS),
        (PART,),
    )


def figure_03_dots(tables: Tables) -> Drawing:
    """Figure 3 as a dot plot: positions on one line are easier to compare than areas."""
    scores = _aspects(tables)
    return Drawing(
        "figure_03_dots",
        "Figure 3 as a dot plot. Response quality on JustEval, five aspects",
        "Dots on lines, one line an aspect and one panel a base model and data set: IT and RT joined by a bar, scores "
        "from 1 to 5.",
        f"{PAPER}, Figure 3; numbers of Table 13",
        lambda: draw_dots(scores, JUSTEVAL_ASPECTS),
        (PART,),
    )


def _aspects(tables: Tables) -> Profiles:
    cells = tables["table_13"].cells()
    return {
        (dataset, model): {method: _estimates(cells[model, dataset, method], JUSTEVAL_ASPECTS) for method in METHODS}
        for dataset in DATASETS
        for model in MODELS
    }


def _estimates(row: Mapping[str, float], names: tuple[str, ...]) -> list[Estimate]:
    return [Estimate(row[name]) for name in names]


def figure_04(tables: Tables) -> Drawing:
    """Figure 4: RT against IT by human raters and by GPT-4, from Figures 8 and 9."""
    panels = {
        title: {
            f"{model}, {dataset}": row for model, rows in _shares(tables[name]).items() for dataset, row in rows.items()
        }
        for title, name in (("(a) Human raters", "figure_08"), ("(b) GPT-4, length-controlled", "figure_09"))
    }
    return Drawing(
        "figure_04",
        "Figure 4. Preference: RT against IT",
        "Two panels of stacked bars, one bar a base model and data set: per cent of 805 instructions on which RT's "
        "response, neither, or IT's is preferred, by human raters and by GPT-4.",
        f"{PAPER}, Figure 4; numbers of Figures 8 and 9",
        lambda: draw_side_by_side(panels),
        (PART,),
    )


def _shares(published: Published) -> dict[str, dict[str, dict[str, Estimate]]]:
    """Base model to data set to part to its share."""
    cells = published.cells()
    return {
        model: {
            dataset: {part: Estimate(cells[model, dataset][part]) for part in WINS if part in cells[model, dataset]}
            for dataset in DATASETS
        }
        for model in MODELS
    }


def figure_08(tables: Tables) -> Drawing:
    """Figure 8: which response human raters found more helpful."""
    return _preference(tables["figure_08"], 8)


def figure_09(tables: Tables) -> Drawing:
    """Figure 9: which response GPT-4 preferred, controlled for length."""
    return _preference(tables["figure_09"], 9)


def _preference(published: Published, number: int) -> Drawing:
    panels = _shares(published)
    parts = [part for part in WINS if part in panels[MODELS[0]][DATASETS[0]]]
    return Drawing(
        f"figure_{number:02d}",
        f"Figure {number}. {published.source.title}: RT against IT",
        "Stacked bars, one for each base model and data set: per cent of 805 AlpacaEval instructions on which "
        f"{', '.join(WINS[part][1] if part != 'tie' else 'neither wins' for part in parts)}.",
        f"{PAPER}, Figure {number}",
        lambda: draw_stacks(panels, parts),
    )
