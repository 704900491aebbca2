"""Pairs of conditions on the same prompts: difference, paired interval, a test, and Holm's correction.

What is compared: RT with IT, each with the untuned base, URIAL-R with URIAL and with 0-shot, a number of refusals with
none, a strategy of choosing them with the paper's. Everything else is equal in a pair.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from artifacts.files import write_text
from paper_repro.conditions import Condition
from paper_repro.score.metrics import metrics_of
from paper_repro.score.outcomes import Outcomes, grouped, outcomes
from paper_repro.score.paired import Paired, holm, paired

COMPARISONS_CSV = "comparisons.csv"
RESAMPLES = 2_000  # at most; there are many pairs, and each is also permuted
METHOD_PAIRS = (("RT", "IT"), ("RT", "untuned"), ("IT", "untuned"), ("URIAL-R", "URIAL"), ("URIAL-R", "0-shot"))
REFERENCE_STRATEGY = "paper"
TUNED = ("RT", "IT")
UNPAIRED = ("planted-faults", "preference-llm")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of `comparisons.csv`.

    Attributes:
        study: Name of the study.
        base_model: Base weights of both.
        response_set: Response set of both, or of the tuned one.
        recipe: Its curation recipe.
        method: Method of both, or null where that is what differs.
        num_refusals: Refusals of both (or of the tuned one), or null where that is what differs.
        strategy: Strategy of both (or of the tuned one) by which they were chosen, or null where that is what differs.
        learning_rate: Learning rate of both, or of the tuned one.
        factor: What differs: `method`, `num_refusals` or `strategy`.
        first: Its value in the first.
        second: Its value in the second.
        benchmark: Benchmark, as in the results.
        metric: Metric, as in the results.
        judge: Judge, as in the results.
        value_first: The first's metric, mean over seeds.
        value_second: The second's.
        difference: First less second.
        low: Lower end of its 95 % interval; prompts are resampled together for both, and seeds. Of rates that differ by
            the same on every prompt it is what Wilson's interval of none of the prompts allows.
        high: Upper end.
        p: Two-sided p-value of `test`.
        p_holm: The same, corrected for all comparisons of the table (Holm 1979).
        test: `mcnemar` (exact; rates of one seed) or `permutation` (the two are swapped prompt by prompt).
        prompts: Prompts that both were asked.
        seeds: Seeds that both have.
        unclassified: Replies of either without a verdict, over seeds; they count as in the results.
    """

    study: str
    base_model: str
    response_set: str | None
    recipe: str | None
    method: str | None
    num_refusals: int | None
    strategy: str | None
    learning_rate: float | None
    factor: str
    first: str
    second: str
    benchmark: str
    metric: str
    judge: str
    value_first: float
    value_second: float
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    test: str
    prompts: int
    seeds: int
    unclassified: int


@dataclass(frozen=True)
class Cell:
    """Outcomes of one condition on one benchmark by one judge and metric, by seed (None where nothing was tuned)."""

    condition: Condition
    by_seed: dict[int | None, Outcomes]


class Comparable:
    """Outcomes of conditions, gathered one after the other, and all comparisons that they allow."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str, str], dict[Condition, Cell]] = {}

    def add(self, condition: Condition, verdicts: Sequence[Mapping[str, Any]]) -> None:
        """Take in the verdicts on one condition.

        Left out: judges that are people, who give several verdicts a prompt; verdicts on what was tuned on, which is
        the same for RT and IT; and preferences, whose other side is another one for each condition.
        """
        unseeded = condition.model_copy(update={"seed": None})
        ordered = sorted(verdicts, key=lambda row: row["prompt_id"])
        for (benchmark, judge), rows in grouped(ordered, subsets=False).items():
            for metric in metrics_of(judge, benchmark):
                if metric.kind == "raters" or judge in UNPAIRED:
                    continue
                own = self._cells.setdefault((benchmark, judge, metric.name), {})
                own.setdefault(unseeded, Cell(unseeded, {})).by_seed[condition.seed] = outcomes(rows, metric)

    def compare(self, study: str, seed: int, resamples: int) -> list[Comparison]:
        """All comparisons, in a stable order.

        Args:
            study: Name of the study.
            seed: Of resampling and permuting.
            resamples: Resamples and permutations, at most `RESAMPLES`.
        """
        found = []
        for (benchmark, judge, metric), own in sorted(self._cells.items()):
            for factor, first, second in _pairs([own[name] for name in sorted(own, key=_order)]):
                result = _paired(first, second, seed, min(resamples, RESAMPLES))
                if result is not None:
                    found.append(_row(study, factor, first, second, (benchmark, metric, judge), result))
        corrected = holm([one.p for one in found])
        return [replace(one, p_holm=p) for one, p in zip(found, corrected, strict=True)]


def _order(condition: Condition) -> str:
    return str(list(condition.model_dump().values()))


def _pairs(cells: Sequence[Cell]) -> Iterator[tuple[str, Cell, Cell]]:
    for first in cells:
        for second in cells:
            factor = _factor(first.condition, second.condition)
            if factor is not None:
                yield factor, first, second


def _factor(first: Condition, second: Condition) -> str | None:
    """What is compared between two conditions, or None if they are no pair."""
    if (first.base_model, first.model_size) != (second.base_model, second.model_size):  # a name may stand for two
        return None
    if (first.method, second.method) in METHOD_PAIRS:
        same = second.method not in TUNED or _equal_but(first, second, "method")
        return "method" if same else None
    if first.method != second.method or first.method not in TUNED:
        return None
    if second.num_refusals == 0 and first.num_refusals and _equal_but(first, second, "num_refusals", "strategy"):
        return "num_refusals"
    if second.strategy == REFERENCE_STRATEGY != first.strategy and _equal_but(first, second, "strategy"):
        return "strategy" if first.strategy else None
    return None


def _equal_but(first: Condition, second: Condition, *names: str) -> bool:
    without = dict.fromkeys(names)
    return first.model_copy(update=without) == second.model_copy(update=without)


def _paired(first: Cell, second: Cell, seed: int, resamples: int) -> Paired | None:
    """The comparison over the seeds and the prompts that both have; an untuned one stands beside every seed.

    None where they share nothing.
    """
    if None in second.by_seed and None not in first.by_seed:
        pairs = [(own, second.by_seed[None]) for _, own in sorted(first.by_seed.items())]
    else:
        common = [name for name in first.by_seed if name in second.by_seed]
        pairs = [(first.by_seed[name], second.by_seed[name]) for name in sorted(common, key=str)]
    everywhere = set.intersection(*(set(one.prompts) for pair in pairs for one in pair)) if pairs else set()
    if not everywhere:
        return None
    return paired([(own.only(everywhere), other.only(everywhere)) for own, other in pairs], seed, resamples)


def _row(study: str, factor: str, first: Cell, second: Cell, names: tuple[str, str, str], result: Paired) -> Comparison:
    benchmark, metric, judge = names
    of = first.condition  # where only one is tuned it is this one
    return Comparison(
        study=study,
        base_model=of.base_model,
        response_set=of.response_set,
        recipe=of.recipe,
        method=None if factor == "method" else of.method,
        num_refusals=None if factor == "num_refusals" else of.num_refusals,
        strategy=None if factor in ("num_refusals", "strategy") else of.strategy,
        learning_rate=of.learning_rate,
        factor=factor,
        first=_level(of, factor),
        second=_level(second.condition, factor),
        benchmark=benchmark,
        metric=metric,
        judge=judge,
        p_holm=result.p,
        **asdict(result),
    )


def _level(condition: Condition, factor: str) -> str:
    value = getattr(condition, factor)
    if factor == "num_refusals" and condition.strategy not in (None, REFERENCE_STRATEGY):
        return f"{value} ({condition.strategy})"
    return str(value)


def write_comparisons(rows: Sequence[Comparison], folder: Path) -> None:
    """Write `comparisons.csv`: a header line, an empty field for null, every digit of a number."""
    file = io.StringIO()
    writer = csv.DictWriter(file, [field.name for field in fields(Comparison)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_text(folder / COMPARISONS_CSV, file.getvalue())


def read_comparisons(folder: Path) -> list[Comparison]:
    """The comparisons of a scores artifact, in their order; none where it was made before there were any.

    Raises:
        InputError: a line lacks a column, or holds something else than a number where one belongs.
    """
    path = folder / COMPARISONS_CSV
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return [_parsed(row, f"{path}:{line}") for line, row in enumerate(csv.DictReader(stream), start=2)]


def _parsed(row: Mapping[str, str], where: str) -> Comparison:
    values: dict[str, Any] = {}
    for field in fields(Comparison):
        kind, text = str(field.type).split(" ")[0], row.get(field.name)
        if text is None or (text == "" and "None" not in str(field.type)):
            raise InputError(f"no value of '{field.name}'", where=where)
        try:
            values[field.name] = None if text == "" else {"str": str, "int": int, "float": float}[kind](text)
        except ValueError:
            raise InputError(f"'{field.name}' is '{text}', not a number", where=where) from None
    return Comparison(**values)
