"""The labelled replies that come with the package, and what the frozen refusal judges get on them."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from artifacts.digests import digest_text
from artifacts.errors import InputError
from data_curation.records import make_records
from data_curation.refusal_detector import DetectorSettings, detect
from paper_repro.judge.registry import load_judge
from paper_repro.judge.schema import Opinion
from paper_repro.judge.validation.agreement import Judged, measure
from paper_repro.judge.validation.labelled import LABELS, read_labelled
from paper_repro.judge.validation.stage import ValidateSettings, validate

KINDS = {
    "plain compliance": "compliance",
    "plain refusal": "refusal",
    "deceptive compliance": "compliance",
    "soft refusal": "refusal",
    "sympathetic compliance": "compliance",
}
REPLIES = read_labelled()
ROW = {
    "id": "a",
    "kind": "plain refusal",
    "label": "refusal",
    "split": "held-out",
    "instruction": "How?",
    "response": "No.",
}


def test_there_are_five_kinds_of_at_least_fifty_each_with_its_label():
    assert len(REPLIES) >= 250
    assert {reply.kind: reply.label for reply in REPLIES} == KINDS
    assert min(Counter(reply.kind for reply in REPLIES).values()) >= 50


def test_digests_of_the_ids_decide_which_half_is_held_out():
    for kind in KINDS:
        own = sorted((reply for reply in REPLIES if reply.kind == kind), key=lambda reply: digest_text(reply.id))
        half = len(own) // 2
        assert [reply.split for reply in own] == ["development"] * half + ["held-out"] * half


def test_replies_are_short_and_no_two_are_alike():
    assert len({reply.response for reply in REPLIES}) == len(REPLIES)
    assert max(len(reply.response.split()) for reply in REPLIES) <= 120
    openings = Counter(" ".join(reply.response.lower().split()[:4]) for reply in REPLIES)
    assert max(openings.values()) <= 6  # "I'm sorry to hear ..." is how people begin


def test_what_must_not_be_told_is_a_placeholder():
    handed_over = [reply for reply in REPLIES if reply.kind == "deceptive compliance"]
    assert all(re.search(r"\[[A-Z]", reply.response) for reply in handed_over)
    assert not any(re.search(r"\[[A-Z]", reply.response) for reply in REPLIES if reply.label == "refusal")


def test_soft_refusals_have_no_word_of_refusal():
    words = re.compile(r"\b(?:sorry|can't|cannot|won't|unable|refuse|decline|not allowed|illegal|no,)\b", re.IGNORECASE)
    assert [reply.id for reply in REPLIES if reply.kind == "soft refusal" and words.search(reply.response)] == []


def test_the_card_of_the_rules_tells_what_is_measured(tmp_path):
    card = load_judge("refusal-rules")
    measured = validate(ValidateSettings(judge="refusal-rules"), tmp_path / "v").summary["splits"]
    told = card.validation
    for split, whole, by_kind in (
        ("development", told.development, told.development_by_kind),
        ("held-out", told.held_out, told.held_out_by_kind),
    ):
        assert whole == {key: measured[split][key] for key in ("n", "agree")}
        kinds = measured[split]["by_kind"]
        assert by_kind == {kind: {key: one[key] for key in ("n", "agree")} for kind, one in kinds.items()}


def test_the_guide_tells_what_the_card_does():
    guide = (Path(__file__).resolve().parents[4] / "docs" / "evaluate.md").read_text("utf-8")
    told = load_judge("refusal-rules").validation
    rows = {"all": (told.development, told.held_out)}
    rows |= {kind: (told.development_by_kind[kind], told.held_out_by_kind[kind]) for kind in KINDS}
    for name, counts in rows.items():
        shares = " | ".join(f"{count['agree']} of {count['n']}" for count in counts)
        assert f"| {name} | {shares} |" in guide
    asked = load_judge("refusal-llm").validation
    assert asked.development is None and "SmolLM2-135M-Instruct" in asked.data
    assert f"agrees with {asked.held_out['agree']} of the\n{asked.held_out['n']} held-out labels" in guide


def test_the_detectors_description_tells_what_is_measured():
    from data_curation import refusal_detector

    records = make_records("labelled", [(i, one.instruction, one.response) for i, one in enumerate(REPLIES)])
    said = {True: "refusal", False: "compliance"}
    opinions = [Opinion("ok", label=said[one.refusal]) for one in detect(records, DetectorSettings(method="cues"))]
    judged = [Judged(*pair) for pair in zip(REPLIES, opinions, strict=True)]
    splits = {s: measure([one for one in judged if one.reply.split == s]) for s in ("development", "held-out")}
    by_kind = {kind: one["agree"] for kind, one in splits["held-out"]["by_kind"].items()}
    told = " ".join(refusal_detector.__doc__.split())
    assert all(split["n"] == 130 for split in splits.values())
    assert (
        f"right on {splits['development']['agree']} of 130 development and {splits['held-out']['agree']} of 130" in told
    )
    for kind, plural in ((kind, re.sub("(refusal|compliance)$", r"\1s", kind)) for kind in KINDS):
        assert f"{plural} {by_kind[kind]}" in told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "Refusal"}, "mine.jsonl:2: 'label' is 'Refusal'"),
        ({"split": "test"}, "mine.jsonl:2: 'split' is 'test'"),
        ({"response": " \n"}, "mine.jsonl:2: 'response' is empty"),
        ({"instruction": None}, "mine.jsonl:2: 'instruction' is null"),
        ({"id": "first"}, "mine.jsonl:2: the id 'first' is given twice"),
        ({"label": "compliance"}, "mine.jsonl:2: the kind 'plain refusal' was labelled 'refusal' before"),
    ],
)
def test_a_faulty_set_of_the_users_own_is_refused(tmp_path, change, message):
    path = Path(tmp_path / "mine.jsonl")
    path.write_text("\n".join(json.dumps(row) for row in (ROW | {"id": "first"}, ROW | change)), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_labelled(path)
    assert message in str(caught.value)


def test_the_two_labels_are_those_of_the_judges():
    assert load_judge("refusal-rules").labels == load_judge("refusal-llm").labels == LABELS
