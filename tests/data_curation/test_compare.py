"""compare: every row of both sets is accounted for, and a reason is given only where somebody wrote it down."""

from __future__ import annotations

import html.parser
import json
import random

import numpy as np
import pytest

from artifacts.errors import InputError
from data_curation import conflicts as conflicts_module
from data_curation.compare import compare, numbers, rows_of
from data_curation.curate import CurateSettings, curate
from data_curation.inspect.compare_page import write_comparison
from data_curation.inspect.inspection import InspectSettings, inspect_set
from data_curation.inspect.inspection import numbers as inspected
from data_curation.mix import MixSettings, mix

ROWS = [
    {"instruction": "a", "response": "First answer."},
    {"instruction": "b", "response": "Second answer \r\n"},
    {"instruction": "c", "response": " "},
    {"instruction": "d", "response": "First answer."},
    {"instruction": "e", "response": "A longer answer of several words."},
    {"instruction": "f", "response": "Zero\u200bwidth <b>bold</b> [red]x[/red] \u001b[31m"},
]
STRICT = [{"step": "normalise"}, {"step": "near_empty"}, {"step": "exact_dedup", "survivor": "first"}]


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def raw(tmp_path):
    return written(tmp_path / "raw.jsonl", ROWS)


def curated(path, out, steps=STRICT):
    return curate(CurateSettings(recipe={"name": out.name, "steps": steps}), out, path).path


def reasons(comparison):
    return {(entry["kind"], entry["reason"]): entry["rows"] for entry in numbers(comparison)["by_reason"]}


def check(comparison):
    """Rows of A = in both + left; rows of B = in both + entered; and the same for every source."""
    found = numbers(comparison)
    assert found["a"]["rows"] == found["in_both"] + found["counts"]["left"]
    assert found["b"]["rows"] == found["in_both"] + found["counts"]["entered"]
    assert sum(found["counts"].values()) == sum(entry["rows"] for entry in found["by_reason"])
    assert len(rows_of(comparison)) == sum(found["counts"].values())
    for row in found["by_source"].values():
        assert row["a"] - row["left"] == row["b"] - row["entered"]


def test_a_file_against_what_curation_made_of_it(raw, tmp_path):
    found = compare(raw, curated(raw, tmp_path / "clean"))
    check(found)
    assert reasons(found) == {
        ("left", "dropped by clean: near_empty, blank"): 1,
        ("left", "dropped by clean: exact_dedup, exact_duplicate"): 1,
        ("changed", "changed by normalise (white space only)"): 1,
        ("changed", "changed by normalise"): 1,
    }
    (copy,) = [change for change in found.of("left") if change.by]
    assert (copy.record.row, copy.score, copy.other) == (3, 1.0, "First answer.")


def test_a_file_that_had_another_name_and_columns_where_it_was_curated(raw, tmp_path):
    named = written(tmp_path / "named.jsonl", [{"q": row["instruction"], "a": row["response"]} for row in ROWS])
    columns = {"instruction": "q", "response": "a"}
    settings = CurateSettings(recipe={"name": "clean", "steps": STRICT}, source="mine", columns=columns)
    first = curate(settings, tmp_path / "clean", named).path
    second = curated(first, tmp_path / "again", [{"step": "near_empty", "min_words": 3}])
    expected = reasons(compare(raw, curated(raw, tmp_path / "plain" / "clean")))
    for found in (compare(named, first), compare(first, named)):
        check(found)
        assert found.matched == {"row_id": 4, "text": 0, "instruction": 0}
        assert list(numbers(found)["by_source"]) == ["mine"]
    assert reasons(compare(named, first)) == expected
    dropped = {reason: rows for (kind, reason), rows in reasons(compare(named, second)).items() if kind == "left"}
    assert dropped == {
        "dropped by again: near_empty, blank": 1,
        "dropped by again: exact_dedup, exact_duplicate": 1,
        "dropped by again: near_empty, few_words": 2,
    }, "by the set itself or by those it was made from"


def test_a_file_of_the_same_name_is_not_taken_for_the_one_that_was_curated(raw, tmp_path):
    clean = curate(CurateSettings(recipe={"name": "clean", "steps": STRICT}, source="mine"), tmp_path / "clean", raw)
    (tmp_path / "other").mkdir()
    found = compare(written(tmp_path / "other" / raw.name, ROWS[2:4]), clean.path)
    check(found)
    assert [row["reason"] for row in rows_of(found) if row["kind"] == "left"] == ["never came into clean"] * 2


def test_the_other_way_round_the_same_rows_enter(raw, tmp_path):
    clean = curated(raw, tmp_path / "clean")
    there, back = compare(raw, clean), compare(clean, raw)
    check(back)
    assert [c.record.row_id for c in back.of("entered")] == [c.record.row_id for c in there.of("left")]
    assert {reason for kind, reason in reasons(back) if kind == "entered"} == {
        "dropped by clean: near_empty, blank",
        "dropped by clean: exact_dedup, exact_duplicate",
    }


def test_two_recipes_of_one_file(raw, tmp_path):
    loose = curated(raw, tmp_path / "loose", [{"step": "near_empty", "min_words": 3}])
    found = compare(loose, curated(raw, tmp_path / "strict"))
    check(found)
    assert reasons(found)["entered", "dropped by loose: near_empty, few_words"] == 2
    assert numbers(found)["matched_by"] == {"row_id": 2, "text": 0, "instruction": 0}


def test_a_training_set_is_traced_to_the_decisions_before_it(raw, tmp_path):
    clean = curated(raw, tmp_path / "clean")
    pool = written(tmp_path / "pool.jsonl", [{"instruction": "x", "response": "Sorry, no."}])
    mixed = mix(MixSettings(base_size=2, num_refusals=1), tmp_path / "mixed", clean, pool).path
    found = compare(raw, mixed)
    check(found)
    left = {reason: rows for (kind, reason), rows in reasons(found).items() if kind == "left"}
    assert left == {
        "dropped by mixed: near_empty, blank": 1,
        "dropped by mixed: exact_dedup, exact_duplicate": 1,
        "not drawn by mixed": 2,
    }
    assert reasons(found)["entered", "a refusal that mixed took from its pool"] == 1


def test_a_base_row_that_left_for_a_conflict_was_drawn(raw, tmp_path, monkeypatch):
    # all texts lie in one place, so the one refusal is in conflict with every row whose instruction is compared
    def embed(texts, *rest, **named):
        return np.array([[1.0, 0.0] if text in ("a", "x") else [0.0, 1.0] for text in texts], dtype=np.float32)

    monkeypatch.setattr(conflicts_module, "embed_texts", embed)
    pool = written(tmp_path / "pool.jsonl", [{"instruction": "x", "response": "Sorry, no."}])
    search = {"detector": {"method": "cues"}}
    settings = {"base_size": None, "num_refusals": 1, "conflicts": "drop", "conflict_search": search}
    mixed = mix(MixSettings.model_validate(settings), tmp_path / "mixed", raw, pool).path
    found = compare(raw, mixed)
    check(found)
    (left,) = found.of("left")
    assert (left.record.instruction, left.reason) == ("a", "dropped by mixed: mix, conflict")
    assert (left.score, left.other) == (1.0, "Sorry, no.")
    base, _ = inspected(inspect_set(mixed, InspectSettings(vectors="words")))["funnel"]
    assert (base["dropped"], base["reasons"]) == (1, {"conflict": 1})


def test_rows_that_never_came_in_are_told_from_rows_nobody_wrote_about(raw, tmp_path):
    other = written(tmp_path / "other.jsonl", [{"instruction": "new", "response": "Quite another one."}])
    assert reasons(compare(other, curated(raw, tmp_path / "clean")))["left", "never came into clean"] == 1
    assert reasons(compare(other, raw))["left", "not recorded"] == 1


def test_a_set_whose_inputs_are_gone_says_so(raw, tmp_path):
    mixed = mix(MixSettings(base_size=2), tmp_path / "mixed", raw).path
    raw.rename(tmp_path / "moved.jsonl")
    found = compare(tmp_path / "moved.jsonl", mixed)
    assert "is gone" in numbers(found)["notes"][0]
    assert {reason for kind, reason in reasons(found) if kind == "left"} == {"not recorded"}


def test_files_with_other_names_are_matched_by_text_then_by_instruction(raw, tmp_path):
    rows = [row | {"response": "Rewritten."} if row["instruction"] == "e" else row for row in ROWS]
    random.Random(0).shuffle(rows)
    found = compare(raw, written(tmp_path / "copy.jsonl", rows))
    assert numbers(found)["matched_by"] == {"row_id": 0, "text": 5, "instruction": 1}
    (change,) = found.changes
    assert (change.kind, change.record.instruction, change.after.response) == ("changed", "e", "Rewritten.")


def test_an_instruction_that_stands_twice_matches_nothing(tmp_path):
    twice = [{"instruction": "same", "response": "one"}, {"instruction": "same", "response": "two"}]
    once = [{"instruction": "same", "response": "three"}]
    found = compare(written(tmp_path / "a.jsonl", twice), written(tmp_path / "b.jsonl", once))
    assert numbers(found)["counts"] == {"left": 2, "entered": 1, "changed": 0}


def test_a_set_against_itself_differs_in_nothing(raw, tmp_path):
    clean = curated(raw, tmp_path / "clean")
    assert numbers(compare(clean, clean))["counts"] == {"left": 0, "entered": 0, "changed": 0}


def test_what_is_no_set_is_refused(raw, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        compare(raw, tmp_path / "none")


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.names, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_escapes_what_it_shows(raw, tmp_path):
    found = compare(raw, curated(raw, tmp_path / "clean"))
    for name in ("one.html", "two.html"):
        write_comparison(tmp_path / name, found)
    text = (tmp_path / "one.html").read_text(encoding="utf-8")
    page = Tags(text)
    assert (tmp_path / "two.html").read_text(encoding="utf-8") == text
    assert "script" not in page.names and "script-src" not in text
    assert "<b>bold" not in text
    assert any("<b>bold</b>" in words for words in page.words), "and yet it can be read"
    assert "Zero<U+200B>width" in page.words
    assert str(tmp_path) not in text


def test_the_command_prints_plain_text_and_all_rows_as_json(raw, tmp_path):
    import typer
    from typer.testing import CliRunner

    from paper_repro.cli.compare import register

    app = typer.Typer()
    register(app)
    words = [str(raw), str(curated(raw, tmp_path / "clean"))]
    done = CliRunner(env={"COLUMNS": "120"}).invoke(app, words, catch_exceptions=False)
    assert "dropped by clean: near_empty, blank" in done.stdout
    assert "\x1b" not in done.stdout, "a text reached the terminal's controls"
    assert "[red]x[/red]" in done.stdout
    found = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert found["counts"] == {"left": 2, "entered": 0, "changed": 2}
    assert [row["kind"] for row in found["rows"]] == ["left", "left", "changed", "changed"]
