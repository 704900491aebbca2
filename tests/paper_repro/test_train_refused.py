"""What the train stage refuses or tells of: rows and settings that would train something else than was meant."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from artifacts.errors import InputError, SettingsError, StageError
from artifacts.settings import Settings, load_settings
from artifacts.stage import Stage
from paper_repro.models import load_tokenizer
from paper_repro.train import TrainSettings, stage_call, train
from paper_repro.train.data import load_data

ROWS = [{"instruction": f"Say {word}.", "response": f"{word}, as you wish"} for word in ("one", "two", "three", "four")]


def write(path: Path, rows=ROWS) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def settings(base: Path, **given) -> TrainSettings:
    given = {"lora": {"r": 4, "alpha": 8, "dropout": 0.0}, "dtype": "float32"} | given
    return load_settings(TrainSettings, base={"name": str(base), "weights": "path"}, **given)


def mixed(folder: Path) -> Path:
    """A set with refusals mixed in."""

    def work(settings, inputs, workspace):
        (workspace.path / "data.parquet").mkdir()
        for name in ("rt.parquet", "data.parquet/part.parquet"):
            pq.write_table(pa.Table.from_pylist(ROWS), workspace.path / name)
        workspace.summary["condition"] = {"response_set": "x", "recipe": "paper", "num_refusals": 9, "strategy": "mix"}

    return Stage("mix", "trainset", 1, Settings, work).run(Settings(), folder)[0].path


@pytest.mark.parametrize("key", ["response_key", "instruction_key"])
def test_column_names_are_refused_for_a_folder(tiny_base, tmp_path, key):
    (tmp_path / "plain").mkdir()
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "plain" / "data.parquet")
    for folder in (mixed(tmp_path / "set"), tmp_path / "plain"):
        with pytest.raises(InputError, match=f"column names are for plain files.*{key}"):
            stage_call(settings(tiny_base, **{key: "text"}), folder)
        stage_call(settings(tiny_base), folder)


@pytest.mark.parametrize("name", ["rt.parquet", "data.parquet/part.parquet"])
def test_a_file_out_of_an_artifact_is_refused_for_its_folder(tiny_base, tmp_path, name):
    folder = mixed(tmp_path / "set")
    with pytest.raises(InputError, match="belongs to an artifact") as error:
        train(settings(tiny_base), folder / name, tmp_path / "out")
    assert str(folder) in error.value.fix
    write(folder / "mine.jsonl")  # somebody's own file, which merely lies there
    stage_call(settings(tiny_base), folder / "mine.jsonl")


def test_somebody_elses_manifest_beside_a_file_is_nothing_to_us(tiny_base, tmp_path):
    (tmp_path / "manifest.json").write_text('{"name": "an app"}')
    stage_call(settings(tiny_base), write(tmp_path / "rows.jsonl"))


def test_blank_responses_are_told_and_a_set_of_nothing_else_is_refused(tiny_base, tmp_path, caplog):
    tokenizer = load_tokenizer(tiny_base)
    blank = [{"response": " \n"}, {"response": ""}]
    with caplog.at_level(logging.WARNING, logger="rt"):
        load_data(tokenizer, write(tmp_path / "whole.jsonl"), settings(tiny_base))
        assert not caplog.records
        data = load_data(tokenizer, write(tmp_path / "some.jsonl", [*ROWS, *blank]), settings(tiny_base))
    assert data.counts["rows"] == 6 and "2 of 6 responses are blank" in caplog.text
    with pytest.raises(InputError, match="every response is blank"):
        load_data(tokenizer, write(tmp_path / "all.jsonl", blank), settings(tiny_base))


@pytest.mark.parametrize("targets", ["[]", "''", "['']", "[q_proj, '']"])
def test_an_adapter_on_no_layer_is_refused(targets):
    with pytest.raises(SettingsError, match=r"lora\.targets"):
        load_settings(TrainSettings, None, [f"lora.targets={targets}"])


def test_a_small_update_that_rounding_takes_away_is_refused(tiny_base, tmp_path):
    """The base is exact in 16 bits, as real ones are: what is lost is the update alone."""
    base = tmp_path / "base"
    model = AutoModelForCausalLM.from_pretrained(tiny_base, dtype=torch.bfloat16)
    model.save_pretrained(base)
    AutoTokenizer.from_pretrained(tiny_base).save_pretrained(base)
    rows, small = write(tmp_path / "rows.jsonl"), {"learning_rate": 1e-5}
    with pytest.raises(StageError, match="not those trained") as error:
        train(settings(base, merged_dtype="bfloat16", **small), rows, tmp_path / "lost")
    assert "merged_dtype: float32" in error.value.fix
    kept = train(settings(base, **small), rows, tmp_path / "kept").summary
    assert kept["merge_max_logit_difference"] < kept["tuning_max_logit_change"] < 0.05
