"""The chat markers and the chat template: the one place that spells them.

The markers are plain text, not special tokens (paper, Sec. 3; the style of Tulu).
"""

from __future__ import annotations

USER = "<|user|>"
ASSISTANT = "<|assistant|>"


def user_turn(instruction: str) -> str:
    """Text of a user turn; the instruction is not stripped."""
    return f"{USER}\n{instruction}\n"


def assistant_opening() -> str:
    """Text that opens an assistant turn: what the model reads before it answers."""
    return f"{ASSISTANT}\n"


def response_ending(eos: str) -> str:
    """Text after a response: end-of-sequence and a newline, both trained, as in the official code."""
    return f"{eos}\n"


def chat_template(adds_bos: bool, space: bool = False) -> str:
    """The same format as a Jinja chat template, for tokenizers saved with a tuned model.

    Args:
        adds_bos: Whether the tokenizer puts its beginning-of-sequence token before a plain text. Templates
            are tokenised without special tokens, so the template has to render it.
        space: Whether a space goes between that token and the first marker: some tokenizers put one before a text,
            but not after a special token in it.
    """
    bos = ("{{ bos_token }}" if adds_bos else "") + (" " if space else "")
    user = "{{ '" + USER + "\\n' + message['content'] + '\\n' }}"
    assistant = "{{ '" + ASSISTANT + "\\n' + message['content'] + eos_token + '\\n' }}"
    return (
        bos
        + "{% for message in messages %}"
        + "{% if message['role'] == 'user' %}"
        + user
        + "{% elif message['role'] == 'assistant' %}"
        + assistant
        + "{% else %}{{ raise_exception('only the roles user and assistant, not ' + message['role']) }}{% endif %}"
        + "{% endfor %}"
        + "{% if add_generation_prompt %}{{ '"
        + ASSISTANT
        + "\\n' }}{% endif %}"
    )
