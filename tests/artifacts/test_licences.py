"""What the licences of parts make of the whole: repeated, never guessed."""

from __future__ import annotations

import pytest

from artifacts.licences import LicencedPart, hub_word, spdx, summarise, use_of
from artifacts.pins import load_pin, pin_names


@pytest.mark.parametrize(
    ("licence", "use"),
    [
        ("MIT", "as stated"),
        ("CC-BY-SA-3.0", "as stated"),
        ("Gemma Terms of Use", "as stated"),
        ("CC-BY-NC-SA", "non-commercial"),
        ("CC-BY-NC-4.0 (data)", "non-commercial"),
        ("for non-commercial research", "non-commercial"),
        ("Noncommercial use", "non-commercial"),
        ("unknown", "unknown"),
        ("none stated in its repository", "unknown"),
        ("", "unknown"),
        ("SYNC-1.0", "as stated"),  # the letters NC inside a word are no word
    ],
)
def test_the_use_that_a_licence_allows(licence, use):
    assert use_of(licence) == use


def of(*licences):
    return summarise([LicencedPart(f"part{i}", None, "corpus", licence) for i, licence in enumerate(licences)])


@pytest.mark.parametrize(
    ("licences", "use", "whole"),
    [
        (["MIT"], "as stated", "MIT"),
        (["MIT", "MIT"], "as stated", "MIT"),
        (["MIT", "Apache-2.0"], "as stated", "Apache-2.0 AND MIT"),
        (["MIT", "CC-BY-NC-4.0"], "non-commercial", "CC-BY-NC-4.0 AND MIT"),
        (["MIT", "unknown"], "unknown", "unknown"),
        (["CC-BY-NC-4.0", "unknown"], "non-commercial", "unknown"),
        ([], "unknown", "unknown"),
    ],
)
def test_the_whole_is_as_strict_as_its_strictest_part(licences, use, whole):
    found = of(*licences)
    assert (found["use"], found["licence"]) == (use, whole)
    assert [part["licence"] for part in found["parts"]] == licences


def test_a_name_that_is_not_spdx_is_never_made_one():
    assert spdx("CC-BY-NC-4.0") == "CC-BY-NC-4.0"
    for licence in ("CC-BY-NC-SA", "CC-BY-NC-4.0 (data)", "mit", "MIT AND Apache-2.0", "unknown"):
        assert spdx(licence) is None


def test_the_hub_has_words_of_its_own():
    words = {
        "Apache-2.0": "apache-2.0",
        "CC-BY-NC-4.0 (data)": "cc-by-nc-4.0",
        "ODC-By-1.0": "odc-by",
        "unknown": "unknown",
        "Gemma Terms of Use": "other",
        "MIT AND Apache-2.0": "other",
    }
    assert {licence: hub_word(licence) for licence in words} == words


def test_every_pin_states_a_licence_or_that_none_is_known():
    uses = {name: use_of(load_pin(name).licence) for name in pin_names()}
    alpaca = {"alpaca", "alpaca-cleaned", "alpaca-eval", "alpaca-eval-length-control"}
    strict = alpaca | {"alpaca-eval-responses", "alpaca-eval-records", "lima", "safety-tuned-llamas"}
    assert {name for name, use in uses.items() if use == "non-commercial"} == strict
    assert uses["malicious-instruct"] == "unknown"
