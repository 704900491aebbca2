"""The rule of extraction, our prompts, and the way the official text is taken."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from artifacts import origins
from artifacts.errors import InputError, MissingDataError
from artifacts.pins import load_pin
from data_curation import rewrite_prompts as prompts
from data_curation.llm_client import Answer, Failure, Outcome
from data_curation.records import make_records
from data_curation.rewrite_replies import Rewrite, extract, read_rewrite

MARKER = "Refined response:"


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("Refined response: New.", "New."),
        ("It is dull.\n\nREFINED response:\n\n  New\ntext. \n", "New\ntext."),
        ("no marker at all", None),
        ("Refined answer: New.", None),
        ("Refined response:", ""),
        ("Refined response: A. Refined response: B.", "A. Refined response: B."),
        ("**Refined response:** New.", "New."),
        ("**Refined response:**\n**Bold** start", "**Bold** start"),
        ("Refined response: **Bold** start", "**Bold** start"),
        ("Refined response:**Bold** start", "**Bold** start"),
        ("*_Refined response:_* New.", "New."),
        ("Refined response: * one\n* two", "* one\n* two"),
    ],
)
def test_the_text_after_the_marker(reply, text):
    assert extract(reply, MARKER) == text


@pytest.mark.parametrize("sign", "*_")
def test_a_long_run_of_stars_takes_no_time(sign):
    started = time.perf_counter()
    assert extract(sign * 30_000 + " no marker", MARKER) is None
    assert extract(sign * 30_000 + f"x **{MARKER}** New.", MARKER) == "New."
    assert time.perf_counter() - started < 2, "a pattern that looks for both takes many seconds"


def answered(text, finish="stop"):
    return Outcome("k", answer=Answer(text, finish))


def test_what_a_reply_gives():
    def read(outcome, take_cut=False):
        return read_rewrite(outcome, MARKER, " Old text.\n", take_cut)

    assert read(answered("Refined response: New.")) == Rewrite("rewritten", text="New.")
    assert read(answered("Refined response: Old text. ")) == Rewrite("unchanged")
    assert read(answered("New.")) == Rewrite("original", "no_marker")
    assert read(answered("Refined response: \n")) == Rewrite("original", "empty")
    assert read(answered("Refined response: Ne", "length")) == Rewrite("original", "cut")
    assert read(answered("Refined response: Ne", "length"), take_cut=True) == Rewrite("rewritten", text="Ne")
    assert read(Outcome("k", failure=Failure("timeout", "t"))) == Rewrite("failed", "timeout")
    assert read(None) == Rewrite("original", "blank")


def test_our_prompts_hold_the_papers_criteria_and_ask_for_their_marker():
    assert prompts.prompt_names() == ["news", "refine"]
    refine, news = prompts.load_prompt("refine"), prompts.load_prompt("news")
    assert all(word in refine.user for word in ("Clarity", "Structure", "Tone", refine.marker))
    assert all(word in news.user for word in ("Clean", "tone", news.marker))
    with_instruction, without = make_records(
        "s", [(0, "Why {request} {response}?", "{instruction} $1 \\1"), (1, None, "text")]
    )
    ((role, text),) = refine.request_for(with_instruction).messages
    assert role == "user"
    assert "\n----- the user's message -----\nWhy {request} {response}?\n----- end of the message -----\n" in text
    assert "\n{instruction} $1 \\1\n----- end of the answer -----" in text
    ((_, text),) = refine.request_for(without).messages
    assert "user's message" not in text
    assert "\ntext\n" in text


SCRIPT = '''
import nothing_that_exists
RESPONSE_REFINE_PROMPT_TEMPLATE = """
Mend this for {user_request}: {response}. Write "Refined response: [text]".
""".strip()
raise SystemExit
'''


def test_the_official_text_is_taken_out_of_a_script_that_is_not_run(tmp_path, monkeypatch):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    monkeypatch.setattr(prompts, "fetch", lambda name: SimpleNamespace(paths=(path,)))
    prompt = prompts.load_prompt("official-refine")
    assert prompt.user == 'Mend this for {instruction}: {response}. Write "Refined response: [text]".'
    assert (prompt.kind, prompt.needs_instruction) == ("refine", True)
    (record,) = make_records("s", [(0, "Why?", "So.")])
    assert prompt.request_for(record).messages[0][1].startswith("Mend this for Why?: So.. Write")
    path.write_text("RESPONSE_REFINE_PROMPT_TEMPLATE = [1, 2]\n")
    with pytest.raises(InputError, match="holds no text"):
        prompts.load_prompt("official-refine")


def test_the_official_text_is_a_pin_and_no_part_of_the_package(tmp_path, monkeypatch):
    pin = load_pin(prompts.OFFICIAL_PIN)
    assert all(file.sha256 and file.bytes for origin in pin.origins for file in origin.files)
    monkeypatch.setenv("RT_MIRROR", str(tmp_path))
    monkeypatch.setitem(origins.FETCHERS, "url", _no_net)
    with pytest.raises(MissingDataError, match=r"prompts/refine_responses\.py"):
        prompts.load_prompt("official-refine")


def _no_net(pin, origin):
    raise origins.OriginUnavailable("no network in tests")
