"""The quality score of a text: every fault lowers its own factor and no other, and soundness is not length."""

import json

import pyarrow.parquet as pq
import pytest

from data_curation.curate import CurateSettings, curate
from data_curation.quality import ABOUT_PROMPT, CUT, LENGTH_FULL, MARKS, NO_END, OPEN_FENCE, SHORTEST, quality

PARAGRAPH = (
    "A bicycle pump pushes air through a small valve into the tube. The piston moves down, the pressure rises, and "
    "once it is higher than the pressure inside, the valve lets the air in. When the piston goes up again the valve "
    "closes, so nothing escapes. After some thirty strokes most tyres are firm enough to ride on. Check the number "
    "printed on the side of the tyre: it names the pressure that the maker had in mind, and riding far below it wears "
    "out the rim, while riding far above it makes every stone in the road felt. A drop of oil once a year keeps it "
    "moving with ease."
)


def factors(text):
    """The factors of a text that are not 1."""
    found = quality(text)
    return {name: getattr(found, name) for name in found.__slots__ if getattr(found, name) != 1.0}


def test_a_sound_text_of_enough_words_has_the_full_score():
    assert len(PARAGRAPH.split()) >= LENGTH_FULL
    assert quality(PARAGRAPH).score == 1.0
    assert quality(PARAGRAPH + "\n\nIt holds for years.").score == 1.0


@pytest.mark.parametrize(
    ("text", "factor", "value"),
    [
        (PARAGRAPH + " Many riders bring along a small spare pump because of the", "whole", CUT),
        (PARAGRAPH + "\nMany riders bring along a small spare pump for emergencies", "whole", NO_END),
        (f"{PARAGRAPH}\n\n```python\nprint(1)\n\nThat is all.", "fences", OPEN_FENCE),
        (f"{PARAGRAPH}<|im_end|>\n<|im_start|>user\nMore?", "marks", MARKS),
        (f"Here is the revised response:\n\n{PARAGRAPH}", "about", ABOUT_PROMPT),
        (PARAGRAPH.replace("e", "\ufffd"), "letters", None),
        (PARAGRAPH + (" " + PARAGRAPH[-60:]) * 12, "loops", None),
    ],
)
def test_a_fault_lowers_its_own_factor_and_no_other(text, factor, value):
    found = factors(text)
    assert set(found) == {factor}
    assert found[factor] < 1.0 if value is None else found[factor] == value
    assert quality(text).score < quality(PARAGRAPH).score


def test_length_counts_up_to_a_limit_and_blank_is_worth_nothing():
    assert quality("").score == quality(" \n").score == 0.0
    assert SHORTEST < quality("Paris.").score < quality("Paris, on the Seine, in the north.").score < 1.0
    assert factors(PARAGRAPH[: PARAGRAPH.index(" After")]).keys() == {"length"}


def test_short_texts_are_not_measured_for_loops():
    assert quality("ha " * 30 + "ha.").loops == 1.0
    assert quality("a" * 200).loops == 0.0


def test_the_policy_keeps_the_whole_copy_whatever_the_order_of_rows(tmp_path):
    damaged = f"{PARAGRAPH}\n\n### Human: And how is the oil put in?"
    steps = {"steps": [{"step": "near_dedup", "survivor": "quality"}]}
    for number, rows in enumerate(([PARAGRAPH, damaged], [damaged, PARAGRAPH])):
        path = tmp_path / f"mine{number}.jsonl"
        path.write_text("".join(json.dumps({"response": row}) + "\n" for row in rows))
        made = curate(CurateSettings(recipe=steps, source="mine"), tmp_path / f"out{number}", path)
        assert pq.read_table(made.file("data.parquet"))["response"].to_pylist() == [PARAGRAPH]
