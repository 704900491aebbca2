"""Which columns hold the instruction and the response, and how a row gives the two texts."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from artifacts.errors import InputError
from artifacts.settings import Settings
from data_curation.readers.json_rows import RepeatedKeys, type_word
from data_curation.readers.rows import is_utf8

TURN_COLUMNS = ("messages", "conversations")
RESPONSE_COLUMNS = ("response", "output", "completion", *TURN_COLUMNS)
INSTRUCTION_COLUMNS = ("instruction", "prompt")
CONTEXT_COLUMNS = ("context", "input")
_USER = {"user", "human"}
_ASSISTANT = {"assistant", "gpt"}
_PASSED_OVER = {"system", "developer", "tool", "function"}  # known roles whose turns are neither of the two texts


class Columns(Settings):
    """Names of the columns to read; None = recognise.

    Attributes:
        response: Recognised: response, output, completion, messages, conversations.
        instruction: Recognised: instruction, prompt; none of them: responses only.
        context: Appended to the instruction after a blank line, as the paper does. Recognised, unless an instruction
            column is named: context, input.
        quality: A score of the row, higher is better, for the survivor policy `quality`; never guessed. A number, or
            text that is one; nothing (null, NaN, empty text) means that the row has no score.
    """

    response: str | None = None
    instruction: str | None = None
    context: str | None = None
    quality: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of one file. With `turns`, the response column holds a conversation that gives both texts."""

    response: str
    instruction: str | None = None
    context: str | None = None
    turns: bool = False
    quality: str | None = None


class NoContext(Layout):
    """A layout without a context column because the user named the instruction column alone.

    It is a class of its own, not a field of `Layout`: the fields stand in the summary of every corpus.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Texts:
    """What one row says; `turns_left_out` counts the turns before and after the exchange, which are not used."""

    instruction: str | None
    response: str
    turns_left_out: int = 0
    quality: float | None = None


class RowFault(Exception):
    """Why one row cannot be used."""


def recognise(present: Collection[str], wanted: Columns, where: str) -> Layout | None:
    """The layout of a file that has the columns `present`; None if a needed one is not among them.

    Raises:
        InputError: more than one column could be the response, the instruction or the context, or a column is named
            that would have no effect.
    """
    if any(name is not None and name not in present for name in wanted.resolved().values()):
        return None
    response = wanted.response or _only(RESPONSE_COLUMNS, present, "response", where)
    if response is None:
        return None
    if response in TURN_COLUMNS:
        _refuse_texts_beside_turns(response, wanted, where)
        return Layout(response, turns=True, quality=wanted.quality)
    instruction = wanted.instruction or _only(INSTRUCTION_COLUMNS, set(present) - {response}, "instruction", where)
    context = wanted.context
    if context is None and wanted.instruction is None and instruction is not None:
        context = _only(CONTEXT_COLUMNS, set(present) - {response}, "context", where)
    if context is not None and instruction is None:
        raise InputError(
            f"the context column '{context}' needs an instruction, to which it is appended, and no column is known "
            f"to hold instructions ({', '.join(INSTRUCTION_COLUMNS)})",
            where=where,
            fix=f"name it with --instruction-column; columns: {_listed(present)}",
        )
    kind = Layout if wanted.instruction is None or context is not None else NoContext
    return kind(response, instruction, context, quality=wanted.quality)


def _refuse_texts_beside_turns(response: str, wanted: Columns, where: str) -> None:
    for role, name in (("instruction", wanted.instruction), ("context", wanted.context)):
        if name is not None:
            raise InputError(
                f"the {role} column '{name}' has no effect: '{response}' is a conversation, which gives both texts",
                where=where,
                fix=f"leave out --{role}-column, or name the column of a plain text with --response-column",
            )


def _only(names: Collection[str], present: Collection[str], role: str, where: str) -> str | None:
    found = [name for name in names if name in present]
    if len(found) > 1:
        raise InputError(
            f"several columns could be the {role}: {', '.join(found)}",
            where=where,
            fix=f"name one with --{role}-column",
        )
    return found[0] if found else None


def no_layout(present: Collection[str], wanted: Columns, where: str) -> InputError:
    """The error for a file in which no row has the columns needed: what there is, and which is nearest."""
    for role, name in wanted.resolved().items():
        if name is not None and name not in present:
            near = difflib.get_close_matches(name, list(present), n=1, cutoff=0.0)
            hint = f"; nearest: '{near[0]}'" if near else ""
            return InputError(
                f"no row has the {role} column '{name}'{hint}", where=where, fix=f"columns: {_listed(present)}"
            )
    near = [match for name in RESPONSE_COLUMNS for match in difflib.get_close_matches(name, list(present), 1, 0.75)]
    hint = f"; nearest: '{near[0]}'" if near else ""
    return InputError(
        f"no column is known to hold responses ({', '.join(RESPONSE_COLUMNS)}){hint}",
        where=where,
        fix=f"name it with --response-column; columns: {_listed(present)}",
    )


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def texts(layout: Layout, values: Mapping[str, Any]) -> Texts:
    """The two texts of a row.

    Raises:
        RowFault: a column is absent from this row, null where text is needed, not text, not valid text, or a quality
            score that is no number.
        InputError: the row can be used, but fills a column of instructions or contexts that the layout lacks: no row
            had it when the layout was chosen, or a context has no instruction to go with. Its place is left to the
            caller.
    """
    found = _texts(layout, values)
    if not layout.turns:
        _refuse_unread_column(layout, values)
    if layout.quality is None:
        return found
    return replace(found, quality=_score(values.get(layout.quality), layout.quality))


def _texts(layout: Layout, values: Mapping[str, Any]) -> Texts:
    if layout.turns:
        return _first_exchange(_column(values, layout.response), layout.response)
    response = _text(_column(values, layout.response), layout.response)
    if layout.instruction is None:
        return Texts(None, response)
    instruction = _optional_text(_column(values, layout.instruction), layout.instruction)
    context = _optional_text(values.get(layout.context), layout.context) if layout.context else None
    if context and context.strip():
        instruction = f"{instruction}\n\n{context}" if instruction else context
    return Texts(instruction, response)


def _refuse_unread_column(layout: Layout, values: Mapping[str, Any]) -> None:
    """For every row, so no more than a few look-ups."""
    late = "appears only here, after the columns of the file were chosen"
    if layout.instruction is None:
        if name := _unread(INSTRUCTION_COLUMNS, layout, values):
            fix = f"name it with --instruction-column {name}, and a context with --context-column"
            raise InputError(f"the instruction column '{name}' {late}; its texts would be lost", fix=fix)
        if name := _unread(CONTEXT_COLUMNS, layout, values):
            alone = "has no instruction to go with: no column is known to hold one"
            fix = f"name it with --instruction-column {name} if it is the instruction, or leave it out of the file"
            raise InputError(f"the context column '{name}' {alone}; its texts would be lost", fix=fix)
    elif (
        layout.context is None
        and not isinstance(layout, NoContext)
        and (name := _unread(CONTEXT_COLUMNS, layout, values))
    ):
        fix = f"name it with --context-column {name}"
        raise InputError(f"the context column '{name}' {late}; its texts would be lost", fix=fix)


def _unread(names: Collection[str], layout: Layout, values: Mapping[str, Any]) -> str | None:
    for name in names:
        if name in values and name != layout.response and _filled(values[name]):
            return name
    return None


def _filled(value: Any) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def _score(value: Any, name: str) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool):
        raise RowFault(f"'{name}' is {type_word(value)}, not a number")
    try:
        score = float(value)
    except OverflowError:
        raise RowFault(f"'{name}' is too large a number") from None
    except (TypeError, ValueError):
        shown = f"the text {value[:40]!r}" if isinstance(value, str) else type_word(value)
        raise RowFault(f"'{name}' is {shown}, not a number") from None
    if math.isinf(score):
        raise RowFault(f"'{name}' is infinite, not a score")
    return None if math.isnan(score) else score


def _column(values: Mapping[str, Any], name: str) -> Any:
    if name not in values:
        raise RowFault(f"no column '{name}' in this row")
    return values[name]


def _optional_text(value: Any, name: str) -> str | None:
    return None if value is None else _text(value, name)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise RowFault(f"'{name}' is {type_word(value)}, not text")
    if not is_utf8(value):
        raise RowFault(f"'{name}' holds a lone surrogate, which is not valid text")
    return value


def _first_exchange(turns: Any, name: str) -> Texts:
    """The first assistant turn after a user turn and the user turn just before it; without a user turn, the first one.

    A list of plain texts begins with the user's.
    """
    if not isinstance(turns, list):
        raise RowFault(f"'{name}' is {type_word(turns)}, not a list of turns")
    pairs = [_turn(turn, index, name) for index, turn in enumerate(turns)]
    user = next((index for index, (role, _) in enumerate(pairs) if role in _USER), None)
    first = 0 if user is None else user + 1
    answer = next((index for index in range(first, len(pairs)) if pairs[index][0] in _ASSISTANT), None)
    if answer is None:
        raise RowFault(f"'{name}' holds no assistant turn" + ("" if user is None else " after the first user turn"))
    _refuse_unknown_roles(pairs[:answer], name)
    response = _text(pairs[answer][1], f"{name}[{answer}]")
    if user is None:
        return Texts(None, response, len(pairs) - 1)
    # several user turns in a row: the answer is to the last of them
    asked = max(index for index in range(answer) if pairs[index][0] in _USER)
    return Texts(_text(pairs[asked][1], f"{name}[{asked}]"), response, len(pairs) - 2)


def _refuse_unknown_roles(before: list[tuple[str, Any]], name: str) -> None:
    """A turn of an unknown role before the answer may be what is answered, so the instruction would be guessed."""
    for index, (role, _) in enumerate(before):
        if role not in _USER | _ASSISTANT | _PASSED_OVER:
            raise RowFault(f"'{name}[{index}]' has the unknown role {role[:40]!r}, before the first answer")


def _turn(turn: Any, index: int, name: str) -> tuple[str, Any]:
    """Role and content of one turn: `{role, content}`, `{from, value}` or a plain text."""
    if isinstance(turn, str):
        return ("assistant" if index % 2 else "user"), turn
    if isinstance(turn, RepeatedKeys):
        raise RowFault(f"'{name}[{index}]' gives the key '{turn.repeated}' twice")
    if isinstance(turn, dict):
        for role, content in (("role", "content"), ("from", "value")):
            if isinstance(turn.get(role), str) and content in turn:
                return turn[role].lower(), turn[content]
    raise RowFault(f"'{name}[{index}]' is no turn (expected role and content)")
