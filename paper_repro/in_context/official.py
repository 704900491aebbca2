"""The template `official`: the authors' three prompt files, pinned downloads, taken apart and put together again.

Source: Sec. 6 of the paper; the files of its repository, and the stop texts that its script gives them. An answer ends
at the next heading, and backquotes at its end (the closing fence) are taken off.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from artifacts.pins import fetch

NAME = "official"
PINS = {
    "urial": "response-tuning-urial",
    "urial-r": "response-tuning-urial-r",
    "zero-shot": "response-tuning-zero-shot",
}
QUERY, ANSWER = "# Query:\n```\n", "# Answer:\n```\n"
CLOSED = "\n```\n\n"
OPENING = f"{QUERY}{{query}}{CLOSED}{ANSWER.rstrip()}"
STOPS = ("# Query:", "# Answer:", "# Instruction")


def official_template() -> dict[str, Any]:
    """Values of the template, from the downloads.

    Raises:
        MissingDataError: a file cannot be had.
        InputError: a file is not built as expected: put together again, the parts do not give its text.
    """
    paths = {style: fetch(pin).paths[0] for style, pin in PINS.items()}
    return parts_of({style: _text(path) for style, path in paths.items()}, str(paths["urial"].parent))


def parts_of(texts: dict[str, str], where: str) -> dict[str, Any]:
    """The parts of the prompts of the three styles; in each `{query}` stands for what is asked.

    Raises:
        InputError: as in `official_template`.
    """
    pairs = re.findall(f"{QUERY}(.*?){CLOSED}{ANSWER}(.*?){CLOSED}", texts["urial"], re.DOTALL)
    shown = [{"query": query, "answer": answer} for query, answer in pairs]
    systems = {style: re.split("(?=# Query:\n|# Answer:\n)", texts[style])[0] for style in ("urial", "urial-r")}
    values = {
        "name": NAME,
        "source": "The prompt files of the paper's repository, downloaded; stop texts as in its script.",
        "system": systems["urial"],
        "system_r": systems["urial-r"],
        "zero_shot": "",
        "pair": f"{QUERY}{{query}}{CLOSED}{ANSWER}{{answer}}{CLOSED}",
        "response": f"{ANSWER}{{answer}}{CLOSED}",
        "opening": OPENING,
        "stops": STOPS,
        "strip": "`",
        "demonstrations": shown,
    }
    answers = "".join(f"{ANSWER}{one['answer']}{CLOSED}" for one in shown)
    both = "".join(f"{QUERY}{one['query']}{CLOSED}{ANSWER}{one['answer']}{CLOSED}" for one in shown)
    again = {
        "urial": systems["urial"] + both + OPENING,
        "urial-r": systems["urial-r"] + answers + OPENING,
        "zero-shot": OPENING,
    }
    for style, text in texts.items():
        if not shown or again[style] != text:
            raise InputError(
                f"the {style} prompt is not built as expected", where=where, fix="use --set template=fences"
            )
    return values


def _text(path: Path) -> str:
    """The prompt as the authors' script reads it: without white space around it."""
    return path.read_text(encoding="utf-8").strip().replace("{instruction}", "{query}")
