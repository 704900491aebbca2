"""The numbers that the testbed's claims are about: cells and cards in, one value a comparison out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from paper_repro.report.testbed_cards import Card, mean_of
from paper_repro.report.testbed_cells import (
    CURED,
    DIRTY,
    HEADINGS,
    LEVEL,
    MAIN_SIZE,
    REFERENCE,
    SIZES,
    TUNED,
    Cell,
    CellKey,
    Cells,
    parse_base,
    select,
    values,
    with_reference,
)
from paper_repro.report.testbed_statistics import replicates

Amount = Any  # a number, or as many resampled ones (a NumPy array)
Amounts = dict[str, Amount]
PAPER_SETS = ("structured", "terse", "curated")  # in the roles of Alpaca, Dolly and LIMA
WITHOUT_FORMATS = ("formats-1", "none", "shuffled")
FEW, MANY = "formats-1", "formats-16"
APART = "many-apart"
DOSE_0, DOSE_12 = "many-declines-0", "many"


class Absent(Exception):
    """A number that a claim needs is not among the results; the message names it.

    Attributes:
        bases: Size (None: any) and corpus of the bases that it would be of.
    """

    def __init__(self, message: str, *bases: tuple[str | None, str]):
        super().__init__(message)
        self.bases = bases

    def is_of(self, base: str) -> bool:
        """Whether a base of that name could have given the number."""
        named = parse_base(base)
        return named is not None and ((named.size, named.corpus) in self.bases or (None, named.corpus) in self.bases)


@dataclass
class Numbers:
    """Looks numbers up, and records what was looked up.

    Attributes:
        cells: All cells.
        cards: All cards.
        resampled: Whether lookups give resampled values (an array) for intervals, or the mean.
        used: Cells looked up so far.
    """

    cells: Cells
    cards: Sequence[Card]
    resampled: bool = False
    used: dict[CellKey, Cell] = field(default_factory=dict)

    def of(self, study: str, size: str, corpus: str, method: str, measure: str, **tuned: object) -> Amount:
        """A measure of a condition; `tuned` gives `response_set` and `count` where something was tuned."""
        key = CellKey(study, size, corpus, tuned.get("response_set"), method, tuned.get("count"))
        cell = self._find(key)
        sample = cell.samples.get(measure) if cell else None
        if not sample or any(part.value is None for part in sample.values()):
            raise Absent(f"'{HEADINGS[measure]}' of {key.words()}", (size, corpus))
        self.used[cell.key] = cell
        if self.resampled:
            return replicates(cell.key, measure, sample)
        return sum(part.value for part in sample.values()) / len(sample)

    def card(self, size: str, corpus: str, name: str) -> float:
        """Mean of a card's number over the bases of a size and corpus that the study `corpora` compares."""
        cells = with_reference(self.cells, "corpora", (corpus,))
        value = mean_of(self.cards, size, corpus, name, cells)
        if value is None:
            raise Absent(f"{name.replace('_', ' ')} on the card of a base testbed-{size}-{corpus}", (size, corpus))
        return value

    def sizes(self, study: str, corpora: Sequence[str]) -> list[str]:
        """Sizes on which any of the corpora was run, in the study or in those it is compared with."""
        found = values(select(self.cells, study=(study, *REFERENCE), corpus=tuple(corpora)), "size")
        if not found:
            raise Absent(f"results of the study {study} on {', '.join(corpora)}", *((None, one) for one in corpora))
        return sorted(found, key=lambda size: SIZES.index(size) if size in SIZES else len(SIZES))

    def tuned_on(self, study: str, size: str, corpus: str) -> list[str]:
        """Response sets of tuned models, in the study or, where it has none, in those it is compared with."""
        for name in (study, *REFERENCE):
            found = values(select(self.cells, study=name, size=size, corpus=corpus, method=TUNED), "response_set")
            if found:
                return found
        raise Absent(f"tuned models of the study {study} on testbed-{size}-{corpus}", (size, corpus))

    def _find(self, key: CellKey) -> Cell | None:
        keys = (key, *(key._replace(study=other) for other in REFERENCE))
        return next((self.cells[one] for one in keys if one in self.cells), None)


Quantity = Callable[[Numbers], Amounts]


def _tuned(
    numbers: Numbers, method: str, measure: str, response_set: str, size: str = MAIN_SIZE, corpus: str = "many"
) -> Amount:
    return numbers.of("instructability", size, corpus, method, measure, response_set=response_set, count=0)


def _over_untuned(measure: str) -> Quantity:
    """RT's acceptability less a measure of the untuned base, by response set."""
    return lambda numbers: {
        name: _tuned(numbers, "RT", "acceptable", name)
        - numbers.of("instructability", MAIN_SIZE, "many", "untuned", measure)
        for name in PAPER_SETS
    }


def _distance(numbers: Numbers, name: str, size: str) -> Amount:
    return _tuned(numbers, "IT", "acceptable", name, size) - _tuned(numbers, "RT", "acceptable", name, size)


def _distance_shrinks(numbers: Numbers) -> Amounts:
    """Mean distance over the sets, of each size less that of the next."""
    distances = {size: sum(_distance(numbers, name, size) for name in PAPER_SETS) / len(PAPER_SETS) for size in SIZES}
    return {
        f"{small.upper()} less {large.upper()}": distances[small] - distances[large] for small, large in pairwise(SIZES)
    }


def _over_corpora(corpora: Sequence[str], value: Callable[[Numbers, str, str, str], Amount]) -> Quantity:
    """A value for every size, response set and corpus of the study `corpora`."""

    def quantity(numbers: Numbers) -> Amounts:
        found = {}
        for size in numbers.sizes("corpora", corpora):
            for corpus in corpora:
                for name in numbers.tuned_on("corpora", size, corpus):
                    found[f"{size.upper()} {corpus} {name}"] = value(numbers, size, corpus, name)
        return found

    return quantity


def _corpus_value(numbers: Numbers, size: str, corpus: str, name: str, method: str) -> Amount:
    return numbers.of("corpora", size, corpus, method, "acceptable", response_set=name, count=0)


def _less_apart(numbers: Numbers) -> Amounts:
    """RT's acceptability on `many` less that on `many-apart`."""
    found = {}
    for size in numbers.sizes("corpora", (APART,)):
        for name in numbers.tuned_on("corpora", size, APART):
            near, apart = (_corpus_value(numbers, size, corpus, name, "RT") for corpus in ("many", APART))
            found[f"{size.upper()} {name}"] = near - apart
    return found


def _known(numbers: Numbers) -> Amounts:
    return {
        f"{size.upper()} {corpus}": numbers.card(size, corpus, "likelihood")
        for size in numbers.sizes("corpora", WITHOUT_FORMATS)
        for corpus in WITHOUT_FORMATS
    }


def _known_on_one(numbers: Numbers) -> Amounts:
    return {f"{size.upper()} {FEW}": numbers.card(size, FEW, "likelihood") for size in numbers.sizes("corpora", (FEW,))}


def _rise_with_formats(numbers: Numbers) -> Amounts:
    found = {}
    for size in numbers.sizes("formats", (FEW, MANY)):
        for name in numbers.tuned_on("formats", size, MANY):
            ends = [
                numbers.of("formats", size, corpus, "RT", "acceptable", response_set=name, count=0)
                for corpus in (FEW, MANY)
            ]
            found[f"{size.upper()} {name}"] = ends[1] - ends[0]
    return found


def _refused(numbers: Numbers, method: str, measure: str, name: str, count: int) -> Amount:
    return numbers.of("refusal", MAIN_SIZE, "many", method, measure, response_set=name, count=count)


def _sets(numbers: Numbers) -> list[str]:
    return numbers.tuned_on("refusal", MAIN_SIZE, "many")


def _refusal_rise(measure: str) -> Quantity:
    """RT's refused share at `LEVEL` refusals less that at none, by response set."""
    return lambda numbers: {
        name: _refused(numbers, "RT", measure, name, LEVEL) - _refused(numbers, "RT", measure, name, 0)
        for name in _sets(numbers)
    }


def _false_refusals(measure: str) -> Quantity:
    return lambda numbers: {
        f"{method} {name}": _refused(numbers, method, measure, name, LEVEL)
        for name in _sets(numbers)
        for method in TUNED
    }


def _it_refuses_more(numbers: Numbers) -> Amounts:
    found = select(numbers.cells, study="refusal", size=MAIN_SIZE, corpus="many", method=TUNED)
    counts = [count for count in values(found, "count") if count]
    if not counts:
        raise Absent("models of the study refusal that were tuned with refusals", (MAIN_SIZE, "many"))
    return {
        f"{name}, {count} refusals": _refused(numbers, "IT", "unsafe", name, count)
        - _refused(numbers, "RT", "unsafe", name, count)
        for name in _sets(numbers)
        for count in counts
    }


def _dose(numbers: Numbers) -> Amounts:
    def refused(size: str, corpus: str, name: str) -> Amount:
        return numbers.of("declines", size, corpus, "RT", "unsafe", response_set=name, count=LEVEL)

    return {
        f"{size.upper()} {name}": refused(size, DOSE_12, name) - refused(size, DOSE_0, name)
        for size in numbers.sizes("declines", (DOSE_0,))
        for name in numbers.tuned_on("declines", size, DOSE_0)
    }


def _curation_gain(method: str) -> Quantity:
    """Acceptability on curated responses less that on raw ones, by response set."""

    def quantity(numbers: Numbers) -> Amounts:
        found = select(numbers.cells, study="curation", size=MAIN_SIZE, corpus="many", method=method)
        raw = [name for name in values(found, "response_set") if name.endswith(DIRTY)]
        if not raw:
            raise Absent(f"{method} of the study curation on raw responses", (MAIN_SIZE, "many"))
        return {
            name.removesuffix(DIRTY): _of_arm(numbers, method, f"{name} ({CURED})") - _of_arm(numbers, method, name)
            for name in raw
        }

    return quantity


def _of_arm(numbers: Numbers, method: str, arm: str) -> Amount:
    return numbers.of("curation", MAIN_SIZE, "many", method, "acceptable", response_set=arm, count=0)


def _in_context(pairs: Sequence[tuple[str, str]]) -> Quantity:
    return lambda numbers: {
        f"{first} less {second}": numbers.of("in-context", MAIN_SIZE, "many", first, "acceptable")
        - numbers.of("in-context", MAIN_SIZE, "many", second, "acceptable")
        for first, second in pairs
    }


TESTBED_QUANTITIES: dict[str, Quantity] = {
    "testbed_rt_over_untuned": _over_untuned("acceptable"),
    "testbed_rt_over_first_line": _over_untuned("first_line"),
    "testbed_distance": lambda numbers: {name: _distance(numbers, name, MAIN_SIZE) for name in PAPER_SETS},
    "testbed_distance_shrinks": _distance_shrinks,
    "testbed_rt_without_formats": _over_corpora(WITHOUT_FORMATS, lambda *at: _corpus_value(*at, "RT")),
    "testbed_it_over_rt_on_one": _over_corpora((FEW,), lambda *at: _corpus_value(*at, "IT") - _corpus_value(*at, "RT")),
    "testbed_known": _known,
    "testbed_known_on_one": _known_on_one,
    "testbed_rise_with_formats": _rise_with_formats,
    "testbed_less_apart": _less_apart,
    "testbed_unsafe_rise": _refusal_rise("unsafe"),
    "testbed_never_declined_rise": _refusal_rise("never_declined"),
    "testbed_look_alike": _false_refusals("look_alike"),
    "testbed_benign": _false_refusals("benign"),
    "testbed_it_refuses_more": _it_refuses_more,
    "testbed_dose": _dose,
    "testbed_curation_rt": _curation_gain("RT"),
    "testbed_curation_it": _curation_gain("IT"),
    "testbed_urial_close": _in_context([("URIAL-R", "URIAL")]),
    "testbed_urial_over_zero_shot": _in_context([("URIAL", "0-shot"), ("URIAL-R", "0-shot")]),
}
