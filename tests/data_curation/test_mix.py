"""mix: the cut, the refusals after it, RT and IT of the same rows, counts that add up, clear refusals."""

from __future__ import annotations

import json
import random

import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError, SettingsError, UserError
from artifacts.settings import load_settings
from artifacts.stage import Stage
from data_curation import conflicts as conflicts_module
from data_curation.mix import MIX, MixSettings, mix
from data_curation.records import make_records, to_table
from data_curation.tables import write_table


@pytest.fixture
def files(tmp_path):
    """A base of 30 pairs and a pool of 20 pairs of which 10 are refusals, as plain files."""
    base = [{"instruction": f"question {i}", "response": f"answer {i}"} for i in range(30)]
    answers = [f"Sorry, no {i}." if i % 2 else f"Fine {i}." for i in range(20)]
    pool = [{"instruction": f"request {i}", "response": answer} for i, answer in enumerate(answers)]
    return written(tmp_path / "base.jsonl", base), written(tmp_path / "pool.jsonl", pool)


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(artifact, name):
    return pq.read_table(artifact.file(name)).to_pylist()


def artifact_of(folder, kind, records, **summary):
    """A finished artifact of `kind` that holds `records`."""

    def work(settings, inputs, workspace):
        write_table(workspace.path / "data.parquet", to_table(records))
        workspace.summary.update(summary)

    return Stage("made", kind, 1, MixSettings, work).run(MixSettings(), folder)[0].path


def test_refusals_follow_the_cut_base_in_the_order_of_the_shuffles(files, tmp_path):
    made = mix(MixSettings(base_size=12, num_refusals=4), tmp_path / "out", *files)

    def plain(count):
        random.seed(0)
        order = list(range(count))
        random.shuffle(order)
        return order

    expected = [f"answer {index}" for index in plain(30)[:12]]
    expected += [f"Sorry, no {2 * index + 1}." for index in plain(10)[:4]]
    rows = rows_of(made, "it.parquet")
    assert [row["response"] for row in rows] == expected
    assert [row["origin"] for row in rows] == ["base"] * 12 + ["refusal"] * 4
    assert all(row["instruction"].split()[1] in row["response"] for row in rows), "each with its own instruction"


def test_rt_is_it_without_the_instruction(files, tmp_path):
    made = mix(MixSettings(base_size=12, num_refusals=4), tmp_path / "out", *files)
    with_instruction = rows_of(made, "it.parquet")
    for row in with_instruction:
        del row["instruction"]
    assert rows_of(made, "rt.parquet") == with_instruction


def test_the_summary_counts_everything(files, tmp_path):
    summary = mix(MixSettings(base_size=12, num_refusals=4), tmp_path / "out", *files).summary
    assert summary == {
        "condition": {"response_set": "base.jsonl", "recipe": "paper", "num_refusals": 4, "strategy": "paper"},
        "rows": 16,
        "base_rows": 30,
        "base_kept": 12,
        "pool_rows": 20,
        "pool_passing": 10,
        "refusals": 4,
        "quarantined": 0,
        "without_instruction": 0,
        "methods": ["RT", "IT"],
    }


@pytest.mark.parametrize("size", [None, 30, 1000])
def test_a_base_that_needs_no_cut_keeps_its_order(files, tmp_path, size):
    made = mix(MixSettings(base_size=size), tmp_path / "out", files[0])
    assert [row["response"] for row in rows_of(made, "rt.parquet")] == [f"answer {i}" for i in range(30)]
    assert made.summary["condition"]["strategy"] is None, "without refusals there is no strategy"


def test_a_larger_count_holds_the_smaller_one(files, tmp_path):
    small, large = (
        rows_of(mix(MixSettings(base_size=12, num_refusals=count), tmp_path / str(count), *files), "rt.parquet")
        for count in (3, 8)
    )
    assert large[: len(small)] == small


def test_the_seed_decides_both_samples(files, tmp_path):
    one, other = (
        rows_of(mix(MixSettings(base_size=12, num_refusals=4, seed=seed), tmp_path / str(seed), *files), "rt.parquet")
        for seed in (0, 1)
    )
    assert one[:12] != other[:12]
    assert one[12:] != other[12:]


def test_the_same_call_gives_the_same_bytes(files, tmp_path):
    settings = MixSettings(base_size=12, num_refusals=4)
    assert mix(settings, tmp_path / "a", *files).digest == mix(settings, tmp_path / "b", *files).digest


def test_a_base_without_instructions_gives_rt_only(files, tmp_path):
    base = written(tmp_path / "responses.jsonl", [{"response": "one"}, {"response": "two"}])
    made = mix(MixSettings(num_refusals=1), tmp_path / "out", base, files[1])
    assert set(made.identity.outputs) == {"rt.parquet"}
    assert made.summary["methods"] == ["RT"]
    assert made.summary["without_instruction"] == 2
    with pytest.raises(InputError, match=r"no file 'it\.parquet'"):
        made.file("it.parquet")


def test_rows_that_cannot_be_used_are_written_down(files, tmp_path):
    with open(files[0], "a", encoding="utf-8") as file:
        file.write("no json\n")
    made = mix(MixSettings(), tmp_path / "out", files[0])
    assert made.summary["quarantined"] == 1
    (line,) = made.file("quarantine.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["line"] == 31


def test_too_many_refusals_are_refused_with_both_numbers(files, tmp_path):
    with pytest.raises(UserError, match=r"11 refusals .* 10 of the pool's 20 rows"):
        mix(MixSettings(num_refusals=11), tmp_path / "out", *files)


def test_refusals_need_a_pool(files, tmp_path):
    with pytest.raises(UserError, match="no pool is given"):
        mix(MixSettings(num_refusals=1), tmp_path / "out", files[0])


def test_an_absent_input_is_named(files, tmp_path):
    with pytest.raises(InputError, match="--pool: no such file"):
        mix(MixSettings(num_refusals=1), tmp_path / "out", files[0], tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"--base: a folder without a manifest\.json"):
        mix(MixSettings(), tmp_path / "out", tmp_path)


def test_a_refusal_that_is_in_the_base_too_is_refused(files, tmp_path):
    with pytest.raises(UserError, match="are in the base sample too"):
        mix(MixSettings(num_refusals=5), tmp_path / "out", files[1], files[1])


def test_artifacts_keep_their_names_and_their_recipe(files, tmp_path):
    records = make_records("dolly", ((row, f"question {row}", f"answer {row}") for row in range(5)))
    corpus = artifact_of(tmp_path / "corpus", "corpus", records)
    curated = artifact_of(tmp_path / "curated", "curated", records, recipe="responses")
    for base, recipe in ((corpus, "paper"), (curated, "responses")):
        made = mix(MixSettings(), tmp_path / f"out-{recipe}", base)
        assert made.summary["condition"]["response_set"] == "dolly"
        assert made.summary["condition"]["recipe"] == recipe
        assert [row["row_id"] for row in rows_of(made, "rt.parquet")] == [record.row_id for record in records]
    named = mix(MixSettings(response_set="mine"), tmp_path / "named", corpus)
    assert named.summary["condition"]["response_set"] == "mine"


def test_an_artifact_of_another_kind_or_with_columns_is_refused(tmp_path):
    records = make_records("x", [(0, "question", "answer")])
    with pytest.raises(InputError, match="holds 'model', not responses"):
        mix(MixSettings(), tmp_path / "out", artifact_of(tmp_path / "model", "model", records))
    corpus = artifact_of(tmp_path / "corpus", "corpus", records)
    settings = MixSettings.model_validate({"base_columns": {"response": "answer"}})
    with pytest.raises(UserError, match="columns are for plain files"):
        mix(settings, tmp_path / "other", corpus)


def test_diverse_selects_by_the_encoder_it_is_given(files, tmp_path, tiny_encoder):
    settings = {"num_refusals": 4, "strategy": "diverse", "encoder": {"model": str(tiny_encoder)}}
    made = mix(MixSettings.model_validate(settings), tmp_path / "out", *files)
    chosen = [row["response"] for row in rows_of(made, "it.parquet") if row["origin"] == "refusal"]
    assert len(set(chosen)) == 4
    assert all("Sorry" in response for response in chosen)
    assert made.summary["condition"]["strategy"] == "diverse"


def test_settings_are_checked():
    for wrong in ({"base_size": 0}, {"num_refusals": -1}, {"strategy": "best"}, {"num_refusal": 1}):
        with pytest.raises(SettingsError):
            load_settings(MixSettings, None, **wrong)


def test_settings_that_came_later_leave_no_trace_where_they_are_not_used():
    """Older sets keep their digests: the plan of a plain mix is word for word what it was."""
    plan = MIX.key(MixSettings(num_refusals=4), {"base": "b", "pool": "p"})
    assert set(plan["settings"]) == {
        "response_set",
        "base_size",
        "num_refusals",
        "strategy",
        "seed",
        "refusal_rule",
        "base_columns",
        "pool_columns",
        "encoder",
    }
    assert plan["stage_version"] == 1
    assert "rensa" not in plan["packages"]
    used = MixSettings(num_refusals=4, strategy="random", conflicts="report")
    plan = MIX.key(used, {"base": "b", "pool": "p"})
    assert plan["settings"]["conflicts"] == "report"
    assert "selection" not in plan["settings"], "at its defaults"
    assert "rensa" in plan["packages"], "near duplicates are removed"
    assert MixSettings.model_validate(used.resolved()) == used


def test_a_plain_mix_writes_what_it_wrote(files, tmp_path):
    made = mix(MixSettings(base_size=12, num_refusals=4), tmp_path / "out", *files)
    assert set(made.identity.outputs) == {"rt.parquet", "it.parquet"}


def test_a_selection_tells_why_each_refusal_was_chosen(files, tmp_path):
    settings = MixSettings.model_validate({"num_refusals": 4, "strategy": "random", "selection": {"kind": "bare"}})
    made = mix(settings, tmp_path / "out", *files)
    told = [json.loads(line) for line in made.file("selection.jsonl").read_text("utf-8").splitlines()]
    chosen = [row["row_id"] for row in rows_of(made, "rt.parquet") if row["origin"] == "refusal"]
    assert [row["row_id"] for row in told] == chosen
    assert {row["kind"] for row in told} == {"bare"}
    assert made.summary["pool_left"] == {"rule": 10, "kind": 10, "no_near_duplicate": 10}
    assert (made.summary["pool_passing"], made.summary["condition"]["strategy"]) == (10, "random")


@pytest.fixture
def acts(tmp_path, monkeypatch):
    """A base of four rows and a pool of two refusals; a text lies on the circle where its number says."""
    import numpy as np

    def embed(texts, *rest, **named):
        angles = np.radians([int("".join(filter(str.isdigit, text)) or 300) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    monkeypatch.setattr(conflicts_module, "embed_texts", embed)
    base = [
        {"instruction": "open box 10", "response": "Turn the key at 100."},
        {"instruction": "open box 12", "response": "I can't help with that, number 100."},
        {"instruction": "bake cake 200", "response": "Take flour, as in 11."},
        {"instruction": "draw map 80", "response": "Use a pen."},
    ]
    pool = [
        {"instruction": "force box 20", "response": "Sorry, I won't, 250."},
        {"instruction": "steal box 0", "response": "Sorry, I won't, 260."},
    ]
    return written(tmp_path / "base.jsonl", base), written(tmp_path / "pool.jsonl", pool)


def conflicted(acts, out, handling, **search):
    settings = {"num_refusals": 2, "conflicts": handling, "conflict_search": {"detector": {"method": "cues"}} | search}
    made = mix(MixSettings.model_validate(settings), out, *acts)
    return made, [json.loads(line) for line in made.file("conflicts.jsonl").read_text("utf-8").splitlines()]


def test_conflicts_are_reported_and_everything_stays(acts, tmp_path):
    made, found = conflicted(acts, tmp_path / "out", "report")
    assert [(row["row"], row["side"], row["refusals"], row["dropped"]) for row in found] == [
        (0, "instruction", 2, False)
    ]
    assert found[0]["score"] == pytest.approx(0.984808, abs=1e-6)
    refusals = [row for row in rows_of(made, "it.parquet") if row["origin"] == "refusal"]
    assert found[0]["refusal_row_id"] == refusals[0]["row_id"], "10 is as far from 20 as from 0: the earlier one"
    expected = {"handling": "report", "base_rows": 4, "base_refusals": 1, "found": 1, "dropped": 0, "kept": 4}
    assert made.summary["conflicts"] == expected
    assert made.summary["base_kept"] == 4


def test_conflicts_are_dropped_and_counted(acts, tmp_path):
    made, found = conflicted(acts, tmp_path / "out", "drop")
    assert [row["dropped"] for row in found] == [True]
    kept = [row["instruction"] for row in rows_of(made, "it.parquet") if row["origin"] == "base"]
    assert kept == ["open box 12", "bake cake 200", "draw map 80"], "a base row that refuses itself is no conflict"
    assert made.summary["conflicts"] | {"handling": None} == {
        "handling": None,
        "base_rows": 4,
        "base_refusals": 1,
        "found": 1,
        "dropped": 1,
        "kept": 3,
    }
    assert (made.summary["base_kept"], made.summary["rows"]) == (3, 5)


def test_without_instructions_the_response_is_compared_with_the_declined_act(acts, tmp_path):
    base = written(tmp_path / "bare.jsonl", [{"response": "Take flour, as in 11."}, {"response": "A pen at 200."}])
    _, found = conflicted((base, acts[1]), tmp_path / "out", "report")
    assert [(row["row"], row["side"]) for row in found] == [(0, "content")]
    pool = written(tmp_path / "refusals.jsonl", [{"response": f"Sorry, I won't, {n}."} for n in (205, 100)])
    _, found = conflicted((base, pool), tmp_path / "other", "report")
    assert [(row["row"], row["side"]) for row in found] == [(1, "content")]


def test_the_threshold_of_conflicts_is_used(acts, tmp_path):
    assert conflicted(acts, tmp_path / "out", "report", instruction_threshold=0.99)[1] == []


def test_a_base_of_conflicts_only_is_refused(acts, tmp_path):
    base = written(tmp_path / "only.jsonl", [{"instruction": "open box 10", "response": "Turn it."}])
    with pytest.raises(UserError, match="every base row is in conflict"):
        conflicted((base, acts[1]), tmp_path / "out", "drop")


def test_a_refusal_of_the_base_is_refused_under_another_files_name_too(files, tmp_path):
    pool = files[1]
    (tmp_path / "alt").mkdir()
    (tmp_path / "alt" / "copy.jsonl").write_bytes(pool.read_bytes())
    with pytest.raises(UserError, match="are in the base sample too"):
        mix(MixSettings(num_refusals=4), tmp_path / "out", tmp_path / "alt" / "copy.jsonl", pool)


def test_an_empty_base_is_refused(tmp_path):
    with pytest.raises(InputError, match="no rows in it"):
        mix(MixSettings(), tmp_path / "out", artifact_of(tmp_path / "none", "curated", []))
