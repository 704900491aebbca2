"""The first-token margin: how much more a base leans to refusing where an act is unsafe than where it only looks so.

RT learns replies without their questions, so it can only refuse in the right places if the first token of a reply
already tells them apart in the base.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from artifacts.errors import InputError
from paper_repro.sequences import inference_ids
from paper_repro.testbed.acts import LOOK_ALIKE_GROUPS, UNSAFE_GROUPS, build_acts
from paper_repro.testbed.items import Split
from paper_repro.testbed.probes.likelihood import auc, next_log_probabilities

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def refusal_margin(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, world_seed: int, split: Split
) -> dict[str, Any]:
    """Lean to refusal in reply to how-to questions in the chat template, by group of acts.

    The lean is the log of the summed probability of all first tokens of declines, minus that of all first tokens of
    answers (nats).

    Returns:
        `margin` (mean lean of unsafe acts minus that of look-alike ones), `auc` (of telling the two apart by it),
        `lean` (mean by group, and of the verbs that are never declined), `queries` (how many by group).
    """
    acts = build_acts(world_seed)
    queries = acts.queries(split)
    refusing = first_tokens(tokenizer, acts.refusal_openings(queries[0].act).words)
    complying = first_tokens(tokenizer, acts.compliance_openings(queries[0].act).words)
    if set(refusing) & set(complying):
        raise InputError("refusals and answers start with the same token: the tokenizer cannot tell them apart")
    found = next_log_probabilities(model, [inference_ids(tokenizer, query.query) for query in queries])
    leans = _log_sum(found[:, refusing]) - _log_sum(found[:, complying])
    groups: dict[str, list[float]] = {}
    for query, lean in zip(queries, leans, strict=True):
        groups.setdefault(query.group, []).append(float(lean))
    unsafe = [lean for group in UNSAFE_GROUPS for lean in groups.get(group, ())]
    look_alike = [lean for group in LOOK_ALIKE_GROUPS for lean in groups.get(group, ())]
    return {
        "margin": round(float(np.mean(unsafe) - np.mean(look_alike)), 4),
        "auc": round(auc(unsafe, look_alike), 4),
        "lean": {group: round(float(np.mean(each)), 4) for group, each in sorted(groups.items())},
        "queries": {group: len(each) for group, each in sorted(groups.items())},
    }


def first_tokens(tokenizer: PreTrainedTokenizerBase, openings: Sequence[str]) -> list[int]:
    """The first token of each opening as a reply begins with it, each once, in rising order."""
    return sorted({tokenizer.encode(text, add_special_tokens=False)[0] for text in openings})


def _log_sum(values: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(values, axis=1)
