"""Traces that chat templates leave in responses: at the edges (removed) and inside (a reason to leave).

Ours are in `markers`; these are those of the templates that public response sets were generated with.
"""

from __future__ import annotations

import re

_ROLE = r"(?:assistant|model|bot|gpt)"
# what opens an answer: harmless at the very beginning (to be matched there)
OPENING = re.compile(
    rf"\s*(?:<\|{_ROLE}\|>|<\|im_start\|>\s*{_ROLE}\b|<\|start_header_id\|>\s*{_ROLE}\s*<\|end_header_id\|>"
    rf"|<start_of_turn>\s*{_ROLE}\b|\[/INST\]|<bos>|<\|begin_of_text\|>|### ?(?:Response|Assistant|Output):)",
    re.IGNORECASE,
)
# what ends a turn: harmless at the very end
CLOSING = (
    "<|im_end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|end|>",
    "<end_of_turn>",
    "<eos>",
)
END = "</s>"  # also closes an HTML `<s>` (struck out)

# anything of a template that stands inside a response
_SPECIAL = (
    r"<\|(?:user|assistant|system|prompter|im_start|im_end|endoftext|begin_of_text|end_of_text|eot_id|eom_id"
    r"|start_header_id|end_header_id)\|>|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>"
)
# a heading 'Response:' with its colon; '### User Stories' and '### Human Health Impacts:' are headings of answers
_HEADING = r"^### ?(?:Instruction|Response|Input|Human|Assistant|User):"
SPECIAL = re.compile(_SPECIAL)
HEADING = re.compile(_HEADING, re.MULTILINE)


def has_loose_end(text: str) -> bool:
    """Whether `text` holds an end-of-sequence `</s>`; one that closes an HTML `<s>` (struck out) is none."""
    return loose_ends(text) > 0


def loose_ends(text: str, start: int = 0) -> int:
    """How many `</s>` behind `start` close no `<s>`; negative if some `<s>` are not closed."""
    return text.count(END, start) - text.count("<s>", start)
