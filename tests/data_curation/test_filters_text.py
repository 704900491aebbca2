"""Filters of what a text is like: cut off, gibberish, another language, broken fences, meta-talk, its length."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from tokenizers import Tokenizer, models, pre_tokenizers

from artifacts.errors import SettingsError
from artifacts.settings import validate_settings
from data_curation.filters.catalogue import catalogue
from data_curation.filters.fences import blocks, open_block, without_code
from data_curation.filters.gibberish import broken_share, surprise
from data_curation.filters.language import detect
from data_curation.filters.length import LengthSettings
from data_curation.filters.letter_pairs import PLACE, SURPRISE

PROSE = "The river was high that spring, and nobody in the village could remember such a flood. " * 20
LONG = PROSE * 2  # 320 words: what `unfinished` looks at


def outcome(name, text, **settings):
    """The reason a text is dropped for, or None if it stays."""
    found = catalogue()[name]
    fault = found.judge(text, found.settings(**settings))
    return fault and fault.reason


# --- truncation ---


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # cut
        (LONG + "We packed the boats and left for", "unfinished"),
        ("- " + LONG + "We packed the boats and left for", "unfinished"),
        ("We packed what we could and left for the", "dangling_word"),
        ("Take the eggs, the flour, **and**", "dangling_word"),
        ("We packed what we could carry and left for the hills,", "dangling_mark"),
        ("We packed what we could carry and left for (", "dangling_mark"),
        (LONG + "\n\n## The end\n\nWith", "dangling_word"),
        ("The bridge was opened for the public on May 4, 19", "half_year"),
        ("The village had about 300 people as of 20", "half_year"),
        ("Here:\n```python\ndef add(one, two):\n    return (one +", "mid_code"),
        ("Here:\n```python\nprint(max(1, 2)", "mid_code"),
        # whole
        (LONG, None),
        (LONG + "We left for the hills", "unfinished"),
        ("We packed. Then we left for the hills", None),  # short: people leave out the last full stop
        ("of", None),
        ("42", None),
        ("Bread, salt, oil", None),
        ("- bread\n- salt\n- oil", None),
        ("Apples, pears, plums, figs, dates, limes, kiwis, grapes,", None),
        ("I look forward to it.\n\nYours sincerely,", None),
        ("Roses are red\nviolets are blue\nsome poems rhyme\nbut not this one, too", None),
        ("The answer is option A", None),
        ("What are you looking for", None),
        (LONG + "See https://example.org/a", None),
        (LONG + "Good luck! #river #flood", None),
        (LONG + "It was over. (Source: the parish register)", None),
        (LONG + "It was over.\n\nBest wishes\nThe village", None),
        ("```python\ndef add(one, two):\n    return one + two\n```", None),
        ("```\nprint(1)\nThis is what the code above prints when you run it.", None),
        ("```\nprint(max(1, 2)\nThis is what the code above prints when you run it.", None),  # prose is whole
        ("def add(one, two):\n    return one + two", None),
        ("The population was 1,914 in 1920", None),
    ],
)
def test_truncation(text, reason):
    assert outcome("truncation", text) == reason


def test_truncation_can_leave_unfinished_ends_alone():
    assert outcome("truncation", LONG + "We packed the boats and left for", unfinished=False) is None
    assert outcome("truncation", PROSE + "We packed the boats and left for", min_words=100) == "unfinished"


# --- fences ---


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("```python\nprint(1)\n```\nDone.", None),
        ("1. Run this:\n   ```sh\n   ls\n   ```\n2. Done.", None),
        ("> ```\n> quoted\n> ```", None),
        ("````markdown\n```python\nprint(1)\n```\n````", None),
        ("```markdown\nText\n```python\nprint(1)\n```\nText\n```", None),  # nested, as models write it
        ("~~~\ntildes\n~~~", None),
        ("~~~~~~~~ an ornament ~~~~~~~~", None),
        ("Inline ```code``` only", None),
        ("```code``` at the beginning", None),
        ("```python\nprint(1)\n\nThat prints 1.", "open_fence"),
        ("A\n```\nprint(1)\n```\n```\nB", "open_fence"),
        ("````\nfour opened\n```\nthree do not close", "open_fence"),
        ("That is all.\n```", "stray_fence"),
    ],
)
def test_broken_fence(text, reason):
    assert outcome("broken_fence", text) == reason


def test_blocks_know_their_lines_and_language():
    lines = ["a", "```sh", "ls", "```", "```", "open"]
    assert [(block.first, block.last, block.info) for block in blocks(lines)] == [(1, 3, "sh"), (4, None, "")]
    assert open_block(lines).first == 4
    assert without_code("\n".join(lines)) == "a"
    assert without_code("use `ls` here") == "use   here"


# --- gibberish ---


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("xqzvw kjhgf pqwxz vbnmk zxcvq wjrtk plkqx zvbxw qjkzx vwpqz tkrxj mnbvq xzkjw qpvzx", "letter_salad"),
        ("A good beginning \ufffd\ufffd\ufffd\ufffd\ufffd", "broken_characters"),
        ("\ue000\ue001\ue002 private", "broken_characters"),
        (PROSE, None),
        ("xqzvw kjhgf", None),  # too short to tell
        ("Frühmorgens gehen die Fischer schweigend über die schmale Brücke, obwohl der Nebel noch dicht liegt.", None),
        ("Wczesnym rankiem rybacy przechodzą w milczeniu przez wąski most, choć mgła jest jeszcze gęsta.", None),
        ("Sáng sớm, những người đánh cá lặng lẽ đi qua cây cầu hẹp, dù sương mù vẫn còn dày đặc.", None),
        ("Рано утром рыбаки молча переходят узкий мост, хотя туман ещё густой.", None),
        ("```\nxqzvw kjhgf pqwxz vbnmk zxcvq wjrtk plkqx zvbxw qjkzx vwpqz tkrxj mnbvq xzkjw\n```", None),
        ("3.14159 2.71828 1.41421 " * 10, None),
        ("\U0001f600 \U0001f680 \u2713 \u2192 " * 20, None),
        ("|---|---|\n| a | b |\n", None),
    ],
)
def test_gibberish(text, reason):
    assert outcome("gibberish", text) == reason


def test_surprise_tells_letters_in_no_order_from_words():
    assert surprise("the river was high that spring") < 2.6
    assert surprise("eht revri saw ghih ttah grpsni") > 3.2
    assert surprise("12 34") is None
    assert len(PLACE) == len(SURPRISE) == 27 and {len(row) for row in SURPRISE} == {27}
    assert SURPRISE[PLACE["q"]][PLACE["u"]] < 0.5 < 5 < SURPRISE[PLACE["q"]][PLACE["k"]]


def test_broken_share_leaves_white_space_out():
    assert broken_share("ab \n\t \ufffd\ufffd") == 0.5
    assert broken_share("") == 0


# --- language ---

GERMAN = "Am Abend sitzen wir vor dem Haus und reden über den Tag, bis es dunkel wird und wir alle müde sind. "
ENGLISH = "In the evening we sit in front of the house and talk about the day until it gets dark and we are tired. "


@pytest.mark.parametrize(
    ("text", "settings", "reason"),
    [
        (GERMAN * 2, {}, "language_de"),
        (GERMAN * 2, {"keep": ["en", "de"]}, None),
        (ENGLISH * 2, {}, None),
        (ENGLISH * 2, {"keep": ["de"]}, "language_en"),
        ("Guten Abend, wie geht es?", {}, None),  # too short
        (GERMAN * 2, {"min_letters": 1_000}, None),
        ("```\n" + GERMAN * 3 + "\n```\nThat is German.", {}, None),  # code is not looked at
        (ENGLISH * 3 + "`Guten Abend`", {}, None),
    ],
)
def test_language(text, settings, reason):
    assert outcome("language", text, **settings) == reason


def test_an_uncertain_language_stays():
    mixed = ENGLISH + GERMAN
    found = detect(mixed)
    assert outcome("language", mixed, keep=["fr"], min_confidence=1.0) in (None, f"language_{found[0]}")
    assert detect("123 456") is None


def test_codes_of_languages_are_checked():
    with pytest.raises(ValidationError, match="'English' is no code of a language"):
        catalogue()["language"].settings(keep=["English"])
    with pytest.raises(ValidationError):
        catalogue()["language"].settings(keep=[])


# --- meta-talk ---


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Based on the given instruction, the list is short.", "about_prompt"),
        ("I cannot tell, as the prompt is unclear.", "about_prompt"),
        ("As stated in the prompt, there are two.", "about_prompt"),
        ("**Refined Response:**\n\nThe sky is blue.", "announced"),
        ("Here's the rewritten version of the response:\nThe sky is blue.", "announced"),
        (PROSE + "\n\nI have revised the answer to be shorter.", "announced"),
        ("As a helpful and respectful assistant, I will answer.", "about_role"),
        ("As a responsible AI assistant, I will answer.", "about_role"),
        # about other things
        ("The river rose. Here is a revised sentence: The river was high.", None),
        ("Follow the instructions on the packet.", None),
        ("The processor is described by its architecture, such as the instruction set.", None),
        ("When the prompt asks for a password, type it.", None),
        ("He was her assistant for years, and as a helpful neighbour he stayed.", None),
        ("Thank you for your prompt response.", None),
        (PROSE + "**Refined Response:** the middle" + PROSE, None),
        ("```\n# as stated in the prompt, x\n```", None),
    ],
)
def test_meta_talk(text, reason):
    assert outcome("meta_talk", text) == reason


def test_parts_of_meta_talk_can_be_switched_off():
    assert outcome("meta_talk", "Refined response: yes", announced=False) is None
    assert outcome("meta_talk", "As a helpful assistant, yes", about_role=False) is None
    assert outcome("meta_talk", "As stated in the prompt, yes", about_prompt=False) is None


# --- length ---


@pytest.fixture
def tokenizer(tmp_path):
    """A tokenizer with one token a character, that cuts after three."""
    vocabulary = {"[UNK]": 0} | {letter: place for place, letter in enumerate("abcdefgh", 1)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.enable_truncation(3)
    made.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_length_in_words():
    assert outcome("length", "a b c", maximum=3) is None
    assert outcome("length", "a b c d", maximum=3) == "many_words"
    assert outcome("length", "a b", minimum=3) == "few_words"


def test_length_in_tokens_of_a_given_tokenizer(tokenizer):
    for given in (tokenizer, tokenizer / "tokenizer.json"):
        assert outcome("length", "abcdef", tokenizer=given, maximum=6) is None
        assert outcome("length", "abcdefg", tokenizer=given, maximum=6) == "many_tokens"
        assert outcome("length", "ab", tokenizer=given, minimum=3) == "few_tokens"
    assert outcome("length", "\ud83d", tokenizer=tokenizer) is None


def test_settings_name_the_tokenizer_by_its_digest(tokenizer):
    settings = LengthSettings(tokenizer=tokenizer)
    assert LengthSettings.model_validate(settings.resolved()) == settings
    with open(tokenizer / "tokenizer.json", "a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(SettingsError, match="its digest is"):
        validate_settings(LengthSettings, settings.resolved())
    assert LengthSettings(tokenizer=tokenizer).tokenizer_digest != settings.tokenizer_digest


def test_wrong_lengths_and_tokenizers_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="nothing would stay"):
        validate_settings(LengthSettings, {"minimum": 5, "maximum": 4})
    with pytest.raises(SettingsError, match="no such file"):
        validate_settings(LengthSettings, {"tokenizer": str(tmp_path / "none")})
    with pytest.raises(SettingsError, match="without a tokenizer"):
        validate_settings(LengthSettings, {"tokenizer_digest": "00"})


def test_a_language_that_the_detector_never_names_is_refused():
    from artifacts.errors import UserError
    from data_curation.filters.language import LanguageSettings, judge

    with pytest.raises(UserError, match="knows no language 'eng'") as caught:
        judge("Some English words in a row, and a few more of them. " * 5, LanguageSettings(keep=("eng",)))
    assert "'en'" in caught.value.fix
