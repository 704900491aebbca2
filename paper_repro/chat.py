"""Talking to a model: one instruction, one answer, through the same prompt as training and evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from artifacts.errors import InputError
from artifacts.settings import Settings
from artifacts.stage import thread_count
from data_curation.devices import choose_device
from data_curation.markers import ASSISTANT, USER, response_ending
from data_curation.readers.rows import is_utf8
from paper_repro.models import ModelSource, load_base, load_tokenizer, pad_id, source_of
from paper_repro.sequences import inference_prompt, prompt_ids

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MARKERS = (USER, ASSISTANT)


class ChatSettings(Settings):
    """Whom to talk to, and how answers are made.

    Attributes:
        source: The model: a folder of `rt train` (`weights: path`) or untuned weights.
        max_new_tokens: Longest answer, in tokens.
        temperature: 0 is greedy, as in the paper; more samples.
        seed: Of sampling; each answer starts from it, so an answer does not depend on those before.
        remember: Put earlier exchanges before the instruction. The models were tuned on single turns, so this is a
            look beyond the paper; without it every instruction is answered on its own.
    """

    source: ModelSource
    max_new_tokens: Annotated[int, Field(ge=1)] = 256
    temperature: Annotated[float, Field(ge=0)] = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    remember: bool = False


class Chat:
    """A loaded model that answers instructions, each on its own unless it is to remember.

    Attributes:
        history: Instructions and whole answers so far, in order.
    """

    def __init__(self, settings: ChatSettings):
        import torch

        torch.set_num_threads(thread_count())
        self.settings = settings
        self.history: list[tuple[str, str]] = []
        self.tokenizer: PreTrainedTokenizerBase = load_tokenizer(settings.source)
        device = choose_device()
        self.model: PreTrainedModel = load_base(settings.source, "bfloat16" if device == "cuda" else "float32")
        self.model.to(device)
        # all tokens can be drawn: without the others, those of the model's generation config and transformers' 50 count
        every = {"do_sample": True, "temperature": settings.temperature, "top_k": 0, "top_p": 1.0}
        self.options = {"max_new_tokens": settings.max_new_tokens, "do_sample": False, "repetition_penalty": 1.0}
        self.options |= every if settings.temperature else {}

    def prompt(self, instruction: str) -> str:
        """The text the model continues, without the beginning-of-sequence token that its tokenizer adds."""
        ending = response_ending(self.tokenizer.eos_token)
        earlier = self.history if self.settings.remember else []
        turns = [inference_prompt(asked) + answer + ending for asked, answer in earlier]
        return "".join(turns) + inference_prompt(instruction)

    def clear(self) -> None:
        """Forget all exchanges."""
        self.history.clear()

    def stream(self, instruction: str) -> Iterator[str]:
        """Pieces of the answer as they come; ends at end-of-sequence, or before a marker the model writes itself.

        A whole answer enters the history.
        """
        import torch
        from transformers import TextIteratorStreamer

        if not is_utf8(instruction):  # a byte of a terminal that is no text
            raise InputError("the prompt is not valid UTF-8", where=ascii(instruction))
        ids = torch.tensor([prompt_ids(self.tokenizer, self.prompt(instruction))], device=self.model.device)
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        failures: list[BaseException] = []

        def generate() -> None:
            try:
                torch.manual_seed(self.settings.seed)
                self.model.generate(
                    input_ids=ids, attention_mask=torch.ones_like(ids), streamer=streamer,
                    eos_token_id=self.tokenizer.eos_token_id, pad_token_id=pad_id(self.tokenizer), **self.options,
                )  # fmt: skip
            except Exception as error:
                failures.append(error)
                streamer.end()

        thread = Thread(target=generate, daemon=True)
        thread.start()
        said = []
        for piece in before_marker(streamer):
            said.append(piece)
            yield piece
        thread.join()
        if failures:
            raise failures[0]
        self.history.append((instruction, "".join(said)))

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
    """The model to talk to: a folder of `rt train`, or with `base` untuned weights (see `models.source_of`)."""
    return ModelSource(name=str(model), weights="path") if model is not None else source_of(str(base))
