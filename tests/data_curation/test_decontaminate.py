"""Decontamination: planted prompts are found and shown, ordinary rows stay, nothing is lost."""

from __future__ import annotations

import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError, SettingsError, UserError
from artifacts.settings import validate_settings
from artifacts.stage import Stage
from data_curation import decontaminate
from data_curation.collect import PROMPT_SCHEMA
from data_curation.curate import CurateSettings, curate
from data_curation.decontaminate import Decontaminate, DecontaminateSettings
from data_curation.evaluation_prompts import PromptSet, read_prompts, sets_here
from data_curation.overlap import PromptNgrams, best, plain_words
from data_curation.records import make_records
from data_curation.tables import write_table

LONG = "Describe in your own words how the old miller of the valley repaired the broken wheel after the spring flood"
SHORT = "Who painted the blue door of the mill?"
TINY = "Name two colours."


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    rows = [{"id": index, "prompt": text} for index, text in enumerate((LONG, SHORT, TINY))]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def records():
    return make_records(
        "test",
        [
            (0, "Tell me about mills.", "A mill grinds corn between two stones that water or wind turns."),
            (1, f"Please: {LONG.upper()}!", "He took oak and iron."),
            (2, "Write a quiz.", f"First question: {SHORT} Second question: when was it painted?"),
            (3, TINY, "Blue and green."),
            (4, "Write a list.", "Name two colours. Name two shapes."),
            (5, None, "how the old miller of the valley repaired the broken wheel after the spring flood, they ask"),
            (6, None, "how the old miller of the valley repaired the broken wheel and went home"),
        ],
    )


def settings(prompts, **given):
    return DecontaminateSettings(prompts=(str(prompts),), **({"similarity": None} | given))


def by_row(result, of):
    rows = {record.row_id: record.row for record in of}
    return {rows[match["row_id"]]: match for match in result.matches}


def test_planted_prompts_leave_and_the_match_is_shown(prompts, tmp_path):
    result = Decontaminate(settings(prompts)).apply(records(), tmp_path)
    found = by_row(result, records())
    assert {row: (match["side"], match["prompt_id"]) for row, match in found.items()} == {
        1: ("instruction", "row 0"),
        2: ("response", "row 1"),
        3: ("instruction", "row 2"),
        5: ("response", "row 0"),
    }
    assert found[2]["ngram"] == "who painted the blue door of the mill"
    assert found[1]["score"] == found[2]["score"] == 1.0
    assert found[5]["ngram"] == "how the old miller of the valley repaired the broken wheel after the"
    assert 0 < found[5]["score"] < 1
    assert all(match["prompt_set"] == "prompts.jsonl" for match in found.values())
    drops = {drop.row_id: drop for drop in result.drops}
    assert set(drops) == {match["row_id"] for match in result.matches}
    assert drops[found[1]["row_id"]].by == "prompts.jsonl: row 0"
    assert {drop.reason for drop in result.drops} == {"contaminated_words"}
    assert result.measures["records_matched"] == 4
    assert result.measures["matched.set.prompts.jsonl"] == 4


def test_the_length_of_an_ngram_decides(prompts, tmp_path):
    for ngram, rows in ((11, {1, 2, 3, 5, 6}), (12, {1, 2, 3, 5}), (15, {1, 2, 3, 5}), (16, {1, 2, 3})):
        found = by_row(Decontaminate(settings(prompts, ngram=ngram)).apply(records(), tmp_path), records())
        assert set(found) == rows, ngram


def test_a_short_prompt_counts_as_a_whole_only(prompts, tmp_path):
    """`Name two colours` within a text, or as an answer, is chance; as the whole instruction it is the prompt."""
    answers = make_records("test", [(0, "Give an exercise.", TINY), (1, TINY, "Blue.")])
    assert set(by_row(Decontaminate(settings(prompts)).apply(answers, tmp_path), answers)) == {1}
    found = by_row(Decontaminate(settings(prompts)).apply(records(), tmp_path), records())
    assert 3 in found
    assert 4 not in found
    found = by_row(Decontaminate(settings(prompts, least_words=3)).apply(records(), tmp_path), records())
    assert 4 in found


def test_sides_share_and_action(prompts, tmp_path):
    def rows(**given):
        return set(by_row(Decontaminate(settings(prompts, **given)).apply(records(), tmp_path), records()))

    assert rows(sides=("instruction",)) == {1, 3}
    assert rows(sides=("response",)) == {2, 5}
    assert rows(least_share=0.9) == {1, 2, 3}
    reported = Decontaminate(settings(prompts, action="report")).apply(records(), tmp_path)
    assert reported.drops == []
    assert len(reported.matches) == 4


def test_meaning_finds_what_words_do_not(prompts, tmp_path, monkeypatch):
    """Vectors by hand: row 4's response lies 20 degrees from the second prompt, row 0's instruction 30."""

    def angle(text):
        places = {SHORT: 90.0, LONG: 200.0, TINY: 300.0, "Tell me about mills.": 120.0}
        return places.get(text, 110.0 if text.startswith("Name two colours. Name") else 0.0)

    def vectors(texts):
        angles = np.radians([angle(text) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    class Windows:
        def __init__(self, texts):
            self.windows, self.starts = vectors(texts), np.arange(len(texts) + 1)

    monkeypatch.setattr(decontaminate, "embed_texts", lambda texts, *rest, **named: vectors(texts))
    monkeypatch.setattr(decontaminate, "embed_windows", lambda texts, *rest, **named: Windows(texts))
    result = Decontaminate(settings(prompts, similarity=0.9)).apply(records(), tmp_path)
    meant = [match for match in result.matches if match["method"] == "embedding"]
    named = {record.row_id: record.row for record in records()}
    assert {(named[match["row_id"]], match["side"], match["prompt_id"]) for match in meant} == {
        (3, "instruction", "row 2"),
        (4, "response", "row 1"),
    }
    assert next(m["score"] for m in meant if m["side"] == "response") == pytest.approx(np.cos(np.radians(20)), abs=1e-5)
    reasons = {named[drop.row_id]: drop.reason for drop in result.drops}
    assert reasons[4] == "contaminated_meaning"
    assert reasons[3] == "contaminated_words", "an n-gram outweighs a cosine"


def test_a_prompt_in_a_later_window_is_found(prompts, tmp_path, tiny_encoder):
    given = settings(prompts, similarity=0.999, ngram=50, least_words=50)
    given = given.model_copy(update={"encoder": given.encoder.model_copy(update={"model": str(tiny_encoder)})})
    # windows of up to 16 signs: the second of two is the tiny prompt
    of = make_records("test", [(0, None, "abcdefghijklmnop" + TINY), (1, None, "zyxwvutsrqponmlk" * 2)])
    result = Decontaminate(given).apply(of, tmp_path)
    assert [(match["row_id"], match["side"]) for match in result.matches] == [(of[0].row_id, "response")]


def test_decisions_do_not_depend_on_the_order_of_rows(prompts, tmp_path):
    step = Decontaminate(settings(prompts, ngram=8))
    expected = {drop.row_id: drop for drop in step.apply(records(), tmp_path).drops}
    for seed in range(3):
        turned = random.Random(seed).sample(records(), 7)
        assert {drop.row_id: drop for drop in step.apply(turned, tmp_path).drops} == expected


def test_as_a_step_of_a_recipe(prompts, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "".join(json.dumps({"instruction": r.instruction, "response": r.response}) + "\n" for r in records()),
        encoding="utf-8",
    )
    recipe = {"name": "clean", "steps": [settings(prompts).resolved()]}
    made = curate(CurateSettings.model_validate({"recipe": recipe}), tmp_path / "out", path)
    assert made.summary["rows_in"] == made.summary["kept"] + made.summary["dropped"] == 7
    assert made.summary["funnel"][0]["reasons"] == {"contaminated_words": 4}
    decisions = pq.read_table(made.file("decisions.parquet")).to_pylist()
    assert {row["row"]: row["by"] for row in decisions if not row["kept"]}[2] == "prompts.jsonl: row 1"
    shown = [json.loads(line) for line in made.file("matches.jsonl").read_text("utf-8").split("\n") if line]
    assert {row["ngram"] for row in shown} >= {"who painted the blue door of the mill"}
    # a prompt file that changed is other settings, and a stopped run's result is not taken for the new one
    changed = {"name": "clean", "steps": [settings(prompts).resolved() | {"prompts": [str(prompts)]}]}
    prompts.write_text(json.dumps({"prompt": "Something else altogether, and nobody has it."}), encoding="utf-8")
    with pytest.raises(SettingsError, match="holds other prompts than content names"):
        validate_settings(CurateSettings, {"recipe": recipe})
    made = curate(CurateSettings.model_validate({"recipe": changed}), tmp_path / "other", path)
    assert made.summary["dropped"] == 0


def test_prompt_sets_from_an_artifact_and_from_files(tmp_path):
    def work(settings, inputs, workspace):
        rows = [{"prompt_id": "p1", "benchmark": "mine", "subset": None, "prompt": SHORT}]
        write_table(workspace.path / "prompts.parquet", pa.Table.from_pylist(rows, schema=PROMPT_SCHEMA))

    artifact = Stage("made", "prompts", 1, PromptSet, work).run(PromptSet(place="x"), tmp_path / "set")[0]
    assert [(p.id, p.text) for p in read_prompts(PromptSet(place=str(artifact.path)))] == [("p1", SHORT)]
    lines = tmp_path / "lines.txt"
    lines.write_bytes(f"{SHORT}\r\n\r\n{TINY}".encode())
    assert [(p.id, p.text) for p in read_prompts(PromptSet(place=str(lines)))] == [("line 1", SHORT), ("line 3", TINY)]
    table = tmp_path / "goals.csv"
    table.write_text(f'text,goal\nx,"{SHORT}"\n', encoding="utf-8")
    assert [p.text for p in read_prompts(PromptSet(place=str(table)))] == [SHORT]
    assert [p.text for p in read_prompts(PromptSet(place=str(table), column="text"))] == ["x"]


def test_unusable_prompt_sets_are_refused_with_the_place(tmp_path):
    with pytest.raises(SettingsError, match=r"'nowhere' is no pinned prompt set \(advbench, alpaca-eval, .*, xstest\)"):
        validate_settings(DecontaminateSettings, {"prompts": ["nowhere"]})
    path = tmp_path / "two.jsonl"
    path.write_text('{"prompt": "a", "question": "b"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"two.jsonl: several could: prompt, question"):
        read_prompts(PromptSet(place=str(path)))
    path.write_text('{"prompt": "a"}\n{"prompt": 3}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"two.jsonl:2: no text in column 'prompt'"):
        read_prompts(PromptSet(place=str(path)))
    with pytest.raises(SettingsError, match="two prompt sets bear one name"):
        validate_settings(DecontaminateSettings, {"prompts": [str(path), str(path)]})


def test_without_any_prompt_set_the_step_says_so(tmp_path, monkeypatch, rt_home):
    monkeypatch.delenv("RT_MIRROR", raising=False)
    assert sets_here() == []
    with pytest.raises(UserError, match="no evaluation prompts are here"):
        Decontaminate(DecontaminateSettings(similarity=None)).apply(records(), tmp_path)


def test_the_share_counts_distinct_ngrams():
    index = PromptNgrams(["a b c d e", "a b c"], ngram=3, least_words=3)
    assert [(one.prompt, one.ngram, one.share) for one in index.shared("x a b c d y")] == [
        (0, "a b c", round(2 / 3, 6)),
        (1, "a b c", 1.0),
    ]
    assert best(index.shared("x a b c d y")).prompt == 1
    assert best([]) is None
    assert plain_words("Don't  stop_here: 3.5!") == ["don", "t", "stop", "here", "3", "5"]


def test_the_pinned_sets_are_found_in_the_mirror_and_in_their_own_prompts(mirror, tmp_path):
    given = DecontaminateSettings(similarity=None)
    names = ["advbench", "alpaca-eval", "harmbench", "infobench", "just-eval", "malicious-instruct", "xstest"]
    assert [one.name for one in given.prompts] == names
    texts = [prompt.text for one in given.prompts for prompt in read_prompts(one)]
    assert len(texts) == 520 + 805 + 300 + 500 + 1000 + 100 + 450
    of = make_records("test", ((row, text, "Fine.") for row, text in enumerate(texts)))
    result = Decontaminate(given).apply(of, tmp_path)
    assert len(result.drops) == len(of)
