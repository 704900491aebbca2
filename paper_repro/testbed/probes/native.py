"""Questions in a base's own formats, answered greedily: what it can do before any tuning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from paper_repro.generate.decode import decode_batch
from paper_repro.models import pad_id
from paper_repro.sequences import prompt_ids
from paper_repro.testbed.corpus import CorpusSettings, NativePrompt, native_prompts
from paper_repro.testbed.corpus.replies import one_line
from paper_repro.testbed.items import Item
from paper_repro.testbed.rules import content_is_right
from paper_repro.testbed.seeding import rng

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BATCH = 64


def native_answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    corpus: CorpusSettings,
    items: Sequence[Item],
    max_new_tokens: int,
) -> dict[str, Any] | None:
    """Share of items answered right in formats of the corpus, by family; None where the corpus asks nothing.

    An answer is what comes before its layout's ending. It is right if its content is. Items whose answers are several
    lines (bullets) are left out: most layouts end a turn with a newline.
    """
    lines = [item for item in items if one_line(item)]
    prompts = native_prompts(corpus, lines, rng(corpus.seed, "probe", "formats"))
    if not prompts:
        return None
    right: dict[str, list[bool]] = {}
    for prompt, answer in zip(prompts, continued(model, tokenizer, prompts, max_new_tokens), strict=True):
        right.setdefault(prompt.item.family, []).append(content_is_right(answer, prompt.item.reference))
    return {
        family: {"right": round(sum(each) / len(each), 4), "items": len(each)} for family, each in sorted(right.items())
    }


def continued(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[NativePrompt],
    max_new_tokens: int,
) -> list[str]:
    """The greedy continuation of each prompt up to its ending, in their order."""
    ids = [prompt_ids(tokenizer, prompt.text) for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda index: (len(ids[index]), index))
    answers = [""] * len(prompts)
    for ending in sorted({prompt.ending for prompt in prompts}):
        rows = [index for index in order if prompts[index].ending == ending]
        for first in range(0, len(rows), BATCH):
            batch = rows[first : first + BATCH]
            decoded = decode_batch(
                model,
                [ids[index] for index in batch],
                max_new_tokens=max_new_tokens,
                eos_ids=frozenset({tokenizer.eos_token_id}),
                pad_id=pad_id(tokenizer),
                stops=lambda reply, ending=ending: ending in tokenizer.decode(reply),
            )
            for index, reply in zip(batch, decoded, strict=True):
                answers[index] = tokenizer.decode(reply.ids).split(ending)[0].strip()
    return answers
