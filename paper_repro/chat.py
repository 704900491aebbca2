"""Talking to a model: one instruction, one answer, through the same prompt as training and evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from artifacts.stage import thread_count
from data_curation.markers import ASSISTANT, USER
from paper_repro.models import ModelSource, load_base, load_tokenizer, pad_id
from paper_repro.sequences import inference_ids

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MARKERS = (USER, ASSISTANT)


class Chat:
    """A loaded model that answers single instructions (the paper's models know one turn).

    Args:
        source: Which model.
        max_new_tokens: Longest answer.
        temperature: 0 is greedy, as in the paper; more samples.
    """

    def __init__(self, source: ModelSource, max_new_tokens: int = 256, temperature: float = 0.0):
        import torch

        torch.set_num_threads(thread_count())
        self.tokenizer: PreTrainedTokenizerBase = load_tokenizer(source)
        self.model: PreTrainedModel = load_base(source, "bfloat16" if torch.cuda.is_available() else "float32")
        self.model.to("cuda" if torch.cuda.is_available() else "cpu")
        self.options = {"max_new_tokens": max_new_tokens, "do_sample": temperature > 0}
        self.options |= {"temperature": temperature} if temperature > 0 else {}

    def stream(self, instruction: str) -> Iterator[str]:
        """Pieces of the answer as they come; ends at end-of-sequence, or before a marker the model writes itself."""
        import torch
        from transformers import TextIteratorStreamer

        ids = torch.tensor([inference_ids(self.tokenizer, instruction)], device=self.model.device)
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        failures: list[BaseException] = []

        def generate() -> None:
            try:
                self.model.generate(
                    input_ids=ids, attention_mask=torch.ones_like(ids), streamer=streamer,
                    eos_token_id=self.tokenizer.eos_token_id, pad_token_id=pad_id(self.tokenizer), **self.options,
                )  # fmt: skip
            except Exception as error:
                failures.append(error)
                streamer.end()

        thread = Thread(target=generate, daemon=True)
        thread.start()
        yield from before_marker(streamer)
        thread.join()
        if failures:
            raise failures[0]

    def answer(self, instruction: str) -> str:
        """The whole answer, without white space around it."""
        return "".join(self.stream(instruction)).strip()


def before_marker(pieces: Iterator[str]) -> Iterator[str]:
    """Pass pieces of text on up to the first chat marker; text that may begin one is held back until it is clear."""
    held, ended = "", False
    for piece in pieces:
        if ended:
            continue  # the model is still writing; let it come to its end
        held += piece
        starts = [held.find(marker) for marker in MARKERS if marker in held]
        if starts:
            ended = True
            yield held[: min(starts)]
            continue
        keep = max(_overlap(held, marker) for marker in MARKERS)
        yield held[: len(held) - keep]
        held = held[len(held) - keep :]
    if not ended:
        yield held


def _overlap(text: str, marker: str) -> int:
    """Length of the longest end of `text` that begins `marker`."""
    return next((size for size in range(len(marker) - 1, 0, -1) if text.endswith(marker[:size])), 0)


def chat_source(model: Path | None, base: str | None) -> ModelSource:
    """The model to talk to: a folder of `rt train`, or with `base` the untuned weights of a pin or a folder."""
    if model is not None:
        return ModelSource(name=str(model), weights="path")
    if base is not None and not Path(base).is_dir():
        from artifacts.pins import load_pin

        kinds = [origin.kind for origin in load_pin(base).origins]
        return ModelSource(name=base, weights="pypi" if "pypi" in kinds else "hub")
    return ModelSource(name=str(base), weights="path")
