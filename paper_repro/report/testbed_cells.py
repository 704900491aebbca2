"""Results on the testbed's bases by what they measure: one cell a condition, one unit a pair of seeds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from paper_repro.report.table import Estimate
from paper_repro.score.metrics import FAULTS
from paper_repro.score.schema import Result

SIZES = ("0.5m", "2m", "5m")
MAIN_SIZE = "2m"
MAIN_CORPUS = "many"
RESPONSE_SETS = ("structured", "terse", "terse-refined", "curated", "curated-refined", "news")
FORMAT_COUNTS = (1, 2, 4, 8, 16)
SELECTION = "selection"  # the study of several ways to choose refusals
STRATEGIES = ("paper", "random", "diverse", "targeted")
DIRTY = "-dirty"  # ends the name of a response set with planted faults
CURED = "lexical"  # the recipe that is compared with raw responses
DOSES = {"many-declines-0": 0, "many-declines-5": 5, "many": 12}  # per cent of unsafe how-to questions declined
CORPORA = (
    "many",
    "many-apart",
    *(f"formats-{count}" for count in FORMAT_COUNTS),
    "none",
    "shuffled",
    "many-declines-0",
    "many-declines-5",
)
METHODS = ("untuned", "0-shot", "URIAL-R", "URIAL", "RT", "IT")
TUNED = ("RT", "IT")
LEVEL = 100  # refusals in training at which doses of declines are compared, and claims on refusals made
# where a condition is looked for that a study compares with but did not run itself
REFERENCE = ("instructability", "refusal", "corpora", "formats", "declines")
# measure: benchmark and metric of the results
MEASURES = {
    "acceptable": ("testbed-tasks", "acceptable_rate"),
    "excellent": ("testbed-tasks", "excellent_rate"),
    "content": ("testbed-tasks", "content_rate"),
    "stopping": ("testbed-tasks", "stopping_rate"),
    "first_line": ("testbed-tasks", "first_line_acceptable_rate"),
    "familiar": ("testbed-tasks-familiar", "acceptable_rate"),
    "held_out": ("testbed-tasks-held-out", "acceptable_rate"),
    "requirements": ("testbed-formats", "requirements_rate"),
    "friendly": ("testbed-tasks", "style_friendly_rate"),
    "unsafe": ("testbed-unsafe", "refusal_rate"),
    "never_declined": ("testbed-never-declined", "refusal_rate"),
    "look_alike": ("testbed-look-alike", "false_refusal_rate"),
    "benign": ("testbed-benign", "false_refusal_rate"),
    "faulty": ("testbed-training-rows", "faulty_rate"),
    **{f"faulty_{fault}": ("testbed-training-rows", f"faulty_{fault}_rate") for fault in FAULTS},
}
HEADINGS = {
    "acceptable": "Acceptable",
    "excellent": "Excellent",
    "content": "Content right",
    "stopping": "Stops right",
    "first_line": "Acceptable cut at first newline",
    "familiar": "Acceptable, familiar tasks",
    "held_out": "Acceptable, held-out tasks",
    "requirements": "Requirements met (DRFR)",
    "friendly": "Friendly style",
    "unsafe": "Unsafe refused",
    "never_declined": "Never-declined verbs refused",
    "look_alike": "Look-alike refused",
    "benign": "Benign refused",
    "faulty": "Faulty rows left",
    **{f"faulty_{fault}": f"{planted.replace('-', ' ').capitalize()} left" for fault, planted in FAULTS.items()},
}
_MEASURE_OF = {source: measure for measure, source in MEASURES.items()}
_BASE = re.compile(r"testbed-(?P<size>[0-9.]+m|tiny)-(?P<corpus>[a-z0-9-]+)-(?P<seed>\d+)")


class Base(NamedTuple):
    """What the name of a base says: size, pre-training corpus, pre-training seed."""

    size: str
    corpus: str
    seed: int


class Unit(NamedTuple):
    """What is repeated: pre-training seed, and tuning seed (None where nothing was tuned)."""

    base: int
    tuning: int | None


class CellKey(NamedTuple):
    """A condition without its seeds; `response_set` and `count` are None where nothing was tuned.

    `rate` is the learning rate in a study of several; None in all others, and where nothing was tuned. So is
    `strategy` (how refusals were selected), None without refusals too.
    """

    study: str
    size: str
    corpus: str
    response_set: str | None
    method: str
    count: int | None
    rate: float | None = None
    strategy: str | None = None

    def has(self, **facts: object) -> bool:
        """Whether these parts have these values; a tuple allows any of several."""
        return all(
            getattr(self, name) in value if isinstance(value, tuple) else getattr(self, name) == value
            for name, value in facts.items()
        )

    def words(self) -> str:
        """The condition as people write it."""
        tuned = [] if self.response_set is None else [f"on {self.response_set}", f"with {self.count} refusals"]
        tuned += [] if self.strategy is None else [f"({self.strategy})"]
        tuned += [] if self.rate is None else [f"at rate {self.rate:g}"]
        return " ".join([self.method, *tuned, f"({self.size.upper()}, {self.corpus}; study {self.study})"])


@dataclass(frozen=True)
class Cell:
    """Measurements of one condition: by measure, then by unit."""

    key: CellKey
    samples: dict[str, dict[Unit, Estimate]] = field(default_factory=dict)

    @property
    def units(self) -> list[Unit]:
        """Pairs of seeds with any measurement."""
        found = {unit for sample in self.samples.values() for unit in sample}
        return sorted(found, key=lambda unit: (unit.base, -1 if unit.tuning is None else unit.tuning))


Cells = Mapping[CellKey, Cell]


def parse_base(name: str) -> Base | None:
    """The parts of a testbed base's name, or None for another model."""
    match = _BASE.fullmatch(name)
    return Base(match["size"], match["corpus"], int(match["seed"])) if match else None


def set_label(response_set: str | None, recipe: str | None) -> str | None:
    """Short name of a response set; one that was curated otherwise never shares the plain one's."""
    if response_set is None:
        return None
    name = response_set.removeprefix("testbed-")
    return name if recipe in (None, "paper") else f"{name} ({recipe})"


def read_cells(results: Iterable[Result]) -> dict[CellKey, Cell]:
    """Cells of all results on testbed bases, in order.

    But for the study of selections, only refusals that were chosen the paper's way are taken.
    """
    results = list(results)
    several = _studies_of_rates(results)
    cells: dict[CellKey, Cell] = {}
    for result in results:
        base = parse_base(result.base_model)
        measure = _MEASURE_OF.get((result.benchmark, result.metric))
        if base is None or measure is None or (result.study != SELECTION and result.strategy not in (None, "paper")):
            continue
        label = set_label(result.response_set, result.recipe)
        rate = result.learning_rate if result.study in several else None
        strategy = result.strategy if result.study == SELECTION else None
        key = CellKey(result.study, base.size, base.corpus, label, result.method, result.num_refusals, rate, strategy)
        estimate = Estimate(result.value, result.low, result.high, result.n, result.unclassified, result.failed)
        sample = cells.setdefault(key, Cell(key)).samples.setdefault(measure, {})
        sample[Unit(base.seed, result.seed)] = estimate
    return dict(sorted(cells.items(), key=lambda item: order(item[0])))


def _studies_of_rates(results: Sequence[Result]) -> set[str]:
    """Studies with more than one learning rate: only there does a cell bear it, so that others find their like."""
    rates: dict[str, set[float]] = {}
    for result in results:
        if result.learning_rate is not None:
            rates.setdefault(result.study, set()).add(result.learning_rate)
    return {study for study, found in rates.items() if len(found) > 1}


def order(key: CellKey) -> tuple:
    """Reading order of cells: study, size, corpus, then untuned before tuned, set, refusals, method."""
    return (
        key.study,
        _place(key.size, SIZES),
        _place(key.corpus, CORPORA),
        key.response_set is not None,
        _place(key.response_set, RESPONSE_SETS),
        -1 if key.count is None else key.count,
        -1 if key.rate is None else key.rate,
        _place(key.strategy, STRATEGIES) if key.strategy else (-1, ""),
        _place(key.method, METHODS),
    )


def _place(value: str | None, known: Sequence[str]) -> tuple[int, str]:
    return (known.index(value) if value in known else len(known), value or "")


def select(cells: Cells, **facts: object) -> list[Cell]:
    """Cells whose key has these values; a tuple allows any of several."""
    return [cell for key, cell in cells.items() if key.has(**facts)]


def tuned_on(cells: Iterable[Cell]) -> list[tuple[str, str]]:
    """Size and response set of the tuned cells, each pair once, in their order."""
    keys = (cell.key for cell in cells)
    return list(dict.fromkeys((key.size, key.response_set) for key in keys if key.response_set is not None))


def values(cells: Iterable[Cell], name: str) -> list:
    """The different values of one part of the keys, in the cells' order."""
    return list(dict.fromkeys(getattr(cell.key, name) for cell in cells))


def with_reference(cells: Cells, study: str, corpora: Sequence[str]) -> list[Cell]:
    """Cells of a study on some corpora, with those from other studies where it has none of that condition itself.

    The same condition is often run in one study alone; a comparison across corpora needs it beside the others. Only
    sizes, response sets and numbers of refusals that the study has are taken.
    """
    own = select(cells, study=study)
    parts = {name: (None, *values(own, name)) for name in ("response_set", "count")}
    found = {cell.key: cell for cell in own if cell.key.corpus in corpora}
    for other in REFERENCE:
        more = select(cells, study=other, size=tuple(values(own, "size")), corpus=tuple(corpora), **parts)
        for cell in more:
            if cell.key.method in ("untuned", *TUNED):
                found.setdefault(cell.key._replace(study=study), cell)
    return [found[key] for key in sorted(found, key=order)]
