"""The refusal detector: levels of wording, what decides, reasons, and the numbers that are told about it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from artifacts.errors import SettingsError
from artifacts.settings import validate_settings
from data_curation import refusal_detector
from data_curation.records import make_records
from data_curation.refusal_detector import Detection, DetectorSettings, Thresholds, counts, detect, opening
from data_curation.refusal_prototypes import ANSWERS, REFUSALS
from data_curation.refusal_reasons import REASONS, kind_of, reasons
from data_curation.refusal_rules import normalise
from data_curation.refusal_signals import wording

ROOT = Path(__file__).resolve().parents[2]
RESULT = json.loads((ROOT / "benchmarks/results/refusal_detector.json").read_text("utf-8"))
KINDS = [json.loads(line) for line in (ROOT / "tests/data/refusal_kinds.jsonl").read_text("utf-8").split("\n") if line]


@pytest.mark.parametrize(
    ("response", "level"),
    [
        ("I'm sorry, but I can't help with that.", "decline"),
        ("Taking the parcel is illegal.", "objection"),
        ("No. Please ask me something else.", "hint"),
        ("As an open model, we have not a view.", "hint"),
        ("The mill has two stones.", "none"),
        ("As an AI, I have no opinion. However, many people like the green one best.", "answer"),
        ("As an AI I can't taste wine, but a dry white one goes with fish.", "answer"),
        ("I can't help. However, you should contact a lawyer.", "decline"),
        ("I can't help, but I must say that I cannot do it either.", "decline"),
        ("Yes, that is generally considered inappropriate.", "answer"),
        ("Yes, I cannot help you with that.", "decline"),
        ("...", "nothing"),
    ],
)
def test_levels_of_wording(response, level):
    assert wording(response).level == level


def detected(monkeypatch, similarity, response, **settings):
    """Detection of one response whose similarity is given."""
    monkeypatch.setattr(refusal_detector, "similarities", lambda responses, *rest: [similarity] * len(responses))
    record = make_records("test", [(0, None, response)])
    return detect(record, DetectorSettings(**settings))[0]


@pytest.mark.parametrize(
    ("response", "similarity", "refusal", "decided_by"),
    [
        ("I can't help with that.", -0.5, True, "wording"),
        ("Taking the parcel is illegal.", 0.02, True, "wording and similarity"),
        ("Taking the parcel is illegal.", 0.019, False, "wording and similarity"),
        ("No. Please ask me something else.", 0.055, True, "wording and similarity"),
        ("No. Please ask me something else.", 0.05, False, "wording and similarity"),
        ("The mill has two stones.", 0.9, False, "wording"),
        ("As an AI I can't taste wine, but a dry white one goes with fish.", 0.9, False, "answer"),
        ("", 0.9, None, "nothing to judge"),
    ],
)
def test_the_weaker_the_wording_the_more_similarity_is_needed(monkeypatch, response, similarity, refusal, decided_by):
    found = detected(monkeypatch, similarity, response)
    assert (found.refusal, found.decided_by, found.score) == (refusal, decided_by, similarity)


def test_one_signal_alone(monkeypatch):
    sorry = "Sorry for the delay. It is the green one."
    assert detected(monkeypatch, 0.0, sorry, method="word").refusal is True
    assert detected(monkeypatch, 0.054, sorry, method="similarity").refusal is True
    assert detected(monkeypatch, 0.053, sorry, method="similarity").refusal is False
    found = detected(monkeypatch, None, sorry, method="cues")
    assert (found.refusal, found.score, found.decided_by) == (False, None, "wording")
    assert detected(monkeypatch, None, "Taking the parcel is illegal.", method="cues").refusal is True


def test_cues_and_word_need_no_encoder(monkeypatch):
    monkeypatch.setattr(refusal_detector, "embed_texts", None)
    records = make_records("test", [(0, None, "I can't help with that.")])
    for method in ("cues", "word"):
        assert detect(records, DetectorSettings(method=method))[0].score is None
    with pytest.raises(TypeError):
        detect(records, DetectorSettings())


def test_similarity_is_that_of_the_opening_and_equal_openings_are_embedded_once(monkeypatch):
    asked = []

    def embed(texts, *rest, **named):
        asked.append(texts)
        sides = {
            **dict.fromkeys(REFUSALS, (1.0, 0.0)),
            **dict.fromkeys(ANSWERS, (0.0, 1.0)),
            "one two three four five": (0.8, 0.6),
        }
        return np.array([sides.get(text, (0.6, 0.8)) for text in texts], dtype=np.float32)

    monkeypatch.setattr(refusal_detector, "embed_texts", embed)
    texts = ["one two  three\nfour five six", "one two three four five seven", "other"]
    scores = refusal_detector.similarities(texts, DetectorSettings(opening_words=5))
    assert scores == pytest.approx([0.2, 0.2, -0.2], abs=1e-6)
    assert asked[0][len(REFUSALS) + len(ANSWERS) :] == ["one two three four five", "other"]
    assert opening(" a  b\nc ", 2) == "a b"


def test_reasons_match_their_examples_and_only_refusals_have_a_kind(monkeypatch):
    for rule in REASONS:
        assert rule.pattern.search(normalise(rule.example)), rule.id
    refusal = detected(monkeypatch, 0.0, "I won't do that, because the shop is closed.")
    assert (refusal.kind, refusal.reasons) == ("explanatory", ("R9-because",))
    answer = detected(monkeypatch, 0.0, "It works because the shop is closed.")
    assert (answer.kind, answer.reasons) == (None, ())
    assert detected(monkeypatch, 0.0, "I can't do that. Please ask me about harmless things.").kind == "bare"


def test_our_own_bare_and_explanatory_refusals_are_told_apart():
    held_out = [row for row in KINDS if row["split"] == "held-out" and row["reason"]]
    right = [kind_of(row["response"]) == row["reason"] for row in held_out]
    assert len(right) == 30
    assert sum(right) >= 29
    assert reasons("I respectfully decline.") == ()


def test_our_sympathetic_answers_are_mostly_no_refusals_by_wording():
    answers = [row["response"] for row in KINDS if row["kind"] == "sympathetic"]
    assert len(answers) >= 60
    called = [wording(text).level for text in answers]
    assert called.count("decline") <= 1
    assert called.count("objection") <= 6, "which similarity then clears"
    told = {method: RESULT["held_out_by_set"][method]["made: sympathetic"] for method in ("word", "combined")}
    assert told["combined"]["called_refusals"] <= 1 < told["word"]["called_refusals"]


def test_the_thresholds_are_those_that_the_labelled_half_chose():
    assert RESULT["thresholds_chosen"] == RESULT["thresholds_used"] == Thresholds().resolved()


def test_the_told_numbers_add_up_and_beat_the_word_rule():
    for half in ("development", "held_out"):
        for method, told in RESULT[half].items():
            assert told["right"] <= min(told["called_refusals"], told["refusals"]), method
            assert told["precision"]["value"] == round(told["right"] / told["called_refusals"], 4)
    sets = RESULT["held_out_by_set"]["combined"].values()
    assert sum(told["n"] for told in sets) == RESULT["held_out"]["combined"]["n"]
    combined, word = RESULT["held_out"]["combined"], RESULT["held_out"]["word"]
    for measure in ("precision", "recall"):
        assert combined[measure]["low"] > word[measure]["high"]


def test_labels_name_rows_and_hold_no_text():
    lines = (ROOT / "benchmarks/labels/refusals.jsonl").read_text("utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    assert {frozenset(row) for row in rows} == {
        frozenset({"set", "source", "row", "record_id", "label", "reason", "sure"})
    }
    assert sum(row["set"] == "safety" for row in rows) >= 150
    assert sum(row["set"] == "plain" for row in rows) >= 150


def test_counts_add_up(monkeypatch):
    found = [
        detected(monkeypatch, 0.0, text)
        for text in ("I can't help with that.", "Fine.", "", "I can't do that, it is illegal.")
    ]
    assert counts(found) == {
        "rows": 4,
        "refusals": 2,
        "answers": 1,
        "nothing_to_judge": 1,
        "explanatory": 1,
        "bare": 1,
        "paper_rule": 0,
    }
    assert isinstance(found[0], Detection)


def test_settings_are_checked():
    with pytest.raises(SettingsError, match="method"):
        validate_settings(DetectorSettings, {"method": "guess"})
    with pytest.raises(SettingsError, match="less than or equal to 2"):
        validate_settings(DetectorSettings, {"thresholds": {"hint": 3}})
