"""The paper's profile: its runs, what they take and from what that is known, and everything that is missing."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments import estimate, wanted
from experiments.dry_run import show
from experiments.estimate import Rate, cost_of, tuning_rate
from experiments.expand import plan_cells
from experiments.machines import Hardware
from experiments.profiles import load_profile
from experiments.runs import runs_of
from experiments.shapes import shapes

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
RATE = Rate(1e14, "a test's")


@pytest.fixture(scope="module")
def paper():
    """Profile, cells and runs."""
    profile = load_profile("paper")
    return profile, plan_cells(profile), runs_of(profile, RATE)


def test_the_runs_are_those_of_the_paper(paper):
    _, cells, runs = paper
    tuned = Counter(run.study for run in runs if run.tuned)
    assert tuned == {"instructability": 24, "refusal": 88, "open-data": 2, "news": 1, "refinement": 24}
    asked = Counter((run.study, run.how) for run in runs if not run.tuned)
    styles = {("in-context", style): 2 for style in ("urial", "urial-r", "zero-shot")}
    rewritten = {("news", "rewrite"): 1, ("refinement", "rewrite"): 3}
    assert asked == {("instructability", "untuned"): 4, **styles, **rewritten}
    refusal = [run for run in runs if "refusal" in run.shared]
    assert {(run.response_set, run.num_refusals) for run in refusal} == {("lima", 0)}
    assert len(refusal) == 8
    unrefined = [run for run in runs if "refinement" in run.shared]
    assert {(run.study, run.num_refusals) for run in unrefined} == {("instructability", 0)}
    assert len(unrefined) == 24
    bases = {"Llama-3.1-8B", "Gemma-2-9B", "Gemma-2-2B", "Mistral-7B-v0.3"}
    studies = ("instructability", "refusal", "refinement")
    assert {run.base for run in runs if run.study in studies and not run.rewritten} == bases
    assert sum(cell.stage.name == "train" for cell in cells) == 24 + 88 + 2 + 1 + 24


def test_bases_have_the_names_of_the_published_tables(paper):
    import pandas as pd

    from artifacts.published import PUBLISHED

    named = set(pd.read_csv(PUBLISHED / "table15_16_refusal.csv")["base_model"])
    assert {run.base for run in paper[2] if run.study == "refusal"} == named


def test_models_are_tuned_as_the_paper_did(paper):
    (settings,) = {
        cell.settings.model_copy(update={"base": None, "method": None}).model_dump_json()
        for cell in paper[1]
        if cell.stage.name == "train"
    }
    found = json.loads(settings)
    assert (found["preset"], found["quantisation"], found["optimiser"]) == ("qlora", "nf4", "paged_adamw_32bit")
    assert (found["epochs"], found["global_batch"], found["learning_rate"], found["max_length"]) == (10, 64, 1e-4, 2048)
    assert found["lora"] == {"r": 64, "alpha": 16, "dropout": 0.1, "targets": "all-linear"}


@pytest.mark.parametrize("name", sorted(shapes()))
def test_a_shape_has_as_many_weights_as_the_model_it_describes(name):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Gemma2Config, LlamaConfig, MistralConfig, OlmoConfig

    shape = shapes()[name]
    shape = shape.model_copy(update={"layers": 2})  # of each the same: two tell as much as all
    kinds = {"llama": LlamaConfig, "mistral": MistralConfig, "gemma2": Gemma2Config, "olmo": OlmoConfig}
    config = kinds[shape.kind](
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        head_dim=shape.head_size,
        tie_word_embeddings=shape.kind == "gemma2",
    )
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
        assert sum(one.numel() for one in model.parameters()) == shape.parameters
        tuned = get_peft_model(model, LoraConfig(r=8, target_modules="all-linear"))
    assert sum(one.numel() for one in tuned.parameters() if one.requires_grad) == shape.adapter_weights(8)


@pytest.fixture
def lengths(tmp_path, monkeypatch):
    """A function: lengths of response sets as if they had been measured so."""

    def stored(sets):
        path = tmp_path / "run_lengths.json"
        path.write_text(json.dumps({"tokenizer": "a test's", "sets": sets}))
        monkeypatch.setattr(estimate, "LENGTHS", path)
        estimate._stored.cache_clear()

    yield stored
    estimate._stored.cache_clear()


def benchmark_parts(monkeypatch):
    """The module behind `make bench-gpu`."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("tuning_gpu_parts", BENCHMARKS / "tuning_gpu_parts.py")
    parts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(parts)
    return parts


def test_work_is_counted_as_the_benchmark_counts_it(paper, lengths, monkeypatch):
    """Of ten passes over one row, by the function behind a measured rate."""
    parts = benchmark_parts(monkeypatch)
    lengths({"lima": {"it": {"rows": 1, "tokens": 300, "loss_tokens": 120, "squares": 300**2}, "coverage": "full"}})
    (cell,) = [one for one in paper[1] if one.stage.name == "train" and one.label == "lima-paper-0-it-0"]
    assert cell.settings.base.name == "llama-3.1-8b"
    row = SimpleNamespace(input_ids=range(300), predicted=120)
    a_token = parts.training_flops(SimpleNamespace(config=SimpleNamespace(**parts.LLAMA_8B)), [row])
    found = cost_of(cell, RATE)
    assert found.flops == pytest.approx(10 * 300 * a_token, rel=1e-12)
    assert found.gpu_hours == pytest.approx(found.flops / 1e14 / 3600)
    assert (found.rows, found.tokens) == (1, 3000)
    assert found.disk_gb == pytest.approx((2 * 8_030_261_248 + 4 * 167_772_160) / 1e9), (
        "merged in bf16, adapter in fp32"
    )


def test_refusals_are_part_of_the_work(paper):
    cost = {
        (run.how, run.num_refusals): run.cost
        for run in paper[2]
        if (run.base, run.response_set) == ("Gemma-2-2B", "lima") and run.strategy in (None, "paper")
    }
    assert [cost["rt", count].rows for count in (0, 100, 200, 500)] == [1000, 1100, 1200, 1500]
    sizes = {
        (run.study, run.cost.rows) for run in paper[2] if run.response_set == "alpaca-cleaned" and not run.num_refusals
    }
    assert sizes == {("instructability", 52_002), ("refusal", 1000)}, "the whole set, and a sample"
    hours = [cost["it", count].gpu_hours for count in (0, 100, 200, 500)]
    assert hours == sorted(hours)
    assert all(cost["rt", count].flops < cost["it", count].flops for count in (0, 100, 200, 500))


def result(folder, name, flops, **more):
    part = {"ours": {"model_flops_per_s": flops}}
    parts = {
        "tuning/alpaca/rt": part,
        "tuning/lima/it": {"ours": {"model_flops_per_s": 2 * flops}},
        "tuning/lima/rt": None,
    }
    (folder / name).write_text(
        json.dumps({"device": "NVIDIA H200", "gpu": True, "small": False, "parts": parts} | more)
    )


def read_rate(hardware, folder):
    """The rate, read anew: a process reads it once."""
    tuning_rate.cache_clear()
    return tuning_rate(hardware, folder)


def test_a_measured_rate_comes_before_a_stated_one_and_none_is_made_up(tmp_path):
    stated = Hardware(device="H100", peak_tflops=1000, utilisation=0.25)
    assert read_rate(Hardware(), tmp_path).flops is None
    rate = read_rate(stated, tmp_path)
    assert (rate.flops, rate.measured) == (2.5e14, False)
    assert "NOT MEASURED" in rate.basis and "assumed" in rate.basis
    result(tmp_path, "tuning_gpu_small_nvidia-h200.json", 5.0, small=True)
    result(tmp_path, "tuning_gpu_amd.json", 5.0, gpu=False)
    assert not read_rate(stated, tmp_path).measured, "a proof of the script is no measurement"
    result(tmp_path, "tuning_gpu_nvidia-h200.json", 3e14)
    rate = read_rate(stated, tmp_path)
    assert (rate.flops, rate.measured) == (3e14, True), "the slowest of what was measured"
    result(tmp_path, "tuning_gpu_own.json", 1e14, device="NVIDIA H100 80GB")
    assert read_rate(stated, tmp_path).flops == 1e14, "the device of the profile"


def test_what_nobody_counted_is_unknown(paper, lengths):
    profile, _, runs = paper
    own = [run for run in runs if run.response_set == "cc-news-retoned"]
    assert [run.how for run in own] == ["rewrite", "rt"]
    assert {run.cost.gpu_hours for run in own} == {run.cost.rows for run in own} == {None}
    lengths({})
    assert {run.cost.gpu_hours for run in runs_of(profile, RATE)} == {None}
    estimate.LENGTHS.unlink()
    estimate._stored.cache_clear()
    assert "unknown" in estimate.lengths_basis()


def test_rewriting_is_a_stage_of_the_plan_with_what_it_takes_at_least(paper, lengths):
    """Texts are read once with the prompt and written once; a refined set is tuned on as if it were as long."""
    profile, cells, _ = paper
    made = {cell.label: cell for cell in cells if cell.stage.name == "rewrite"}
    assert made["lima-refined"].inputs["input"].label == "lima"
    assert made["cc-news-retoned"].settings.kind == "news"
    row = {"rows": 1, "tokens": 300, "loss_tokens": 120, "squares": 300**2}
    lengths({"lima": {"it": row, "rt": row, "coverage": "full"}})
    plain = [run for run in runs_of(profile, RATE) if not run.num_refusals and run.study != "refusal"]
    runs = {(run.base, run.how, run.response_set): run.cost for run in plain}
    assert runs["Gemma-2-2B", "it", "lima-refined"] == runs["Gemma-2-2B", "it", "lima"]
    cost = runs["Meta-Llama-3.1-70B-Instruct", "rewrite", "lima-refined"]
    prompt = made["lima-refined"].settings.prompt
    told = sum(len((text or "").encode()) for text in (prompt.system, prompt.user)) / 4
    assert cost.tokens == pytest.approx(300 + 120 + told, abs=1)
    assert cost.gpu_hours == pytest.approx(2 * 70_553_706_496 * (420 + told) / 1e14 / 3600)
    assert cost.disk_gb is None


def test_a_refined_model_is_compared_with_its_like_tuned_on_what_it_was_made_from(paper):
    _, cells, _ = paper
    pairs = [
        tuple(cell.inputs[side].inputs["model"] for side in ("generations", "against"))
        for cell in cells
        if cell.stage.name == "judge" and "-refined-" in cell.label
    ]
    assert len(pairs) == 24
    for own, other in pairs:
        assert own.settings == other.settings
        names = [model.inputs["trainset"].settings.response_set for model in (own, other)]
        assert names[0] == f"{names[1]}-refined"
        assert other.key in {cell.key for cell in cells if cell.stage.name == "train"}


def test_a_file_that_only_the_user_has_is_asked_for_and_then_decides_the_cell(tmp_path, monkeypatch, rt_home):
    from artifacts.errors import MissingDataError
    from experiments.reproduce import _fetch_all

    monkeypatch.setenv("OPENAI_API_KEY", "something")
    bare = load_profile("paper", [], ["news"])
    assert bare.corpora == ()
    cells = plan_cells(bare)
    left = [one for one in wanted.wanted(bare, cells, []) if one.kind == "data" and "CC-News" in one.what]
    assert [one.fix for one in left] == ['--set rewrites.cc-news-retoned.file=FILE (JSONL, a line {"text": ...} each)']
    with pytest.raises(MissingDataError, match="cc-news-retoned: its texts are in no source"):
        _fetch_all([cell for cell in cells if cell.stage.name == "rewrite"])
    places = []
    for text in ("one", "another"):
        (tmp_path / "news.jsonl").write_text(json.dumps({"text": text}) + "\n")
        given = load_profile("paper", [f"rewrites.cc-news-retoned.file={tmp_path / 'news.jsonl'}"], ["news"])
        (cell,) = [one for one in plan_cells(given) if one.stage.name == "rewrite"]
        assert str(tmp_path / "news.jsonl") in cell.command()
        assert "CC-News" not in str([one.what for one in wanted.wanted(given, [cell], [])])
        places.append(cell.place)
    assert len(set(places)) == 2, "other texts are another set"


def kinds(missing):
    return Counter(one.kind for one in missing)


def test_everything_missing_is_one_list(paper, monkeypatch, rt_home):
    profile, cells, runs = paper
    for name in ("RT_MIRROR", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(wanted, "visible_gpus", lambda: 0)
    missing = wanted.wanted(profile, cells, runs)
    found = kinds(missing)
    assert found["gated model"] == 5, "four bases and the judge"
    assert {"data", "key", "command", "GPU", "memory", "disk", "left out"} <= set(found)
    fixes = {one.what: one.fix for one in missing}
    assert "meta-llama/Llama-3.1-8B on the hub" in fixes["meta-llama/Llama-3.1-8B (Llama 3.1 Community License)"]
    monkeypatch.setenv("OPENAI_API_KEY", "something")
    monkeypatch.setattr(wanted, "visible_gpus", lambda: 8)
    later = kinds(wanted.wanted(profile, cells, runs))
    assert (later["key"], later["GPU"]) == (0, 0)
    unserved = profile.model_copy(update={"servers": ()})
    assert "server" in kinds(wanted.wanted(unserved, cells, runs))
    done = [replace(run, done=True) for run in runs]
    assert "disk" not in kinds(wanted.wanted(profile, [], done)), "what is done takes no more"
    assert "GPU" not in kinds(wanted.wanted(profile, [], done))


def test_the_dry_run_says_all_of_it(paper, capsys, rt_home, monkeypatch):
    profile, cells, _ = paper
    monkeypatch.setattr(wanted, "visible_gpus", lambda: 0)
    show(profile, cells, cells, as_json=False)
    text = capsys.readouterr().out
    assert "refusal: 88 tuned; 8 more shared with instructability" in text
    assert "139 models to tune, 10 times a base is asked as it is, 4 sets to rewrite" in text
    assert "138 runs; unknown for 1" in text
    assert "GPU hours of rewriting: " in text and "3 sets; unknown for 1" in text
    (last,) = [line for line in text.split("\n") if line.startswith("missing (")]
    assert text.index(last) > text.index("GPU hours of asking: unknown"), "the list is the end of it"
    show(profile, cells, cells, as_json=True)
    data = json.loads(capsys.readouterr().out)
    assert len(data["runs"]) == 153
    total = data["totals"]["gpu_hours"]
    tuned = [run for run in data["runs"] if run["how"] in ("rt", "it")]
    hours = [run["gpu_hours"] for run in tuned if run["gpu_hours"] is not None]
    assert total["runs_known"] == len(hours) == 138
    assert total["known"] == pytest.approx(sum(hours), rel=0.01)
    assert {"what", "fix", "kind"} == set(data["missing"][0])


def test_a_base_that_is_not_shipped_is_told_and_costs_nothing(monkeypatch):
    from experiments import missing

    monkeypatch.setattr(missing, "shipped_names", lambda: [])
    profile = load_profile("testbed", [], ["formats"])
    assert runs_of(profile, RATE) == []
    left = [one for one in wanted.wanted(profile, [], []) if one.kind == "left out"]
    assert len(left) == len(profile.studies["formats"].bases)
    assert left[0].what == "formats on testbed-0.5m-formats-1-0"
