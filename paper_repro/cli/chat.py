"""`rt chat`: talk to a tuned model."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from artifacts.errors import InputError, UserError
from artifacts.settings import load_settings
from paper_repro.cli.common import Debug, DryRun, Overrides, SettingsFile, emit

if TYPE_CHECKING:
    from paper_repro.chat import Chat

HELP = """Talk to a model: a folder of `rt train`, or untuned weights with --base (a pin's name or a folder).

Every line is one instruction, answered on its own: the models know a single turn (--set remember=true puts the
exchanges so far before it). Greedy unless --temperature is given. An empty line or end-of-file (Ctrl-D) ends. With
--prompt, one answer is printed.

Lines that begin with a slash are for the chat itself: /history shows the exchanges so far, /clear forgets them, /prompt
shows the exact text the model continued last (/prompt TEXT: would continue), /help lists these, /quit ends. A line that
begins with two slashes is an instruction with one.

Example: rt chat my-model --prompt "Name three rivers."
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("chat", help=HELP)(chat)


def chat(
    model: Annotated[Path | None, typer.Argument(help="Folder of a tuned model.", show_default=False)] = None,
    base: Annotated[str | None, typer.Option(help="Untuned weights instead.", show_default=False)] = None,
    prompt: Annotated[str | None, typer.Option(help="Answer this and end.", show_default=False)] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(help="Longest answer, in tokens (default 256).", show_default=False)
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="0, the default, is greedy; more samples.", show_default=False)
    ] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    dry_run: DryRun = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line: instruction, response.")] = False,
    debug: Debug = False,
) -> None:
    """Load the model and answer."""
    from paper_repro.chat import Chat, ChatSettings, chat_source

    if model is not None and base is not None:
        raise UserError("give a model's folder or --base, not both", fix="example: rt chat my-model")
    given = None if model is base is None else chat_source(model, base).resolved()
    if given is None and settings is None:
        raise UserError("give a model's folder or --base", fix="example: rt chat my-model")
    resolved = load_settings(
        ChatSettings, settings, overrides or (),
        source=given, max_new_tokens=max_new_tokens, temperature=temperature,
    )  # fmt: skip
    if dry_run:
        plan = {"settings": resolved.resolved(), "prompt": prompt}
        emit(plan, as_json, yaml.safe_dump(plan, sort_keys=False, allow_unicode=True))
        return
    partner = Chat(resolved)
    if prompt is not None:
        _answer(partner, prompt, as_json)
        return
    _talk(partner, as_json)


def _talk(partner: Chat, as_json: bool) -> None:
    """Answer line after line until the input or the user ends it."""
    last = ""  # the prompt continued last
    while line := _ask():
        command, _, rest = line.partition(" ")
        if command == "/quit":
            return
        if line.startswith("/") and not line.startswith("//"):
            _say(_command(partner, command, rest, last))
            continue
        instruction = line[1:] if line.startswith("//") else line
        last = partner.prompt(instruction)
        try:
            _answer(partner, instruction, as_json)
        except InputError as error:  # of this line; the talk goes on
            _say(str(error))


def _command(partner: Chat, command: str, rest: str, last: str) -> str:
    """What a line for the chat itself shows."""
    if command == "/clear":
        partner.clear()
        return "forgotten"
    if command == "/history":
        shown = [f"> {asked}\n{answer.strip()}" for asked, answer in partner.history]
        return "\n\n".join(shown) or "nothing was said yet"
    if command == "/prompt":
        return partner.prompt(rest) if rest else last or "nothing was asked yet"
    known = "/history, /clear, /prompt [TEXT], /quit; // begins an instruction that begins with a slash"
    return known if command == "/help" else f"no such command: {command} (there are {known})"


def _say(text: str) -> None:
    """Show what is no answer: on standard error, so that standard output holds answers alone."""
    sys.stderr.write(text.rstrip("\n") + "\n")
    sys.stderr.flush()


def _ask() -> str:
    """The next line; at a terminal with the keys to edit it and to go back to earlier ones."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    with suppress(ImportError):  # not everywhere
        import readline  # noqa: F401 (changes what `input` can do)
    try:
        return input("> ")
    except EOFError:
        return ""


def _answer(partner: Chat, instruction: str, as_json: bool) -> None:
    if as_json:
        answer = {"instruction": instruction, "response": partner.answer(instruction)}
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    for piece in partner.stream(instruction):
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
