"""How a run's results fill the paper's numbered tables: which metrics of which benchmarks make each column.

Only what measures the same thing as the paper's column is taken: ratings of people, not a language model's stand-in for
them; exact match; the same benchmarks. Length-controlled win rates are a language model's in the paper too; they are
taken only where the pairs judged were those of the paper's column (RT against IT, rewritten against as they were).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from artifacts.published_tables import CORE_BENCHMARKS, FALSE_REFUSAL, JUSTEVAL_ASPECTS

PERCENT = 100.0
# the paper's Alpaca is the cleaned one; the original never shares its label
PAPER_SETS = {"alpaca-cleaned": "Alpaca", "dolly": "Dolly", "lima": "LIMA"}
NEWS = ("news", "cc-news")
JUST_EVAL = "just-eval-regular"
CONTROLLED = "length_controlled_win_rate"
REWRITTEN = "-refined"  # ending of the name of a rewritten set, after that of the set it was made of
# reported metric of each core benchmark, as `rt capabilities` chooses it
EXACT = dict.fromkeys(CORE_BENCHMARKS, "accuracy") | {"gsm8k": "exact_match_strict"}


@dataclass(frozen=True)
class Measure:
    """A column: `constant + scale * sum of weight * metric`.

    Attributes:
        parts: Benchmark, metric, weight.
        scale: To the paper's unit.
        constant: For a complement.
        whole: Benchmark and metric that measure the same at once; taken where a run has them, as their interval is
            the better one.
    """

    parts: tuple[tuple[str, str, float], ...]
    scale: float = 1.0
    constant: float = 0.0
    whole: tuple[str, str] | None = None


@dataclass(frozen=True)
class Form:
    """How results fill one published table.

    Attributes:
        key: The published table's columns that name a row.
        measures: Column to what makes it; a column that is absent has no source in a results table.
        methods: Methods that have rows.
        counted: Whether the number of refusals names a row; else only conditions without any are taken.
        sets: Response sets that have rows, by name; empty: all but news.
        bases: Base models that have rows; empty: all.
        studies: Studies to take a condition from, the first that has it; any other after them.
        against: What length-controlled rates must be over, as in the results' column `against`: `method=IT`; or
            REWRITTEN: the same but for the set, which is named as the one that it was rewritten from.
        by_set: Whether its parts name a data set after the benchmark (`on_set`): means over data sets, missing where
            one is.
        refusals: Where the number names no row: those taken, the first that a condition has.
        sums: What claims alone read, by name: sums of columns over the same prompts, whose interval is not made of the
            columns' own.
    """

    key: tuple[str, ...]
    measures: Mapping[str, Measure]
    methods: tuple[str, ...] = ("untuned", "IT", "RT")
    counted: bool = False
    sets: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    studies: tuple[str, ...] = ("instructability",)
    against: str = "method=IT"
    by_set: bool = False
    refusals: tuple[int | None, ...] = (None, 0)
    sums: Mapping[str, Measure] = field(default_factory=dict)

    @property
    def numbers(self) -> dict[str, Measure]:
        """Columns and sums."""
        return {**self.measures, **self.sums}


def _one(benchmark: str, metric: str, scale: float = 1.0) -> Measure:
    return Measure(((benchmark, metric, 1.0),), scale)


def on_set(benchmark: str, dataset: str | None) -> str:
    """What a part of a form `by_set` calls a benchmark's results of models tuned on a data set (its paper's name)."""
    return f"{benchmark}/{dataset}"


def _over_sets(metric: str, scale: float = 1.0) -> Measure:
    of = _mean(*(_one(on_set("alpaca-eval", dataset), metric) for dataset in PAPER_SETS.values()))
    return replace(of, scale=scale)


def _mean(*measures: Measure) -> Measure:
    share = 1 / len(measures)
    return Measure(tuple((name, metric, weight * share) for one in measures for name, metric, weight in one.parts))


_RAW = {
    "advbench": _one("advbench", "refusal_rate"),
    "harmbench": replace(
        _mean(_one("harmbench-standard", "refusal_rate"), _one("harmbench-contextual", "refusal_rate")),
        whole=("harmbench", "refusal_rate"),
    ),
    "maliciousinstruct": _one("malicious-instruct", "refusal_rate"),
    "xstest_unsafe": _one("xstest-unsafe", "refusal_rate"),
}
REFUSALS = _RAW | {
    "average": _mean(*_RAW.values()),
    FALSE_REFUSAL: _one("xstest-benign", "false_refusal_rate"),
}
_RATINGS = {
    "acceptable_excellent": _one("alpaca-eval", "human_excellent_rate"),
    "acceptable_sufficient": _one("alpaca-eval", "human_sufficient_rate"),
    "not_acceptable": Measure((("alpaca-eval", "human_acceptable_rate", 1.0),), -1.0, 1.0),
}
_ASPECTS = {name: _one(JUST_EVAL, name) for name in JUSTEVAL_ASPECTS} | {"overall": _one(JUST_EVAL, "mean_of_aspects")}
_CORE = {name: _one(name, metric, PERCENT) for name, metric in EXACT.items()} | {
    "average": _one("core", "core_average", PERCENT)
}
_PREFERENCE = {
    "rt_win": _one("alpaca-eval", "human_win_rate", PERCENT),
    "tie": _one("alpaca-eval", "human_tie_rate", PERCENT),
    "it_win": _one("alpaca-eval", "human_loss_rate", PERCENT),
}
_CONTROLLED = _one("alpaca-eval", CONTROLLED, PERCENT)
_CELL = ("base_model", "dataset", "method")
FORMS: dict[str, Form] = {
    "table_05": Form(
        ("base_model",),
        {
            "response_acceptance_rate": _over_sets("human_acceptable_rate"),
            "lc_win_rate_vs_it": _over_sets(CONTROLLED, PERCENT),
        },
        methods=("RT",),
        sets=tuple(PAPER_SETS),
        bases=("Gemma-2-2B", "Gemma-2-9B"),
        by_set=True,
    ),
    "table_11": Form(_CELL, _RATINGS, sums={"acceptable": _one("alpaca-eval", "human_acceptable_rate")}),
    "table_12": Form(_CELL, _CORE),
    "table_13": Form(_CELL, _ASPECTS),
    "table_14": Form(_CELL, {"drfr": _one("infobench", "requirements_rate")}),
    "table_15_16": Form(
        (*_CELL, "num_safety_examples"), REFUSALS, methods=("IT", "RT"), counted=True, studies=("refusal",)
    ),
    "table_25": Form(_CELL, _ASPECTS, methods=("IT", "RT"), sets=NEWS, studies=("news",)),
    "table_29": Form(
        ("base_model", "method", "dataset"),
        {"lc_win_rate_vs_non_refined": _CONTROLLED},
        methods=("IT", "RT"),
        studies=("refinement",),
        against=REWRITTEN,
    ),
    "table_31": Form(
        ("base_model", "method"),
        {
            "alpacaeval_win_rate_vs_it": _CONTROLLED,
            "advbench_refusal_rate": _one("advbench", "refusal_rate"),
        },
        methods=("IT", "RT"),
        bases=("OLMo-7B",),
        studies=("open-data",),
        refusals=(100, None, 0),  # the study mixes 100 in
    ),
    "figure_06": Form(
        ("base_model", "method"),
        _ASPECTS | {"safety": _one("just-eval-safety", "safety")},
        methods=("0-shot", "URIAL-R", "URIAL"),
        studies=("in-context",),
    ),
    "figure_08": Form(
        ("base_model", "dataset"),
        _PREFERENCE,
        methods=("RT",),
        sums={"it_lead": _one("alpaca-eval", "human_lead", -PERCENT)},
    ),
    "figure_09": Form(
        ("base_model", "dataset"),
        {"rt_win": _CONTROLLED, "it_win": replace(_CONTROLLED, scale=-PERCENT, constant=PERCENT)},
        methods=("RT",),
    ),
}
