"""Names of corpora."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from paper_repro.testbed.corpus import PRESETS, CorpusSettings, corpus_name


def test_presets_have_the_names_of_the_studies():
    assert list(PRESETS) == [
        "many",
        "formats-1",
        "formats-2",
        "formats-4",
        "formats-8",
        "formats-16",
        "many-apart",
        "shuffled",
        "none",
        "many-declines-0",
        "many-declines-5",
    ]
    assert all(corpus_name(settings) == name for name, settings in PRESETS.items())


def test_presets_differ_from_many_in_one_setting():
    many = CorpusSettings().resolved()
    for name, settings in PRESETS.items():
        assert sum(value != many[key] for key, value in settings.resolved().items()) == (name != "many")


def test_a_name_tells_every_setting_of_a_study():
    assert (
        corpus_name(CorpusSettings(formats=4, answers="shuffled", decline_rate=0.2)) == "formats-4-shuffled-declines-20"
    )


@pytest.mark.parametrize("wrong", [{"formats": 0}, {"answers": "wrong"}, {"decline_rate": 1.5}, {"tokens": 10}])
def test_settings_that_make_no_corpus_are_refused(wrong):
    with pytest.raises(ValidationError):
        CorpusSettings(**wrong)
