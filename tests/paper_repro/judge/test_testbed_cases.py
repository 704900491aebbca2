"""Replies labelled by hand: every rule of the testbed's judges has cases, and some of them need it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from artifacts.files import read_yaml
from artifacts.settings import validate_settings
from paper_repro.testbed.rules import (
    ActReference,
    TaskReference,
    acceptable,
    content,
    contrary,
    judge_act,
    judge_task,
    refusal,
    requirement_is_met,
    requirements,
    segments,
    stopping,
    sums,
    turns,
    words,
)

FOLDER = Path(__file__).parent / "testbed_cases"
DOCS = Path(__file__).parents[3] / "docs" / "testbed-judges.md"


def load(name):
    """(reference as data, case) for every case of a judge."""
    return [(group["reference"], case) for group in read_yaml(FOLDER / f"{name}.yaml") for case in group["cases"]]


def acceptable_faults(data, case):
    """What a judge says otherwise than the label, as text, or None."""
    reference = validate_settings(TaskReference, data)
    verdict = judge_task(case["reply"], case.get("end", "eos"), reference)
    found = {"content": verdict.content, "stopping": verdict.stopping}
    wrong = " ".join(f"{name}:{fault}" for name, fault in found.items() if fault)
    same = (verdict.label, wrong) == (case["label"], case.get("wrong", ""))
    first = "first" not in case or (verdict.first_line or "") == case["first"]
    return None if same and first else f"{verdict}"


def requirements_faults(data, case):
    reference = validate_settings(TaskReference, data)
    met = [requirement_is_met(case["reply"], one, reference) for one in reference.requirements]
    return None if met == case["met"] else f"{met}"


def refusal_faults(data, case):
    verdict = judge_act(case["reply"], validate_settings(ActReference, data))
    return None if verdict.label == case["label"] else f"{verdict}"


JUDGES = {"acceptable": acceptable_faults, "requirements": requirements_faults, "refusal": refusal_faults}
CASES = [(name, data, case) for name in JUDGES for data, case in load(name)]
RULES = Counter(case["rule"] for _, _, case in CASES)


@pytest.mark.parametrize(("name", "data", "case"), CASES, ids=[f"{c['rule']}:{c['reply'][:40]!r}" for _, _, c in CASES])
def test_a_labelled_reply_is_judged_as_labelled(name, data, case):
    assert JUDGES[name](data, case) is None


def test_there_are_enough_cases_and_every_rule_is_described():
    assert len(CASES) >= 150
    assert {rule: count for rule, count in RULES.items() if count < 3} == {}
    described = set(re.findall(r"^\| `([\w-]+/[\w-]+|first-line)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert described == set(RULES) == set(WITHOUT)


def never(*args, **kwargs):
    """In place of a rule: it finds nothing."""
    return False


def always(*args, **kwargs):
    """In place of a rule: it is met."""
    return True


def change(*targets, to):
    """A mutation that puts `to` in place of the named attributes."""

    def apply(monkeypatch):
        for module, name in targets:
            monkeypatch.setattr(module, name, to)

    return apply


def without_open(*args, said=content.how_said):
    return said(*args).replace("open", "affirmed")


def alternatives_anywhere(words, group, named, rule=content._alternatives):
    return rule(words, group, [])


def first_sentence_only(text, reference, fault=content.content_fault):
    return fault(re.split("[!.]", text.strip())[0], reference)


def no_false_equation(words, places, asked):
    """In place of the reading of all numbers of a sum: only equations count."""
    starts = range(len(places) - 2)
    return all(sums._equation(words, places[at:]) is None or sums._holds(words, places[at:]) for at in starts)


def tools_but(kind):
    """A how-to rule that does not know the tools of one kind."""

    def how_to(answer, words, reference, objected, rule=refusal._how_to):
        return rule(answer, words, reference.model_copy(update={kind: ()}), objected)

    return change((refusal, "_how_to"), to=how_to)


def always_met(kind):
    """A mutation by which every requirement of a kind is met."""
    return lambda monkeypatch: monkeypatch.setitem(requirements.RULES, kind, always)


NEVER = re.compile(r"(?!)")
# every rule, switched off
WITHOUT = {
    "content/words": change((words, "plain"), to=lambda text: text),
    "content/missing": change((content, "_misses"), to=never),
    "content/denied": change((content, "_NEGATIONS"), to=frozenset()),
    "content/contradiction": change((content, "_contradicts"), to=never),
    "content/open-choice": change((content, "how_said"), to=without_open),
    "content/question": change((words.Words, "is_asked"), to=never),
    "content/forbidden": change((content, "_says_forbidden"), to=never),
    "content/forbidden-denied": change((content, "_NEGATIONS"), to=frozenset()),
    "content/inside-longer": change((content, "_inside_longer"), to=never),
    "content/named": change((content, "_alternatives"), to=alternatives_anywhere),
    "content/order": change((content, "in_order"), to=always),
    "content/numbers": change((words, "_NUMBER"), to=re.compile(NEVER.pattern + "()()")),
    "content/friendly-no": change((words, "_IDIOM"), to=NEVER),
    "content/answer-part": change((content, "answer_part"), to=str.strip),
    "content/called-false": change((content, "_is_called_false"), to=never),
    "content/taken-back": change((contrary, "_says"), to=never),
    "content/truth-denied": change((contrary, "_denies_truth"), to=never),
    "content/elsewhere": change((content, "is_elsewhere"), to=never),
    "content/equation": change((sums, "_holds"), to=always),
    "content/minus": change((sums, "_is_negative"), to=never),
    "content/other-number": change((sums, "_is_calculated"), to=no_false_equation),
    "stopping/limit": change((acceptable, "stopping_fault"), to=lambda text, end: stopping.form_fault(text)),
    "stopping/empty": change((stopping, "phrase_words"), to=lambda text: ("a", "b")),
    "stopping/marker": change((turns, "_MARKER"), to=NEVER),
    "stopping/label": change((turns, "_is_label"), to=never),
    "stopping/question": change((turns, "asks"), (stopping, "asks"), to=never),
    "stopping/instruction": change((turns, "_ORDER"), to=NEVER),
    "stopping/offer": change((turns, "_OFFER"), to=NEVER),
    "stopping/fields": change((turns, "labelled_fields"), to=lambda lines: 0),
    "stopping/long": change((stopping, "LONGEST"), to=10_000),
    "stopping/repeated-sentence": change((stopping, "_SENTENCE"), to=NEVER),
    "stopping/repeated-words": change((stopping, "_LOOP"), to=NEVER),
    "stopping/cut-off": change((stopping, "_whole"), to=always),
    "stopping/bare": change((stopping, "BARE"), to=0),
    "label/subject": change((acceptable, "_names_subject"), to=always),
    "label/sentence": change((acceptable, "_says_in_full"), to=always),
    "label/style": change((acceptable, "content_fault"), to=first_sentence_only),
    "first-line": change((acceptable, "first_line"), (stopping, "first_line"), to=str.strip),
    "requirements/friendly": change((requirements, "content_segments"), to=segments.segments),
    "requirements/answer-part": change(
        (requirements, "answer_part"), (segments, "answer_part"), (content, "answer_part"), to=str.strip
    ),
    "refusal/tool": tools_but("tool"),
    "refusal/other-tool": tools_but("other_tools"),
    "refusal/way": change((refusal, "_tells_way"), to=never),
    "refusal/decline": change((refusal, "_DECLINES"), to=()),
    "refusal/objection": change(
        (refusal, "_label"), to=lambda way, declines, _, rule=refusal._label: rule(way, declines, 0)
    ),
    "refusal/denied-tool": change((refusal, "how_said"), to=lambda *_: "affirmed"),
    "refusal/policy-clause": change(
        (refusal, "_given"), to=lambda words, phrases, _, **means: bool(refusal._clauses(words, phrases))
    ),
    "refusal/neither": change((refusal, "_label"), to=lambda *facts, rule=refusal._label: rule(*facts) or "compliance"),
    "refusal/answer-part": change((refusal, "answer_part"), to=str.strip),
}
WITHOUT |= {f"requirements/{kind}": always_met(kind) for kind in requirements.RULES}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_without_a_rule_one_of_its_cases_is_judged_otherwise(rule, monkeypatch):
    words.phrase_words.cache_clear()
    WITHOUT[rule](monkeypatch)
    try:
        assert any(JUDGES[name](data, case) for name, data, case in CASES if case["rule"] == rule)
    finally:
        words.phrase_words.cache_clear()
