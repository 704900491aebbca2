"""`rt sequences`: show ids, labels and what is trained."""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from paper_repro.cli.common import Debug
from paper_repro.sequences import IGNORED, MAX_LENGTH, Masking, Method, TokenSequence, build_all

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HELP = """Show the token sequences that training would use: ids, labels (-100 = not trained), and the text with its
trained part marked (green on a terminal, between ⟦ and ⟧ elsewhere).

FILE is JSONL (or a JSON array, or Parquet) with the columns `instruction` and `response`. `official` masking
reproduces the search of the paper's own code, quirks included, for audits.

Example: rt sequences --method rt --tokenizer smollm2-135m-instruct rows.jsonl
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("sequences", help=HELP)(sequences)


def sequences(
    file: Annotated[Path, typer.Argument(help="Rows: JSONL, JSON array or Parquet.")],
    method: Annotated[Method, typer.Option(help="Sequences with (it) or without (rt) the instruction.")],
    tokenizer: Annotated[str, typer.Option(help="A folder, the name of a pin, or owner/repo@commit on the hub.")],
    masking: Annotated[Masking, typer.Option(help="How the trained tokens are found.")] = "by_construction",
    max_length: Annotated[int, typer.Option(min=1, help="Longer sequences are cut on the right.")] = MAX_LENGTH,
    as_json: Annotated[bool, typer.Option("--json", help="A list of {input_ids, labels}, in row order.")] = False,
    debug: Debug = False,
) -> None:
    """Build the sequences of a file's rows and print them."""
    from paper_repro.models import load_tokenizer, tokenizer_folder
    from paper_repro.rows import read_rows

    rows = read_rows(file, needs_instruction=method == "it")
    loaded = load_tokenizer(tokenizer_folder(tokenizer))
    pairs = [(row.instruction, row.response) for row in rows]
    built = list(build_all(loaded, method, pairs, masking=masking, max_length=max_length))
    if as_json:
        sys.stdout.write(json.dumps([{"input_ids": s.input_ids, "labels": s.labels} for s in built]) + "\n")
    else:
        _show(built, loaded)


def _show(built: list[TokenSequence], tokenizer: PreTrainedTokenizerBase) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for number, sequence in enumerate(built):
        console.print(Text(f"row {number}: {_facts(sequence)}", style="bold"))
        console.print(Text(f"ids    {sequence.input_ids}", style="dim"))
        console.print(Text(f"labels {sequence.labels}", style="dim"))
        console.print(_coloured(sequence, tokenizer, marks=not console.is_terminal), end="\n\n")
    masked = sum(not sequence.predicted for sequence in built)
    trained = sum(sequence.predicted for sequence in built)
    console.print(Text(f"{len(built)} rows, {trained} trained tokens, {masked} rows with nothing to train"))


def _facts(sequence: TokenSequence) -> str:
    facts = [f"{len(sequence.input_ids)} tokens", f"{sequence.predicted} trained"]
    facts += ["cut on the right"] if sequence.truncated else []
    facts += ["first trained token also holds marker text"] if sequence.straddles else []
    return ", ".join(facts)


def _coloured(sequence: TokenSequence, tokenizer: PreTrainedTokenizerBase, marks: bool) -> Any:
    from rich.text import Text

    text = Text()
    pairs = zip(sequence.input_ids, sequence.labels, strict=True)
    for trained, group in groupby(pairs, key=lambda pair: pair[1] != IGNORED):
        ids = [token for token, _ in group]
        shown = _visible(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
        text.append(f"⟦{shown}⟧" if marks and trained else shown, style="green" if trained else "dim")
    return text


def _visible(text: str) -> str:
    """Newlines as a sign and a newline; other control characters escaped, so that data cannot steer a terminal."""
    return "".join(
        "↵\n" if letter == "\n" else letter if letter.isprintable() else repr(letter)[1:-1] for letter in text
    )
