"""Our own results in the form of the paper's numbered tables: a cell a condition, means over seeds with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from artifacts.published_tables import MODELS
from paper_repro.report.run_forms import CONTROLLED, FORMS, NEWS, PAPER_SETS, REWRITTEN, Form, Measure, on_set
from paper_repro.report.table import Estimate
from paper_repro.report.testbed_statistics import interval, resample
from paper_repro.score.schema import Result

Amount = Any  # a number, or as many resampled ones (a NumPy array)
Key = tuple[str | int | None, ...]
Source = tuple[str, str]  # benchmark and metric
Seeds = dict[int | None, Estimate]
OF_THE_PAPER = (*MODELS, "OLMo-7B")


@dataclass(frozen=True)
class Cell:
    """One condition: what was measured, by benchmark and metric, then by seed."""

    samples: dict[Source, Seeds] = field(default_factory=dict)

    @property
    def seeds(self) -> int:
        """Fewest seeds of any number of it."""
        return min((len(sample) for sample in self.samples.values()), default=0)


@dataclass(frozen=True)
class RunTable:
    """Results in the form of one published table.

    Attributes:
        name: The published table.
        form: How results fill it.
        found: Condition to its measurements, in reading order.
    """

    name: str
    form: Form
    found: Mapping[Key, Cell]

    @property
    def seeds(self) -> int:
        """Fewest seeds of any tuned condition, or of all where none is tuned."""
        tuned = [cell for cell in self.found.values() if any(None not in one for one in cell.samples.values())]
        return min((cell.seeds for cell in tuned or self.found.values()), default=0)

    def estimates(self) -> dict[Key, dict[str, Estimate]]:
        """Every column of every condition; what was not measured has no value."""
        return {key: self._estimates(key, self.form.measures) for key in self.found}

    def _estimates(self, key: Key, measures: Mapping[str, Measure]) -> dict[str, Estimate]:
        name, cell = self._name(key), self.found[key]
        return {column: _estimate(name, measure, cell) for column, measure in measures.items()}

    @cached_property
    def _means(self) -> dict[Key, dict[str, float]]:
        return {
            key: {
                column: estimate.value
                for column, estimate in self._estimates(key, self.form.numbers).items()
                if estimate.value is not None
            }
            for key in self.found
        }

    def cells(self) -> dict[Key, dict[str, Amount]]:
        """Columns and sums that have a value, by condition: the form that the claims' quantities read."""
        return self._means

    def resampled(self) -> Resampled:
        """The same with resampled values in place of each mean, for intervals of what is computed from them."""
        return Resampled(self)

    def columns(self, resampled: bool) -> dict[Key, dict[str, Amount]]:
        """Means, or resampled values of them."""
        if not resampled:
            return self._means
        return {
            key: {column: _draws(self._name(key), self.form.numbers[column], self.found[key]) for column in row}
            for key, row in self._means.items()
        }

    def _name(self, key: Key) -> str:
        return "|".join(map(str, (self.name, *key)))


@dataclass(frozen=True)
class Resampled:
    """A run's table whose cells hold resampled values."""

    table: RunTable

    def cells(self) -> dict[Key, dict[str, Amount]]:
        """As `RunTable.cells`, arrays of draws."""
        return self.table.columns(resampled=True)


def run_tables(results: Iterable[Result]) -> dict[str, RunTable]:
    """The run's tables by the published table's name; those without any number are left out."""
    rows = [row for row in results if row.strategy in (None, "paper") and row.recipe in (None, "paper")]
    made = {name: RunTable(name, form, _read(form, rows)) for name, form in FORMS.items()}
    return {name: table for name, table in made.items() if any(table.cells().values())}


def paper_model(name: str) -> str:
    """The paper's name of a base model where it is one of the paper's, else the name as it is."""
    last = name.rsplit("/", 1)[-1].lower().removesuffix("-hf")
    return next((model for model in OF_THE_PAPER if last in (model.lower(), f"meta-{model.lower()}")), name)


def _read(form: Form, results: Sequence[Result]) -> dict[Key, Cell]:
    sources = {(benchmark, metric) for one in form.numbers.values() for benchmark, metric, _ in one.parts}
    sources |= {one.whole for one in form.measures.values() if one.whole}
    wanted = [row for row in results if _source(form, row) in sources and _belongs(form, row)]
    wanted.sort(key=lambda row: _preference(form, row))
    label = _labels(wanted)
    cells: dict[Key, Cell] = {}
    taken: dict[tuple[Key, Source], tuple[str, int | None]] = {}
    for row in wanted:
        for base in label(row):
            key = _key(form, row, base)
            source = _source(form, row)
            if taken.setdefault((key, source), (row.study, row.num_refusals)) != (row.study, row.num_refusals):
                continue  # the same condition in a study, or with refusals, further down the form's list
            estimate = Estimate(row.value, row.low, row.high, row.n, row.unclassified, row.failed)
            cells.setdefault(key, Cell()).samples.setdefault(source, {})[row.seed] = estimate
    return dict(sorted(cells.items(), key=lambda item: _order(form, item[0])))


def _source(form: Form, row: Result) -> Source:
    """What the form's parts call a row's benchmark and metric."""
    return on_set(row.benchmark, PAPER_SETS.get(row.response_set)) if form.by_set else row.benchmark, row.metric


def _belongs(form: Form, row: Result) -> bool:
    dataset = row.response_set
    return (
        row.method in form.methods
        and (form.counted or row.num_refusals in form.refusals)
        and (row.metric != CONTROLLED or _is_compared(form, row))
        and (not form.bases or paper_model(row.base_model) in form.bases)
        and (dataset is None or (dataset in form.sets if form.sets else dataset not in NEWS))
    )


def _is_compared(form: Form, row: Result) -> bool:
    """Whether a length-controlled rate is over what the form's is."""
    if form.against == REWRITTEN:
        return (row.response_set or "").endswith(REWRITTEN) and row.against == f"response_set={_origin(row)}"
    return row.against == form.against


def _origin(row: Result) -> str:
    return row.response_set.removesuffix(REWRITTEN)


def _preference(form: Form, row: Result) -> tuple:
    place = form.studies.index(row.study) if row.study in form.studies else len(form.studies)
    refusals = 0 if form.counted else form.refusals.index(row.num_refusals)
    study, seed = ((value is not None, value if value is not None else 0) for value in (row.study, row.seed))
    return place, study, refusals, seed


def _labels(results: Sequence[Result]) -> Callable[[Result], list[str]]:
    """What a result's base is called: its name, with judge and learning rate where these differ between conditions.

    An untuned model has no learning rate: it stands under every name that its tuned forms have.
    """
    tuned = [row for row in results if row.seed is not None] or list(results)
    rates = sorted({row.learning_rate for row in tuned if row.learning_rate is not None})
    judges = {source: set() for source in {(row.benchmark, row.metric) for row in results}}
    for row in results:
        judges[row.benchmark, row.metric].add(row.judge)
    several = any(len(found) > 1 for found in judges.values())

    def label(row: Result) -> list[str]:
        name = paper_model(row.base_model) + (f", judge {row.judge}" if several else "")
        if len(rates) < 2:
            return [name]
        own = rates if row.learning_rate is None else [row.learning_rate]
        return [f"{name}, learning rate {rate:g}" for rate in own]

    return label


def _key(form: Form, row: Result, base: str) -> Key:
    dataset = _origin(row) if form.against == REWRITTEN else row.response_set
    values = {
        "base_model": base,
        "dataset": "News" if dataset in NEWS else PAPER_SETS.get(dataset, dataset),
        "method": row.method,
        "num_safety_examples": row.num_refusals,
    }
    return tuple(values[name] for name in form.key)


def _order(form: Form, key: Key) -> tuple:
    """The paper's models in its order, then others; untuned first; methods in the form's order."""
    values = dict(zip(form.key, key, strict=True))
    base, dataset, count = values["base_model"], values.get("dataset"), values.get("num_safety_examples")
    sets = list(PAPER_SETS.values())
    return (
        OF_THE_PAPER.index(base) if base in OF_THE_PAPER else len(OF_THE_PAPER),
        base,
        dataset is not None,
        sets.index(dataset) if dataset in sets else len(sets),
        dataset or "",
        form.methods.index(values["method"]) if "method" in values else 0,
        count or 0,
    )


def _samples(measure: Measure, cell: Cell) -> list[tuple[float, Source, Seeds]] | None:
    """Weight, source and estimates of each part; None if a part lacks a value on any seed that others have."""
    if measure.whole in cell.samples and all(e.value is not None for e in cell.samples[measure.whole].values()):
        return [(1.0, measure.whole, cell.samples[measure.whole])]
    parts = [(weight, (name, metric), cell.samples.get((name, metric), {})) for name, metric, weight in measure.parts]
    seeds = {seed for _, _, sample in parts for seed in sample}
    whole = all(sample.keys() == seeds and all(e.value is not None for e in sample.values()) for *_, sample in parts)
    return parts if seeds and whole else None


def _estimate(name: str, measure: Measure, cell: Cell) -> Estimate:
    parts = _samples(measure, cell)
    if parts is None:
        seen = [e for *source, _ in measure.parts for e in cell.samples.get(tuple(source), {}).values()]
        return Estimate(None, None, None, *_counts(seen)) if seen else Estimate(None)
    total = sum(weight * sum(e.value for e in sample.values()) / len(sample) for weight, _, sample in parts)
    value = measure.constant + measure.scale * total
    estimates = [estimate for *_, sample in parts for estimate in sample.values()]
    if any(estimate.low is None for estimate in estimates):
        return Estimate(value, None, None, *_counts(estimates))
    if len(estimates) == 1:
        ends = sorted(measure.constant + measure.scale * weight for weight in (estimates[0].low, estimates[0].high))
    else:
        ends = interval(_draws(name, measure, cell))
    return Estimate(value, min(ends[0], value), max(ends[1], value), *_counts(estimates))


def _counts(estimates: Sequence[Estimate]) -> list[int | None]:
    return [sum(getattr(one, part) or 0 for one in estimates) or None for part in ("n", "unclassified", "failed")]


def _draws(name: str, measure: Measure, cell: Cell) -> Amount:
    """Resampled values of a column; the parts are resampled apart, as their prompts are others.

    So shares of the same ratings must not be summed by a claim: that is what a form's `sums` are for.
    """
    parts = _samples(measure, cell)
    total = sum(weight * resample("|".join((name, *source)), list(sample.values())) for weight, source, sample in parts)
    return measure.constant + measure.scale * total
