"""The tables and figures of the paper (arXiv 2410.02465, version 3) whose numbers are held: their columns and cells."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

MODELS = ("Llama-3.1-8B", "Gemma-2-9B", "Mistral-7B-v0.3", "Gemma-2-2B")
DATASETS = ("Alpaca", "Dolly", "LIMA")
METHODS = ("IT", "RT")
REFUSAL_COUNTS = (0, 100, 200, 500)
CORE_BENCHMARKS = ("mmlu", "openbookqa", "hellaswag", "arc", "gsm8k", "piqa")
JUSTEVAL_ASPECTS = ("helpfulness", "factuality", "clarity", "depth", "engagement")
REFUSAL_BENCHMARKS = ("advbench", "harmbench", "maliciousinstruct", "xstest_unsafe")
FALSE_REFUSAL = "xstest_benign_false_refusal"

Value = str | int | float | None
Key = tuple[Value, ...]


@dataclass(frozen=True)
class Field:
    """One column of a published CSV.

    Attributes:
        name: Header.
        kind: `str`, `int` or `float`.
        choices: Allowed values of a `str` or `int` column; empty: any.
        low, high: Allowed range of a number, ends included.
        unit: Place value of the last printed digit (0.01 for two decimals): what rounding hides.
        optional: Whether an empty cell is allowed (read as None).
    """

    name: str
    kind: type
    choices: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 1.0
    unit: float = 0.01
    optional: bool = False


@dataclass(frozen=True)
class Source:
    """One CSV file: its columns, which of them name a cell, and the cells it must hold, each once."""

    name: str
    file: str
    title: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    cells: frozenset[Key]


def _unit(names: tuple[str, ...]) -> tuple[Field, ...]:
    return tuple(Field(name, float) for name in names)


def _percent(names: tuple[str, ...]) -> tuple[Field, ...]:
    return tuple(Field(name, float, high=100.0) for name in names)


def _score(names: tuple[str, ...]) -> tuple[Field, ...]:
    return tuple(Field(name, float, low=1.0, high=5.0) for name in names)


def _counted(names: tuple[str, ...], optional: bool = False) -> tuple[Field, ...]:
    return tuple(Field(name, int, high=100, unit=1.0, optional=optional) for name in names)


def _grid(*axes: tuple[Value, ...]) -> frozenset[Key]:
    return frozenset(product(*axes))


_MODEL = Field("base_model", str, MODELS)
_DATASET = Field("dataset", str, DATASETS)
_METHOD = Field("method", str, METHODS)
_CELL = (_MODEL, Field("dataset", str, DATASETS, optional=True), Field("method", str, (*METHODS, "untuned")))
_CELL_KEY = ("base_model", "dataset", "method")
_UNTUNED = _grid(MODELS, (None,), ("untuned",))
_TUNED = _grid(MODELS, DATASETS, METHODS)

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "table_05",
            "table05_model_size.csv",
            "Instructability and model size",
            (
                _MODEL,
                Field("parameters_billion", int, (2, 9), unit=1.0),
                *_unit(("response_acceptance_rate",)),
                *_percent(("lc_win_rate_vs_it",)),
            ),
            ("base_model",),
            _grid(("Gemma-2-2B", "Gemma-2-9B")),
        ),
        Source(
            "table_11",
            "table11_acceptability.csv",
            "Acceptability of responses, human raters",
            (*_CELL, *_unit(("acceptable_excellent", "acceptable_sufficient", "not_acceptable"))),
            _CELL_KEY,
            _TUNED | _UNTUNED,
        ),
        Source(
            "table_12",
            "table12_core_capabilities.csv",
            "Core capabilities, exact match",
            (*_CELL, *_percent((*CORE_BENCHMARKS, "average"))),
            _CELL_KEY,
            _TUNED | _UNTUNED,
        ),
        Source(
            "table_13",
            "table13_justeval.csv",
            "Response quality, JustEval",
            (*_CELL, *_score((*JUSTEVAL_ASPECTS, "overall"))),
            _CELL_KEY,
            _TUNED | _UNTUNED,
        ),
        Source(
            "table_14",
            "table14_infobench.csv",
            "Requirement following, InFoBench",
            (*_CELL, *_unit(("drfr",))),
            _CELL_KEY,
            _grid(MODELS, ("Alpaca",), METHODS) | _UNTUNED,
        ),
        Source(
            "table_15_16",
            "table15_16_refusal.csv",
            "Refusal rates",
            (
                _MODEL,
                _DATASET,
                _METHOD,
                Field("num_safety_examples", int, REFUSAL_COUNTS, unit=1.0),
                *_unit((*REFUSAL_BENCHMARKS, "average", FALSE_REFUSAL)),
            ),
            ("base_model", "dataset", "method", "num_safety_examples"),
            _grid(MODELS, DATASETS, METHODS, REFUSAL_COUNTS),
        ),
        Source(
            "table_25",
            "table25_justeval_news.csv",
            "Response quality after tuning on news, JustEval",
            (
                _MODEL,
                Field("dataset", str, ("News",)),
                Field("method", str, ("RT",)),
                *_score((*JUSTEVAL_ASPECTS, "overall")),
            ),
            _CELL_KEY,
            _grid(("Llama-3.1-8B",), ("News",), ("RT",)),
        ),
        Source(
            "table_29",
            "table29_refined_win_rate.csv",
            "Refined against unrefined responses",
            (_MODEL, _METHOD, _DATASET, *_percent(("lc_win_rate_vs_non_refined",))),
            ("base_model", "method", "dataset"),
            _grid(MODELS, METHODS, DATASETS),
        ),
        Source(
            "table_31",
            "table31_olmo.csv",
            "OLMo-7B, a base model of open data",
            (
                Field("base_model", str, ("OLMo-7B",)),
                _METHOD,
                *_counted(("alpacaeval_win_rate_vs_it",), optional=True),
                *_unit(("advbench_refusal_rate",)),
            ),
            ("base_model", "method"),
            _grid(("OLMo-7B",), METHODS),
        ),
        Source(
            "figure_08",
            "figure08_human_preference.csv",
            "Preference of human raters",
            (_MODEL, _DATASET, *_counted(("rt_win", "tie", "it_win"))),
            ("base_model", "dataset"),
            _grid(MODELS, DATASETS),
        ),
        Source(
            "figure_09",
            "figure09_gpt4_preference.csv",
            "Preference of GPT-4, length-controlled",
            (_MODEL, _DATASET, *_counted(("rt_win", "it_win"))),
            ("base_model", "dataset"),
            _grid(MODELS, DATASETS),
        ),
    )
}
