"""Every numbered table and figure of the paper: what it shows, what stands for it here, and why where nothing does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from paper_repro.report.figures import FIGURES
from paper_repro.report.lacking import Lacking
from paper_repro.report.numbers import NUMBERS, without_numbers
from paper_repro.report.prompts import PROMPTS
from paper_repro.report.table import Column, Table
from paper_repro.report.tables import PAPER, TABLES

Shows = Literal["numbers", "model outputs", "data examples", "prompts", "drawing", "page"]
GIVEN, COUNTERPART, NOT_RUN, NOT_APPLICABLE, MISSING = "given", "counterpart", "not run", "not applicable", "missing"
REPLIES = "sample-replies"  # the part of the page that shows them
NO_WORLD = "the testbed's bases know nothing but a made-up world, so these benchmarks cannot be asked"
NO_STYLE = "the testbed's judges are rules of ours: scores of style would reward what those rules reward"
NO_RATERS = "it is about ratings of people: nobody rated replies of the testbed (rt annotate collects ratings)"
NO_PREFERENCE = (
    "it needs a judge that prefers one of two replies (GPT-4 in the paper): the testbed's judges are exact rules, each "
    "on one reply"
)
NO_RATERS_OR_PREFERENCE = (
    "it needs people who rated pairs (a; nobody did, rt annotate collects ratings) and a judge that prefers one of two "
    "replies (b; GPT-4 in the paper): the testbed's judges are exact rules, each on one reply"
)


@dataclass(frozen=True)
class Item:
    """A numbered item of the paper.

    Attributes:
        name: File stem: `table_11`, `figure_05`.
        title: What it shows, in our words.
        shows: Kind of content.
        testbed: Names (or beginnings of names) of the testbed's items that answer the same question.
        not_testbed: Why the testbed has none, if it cannot.
        study: Study that would give it.
    """

    name: str
    title: str
    shows: Shows
    testbed: tuple[str, ...] = ()
    not_testbed: str = ""
    study: str = ""

    @property
    def words(self) -> str:
        """As people cite it."""
        kind, number = self.name.split("_")
        return f"{kind.capitalize()} {int(number)}"


def _table(number: int, title: str, shows: Shows, *testbed: str, why: str = "", study: str = "") -> Item:
    return Item(f"table_{number:02d}", title, shows, testbed, why, study)


def _figure(number: int, title: str, shows: Shows, *testbed: str, why: str = "", study: str = "") -> Item:
    return Item(f"figure_{number:02d}", title, shows, testbed, why, study)


def _outputs(number: int) -> Item:
    return _table(number, "Replies of models to the same prompts", "model outputs", REPLIES)


_INSTRUCT, _REFUSAL, _NEWS, _REFINE = "instructability", "refusal", "news", "refinement"
ITEMS: dict[str, Item] = {
    item.name: item
    for item in (
        _table(1, "Average of six benchmarks of core capabilities", "numbers", why=NO_WORLD),
        _outputs(2),
        _table(3, "Requirements met (part of Table 14)", "numbers", "testbed_instructability", study=_INSTRUCT),
        _outputs(4),
        _table(5, "Instructability and model size", "numbers", "testbed_size", study="size"),
        *(_table(number, title, "prompts") for number, (title, *_) in PROMPTS.items() if number <= 10),
        _table(11, "Acceptability of responses", "numbers", "testbed_instructability", study=_INSTRUCT),
        _table(12, "Six benchmarks of core capabilities", "numbers", why=NO_WORLD),
        _table(13, "Response quality on JustEval, five aspects", "numbers", why=NO_STYLE),
        _table(14, "Requirements met on InFoBench (DRFR)", "numbers", "testbed_instructability", study=_INSTRUCT),
        _table(15, "Refusal rates, Gemma models", "numbers", "testbed_refusal", study=_REFUSAL),
        _table(16, "Refusal rates, Llama and Mistral", "numbers", "testbed_refusal", study=_REFUSAL),
        *(_outputs(number) for number in range(17, 22)),
        _table(22, "Examples of training data", "data examples", "training_examples"),
        _table(23, PROMPTS[23][0], "prompts"),
        _table(24, "Examples of responses made from news", "data examples", "training_examples_news", study=_NEWS),
        _table(25, "Response quality after tuning on news", "numbers", "testbed_news", study=_NEWS),
        _table(26, "Replies of the model tuned on news", "model outputs", REPLIES, study=_NEWS),
        _table(27, PROMPTS[27][0], "prompts"),
        _table(28, "Examples of refined responses", "data examples", "training_examples_refined", study=_REFINE),
        _table(29, "Refined against unrefined responses", "numbers", "testbed_refinement", study=_REFINE),
        _table(30, "Replies after tuning on refined responses", "model outputs", REPLIES, study=_REFINE),
        _table(31, "A base model of open data", "numbers", "testbed_open", study="open-data"),
        _figure(1, "Sequences of IT and RT", "drawing"),
        _figure(2, "Acceptability of responses", "numbers", "testbed_instructability", study=_INSTRUCT),
        _figure(3, "Response quality on JustEval", "numbers", why=NO_STYLE),
        _figure(4, "Preference: RT against IT, raters and GPT-4", "numbers", why=NO_RATERS_OR_PREFERENCE),
        _figure(5, "Refusal rates by number of refusals", "numbers", "testbed_refusal", study=_REFUSAL),
        _figure(6, "Response quality in context", "numbers", "testbed_in_context", study="in-context"),
        _figure(7, "The annotation page", "page"),
        _figure(8, "Preference of human raters", "numbers", why=NO_RATERS),
        _figure(9, "Preference of GPT-4, controlled for length", "numbers", why=NO_PREFERENCE),
    )
}
# a figure's numbers where a table has them
PARTS = {"figure_04": ("figure_08", "figure_09")}  # a drawing of parts of others
SAME = {"figure_02": "table_11", "figure_03": "table_13", "figure_05": "table_15"}
OUTPUTS = "texts of the authors' models, which are not copied here"
NOT_PRINTED = "version 3 shows it as a drawing and prints no numbers of it, so our copy of the numbers has none"


@dataclass(frozen=True)
class State:
    """What stands for an item on one side.

    Attributes:
        word: given, counterpart, not run, not applicable or missing.
        reason: Why, where it is not given.
        anchors: Names of what stands for it.
    """

    word: str
    reason: str = ""
    anchors: tuple[str, ...] = ()


def published_state(item: Item, made: Collection[str]) -> State:
    """What the published numbers, and what does not depend on a run, give for an item.

    Args:
        item: The item.
        made: Names of everything the report holds.
    """
    if item.name == "figure_06":
        return State(MISSING, NOT_PRINTED)
    if item.shows in ("model outputs", "data examples"):
        return State(NOT_APPLICABLE, OUTPUTS if item.shows == "model outputs" else "rows of data sets, not copied here")
    places = (item.name, f"{item.name}_published")
    names = [name for name in (places if item.name.startswith("figure") else places[::-1]) if name in made]
    if not names:
        return State(MISSING, "not asked for")
    return State(GIVEN, "this package's own" if item.shows in ("prompts", "page") else "", tuple(names[:1]))


def run_state(
    item: Item,
    made: Collection[str],
    own: Collection[str],
    missing: Mapping[str, str],
    studies: Collection[str],
    lacking: Lacking | None = None,
) -> State:
    """What a run gives for an item.

    Args:
        item: The item.
        made: Names of everything the report holds, and of its parts, in order.
        own: Names of items that have numbers of the run's own.
        missing: Study that the run left out to the reason.
        studies: Studies that the run has results of.
        lacking: What the run's scores say they could not make (`read_lacking`).
    """
    if item.shows in ("prompts", "drawing", "page"):
        return State(NOT_APPLICABLE, "the same whatever is run")
    name = SAME.get(item.name, item.name)
    for held in dict.fromkeys((item.name, name)):
        if held in own:
            return State(GIVEN, anchors=tuple(found for found in (f"{held}_run", held) if found in made)[:1])
    near = tuple(found for found in made if item.testbed and found.startswith(item.testbed))
    if item.shows == "data examples":  # those of news and of refined responses are items of their own
        near = tuple(found for found in near if found in item.testbed)
    # of a study that was left out whole, the only counterpart is a table that says so
    empty = item.study in missing and len(item.testbed) == 1
    if near and not empty and (item.shows != "model outputs" or item.study in ("", *studies)):
        return State(GIVEN if item.shows != "numbers" else COUNTERPART, anchors=near)
    if item.study in missing:
        return State(NOT_RUN, missing[item.study])
    if item.not_testbed and any(name.startswith("testbed_") for name in made):
        return State(NOT_APPLICABLE, item.not_testbed)
    if item.shows == "numbers":
        wanted = PARTS.get(name, (name,))
        return State(NOT_RUN, "; ".join(without_numbers(one, lacking or {}) for one in wanted))
    if item.study:
        return State(NOT_RUN, f"the run has no study '{item.study}'")
    wanted = "replies (--replies)" if item.shows == "model outputs" else "curated sets (--curated)"
    return State(NOT_RUN, f"the report was given no {wanted}")


def items_table(states: Sequence[tuple[Item, State | None, State | None]]) -> Table:
    """One row an item: what it shows, and what stands for it on each side that the report has."""
    sides = [
        (index, key, head)
        for index, key, head in ((1, "published", "Published"), (2, "run", "This run"))
        if any(row[index] is not None for row in states)
    ]
    columns = (
        Column("item", "Item", names_row=True),
        Column("title", "What it shows", names_row=True),
        Column("shows", "Kind", names_row=True),
        *(column for _, key, head in sides for column in _state_columns(key, head)),
    )
    rows = tuple(
        (row[0].words, row[0].title, row[0].shows, *(cell for index, *_ in sides for cell in _state_cells(row[index])))
        for row in states
    )
    notes = (
        "Given: the item is there, under the name beside it. Counterpart: the testbed's answer to the same question, "
        "on its own models and measures, never under the item's name.",
        "Which model outputs and data examples stand under which number is not in our notes on version 3 of the paper.",
    )
    return Table("items", "Every numbered table and figure of the paper", PAPER, columns, rows, notes)


def _state_columns(key: str, head: str) -> tuple[Column, Column]:
    return Column(key, head, names_row=True), Column(f"{key}_where", "Where, or why not", names_row=True)


def _state_cells(state: State | None) -> tuple[str, str]:
    if state is None:
        return "", ""
    return state.word, ", ".join(state.anchors) or state.reason


assert {name for name, item in ITEMS.items() if item.shows == "numbers"} == {
    *NUMBERS,
    *(f"table_{number:02d}" for number in TABLES),
    *(f"figure_{number:02d}" for number in FIGURES if number not in (1, 7)),
    "figure_06",
}
