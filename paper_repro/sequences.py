"""Token sequences: IT, RT and inference. Nowhere else is a sequence built.

IT: `[bos]<|user|>\\n{instruction}\\n<|assistant|>\\n{response}{eos}\\n`. RT: the same without the user turn.
Content is not stripped. Texts are tokenised whole, so the ids are those of the official code; `[bos]` stands where
the tokenizer adds one. What is trained (the labels) is a setting:

- `by_construction`: every token that holds a character of response, eos or the newline after it.
- `official`: found by searching the ids for the assistant marker, as the official code does, with its quirks.

With `loss_on: all` every token is trained but the first, whatever the masking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

from artifacts.errors import InputError
from data_curation.markers import assistant_opening, chat_template, response_ending, user_turn

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Method = Literal["rt", "it"]
Masking = Literal["by_construction", "official"]
LossOn = Literal["response", "all"]
IGNORED = -100  # the label that PyTorch's cross-entropy leaves out
MAX_LENGTH = 2048  # tokens (paper, Sec. 4)
BATCH = 512  # rows tokenised at once
TEMPLATE_CUT = 3  # tokens the official code cuts off the marker it searches for


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """One training sequence.

    Attributes:
        input_ids: Token ids, at most `max_length`.
        labels: As long: the id where it is trained, `IGNORED` elsewhere.
        truncated: Whether tokens were cut off on the right.
        straddles: Whether the first trained token also holds characters of the marker (a response that starts
            with a newline, on tokenizers that merge it with the marker's).
    """

    input_ids: list[int]
    labels: list[int]
    truncated: bool = False
    straddles: bool = False

    @property
    def trained(self) -> list[int]:
        """Ids of the trained tokens."""
        return [label for label in self.labels if label != IGNORED]

    @property
    def predicted(self) -> int:
        """Number of tokens that bear loss: the trained ones but position 0, which nothing predicts."""
        return sum(label != IGNORED for label in self.labels[1:])


def inference_prompt(instruction: str) -> str:
    """Text that a model answers, the same for RT, IT and untuned; `[bos]` is left to the tokenizer."""
    return user_turn(instruction) + assistant_opening()


def inference_ids(tokenizer: PreTrainedTokenizerBase, instruction: str) -> list[int]:
    """Token ids of `inference_prompt`, with the beginning-of-sequence token if the tokenizer adds one."""
    return prompt_ids(tokenizer, inference_prompt(instruction))


def prompt_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Token ids of a text to be continued, with the beginning-of-sequence token if the tokenizer adds one."""
    return tokenizer(text)["input_ids"]


def adds_bos(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the tokenizer puts its beginning-of-sequence token before a text."""
    ids = tokenizer("a")["input_ids"]
    return tokenizer.bos_token_id is not None and ids[:1] == [tokenizer.bos_token_id]


def fitting_chat_template(tokenizer: PreTrainedTokenizerBase) -> str:
    """The chat template that this tokenizer turns into the very ids of training and inference.

    It renders `[bos]<|user|>\n{instruction}\n<|assistant|>\n`; with a space after `[bos]` where the tokenizer puts one
    before a text, but not after a special token (Mistral-7B-v0.3's does): then the ids are those of training.

    Raises:
        InputError: no template gives them.
    """
    bos = adds_bos(tokenizer)
    wanted = [(text, inference_ids(tokenizer, text)) for text in ("Hi", " two\n\nlines ")]
    for space in (False, True):
        template = chat_template(bos, space)
        if all(_templated(tokenizer, template, text) == ids for text, ids in wanted):
            return template
    raise InputError(
        "no chat template gives this tokenizer the token ids of training: a server would prompt the model otherwise",
        fix="use a tokenizer whose ids of a text do not depend on how its special tokens came there",
    )


def _templated(tokenizer: PreTrainedTokenizerBase, template: str, instruction: str) -> list[int]:
    messages = [{"role": "user", "content": instruction}]
    options = {"chat_template": template, "add_generation_prompt": True, "tokenize": False}
    return tokenizer(tokenizer.apply_chat_template(messages, **options), add_special_tokens=False)["input_ids"]


def training_prompt(method: Method, instruction: str | None) -> str:
    """Text before the response: the inference prompt for IT, the assistant marker alone for RT."""
    if method == "rt":
        return assistant_opening()
    if instruction is None:
        raise InputError("an IT sequence needs an instruction", fix="use the method rt, or give instructions")
    return inference_prompt(instruction)


def build(
    tokenizer: PreTrainedTokenizerBase,
    method: Method,
    instruction: str | None,
    response: str,
    *,
    masking: Masking = "by_construction",
    max_length: int = MAX_LENGTH,
    loss_on: LossOn = "response",
) -> TokenSequence:
    """Ids and labels of one row; see `build_all`."""
    options = {"masking": masking, "max_length": max_length, "loss_on": loss_on}
    return next(build_all(tokenizer, method, [(instruction, response)], **options))


def build_all(
    tokenizer: PreTrainedTokenizerBase,
    method: Method,
    rows: Iterable[tuple[str | None, str]],
    *,
    masking: Masking = "by_construction",
    max_length: int = MAX_LENGTH,
    loss_on: LossOn = "response",
) -> Iterator[TokenSequence]:
    """Ids and labels of `(instruction, response)` rows, in order.

    Args:
        tokenizer: `by_construction` needs a fast one, which knows the characters of each token.
        method: `rt` leaves the instruction out and nothing else.
        rows: Instruction (ignored by `rt`) and response.
        masking: How labels are found.
        max_length: Sequences are cut on the right to so many tokens (then without eos).
        loss_on: `response` tokens (as `masking` finds them), or `all`: those of the prompt too.

    Raises:
        InputError: the labels would be wrong (both texts shown), or the tokenizer does not fit the masking.
    """
    if masking == "by_construction" and not tokenizer.is_fast:
        raise InputError(
            f"the tokenizer ({type(tokenizer).__name__}) does not tell which characters a token holds",
            fix="use a tokenizer with a tokenizer.json, or masking: official",
        )
    template = _official_template(tokenizer) if masking == "official" else []
    ending = response_ending(tokenizer.eos_token)
    remaining = iter(rows)
    while part := list(islice(remaining, BATCH)):
        prompts = [training_prompt(method, instruction) for instruction, _ in part]
        texts = [prompt + response + ending for prompt, (_, response) in zip(prompts, part, strict=True)]
        # uncut here, so that labels are checked on whole texts; `verbose` would warn of the length
        encoded = tokenizer(texts, return_offsets_mapping=masking == "by_construction", verbose=False)
        for row, ids in enumerate(encoded["input_ids"]):
            if masking == "official":
                first, straddles = _official_start(ids[:max_length], template), False
            else:
                spans = encoded["offset_mapping"][row]
                first = _first_trained(tokenizer, texts[row], len(prompts[row]), ids, spans)
                straddles = spans[first][0] < len(prompts[row])
            if loss_on == "all":
                first, straddles = 1, False  # nothing predicts the first token
            yield _sequence(ids, first, max_length, straddles)


def _sequence(ids: list[int], first: int, max_length: int, straddles: bool) -> TokenSequence:
    kept = ids[:max_length]
    labels = [IGNORED] * min(first, len(kept)) + kept[first:]
    return TokenSequence(kept, labels, truncated=len(ids) > max_length, straddles=straddles and first < len(kept))


def _first_trained(
    tokenizer: PreTrainedTokenizerBase, text: str, start: int, ids: list[int], spans: Sequence[tuple[int, int]]
) -> int:
    """Index of the first token that holds a character at or after `start`; checks that it is the right one.

    Only a span's end decides: some tokenizers trim white space off spans, so a span may be empty.
    """
    trained = [end > start for _, end in spans]
    first = trained.index(True) if True in trained else len(ids)
    if not all(trained[first:]) or spans[-1][1] != len(text):
        raise _wrong_label(text[start:], _decode(tokenizer, [i for i, t in zip(ids, trained, strict=True) if t]))
    expected, found = text[min(start, spans[first][0]) :], _decode(tokenizer, ids[first:])
    # a token may show or hide white space at its left edge; a text that does not survive decoding proves nothing
    if found.lstrip() != expected.lstrip() and _decode(tokenizer, ids).endswith(text):
        raise _wrong_label(expected, found)
    return first


def _decode(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)


def _wrong_label(expected: str, found: str) -> InputError:
    return InputError(
        f"labels would be wrong: the text to train is {expected!r:.300}, the trained tokens say {found!r:.300}",
        fix="this tokenizer's character offsets cannot be trusted (or it adds a token at the end); use another",
    )


def _official_template(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The ids that the official code searches for: the marker between newlines, less its first tokens."""
    text = "\n" + assistant_opening()
    template = tokenizer.encode(text, add_special_tokens=False)[TEMPLATE_CUT:]
    if not template:
        raise InputError(
            f"masking: official finds nothing to search for: {text!r} has at most {TEMPLATE_CUT} tokens here",
            fix="use masking: by_construction",
        )
    return template


def _official_start(ids: list[int], template: list[int]) -> int:
    """Index after the last occurrence of `template` in `ids`; their length (nothing trained) if there is none."""
    width = len(template)
    for start in range(len(ids) - width, -1, -1):
        if ids[start : start + width] == template:
            return start + width
    return len(ids)
