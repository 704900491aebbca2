"""InFoBench: the share of decomposed requirements that are met (DRFR), from a file of yes/no answers.

Source: Qin et al. 2024, "InFoBench: Evaluating Instruction Following Ability in Large Language Models"; Tables 3 and 14
of the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from artifacts.errors import InputError
from paper_repro.score.records.base import Number, Row, Scored, read_records
from paper_repro.score.stage import ScoreSettings
from paper_repro.score.statistics import bootstrap_share, ratio

SUBSETS = {"Easy_set": "easy", "Hard_set": "hard"}


def score_infobench(path: Path, settings: ScoreSettings) -> Scored:
    """DRFR overall and of the easy and the hard set; intervals resample instructions, not requirements.

    A record has `decomposed_questions` and `eval`, a list of true, false or null (no readable answer) of equal length,
    and `subset`. Unreadable answers are counted, and in neither sum.

    Raises:
        InputError: a record lacks a field, or has more or fewer answers than questions.
    """
    rows = read_records(path)
    answers = [(_subset(row), _answers(row)) for row in rows]
    numbers = [_drfr([given for _, given in answers], None, settings)]
    for subset in SUBSETS.values():
        if chosen := [given for own, given in answers if own == subset]:
            numbers.append(_drfr(chosen, subset, settings))
    return Scored(len(rows), numbers)


def _subset(row: Row) -> str | None:
    subset = row.get("subset", str, null=True) if "subset" in row.values else None
    if subset is not None and subset not in SUBSETS:
        raise InputError(f"unknown subset '{subset}'", where=row.where, fix=f"known: {', '.join(SUBSETS)}")
    return SUBSETS.get(subset)


def _answers(row: Row) -> list[bool | None]:
    questions, answers = row.get("decomposed_questions", list), row.get("eval", list)
    if len(questions) != len(answers):
        raise InputError(
            f"'eval' has {len(answers)} answers to {len(questions)} questions in 'decomposed_questions'",
            where=row.where,
        )
    if any(not (answer is None or isinstance(answer, bool)) for answer in answers):
        raise InputError("'eval' holds something else than true, false and null", where=row.where)
    return answers


def _drfr(answers: Sequence[list[bool | None]], subset: str | None, settings: ScoreSettings) -> Number:
    asked, unread = sum(map(len, answers)), sum(given.count(None) for given in answers)
    readable = [given for given in answers if any(answer is not None for answer in given)]
    common = {"metric": "requirements_rate", "n": asked, "unclassified": unread, "subset": subset}
    if not readable:
        return Number(value=None, **common)
    met = [given.count(True) for given in readable]
    judged = [len(given) - given.count(None) for given in readable]
    low, high = bootstrap_share(met, judged, settings.seed, settings.resamples)
    return Number(value=ratio(met, judged), low=low, high=high, **common)
