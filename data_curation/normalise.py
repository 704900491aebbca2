"""normalise: repair what machines did to a response, and nothing that its author did.

Straight and curly quotes, ligatures, HTML entities, emoji, indentation and code stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from artifacts.settings import Settings
from data_curation.optional import require
from data_curation.records import Record
from data_curation.step import StepResult
from data_curation.template_marks import CLOSING, END, OPENING, loose_ends


class NormaliseSettings(Settings):
    """Kinds of repair, each of which can be switched off; applied in this order.

    Attributes:
        surrogates: Halves of a character that belong together are joined; one that is alone becomes U+FFFD, since no
            file can hold it. (Rows of a file that holds one are quarantined when it is read.)
        nulls: U+0000 goes, which UTF-16 read as another encoding leaves behind.
        mojibake: UTF-8 that was decoded as Windows-1252 or Latin-1 is decoded again (ftfy), line by line and only in
            lines with an unmistakable sign of it; C1 control characters become the Windows-1252 ones they stand for.
        line_ends: CR LF, CR, vertical tab, form feed, U+2028 and U+2029 become LF.
        controls: Other control characters (but tab) go, and the whole of a terminal's escape sequences (colours).
        invisible: The zero-width characters U+00AD, U+200B, U+2060, U+FEFF go, and so do tag characters outside of
            flags, and code points that are no characters. The joiners U+200C and U+200D stay (Persian, Indic, emoji),
            and so do direction marks.
        chat_marks: Template marks at the edges go (`<|assistant|>` before, `<|im_end|>` after the text, and others).
        unicode: Unicode normal form C.
        white_space: White space at line ends goes, but for the two spaces of a Markdown line break; blank lines at
            the edges go, and a single space before the first word.
    """

    step: Literal["normalise"] = "normalise"
    surrogates: bool = True
    nulls: bool = True
    mojibake: bool = True
    line_ends: bool = True
    controls: bool = True
    invisible: bool = True
    chat_marks: bool = True
    unicode: bool = True
    white_space: bool = True


# Sequences that UTF-8 read as Windows-1252 leaves and that people do not write. Without this check ftfy turns the
# square angstrom 'Å²' into 'Ų': on 100,000 real responses that was all it changed.
_MOJIBAKE = re.compile(
    "\u00e2\u20ac|\u00f0\u0178|\u00ef\u00bf\u00bd|\u00ef\u00bb\u00bf|\u00c2[\u00a0-\u00bf]"
    "|\u00c3[\u00a0-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2022\u2026\u2030\u2039"
    "\u203a\u20ac\u2122]|(?:[\u00d0\u00d1][\u0080-\u00bf\u0152-\u0192\u2013-\u2122]){2}|[\u0080-\u009f]"
)
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")
_CONTROLS = re.compile("\x1b\\[[0-?]{0,16}[ -/]{0,4}[@-~]|[\x01-\x08\x0e-\x1f\x7f-\x9f]")
# tag characters belong behind a black flag (Scotland's); anywhere else they hide text
_INVISIBLE = re.compile(
    "[\u00ad\u200b\u2060\ufeff\ufffe\uffff]|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0001\U000e0020-\U000e007f]+"
)
_LINE_TAIL = re.compile(r"(?<=[^ \t\n])([ \t]+)\n(?=([^\n]?))|^[ \t]+$", re.MULTILINE)
_HARD_BREAK = "  "


def join_surrogates(text: str) -> str:
    """Halves joined to characters; a lone half as U+FFFD."""
    return _SURROGATES.sub(_joined, text)


def _joined(match: re.Match) -> str:
    return match[0].encode("utf-16", "surrogatepass").decode("utf-16") if len(match[0]) == 2 else "\ufffd"


def drop_nulls(text: str) -> str:
    """Without U+0000."""
    return text.replace("\0", "")


def repair_mojibake(text: str) -> str:
    """Decode again the lines that show wrongly decoded UTF-8."""
    if text.isascii() or not _MOJIBAKE.search(text):
        return text
    ftfy = require("ftfy")
    config = ftfy.TextFixerConfig(
        unescape_html=False,
        remove_terminal_escapes=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        fix_surrogates=False,
        remove_control_chars=False,
        normalization=None,
        explain=False,
    )
    lines = text.split("\n")
    return "\n".join(ftfy.fix_text(line, config) if _MOJIBAKE.search(line) else line for line in lines)


def repair_line_ends(text: str) -> str:
    """Every line end as LF."""
    return _LINE_END.sub("\n", text)


def drop_controls(text: str) -> str:
    """Without control characters and terminal escape sequences."""
    return _CONTROLS.sub("", text)


def drop_invisible(text: str) -> str:
    """Without zero-width characters, stray tags and what is no character."""
    return _INVISIBLE.sub("", text)


def strip_chat_marks(text: str) -> str:
    """Without template marks at the edges, however many stand there (in one pass over them)."""
    start, end = 0, len(text)
    while match := OPENING.match(text, start):
        start = match.end()
    loose = loose_ends(text, start)
    while True:
        bare = end
        while bare > start and text[bare - 1].isspace():
            bare -= 1
        marks = (*CLOSING, END) if loose > 0 else CLOSING
        mark = next((mark for mark in marks if text.endswith(mark, start, bare)), None)
        if mark is None:
            return text[start:end]
        loose -= mark == END
        end = bare - len(mark)


def compose(text: str) -> str:
    """Unicode normal form C."""
    return unicodedata.normalize("NFC", text)


def trim(text: str) -> str:
    """Without white space at line ends (but Markdown line breaks) and at the edges (but the first line's indent)."""
    text = _LINE_TAIL.sub(_tail, text).rstrip()
    text = re.sub(r"\A(?:[ \t]*\n)+", "", text)
    return text[1:] if text[:1] == " " and text[1:2] not in (" ", "\t") else text


def _tail(match: re.Match) -> str:
    """What stays of a line's trailing white space: the hard break, if another line of the paragraph follows."""
    if match[1] is None:
        return ""
    return (_HARD_BREAK if match[1] == _HARD_BREAK and match[2].strip() else "") + "\n"


_REPAIRS: dict[str, Callable[[str], str]] = {
    "surrogates": join_surrogates,
    "nulls": drop_nulls,
    "mojibake": repair_mojibake,
    "line_ends": repair_line_ends,
    "controls": drop_controls,
    "invisible": drop_invisible,
    "chat_marks": strip_chat_marks,
    "unicode": compose,
    "white_space": trim,
}


class Normalise:
    """The step; measures how many records each kind of repair changed."""

    name = "normalise"

    def __init__(self, settings: NormaliseSettings):
        self.settings = settings

    def apply(self, records: Sequence[Record], scratch: Path) -> StepResult:
        """Repair every response; nothing leaves."""
        result = StepResult()
        counts = Counter({f"changed.{kind}": 0 for kind, _ in self._repairs()})
        for record in records:
            text, kinds = self.repair(record.response)
            counts.update(f"changed.{kind}" for kind in kinds)
            if text != record.response:
                result.responses[record.row_id] = text
        result.measures.update(counts)
        return result

    def repair(self, text: str) -> tuple[str, list[str]]:
        """The repaired text and the kinds of repair that changed it."""
        kinds = []
        for kind, repair in self._repairs():
            repaired = repair(text)
            if repaired != text:
                kinds.append(kind)
                text = repaired
        return text, kinds

    def _repairs(self) -> Iterator[tuple[str, Callable[[str], str]]]:
        return ((kind, repair) for kind, repair in _REPAIRS.items() if getattr(self.settings, kind))
