"""curate: the whole path on files of one's own; every row accounted for, whatever the input, whenever it is killed."""

from __future__ import annotations

import json
import random

import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError, SettingsError, StageError, UserError
from artifacts.settings import load_settings
from artifacts.stage import Stage
from data_curation import curate as module
from data_curation.collect import CollectSettings, collect
from data_curation.curate import CurateSettings, curate, curate_inputs, funnel_text
from data_curation.recipe import build, load_recipe, recipe_names
from data_curation.records import SCHEMA, from_table, record_id
from data_curation.step import StepResult

LIGHT = {
    "steps": [
        {"step": "normalise"},
        {"step": "near_empty"},
        {"step": "too_long", "max_words": 20},
        {"step": "repetition"},
        {"step": "template_leak"},
        {"step": "exact_dedup", "survivor": "first"},
    ]
}


def settings(recipe=LIGHT, **given):
    return CurateSettings(recipe=recipe, **given)


def rows_of(artifact, name):
    return pq.read_table(artifact.file(name)).to_pylist()


def quarantine_of(artifact):
    return [
        json.loads(line) for line in artifact.file("quarantine.jsonl").read_text(encoding="utf-8").split("\n") if line
    ]


def contents(artifact):
    """Bytes of every data file."""
    return {name: artifact.file(name).read_bytes() for name in artifact.identity.outputs}


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.jsonl"
    rows = [
        {"instruction": "i", "response": "Kept as it is."},
        {"instruction": "j", "response": "Repaired \r\n"},
        {"instruction": "k", "response": " "},
        {"instruction": "l", "response": "Kept as it is."},
        {"instruction": "m", "response": "A<|im_end|>\nB"},
        {"instruction": "n", "response": None},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_each_row_has_its_decision_and_the_rest_is_the_data(tmp_path, small):
    artifact = curate(settings(), tmp_path / "out", small)
    data = from_table(pq.read_table(artifact.file("data.parquet")))
    assert pq.read_schema(artifact.file("data.parquet")).equals(SCHEMA)
    assert [(r.row, r.instruction, r.response) for r in data] == [(0, "i", "Kept as it is."), (1, "j", "Repaired")]
    assert all(record.record_id == record_id(record.response) for record in data)
    decisions = rows_of(artifact, "decisions.parquet")
    assert [(d["row"], d["kept"], d["step"], d["reason"]) for d in decisions] == [
        (0, True, None, None),
        (1, True, None, None),
        (2, False, "near_empty", "blank"),
        (3, False, "exact_dedup", decisions[3]["reason"]),
        (4, False, "template_leak", "special_mark"),
    ]
    assert decisions[3]["by"] == data[0].row_id
    assert [(entry["file"], entry["line"]) for entry in quarantine_of(artifact)] == [("small.jsonl", 6)]
    summary = artifact.summary
    assert [summary[key] for key in ("rows_in", "kept", "dropped", "quarantined", "changed")] == [6, 2, 3, 1, 1]
    assert (summary["response_set"], summary["recipe"]) == ("small.jsonl", "inline")


def test_the_paper_recipe_is_the_identity(tmp_path, small):
    artifact = curate(settings("paper"), tmp_path / "out", small)
    assert [row["response"] for row in rows_of(artifact, "data.parquet")] == [
        "Kept as it is.",
        "Repaired \r\n",
        " ",
        "Kept as it is.",
        "A<|im_end|>\nB",
    ]
    assert [row["step"] for row in rows_of(artifact, "steps.parquet")] == ["read"] * 3
    assert artifact.summary["recipe"] == "paper"


def test_the_result_loads_with_datasets(tmp_path, small):
    import datasets

    artifact = curate(settings(), tmp_path / "out", small)
    files = str(artifact.file("data.parquet"))
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.column_names == SCHEMA.names
    assert loaded["response"][:] == ["Kept as it is.", "Repaired"]


def test_a_corpus_and_a_curated_artifact_are_inputs_too(tmp_path, small, monkeypatch):
    from types import SimpleNamespace

    from data_curation import collect as collecting

    path = tmp_path / "alpaca.jsonl"
    path.write_text(small.read_text().replace('"response"', '"input": "", "output"'))
    monkeypatch.setattr(collecting, "fetch", lambda name: SimpleNamespace(origin="mirror", paths=(path,)))
    corpus = collect(CollectSettings(source="alpaca"), tmp_path / "corpus")
    first = curate(settings(), tmp_path / "first", corpus.path)
    assert first.summary["response_set"] == "alpaca"
    assert first.summary["input"]["pin"] == "alpaca"
    assert first.identity.inputs == {"input": corpus.digest}
    again = curate(settings(), tmp_path / "again", first.path)
    assert contents(again)["data.parquet"] == contents(first)["data.parquet"]
    assert (again.summary["dropped"], again.summary["changed"]) == (0, 0)
    with pytest.raises(UserError, match="for plain files"):
        curate(settings(columns={"response": "x"}), tmp_path / "no", corpus.path)


def test_inputs_that_are_none(tmp_path, small):
    stopped = tmp_path / "stopped"
    stopped.mkdir()
    (stopped / "partial.json").write_text("{}")
    with pytest.raises(InputError, match=r"without a manifest\.json"):
        curate_inputs(settings(), stopped)
    with pytest.raises(InputError, match="no such file"):
        curate_inputs(settings(), tmp_path / "none.jsonl")
    with pytest.raises(UserError, match="one input"):
        curate_inputs(settings(), None)
    with pytest.raises(UserError, match="one input"):
        curate_inputs(settings(hub="a/b@" + "0" * 40), small)
    with pytest.raises(UserError, match="source is for plain files"):
        curate_inputs(settings(source="x"), "hub:a/b@" + "0" * 40)
    resolved, inputs = curate_inputs(settings(), "hub:a/b@" + "0" * 40)
    assert (resolved.hub, inputs) == ("a/b@" + "0" * 40, {})
    verdicts = tmp_path / "verdicts"
    other = Stage("judge", "verdicts", 1, CurateSettings, lambda s, i, w: (w.path / "x").write_text("x"))
    other.run(settings("paper"), verdicts)
    with pytest.raises(InputError, match="holds 'verdicts', not responses"):
        curate_inputs(settings("paper"), verdicts)


def test_the_name_of_the_file_is_part_of_what_is_made(tmp_path, small):
    renamed = small.rename(tmp_path / "renamed.jsonl")
    resolved, _ = curate_inputs(settings("paper"), renamed)
    assert resolved.source == "renamed.jsonl"
    assert resolved.resolved() != settings("paper").resolved()


# --- recipes -----------------------------------------------------------------------------------------------------


def test_every_shipped_recipe_is_valid_and_its_steps_can_be_built():
    assert recipe_names() == ["lexical", "paper", "responses", "strict"]
    assert load_recipe("paper").steps == ()
    steps = load_recipe("responses").steps
    assert [build(step).name for step in steps] == [step.step for step in steps]
    assert [step.step for step in steps] == [
        "normalise",
        "near_empty",
        "too_long",
        "repetition",
        "gibberish",
        "template_leak",
        "meta_talk",
        "broken_fence",
        "truncation",
        "exact_dedup",
        "near_dedup",
        "semantic_dedup",
    ]


def test_the_resolved_recipe_stands_in_the_settings():
    resolved = CurateSettings(recipe="responses").resolved()["recipe"]
    assert resolved["name"] == "responses"
    assert resolved["steps"][2] == {"step": "too_long", "max_words": 4000, "max_characters": 20000}
    assert CurateSettings.model_validate({"recipe": resolved}).resolved()["recipe"] == resolved


def test_a_recipe_of_ones_own_is_named_by_its_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("steps:\n  - step: too_long\n    max_words: 5\n")
    recipe = load_recipe(str(path))
    assert (recipe.name, recipe.steps[0].max_words) == ("mine", 5)


def test_faults_of_a_recipe_are_told_together_with_the_nearest_key(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("steps:\n  - step: repetition\n    max_shar: 0.5\n  - step: nonsense\n")
    with pytest.raises(SettingsError) as error:
        load_settings(CurateSettings, recipe=str(path))
    assert "did you mean 'max_share'? (known: max_run, max_run_share, max_share, min_tokens, ngram, step)" in str(
        error.value
    )
    assert "nonsense" in str(error.value)
    assert "mine.yaml" in str(error.value)
    with pytest.raises(UserError, match="known recipes: lexical, paper, responses, strict"):
        load_recipe("responsible")
    path.write_text("- step: normalise\n")
    with pytest.raises(SettingsError, match="expected the keys name and steps"):
        load_recipe(str(path))


# --- promises that hold for any input, however often it is stopped -------------------------------------------------

PIECES = [
    "plain answer",
    "plain answer",
    " ",
    "",
    "caf\u00c3\u00a9 here",
    "a\r\nb",
    "x<|user|>y",
    "long " * 30,
    "next\u0085line \u2028 sep",
    "tab\tand \u200b zero",
    "<|assistant|> hello",
    "\U0001f606",
    "same " * 10,
]
BAD_LINES = [
    b"not json",
    b"",
    b"[1]",
    b'{"response": 1}',
    b'{"response": null}',
    b'{"other": "x"}',
    b"\xff\xfe\xfd",
    b'{"response": "\xc3"}',
    b'{"response": "\\udc80"}',
    b'{"response": "cut',
    b"null",
    b"   ",
]


def messy_file(path, seed):
    """Write a JSONL file of good, bad and repeated lines; returns how many lines there are."""
    rng = random.Random(seed)
    lines = [json.dumps({"response": "always one good line"}).encode()]
    for _ in range(rng.randint(0, 60)):
        good = {"response": "".join(rng.choices(PIECES, k=rng.randint(1, 2)))}
        line = (
            json.dumps(good, ensure_ascii=rng.random() < 0.5).encode() if rng.random() < 0.7 else rng.choice(BAD_LINES)
        )
        lines += [line] * rng.choice([1, 1, 1, 2])
    rng.shuffle(lines)
    ending = b"\r\n" if rng.random() < 0.3 else b"\n"
    # a blank last line is a line only if something ends it
    path.write_bytes(ending.join(lines) + (b"" if rng.random() < 0.5 and lines[-1] else ending))
    return len(lines)


@pytest.mark.parametrize("seed", range(40))
def test_rows_in_are_kept_dropped_or_quarantined(tmp_path, seed):
    count = messy_file(tmp_path / "messy.jsonl", seed)
    artifact = curate(settings(), tmp_path / "out", tmp_path / "messy.jsonl")
    decisions = rows_of(artifact, "decisions.parquet")
    quarantine = quarantine_of(artifact)
    assert sorted([d["row"] for d in decisions] + [entry["row"] for entry in quarantine]) == list(range(count))
    kept = [d for d in decisions if d["kept"]]
    data = rows_of(artifact, "data.parquet")
    assert [row["row_id"] for row in data] == [d["row_id"] for d in kept]  # the order of the input
    assert [d["row"] for d in decisions] == sorted(d["row"] for d in decisions)
    kept_ids = {d["row_id"] for d in kept}
    assert all(d["by"] in kept_ids for d in decisions if d["by"] is not None)
    assert all((d["reason"] is None) == d["kept"] for d in decisions)
    assert len({row["record_id"] for row in data}) == len(data)  # after exact deduplication
    steps = {(row["position"], row["measure"]): row["value"] for row in rows_of(artifact, "steps.parquet")}
    last = len(LIGHT["steps"])
    assert steps[0, "rows_in"] == count == len(data) + len(decisions) - len(kept) + len(quarantine)
    for position in range(1, last + 1):
        assert steps[position, "rows_in"] == steps[position - 1, "kept"]
        assert steps[position, "rows_in"] == steps[position, "kept"] + steps[position, "dropped"]
    assert steps[last, "kept"] == len(data)


class Killed(BaseException):
    """Stands for a SIGKILL: nothing on the way may catch it."""


@pytest.mark.parametrize("seed", range(8))
def test_the_result_does_not_depend_on_how_often_the_run_was_killed(tmp_path, monkeypatch, seed):
    messy_file(tmp_path / "messy.jsonl", seed)
    whole = curate(settings(), tmp_path / "whole", tmp_path / "messy.jsonl")
    rng = random.Random(seed)
    runs = []

    def killing_build(step_settings):
        step = build(step_settings)
        dies = rng.choice(["before", "after", "never"])

        class Step:
            def apply(self, records, scratch):
                runs.append(step.name)
                if dies == "before":
                    raise Killed
                result = step.apply(records, scratch)
                if dies == "after":
                    raise Killed
                return result

        return Step()

    def killing_write(path, table, write=module.write_table):
        if rng.random() < 0.3:
            raise Killed
        write(path, table)

    monkeypatch.setattr(module, "build", killing_build)
    monkeypatch.setattr(module, "write_table", killing_write)
    kills = 0
    while True:
        try:
            killed = curate(settings(), tmp_path / "killed", tmp_path / "messy.jsonl")
            break
        except Killed:
            kills += 1
            assert not (tmp_path / "killed" / "manifest.json").exists()
    assert kills > 0
    assert killed.identity == whole.identity
    assert contents(killed) == contents(whole)
    assert not (tmp_path / "killed" / "_work").exists()


def test_a_step_that_was_done_is_not_done_again_after_a_stop(tmp_path, small, monkeypatch):
    runs = []

    def counting_build(step_settings):
        runs.append(step_settings.step)
        if step_settings.step == "repetition" and runs.count("repetition") == 1:
            raise Killed
        return build(step_settings)

    monkeypatch.setattr(module, "build", counting_build)
    with pytest.raises(Killed):
        curate(settings(), tmp_path / "out", small)
    artifact = curate(settings(), tmp_path / "out", small)
    assert [runs.count(step["step"]) for step in LIGHT["steps"]] == [1, 1, 1, 2, 1, 1]
    for clock in ("seconds_per_step", "processor_seconds_per_step"):
        seconds = artifact.provenance[clock]
        assert [seconds[name] is None for name in sorted(seconds)] == [True, True, True, False, False, False]


def test_other_settings_do_not_take_over_the_parts_of_a_stopped_run(tmp_path, small, monkeypatch):
    def dying_build(step_settings):
        if step_settings.step == "repetition":
            raise Killed
        return build(step_settings)

    monkeypatch.setattr(module, "build", dying_build)
    with pytest.raises(Killed):
        curate(settings(), tmp_path / "out", small)
    monkeypatch.undo()
    strict = {"steps": [{"step": "normalise"}, {"step": "near_empty", "min_words": 4}]}
    with pytest.raises(UserError, match="holds a stopped run begun otherwise"):
        curate(settings(strict), tmp_path / "out", small)
    artifact = curate(settings(strict), tmp_path / "out", small, overwrite=True)
    assert artifact.summary["funnel"][1]["reasons"] == {"blank": 1, "few_words": 2}


def test_a_step_that_lies_stops_the_run(tmp_path, small, monkeypatch):
    class Liar:
        def apply(self, records, scratch):
            return StepResult(responses={"nobody": "x"})

    monkeypatch.setattr(module, "build", lambda step_settings: Liar())
    with pytest.raises(StageError, match="changes nobody"):
        curate(settings(), tmp_path / "out", small)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_the_funnel_reads_as_a_table(tmp_path, small):
    lines = funnel_text(curate(settings(), tmp_path / "out", small).summary).split("\n")
    assert lines[0].split() == ["step", "rows", "in", "changed", "dropped", "kept", "reasons"]
    assert lines[1].split() == ["read", "6", "0", "1", "5", "quarantined:", "1"]
    assert lines[3].split() == ["near_empty", "5", "0", "1", "4", "blank:", "1"]
