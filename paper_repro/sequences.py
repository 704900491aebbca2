"""Token sequences: IT, RT and inference. Nowhere else is a sequence built.

IT: `[bos]<|user|>\\n{instruction}\\n<|assistant|>\\n{response}{eos}\\n`. RT: the same without the user turn.
Texts are tokenised whole, so the ids are those of the official code; `[bos]` stands where the tokenizer adds one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_curation.markers import assistant_opening, user_turn

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def inference_prompt(instruction: str) -> str:
    """Text that a model answers, the same for RT, IT and untuned; `[bos]` is left to the tokenizer."""
    return user_turn(instruction) + assistant_opening()


def inference_ids(tokenizer: PreTrainedTokenizerBase, instruction: str) -> list[int]:
    """Token ids of `inference_prompt`, with the beginning-of-sequence token if the tokenizer adds one."""
    return tokenizer(inference_prompt(instruction))["input_ids"]
