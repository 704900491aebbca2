"""The likelihood of responses after an instruction, in the chat template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from paper_repro.sequences import IGNORED, TokenSequence, build_all

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def response_sequences(
    tokenizer: PreTrainedTokenizerBase, pairs: Iterable[tuple[str, str]], max_length: int
) -> list[TokenSequence]:
    """IT sequences of `(instruction, response)` pairs that end with the response; its tokens alone are labelled.

    End-of-sequence and the newline after it are left out: an untuned model never saw them there, and what they cost is
    no fact about the response.
    """
    found = []
    for whole in build_all(tokenizer, "it", pairs, max_length=max_length):
        last = len(whole.input_ids) - 1 - whole.input_ids[::-1].index(tokenizer.eos_token_id)
        found.append(TokenSequence(whole.input_ids[:last], whole.labels[:last], whole.truncated, whole.straddles))
    return found


def log_probabilities(
    model: PreTrainedModel, sequences: Sequence[TokenSequence], batch_tokens: int
) -> tuple[np.ndarray, np.ndarray]:
    """Summed log-probability (nats) of each sequence's labelled tokens, and their number.

    Sequences of like length share a forward pass, chosen by content, so that no number depends on the order given. The
    head is applied to the labelled positions alone.

    Args:
        model: In evaluation mode, on the device to use.
        sequences: Each with a labelled token after the first.
        batch_tokens: Most tokens of a pass, padding included; a longer sequence is a pass of its own.
    """
    import torch

    sums = np.zeros(len(sequences))
    counts = np.array([sequence.predicted for sequence in sequences])
    with torch.inference_mode():
        for batch in _batches(sequences, batch_tokens):
            sums[batch] = _batch_sums(model, [sequences[index] for index in batch])
    return sums, counts


def _batches(sequences: Sequence[TokenSequence], batch_tokens: int) -> list[list[int]]:
    order = sorted(range(len(sequences)), key=lambda i: (len(sequences[i].input_ids), sequences[i].input_ids))
    batches: list[list[int]] = []
    for index in order:  # rising lengths: the newest is the longest
        if batches and (len(batches[-1]) + 1) * len(sequences[index].input_ids) <= batch_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def _batch_sums(model: PreTrainedModel, rows: Sequence[TokenSequence]) -> np.ndarray:
    import torch

    longest = max(len(row.input_ids) for row in rows)

    def table(lists: list[list[int]], filler: int) -> torch.Tensor:
        return torch.tensor([[*one, *[filler] * (longest - len(one))] for one in lists], device=model.device)

    ids = table([row.input_ids for row in rows], 0)
    mask = table([[1] * len(row.input_ids) for row in rows], 0)
    following = torch.nn.functional.pad(table([row.labels for row in rows], IGNORED)[:, 1:], (0, 1), value=IGNORED)
    asked = following != IGNORED
    head = model.get_output_embeddings()
    hook = head.register_forward_pre_hook(lambda _, arguments: (arguments[0][asked],))
    try:
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    finally:
        hook.remove()
    losses = torch.nn.functional.cross_entropy(logits.float(), following[asked], reduction="none").double().cpu()
    owner = torch.nonzero(asked)[:, 0].cpu()
    return -torch.zeros(len(rows), dtype=torch.float64).index_add_(0, owner, losses).numpy()
