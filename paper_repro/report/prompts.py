"""Prompt tables: what raters and language models are told by this package, under the numbers of the paper's prompts.

The wording is ours; the authors' is not copied. Which prompt stands under which of Tables 6 to 10 our specification of
the paper does not say: they follow the order in which it lists the evaluations. Tables 23 and 27 stand between the
examples and results of appendices F (news) and G (refinement).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import paper_repro.judge
from artifacts.settings import validate_settings
from data_curation.rewrite_prompts import load_prompt
from paper_repro.annotate.guideline import guideline
from paper_repro.report.table import Column, Table

FULL = 90  # characters: a longer line of a prompt file goes on in the next
JUDGES = Path(paper_repro.judge.__file__).parent
COLUMNS = (Column("part", "Part", names_row=True), Column("text", "Text", names_row=True))
OURS = "this package's own prompts"
ASSUMED = (
    "The wording is this package's own. That this prompt stands under this number follows the order in which our "
    "specification lists the evaluations (an assumption)."
)
BY_PLACE = (
    "The wording is this package's own. That this prompt stands under this number follows from its place between the "
    "appendix's examples and results (an assumption)."
)
Rows = tuple[tuple[str, str], ...]


def _introduction() -> Rows:
    return tuple(("introduction", text) for text in guideline().introduction)


def _acceptability() -> Rows:
    given = guideline()
    levels = tuple((f"level: {level.title.lower()}", _line(level.meaning)) for level in given.acceptability.levels)
    return (*_introduction(), ("question", given.acceptability.question), *levels, ("refusals", _line(given.refusals)))


def _preference() -> Rows:
    given = guideline().preference
    choices = ("choices", ", ".join(choice.short for choice in given.choices))
    return (*_introduction(), ("question", given.question), choices, ("rule", _line(given.meaning)))


def _judge(name: str) -> Rows:
    from artifacts.files import read_yaml
    from paper_repro.judge.llm.parameters import OWN, JudgePrompt

    path = JUDGES / name / OWN
    prompt = validate_settings(JudgePrompt, read_yaml(path), where=str(path))
    return _message("system", prompt.system) + _message("user", prompt.user)


def _rewriting(name: str) -> Rows:
    prompt = load_prompt(name)
    rows = _message("system", prompt.system) + _message("user", prompt.user)
    return rows + _message("request, where a row has one", prompt.request)


def _message(part: str, text: str | None) -> Rows:
    """One row a paragraph; line ends within it are kept, but for those of a full line."""
    paragraphs = (text or "").strip("\n").split("\n\n")
    return tuple((part, _unfolded(paragraph)) for paragraph in paragraphs if paragraph.strip())


def _unfolded(paragraph: str) -> str:
    lines: list[str] = []
    full = False
    for line in paragraph.strip("\n").split("\n"):
        if full and not line.startswith(("-", "<", "#", "{")):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
        full = len(line) > FULL
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())


PROMPTS: Mapping[int, tuple[str, str, Callable[[], Rows]]] = {
    6: ("Guideline of raters: acceptability", ASSUMED, _acceptability),
    7: ("Guideline of raters: preference", ASSUMED, _preference),
    8: ("Prompt of the judge of five aspects (JustEval)", ASSUMED, lambda: _judge("aspects_llm")),
    9: ("Prompt of the judge of requirements (InFoBench)", ASSUMED, lambda: _judge("requirements_llm")),
    10: ("Prompt of the refusal judge", ASSUMED, lambda: _judge("refusal_llm")),
    23: ("Prompt that turns news passages into responses", BY_PLACE, lambda: _rewriting("news")),
    27: ("Prompt that refines responses", BY_PLACE, lambda: _rewriting("refine")),
}


def prompt_table(number: int) -> Table:
    """One of the paper's prompt tables, in this package's words."""
    title, note, rows = PROMPTS[number]
    return Table(f"table_{number:02d}", f"Table {number}. {title}", OURS, COLUMNS, rows(), (note,))
