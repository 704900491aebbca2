"""The paper's published numbers (arXiv 2410.02465, version 3), read with types and checked on reading.

One CSV a table or figure under `published/`; an empty `dataset` means "no training set" (untuned models).
`artifacts.published_checks` recomputes the averages and sums in them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from artifacts.errors import InputError

PUBLISHED = Path(__file__).resolve().parent / "published"
MODELS = ("Llama-3.1-8B", "Gemma-2-9B", "Mistral-7B-v0.3", "Gemma-2-2B")
DATASETS = ("Alpaca", "Dolly", "LIMA")
METHODS = ("IT", "RT")
REFUSAL_COUNTS = (0, 100, 200, 500)
CORE_BENCHMARKS = ("mmlu", "openbookqa", "hellaswag", "arc", "gsm8k", "piqa")
JUSTEVAL_ASPECTS = ("helpfulness", "factuality", "clarity", "depth", "engagement")
REFUSAL_BENCHMARKS = ("advbench", "harmbench", "maliciousinstruct", "xstest_unsafe")
FALSE_REFUSAL = "xstest_benign_false_refusal"

Value = str | int | float | None
Row = dict[str, Value]
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


@dataclass(frozen=True)
class Published:
    """The rows of one CSV in file order, with their line numbers."""

    source: Source
    path: Path
    rows: tuple[Row, ...]
    lines: tuple[int, ...]

    def where(self, index: int) -> str:
        """File, line and key of a row, for messages."""
        return f"{self.path.name}:{self.lines[index]} ({label(self.key(index))})"

    def key(self, index: int) -> Key:
        """The values that name a row."""
        return tuple(self.rows[index][name] for name in self.source.key)

    def cells(self) -> dict[Key, Row]:
        """Rows by key."""
        return {self.key(index): row for index, row in enumerate(self.rows)}


def label(key: Key) -> str:
    """A key as words: `Gemma-2-9B Alpaca RT`."""
    return " ".join(str(part) for part in key if part is not None)


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


def read_published(name: str, folder: Path = PUBLISHED) -> Published:
    """Read one CSV of the published numbers, e.g. `table_11`.

    Raises:
        InputError: unknown name, or a file whose columns, types, ranges or rows are not the paper's;
            the message names file, line and column.
    """
    if name not in SOURCES:
        raise InputError(f"no published numbers called '{name}'", fix=f"known: {', '.join(SOURCES)}")
    source = SOURCES[name]
    path = folder / source.file
    if not path.is_file():
        raise InputError("no such file of published numbers", where=str(path))
    rows, lines = [], []
    for line, row in _read_rows(path, source):
        rows.append(row)
        lines.append(line)
    published = Published(source, path, tuple(rows), tuple(lines))
    _check_cells(published)
    return published


def _read_rows(path: Path, source: Source) -> Iterator[tuple[int, Row]]:
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            _check_header(next(reader, []), path, source)
            for texts in reader:
                yield reader.line_num, _read_row(texts, f"{path}:{reader.line_num}", source)
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"not readable as CSV: {error}", where=f"{path}:{reader.line_num}") from None


def _check_header(found: list[str], path: Path, source: Source) -> None:
    expected = [field.name for field in source.fields]
    if found != expected:
        raise InputError(f"columns are {', '.join(found)}", where=f"{path}:1", fix=f"expected: {', '.join(expected)}")


def _read_row(texts: list[str], where: str, source: Source) -> Row:
    if len(texts) != len(source.fields):
        raise InputError(f"{len(texts)} cells, expected {len(source.fields)}", where=where)
    return {
        field.name: _read_cell(text, field, f"{where}, column '{field.name}'")
        for field, text in zip(source.fields, texts, strict=True)
    }


def _read_cell(text: str, field: Field, where: str) -> Value:
    if text == "":
        if field.optional:
            return None
        raise InputError("empty", where=where)
    try:
        value = field.kind(text)
    except ValueError:
        raise InputError(f"{text!r} is not of type {field.kind.__name__}", where=where) from None
    if field.choices and value not in field.choices:
        raise InputError(f"{text!r} is not one of {', '.join(map(str, field.choices))}", where=where)
    # written so that NaN, which compares false with everything, is refused
    if not field.choices and not isinstance(value, str) and not field.low <= value <= field.high:
        raise InputError(f"{text} is outside [{field.low:g}, {field.high:g}]", where=where)
    return value


def _check_cells(published: Published) -> None:
    """Every expected cell once, and no other."""
    seen: set[Key] = set()
    for index in range(len(published.rows)):
        key = published.key(index)
        if key in seen or key not in published.source.cells:
            problem = "given twice" if key in seen else "not a cell of this table"
            raise InputError(problem, where=f"{published.path}:{published.lines[index]} ({label(key)})")
        seen.add(key)
    absent = sorted(label(key) for key in published.source.cells - seen)
    if absent:
        raise InputError(f"{len(absent)} rows are missing: {'; '.join(absent[:5])}", where=str(published.path))
