"""Cells of judging: each condition's replies by itself, or beside those of the condition that it is compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from artifacts.digests import digest_json
from experiments.cells import Cell
from experiments.rewriting import llm_options, origin_of
from paper_repro.judge import JUDGE, JudgeSettings
from paper_repro.judge.registry import load_judge
from paper_repro.score.length_controlled import BENCHMARK, INSTRUCTIONS
from paper_repro.score.length_controlled import JUDGE as JUDGE_OF_PAIRS

STYLES = {"untuned": "chat"}  # names of conditions to styles, where they differ


def judge_cells(judge: JudgeSettings, replies: Sequence[Cell], against: str | None) -> Iterator[Cell]:
    """A cell for each condition's replies.

    Args:
        judge: The judge.
        replies: Cells of generations, of one base and the same prompts.
        against: `Study.against`: what a judge of pairs compares with; a condition without such a twin is left out.
    """
    options = judge_options(judge)
    if not load_judge(judge.judge).pairs:
        for own in replies:
            yield Cell(JUDGE, f"{own.label}-{judge.judge}", judge, ("{generations}", *options), {"generations": own})
        return
    references = {_twin(cell, against): cell for cell in replies if _is_reference(cell, against)}
    for own in replies:
        other = references.get(_twin(own, against))
        if other is not None and other is not own:
            arguments = ("{generations}", "--against", "{against}", *options)
            inputs = {"generations": own, "against": other}
            yield Cell(JUDGE, f"{own.label}-{judge.judge}-{other.label}", judge, arguments, inputs)


def is_length_controlled(verdicts: Cell) -> bool:
    """Whether a length-controlled win rate is made of these verdicts: they are on pairs of all of AlpacaEval."""
    replies = verdicts.inputs.get("generations")
    return (
        replies is not None
        and verdicts.settings.judge == JUDGE_OF_PAIRS
        and "against" in verdicts.inputs
        and f"prompts-{BENCHMARK}" in replies.inputs
        and (replies.settings.limit or INSTRUCTIONS) >= INSTRUCTIONS
    )


def _is_reference(replies: Cell, against: str | None) -> bool:
    model = replies.inputs.get("model")
    if against == "it":
        return model is not None and model.settings.method == "it"
    if against == "unrefined":
        return model is not None and origin_of(model.inputs["trainset"].inputs["base"]) is None
    return model is None and replies.settings.style == STYLES.get(against, against)


def _twin(replies: Cell, against: str | None) -> str | None:
    """What a condition and the one it is compared with share; None: it is the base, for any.

    With `it` all but the method; with `unrefined` all but whether the responses were rewritten.
    """
    if against not in ("it", "unrefined"):
        return None
    model = replies.inputs.get("model")
    if model is None:
        return f"{replies.label} (not tuned)"  # no other's twin
    if against == "unrefined":
        return _unrefined(model)
    settings = {name: value for name, value in model.settings.resolved().items() if name != "method"}
    return digest_json({"settings": settings, "trainset": model.inputs["trainset"].key})


def _unrefined(model: Cell) -> str:
    """How a model is tuned, and on what, a rewritten set by the corpus that it was made of."""
    mixed = model.inputs["trainset"]
    body, settings = mixed.inputs["base"], mixed.settings.resolved()
    settings["response_set"] = origin_of(body) or settings["response_set"]
    pool = {name: cell.key for name, cell in mixed.inputs.items() if name != "base"}
    facts = {"settings": model.settings.resolved(), "mixed": settings, "recipe": body.settings.resolved(), "pool": pool}
    return digest_json(facts)


def judge_options(judge: JudgeSettings) -> tuple[str, ...]:
    """What of a judge's settings is no part of its identity (the server, kept answers), as options of its command."""
    most = judge.most_failed
    more = ("--set", f"most_failed={json.dumps(most)}") if most != JudgeSettings().most_failed else ()
    return (*llm_options(judge), *more)
