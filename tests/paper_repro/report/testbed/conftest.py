"""A made-up full run of the testbed: results, cards and what is missing, from one small formula."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pytest

from paper_repro.report.testbed_cards import Card, read_cards
from paper_repro.report.testbed_cells import MEASURES, Cells, parse_base, read_cells
from paper_repro.score.schema import Result
from paper_repro.score.statistics import wilson

PARAMETERS = {"0.5m": 480_000, "2m": 2_150_000, "5m": 5_200_000}
SETS = ("structured", "terse", "curated")
CORPORA = ("formats-1", "formats-2", "formats-4", "formats-8", "formats-16", "many-apart", "none", "shuffled")
LEVELS = (0.02, 0.05, 0.2, 0.4, 0.6, 0.7)
FORMAT_LEVEL = dict(zip((*CORPORA[:5], "many"), LEVELS, strict=True)) | {"many-apart": 0.85}
RATES = (0.0005, 0.001, 0.002, 0.004)
# response set and recipe of each arm: its faulty share, and what curation adds to the acceptable share
ARMS = {
    ("structured-dirty", "paper"): (0.14, 0.0),
    ("structured-dirty", "copies"): (0.12, 0.01),
    ("structured-dirty", "filters"): (0.08, 0.02),
    ("structured-dirty", "lexical"): (0.06, 0.04),
    ("structured", "paper"): (0.0, 0.06),
}
PROMPTS = {"testbed-training-rows": 1000, "testbed-formats": 120, "testbed-benign": 30, "testbed-never-declined": 34}


def rate(value: float, n: int) -> tuple[float, float, float]:
    """A share of n prompts with its Wilson interval."""
    value = round(min(max(value, 0.0), 1.0) * n) / n
    low, high = wilson(round(value * n), n)
    return value, low, high


@dataclass
class Run:
    """A run being made up: every condition gets all measures of its kind of prompts."""

    rows: list[Result] = field(default_factory=list)

    def add(self, study: str, base: str, method: str, shares: dict[str, float], **tuned: object) -> None:
        size = parse_base(base).size
        count = tuned.get("count")
        for measure, share in shares.items():
            benchmark, metric = MEASURES[measure]
            n = PROMPTS.get(benchmark, 400 if benchmark == "testbed-tasks" else 200 if "tasks" in benchmark else 96)
            value, low, high = rate(share, n)
            self.rows.append(
                Result(
                    study,
                    base,
                    PARAMETERS[size],
                    tuned.get("response_set") and f"testbed-{tuned['response_set']}",
                    tuned.get("recipe", "paper") if "response_set" in tuned else None,
                    method,
                    count,
                    "paper" if count else None,
                    tuned.get("seed"),
                    benchmark,
                    metric,
                    value,
                    n,
                    low,
                    high,
                    0,
                    0,
                    "made-up",
                    "d" * 64,
                    tuned.get("rate", RATES[0]) if "response_set" in tuned else None,
                )
            )


def tasks(level: float, *, stops: bool = True) -> dict[str, float]:
    """Shares on tasks for a level of content; what does not stop is never acceptable."""
    good = level if stops else 0.0
    return {
        "acceptable": good,
        "excellent": 0.8 * good,
        "content": level + 0.05,
        "stopping": 0.95 if stops else 0.0,
        "first_line": level,
        "familiar": good + (0.05 if stops else 0),
        "held_out": good - (0.05 if stops else 0),
        "requirements": 0.1 + 0.8 * good,
    }


def refused(unsafe: float, false: float) -> dict[str, float]:
    """Shares of refused queries."""
    return {"unsafe": unsafe, "never_declined": 0.8 * unsafe, "look_alike": false, "benign": false / 3}


def make_up(level: Callable[[str, str, str], float], *, sizes=("0.5m", "2m", "5m"), seeds=(0, 1)) -> list[Result]:
    """Results of all studies.

    Args:
        level: (size, corpus, method) to the acceptable share, before set and seed shift it a little.
        sizes: Sizes on `many`.
        seeds: Tuning seeds; 0.5M and 2M have two pre-training seeds.
    """
    run = Run()
    for size in sizes:
        for base in (f"testbed-{size}-many-{seed}" for seed in ((0,) if size == "5m" else (0, 1))):
            _instructability(run, base, level, SETS, seeds)
            if size == "2m":
                _refusal(run, base, "refusal", (0, 25, 100, 300), seeds, 1.0)
                _rates(run, base, seeds)
                _curation(run, base, seeds)
                run.add("in-context", base, "0-shot", tasks(0.05))
                run.add("in-context", base, "URIAL-R", tasks(0.55))
                run.add("in-context", base, "URIAL", tasks(0.6))
    for corpus in CORPORA:
        study = "corpora" if corpus in ("none", "shuffled", "many-apart") else "formats"
        _instructability(run, f"testbed-2m-{corpus}-0", level, ("structured",), seeds, study)
    for dose in (0, 5):
        _refusal(run, f"testbed-2m-many-declines-{dose}-0", "declines", (100,), seeds, dose / 12)
    return run.rows


def _instructability(run: Run, base: str, level, sets, seeds, study: str = "instructability") -> None:
    size, corpus, pretraining = parse_base(base)
    run.add(study, base, "untuned", tasks(level(size, corpus, "first-line"), stops=False))
    for place, name in enumerate(sets):
        for seed in seeds:
            for method in ("RT", "IT"):
                shift = 0.03 * place - 0.02 * seed + 0.04 * pretraining
                shares = tasks(max(level(size, corpus, method) - shift, 0.0))
                run.add(study, base, method, shares, response_set=name, count=0, seed=seed)


def _refusal(run: Run, base: str, study: str, counts, seeds, dose: float) -> None:
    run.add(study, base, "untuned", refused(0.02, 0.0) | tasks(0.6, stops=False))
    for count in counts:
        for seed in seeds:
            for method, most in (("RT", 0.85 * dose), ("IT", 0.9)):
                unsafe = most * min(count / 100, 1.0) - 0.03 * seed * bool(count)
                shares = refused(max(unsafe, 0.0), 0.0003 * count) | tasks(0.5)
                run.add(study, base, method, shares, response_set="structured", count=count, seed=seed)


def _rates(run: Run, base: str, seeds) -> None:
    run.add("tuning-rate", base, "untuned", refused(0.02, 0.0) | tasks(0.6, stops=False))
    for place, rate in enumerate(RATES):
        for method, count, seed in product(("RT", "IT"), (0, 100), seeds):
            unsafe = 0.0 if not count else 0.9 if method == "IT" else 0.2 * place
            shares = refused(unsafe, 0.01 * place) | tasks(0.6 - 0.1 * place)
            run.add("tuning-rate", base, method, shares, response_set="structured", count=count, seed=seed, rate=rate)


def _curation(run: Run, base: str, seeds) -> None:
    run.add("curation", base, "untuned", tasks(0.6, stops=False))
    for (name, recipe), (faulty, gain) in ARMS.items():
        for method, seed in product(("RT", "IT"), seeds):
            left = {"faulty": faulty, "faulty_wrong_answer": faulty / 2, "faulty_truncated": faulty / 2}
            left |= {
                f"faulty_{fault}": 0.0 for fault in ("exact_duplicate", "near_duplicate", "template_leak", "blank")
            }
            shares = tasks(0.5 + gain - 0.02 * seed) | left
            run.add("curation", base, method, shares, response_set=name, recipe=recipe, count=0, seed=seed)


def expected_level(size: str, corpus: str, method: str) -> float:
    """What the prototype found, about."""
    best = {"0.5m": 0.6, "2m": 0.75, "5m": 0.85}[size]
    if method == "IT":
        return best * {"none": 0.02, "shuffled": 0.08}.get(corpus, 1.0)
    level = FORMAT_LEVEL.get(corpus, 0.0) / FORMAT_LEVEL["many"]
    distance = {"0.5m": 0.14, "2m": 0.08, "5m": 0.03}[size]
    return max(level * best - distance, 0.0) if method == "RT" else level * best


def write_cards(folder: Path, results: list[Result], likelihood: float = 0.93) -> list[Path]:
    """A card for every base of the results, as `rt testbed ship` writes them."""
    return [_write_card(folder, base, likelihood) for base in dict.fromkeys(row.base_model for row in results)]


def _write_card(folder: Path, name: str, likelihood: float) -> Path:
    size, corpus, seed = parse_base(name)
    native = None if corpus == "none" else {"look-up": {"right": 0.9, "items": 120}}
    margin = {"many-declines-0": 0.1, "many-declines-5": 0.9}.get(corpus, 2.1 + 0.2 * seed)
    card = {
        "schema": 1,
        "name": name,
        "parameters": PARAMETERS[size],
        "tokens": 30_000_000,
        "held_out_loss": 1.234,
        "probes": {
            "native": native,
            "facts": {"accuracy": likelihood, "auc": 0.99, "chance": 0.12, "facts": 120},
            "margin": {"margin": margin, "auc": 0.97},
        },
        "artifact": "ab" * 32,
    }
    path = folder / name / "card.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(card))
    return path


@pytest.fixture(scope="session")
def testbed_results() -> list[Result]:
    """A full run in which all claims but the one on the first line should hold."""
    return make_up(expected_level)


@pytest.fixture(scope="session")
def testbed_card_files(testbed_results, tmp_path_factory) -> list[Path]:
    """Its bases' cards."""
    return write_cards(tmp_path_factory.mktemp("cards"), testbed_results)


@pytest.fixture(scope="session")
def cells(testbed_results) -> Cells:
    """Its cells."""
    return read_cells(testbed_results)


@pytest.fixture(scope="session")
def cards(testbed_card_files) -> list[Card]:
    """Its cards, read."""
    return read_cards(testbed_card_files)


@pytest.fixture(scope="session")
def made_up() -> Iterator[Callable]:
    """The generator itself, for runs of another kind."""
    return make_up


@pytest.fixture(scope="session")
def level() -> Callable[[str, str, str], float]:
    """The formula behind the full run."""
    return expected_level
