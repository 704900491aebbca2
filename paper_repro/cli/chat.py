"""`rt chat`: talk to a tuned model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artifacts.errors import UserError
from paper_repro.cli.common import Debug

if TYPE_CHECKING:
    from paper_repro.chat import Chat

HELP = """Talk to a model: a folder of `rt train`, or untuned weights with --base (a pin's name or a folder).

Every line is one instruction, answered on its own: the models know a single turn. Greedy unless --temperature is
given. An empty line or end-of-file (Ctrl-D) ends. With --prompt, one answer is printed.

Example: rt chat my-model --prompt "Name three rivers."
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("chat", help=HELP)(chat)


def chat(
    model: Annotated[Path | None, typer.Argument(help="Folder of a tuned model.", show_default=False)] = None,
    base: Annotated[str | None, typer.Option(help="Untuned weights instead.", show_default=False)] = None,
    prompt: Annotated[str | None, typer.Option(help="Answer this and end.", show_default=False)] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, in tokens.")] = 256,
    temperature: Annotated[float, typer.Option(min=0, help="0 is greedy.")] = 0.0,
    debug: Debug = False,
) -> None:
    """Load the model and answer."""
    if (model is None) == (base is None):
        raise UserError("give a model's folder or --base, one of them", fix="example: rt chat my-model")
    from paper_repro.chat import Chat, chat_source

    partner = Chat(chat_source(model, base), max_new_tokens, temperature)
    if prompt is not None:
        _answer(partner, prompt)
        return
    while instruction := _ask():
        _answer(partner, instruction)


def _ask() -> str:
    if sys.stdin.isatty():
        sys.stderr.write("> ")
        sys.stderr.flush()
    return sys.stdin.readline().rstrip("\n")


def _answer(partner: Chat, instruction: str) -> None:
    for piece in partner.stream(instruction):
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
