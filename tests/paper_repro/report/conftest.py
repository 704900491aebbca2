"""A made-up run: scores of an untuned model and of RT and IT with 0 and 100 refusals, and a curated set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paper_repro.score.schema import Result, write_results

UNTUNED = Result(
    "refusal",
    "Tiny-1M",
    1_000_000,
    None,
    None,
    "untuned",
    None,
    None,
    None,
    "xstest-unsafe",
    "refusal_rate",
    0.5,
    40,
    0.35,
    0.65,
    1,
    0,
    "refusal-rules",
    "d" * 64,
)


def tuned(method: str, count: int, strategy: str | None, **changes) -> Result:
    facts = {
        "response_set": "dolly",
        "recipe": "paper",
        "method": method,
        "num_refusals": count,
        "strategy": strategy,
        "seed": 0,
    }
    return replace(UNTUNED, **facts, **changes)


def rate(row: Result, benchmark: str, value: float | None, metric: str = "refusal_rate") -> Result:
    ends = (None, None) if value is None else (max(value - 0.15, 0.0), min(value + 0.15, 1.0))
    return replace(row, benchmark=benchmark, metric=metric, value=value, low=ends[0], high=ends[1])


@pytest.fixture(scope="session")
def results() -> list[Result]:
    """Two unsafe benchmarks, two benign ones, relevance and lengths; AdvBench and HarmBench were not run."""
    rows = []
    cells = [
        UNTUNED,
        tuned("RT", 0, None),
        tuned("IT", 0, None),
        tuned("RT", 100, "paper"),
        tuned("IT", 100, "paper"),
        tuned("RT", 100, "diverse"),
    ]
    for index, cell in enumerate(cells):
        rows += [
            rate(cell, "xstest-unsafe", 0.4 + index / 20),
            rate(cell, "malicious-instruct", 0.3 + index / 10),
            rate(cell, "xstest-benign", 0.1 + index / 50, "false_refusal_rate"),
            rate(cell, "alpaca-eval", 0.0, "false_refusal_rate"),
            replace(rate(cell, "alpaca-eval", 0.6, "embedding_relevance"), judge="embedding-relevance"),
            replace(rate(cell, "alpaca-eval", 0.9, "relevance_top1"), judge="embedding-relevance"),
            replace(
                cell,
                benchmark="alpaca-eval",
                metric="response_tokens",
                value=60.25,
                low=50.0,
                high=71.0,
                unclassified=0,
                judge=None,
            ),
            replace(rate(cell, "alpaca-eval", 0.7, "finished_rate"), unclassified=0, judge=None),
        ]
    return rows


@pytest.fixture(scope="session")
def scores(results: list[Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows as a scores folder."""
    folder = tmp_path_factory.mktemp("scores")
    write_results(results, folder)
    return folder


STEPS = {
    "read": {"rows_in": 1002, "kept": 1000, "quarantined": 2},
    "normalise": {"rows_in": 1000, "kept": 1000, "dropped": 0, "changed": 31},
    "filter": {"rows_in": 1000, "kept": 940, "dropped": 60, "dropped.too_short": 45, "dropped.blank": 15},
    "exact_dedup": {"rows_in": 940, "kept": 932, "dropped": 8, "dropped.exact_duplicate": 8},
    "semantic_dedup": {"rows_in": 932, "kept": 900, "dropped": 32, "dropped.semantic_duplicate": 32},
}


def write_steps(folder: Path, steps: dict[str, dict[str, float]]) -> Path:
    rows = [
        {"position": position, "step": step, "measure": measure, "value": float(value)}
        for position, (step, measures) in enumerate(steps.items())
        for measure, value in measures.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "steps.parquet")
    return folder


@pytest.fixture(scope="session")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A curated set's folder with its steps."""
    return write_steps(tmp_path_factory.mktemp("curated"), STEPS)
