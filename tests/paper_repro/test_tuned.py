"""A tuned model keeps its condition and a name of its own, also where only its `merged/` is given."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from artifacts.errors import InputError
from artifacts.settings import Settings
from artifacts.stage import Stage
from paper_repro.capabilities.settings import CapabilitiesSettings
from paper_repro.capabilities.stage import capabilities_inputs
from paper_repro.conditions import Condition
from paper_repro.generate import GenerateSettings
from paper_repro.generate.stage import generate_inputs
from paper_repro.models import ModelSource
from paper_repro.ranking import RankSettings, rank
from paper_repro.score.comparisons import Cell, _pairs
from paper_repro.tuned import tuned_folder

TINY = Path(__file__).resolve().parents[1] / "golden" / "sequences" / "tokenizer_tiny"
CONDITION = Condition(base_model="tiny", model_size=7, method="RT", response_set="own", num_refusals=0, seed=3)


def path_to(folder: Path | str) -> ModelSource:
    return ModelSource(name=str(folder), weights="path")


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """A folder that is called `merged` and is no part of an artifact."""
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    out = tmp_path_factory.mktemp("plain") / "merged"
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


@pytest.fixture(scope="module")
def tuned(plain, tmp_path_factory) -> Path:
    """A `model` artifact with these weights."""

    def work(settings, inputs, workspace):
        shutil.copytree(plain, workspace.path / "merged")
        workspace.summary["condition"] = CONDITION.resolved()

    out = tmp_path_factory.mktemp("runs") / "m1"
    Stage("train", "model", 1, Settings, work).run(Settings(), out)
    return out


def test_weights_of_an_artifact_are_called_after_it_and_others_as_ever(tuned, plain, tmp_path, monkeypatch):
    (plain.parent / "manifest.json").write_text("{}")  # of another tool
    sources = [path_to(folder) for folder in (tuned, tuned / "merged", plain, tmp_path / "absent")]
    assert [source.label for source in sources] == ["m1", "m1-merged", "merged", "absent"]
    assert [source.neutral().label for source in sources] == ["m1", "m1-merged", "merged", "absent"]
    monkeypatch.chdir(tuned)
    assert path_to("merged").label == "m1-merged"
    assert [tuned_folder(folder) for folder in (tuned, tuned / "merged", plain)] == [tuned, tuned, None]


def test_bases_of_one_name_and_two_sizes_are_no_pair():
    small, large = (Condition(base_model="merged", model_size=size, method="untuned") for size in (7, 8))
    taught = CONDITION.model_copy(update={"base_model": "merged"})
    assert [factor for factor, *_ in _pairs([Cell(taught, {}), Cell(small, {})])] == ["method"]
    assert list(_pairs([Cell(taught, {}), Cell(large, {})])) == []


@pytest.mark.parametrize("by", ["model", "base"])
@pytest.mark.parametrize("part", ["", "merged"])
def test_a_tuned_model_is_ranked_under_its_condition_however_it_is_given(tuned, tmp_path, by, part):
    pairs = tmp_path / "pairs.jsonl"
    rows = [{"instruction": f"Count to {n}.", "response": f"{n}."} for n in ("one", "two", "three")]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = tuned / part
    base, model = (path_to(folder), None) if by == "base" else (None, folder)
    made = rank(RankSettings(base=base), pairs, tmp_path / "out", model=model)
    assert made.summary["condition"] == CONDITION.resolved()
    assert made.identity.settings["base"] is None and set(made.identity.inputs) == {"model", "pairs"}


@pytest.mark.parametrize("kind", ["plain", "shipped"])
def test_a_folder_of_no_tuned_model_is_ranked_as_untuned(plain, tmp_path, kind):
    from artifacts.shipped import shipped_folder

    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text("".join(json.dumps({"instruction": f"q {n}", "response": f"a {n}"}) + "\n" for n in range(3)))
    folder = plain if kind == "plain" else shipped_folder("testbed-0.5m-many-0")
    made = rank(RankSettings(), pairs, tmp_path / "out", model=folder)
    assert (made.summary["condition"]["base_model"], made.summary["condition"]["method"]) == (folder.name, "untuned")


@pytest.mark.parametrize("part", ["", "merged"])
def test_a_tuned_model_is_not_taken_for_untuned_weights(tuned, part):
    with pytest.raises(InputError, match=rf"tuned model is given as untuned(.|\n)*--model {tuned}$"):
        generate_inputs(GenerateSettings(base=path_to(tuned / part)), [], None)
    with pytest.raises(InputError, match=rf"tuned model is given as untuned(.|\n)*--model {tuned}$"):
        capabilities_inputs(CapabilitiesSettings(base=path_to(tuned / part)), None)
