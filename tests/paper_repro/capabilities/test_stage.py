"""rt capabilities: what the artifact says, what is missing, what is resumed, what is refused."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from artifacts import pins
from artifacts.errors import InputError, MissingDataError, SettingsError
from artifacts.files import read_json
from artifacts.settings import load_settings
from paper_repro.capabilities import stage as stage_module
from paper_repro.capabilities.benchmarks import BY_TASK, CORE
from paper_repro.capabilities.settings import CapabilitiesSettings
from paper_repro.capabilities.stage import ITEMS, SCHEMA, measure
from paper_repro.cli import application
from paper_repro.columns import read_rows
from paper_repro.models import ModelSource
from paper_repro.score.records import score_file
from paper_repro.score.schema import read_results
from paper_repro.score.stage import ScoreSettings, score


def settings_for(folder, **more):
    base = ModelSource(name=str(folder), weights="path")
    return CapabilitiesSettings(base=base, **({"limit": 2, "dtype": "float32", "device": "cpu"} | more))


def test_the_results_table_holds_every_benchmark_and_the_mean_of_the_six(scored):
    rows = {(row.benchmark, row.metric): row for row in read_results(scored.path)}
    reported = [next(iter(benchmark.metrics.values())) for benchmark in CORE]
    six = [rows[benchmark.name, metric] for benchmark, metric in zip(CORE, reported, strict=True)]
    assert rows["core", "core_average"].value == pytest.approx(sum(row.value for row in six) / 6)
    assert len({row.value for row in six}) > 2
    arc = [rows[f"arc-{part}", "accuracy"].value for part in ("easy", "challenge")]
    assert rows["arc", "accuracy"].value == pytest.approx(sum(arc) / 2)
    assert (
        rows["mmlu", "accuracy"].n
        == 57 * 3
        == sum(row.n for (name, _), row in rows.items() if name.startswith("mmlu-"))
    )
    assert all(row.judge == "lm-eval" and row.method == "untuned" for row in rows.values())


def test_a_part_of_a_benchmark_is_said_to_be_a_part(scored):
    facts, data = scored.summary["benchmarks"], scored.summary["data"]
    assert facts["hellaswag"]["coverage"] == facts["core"]["coverage"] == "partial"
    assert (facts["gsm8k"]["n"], facts["gsm8k"]["rows"]) == (3, 1319)
    assert data["hellaswag"]["rows_of_benchmark"] == 10042
    assert {one["coverage"] for one in data.values()} == {"partial"}  # made files: five rows, whatever the pin says


def test_the_metric_of_every_benchmark_is_named(scored):
    metrics = {name: fact["metric"] for name, fact in scored.summary["benchmarks"].items()}
    assert metrics["gsm8k"] == "exact_match,strict-match"
    assert {metrics[name] for name in ("mmlu", "openbookqa", "hellaswag", "arc", "piqa")} == {"acc,none"}
    both = {(one["label"], one["metric"]) for one in read_json(scored.file("capabilities.json"))}
    assert ("gsm8k", "exact_match,flexible-extract") in both
    assert ("hellaswag", "acc_norm,none") in both


def test_every_row_asked_has_an_outcome_and_the_accuracy_is_their_mean(scored):
    items = read_rows(scored.file(ITEMS), SCHEMA)
    right = [row["right"] for row in items if row["task"] == "piqa"]
    found = read_json(scored.file("lm_eval.json"))["results"]["piqa"]["acc,none"]
    assert sum(right) / len(right) == found
    assert scored.summary["no_answer_found"]["strict-match"] == sum(
        row["answer"] == "[invalid]" for row in items if row["filter"] == "strict-match"
    )


def test_nothing_of_this_machine_is_in_the_outputs(scored):
    for name in ("lm_eval.json", "capabilities.json", "results.csv"):
        assert "/" + str(scored.path).split("/")[1] + "/" not in scored.file(name).read_text()


def test_rt_score_core_gives_the_same_numbers_from_the_results_file_alone(scored):
    result = score_file("core", scored.file("lm_eval.json"), ScoreSettings())
    found = {(one["metric"], one["subset"]): one for one in result["numbers"]}
    table = {(one["metric"], one["label"]): one for one in read_json(scored.file("capabilities.json"))}
    average = table.pop(("mean of the six", "core"))
    assert found["core_average", None]["value"] == average["value"]
    for (metric, label), own in table.items():
        assert found[metric, label]["value"] == own["value"]
        assert (found[metric, label]["low"], found[metric, label]["high"]) == (own["low"], own["high"])
    assert found["standard_error of acc,none", "mmlu"]["value"] == table["acc,none", "mmlu"]["stderr"]
    assert any("hellaswag: 3 of 10042" in note for note in result["notes"])


def test_rt_score_joins_the_scores_of_several_models_in_one_table(scored, made, small, tmp_path):
    other = measure(settings_for(small, tasks=("piqa",), limit=3, study="mine"), tmp_path / "other")
    with pytest.raises(InputError, match="accuracy on piqa is given twice for one condition"):
        score(ScoreSettings(), [scored.path, other.path], tmp_path / "twice")
    table = score(ScoreSettings(study="table 12"), [scored.path], tmp_path / "table")
    rows = read_results(table.path)
    assert [(row.key[1:], row.value) for row in rows] == [(r.key[1:], r.value) for r in read_results(scored.path)]
    assert {row.study for row in rows} == {"table 12"}


def test_some_benchmarks_alone_give_no_average_and_long_prompts_are_counted(made, small, tmp_path):
    settings = settings_for(small, tasks=("gsm8k_cot_llama,openbookqa",), max_length=600)
    artifact = measure(settings, tmp_path / "out")
    assert settings.tasks == ("openbookqa", "gsm8k_cot_llama")
    assert artifact.summary["not_asked"] == ["mmlu", "hellaswag", "arc", "piqa"]
    assert set(artifact.summary["benchmarks"]) == {"openbookqa", "gsm8k"}
    assert artifact.summary["cut"] == {"gsm8k_cot_llama": 2}  # eight examples do not fit; the questions alone do
    assert {row.benchmark for row in read_results(artifact.path)} == {"openbookqa", "gsm8k"}


def test_a_stopped_run_goes_on_with_the_answers_it_has(made, small, tmp_path, monkeypatch):
    from lm_eval.models.huggingface import HFLM

    settings = settings_for(small, tasks=("openbookqa", "piqa"))
    whole = measure(settings, tmp_path / "whole")
    monkeypatch.setattr(stage_module, "write_results", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        measure(settings, tmp_path / "stopped")
    monkeypatch.undo()
    monkeypatch.setattr(pins, "PINS", made.pins)
    monkeypatch.setenv("RT_MIRROR", str(made.mirror))
    monkeypatch.setattr(HFLM, "_model_call", lambda *given, **options: pytest.fail("asked again"))
    assert measure(settings, tmp_path / "stopped").digest == whole.digest


def test_a_tokenizer_that_lm_eval_would_cut_choices_with_is_refused(made, tiny_base, tmp_path):
    with pytest.raises(InputError, match="would not score the beginning of a choice"):
        measure(settings_for(tiny_base, tasks=("piqa",)), tmp_path / "out")


def test_missing_data_are_named_with_their_origin(made, small, tmp_path, monkeypatch):
    monkeypatch.setenv("RT_MIRROR", str(tmp_path))
    with pytest.raises(MissingDataError, match=r"'piqa'.*cannot be had:\n.*eval/piqa_valid.jsonl") as caught:
        measure(settings_for(small, tasks=("piqa",)), tmp_path / "out")
    assert caught.value.exit_code == 2
    assert "RT_MIRROR" in caught.value.fix


def test_a_plan_says_where_data_would_come_from_and_fetches_nothing(made, small, rt_home):
    asked = ["capabilities", "--base", str(small), "--tasks", "piqa,mmlu", "--dry-run", "--json"]
    done = CliRunner().invoke(application(), asked)
    plan = json.loads(done.stdout)
    assert plan["data"] == {"mmlu": "here: mirror", "piqa": "here: mirror"}
    assert plan["settings"]["tasks"] == ["mmlu", "piqa"]
    assert plan["kind"] == "scores"
    assert not rt_home.exists()


def test_an_unknown_task_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match="no task gsm8k; known: core, mmlu, openbookqa"):
        load_settings(CapabilitiesSettings, tasks=("gsm8k",))
    assert load_settings(CapabilitiesSettings, tasks=("core",)).tasks == tuple(BY_TASK)


def test_a_model_or_a_base_must_be_given_and_not_both(tmp_path):
    with pytest.raises(InputError, match="no model is given"):
        measure(CapabilitiesSettings(), tmp_path / "out")
    with pytest.raises(InputError, match="both a model and a base"):
        measure(settings_for(tmp_path), tmp_path / "out", model=tmp_path)


@pytest.mark.slow
def test_the_real_files_are_read_whole(mirror, small, tmp_path):
    artifact = measure(settings_for(small, limit=1), tmp_path / "out")
    data = artifact.summary["data"]
    assert {task: one["rows"] for task, one in data.items()} == {
        "mmlu": 14042,
        "openbookqa": 500,
        "hellaswag": 1000,
        "arc_easy": 2376,
        "arc_challenge": 1172,
        "gsm8k_cot_llama": 1319,
        "piqa": 1838,
    }
    assert [task for task, one in data.items() if one["coverage"] == "partial"] == ["hellaswag"]
    assert artifact.summary["benchmarks"]["mmlu"]["n"] == 57
    assert artifact.summary["not_asked"] == []
