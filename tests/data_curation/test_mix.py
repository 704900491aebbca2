"""mix: the cut, the refusals after it, RT and IT of the same rows, counts that add up, clear refusals."""

from __future__ import annotations

import json
import random

import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError, SettingsError, UserError
from artifacts.settings import load_settings
from artifacts.stage import Stage
from data_curation.mix import MixSettings, mix
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
    for wrong in ({"base_size": 0}, {"num_refusals": -1}, {"strategy": "random"}, {"num_refusal": 1}):
        with pytest.raises(SettingsError):
            load_settings(MixSettings, None, **wrong)
